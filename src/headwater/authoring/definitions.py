"""Definitions: everything of one project together. What is wrong with it is found here, all at once, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headwater.authoring.asset_index import AssetIndex
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.job import JobDefinition, UnresolvedAssetJobDefinition
from headwater.authoring.running import runtime_function
from headwater.model.errors import (
    DefinitionError,
    DefinitionErrors,
    InvalidDefinitionError,
    InvariantViolationError,
    did_you_mean,
)
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.model.specs import AssetCheckSpec, AssetSpec

if TYPE_CHECKING:
    from headwater.graph.asset_graph import AssetGraph
    from headwater.runtime.instance import Instance
    from headwater.runtime.values import AssetValueLoader

GLOBAL_ASSET_JOB = "__ASSET_JOB"


class Definitions:
    """The assets, checks, jobs, schedules, sensors and resources of one project.

    Raises DefinitionErrors (or the one error itself) with everything that is wrong. A part that is to be merged with others
    may lack what they provide: make it with `is_part=True`, and `Definitions.merge` checks the whole.
    """

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
        self.assets: Sequence[Any] = _flat("assets", assets)
        self.asset_checks: Sequence[Any] = _flat("asset_checks", asset_checks)
        self.schedules: Sequence[Any] = _flat("schedules", schedules)
        self.sensors: Sequence[Any] = _flat("sensors", sensors)
        self.jobs: Sequence[Any] = _flat("jobs", jobs)
        self.resources: Mapping[str, Any] = dict(resources or {})
        self.executor = executor
        self.loggers: Mapping[str, Any] = dict(loggers or {})
        self.metadata: Mapping[str, Any] = dict(metadata or {})
        self.is_part = is_part
        if not is_part:
            self.validate()

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
        from headwater.authoring.resources import resource_errors
        from headwater.graph import validation
        from headwater.model.errors.graph import DuplicateAssetCheck, DuplicateAssetKey

        index = self.index
        found: list[DefinitionError] = list(index.problems)
        for thing in self.asset_checks:
            if not isinstance(thing, AssetChecksDefinition):
                found.append(
                    InvalidDefinitionError(
                        what=f"{thing!r} was given in asset_checks=.",
                        why=f"It is a {type(thing).__name__}, not a check.",
                        fix="Put @asset_check above the function, and assets into assets=.",
                    )
                )
        found += [
            problem
            for problem in validation.problems(index.graph, loaded_inputs=index.loaded_inputs)
            if not isinstance(problem, (DuplicateAssetKey, DuplicateAssetCheck))
        ]
        found += [error for error in resource_errors(self.resources) if isinstance(error, DefinitionError)]
        found += self._missing_resources()
        found += self._job_problems()
        return found

    def _missing_resources(self) -> list[DefinitionError]:
        from headwater.authoring.resources import MissingResourceError

        found: list[DefinitionError] = []
        provided = {"io_manager", *self.resources}
        for definition in self.index.definitions:
            if not definition.is_executable:
                continue
            missing = definition.required_resource_keys - provided
            for key in sorted(missing - definition.resource_defs.keys()):
                found.append(
                    MissingResourceError(key, _asker(definition), sorted({*self.resources, *definition.resource_defs}))
                )
        for job_def in self.jobs:
            if isinstance(job_def, JobDefinition) and not job_def.is_asset_job:
                known = {*provided, *job_def.resource_defs}
                for op in job_def.ops():
                    needed = {*op.required_resource_keys}
                    needed |= {port.io_manager_key for port in op.outs.values() if not port.is_nothing}
                    needed |= {port.input_manager_key for port in op.ins.values() if port.input_manager_key}
                    for key in sorted(needed - known):
                        asker = f'op "{op.name}" of job "{job_def.name}"'
                        found.append(
                            MissingResourceError(key, asker, sorted({*self.resources, *job_def.resource_defs}))
                        )
        return found

    def _job_problems(self) -> list[DefinitionError]:
        found: list[DefinitionError] = []
        names: dict[str, Any] = {}
        for job_def in [*self.jobs, *self._jobs_of_triggers()]:
            name = getattr(job_def, "name", None)
            if not isinstance(job_def, (JobDefinition, UnresolvedAssetJobDefinition)):
                if hasattr(job_def, "to_job"):
                    continue
                found.append(
                    InvalidDefinitionError(
                        what=f"{job_def!r} was given in jobs=.",
                        why=f"It is a {type(job_def).__name__}, not a job.",
                        fix="Put @job above the function, or use define_asset_job(...).",
                    )
                )
                continue
            if name in names and names[name] is not job_def and not _same_job(names[name], job_def):
                found.append(
                    InvalidDefinitionError(
                        what=f'Two jobs are called "{name}".',
                        why="A job is launched by its name.",
                        fix="Rename one of them.",
                    )
                )
            names[str(name)] = job_def
            if isinstance(job_def, UnresolvedAssetJobDefinition):
                try:
                    job_def.resolve(self.index)
                except DefinitionError as error:
                    found.append(error)
        for kind, things in (("schedules", self.schedules), ("sensors", self.sensors)):
            seen: dict[str, Any] = {}
            for thing in things:
                name = getattr(thing, "name", None)
                if name is None:
                    found.append(
                        InvalidDefinitionError(
                            what=f"{thing!r} was given in {kind}=.",
                            why=f"It is a {type(thing).__name__}.",
                            fix=f"Give what @{kind[:-1]} makes.",
                        )
                    )
                elif name in seen and seen[name] is not thing:
                    found.append(
                        InvalidDefinitionError(
                            what=f'Two {kind} are called "{name}".', why="They are started by name.", fix="Rename one."
                        )
                    )
                else:
                    seen[str(name)] = thing
        return found

    def _jobs_of_triggers(self) -> list[Any]:
        jobs: dict[int, Any] = {}
        for trigger in [*self.schedules, *self.sensors]:
            for target in getattr(trigger, "target_jobs", ()):
                jobs[id(target)] = target
        return [job_def for job_def in jobs.values() if all(job_def is not given for given in self.jobs)]

    # ------------------------------------------------------------------------------------------------------- reading

    @cached_property
    def index(self) -> AssetIndex:
        """All assets and checks, by key."""
        return AssetIndex(
            [*self.assets, *(check for check in self.asset_checks if isinstance(check, AssetsDefinition))]
        )

    @property
    def graph(self) -> AssetGraph:
        """The graph of all assets and checks."""
        return self.index.graph

    def resolve_asset_graph(self) -> AssetGraph:
        """Return the graph of all assets and checks."""
        return self.graph

    get_asset_graph = resolve_asset_graph

    def resource_defs_for(self, definitions: Iterable[AssetsDefinition] = ()) -> dict[str, Any]:
        """Return the resources of the project and those that single assets bring. Two for one key must be the same."""
        resources = dict(self.resources)
        for definition in definitions:
            for key, value in definition.resource_defs.items():
                if key in resources and resources[key] is not value and resources[key] != value:
                    raise InvalidDefinitionError(
                        what=f'{definition} brings a resource "{key}", and another one of that key is defined too.',
                        why="A run has one resource for one key.",
                        fix="Rename one of them.",
                    )
                resources[key] = value
        return resources

    @cached_property
    def _resolved_jobs(self) -> dict[str, JobDefinition]:
        resolved: dict[str, JobDefinition] = {}
        for job_def in [*self.jobs, *self._jobs_of_triggers()]:
            made = self.resolved_job(job_def)
            resolved[made.name] = made
        return resolved

    def resolved_job(self, job_def: Any) -> JobDefinition:
        """Return a job with everything that this project gives it: assets, resources, loggers, executor."""
        if isinstance(job_def, UnresolvedAssetJobDefinition):
            made = job_def.resolve(
                self.index, logger_defs=self.loggers, executor_def=self.executor, resource_defs=self.resources
            )
            resources = self.resource_defs_for(definition for definition, _, _ in made.assets_definitions())
            return made.with_top_level_resources(resources)
        plain: JobDefinition = job_def if isinstance(job_def, JobDefinition) else job_def.to_job()
        made = plain.with_top_level_resources(self.resources)
        return made.copied(
            executor_def=made.executor_def or self.executor,
            logger_defs=made.loggers or self.loggers,
            asset_index=made.asset_index or self.index,
        )

    @cached_property
    def global_asset_job(self) -> JobDefinition:
        """The job of all assets that can be built or observed here, and of all their checks."""
        executable = [definition for definition in self.index.definitions if definition.is_executable]
        return JobDefinition(
            name=GLOBAL_ASSET_JOB,
            asset_index=self.index,
            asset_keys=[key for definition in executable for key in definition.specs_by_key],
            check_keys=list(self.index.definition_by_check),
            resource_defs=self.resource_defs_for(executable),
            logger_defs=self.loggers,
            executor_def=self.executor,
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

    resolve_all_job_defs = get_all_job_defs

    def get_implicit_global_asset_job_def(self) -> JobDefinition:
        """Return the job of all assets that can be built here."""
        return self.global_asset_job

    resolve_implicit_global_asset_job_def = get_implicit_global_asset_job_def

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
        """Return the specs of all assets, of those that others build, too."""
        return list(self.index.specs)

    resolve_all_asset_specs = get_all_asset_specs

    def resolve_all_asset_keys(self) -> Sequence[AssetKey]:
        """Return the keys of all assets."""
        return list(self.index.definition_by_key)

    def get_all_asset_check_specs(self) -> Sequence[AssetCheckSpec]:
        """Return the specs of all checks."""
        return list(self.index.check_specs)

    def get_schedule_def(self, name: str) -> Any:
        """Return the schedule of this name. Raises InvariantViolationError that offers the nearest one."""
        return _by_name("schedule", name, self.schedules)

    resolve_schedule_def = get_schedule_def

    def get_sensor_def(self, name: str) -> Any:
        """Return the sensor of this name. Raises InvariantViolationError that offers the nearest one."""
        return _by_name("sensor", name, self.sensors)

    resolve_sensor_def = get_sensor_def

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
        return Definitions(
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

    def get_repository_def(self) -> Definitions:
        """Return these definitions; there is no second kind of container."""
        return self

    def __repr__(self) -> str:
        return (
            f"Definitions({len(self.index.definition_by_key)} assets, {len(self.index.definition_by_check)} checks, "
            f"{len(self.jobs)} jobs)"
        )


def _same_job(first: Any, second: Any) -> bool:
    """A job and a stand-in for it by name are one job; two of the same selection and options are too."""
    if isinstance(first, UnresolvedAssetJobDefinition) and isinstance(second, UnresolvedAssetJobDefinition):
        return str(first.selection) == str(second.selection) and first.options == second.options
    return False


def _flat(what: str, given: Any) -> list[Any]:
    """Return what was given as one list; lists inside it are opened, anything that is not a sequence is refused."""
    if given is None:
        return []
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise InvalidDefinitionError(
            what=f"{what}= was given {given!r}, a {type(given).__name__}.",
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


def _asker(definition: AssetsDefinition) -> str:
    if isinstance(definition, AssetChecksDefinition):
        return f'check "{definition.check_specs[0].key}"'
    keys = list(definition.specs_by_key)
    return f'asset "{keys[0]}"' if len(keys) == 1 else f'multi-asset "{definition.computation_name}"'
