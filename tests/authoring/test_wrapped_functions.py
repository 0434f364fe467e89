"""Definitions carry the name, the docstring and the function that they were written with; steps find their context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import InvariantViolationError


@hw.op
def tripled(x: int) -> int:
    """Three times as much."""
    return 3 * x


@hw.op
def daily_number() -> int:
    return 1


@hw.graph
def both() -> None:
    """A graph."""
    daily_number()


@hw.job
def daily() -> None:
    """A job."""
    daily_number()


@hw.schedule(job=daily, cron_schedule="@daily")
def each_day() -> None:
    """A schedule."""


@hw.sensor(job=daily)
def watching() -> None:
    """A sensor."""


@hw.repository
def shop() -> list[Any]:
    """A repository."""
    return [daily]


@hw.asset
def orders() -> int:
    return 2


@pytest.mark.parametrize(
    ("made", "name", "says"),
    [
        (tripled, "tripled", "Three times as much."),
        (both, "both", "A graph."),
        (daily, "daily", "A job."),
        (each_day, "each_day", "A schedule."),
        (watching, "watching", "A sensor."),
        (shop, "shop", "A repository."),
    ],
)
def test_what_a_decorator_made_carries_its_function(made: Any, name: str, says: str) -> None:
    assert (made.__name__, made.__doc__, made.__module__) == (name, says, __name__)
    assert made.__wrapped__.__doc__ == says


def test_the_function_of_an_op_can_be_called_by_itself() -> None:
    assert tripled.compute_fn.decorated_fn(3) == 9
    assert tripled.compute_fn(3) == 9
    assert tripled.compute_fn.name == "tripled"
    assert orders.op.compute_fn.decorated_fn() == 2
    assert hw.OpDefinition(tripled.compute_fn, "again")(2) == 6


def test_code_that_was_not_handed_a_context_finds_that_of_its_step() -> None:
    seen: list[str] = []

    def deep() -> None:
        context = hw.AssetExecutionContext.get()
        seen.append(f"{context.asset_key} {type(hw.OpExecutionContext.get()).__name__}")

    @hw.asset
    def inner() -> None:
        deep()

    @hw.asset
    def outer() -> None:
        hw.materialize([inner], instance=hw.Instance.ephemeral())
        deep()

    with hw.Instance.ephemeral() as instance:
        hw.materialize([outer], instance=instance)
    assert seen == ["inner OpExecutionContext", "outer OpExecutionContext"]


@pytest.mark.parametrize("get", [hw.AssetExecutionContext.get, hw.OpExecutionContext.get])
def test_outside_of_a_step_there_is_no_context(get: Callable[[], object]) -> None:
    with pytest.raises(InvariantViolationError, match=r"\.get\(\) was called outside of a step"):
        get()
