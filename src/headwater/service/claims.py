"""Who builds what now: an asset partition has one builder at a time."""

from __future__ import annotations

from headwater.model.keys import AssetKey
from headwater.plan.run_plan import PlanStep
from headwater.service.protocol import Attempt


class Claims:
    """Claims by asset, each with the partitions that it is about; None stands for the whole of an unpartitioned asset."""

    def __init__(self) -> None:
        self._by_asset: dict[AssetKey, dict[Attempt, frozenset[str] | None]] = {}

    def take(self, attempt: Attempt, step: PlanStep) -> None:
        """Claim what the step builds."""
        for asset in step.assets:
            partitions = None if asset.partitions is None else frozenset(asset.partitions)
            self._by_asset.setdefault(asset.key, {})[attempt] = partitions

    def release(self, attempt: Attempt, step: PlanStep) -> None:
        """Give back what the step was building."""
        for asset in step.assets:
            holders = self._by_asset.get(asset.key)
            if holders is not None:
                holders.pop(attempt, None)
                if not holders:
                    del self._by_asset[asset.key]

    def holder(self, attempt: Attempt, step: PlanStep) -> Attempt | None:
        """Return the attempt of another run that builds what this one would build, if there is one."""
        for asset in step.assets:
            for holder, partitions in self._by_asset.get(asset.key, {}).items():
                if holder.run_id == attempt.run_id:
                    continue
                if partitions is None or asset.partitions is None or not partitions.isdisjoint(asset.partitions):
                    return holder
        return None

    def __len__(self) -> int:
        return len(self._by_asset)
