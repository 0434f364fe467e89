"""Running things from Python: `materialize`, `execute_in_process`, `execute_job`, and loading stored values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.definitions import Definitions
from headwater.authoring.job import JobDefinition
from headwater.model.errors import InvalidSubsetError, UnresolvedSelection, did_you_mean
from headwater.model.events import Event
from headwater.model.keys import AssetKey
from headwater.runtime.arguments import refuse_wrong_arguments, several_assets
from headwater.runtime.instance import Instance
from headwater.runtime.launch import Request, RunOutcome, run_job, with_resources_of
from headwater.runtime.results import ExecuteInProcessResult

if TYPE_CHECKING:
    from headwater.engine.step_logs import LogLine
    from headwater.plan.already_built import AlreadyBuilt
    from headwater.plan.run_plan import RunPlan

UNNAMED_ASSET_JOB = "__ephemeral_asset_job__"
"""The job of assets that are handed to `materialize` and belong to no definitions."""


def materialize(
    assets: Iterable[Any],
    run_config: Any = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: Any = None,
) -> ExecuteInProcessResult:
    """Build assets and evaluate their checks in this process; what is given but not selected is only loaded.

    Without an `instance`, what is recorded and stored is gone with the result. With `raise_on_error` the first exception of
    the user's code is raised again and nothing more is started; without, siblings go on and `.success` is False.
    """
    definitions = Definitions(assets=several_assets(assets), resources=resources)
    job = asset_job(definitions, selection).copied(name=UNNAMED_ASSET_JOB)
    return execute_job_in_process(
        job,
        run_config=run_config,
        instance=instance,
        partition_key=partition_key,
        raise_on_error=raise_on_error,
        tags=tags,
    )


def materialize_to_memory(
    assets: Iterable[Any],
    run_config: Any = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    selection: Any = None,
) -> ExecuteInProcessResult:
    """Build assets in this process, keeping values in memory only; for tests."""
    from headwater.io.memory import InMemoryIOManager

    given = several_assets(assets)
    memory = InMemoryIOManager()
    keys = {"io_manager"}
    index = Definitions(assets=given, resources=resources, is_part=True).index
    for definition in index.definitions:
        keys.update(definition.io_manager_key_of(key) for key in definition.specs_by_key)
    kept = {key: value for key, value in (resources or {}).items() if key not in keys}
    return materialize(
        [_without_own_manager(definition, keys) for definition in index.definitions],
        run_config=run_config,
        instance=instance,
        resources={**kept, **dict.fromkeys(keys, memory)},
        partition_key=partition_key,
        raise_on_error=raise_on_error,
        tags=tags,
        selection=selection,
    )


def _without_own_manager(definition: Any, keys: set[str]) -> Any:
    if not any(key in keys for key in definition.resource_defs):
        return definition
    kept = {key: value for key, value in definition.resource_defs.items() if key not in keys}
    return definition._copied(resource_defs=kept)


def observe(
    assets: Iterable[Any],
    run_config: Any = None,
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
) -> ExecuteInProcessResult:
    """Observe observable source assets in this process."""
    return materialize(
        assets,
        run_config=run_config,
        instance=instance,
        resources=resources,
        partition_key=partition_key,
        raise_on_error=raise_on_error,
        tags=tags,
    )


def asset_job(definitions: Definitions, selection: Any = None, *, checks_only: bool = False) -> JobDefinition:
    """Return the job of the selected assets and their checks; of all that can be run when nothing is selected."""
    from headwater.graph.selection import AssetSelection

    whole = definitions.global_asset_job
    if selection is None:
        if checks_only:
            return whole.copied(asset_keys=frozenset())
        return whole
    chosen = AssetSelection.from_coercible(selection)
    graph = definitions.index.graph
    try:
        checks = chosen.resolve_checks(graph) & whole.check_keys
        keys = chosen.resolve(graph)
    except InvalidSubsetError as error:
        raise UnresolvedSelection(None, error) from error
    runnable = keys & whole.asset_keys
    if not keys and not checks:
        chosen.resolve_nonempty(graph)
    if not runnable and not checks:
        named = ", ".join(f'"{key}"' for key in sorted(keys)[:5])
        raise InvalidSubsetError(
            what=f"Nothing that is selected can be built here: {named}.",
            why="These assets are only known of: no function of this project builds them.",
            fix="Select assets that are defined with @asset; `headwater asset list` shows them.",
        )
    if checks_only:
        own = {check: definitions.index.definition_by_check[check] for check in checks}
        standalone = frozenset(check for check, definition in own.items() if not definition.specs_by_key)
        if not standalone:
            raise InvalidSubsetError(
                what="None of the selected assets has a check of its own function.",
                why="Checks inside an asset's function are evaluated when it is built.",
                fix="Materialize the asset instead, or write the check with @asset_check.",
            )
        return whole.copied(asset_keys=frozenset(), check_keys=standalone)
    return whole.copied(asset_keys=runnable, check_keys=checks)


def launch(
    definitions: Definitions,
    *,
    instance: Instance,
    selection: Any = None,
    job_name: str | None = None,
    partition_key: str | None = None,
    partition_keys: Sequence[str] | None = None,
    partition_range: tuple[str, str] | None = None,
    run_config: Any = None,
    tags: Mapping[str, str] | None = None,
    check_only: bool = False,
    raise_on_error: bool = False,
    keeps_values: bool = False,
    on_event: Callable[[Event], None] | None = None,
    on_plan: Callable[[RunPlan], None] | None = None,
    on_line: Callable[[LogLine], None] | None = None,
) -> RunOutcome:
    """Run a job by name, or the selected assets, of a project; used by the command line.

    `on_plan` is told the plan before anything runs, `on_event` each fact as it is recorded, `on_line` each line of step logs.
    """
    if job_name is not None:
        job = definitions.get_job_def(job_name)
    else:
        job = asset_job(definitions, selection, checks_only=check_only)
    request = Request(
        run_config=run_config,
        tags=tags or {},
        partition_key=partition_key,
        partition_keys=partition_keys,
        partition_range=partition_range,
        raise_on_error=raise_on_error,
        keeps_values=keeps_values,
    )
    return run_job(job, request, instance, on_event=on_event, on_plan=on_plan, on_line=on_line)


def execute_job_in_process(
    job: JobDefinition,
    run_config: Any = None,
    instance: Instance | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    op_selection: Sequence[str] | None = None,
    asset_selection: Sequence[Any] | None = None,
    run_id: str | None = None,
    input_values: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_keys: Sequence[str] | None = None,
    step_keys: Sequence[str] | None = None,
    known_outputs: Mapping[str, Any] | None = None,
    built: AlreadyBuilt | None = None,
    parent_run_id: str | None = None,
    root_run_id: str | None = None,
) -> ExecuteInProcessResult:
    """Run a job in this process; see JobDefinition.execute_in_process."""
    refuse_wrong_arguments(job, run_config, instance, tags, partition_key)
    if asset_selection is not None:
        job = job.for_assets(AssetKey.from_coercible(key) for key in asset_selection)
    job = with_resources_of(job, resources)
    if input_values and job.graph_def is not None:
        unknown = [name for name in input_values if name not in job.graph_def.ins]
        if unknown:
            raise InvalidSubsetError(
                what=f'Job "{job.name}" got a value for the input "{unknown[0]}", which it does not have.',
                why="The value would have nowhere to go.",
                fix=f"{did_you_mean(unknown[0], job.graph_def.ins)}Its inputs are: {', '.join(job.graph_def.ins) or 'none'}.",
            )
    opened = instance or Instance.ephemeral()
    if op_selection is None and step_keys is None:
        op_selection = job.op_selection
    if op_selection is not None:
        from headwater.plan.step_selection import selected_step_keys

        step_keys = selected_step_keys(job, op_selection)
    request = Request(
        run_config=run_config,
        tags=tags or {},
        partition_key=partition_key,
        partition_keys=partition_keys,
        input_values=input_values or {},
        run_id=run_id,
        raise_on_error=raise_on_error,
        step_keys=step_keys,
        known_outputs=known_outputs or {},
        built=built,
        parent_run_id=parent_run_id,
        root_run_id=root_run_id,
        keeps_ops_in_memory=instance is None,
    )
    return _as_result(job, run_job(job, request, opened), opened)


def _as_result(job: JobDefinition, outcome: RunOutcome, instance: Instance) -> ExecuteInProcessResult:
    scope = outcome.scope
    assert scope is not None
    outputs: dict[AssetKey, tuple[str, str]] = {}
    for step in outcome.plan.steps:
        for asset in step.assets:
            if asset.output is not None:
                outputs[asset.key] = (step.key, asset.output)

    def load(key: AssetKey) -> Any:
        from headwater.runtime.values import load_value

        return load_value(job, key, instance=instance, partition_keys=scope.partitions_of.get(key))

    return ExecuteInProcessResult(
        run=outcome.run,
        plan=outcome.plan,
        job=job,
        events=outcome.events,
        values=scope.values,
        statuses=outcome.statuses,
        asset_outputs=outputs,
        load_asset=load,
        instance=instance,
        type_checks=scope.type_checks,
    )
