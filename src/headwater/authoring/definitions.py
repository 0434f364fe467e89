"""Definitions: everything of one project together. What is wrong with it is found here, all at once, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from headwater.authoring.asset_index import AssetIndex
from headwater.authoring.asset_job import UnresolvedAssetJobDefinition
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.definition_problems import GLOBAL_ASSET_JOB as GLOBAL_ASSET_JOB, problems_of, two_resources
from headwater.authoring.executors import ExecutorDefinition, executor_definition_of
from headwater.authoring.job import JobDefinition
from headwater.authoring.running import runtime_function
from headwater.model.errors import (
    DefinitionError,
    DefinitionErrors,
    InvariantViolationError,
    did_you_mean,
)
from headwater.model.errors.definition import WrongArgument
from headwater.model.errors.graph import DuplicateAssetKey
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import AssetCheckSpec, AssetSpec

if TYPE_CHECKING:
    from headwater.authoring.repository import RepositoryDefinition
    from headwater.graph.asset_graph import AssetGraph
    from headwater.graph.validation import DefinitionWarning
    from headwater.runtime.instance import Instance
    from headwater.runtime.values import AssetValueLoader


class Definitions:
    """The assets, checks, jobs, schedules, sensors and resources of one project.

    Raises DefinitionErrors (or the one error itself) with everything that is wrong. A part that is to be merged with others
    may lack what they provide: make it with `is_part=True`, and `Definitions.merge` checks the whole.
    """

    # False in a kind that is checked when it is loaded, or a job of it is resolved, rather than when it is built.
    checks_when_built: ClassVar[bool] = True

    @spelling_checked
    def __init__(
        self,
        assets: Iterable[Any] | None = None,
        schedules: Iterable[Any] | None = None,
        sensors: Iterable[Any] | None = None,
        jobs: Iterable[Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        executor: Any = None,
        loggers: Mapping[str, Any] | None = None,
        asset_checks: Iterable[Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        is_part: bool = False,
    ) -> None:
        self._argument_problems: list[DefinitionError] = []
        self.assets: Sequence[Any] = self._listed("assets", assets)
        self.asset_checks: Sequence[Any] = self._listed("asset_checks", asset_checks)
        self.schedules: Sequence[Any] = self._listed("schedules", schedules)
        self.sensors: Sequence[Any] = self._listed("sensors", sensors)
        self.jobs: Sequence[Any] = self._listed("jobs", jobs)
        self.resources: Mapping[str, Any] = self._named("resources", resources)
        self.executor = executor
        self.loggers: Mapping[str, Any] = self._named("loggers", loggers)
        self.metadata: Mapping[str, Any] = self._described(metadata)
        self.is_part = is_part
        if not is_part and self.checks_when_built:
            self.validate()
        elif self._argument_problems and not self.checks_when_built:
            raise self._argument_problems[0]

    def _listed(self, argument: str, given: Any) -> list[Any]:
        try:
            return _flat(argument, given)
        except DefinitionError as error:
            self._argument_problems.append(error)
            return []

    def _named(self, argument: str, given: Any) -> dict[str, Any]:
        if given is None or isinstance(given, Mapping):
            return dict(given or {})
        self._argument_problems.append(
            WrongArgument(
                what=f"{argument}= was given {given!r}, {kind_of(given)}.",
                why="Each of them has a name.",
                fix=f'Write {argument}={{"name": ...}}.',
            )
        )
        return {}

    def _described(self, given: Any) -> Mapping[str, Any]:
        metadata = self._named("metadata", given)
        if not metadata:
            return metadata
        from headwater.model.metadata import normalize_metadata

        return normalize_metadata(metadata)

    # ---------------------------------------------------------------------------------------------------- validation

    def validate(self) -> None:
        """Raise what is wrong: the one error, or DefinitionErrors when there are several."""
        problems = self.problems()
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise DefinitionErrors(problems)

    def problems(self) -> list[DefinitionError]:
        """Return everything that is wrong with these definitions, in a stable order."""
        return [*self._argument_problems, *problems_of(self)]

    def warnings(self) -> list[DefinitionWarning]:
        """Return what is allowed and may still be a slip: an upstream in `deps` that nothing declares."""
        from headwater.graph import validation

        return validation.warnings(self.index.graph, loaded_inputs=self.index.loaded_inputs)

    def jobs_of_triggers(self) -> list[Any]:
        """Return the jobs that schedules and sensors start and that are not among `jobs`."""
        jobs: dict[int, Any] = {}
        for trigger in [*self.schedules, *self.sensors]:
            for target in getattr(trigger, "target_jobs", ()):
                jobs[id(target)] = target
        return [job_def for job_def in jobs.values() if all(job_def is not given for given in self.jobs)]

    def _assets_of_triggers(self) -> list[AssetsDefinition]:
        targets: dict[int, AssetsDefinition] = {}
        for trigger in [*self.schedules, *self.sensors]:
            for target in getattr(trigger, "target_assets", ()):
                targets[id(target)] = target
        return list(targets.values())

    # ------------------------------------------------------------------------------------------------------- reading

    @property
    def executor_def(self) -> ExecutorDefinition | None:
        """The executor of jobs that name none."""
        return executor_definition_of(self.executor)

    @cached_property
    def index(self) -> AssetIndex:
        """All assets and checks, by key."""
        given = [*self.assets, *(check for check in self.asset_checks if isinstance(check, AssetsDefinition))]
        targets = self._assets_of_triggers()
        if targets:
            known = {
                key
                for thing in given
                for key in (thing.specs_by_key if hasattr(thing, "specs_by_key") else [getattr(thing, "key", None)])
            }
            given += [target for target in targets if known.isdisjoint(target.specs_by_key)]
        return AssetIndex(given)

    @property
    def graph(self) -> AssetGraph:
        """The graph of all assets and checks."""
        return self.index.graph

    def resolve_asset_graph(self) -> AssetGraph:
        """Return the graph of all assets and checks."""
        self._check_when_used()
        return self.graph

    get_asset_graph = resolve_asset_graph

    def resource_defs_for(self, definitions: Iterable[AssetsDefinition] = ()) -> dict[str, Any]:
        """Return the resources of the project and those that single assets bring. Two for one key must be the same."""
        resources = dict(self.resources)
        for definition in definitions:
            for key, value in definition.resource_defs.items():
                if key in resources and resources[key] is not value and resources[key] != value:
                    raise two_resources(definition, key)
                resources[key] = value
        return resources

    def _refuse_repeated_keys(self) -> None:
        if not self.is_part and not self.checks_when_built:
            for problem in self.problems():
                if isinstance(problem, DuplicateAssetKey):
                    raise problem

    def _check_when_used(self) -> None:
        if not self.is_part and not self.checks_when_built:
            self.validate()

    @cached_property
    def _resolved_jobs(self) -> dict[str, JobDefinition]:
        self._check_when_used()
        resolved: dict[str, JobDefinition] = {}
        for job_def in [*self.jobs, *self.jobs_of_triggers()]:
            made = self.resolved_job(job_def)
            resolved[made.name] = made
        return resolved

    def resolved_job(self, job_def: Any) -> JobDefinition:
        """Return a job with everything that this project gives it: assets, resources, loggers, executor."""
        if isinstance(job_def, UnresolvedAssetJobDefinition):
            made = job_def.resolve(
                self.index, logger_defs=self.loggers, executor_def=self.executor_def, resource_defs=self.resources
            )
            resources = self.resource_defs_for(definition for definition, _, _ in made.assets_definitions())
            return made.copied(resource_defs={**resources, **made.resource_defs})
        plain: JobDefinition = job_def if isinstance(job_def, JobDefinition) else job_def.to_job()
        made = plain
        return made.copied(
            resource_defs={**self.resources, **made.resource_defs},
            executor_def=made.given_executor or self.executor_def,
            logger_defs=made.given_loggers or self.loggers,
            asset_index=made.asset_index or self.index,
        )

    @cached_property
    def global_asset_job(self) -> JobDefinition:
        """The job of all assets that can be built or observed here, and of all their checks."""
        self._check_when_used()
        executable = [definition for definition in self.index.definitions if definition.is_executable]
        return JobDefinition(
            name=GLOBAL_ASSET_JOB,
            asset_index=self.index,
            asset_keys=[key for definition in executable for key in definition.specs_by_key],
            check_keys=list(self.index.definition_by_check),
            resource_defs=self.resource_defs_for(executable),
            logger_defs=self.loggers,
            executor_def=self.executor_def,
        )

    def get_job_def(self, name: str) -> JobDefinition:
        """Return the job of this name. Raises InvariantViolationError that offers the nearest one."""
        if name == GLOBAL_ASSET_JOB:
            return self.global_asset_job
        if name not in self._resolved_jobs:
            raise InvariantViolationError(
                what=f'There is no job "{name}".',
                why="Nothing could be looked up.",
                fix=f"{did_you_mean(name, self._resolved_jobs)}The jobs are: {', '.join(self._resolved_jobs) or 'none'}.",
            )
        return self._resolved_jobs[name]

    resolve_job_def = get_job_def

    def has_job(self, name: str) -> bool:
        """Whether there is a job of this name."""
        return name in self._resolved_jobs

    def get_all_job_defs(self) -> Sequence[JobDefinition]:
        """Return all jobs, each with what this project gives it."""
        return list(self._resolved_jobs.values())

    def resolve_all_job_defs(self) -> Sequence[JobDefinition]:
        """Return all jobs, and the job of all assets where there are any."""
        whole = [self.global_asset_job] if self.has_implicit_global_asset_job_def() else []
        return [*whole, *self._resolved_jobs.values()]

    def get_implicit_global_asset_job_def(self) -> JobDefinition:
        """Return the job of all assets that can be built here."""
        return self.global_asset_job

    resolve_implicit_global_asset_job_def = get_implicit_global_asset_job_def

    def has_implicit_global_asset_job_def(self) -> bool:
        """Whether there is an asset or a check that a run could build, observe or evaluate."""
        return any(definition.is_executable for definition in self.index.definitions)

    def resolve_implicit_job_def_def_for_assets(self, asset_keys: Iterable[AssetKey]) -> JobDefinition | None:
        """Return the job of all assets when it has these, else None."""
        if not self.has_implicit_global_asset_job_def():
            return None
        job_def = self.global_asset_job
        return job_def if job_def.asset_keys.issuperset(asset_keys) else None

    def get_assets_def(self, key: CoercibleToAssetKey) -> AssetsDefinition:
        """Return the definition that has this asset. Raises InvariantViolationError that offers the nearest one."""
        asset_key = AssetKey.from_coercible(key)
        definition = self.index.definition_by_key.get(asset_key)
        if definition is None:
            raise InvariantViolationError(
                what=f'There is no asset "{asset_key}".',
                why="Nothing could be looked up.",
                fix=did_you_mean(str(asset_key), map(str, self.index.definition_by_key))
                or "See `headwater asset list`.",
            )
        return definition

    resolve_assets_def = get_assets_def

    def get_all_asset_specs(self) -> Sequence[AssetSpec]:
        """Return the specs of all assets, of those that others build, too, each with its group."""
        return [
            spec if spec.group_name is not None else spec.replace_attributes(group_name=spec.group)
            for spec in self.index.specs
        ]

    resolve_all_asset_specs = get_all_asset_specs

    def resolve_all_asset_keys(self) -> Sequence[AssetKey]:
        """Return the keys of all assets. Raises DuplicateAssetKey when two definitions have one."""
        self._refuse_repeated_keys()
        return list(self.index.definition_by_key)

    def get_all_asset_check_specs(self) -> Sequence[AssetCheckSpec]:
        """Return the specs of all checks."""
        return list(self.index.check_specs)

    def get_asset_checks_def(self, key: AssetCheckKey) -> AssetsDefinition:
        """Return the definition that evaluates this check. Raises InvariantViolationError that offers the nearest one."""
        definition = self.index.definition_by_check.get(key)
        if definition is None:
            raise InvariantViolationError(
                what=f'There is no check "{key}".',
                why="Nothing could be looked up.",
                fix=did_you_mean(str(key), map(str, self.index.definition_by_check)) or "See `headwater asset list`.",
            )
        return definition

    def get_unresolved_schedule_def(self, name: str) -> Any:
        """Return the schedule of this name as it was given. Raises InvariantViolationError that offers the nearest one."""
        return _by_name("schedule", name, self.schedules)

    def get_schedule_def(self, name: str) -> Any:
        """Return the schedule of this name; one of a partitioned asset job with the partitions of its assets.

        Raises InvariantViolationError that offers the nearest one.
        """
        found = _by_name("schedule", name, self.schedules)
        return found.resolve(self.get_job_def(found.job_name)) if hasattr(found, "resolve") else found

    resolve_schedule_def = get_schedule_def

    def get_sensor_def(self, name: str) -> Any:
        """Return the sensor of this name. Raises InvariantViolationError that offers the nearest one."""
        return _by_name("sensor", name, self.sensors)

    resolve_sensor_def = get_sensor_def
    get_unresolved_sensor_def = get_sensor_def

    def load_asset_value(self, asset_key: CoercibleToAssetKey, **options: Any) -> Any:
        """Load the stored value of an asset. Options: python_type, instance, partition_key, metadata, resource_config."""
        return runtime_function("load_asset_value")(self, AssetKey.from_coercible(asset_key), **options)

    def get_asset_value_loader(self, instance: Instance | None = None) -> AssetValueLoader:
        """Return a loader of stored values that sets resources up once; use it in a with statement."""
        loader: AssetValueLoader = runtime_function("AssetValueLoader")(self, instance=instance)
        return loader

    # ------------------------------------------------------------------------------------------------------ changing

    def _parts(self) -> dict[str, Any]:
        return {
            "assets": self.assets,
            "schedules": self.schedules,
            "sensors": self.sensors,
            "jobs": self.jobs,
            "resources": self.resources,
            "executor": self.executor,
            "loggers": self.loggers,
            "asset_checks": self.asset_checks,
            "metadata": self.metadata,
            "is_part": self.is_part,
        }

    @staticmethod
    def merge(*def_sets: Definitions) -> Definitions:
        """Return all of them as one. Raises when two give different things the same key."""
        return Definitions._merged(def_sets, is_part=False)

    @staticmethod
    def merge_unbound_defs(*def_sets: Definitions) -> Definitions:
        """Return all of them as one part, to be merged with still others."""
        return Definitions._merged(def_sets, is_part=True)

    @staticmethod
    def _merged(def_sets: Sequence[Definitions], *, is_part: bool) -> Definitions:
        merged: dict[str, Any] = {name: [] for name in ("assets", "schedules", "sensors", "jobs", "asset_checks")}
        resources: dict[str, Any] = {}
        loggers: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        executor: Any = None
        for number, part in enumerate(def_sets, start=1):
            for name, things in merged.items():
                things.extend(getattr(part, name))
            for kind, target, given in (
                ("resource", resources, part.resources),
                ("logger", loggers, part.loggers),
                ("metadata entry", metadata, part.metadata),
            ):
                for key, value in given.items():
                    if key in target and target[key] is not value and target[key] != value:
                        raise InvariantViolationError(
                            what=f'Definitions {number} of {len(def_sets)} bring a different {kind} "{key}" than one before.',
                            why="Merged definitions have one for each key.",
                            fix="Rename one of them, or leave it out of one part.",
                        )
                    target[key] = value
            if part.executor is not None:
                if executor is not None and executor is not part.executor:
                    raise InvariantViolationError(
                        what="Two of the merged definitions name different executors.",
                        why="There is one default executor.",
                        fix="Leave it out of one.",
                    )
                executor = part.executor
        for name, things in merged.items():
            merged[name] = list({id(thing): thing for thing in things}.values())
        made_as = type(def_sets[0]) if def_sets else Definitions
        return made_as(
            **merged, resources=resources, loggers=loggers, metadata=metadata, executor=executor, is_part=is_part
        )

    def map_asset_specs(self, *, func: Callable[[AssetSpec], AssetSpec], selection: Any = None) -> Definitions:
        """Return the same definitions, with each (selected) asset's spec replaced by what `func` makes of it."""
        chosen: frozenset[AssetKey] | None = None
        if selection is not None:
            from headwater.graph.selection import AssetSelection

            chosen = AssetSelection.from_coercible(selection).resolve(self.index.graph)

        def mapped(spec: AssetSpec) -> AssetSpec:
            return func(spec) if chosen is None or spec.key in chosen else spec

        assets = [
            mapped(thing)
            if isinstance(thing, AssetSpec)
            else thing
            if not isinstance(thing, AssetsDefinition) or isinstance(thing, AssetChecksDefinition)
            else thing.map_asset_specs(mapped)
            for thing in self.assets
        ]
        return Definitions(**{**self._parts(), "assets": assets})

    map_resolved_asset_specs = map_asset_specs

    def with_definition_metadata_update(self, update: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Definitions:
        """Return the same definitions with what the function makes of their metadata."""
        return Definitions(**{**self._parts(), "metadata": update(self.metadata)})

    def with_resources(self, resources: Mapping[str, Any] | None) -> Definitions:
        """Return the same definitions with more resources; one of the same key is replaced."""
        return Definitions(**{**self._parts(), "resources": {**self.resources, **(resources or {})}})

    @staticmethod
    def validate_loadable(defs: Definitions) -> None:
        """Raise what is wrong with these definitions."""
        defs.validate()

    def get_repository_def(self) -> RepositoryDefinition:
        """Return these definitions as a repository, the older kind of container."""
        self._check_when_used()
        from headwater.authoring.repository import DefinitionsData, RepositoryDefinition

        return RepositoryDefinition(
            "__repository__", repository_data=DefinitionsData(self), metadata=self.metadata or None
        )

    def __repr__(self) -> str:
        return (
            f"Definitions({len(self.index.definition_by_key)} assets, {len(self.index.definition_by_check)} checks, "
            f"{len(self.jobs)} jobs)"
        )


def _flat(what: str, given: Any) -> list[Any]:
    """Return what was given as one list; lists inside it are opened, anything that is not a sequence is refused."""
    if given is None:
        return []
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise WrongArgument(
            what=f"{what}= was given {given!r}, {kind_of(given)}.",
            why="It takes several.",
            fix=f"Write {what}=[...].",
        )
    flat: list[Any] = []
    for thing in given:
        if isinstance(thing, (list, tuple)):
            flat.extend(_flat(what, thing))
        else:
            flat.append(thing)
    return flat


def _by_name(kind: str, name: str, things: Sequence[Any]) -> Any:
    for thing in things:
        if thing.name == name:
            return thing
    known = [thing.name for thing in things]
    raise InvariantViolationError(
        what=f'There is no {kind} "{name}".',
        why="Nothing could be looked up.",
        fix=f"{did_you_mean(name, known)}The {kind}s are: {', '.join(known) or 'none'}.",
    )
