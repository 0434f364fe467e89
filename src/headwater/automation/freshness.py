"""How an asset stands with its freshness policy at an instant: a rule over what is recorded, without a clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from headwater.model.freshness import CronFreshnessPolicy, FreshnessPolicy, TimeWindowFreshnessPolicy
from headwater.model.freshness_rules import ticks_around

Freshness = Literal["passed", "warned", "failed"]


def freshness_of(policy: FreshnessPolicy, materialized_at: float | None, now: datetime) -> Freshness | None:
    """Return how an asset that was last materialized then stands; None for one that never was: nothing is known of it."""
    if materialized_at is None:
        return None
    made_at = datetime.fromtimestamp(materialized_at, UTC)
    if isinstance(policy, CronFreshnessPolicy):
        deadline = ticks_around(policy.deadline_cron, policy.timezone, now)[0]
        return "passed" if made_at >= deadline - policy.lower_bound_delta else "failed"
    if isinstance(policy, TimeWindowFreshnessPolicy):
        age = now - made_at
        if age > policy.fail_window:
            return "failed"
        return "warned" if policy.warn_window is not None and age > policy.warn_window else "passed"
    return None
