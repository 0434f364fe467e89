"""A project over time: assets are built, evaluations follow one another, and each says what it asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Any

import headwater as hw
from headwater.automation import AutomationCursor, EvaluateAutomationConditionsResult

A = hw.AutomationCondition
NOON = datetime(2024, 1, 10, 12, 0, tzinfo=UTC)
DAILY = hw.DailyPartitionsDefinition("2024-01-01")
LETTERS = hw.StaticPartitionsDefinition(["a", "b", "c"])

Requests = Mapping[str, Set[str | None]]
ONCE: Set[str | None] = {None}


def day(number: int, hour: int = 0, minute: int = 1) -> datetime:
    return datetime(2024, 1, number, hour, minute, tzinfo=UTC)


def asset(name: str, condition: A | None = None, *upstream: Any, **kwargs: Any) -> hw.AssetsDefinition:
    """Return an asset that does nothing but come after others."""

    @hw.asset(name=name, automation_condition=condition, deps=list(upstream), **kwargs)
    def nothing() -> None: ...

    return nothing


class Scenario:
    """Definitions, a memory of what happened to them, and the cursor of the evaluation before."""

    def __init__(self, *definitions: Any) -> None:
        self.instance = hw.Instance.ephemeral()
        self.cursor: AutomationCursor | None = None
        self.now = NOON
        self.last: EvaluateAutomationConditionsResult | None = None
        self.declare(*definitions)

    def declare(self, *definitions: Any) -> None:
        """Change the code: from now on these are the definitions."""
        checks = [one for one in definitions if isinstance(one, hw.AssetChecksDefinition)]
        assets = [one for one in definitions if not isinstance(one, hw.AssetChecksDefinition)]
        self.definitions = hw.Definitions(assets=assets, asset_checks=checks)

    def build(self, *definitions: Any, partitions: Sequence[str] = (), tags: Mapping[str, str] | None = None) -> None:
        """Build these in one run, or in one for each partition. A failure is left to be recorded."""
        for partition in partitions or (None,):
            hw.materialize(
                list(definitions), instance=self.instance, partition_key=partition, tags=tags, raise_on_error=False
            )

    def evaluate(self, at: datetime | None = None) -> Requests:
        """Return what is asked for a minute later (or at an instant), by the written key."""
        self.now = at or self.now + timedelta(minutes=1)
        self.last = hw.evaluate_automation_conditions(
            self.definitions, self.instance, evaluation_time=self.now, cursor=self.cursor
        )
        # As a service would, between two evaluations, keep it as text.
        self.cursor = AutomationCursor.deserialize(self.last.cursor.serialize())
        return {str(one.key): self.last.get_requested_partitions(one.key) for one in self.last.requested_subsets}
