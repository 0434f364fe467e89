"""The runs that carry out a plan: assets that can be built in one run together, in an order that keeps early cut-off.

What is stale only because something upstream is comes in a later run than that: by then it may be fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.model.keys import AssetKey
from headwater.model.policies import most_partitions_of_a_run
from headwater.views.materialization_plan import MaterializationPlan, PlannedStep

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run: these assets, of these partitions (None: of none)."""

    asset_keys: tuple[AssetKey, ...]
    partition_keys: tuple[str, ...] | None
    wave: int = 0


def runs_of_plan(plan: MaterializationPlan, index: AssetIndex) -> list[PlannedRun]:
    """Return the runs of a plan, in an order in which what is upstream comes first."""
    groups: list[tuple[tuple[str, ...] | None, list[PlannedStep]]] = []
    group_of: dict[AssetKey, int] = {}
    placed: set[AssetKey] = set()
    keys_of = {step.asset_key: step.partition_keys for step in plan.steps}
    by_key = {step.asset_key: step for step in plan.steps}
    for step in plan.steps:
        if step.asset_key in placed:
            continue
        together = [by_key[key] for key in sorted(index.graph.execution_set(step.asset_key)) if key in by_key] or [step]
        place = 0
        for each in together:
            for parent in each.upstream:
                if parent in group_of:
                    # A run that follows sees what came of it; one that is for the same partitions may be the same run.
                    place = max(place, group_of[parent] + ("stale" in each.causes))
        keys = next((keys_of[each.asset_key] for each in together if keys_of[each.asset_key] is not None), None)
        while place < len(groups) and groups[place][0] != keys:
            place += 1
        if place == len(groups):
            groups.append((keys, []))
        groups[place][1].extend(together)
        for each in together:
            group_of[each.asset_key] = place
            placed.add(each.asset_key)
    runs: list[PlannedRun] = []
    for wave, (keys, steps) in enumerate(groups):
        assets = tuple(step.asset_key for step in steps)
        runs += [PlannedRun(assets, chunk, wave) for chunk in _chunks(keys, assets, index)]
    return runs


def _chunks(
    keys: tuple[str, ...] | None, assets: Iterable[AssetKey], index: AssetIndex
) -> Sequence[tuple[str, ...] | None]:
    """Return the partitions of each run: as many as the backfill policies of all of the assets allow."""
    if keys is None:
        return (None,)
    sizes = []
    for key in assets:
        size = most_partitions_of_a_run(index.definition_by_key[key].backfill_policy)
        if size is not None:
            sizes.append(size)
    size = min(sizes, default=len(keys))
    return [keys[start : start + size] for start in range(0, len(keys), size)]
