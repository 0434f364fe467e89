"""What one attempt of a step says of checks, and which of them are in the way of what comes after."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.engine.reported_events import metadata_data
from headwater.model.errors.execution import (
    AssetCheckFailedError,
    CheckResultNotFound,
    UnknownOutput,
    UnusableResult,
)
from headwater.model.events import CheckEvaluated, Event
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.results import AssetCheckResult
from headwater.model.specs import AssetCheckSpec

if TYPE_CHECKING:
    from headwater.engine.step_attempt import StepAttempt


class StepChecks:
    """The checks that one attempt has evaluated so far."""

    __slots__ = ("_blocking_failures", "_evaluated", "attempt")

    def __init__(self, attempt: StepAttempt) -> None:
        self.attempt = attempt
        self._evaluated: set[AssetCheckKey] = set()
        self._blocking_failures: list[str] = []

    def require_all(self) -> None:
        """Raise CheckResultNotFound if a check has not come, AssetCheckFailedError if one that blocks did not pass."""
        for check in self.attempt.code.selected_checks:
            if check not in self._evaluated:
                raise CheckResultNotFound(self.attempt.key, check.name)
        if self._blocking_failures:
            raise AssetCheckFailedError(self._blocking_failures)

    def take(self, result: AssetCheckResult, of: AssetKey | None = None) -> list[Event]:
        """Record the result of a check, of the asset `of` unless it names one itself."""
        attempt = self.attempt
        spec = self._spec_of(result, of)
        key = spec.key
        self._evaluated.add(key)
        partitions: Sequence[str | None] = (result.partition_key,)
        if result.partition_key is None and attempt.step_scope is not None:
            keys = attempt.step_scope.run_partition_keys
            if keys is not None and (len(keys) == 1 or spec.partitions_def is not None):
                partitions = keys  # what holds of a range holds of each partition in it
        now = time.time()
        events: list[Event] = []
        for part in partitions:
            event = CheckEvaluated(
                run_id=attempt.run_id,
                timestamp=now,
                step_key=attempt.key,
                asset=str(key.asset_key),
                check=key.name,
                partition=part,
                passed=result.passed,
                severity=result.severity.value,
                blocking=spec.blocking,
                description=result.description,
                metadata=metadata_data(result.metadata),
            )
            if event.blocks and str(key) not in self._blocking_failures:
                self._blocking_failures.append(str(key))
            events.append(event)
        return events

    def _spec_of(self, result: AssetCheckResult, of: AssetKey | None) -> AssetCheckSpec:
        definition = self.attempt.code.assets_def
        specs = definition.check_specs if definition is not None else ()
        asset = result.asset_key or of
        candidates = [
            spec
            for spec in specs
            if (asset is None or spec.asset_key == asset)
            and (result.check_name is None or spec.name == result.check_name)
        ]
        if len(candidates) == 1:
            return candidates[0]
        given = result.check_name or (f"of {asset}" if asset is not None else "without a name")
        if not candidates:
            raise UnknownOutput(self.attempt.key, str(given), "check result", [spec.name for spec in specs])
        raise UnusableResult(
            what=f'"{self.attempt.key}" gave a check result {given}, and has {len(candidates)} checks that it could be '
            "of.",
            why="It does not say which of them is meant.",
            fix="Say so: AssetCheckResult(check_name=..., asset_key=...).",
        )
