"""What an earlier run did: which steps are done, what they gave, and what was built in those that did not end well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.errors import CheckError
from headwater.model.events import AssetMaterialized, AssetUnchanged, CheckEvaluated, StepSucceeded
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import Run, StepStatus
from headwater.plan.already_built import AlreadyBuilt
from headwater.plan.run_plan import KnownOutputs

if TYPE_CHECKING:
    from headwater.plan.job_steps import JobStep
    from headwater.runtime.instance import Instance

_UNFINISHED = frozenset({StepStatus.FAILED, StepStatus.BLOCKED, StepStatus.CANCELED, StepStatus.RUNNING})


def earlier_run(instance: Instance, run_id: str) -> Run:
    """Return the record of a run that is to be run again. Raises CheckError when there is none."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise CheckError(
            what=f"There is no run {run_id}.", why="It cannot be run again.", fix="`headwater run list` shows the runs."
        )
    return run


def outputs_of(instance: Instance, run_id: str) -> dict[str, KnownOutputs]:
    """Return what each step of a run gave, and what it took over from the run that it continued."""
    run = earlier_run(instance, run_id)
    known: dict[str, KnownOutputs] = outputs_of(instance, run.parent_run_id) if run.parent_run_id else {}
    mapped: dict[str, list[tuple[str, str | None]]] = {}
    for record in instance.store.events_of_run(run_id):
        event = record.event
        if isinstance(event, StepSucceeded) and event.step_key is not None:
            pairs = tuple((ref.name, ref.mapping_key) for ref in event.outputs)
            known[event.step_key] = KnownOutputs(run_id, pairs)
            template, bracket, rest = event.step_key.partition("[")
            if bracket:
                mapped.setdefault(template, []).extend((name, rest[:-1]) for name, _ in pairs)
    for template, outputs in mapped.items():
        known[template] = KnownOutputs(run_id, tuple(outputs))
    return known


def is_done(key: str, known: Mapping[str, KnownOutputs], instance: Instance, run_id: str) -> bool:
    """Whether a step succeeded; a mapped step only when every instance of it did."""
    if key not in known:
        return False
    return not any(
        record.status in _UNFINISHED
        for record in instance.store.steps_of(run_id)
        if record.step_key == key or record.step_key.startswith(f"{key}[")
    )


def partitions_of_run(run: Run) -> list[str] | None:
    """Return the partitions that a run was asked for, one by one; None where its tags say as much, or it had none."""
    keys = run.plan.get("partitions") if run.plan is not None else None
    return list(keys) if isinstance(keys, list) and len(keys) > 1 else None


def built_by(instance: Instance, run: Run, steps: Sequence[JobStep], *, is_continued: bool) -> AlreadyBuilt:
    """Return what is not to be built again: what the run was not asked for and, when it is continued, what it built.

    An asset that a check of its own has blocked counts as not built.
    """
    asked = set(run.asset_selection or ())
    not_asked = {
        asset
        for step in steps
        if step.key in (run.step_keys or ()) and asked & step.selected_keys
        for asset in step.selected_keys
        if asset not in asked
    }
    if not is_continued:
        return AlreadyBuilt(not_asked=frozenset(not_asked))
    built: dict[AssetKey, set[str | None]] = _partitions_not_asked(run)
    checks: set[AssetCheckKey] = set()
    blocked: set[AssetKey] = set()
    for record in instance.store.events_of_run(run.run_id):
        event = record.event
        if isinstance(event, (AssetMaterialized, AssetUnchanged)):
            built.setdefault(AssetKey.from_user_string(event.asset), set()).add(event.partition)
        elif isinstance(event, CheckEvaluated):
            asset = AssetKey.from_user_string(event.asset)
            checks.add(AssetCheckKey(asset, event.check))
            if event.blocks:
                blocked.add(asset)
    return AlreadyBuilt(
        {asset: frozenset(parts) for asset, parts in built.items() if asset not in blocked},
        frozenset(checks),
        frozenset(not_asked),
    )


def _partitions_not_asked(run: Run) -> dict[AssetKey, set[str | None]]:
    """Return the partitions of the run that it left out of an asset, since a run before it had built them."""
    plan: Mapping[str, Any] = run.plan or {}
    of_run = plan.get("partitions")
    found: dict[AssetKey, set[str | None]] = {}
    if isinstance(of_run, list):
        for step in plan.get("steps", ()):
            for asset in step["assets"]:
                if isinstance(asset["partitions"], list) and len(asset["partitions"]) < len(of_run):
                    found[AssetKey.from_user_string(asset["key"])] = set(of_run) - set(asset["partitions"])
    return found
