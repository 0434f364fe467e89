"""ConfigMapping: a job's or graph's own configuration, from which that of its ops is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, overload

from headwater.authoring.config.configured import parameter_model, resolved_argument
from headwater.authoring.config.plain import plain_config
from headwater.authoring.config.run_config import RunConfig, run_config_dict
from headwater.authoring.config.schema import ConfigSchema, schema_of
from headwater.model.errors.config import ConfigFunctionError
from headwater.model.errors.root import HeadwaterError


class ConfigMapping:
    """`config_fn` makes the inner configuration from one that fits `config_schema`.

    For a job the result is a run configuration (a mapping or RunConfig), for a graph the mapping of its nodes to
    theirs. With `receive_processed_config_values=False` the function gets what was given, checked but without
    defaults filled in.
    """

    __slots__ = ("_model", "config_fn", "config_schema", "receive_processed_config_values")

    def __init__(
        self,
        config_fn: Callable[[Any], Any],
        config_schema: Any = None,
        receive_processed_config_values: bool | None = None,
    ) -> None:
        self.config_fn = config_fn
        self._model = parameter_model(config_fn)
        self.config_schema: ConfigSchema = schema_of(config_schema if config_schema is not None else self._model)
        self.receive_processed_config_values = receive_processed_config_values is not False

    def resolve(self, value: Any, path: str = "config") -> dict[str, Any]:
        """Return the inner configuration as a plain mapping. Raises InvalidConfigError and ConfigFunctionError."""
        argument = resolved_argument(self.config_schema, self._model, value, path)
        if not self.receive_processed_config_values and self._model is None:
            argument = plain_config(value)
        name = getattr(self.config_fn, "__name__", "of the mapping")
        try:
            made = self.config_fn(argument)
        except HeadwaterError:
            raise
        except Exception as error:
            raise ConfigFunctionError(name, error) from error
        if made is None or isinstance(made, RunConfig | Mapping):
            return run_config_dict(made)
        raise ConfigFunctionError(name, TypeError(f"it returned {type(made).__name__}, where a mapping is needed"))

    def __call__(self, value: Any) -> Any:
        """Call the function itself."""
        return self.config_fn(value)


@overload
def config_mapping(config_fn: Callable[..., Any]) -> ConfigMapping: ...
@overload
def config_mapping(
    config_fn: None = None, *, config_schema: Any = None, receive_processed_config_values: bool | None = None
) -> Callable[[Callable[..., Any]], ConfigMapping]: ...
def config_mapping(
    config_fn: Callable[..., Any] | None = None,
    *,
    config_schema: Any = None,
    receive_processed_config_values: bool | None = None,
) -> ConfigMapping | Callable[[Callable[..., Any]], ConfigMapping]:
    """Make a function from one configuration to another a ConfigMapping. A Config may annotate its parameter."""
    if config_fn is not None:
        return ConfigMapping(config_fn)

    def wrap(function: Callable[..., Any]) -> ConfigMapping:
        return ConfigMapping(function, config_schema, receive_processed_config_values)

    return wrap
