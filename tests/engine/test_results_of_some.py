"""What a multi-asset by specs has built when its function tells of some of its assets, or of none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors.execution import UnusableResult


def built(result: hw.ExecuteInProcessResult) -> list[str]:
    return [str(event.asset_key) for event in result.get_asset_materialization_events()]


def two(function: Callable[[], Any], *, can_subset: bool = False, skippable: bool = False) -> Any:
    specs = [hw.AssetSpec("orders", skippable=skippable), hw.AssetSpec("customers", skippable=skippable)]
    return hw.multi_asset(name="both", specs=specs, can_subset=can_subset)(function)


ORDERS: hw.MaterializeResult[Any] = hw.MaterializeResult(asset_key="orders")


def nothing() -> None:
    return None


def one() -> hw.MaterializeResult[Any]:
    return ORDERS


def tuple_of_one() -> tuple[hw.MaterializeResult[Any]]:
    return (ORDERS,)


def empty_tuple() -> tuple[()]:
    return ()


def yields_one() -> Iterator[Any]:
    yield ORDERS


def yields_none() -> Iterator[Any]:
    yield from ()


@pytest.mark.parametrize("function", [nothing, yields_one, yields_none])
def test_assets_that_must_be_built_are_when_the_function_ends_without_a_word_of_them(
    function: Callable[[], Any],
) -> None:
    assert sorted(built(hw.materialize([two(function)]))) == ["customers", "orders"]


@pytest.mark.parametrize("function", [one, tuple_of_one])
def test_returned_results_must_tell_of_each_asset_that_must_be_built(function: Callable[[], Any]) -> None:
    result = hw.materialize([two(function)], raise_on_error=False)
    assert not result.success
    assert built(result) == []
    with pytest.raises(UnusableResult, match='"both" returned results that say nothing of customers'):
        two(function)()


@pytest.mark.parametrize("parts", [{"can_subset": True}, {"skippable": True}])
def test_assets_that_may_be_left_out_are_built_as_far_as_results_tell_of_them(parts: dict[str, bool]) -> None:
    for function in (one, tuple_of_one, yields_one):
        assert built(hw.materialize([two(function, **parts)])) == ["orders"]
    assert built(hw.materialize([two(yields_none, **parts)])) == []


@pytest.mark.parametrize("parts", [{"can_subset": True}, {"skippable": True}])
def test_nothing_returned_tells_nothing_of_assets_that_may_be_left_out(parts: dict[str, bool]) -> None:
    with pytest.raises(UnusableResult, match='"both" returned nothing, and has 2 outputs: orders, customers'):
        hw.materialize([two(nothing, **parts)])


def test_an_empty_tuple_tells_nothing_of_any_asset() -> None:
    with pytest.raises(UnusableResult, match="returned a tuple of 0"):
        hw.materialize([two(empty_tuple)])
    alone = hw.multi_asset(name="alone", specs=[hw.AssetSpec("orders")])(empty_tuple)
    with pytest.raises(UnusableResult, match='"alone" returned an empty tuple'):
        hw.materialize([alone])


def test_none_is_the_value_of_an_asset_that_returns_it_though_it_might_have_been_left_out() -> None:
    @hw.asset(output_required=False)
    def note() -> Any:
        return None

    assert built(hw.materialize([note])) == ["note"]
