"""From what is asked for to a backfill: its record, the runs that it takes, and what it would build and why."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.authoring.backfill_requests import refuse_unclear
from headwater.engine.backfill_progress import BackfillProgress
from headwater.model.backfills import Backfill, BackfillPlan, BackfillRequest, BackfillStatus, Outcome
from headwater.model.clock import utc_now
from headwater.model.errors.backfill_requests import (
    NotBuiltHere,
    NothingToBackfill,
    UnclearBackfillRequest,
)
from headwater.model.keys import AssetKey
from headwater.model.policies import most_partitions_of_a_run
from headwater.runtime.asked_partitions import AskedPartitions, asked_parts
from headwater.runtime.plans import estimates, loading
from headwater.runtime.staleness import as_definitions, staleness_in
from headwater.views.backfill_groups import backfill_plan_of
from headwater.views.materialization_plan import MaterializationPlan
from headwater.views.partition_spaces import PartitionSpaces
from headwater.views.planning import WARN_ABOVE_PARTITIONS, AskedFor, Presence, plan_of
from headwater.views.staleness import Part
from headwater.views.words import counted, listed

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.runtime.instance import Instance

_UNFINISHED = (BackfillStatus.IN_PROGRESS, BackfillStatus.PAUSED, BackfillStatus.CANCELING)


@dataclass(frozen=True, slots=True)
class PlannedBackfill:
    """A backfill that could be recorded: as a record, by the runs that it takes, and by what it builds and why."""

    backfill: Backfill
    plan: BackfillPlan
    materialization_plan: MaterializationPlan


def planned_backfill(
    definitions: Any, request: BackfillRequest, instance: Instance, *, warn_above: int = WARN_ABOVE_PARTITIONS
) -> PlannedBackfill:
    """Return what a request comes to; nothing is recorded. Of more than `warn_above` partitions it warns.

    Raises NothingToBackfill when there is nothing to build, UnknownPartitionError for partitions that no selected asset
    has, RequestDoesNotMap, NotBuiltHere, and CheckError for a request that is not clear.
    """
    project = as_definitions(definitions)
    refuse_unclear(request)
    if request.job_name is not None and not (job := project.get_job_def(request.job_name)).is_asset_job:
        from headwater.runtime.job_backfills import plan_of_job

        plan, found = plan_of_job(project, job, request, instance, warn_above)
        found = replace(found, warnings=(*found.warnings, *_overlaps(plan, instance)))
        return PlannedBackfill(_record(request, plan, found), plan, found)
    graph = project.index.graph
    chosen = _chosen_keys(project, request)
    takes_stale = request.mode == "stale"
    staleness = staleness_in(project, instance, chosen, request.options.run_config) if takes_stale else None
    spaces = PartitionSpaces(graph, instance, utc_now()) if staleness is None else staleness.spaces
    parts, warnings = _parts(chosen, spaces, request)
    # A job builds its own assets and no others.
    adds_upstream = request.upstream and request.job_name is None
    presence = Presence(spaces, instance.store, staleness)
    asked = AskedFor(parts, frozenset((request.mode,)), adds_upstream, loading(project))
    found = plan_of(asked, graph, presence, estimates(project, instance), instance, warn_above)
    if found.is_empty:
        there = [space for key in chosen if (space := spaces.of(key)) is not None]
        are_empty = bool(there) and not any(space.existing for space in there)
        empty = there[0].definition.describe() if are_empty else ""
        raise NothingToBackfill(request.mode, [str(key) for key in chosen], empty)

    def most_in_a_run(key: AssetKey) -> int | None:
        return most_partitions_of_a_run(project.index.definition_by_key[key].backfill_policy)

    plan = backfill_plan_of(found, spaces, most_in_a_run)
    warnings += _overlaps(plan, instance)
    found = replace(found, warnings=(*found.warnings, *warnings))
    return PlannedBackfill(_record(request, plan, found), plan, found)


def _record(request: BackfillRequest, plan: BackfillPlan, found: MaterializationPlan) -> Backfill:
    now = utc_now().timestamp()
    options = replace(request.options, only_missing=request.options.only_missing or request.mode == "missing")
    sizes: dict[str, int] = {}
    for group in plan.groups:
        for key in group.asset_keys:
            sizes[key] = sizes.get(key, 0) + group.size
    return Backfill(
        backfill_id=secrets.token_hex(5),
        title=request.title or _title(request, plan),
        status=BackfillStatus.IN_PROGRESS,
        asset_keys=plan.asset_keys,
        total=plan.total,
        created_at=now,
        updated_at=now,
        options=options,
        location=request.location,
        job_name=request.job_name,
        parent_backfill_id=request.parent_backfill_id,
        counts={key: {Outcome.WAITING.name: size} for key, size in sizes.items()},
        estimated_seconds=found.seconds,
    )


def _title(request: BackfillRequest, plan: BackfillPlan) -> str:
    """Return what is built in a few words: what was asked for, and of which partitions."""
    if request.job_name is not None:
        what = f"job {request.job_name}"
    elif request.selection is not None:
        what = request.selection
    else:
        what = listed(plan.asset_keys, 3)
    asked = _asked(request)
    of = "" if asked.is_all else f" {asked}"
    mode = "" if request.mode in ("requested", "all") else f", {request.mode}"
    return f"{what}{of}{mode}"[:200]


# ------------------------------------------------------------------------------------------------------- what is asked for


def _asked(request: BackfillRequest) -> AskedPartitions:
    return AskedPartitions(request.partition_keys, request.partition_range, request.partitions)


def _chosen_keys(definitions: Definitions, request: BackfillRequest) -> list[AssetKey]:
    """Return the assets that are meant, in the order of dependencies."""
    graph = definitions.index.graph
    if request.job_name is not None:
        job = definitions.get_job_def(request.job_name)
        wanted = set(job.asset_keys)
        if request.keys_by_asset is not None:
            wanted &= _known(definitions, request.keys_by_asset)
        refused: list[AssetKey] = []
    elif request.keys_by_asset is not None or request.asset_keys is not None:
        texts = request.keys_by_asset if request.keys_by_asset is not None else request.asset_keys or ()
        wanted = _known(definitions, texts)
        refused = sorted(key for key in wanted if not graph.is_materializable(key))
    elif request.selection is not None:
        from headwater.graph.selection import AssetSelection

        wanted = set(AssetSelection.from_coercible(request.selection).resolve_nonempty(graph))
        refused = []
    else:
        wanted, refused = set(graph.keys), []
    chosen = [key for key in graph.toposort() if key in wanted and graph.is_materializable(key)]
    if refused or not chosen:
        raise NotBuiltHere([str(key) for key in refused or sorted(wanted)])
    return chosen


def _known(definitions: Definitions, texts: Iterable[str]) -> set[AssetKey]:
    graph = definitions.index.graph
    keys = {AssetKey.parse(text) for text in texts}
    unknown = next((key for key in sorted(keys) if not graph.has(key)), None)
    if unknown is not None:
        from headwater.model.errors.graph import UnknownAsset

        raise UnknownAsset(str(unknown), map(str, graph.keys), "`headwater asset list` shows what there is.")
    if not keys:
        raise UnclearBackfillRequest(
            what="No asset was asked for: the list is empty.",
            why="There would be nothing to build.",
            fix="Name at least one asset.",
        )
    return keys


def _parts(
    chosen: Sequence[AssetKey], spaces: PartitionSpaces, request: BackfillRequest
) -> tuple[Mapping[AssetKey, Part], list[str]]:
    if request.keys_by_asset is None:
        return asked_parts(chosen, spaces, _asked(request))
    keys_by_asset = {AssetKey.parse(text): keys for text, keys in request.keys_by_asset.items()}
    parts: dict[AssetKey, Part] = {}
    for key in chosen:
        space = spaces.of(key)
        keys = keys_by_asset[key]
        if space is None:
            parts[key] = True
        else:
            parts[key] = AskedPartitions(keys).read_in(space, spaces) if keys else space.empty
    return parts, []


# ---------------------------------------------------------------------------------------------------------- what overlaps


def _overlaps(plan: BackfillPlan, instance: Instance) -> list[str]:
    """Say which unfinished backfills are to build some of the same."""
    warnings: list[str] = []
    ours: dict[str, set[str | None]] | None = None
    for other in instance.store.backfills(_UNFINISHED):
        if not set(plan.asset_keys).intersection(other.asset_keys):
            continue
        if ours is None:
            ours = {key: set(group.partition_keys or (None,)) for group in plan.groups for key in group.asset_keys}
        shared: dict[str, int] = {}
        store = instance.store
        theirs = BackfillProgress(store.backfill_plan(other.backfill_id), store.backfill_progress(other.backfill_id))
        for key, partitions, outcomes in theirs.outcomes():
            if key in ours:
                waiting = (
                    partition
                    for partition, outcome in zip(partitions or (None,), outcomes, strict=True)
                    if outcome in (Outcome.WAITING, Outcome.ISSUED)
                )
                count = sum(partition in ours[key] for partition in waiting)
                if count:
                    shared[key] = shared.get(key, 0) + count
        if shared:
            total = sum(shared.values())
            named = listed([f'"{key}"' for key in shared], 3)
            title = f' ("{other.title}")' if other.title else ""
            warnings.append(
                f"Backfill {other.backfill_id}{title} has not ended and builds {counted(total, 'partition')} of {named} "
                "that this one would build too: they would be built twice, one after the other."
            )
    return warnings
