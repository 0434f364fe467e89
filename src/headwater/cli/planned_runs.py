"""`materialize --stale` and `--missing`: the runs of a plan, one after the other, each asked again whether it is still needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.intended_runs import RunRequest
from headwater.cli.launching import EndedRun
from headwater.cli.progress import progress_for
from headwater.cli.run_report import report_one_of_several, report_several
from headwater.cli.screen import Screen, can_draw
from headwater.cli.workplace import Workplace
from headwater.graph.selection import AssetSelection
from headwater.model.keys import AssetKey
from headwater.runtime.execute import launch
from headwater.runtime.plan_runs import PlannedRun, runs_of_plan
from headwater.runtime.plans import plan as planned
from headwater.runtime.staleness import staleness_in
from headwater.views.runs import partitions_in_words, without_templates
from headwater.views.staleness import has_part
from headwater.views.words import listed

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance
    from headwater.views.materialization_plan import MaterializationPlan

_MOST_LINES_SHOWN = 40


def show_and_ask(screen: Screen, plan: MaterializationPlan, *, is_confirmed: bool) -> None:
    """Show a plan on a terminal and ask whether to go on; elsewhere only its warnings are told."""
    if is_confirmed or not can_draw(screen.err):
        for warning in plan.warnings:
            screen.say(f"Warning: {warning}")
        return
    lines = list(plan.tree_lines())
    for line in lines[:_MOST_LINES_SHOWN]:
        screen.say(line)
    if len(lines) > _MOST_LINES_SHOWN:
        screen.say(f"... and {len(lines) - _MOST_LINES_SHOWN:,} more assets (`headwater plan` shows them)")
    screen.say(plan.summary)
    for warning in plan.warnings:
        screen.say(f"Warning: {warning}")
    click.confirm("Go on?", abort=True, err=True)


def materialize_planned(
    workplace: Workplace, request: RunRequest, modes: list[str], *, as_json: bool, full: bool
) -> int:
    """Make what a plan of these modes holds; return the exit code."""
    screen = Screen(as_json)
    definitions = workplace.definitions
    with workplace.instance() as instance:
        plan = planned(
            definitions,
            selection=None if request.selection in (None, "*") else request.selection,
            partitions=request.partition_key,
            partition_range=request.partition_range,
            instance=instance,
            mode=modes,
            upstream=request.adds_missing_upstream,
            run_config=request.run_config or None,
            warn_above=workplace.settings.warn_above,
        )
        if plan.is_empty:
            screen.result(plan.summary)
            if as_json:
                screen.document({"runs": []})
            return 0
        show_and_ask(screen, plan, is_confirmed=request.is_confirmed)
        return _carry_out(screen, workplace, instance, plan, request, full)


def _carry_out(
    screen: Screen, workplace: Workplace, instance: Instance, plan: MaterializationPlan, request: RunRequest, full: bool
) -> int:
    definitions = workplace.definitions
    stale_only = {step.asset_key for step in plan.steps if set(step.causes) == {"stale"}}
    upstream = {step.asset_key: step.upstream for step in plan.steps}
    not_built: set[AssetKey] = set()
    documents: list[dict[str, Any]] = []
    failed: list[str] = []
    launched = succeeded = exit_code = partitions = 0
    has_values = False
    spared: set[AssetKey] = set()
    runs = runs_of_plan(plan, definitions.index)
    for place, run in enumerate(runs):
        blocked = [key for key in run.asset_keys if any(parent in not_built for parent in upstream[key])]
        if blocked:
            not_built.update(blocked)
            screen.say(f"Left out, as what it needs was not made: {listed([str(key) for key in blocked])}")
        asked = run.asset_keys
        run = _still_needed(run, stale_only, set(blocked), workplace, instance, request)
        spared.update(key for key in asked if key not in run.asset_keys and key not in blocked)
        if not run.asset_keys:
            continue
        partitions += len(run.partition_keys or ())
        what = listed([str(key) for key in run.asset_keys], 3)
        at = f" [{partitions_in_words(run.partition_keys)}]" if run.partition_keys is not None else ""
        if len(runs) > 1:
            heading = f"Run {place + 1:,} of {len(runs):,}  {what}{at}"
            if screen.as_json:
                screen.say(heading)
            else:
                screen.heading(heading)
        ended = _launch(screen, workplace, instance, run, request, full)
        tally = ended.progress.tally
        report_one_of_several(screen, ended.run, tally, without_templates(tally.steps.values()), full=full)
        launched += 1
        has_values = has_values or bool(tally.materialized)
        documents.append(ended.to_data(str(instance.storage_dir)))
        code = ended.exit_code(request.check_only)
        exit_code = max(exit_code, code)
        if code == 0:
            succeeded += 1
            continue
        if ended.is_interrupted:
            break
        failed.append(f"{what}{at}")
        not_built.update(key for key in run.asset_keys if not _was_built(instance, key, run))
    if spared:
        named = listed(sorted(str(key) for key in spared))
        screen.say(f"Left as it was, since what it is made from came out the same: {named}")
    report_several(
        screen,
        launched=launched,
        succeeded=succeeded,
        failed=failed,
        not_started=0,
        partitions=partitions,
        storage_dir=str(instance.storage_dir) if has_values else None,
    )
    if screen.as_json:
        screen.document({"runs": documents})
    return exit_code


def _was_built(instance: Instance, key: AssetKey, run: PlannedRun) -> bool:
    if run.partition_keys is None:
        state = instance.store.asset_state(key)
        return state is not None and state.last_attempt_outcome in ("materialized", "unchanged")
    outcomes = instance.store.partition_outcomes(key, run.partition_keys)
    return all(outcomes.get(part) in ("materialized", "unchanged") for part in run.partition_keys)


def _still_needed(
    run: PlannedRun,
    stale_only: set[AssetKey],
    left_out: set[AssetKey],
    workplace: Workplace,
    instance: Instance,
    request: RunRequest,
) -> PlannedRun:
    """Return the run without the assets that became fresh, as what is upstream of them came out as it was before."""
    kept = [key for key in run.asset_keys if key not in left_out]
    if run.wave == 0 or not any(key in stale_only for key in kept):
        return replace(run, asset_keys=tuple(kept))
    staleness = staleness_in(workplace.definitions, instance, kept, request.run_config or None)
    graph = workplace.graph
    needed = []
    for key in kept:
        parts: tuple[str | None, ...] = run.partition_keys or (None,)
        if key not in stale_only or any(
            has_part(staleness[each].stale, part) for each in graph.execution_set(key) for part in parts
        ):
            needed.append(key)
    return replace(run, asset_keys=tuple(needed))


def _launch(
    screen: Screen, workplace: Workplace, instance: Instance, run: PlannedRun, request: RunRequest, full: bool
) -> EndedRun:
    progress = progress_for(screen, verbose=full)
    keys = run.partition_keys
    is_single = keys is not None and len(keys) == 1
    try:
        with progress:
            outcome = launch(
                workplace.definitions,
                instance=instance,
                selection=AssetSelection.assets(*run.asset_keys),
                partition_key=keys[0] if keys is not None and is_single else None,
                partition_keys=None if is_single else keys,
                run_config=dict(request.run_config) or None,
                tags=dict(request.tags) or None,
                raise_on_error=False,
                on_event=progress.on_event,
                on_plan=progress.on_plan,
                on_line=progress.on_line,
            )
        return EndedRun(outcome.run, progress, is_interrupted=False)
    except KeyboardInterrupt:
        stopped = (progress.run_id and instance.get_run_by_id(progress.run_id)) or None
        if stopped is None:
            raise
        return EndedRun(stopped, progress, is_interrupted=True)
