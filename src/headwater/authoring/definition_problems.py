"""What is wrong with the definitions of a project, found all at once, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any

from headwater.authoring.asset_job import UnresolvedAssetJobDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.executors import Executor, ExecutorDefinition
from headwater.authoring.job import JobDefinition
from headwater.authoring.resources import MissingResourceError, resource_errors
from headwater.graph import validation
from headwater.model.errors import DefinitionError, InvalidDefinitionError, InvalidSubsetError, did_you_mean
from headwater.model.errors.definition import WrongArgument
from headwater.model.errors.graph import DuplicateAssetCheck, DuplicateAssetKey
from headwater.model.errors.root import kind_of

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.definitions import Definitions

GLOBAL_ASSET_JOB = "__ASSET_JOB"


def problems_of(defs: Definitions) -> list[DefinitionError]:
    """Return what is wrong with definitions as a whole: graph, checks, resources, jobs, triggers, in this order."""
    index = defs.index
    found: list[DefinitionError] = list(index.problems)
    for thing in defs.asset_checks:
        if not isinstance(thing, AssetChecksDefinition):
            found.append(
                WrongArgument(
                    what=f"{thing!r} was given in asset_checks=.",
                    why=f"It is {kind_of(thing)}, not a check.",
                    fix="Put @asset_check above the function, and assets into assets=.",
                )
            )
    found += [
        problem
        for problem in validation.problems(index.graph, loaded_inputs=index.loaded_inputs)
        if not isinstance(problem, (DuplicateAssetKey, DuplicateAssetCheck))
    ]
    found += _check_problems(defs)
    found += [error for error in resource_errors(defs.resources) if isinstance(error, DefinitionError)]
    found += _missing_resources(defs)
    found += _resource_conflicts(defs)
    found += _job_problems(defs)
    if defs.executor is not None and not isinstance(defs.executor, ExecutorDefinition | Executor):
        found.append(
            InvalidDefinitionError(
                what=f"executor= was given {defs.executor!r}, {kind_of(defs.executor)}.",
                why="It does not say where steps run.",
                fix="Give an executor, such as in_process_executor.",
            )
        )
    found += _trigger_problems(defs, "schedules", defs.schedules)
    found += _trigger_problems(defs, "sensors", defs.sensors)
    return found


def _check_problems(defs: Definitions) -> list[DefinitionError]:
    """What checks read and how they are partitioned; that their asset exists is the graph's to say."""
    found: list[DefinitionError] = []
    for definition in defs.index.definitions:
        if not isinstance(definition, AssetChecksDefinition):
            continue
        own = {spec.asset_key for spec in definition.check_specs}
        for name, key in definition.loaded_by_input.items():
            if key not in own and defs.index.spec(key) is None:
                found.append(
                    InvalidDefinitionError(
                        what=f'Check "{definition.check_specs[0].key}" loads the value of "{key}" as "{name}", '
                        "which no definition provides.",
                        why="A run could not know where it is kept.",
                        fix=did_you_mean(str(key), map(str, defs.index.definition_by_key))
                        + f'Otherwise define it, or declare it with AssetSpec("{key}").',
                    )
                )
        for spec in definition.check_specs:
            asset = defs.index.spec(spec.asset_key)
            if spec.partitions_def is not None and asset is not None and asset.partitions_def != spec.partitions_def:
                found.append(
                    InvalidDefinitionError(
                        what=f'Check "{spec.key}" has other partitions than "{spec.asset_key}".',
                        why="It would be evaluated for partitions that the asset does not have.",
                        fix="Give it the partitions_def of its asset.",
                    )
                )
    return found


def _resource_conflicts(defs: Definitions) -> list[DefinitionError]:
    found: list[DefinitionError] = []
    brought: dict[str, AssetsDefinition] = {}
    for definition in defs.index.definitions:
        for key, value in definition.resource_defs.items():
            first = brought.setdefault(key, definition)
            known = defs.resources.get(key, first.resource_defs[key])
            if known is not value and known != value:
                found.append(two_resources(definition, key))
    return found


def _missing_resources(defs: Definitions) -> list[DefinitionError]:

    found: list[DefinitionError] = []
    provided = {"io_manager", *defs.resources}
    for definition in defs.index.definitions:
        if not definition.is_executable:
            continue
        missing = (definition.required_resource_keys | _loading_keys(defs, definition)) - provided
        for key in sorted(missing - definition.resource_defs.keys()):
            found.append(
                MissingResourceError(key, _asker(definition), sorted({*defs.resources, *definition.resource_defs}))
            )
    for job_def in defs.jobs:
        if isinstance(job_def, JobDefinition) and not job_def.is_asset_job:
            known = {*provided, *job_def.resource_defs}
            for op in job_def.ops():
                needed = {*op.required_resource_keys}
                needed |= {port.io_manager_key for port in op.outs.values() if not port.is_nothing}
                needed |= {port.input_manager_key for port in op.ins.values() if port.input_manager_key}
                for hook in op.hooks | job_def.hook_defs:
                    needed |= hook.required_resource_keys
                for key in sorted(needed - known):
                    asker = f'op "{op.name}" of job "{job_def.name}"'
                    found.append(MissingResourceError(key, asker, sorted({*defs.resources, *job_def.resource_defs})))
    return found


def _loading_keys(defs: Definitions, definition: AssetsDefinition) -> Set[str]:
    """The resources by which a definition's parameters are loaded, where what is upstream is built elsewhere."""
    keys: set[str] = set()
    for name, upstream in definition.loaded_by_input.items():
        port = definition.node_def.ins.get(name) if definition.node_def is not None else None
        if port is None or port.is_nothing:
            continue
        if port.input_manager_key is not None:
            keys.add(port.input_manager_key)
            continue
        source = defs.index.definition_by_key.get(upstream)
        if source is not None and not source.is_materializable:
            own = source.io_manager_key_of(upstream)
            if own not in source.resource_defs:
                keys.add(own)
    return keys


def _job_problems(defs: Definitions) -> list[DefinitionError]:
    found: list[DefinitionError] = []
    names: dict[str, Any] = {}
    job_def: Any
    for job_def in [*defs.jobs, *defs.jobs_of_triggers()]:
        name = getattr(job_def, "name", None)
        if not isinstance(job_def, (JobDefinition, UnresolvedAssetJobDefinition)):
            if hasattr(job_def, "to_job"):
                continue
            found.append(
                WrongArgument(
                    what=f"{job_def!r} was given in jobs=.",
                    why=f"It is {kind_of(job_def)}, not a job.",
                    fix="Put @job above the function, or use define_asset_job(...).",
                )
            )
            continue
        if name in names and names[name] != job_def:
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
                job_def.resolve(defs.index)
            except DefinitionError as error:
                found.append(
                    InvalidSubsetError(what=f'Job "{name}": {error.what}', why=error.why, fix=error.fix)
                    if f'"{name}"' not in error.what
                    else error
                )
    return found


def _trigger_problems(defs: Definitions, kind: str, given: Sequence[Any]) -> list[DefinitionError]:

    if not given:
        return []
    from headwater.authoring.schedules import ScheduleDefinition, UnresolvedPartitionedSchedule
    from headwater.authoring.sensors import SensorDefinition

    expected: tuple[type, ...] = (
        (ScheduleDefinition, UnresolvedPartitionedSchedule) if kind == "schedules" else (SensorDefinition,)
    )
    one = kind[:-1]
    found: list[DefinitionError] = []
    seen: dict[str, Any] = {}
    known_jobs = [job_def.name for job_def in [*defs.jobs, *defs.jobs_of_triggers()] if hasattr(job_def, "name")]
    thing: Any
    for thing in given:
        if not any(isinstance(thing, kind_of) for kind_of in expected):
            found.append(
                WrongArgument(
                    what=f"{thing!r} was given in {kind}=.",
                    why=f"It is {kind_of(thing)}, not a {one}.",
                    fix=f"Give what @{one} makes.",
                )
            )
            continue
        if seen.setdefault(thing.name, thing) is not thing:
            found.append(
                InvalidDefinitionError(
                    what=f'Two {kind} are called "{thing.name}".',
                    why="They are started by name.",
                    fix="Rename one.",
                )
            )
        if isinstance(thing, UnresolvedPartitionedSchedule):
            try:
                thing.resolve(thing.job.resolve(defs.index))
            except DefinitionError as error:
                found.append(error)
            continue
        for name in thing.targets.job_names:
            if name not in known_jobs and name != GLOBAL_ASSET_JOB:
                found.append(
                    InvalidDefinitionError(
                        what=f'The {one} "{thing.name}" starts the job "{name}", which is not defined.',
                        why="Its runs could never start.",
                        fix=f"{did_you_mean(name, known_jobs)}The jobs are: {', '.join(known_jobs) or 'none'}.",
                    )
                )
        for key in sorted(thing.required_resource_keys - defs.resources.keys()):
            found.append(MissingResourceError(key, f'{one} "{thing.name}"', sorted(defs.resources)))
        found += thing.problems_in(defs)
    return found


def two_resources(definition: AssetsDefinition, key: str) -> DefinitionError:
    return InvalidDefinitionError(
        what=f'{definition} brings a resource "{key}", and another one of that key is defined too.',
        why="A run has one resource for one key.",
        fix="Rename one of them.",
    )


def _asker(definition: AssetsDefinition) -> str:
    if isinstance(definition, AssetChecksDefinition):
        return f'check "{definition.check_specs[0].key}"'
    keys = list(definition.specs_by_key)
    return f'asset "{keys[0]}"' if len(keys) == 1 else f'multi-asset "{definition.computation_name}"'
