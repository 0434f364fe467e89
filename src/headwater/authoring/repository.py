"""Repositories: definitions gathered by a function, as projects declared them before there was `Definitions`.

A repository stands for the `Definitions` of what its function returned, and is checked as those are. Only jobs, schedules
and sensors that are given as functions are left alone until somebody asks for them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property, update_wrapper
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, overload

from headwater.authoring.asset_job import UnresolvedAssetJobDefinition
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.definitions import GLOBAL_ASSET_JOB, Definitions
from headwater.authoring.graph_definition import GraphDefinition
from headwater.authoring.job import JobDefinition
from headwater.authoring.resources import ResourceDefinition, wrap_resource
from headwater.model.errors import DefinitionError, DefinitionErrors, InvalidDefinitionError, did_you_mean
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from headwater.model.metadata import normalize_metadata
from headwater.model.specs import AssetSpec, checked_name

if TYPE_CHECKING:
    from headwater.authoring.schedules import ScheduleDefinition
    from headwater.authoring.sensors import SensorDefinition
    from headwater.graph.asset_graph import AssetGraph
    from headwater.runtime.instance import Instance
    from headwater.runtime.values import AssetValueLoader

_KINDS: Final = ("jobs", "schedules", "sensors")
_FUNCTIONS: Final = (FunctionType, MethodType, functools.partial)


def _types_of(kind: str) -> tuple[type[Any], ...]:
    # Most programs that load a project have no repository, and many no trigger: each is imported when it is asked for.
    if kind == "jobs":
        return (JobDefinition, UnresolvedAssetJobDefinition, GraphDefinition)
    if kind == "schedules":
        from headwater.authoring.schedules import ScheduleDefinition, UnresolvedPartitionedSchedule

        return (ScheduleDefinition, UnresolvedPartitionedSchedule)
    from headwater.authoring.sensors import SensorDefinition

    return (SensorDefinition,)


class RepositoryData:
    """What a repository holds. A subclass says by methods what a list would; only `get_all_jobs` has to be there."""

    def get_all_jobs(self) -> Sequence[JobDefinition]:
        """Return all jobs."""
        raise NotImplementedError(f"{type(self).__name__} does not say which jobs it has: define get_all_jobs.")

    def get_all_schedules(self) -> Sequence[Any]:
        """Return all schedules; none unless a subclass says otherwise."""
        return []

    def get_all_sensors(self) -> Sequence[Any]:
        """Return all sensors; none unless a subclass says otherwise."""
        return []

    def get_assets_defs_by_key(self) -> Mapping[AssetKey, Any]:
        """Return the definition of each asset that can be built; none unless a subclass says otherwise."""
        return {}

    def get_source_assets_by_key(self) -> Mapping[AssetKey, Any]:
        """Return the assets that something else builds; none unless a subclass says otherwise."""
        return {}

    def get_asset_checks_defs_by_key(self) -> Mapping[AssetCheckKey, Any]:
        """Return the definition of each check; none unless a subclass says otherwise."""
        return {}

    def get_top_level_resources(self) -> Mapping[str, Any]:
        """Return the resources that all share; none unless a subclass says otherwise."""
        return {}

    def get_env_vars_by_top_level_resource(self) -> Mapping[str, Set[str]]:
        """Return the names of the environment variables from which each resource is configured."""
        found = {key: env_vars_of(value) for key, value in self.get_top_level_resources().items()}
        return {key: names for key, names in found.items() if names}

    def get_job(self, job_name: str) -> JobDefinition:
        """Return the job of this name. Raises InvariantViolationError that offers the nearest one."""
        return self.load_definitions().get_job_def(job_name)

    def load_definitions(self) -> Definitions:
        """Return all of it as definitions, sound as a whole. Raises everything that is wrong with it together."""
        return Definitions(
            assets=_each_once([*self.get_assets_defs_by_key().values(), *self.get_source_assets_by_key().values()]),
            asset_checks=_each_once(self.get_asset_checks_defs_by_key().values()),
            jobs=self.get_all_jobs(),
            schedules=self.get_all_schedules(),
            sensors=self.get_all_sensors(),
            resources=self.get_top_level_resources(),
        )


def _each_once(things: Iterable[Any]) -> list[Any]:
    return list({id(thing): thing for thing in things}.values())


class DefinitionsData(RepositoryData):
    """What a repository holds, where that is known whole."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions

    def get_all_jobs(self) -> Sequence[JobDefinition]:
        return self.definitions.get_all_job_defs()

    def get_top_level_resources(self) -> Mapping[str, Any]:
        return self.definitions.resources

    def load_definitions(self) -> Definitions:
        return self.definitions


class NamedData(RepositoryData):
    """Jobs, schedules and sensors by name, some of them functions that make them when they are asked for."""

    def __init__(self, things_by_kind: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]) -> None:
        self._made: dict[tuple[str, str], Any] = {}
        self._things_by_kind = things_by_kind
        self._shared = shared

    def names(self, kind: str) -> list[str]:
        """Return the names of all jobs, schedules or sensors. Nothing is made for that."""
        return list(self._things_by_kind.get(kind, ()))

    def _get(self, kind: str, name: str) -> Any:
        made = self._made.get((kind, name))
        if made is None:
            given = self._things_by_kind[kind][name]
            made = given() if isinstance(given, _FUNCTIONS) else given
            if problem := _misplaced(kind, name, made, "The function that makes"):
                raise problem
            self._made[kind, name] = made
        return made

    def _all(self, kind: str) -> list[Any]:
        return [self._get(kind, name) for name in self.names(kind)]

    def get_all_jobs(self) -> Sequence[JobDefinition]:
        return self._all("jobs")

    def get_all_schedules(self) -> Sequence[Any]:
        return self._all("schedules")

    def get_all_sensors(self) -> Sequence[Any]:
        return self._all("sensors")

    def get_job(self, job_name: str) -> JobDefinition:
        if job_name not in self.names("jobs"):
            return super().get_job(job_name)
        # Only this one: the others may be dear to make.
        return Definitions(jobs=[self._get("jobs", job_name)], is_part=True, **self._shared).get_job_def(job_name)

    def load_definitions(self) -> Definitions:
        problems: list[DefinitionError] = []
        things: dict[str, Any] = {kind: [] for kind in _KINDS}
        for kind, found in things.items():
            for name in self.names(kind):
                try:
                    found.append(self._get(kind, name))
                except DefinitionError as error:
                    problems.append(error)
        return _sound(Definitions(**things, **self._shared, is_part=True), problems)


def _misplaced(kind: str, name: str, thing: Any, who: str) -> DefinitionError | None:
    one = kind[:-1]
    if not isinstance(thing, _types_of(kind)):
        return InvalidDefinitionError(
            what=f'{who} the {one} "{name}" gives {thing!r}, of the type {type(thing).__name__}.',
            why=f"It is not a {one}.",
            fix=f"Give what @{one} makes, or a function without parameters that returns it.",
        )
    if thing.name != name:
        return InvalidDefinitionError(
            what=f'{who} the {one} "{name}" gives one that is called "{thing.name}".',
            why="It could be found by neither of the names.",
            fix=f'Write {{"{thing.name}": ...}}, or rename the {one}.',
        )
    return None


def _sound(definitions: Definitions, problems: Sequence[DefinitionError] = ()) -> Definitions:
    """Return the definitions as a whole. Raises what is wrong with them, and these problems, together."""
    found = [*problems, *definitions.problems()]
    if len(found) == 1:
        raise found[0]
    if found:
        raise DefinitionErrors(found)
    definitions.is_part = False
    return definitions


class RepositoryDefinition:
    """Definitions under a name: what `@repository` makes of a function, and `Definitions.get_repository_def()` returns."""

    def __init__(
        self,
        name: str,
        *,
        repository_data: RepositoryData,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = checked_name(name, "a repository")
        self.description = description
        self.metadata: Mapping[str, Any] = normalize_metadata(metadata)
        self.repository_data = repository_data

    def __call__(self) -> RepositoryDefinition:
        return self

    @cached_property
    def definitions(self) -> Definitions:
        """All that the repository holds. Functions that make jobs, schedules or sensors are called for it."""
        return self.repository_data.load_definitions()

    def load_all_definitions(self) -> None:
        """Make everything that is made only when asked for. Raises what is wrong with it."""
        _ = self.definitions.get_all_job_defs()

    def validate_loadable(self) -> None:
        """Raise everything that is wrong with the repository, together."""
        self.definitions.validate()
        self.load_all_definitions()

    # ------------------------------------------------------------------------------------------------------------ jobs

    @property
    def job_names(self) -> list[str]:
        """The names of all jobs, those that schedules and sensors start among them, and of the job of all assets."""
        named = [job_def.name for job_def in self.definitions.get_all_job_defs()]
        return [*named, GLOBAL_ASSET_JOB] if self.has_implicit_global_asset_job_def() else named

    def has_job(self, name: str) -> bool:
        """Whether there is a job of this name. Jobs that a function makes are not made for that."""
        if isinstance(self.repository_data, NamedData) and name in self.repository_data.names("jobs"):
            return True
        return name in self.job_names

    def get_job(self, name: str) -> JobDefinition:
        """Return the job of this name; of jobs that functions make, only this one is made.

        Raises InvariantViolationError that offers the nearest name.
        """
        return self.repository_data.get_job(name)

    def get_all_jobs(self) -> Sequence[JobDefinition]:
        """Return all jobs, each with what the repository gives it, by name."""
        return [self.definitions.get_job_def(name) for name in sorted(self.job_names)]

    def get_maybe_subset_job_def(
        self,
        job_name: str,
        op_selection: Iterable[str] | None = None,
        asset_selection: Set[AssetKey] | None = None,
        asset_check_selection: Set[AssetCheckKey] | None = None,
    ) -> JobDefinition:
        """Return the job of this name, or the selected part of it."""
        return self.get_job(job_name).get_subset(
            op_selection=op_selection, asset_selection=asset_selection, asset_check_selection=asset_check_selection
        )

    def has_implicit_global_asset_job_def(self) -> bool:
        """Whether there is anything that the job of all assets could do."""
        return self.definitions.has_implicit_global_asset_job_def()

    def get_implicit_global_asset_job_def(self) -> JobDefinition:
        """Return the job of all assets that can be built here."""
        return self.definitions.global_asset_job

    def get_implicit_asset_job_names(self) -> Sequence[str]:
        """Return the name of the job of all assets, in a list; nothing where there are no assets."""
        return [GLOBAL_ASSET_JOB] if self.has_implicit_global_asset_job_def() else []

    def get_implicit_job_def_for_assets(self, asset_keys: Iterable[AssetKey]) -> JobDefinition | None:
        """Return the job of all assets when it has these, else None."""
        return self.definitions.resolve_implicit_job_def_def_for_assets(asset_keys)

    # -------------------------------------------------------------------------------------------------------- triggers

    @property
    def schedule_defs(self) -> Sequence[ScheduleDefinition]:
        """All schedules."""
        return [self.definitions.get_schedule_def(schedule.name) for schedule in self.definitions.schedules]

    def has_schedule_def(self, name: str) -> bool:
        """Whether there is a schedule of this name."""
        return any(schedule.name == name for schedule in self.definitions.schedules)

    def get_schedule_def(self, name: str) -> ScheduleDefinition:
        """Return the schedule of this name. Raises InvariantViolationError that offers the nearest one."""
        found: ScheduleDefinition = self.definitions.get_schedule_def(name)
        return found

    @property
    def sensor_defs(self) -> Sequence[SensorDefinition]:
        """All sensors."""
        return list(self.definitions.sensors)

    def has_sensor_def(self, name: str) -> bool:
        """Whether there is a sensor of this name."""
        return any(sensor.name == name for sensor in self.definitions.sensors)

    def get_sensor_def(self, name: str) -> SensorDefinition:
        """Return the sensor of this name. Raises InvariantViolationError that offers the nearest one."""
        found: SensorDefinition = self.definitions.get_sensor_def(name)
        return found

    # ---------------------------------------------------------------------------------------------- assets, resources

    @property
    def asset_graph(self) -> AssetGraph:
        """The graph of all assets and checks."""
        return self.definitions.graph

    @property
    def assets_defs_by_key(self) -> Mapping[AssetKey, AssetsDefinition]:
        """The definition of each asset that can be built or observed here."""
        return {
            key: definition
            for key, definition in self.definitions.index.definition_by_key.items()
            if definition.is_executable
        }

    @property
    def source_assets_by_key(self) -> Mapping[AssetKey, AssetsDefinition]:
        """The definition of each asset that something else builds."""
        return {
            key: definition
            for key, definition in self.definitions.index.definition_by_key.items()
            if not definition.is_executable
        }

    @property
    def asset_checks_defs_by_key(self) -> Mapping[AssetCheckKey, AssetsDefinition]:
        """The definition that evaluates each check."""
        return dict(self.definitions.index.definition_by_check)

    def get_top_level_resources(self) -> Mapping[str, ResourceDefinition]:
        """Return the resources that all share, as definitions; those that single assets bring are not among them."""
        return {key: wrap_resource(value) for key, value in self.repository_data.get_top_level_resources().items()}

    def get_env_vars_by_top_level_resource(self) -> Mapping[str, Set[str]]:
        """Return the names of the environment variables from which each resource that all share is configured."""
        return self.repository_data.get_env_vars_by_top_level_resource()

    def load_asset_value(self, asset_key: CoercibleToAssetKey, **options: Any) -> Any:
        """Load the stored value of an asset. Options: python_type, instance, partition_key, metadata, resource_config."""
        return self.definitions.load_asset_value(asset_key, **options)

    def get_asset_value_loader(self, instance: Instance | None = None) -> AssetValueLoader:
        """Return a loader of stored values that sets resources up once; use it in a with statement."""
        return self.definitions.get_asset_value_loader(instance)

    def __repr__(self) -> str:
        return f"RepositoryDefinition({self.name!r})"


def env_vars_of(resource: Any) -> frozenset[str]:
    """Return the names of the environment variables that a resource's given configuration holds."""
    from headwater.authoring.config.env_var import env_var_name_in
    from headwater.authoring.config.plain import plain_config
    from headwater.authoring.config.schema import is_model

    found: set[str] = set()

    def note(value: Any) -> None:
        name = env_var_name_in(value)
        if name is not None:
            found.add(name)
        elif is_model(value):
            note(plain_config(value))
        elif isinstance(value, Mapping):
            for inner in value.values():
                note(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                note(inner)

    note(resource)
    return frozenset(found)


# ----------------------------------------------------------------------------------------------------------- decorator


@overload
def repository(definitions_fn: Callable[[], Any], /) -> RepositoryDefinition: ...


@overload
def repository(
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    default_executor_def: Any = None,
    default_logger_defs: Mapping[str, Any] | None = None,
) -> Callable[[Callable[[], Any]], RepositoryDefinition]: ...


def repository(
    definitions_fn: Callable[[], Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    default_executor_def: Any = None,
    default_logger_defs: Mapping[str, Any] | None = None,
) -> Any:
    """Make a repository of a function without parameters, which is called once, at once.

    It returns a list of assets, source assets, checks, jobs, graphs, schedules and sensors (lists in it are opened); or a
    dict with "jobs", "schedules" and "sensors", each a dict by name of such definitions or of functions that make one when
    it is asked for; or a RepositoryData. The executor and the loggers are for jobs that have none.
    Raises DefinitionErrors (or the one error itself) with everything that is wrong.
    """

    def decorate(function: Callable[[], Any]) -> RepositoryDefinition:
        shared = {"executor": default_executor_def, "loggers": default_logger_defs}
        made = RepositoryDefinition(
            name or function.__name__,
            repository_data=_data_of(name or function.__name__, function(), shared),
            description=description,
            metadata=metadata,
        )
        update_wrapper(made, function, updated=())
        return made

    return decorate(definitions_fn) if definitions_fn is not None else decorate


def _data_of(name: str, returned: Any, shared: Mapping[str, Any]) -> RepositoryData:
    if isinstance(returned, RepositoryData):
        return returned
    if isinstance(returned, Mapping):
        return _data_of_names(name, returned, shared)
    if isinstance(returned, list | tuple):
        things, problems = _sorted_by_kind(name, returned)
        return DefinitionsData(_sound(Definitions(**things, **shared, is_part=True), problems))
    raise InvalidDefinitionError(
        what=f'The function of repository "{name}" returned {returned!r}, of the type {type(returned).__name__}.',
        why="It is called for the definitions that the repository holds.",
        fix='Return a list of definitions, or a dict with "jobs", "schedules" and "sensors".',
    )


def _data_of_names(name: str, returned: Mapping[Any, Any], shared: Mapping[str, Any]) -> RepositoryData:
    problems: list[DefinitionError] = []
    has_functions = False
    for kind, things in returned.items():
        if kind not in _KINDS:
            problems.append(
                InvalidDefinitionError(
                    what=f'The function of repository "{name}" returned a dict with the key {kind!r}.',
                    why=f"It may have: {', '.join(_KINDS)}.",
                    fix=did_you_mean(str(kind), _KINDS) or "Return a list, which may hold assets, too.",
                )
            )
        elif not isinstance(things, Mapping):
            problems.append(
                InvalidDefinitionError(
                    what=f'The function of repository "{name}" returned {kind!r} as {kind_of(things)}.',
                    why="In a dict, definitions stand under their names.",
                    fix=f'Write {{"{kind}": {{"name": ...}}}}, or return a list of all definitions.',
                )
            )
        else:
            for key, thing in things.items():
                if isinstance(thing, _FUNCTIONS):
                    has_functions = True
                elif problem := _misplaced(kind, str(key), thing, "What stands for"):
                    problems.append(problem)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise DefinitionErrors(problems)
    data = NamedData(returned, shared)
    if not has_functions:
        data.load_definitions()
    return data


def _sorted_by_kind(name: str, returned: Sequence[Any], at: str = "") -> tuple[dict[str, Any], list[DefinitionError]]:
    things: dict[str, Any] = {key: [] for key in ("assets", "asset_checks", *_KINDS)}
    problems: list[DefinitionError] = []
    for index, thing in enumerate(returned):
        if isinstance(thing, list | tuple):
            inside, more = _sorted_by_kind(name, thing, f"{at}[{index}]")
            for inner, found in inside.items():
                things[inner] += found
            problems += more
        elif isinstance(thing, AssetChecksDefinition):
            things["asset_checks"].append(thing)
        elif isinstance(thing, AssetsDefinition | AssetSpec) or hasattr(thing, "to_assets_definition"):
            things["assets"].append(thing)
        elif kind := next((one for one in _KINDS if isinstance(thing, _types_of(one))), None):
            things[kind].append(thing)
        else:
            fix = "Return its parts, or use Definitions alone." if isinstance(thing, Definitions) else "Take it out."
            problems.append(
                InvalidDefinitionError(
                    what=f'The list of repository "{name}" has {thing!r} at {at}[{index}], of the type {type(thing).__name__}.',
                    why="It holds assets, source assets, checks, jobs, graphs, schedules and sensors.",
                    fix=fix,
                )
            )
    return things, problems


def create_repository_using_definitions_args(
    name: str,
    assets: Iterable[Any] | None = None,
    schedules: Iterable[Any] | None = None,
    sensors: Iterable[Any] | None = None,
    jobs: Iterable[Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    executor: Any = None,
    loggers: Mapping[str, Any] | None = None,
    asset_checks: Iterable[Any] | None = None,
) -> RepositoryDefinition:
    """Return a repository of this name with what `Definitions` would hold; for modules that have several of them."""
    definitions = Definitions(
        assets=assets,
        schedules=schedules,
        sensors=sensors,
        jobs=jobs,
        resources=resources,
        executor=executor,
        loggers=loggers,
        asset_checks=asset_checks,
    )
    return RepositoryDefinition(name, repository_data=DefinitionsData(definitions))
