"""What the run that is continued has built in steps that did not end well, and how little of those steps is left to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from headwater.authoring.op import OpDefinition
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.plan.job_steps import JobStep
from headwater.plan.run_plan import FromAsset, FromMany, Need, PlanStep, Source


@dataclass(frozen=True, slots=True)
class AlreadyBuilt:
    """Assets by their partitions, None for the whole of an unpartitioned one; and the checks that were evaluated."""

    partitions_by_asset: Mapping[AssetKey, frozenset[str | None]] = field(default_factory=dict)
    checks: frozenset[AssetCheckKey] = frozenset()
    # What the earlier run was not asked for is not asked for now.
    not_asked: frozenset[AssetKey] = frozenset()

    def left_of(self, asset: AssetKey, partitions: Sequence[str] | None) -> tuple[str, ...] | None:
        """Return which of these partitions are still to be built; for an unpartitioned asset None when it is, else ()."""
        built = self.partitions_by_asset.get(asset, frozenset())
        if partitions is None:
            return () if None in built else None
        return tuple(key for key in partitions if key not in built)

    def is_whole(self, asset: AssetKey, partitions: Sequence[str] | None) -> bool:
        """Return whether nothing of an asset is left to build."""
        return self.left_of(asset, partitions) == ()


def without_built_assets(steps: Sequence[JobStep], built: AlreadyBuilt, keys: tuple[str, ...] | None) -> list[JobStep]:
    """Return the steps without the assets that are built already, where their definition can do without.

    A step of which nothing would be left stays as it is: something else in it went wrong.
    """
    left_out: set[AssetKey] = set()
    narrowed: list[JobStep] = []
    for step in steps:
        definition = step.assets_def
        done: set[AssetKey] = set()
        if definition is not None and definition.can_subset and isinstance(definition.node_def, OpDefinition):
            for asset in step.selected_keys:
                is_partitioned = definition.specs_by_key[asset].partitions_def is not None
                checks = {check for check in step.selected_checks if check.asset_key == asset}
                is_whole = built.is_whole(asset, keys if is_partitioned else None) and checks <= built.checks
                if is_whole or asset in built.not_asked:
                    done.add(asset)
        if not done or len(done) == len(step.selected_keys):
            narrowed.append(step)
            continue
        left_out |= done
        narrowed.append(
            replace(
                step,
                asset_by_output={name: key for name, key in step.asset_by_output.items() if key not in done},
                selected_keys=step.selected_keys - done,
                selected_checks=frozenset(check for check in step.selected_checks if check.asset_key not in done),
            )
        )
    if not left_out:
        return narrowed
    given = {
        (step.key, output) for step in steps for output, asset in step.asset_by_output.items() if asset in left_out
    }
    return [_reading_what_is_stored(step, given) for step in narrowed]


def narrowed_to_plan(step: JobStep, planned: PlanStep | None) -> JobStep:
    """Return the step with those of its assets and checks alone that it builds by the plan."""
    if planned is None or step.assets_def is None:
        return step
    left = {asset.key for asset in planned.assets}
    if not left or left == set(step.asset_by_output.values()):
        return step
    return replace(
        step,
        asset_by_output={name: key for name, key in step.asset_by_output.items() if key in left},
        selected_keys=step.selected_keys & left,
        selected_checks=frozenset(planned.checks),
    )


def _reading_what_is_stored(step: JobStep, given: set[tuple[str, str]]) -> JobStep:
    """Return the step reading from storage what was `given` before, by (step, output), and waiting for the rest only."""

    def stored(source: Source) -> Source:
        if isinstance(source, FromMany):
            return FromMany(tuple(stored(part) for part in source.sources))
        if isinstance(source, FromAsset) and source.step is not None and (source.step, source.output) in given:
            return FromAsset(source.asset)
        return source

    needs = [_without(need, given) for need in step.needs]
    return replace(
        step,
        inputs={name: stored(source) for name, source in step.inputs.items()},
        needs=[need for need in needs if need.sources],
    )


def _without(need: Need, given: set[tuple[str, str]]) -> Need:
    """Return a need without the sources that have come already."""
    sources = tuple(source for source in need.sources if source not in given)
    return Need(sources, need.is_fan_in, need.is_collected)
