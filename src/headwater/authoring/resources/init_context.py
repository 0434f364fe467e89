"""What a resource is told when it is set up, and the namespace through which resources are reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from headwater.model.errors.resources import UnknownResourceError

if TYPE_CHECKING:
    import logging

    from headwater.model.runs import Run
    from headwater.runtime.instance import Instance


class ScopedResources:
    """The resources that some code asked for, as attributes. Any other name raises UnknownResourceError."""

    __slots__ = ("_value_by_key",)

    def __init__(self, value_by_key: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_value_by_key", dict(value_by_key))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._value_by_key[name]
        except KeyError:
            raise UnknownResourceError(name, self._value_by_key) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"resources are read, not set: {name}")

    def __iter__(self) -> Iterator[Any]:
        """The values, in the order in which they were asked for."""
        return iter(self._value_by_key.values())

    def __contains__(self, key: object) -> bool:
        return key in self._value_by_key

    def __len__(self) -> int:
        return len(self._value_by_key)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._value_by_key]

    def _asdict(self) -> dict[str, Any]:
        """Return the values by key."""
        return dict(self._value_by_key)

    def __repr__(self) -> str:
        return f"ScopedResources({', '.join(self._value_by_key)})"


class InitResourceContext:
    """What a resource is told when it is set up: its configuration, the resources that it needs, the run and a log.

    `run` and `run_id` are None outside a run; `instance` is None where there is none. One that was made by
    `build_init_resource_context` tears down its resources when it is used in a `with` statement.
    """

    __slots__ = (
        "_all_resource_defs",
        "_close",
        "_instance",
        "_log",
        "_original_resource_dict",
        "_resource_config",
        "_resource_def",
        "_resources",
        "_run",
    )

    def __init__(
        self,
        resource_config: Any = None,
        resources: ScopedResources | None = None,
        resource_def: Any = None,
        all_resource_defs: Mapping[str, Any] | None = None,
        instance: Instance | None = None,
        run: Run | None = None,
        log: logging.Logger | None = None,
        original_resource_dict: Mapping[str, Any] | None = None,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._close = close
        self._resource_config = resource_config
        self._resources = resources if resources is not None else ScopedResources({})
        self._resource_def = resource_def
        self._all_resource_defs = dict(all_resource_defs or {})
        self._original_resource_dict = dict(original_resource_dict or {})
        self._instance = instance
        self._run = run
        self._log = log

    def __enter__(self) -> InitResourceContext:
        return self

    def __exit__(self, *error: object) -> None:
        if self._close is not None:
            self._close()

    @property
    def resource_config(self) -> Any:
        """The resolved configuration: defaults filled in, environment variables looked up."""
        return self._resource_config

    @property
    def resources(self) -> ScopedResources:
        """The resources that this one said it needs, as attributes."""
        return self._resources

    @property
    def resource_def(self) -> Any:
        """The definition that is being set up."""
        return self._resource_def

    @property
    def all_resource_defs(self) -> Mapping[str, Any]:
        """Every definition of the run, by key."""
        return self._all_resource_defs

    @property
    def original_resource_dict(self) -> Mapping[str, Any]:
        """What the author gave for every key, before it was made a definition."""
        return self._original_resource_dict

    @property
    def instance(self) -> Instance | None:
        """The instance in which the run is recorded, or None outside one."""
        return self._instance

    @property
    def run(self) -> Run | None:
        """The run, or None outside one."""
        return self._run

    @property
    def run_id(self) -> str | None:
        """The id of the run, or None outside one."""
        return getattr(self._run, "run_id", None)

    @property
    def dagster_run(self) -> Run | None:
        """The run, by the name that programs moved here may use."""
        return self._run

    @property
    def log(self) -> logging.Logger:
        """Where a resource logs while it is set up and torn down."""
        if self._log is not None:
            return self._log
        import logging

        return logging.getLogger("headwater")

    @property
    def log_manager(self) -> logging.Logger:
        """The same as `log`."""
        return self.log

    def replace_config(self, config: Any) -> InitResourceContext:
        """Return this context with another `resource_config`."""
        return InitResourceContext(
            resource_config=config,
            resources=self._resources,
            resource_def=self._resource_def,
            all_resource_defs=self._all_resource_defs,
            instance=self._instance,
            run=self._run,
            log=self._log,
            original_resource_dict=self._original_resource_dict,
        )
