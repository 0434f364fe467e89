"""`.configured`: a definition whose configuration is already given, or made by a function from a smaller one.

Each use adds a stage: what the outside gives is checked against the stage's schema, its function makes the
configuration of what lies within, and that is checked in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from headwater.authoring.config.resolve import examine_config, resolve_config
from headwater.authoring.config.schema import NO_VALUE, ConfigSchema, is_model_class, schema_of
from headwater.model.errors.config import ConfigFault, ConfigFunctionError, config_error
from headwater.model.errors.root import HeadwaterError

NOTHING_TO_CONFIGURE: ConfigSchema = schema_of({})


@dataclass(frozen=True, slots=True)
class ConfigStage:
    """One use of `.configured`: `make` turns what fits `schema` into the configuration of what lies within."""

    schema: ConfigSchema
    make: Callable[[Any], Any]
    name: str
    model: type[Any] | None = None

    def apply(self, value: Any, path: str, *, resolve_env: bool) -> Any:
        """Return the inner configuration that `value` makes. Raises InvalidConfigError and ConfigFunctionError."""
        given = resolved_argument(self.schema, self.model, value, path, resolve_env=resolve_env)
        try:
            return self.make(given)
        except HeadwaterError:
            raise
        except Exception as error:
            raise ConfigFunctionError(self.name, error) from error


def resolved_argument(
    schema: ConfigSchema, model: type[Any] | None, value: Any, path: str, *, resolve_env: bool = True
) -> Any:
    """Return what a function that takes configuration is given: an object of `model`, or plain resolved values."""
    if model is None:
        return resolve_config(schema, value, path, resolve_env=resolve_env)
    from headwater.authoring.config.pydantic_config import build_config_object

    return build_config_object(model, None if value is NO_VALUE else value, path, resolve_env=resolve_env)


def parameter_model(function: Callable[..., Any]) -> type[Any] | None:
    """Return the pydantic class that annotates the first parameter of `function`, if one does."""
    annotations = getattr(function, "__annotations__", {})
    first = next((annotation for name, annotation in annotations.items() if name != "return"), None)
    if isinstance(first, str):
        from typing import get_type_hints

        try:
            hints = get_type_hints(function)
        except NameError:
            return None
        first = next((annotation for name, annotation in hints.items() if name != "return"), None)
    return first if is_model_class(first) else None


def resolve_through(
    stages: tuple[ConfigStage, ...],
    inner_schema: ConfigSchema,
    value: Any,
    path: str = "config",
    *,
    resolve_env: bool = True,
) -> Any:
    """Return the resolved configuration of the innermost definition: `stages` are applied outermost first."""
    if not stages:
        return resolve_config(inner_schema, value, path, resolve_env=resolve_env)
    for stage in stages:
        value = stage.apply(value, path, resolve_env=resolve_env)
    resolved, faults = examine_config(inner_schema, value, path, resolve_env=resolve_env)
    if faults:
        raise config_error(faults, why=f"It was made by {stages[-1].name}, not given by the run.")
    return resolved


class Configurable:
    """What definitions with a `config_schema` share: `.configured`. Each has its own `copy_for_configured`."""

    @property
    def config_schema(self) -> ConfigSchema:
        """What a configuration of this definition must look like."""
        raise NotImplementedError

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Self:
        """Return this definition with `stage` outside the stages that it has."""
        raise NotImplementedError

    def _configured(self, given: Any, name: str | None, config_schema: Any, description: str | None) -> Self:
        stage = configured_stage(self.config_schema, given, config_schema, name or type(self).__name__)
        return self.copy_for_configured(name=name, description=description, stage=stage)


class AnonymousConfigurable(Configurable):
    """A definition without a name of its own: a resource, an IO manager, an executor, a logger."""

    def configured(self, config_or_config_fn: Any, config_schema: Any = None, description: str | None = None) -> Self:
        """Return this definition with its configuration given, or made by a function of one that fits `config_schema`.

        A given configuration is checked at once, apart from environment variables. Raises InvalidConfigError.
        """
        return self._configured(config_or_config_fn, None, config_schema, description)


class NamedConfigurable(Configurable):
    """A definition with a name: an op or a graph, which is given a new one."""

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: Any = None,
        description: str | None = None,
    ) -> Self:
        """Return this definition as `name`, with its configuration given, or made by a function from one that fits
        `config_schema`. The name of the function serves when none is given. Raises InvalidConfigError."""
        if name is None and callable(config_or_config_fn):
            name = getattr(config_or_config_fn, "__name__", None)
        return self._configured(config_or_config_fn, name, config_schema, description)


def configured_stage(inner: ConfigSchema, given: Any, config_schema: Any, name: str) -> ConfigStage:
    """Return the stage that `.configured(given)` adds around a definition whose schema is `inner`."""
    if callable(given):
        model = parameter_model(given)
        schema = schema_of(config_schema if config_schema is not None else model)
        return ConfigStage(schema, given, getattr(given, "__name__", name), model)
    _, faults = examine_config(inner, given, "configured", resolve_env=False)
    if faults:
        raise config_error([ConfigFault(fault.location, fault.problem, fault.fix) for fault in faults])
    return ConfigStage(NOTHING_TO_CONFIGURE, lambda _: given, f"the configured {name}")


ConfigurableT = TypeVar("ConfigurableT", bound=Configurable)


def configured(configurable: ConfigurableT, config_schema: Any = None, **kwargs: Any) -> Callable[[Any], ConfigurableT]:
    """Return a decorator that makes `configurable` with its configuration given by what it decorates.

    Used over a function from one configuration to another, or called with a configuration:
    `configured(my_op, name="five")({"n": 5})`. `kwargs` are `name` (of ops and graphs) and `description`.
    """
    arguments: Mapping[str, Any] = {"config_schema": config_schema, **kwargs}

    def apply(config_or_config_fn: Any) -> ConfigurableT:
        made: ConfigurableT = configurable.configured(config_or_config_fn, **arguments)  # type: ignore[attr-defined]
        return made

    return apply
