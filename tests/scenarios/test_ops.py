"""Jobs of ops and graphs, run whole: values, order, branches, dynamic outputs, and parts of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import headwater as hw


@hw.op
def one() -> int:
    return 1


@hw.op
def add(x: int, y: int = 5) -> int:
    return x + y


@hw.op
def total(xs: list[int]) -> int:
    return sum(xs)


@hw.op(ins={"start": hw.In(hw.Nothing)})
def announce() -> str:
    return "done"


@hw.op(out=hw.DynamicOut())
def numbers() -> Any:
    for number in range(3):
        yield hw.DynamicOutput(number, mapping_key=f"k{number}")


def started(result: hw.ExecuteInProcessResult) -> list[str | None]:
    return [event.step_key for event in result.all_events if event.event_type_value == "STEP_START"]


def test_graphs_nest_aliases_name_and_a_fan_in_gathers_a_list() -> None:
    @hw.graph
    def twice(x: int) -> int:
        return add(add(x))

    @hw.job
    def work() -> None:
        first = one()
        second = add.alias("second")(first)
        announce(total([first, second, twice.alias("again")(second)]))

    result = work.execute_in_process()
    assert started(result) == ["one", "second", "again.add", "again.add_2", "total", "announce"]
    assert result.output_for_node("again") == 16
    assert result.output_for_node("again.add") == 11
    assert result.output_for_node("total") == 1 + 6 + 16
    assert result.output_for_node("announce") == "done"


def test_outputs_of_graphs_are_found_by_name_and_as_the_value_of_the_job() -> None:
    @hw.graph(out={"plain": hw.GraphOut(), "more": hw.GraphOut()})
    def pair() -> Any:
        value = one()
        return {"plain": value, "more": add(value)}

    @hw.graph
    def whole() -> Any:
        return add.alias("last")(pair().more)

    result = whole.execute_in_process()
    assert result.output_value() == 11
    assert result.output_for_node("pair", "plain") == 1
    assert result.output_for_node("pair.add") == 6


def test_a_branch_that_is_not_taken_is_skipped() -> None:
    @hw.op(out={"small": hw.Out(is_required=False), "large": hw.Out(is_required=False)})
    def route() -> Iterator[hw.Output[int]]:
        yield hw.Output(1, "small")

    @hw.job
    def work() -> None:
        small, large = route()
        total([add.alias("on_small")(small), add.alias("on_large")(large)])

    result = work.execute_in_process()
    assert result.success
    assert result.is_node_skipped("on_large")
    assert result.output_for_node("total") == 6


def test_dynamic_outputs_are_mapped_chained_and_collected_in_order() -> None:
    @hw.job
    def work() -> None:
        grown = numbers().map(add)
        total(grown.map(add.alias("again")).collect())

    result = work.execute_in_process()
    assert result.output_for_node("add") == {"k0": 5, "k1": 6, "k2": 7}
    assert result.output_for_node("total") == 10 + 11 + 12
    assert [key for key in started(result) if key is not None and key.startswith("again")] == [
        "again[k0]",
        "again[k1]",
        "again[k2]",
    ]


def test_a_mapped_step_takes_a_plain_output_of_the_same_op_beside_the_dynamic_one() -> None:
    @hw.op(out={"each": hw.DynamicOut(), "offset": hw.Out()})
    def both() -> Iterator[Any]:
        yield hw.DynamicOutput(1, "a", output_name="each")
        yield hw.Output(100, "offset")
        yield hw.DynamicOutput(2, "b", output_name="each")

    @hw.job
    def work() -> None:
        each, offset = both()
        shifted = each.map(lambda value: add(value, offset))
        total(shifted.collect())
        announce(shifted.collect())

    result = work.execute_in_process()
    assert result.output_for_node("total") == 203
    assert result.output_for_node("announce") == "done"


def test_no_dynamic_values_make_an_empty_list() -> None:
    @hw.op(out=hw.DynamicOut())
    def none() -> Any:
        return []

    @hw.job
    def work() -> None:
        total(none().map(add).collect())

    assert work.execute_in_process().output_for_node("total") == 0


def test_one_failed_instance_leaves_the_others_and_blocks_the_collector() -> None:
    @hw.op
    def picky(x: int) -> int:
        if x == 1:
            raise ValueError("one")
        return x

    @hw.job
    def work() -> None:
        total(numbers().map(picky).collect())

    result = work.execute_in_process(raise_on_error=False)
    assert result.get_failed_step_keys() == {"picky[k1]"}
    assert result.output_for_node("picky") == {"k0": 0, "k2": 2}
    assert result.is_node_untouched("total")


@pytest.mark.parametrize(
    ("selection", "steps"),
    [(["add"], ["add"]), (["*add"], ["one", "add"]), (["one+"], ["one", "add"]), (["announce"], ["announce"])],
)
def test_a_part_of_a_job_takes_from_config_what_its_other_steps_would_have_given(
    selection: list[str], steps: list[str]
) -> None:
    @hw.job
    def work() -> None:
        announce(add(one()))

    config = {"ops": {"add": {"inputs": {"x": {"value": 7}}}}} if selection == ["add"] else None
    result = work.execute_in_process(op_selection=selection, run_config=config)
    assert started(result) == steps


def test_inputs_that_nothing_gives_are_all_named_before_anything_runs() -> None:
    @hw.op
    def needs(a: int, b: int) -> int:
        return a + b

    @hw.job
    def work() -> None:
        needs(one(), one.alias("other")())

    with hw.instance_for_test() as instance:
        with pytest.raises(hw.InvalidConfigError) as raised:
            work.execute_in_process(op_selection=["needs"], instance=instance)
        assert "ops.needs.inputs.a" in str(raised.value)
        assert "ops.needs.inputs.b" in str(raised.value)
        assert instance.get_runs() == []


def test_input_values_feed_the_inputs_of_a_graph() -> None:
    @hw.graph
    def work(x: int) -> int:
        return add(x)

    assert work.execute_in_process(input_values={"x": 6}).output_value() == 11
    assert work.to_job(input_values={"x": 7}).execute_in_process().output_for_node("add") == 12


def test_null_is_a_value_where_config_takes_it():
    seen: list[object] = []

    @hw.op(config_schema=hw.Field(hw.Noneable(int), is_required=True))
    def keeps(context: hw.OpExecutionContext) -> None:
        seen.append(context.op_config)

    @hw.job
    def keep():
        keeps()

    assert keep.execute_in_process(run_config={"ops": {"keeps": {"config": None}}}).success
    assert seen == [None]
