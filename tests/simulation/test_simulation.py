"""The dispatcher, played through imagined worlds: what is recorded, started and left behind keeps every law."""

from __future__ import annotations

import pytest

from tests.simulation.world import simulate

SEEDS_OF_A_TEST = 100


@pytest.mark.parametrize("first", range(0, 2_000, SEEDS_OF_A_TEST))
def test_every_law_holds_in_every_world(first: int) -> None:
    for seed in range(first, first + SEEDS_OF_A_TEST):
        simulate(seed)


def test_a_world_is_the_same_whenever_it_is_played() -> None:
    for seed in (3, 11, 57):
        one, other = simulate(seed), simulate(seed)
        assert one.committed == other.committed
        assert one.now == other.now


def test_worlds_hold_what_is_hard() -> None:
    """Else the laws would hold for want of anything that could break them."""
    seen: set[str] = set()
    for seed in range(120):
        world = simulate(seed)
        events = [event for transaction in world.committed for event in transaction]
        seen |= {type(event).__name__ for event in events}
        seen |= {event.cause for event in events if hasattr(event, "cause")}
        seen |= {"instance" for event in events if event.step_key is not None and "[" in event.step_key}
        seen |= {"server crash"} if world.life else set()
        seen |= {"out of time" for run in world.ledger.runs.values() if run.timed_out}
    assert {
        "RunSucceeded", "RunFailed", "RunCanceled", "RunInterrupted", "StepRetryScheduled", "StepBlocked", "StepSkipped",
        "AssetNotMaterialized", "lost", "timeout", "canceled", "user", "instance", "server crash", "out of time",
    } <= seen  # fmt: skip
