"""The life of resources: set up once when first needed, handed to every step, torn down in reverse.

The promise: whatever was set up is torn down, also when a later set-up, a step or another teardown failed; and no error
hides another.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from threading import RLock
from types import TracebackType
from typing import Any

from headwater.authoring.config.run_config import RunConfig, run_config_dict
from headwater.authoring.config.schema import NO_VALUE
from headwater.authoring.resources.definition import ResourceDefinition, context_manager_of
from headwater.authoring.resources.init_context import InitResourceContext, ScopedResources
from headwater.authoring.resources.normalized import in_setup_order, keys_by_identity, wrap_resource
from headwater.model.errors.config import ConfigFault, InvalidConfigError, config_error
from headwater.model.errors.resources import (
    MissingResourceError,
    ResourceSetupError,
    ResourceTeardownError,
    UnknownResourceError,
)
from headwater.model.errors.root import did_you_mean


class ResourceSession:
    """The resources of one process: definitions by key, each set up at most once, when `open` first asks for it.

    `run_config_resources` is the `resources` section of the run configuration: {"db": {"config": {...}}}.
    """

    def __init__(
        self,
        definitions_by_key: Mapping[str, Any],
        run_config_resources: Mapping[str, Any] | None = None,
        instance: Any = None,
        log: Any = None,
        run: Any = None,
    ) -> None:
        self._original_by_key = dict(definitions_by_key)
        self._definition_by_key = {key: wrap_resource(value) for key, value in self._original_by_key.items()}
        self._identities = keys_by_identity(self._original_by_key)
        # Steps may run in several threads of one process, and each asks for what it needs.
        self._lock = RLock()
        self._given_by_key = dict(run_config_resources or {})
        self._instance = instance
        self._log = log
        self._run = run
        self._value_by_key: dict[str, Any] = {}
        self._config_by_key: dict[str, Any] = {}
        self._teardown_by_key: dict[str, Callable[[], object]] = {}

    @property
    def definition_by_key(self) -> Mapping[str, ResourceDefinition]:
        """Every definition, by key."""
        return self._definition_by_key

    @property
    def open_keys(self) -> tuple[str, ...]:
        """The keys of the resources that are set up, in the order in which they were."""
        return tuple(self._value_by_key)

    def open(self, keys: Iterable[str]) -> None:
        """Set up these resources and all that they need, each after what it needs; those already set up stay.

        The configuration of all of them is checked first. If one cannot be set up, those that this call set up are torn
        down before the error is raised; what earlier calls set up stays until `close`.
        Raises MissingResourceError, ResourceCycleError, InvalidConfigError with the faults of all of them, and
        ResourceSetupError from what the user's code raised.
        """
        with self._lock:
            order = self._setup_order(list(keys))
            self._resolve_configs(order)
            held_before = self.open_keys
            for key in order:
                self._set_up_or_undo(key, held_before)

    def resources_for(self, keys: Iterable[str]) -> ScopedResources:
        """Return these resources as a namespace. Raises UnknownResourceError for one that is not set up."""
        values: dict[str, Any] = {}
        for key in keys:
            if key not in self._value_by_key:
                raise UnknownResourceError(key, self._value_by_key)
            values[key] = self._value_by_key[key]
        return ScopedResources(values)

    def config_of(self, key: str) -> Any:
        """Return the resolved configuration with which a resource was set up; None for one that was not."""
        return self._config_by_key.get(key)

    def close(self) -> None:
        """Tear down everything, latest first. When all are done, raises ResourceTeardownError if any raised."""
        with self._lock:
            failures = self._tear_down()
        for _, failure in failures:
            if not isinstance(failure, Exception):
                raise failure  # an interrupt, held back until the others were torn down
        if failures:
            raise ResourceTeardownError(failures) from failures[0][1]

    def __enter__(self) -> ResourceSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        # What failed inside is what the user must see; teardown errors are told beside it.
        with self._lock:
            failures = self._tear_down()
        for key, failure in failures:
            error.add_note(f'While tearing down, the resource "{key}" raised {failure!r}.')

    def _setup_order(self, keys: list[str]) -> list[str]:
        needed: dict[str, frozenset[str]] = {}
        waiting = [(key, "what is to run") for key in keys]
        while waiting:
            key, asker = waiting.pop()
            if key in needed or key in self._value_by_key:
                continue
            if key not in self._definition_by_key:
                raise MissingResourceError(key, asker, self._definition_by_key)
            needed[key] = self._definition_by_key[key].required_keys_among(self._identities)
            waiting += [(other, f'the resource "{key}"') for other in needed[key]]
        return in_setup_order(keys, needed)

    def _resolve_configs(self, keys: Iterable[str]) -> None:
        faults: list[ConfigFault] = []
        examples: list[str] = []
        for key in keys:
            if key in self._config_by_key:
                continue
            try:
                given = _given_config(self._given_by_key, key)
                self._config_by_key[key] = self._definition_by_key[key].resolve(given, f"resources.{key}.config")
            except InvalidConfigError as error:
                faults += error.faults
                examples.append(error.example)
        if faults:
            raise config_error(faults, example="; ".join(filter(None, examples)), why="No resource was set up.")

    def _set_up_or_undo(self, key: str, held_before: tuple[str, ...]) -> None:
        try:
            self._set_up(key)
        except BaseException as error:
            for other, failure in self._tear_down(keep=held_before):
                error.add_note(f'While tearing down, the resource "{other}" raised {failure!r}.')
            if isinstance(error, Exception) and not isinstance(error, InvalidConfigError):
                raise ResourceSetupError(key, error) from error
            raise

    def _set_up(self, key: str) -> None:
        definition = self._definition_by_key[key]
        context = InitResourceContext(
            resource_config=self._config_by_key[key],
            resources=self.resources_for(sorted(definition.required_keys_among(self._identities))),
            resource_def=definition,
            all_resource_defs=self._definition_by_key,
            instance=self._instance,
            run=self._run,
            log=self._log,
            original_resource_dict=self._original_by_key,
        )
        made = definition.make(context)
        manager = context_manager_of(made)
        if manager is None:
            self._value_by_key[key] = made
            return
        self._value_by_key[key] = manager.__enter__()
        self._teardown_by_key[key] = lambda: manager.__exit__(None, None, None)

    def _tear_down(self, keep: tuple[str, ...] = ()) -> list[tuple[str, BaseException]]:
        """Tear down all but the first ones kept, latest first, and return what they raised."""
        failures: list[tuple[str, BaseException]] = []
        for key in reversed([key for key in self._value_by_key if key not in keep]):
            tear_down = self._teardown_by_key.pop(key, None)
            del self._value_by_key[key]
            if tear_down is None:
                continue
            try:
                tear_down()
            except BaseException as error:
                failures.append((key, error))
        self._config_by_key = {key: self._config_by_key[key] for key in self._value_by_key}
        return failures


def _given_config(given_by_key: Mapping[str, Any], key: str) -> Any:
    given = given_by_key.get(key)
    if given is None:
        return NO_VALUE
    if not isinstance(given, Mapping):
        fault = ConfigFault(f"resources.{key}", "must be a mapping with the field config.", '{"config": {...}}')
        raise InvalidConfigError([fault])
    unknown = [
        ConfigFault(
            f"resources.{key}.{name}", "there is no such field.", f'{did_you_mean(name, ["config"])}It is "config".'
        )
        for name in given
        if name != "config"
    ]
    if unknown:
        raise InvalidConfigError(unknown)
    return given.get("config", NO_VALUE)


def resource_config_faults(
    definitions_by_key: Mapping[str, Any],
    run_config_resources: Mapping[str, Any] | None,
    keys: Iterable[str] | None = None,
) -> tuple[ConfigFault, ...]:
    """Return what is wrong with the `resources` section of a run configuration, without looking up any variable.

    `keys` are the resources that the run needs: only theirs must be complete; by default all must.
    """
    given_by_key = dict(run_config_resources or {})
    faults = [
        ConfigFault(f"resources.{key}", "there is no such resource.", did_you_mean(key, definitions_by_key).rstrip())
        for key in given_by_key
        if key not in definitions_by_key
    ]
    for key in definitions_by_key if keys is None else keys:
        if key not in definitions_by_key:
            continue
        try:
            given = _given_config(given_by_key, key)
            if given is NO_VALUE and _is_configured(definitions_by_key[key]):
                continue
            definition = wrap_resource(definitions_by_key[key])
            definition.resolve(given, f"resources.{key}.config", resolve_env=False)
        except InvalidConfigError as error:
            faults += error.faults
    return tuple(faults)


def _is_configured(resource: Any) -> bool:
    """Return whether nothing is left to configure: an object was validated when it was made."""
    if isinstance(resource, ResourceDefinition):
        return False
    kind = type(resource)
    return hasattr(kind, "process_config_and_initialize") or not hasattr(kind, "get_resource_definition")


def build_init_resource_context(
    config: Mapping[str, Any] | Any = None, resources: Mapping[str, Any] | None = None, instance: Any = None
) -> InitResourceContext:
    """Return a context with which a resource definition can be called in a test.

    `resources` are set up if they are definitions or resource classes. Those that have a teardown are torn down when
    the context is used in a `with` statement.
    """
    session = ResourceSession(resources or {}, instance=instance)
    session.open(resources or {})
    return InitResourceContext(
        resource_config={} if config is None else config,
        resources=session.resources_for(resources or {}),
        all_resource_defs=session.definition_by_key,
        instance=instance,
        original_resource_dict=resources,
        close=session.close,
    )


@contextmanager
def build_resources(
    resources: Mapping[str, Any],
    instance: Any = None,
    resource_config: Mapping[str, Any] | None = None,
    dagster_run: Any = None,
    log_manager: Any = None,
    run_config: RunConfig | Mapping[str, Any] | None = None,
) -> Generator[ScopedResources]:
    """Set up resources outside a run, give them as a namespace, and tear them down after.

    `resource_config` is as the `resources` section of a run configuration, {"db": {"config": {...}}}; `run_config` a
    whole run configuration of which that section is read.
    """
    section = {
        **run_config_dict(run_config).get("resources", {}),
        **run_config_dict({"resources": resource_config or {}})["resources"],
    }
    with ResourceSession(resources, section, instance=instance, log=log_manager, run=dagster_run) as session:
        session.open(resources)
        yield session.resources_for(resources)
