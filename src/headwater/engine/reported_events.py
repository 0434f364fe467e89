"""What is reported on the way of a step, beside what it gives: materializations, observations and checks of any asset."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from headwater.model.errors.execution import UnusableResult
from headwater.model.events import AssetMaterialized, AssetObserved, CheckEvaluated, Event, ExpectationTold
from headwater.model.metadata import metadata_to_data
from headwater.model.results import AssetCheckEvaluation, AssetMaterialization, AssetObservation, ExpectationResult


def reported_events(item: Any, run_id: str, step_key: str, log: Any) -> list[Event]:
    """Return the facts that a user's code, or an IO manager, reported about any asset."""
    now = time.time()
    if isinstance(item, AssetObservation):
        return [
            AssetObserved(
                run_id=run_id,
                timestamp=now,
                step_key=step_key,
                asset=str(item.asset_key),
                partition=item.partition,
                description=item.description,
                metadata=metadata_data(item.metadata),
                tags=item.tags,
                data_version=item.data_version,
            )
        ]
    if isinstance(item, AssetMaterialization):
        materialized = AssetMaterialized(
            run_id=run_id,
            timestamp=now,
            step_key=step_key,
            asset=str(item.asset_key),
            partition=item.partition,
            description=item.description,
            metadata=metadata_data(item.metadata),
            tags=item.tags,
            data_version=item.data_version,
        )
        return [materialized]
    if isinstance(item, AssetCheckEvaluation):
        return [
            CheckEvaluated(
                run_id=run_id,
                timestamp=now,
                step_key=step_key,
                asset=str(item.asset_key),
                check=item.check_name,
                partition=item.partition,
                passed=item.passed,
                severity=item.severity.value,
                blocking=item.blocking,
                description=item.description,
                metadata=metadata_data(item.metadata),
            )
        ]
    if isinstance(item, ExpectationResult):
        if not item.success:
            log.warning("Expectation %r did not hold: %s", item.label, item.description or "")
        return [
            ExpectationTold(
                run_id=run_id,
                timestamp=now,
                step_key=step_key,
                label=item.label,
                success=item.success,
                description=item.description,
                metadata=metadata_data(item.metadata),
            )
        ]
    raise UnusableResult(what=f"{item!r} cannot be recorded.", why="It is no event.", fix="Use context.log for text.")


def metadata_data(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as the plain values that events carry."""
    return {name: metadata_to_data(value) for name, value in metadata.items()} if metadata else {}
