"""Assets of every kind, run whole against a real store: values, metadata, checks, versions, and what is left unsaid."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import headwater as hw
from headwater.engine.step_log_files import read_step_log
from headwater.model.events import AssetNotMaterialized, AssetUnchanged, StepFailed
from headwater.model.runs import StepStatus


def built(result: hw.ExecuteInProcessResult) -> list[str]:
    return [event.asset for event in result.get_asset_materialization_events()]


def metadata(result: hw.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    key = hw.AssetKey(asset)
    found = next(e for e in result.get_asset_materialization_events() if e.asset_key == key)
    return {name: value.value for name, value in found.materialization.metadata.items()}


# -------------------------------------------------------------------------------------------------------- several assets


def test_an_asset_by_spec_counts_as_built_when_the_function_says_nothing_of_it() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("a"), hw.AssetSpec("b"), hw.AssetSpec("c", skippable=True)])
    def silent() -> Iterator[hw.MaterializeResult[None]]:
        yield from ()

    @hw.multi_asset(specs=[hw.AssetSpec("d"), hw.AssetSpec("e")])
    def half() -> Iterator[hw.MaterializeResult[None]]:
        yield hw.MaterializeResult(asset_key="d", metadata={"rows": 2})

    result = hw.materialize([silent, half])
    assert built(result) == ["a", "b", "d", "e"]
    assert metadata(result, "d") == {"rows": 2}


def test_an_output_with_a_value_must_come() -> None:
    @hw.multi_asset(outs={"x": hw.AssetOut(), "y": hw.AssetOut()})
    def half() -> Iterator[hw.Output[int]]:
        yield hw.Output(1, "x")

    with pytest.raises(hw.StepOutputNotFoundError, match='"y"'):
        hw.materialize([half])


def test_an_optional_output_that_does_not_come_skips_what_depends_on_it() -> None:
    @hw.multi_asset(outs={"x": hw.AssetOut(), "y": hw.AssetOut(is_required=False)})
    def half() -> Iterator[hw.Output[int]]:
        yield hw.Output(1, "x")

    @hw.asset
    def from_y(y: int) -> int:
        return y

    result = hw.materialize([half, from_y])
    assert result.success
    assert built(result) == ["x"]
    assert result.is_node_skipped("from_y")


def test_a_multi_asset_that_can_be_built_in_parts_is_split_where_another_asset_stands_between() -> None:
    parts: list[list[str]] = []

    @hw.multi_asset(specs=[hw.AssetSpec("a"), hw.AssetSpec("b", deps=["between"])], can_subset=True)
    def both(context: hw.AssetExecutionContext) -> Iterator[hw.MaterializeResult[None]]:
        parts.append(sorted(map(str, context.selected_asset_keys)))
        for key in context.selected_asset_keys:
            yield hw.MaterializeResult(asset_key=key)

    @hw.asset(deps=["a"])
    def between() -> None: ...

    result = hw.materialize([both, between])
    assert built(result) == ["a", "between", "b"]
    assert parts == [["a"], ["b"]]


def test_what_was_not_selected_cannot_be_given() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("a", skippable=True), hw.AssetSpec("b", skippable=True)], can_subset=True)
    def both() -> Iterator[hw.MaterializeResult[None]]:
        yield hw.MaterializeResult(asset_key="a")
        yield hw.MaterializeResult(asset_key="b")

    result = hw.materialize([both], selection=["a"], raise_on_error=False)
    assert built(result) == ["a"]
    (failed,) = result.get_step_failure_events()
    assert failed.error is not None
    assert '"b", which this run did not ask for' in failed.error.message


def test_graph_assets_are_recorded_and_read_under_their_names() -> None:
    @hw.op
    def one() -> int:
        return 1

    @hw.op
    def plus(x: int) -> int:
        return x + 1

    @hw.graph_asset
    def two() -> int:
        return plus(one())

    @hw.graph_multi_asset(outs={"three": hw.AssetOut(), "four": hw.AssetOut()})
    def more(two: int) -> Any:
        return {"three": plus(two), "four": plus(plus(two))}

    result = hw.materialize([two, more])
    assert built(result) == ["two", "three", "four"]
    assert result.output_for_node("two") == 2
    assert result.output_for_node("more", "four") == 4
    assert result.asset_value("three") == 3


# ----------------------------------------------------------------------------------------------------- values and no values


def test_an_upstream_without_a_value_arrives_as_none() -> None:
    seen = []

    @hw.asset
    def table() -> hw.MaterializeResult[None]:
        return hw.MaterializeResult(metadata={"rows": 3})

    @hw.asset(deps=["table"])
    def report(table: int) -> None:
        seen.append(table)

    assert hw.materialize([table, report]).success
    assert seen == [None]


def test_unchanged_keeps_the_materialization_before_and_skip_leaves_all_downstream_unbuilt() -> None:
    answers: list[Any] = [1, hw.Unchanged(), hw.Skip("no new files")]

    @hw.asset
    def source() -> Any:
        return answers.pop(0)

    @hw.asset
    def child(source: int) -> int:
        return source + 1

    with hw.instance_for_test() as instance:
        first = hw.materialize([source, child], instance=instance)
        second = hw.materialize([source, child], instance=instance)
        assert built(second) == ["child"]
        assert second.asset_value("child") == 2
        assert [event.asset for event in second.all_events if isinstance(event, AssetUnchanged)] == ["source"]
        latest = instance.get_latest_materialization_event(hw.AssetKey("source"))
        assert latest is not None
        assert latest.run_id == first.run_id

        third = hw.materialize([source, child], instance=instance)
        assert third.success
        assert built(third) == []
        told = {e.asset: (e.outcome, e.cause) for e in third.all_events if isinstance(e, AssetNotMaterialized)}
        assert told["source"] == ("skipped", "no new files")
        assert told["child"][0] == "skipped"


def test_versions_of_what_was_read_are_recorded_with_what_was_made() -> None:
    @hw.asset(code_version="2")
    def source() -> hw.Output[int]:
        return hw.Output(1, data_version=hw.DataVersion("v7"))

    @hw.asset
    def child(source: int) -> int:
        return source

    with hw.instance_for_test() as instance:
        result = hw.materialize([source, child], instance=instance)
        made = {event.asset: event for event in result.get_asset_materialization_events()}
        assert (made["source"].data_version, made["source"].code_version) == ("v7", "2")
        assert [tuple(getattr(i, f) for f in ("asset", "data_version")) for i in made["child"].inputs] == [
            ("source", "v7")
        ]
        again = hw.materialize([source, child], instance=instance, selection=[child])
        before, after = made["child"], again.get_asset_materialization_events()[0]
        assert after.inputs == before.inputs
        assert after.data_version == before.data_version is not None  # the same content has the same version


def test_what_is_said_on_the_way_is_recorded() -> None:
    @hw.asset
    def table(context: hw.AssetExecutionContext) -> int:
        context.log_event(hw.AssetObservation("other", metadata={"seen": 1}))
        context.log_event(hw.AssetMaterialization("elsewhere"))
        context.add_output_metadata({"rows": 3})
        context.add_asset_metadata({"owner": "us"})
        return 1

    result = hw.materialize([table])
    assert built(result) == ["elsewhere", "table"]
    assert [event.asset for event in result.get_asset_observation_events()] == ["other"]
    assert {"rows": 3, "owner": "us"}.items() <= metadata(result, "table").items()


def test_logs_prints_and_the_logging_module_are_readable_afterwards() -> None:
    @hw.asset
    def table(context: hw.AssetExecutionContext) -> int:
        context.log.info("from the context")
        logging.getLogger("mine").warning("from logging")
        print("from print")
        return 1

    with hw.instance_for_test() as instance:
        result = hw.materialize([table], instance=instance)
        said = [line.message for line in read_step_log(instance.logs_dir, result.run_id, "table")]
        assert [text for text in said if text.startswith("from")] == ["from the context", "from logging", "from print"]


def test_async_assets_run_at_the_same_time() -> None:
    here = []
    met = asyncio.Event()

    async def meet(name: str) -> str:
        here.append(name)
        if len(here) == 2:
            met.set()
        await asyncio.wait_for(met.wait(), 5)  # would never come if one ran after the other
        return name

    @hw.asset
    async def left() -> str:
        return await meet("left")

    @hw.asset
    async def right() -> str:
        return await meet("right")

    @hw.asset
    def both(left: str, right: str) -> str:
        return left + right

    assert hw.materialize([left, right, both]).asset_value("both") == "leftright"


def test_observable_sources_are_observed() -> None:
    @hw.observable_source_asset
    def source() -> hw.DataVersion:
        return hw.DataVersion("v1")

    @hw.multi_observable_source_asset(specs=[hw.AssetSpec("m1"), hw.AssetSpec("m2")])
    def more() -> Iterator[hw.ObserveResult]:
        yield hw.ObserveResult(asset_key="m1", metadata={"rows": 1})
        yield hw.ObserveResult(asset_key="m2", data_version=hw.DataVersion("v2"))

    result = hw.observe([source, more])
    seen = {event.asset: event.data_version for event in result.get_asset_observation_events()}
    assert seen == {"source": "v1", "m1": None, "m2": "v2"}
    assert built(result) == []


# ------------------------------------------------------------------------------------------------------------- selection


def test_what_is_given_but_not_selected_is_only_loaded() -> None:
    @hw.asset
    def raw() -> int:
        return 1

    @hw.asset
    def clean(raw: int) -> int:
        return raw + 1

    with hw.instance_for_test() as instance:
        with pytest.raises(hw.HeadwaterError, match="was never materialized here"):
            hw.materialize([raw, clean], selection=[clean], instance=instance)
        hw.materialize([raw], instance=instance)
        result = hw.materialize([raw, clean], selection="clean", instance=instance)
        assert built(result) == ["clean"]
        assert result.asset_value("clean") == 2


# ---------------------------------------------------------------------------------------------------------------- checks


def test_checks_of_every_kind_are_evaluated_and_take_the_assets_value() -> None:
    @hw.asset(check_specs=[hw.AssetCheckSpec("inside", asset="table")])
    def table() -> Iterator[Any]:
        yield hw.Output([1, 2])
        yield hw.AssetCheckResult(passed=True, metadata={"rows": 2})

    @hw.asset_check(asset=table)
    def short(table: list[int]) -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=len(table) > 5, severity=hw.AssetCheckSeverity.WARN)

    @hw.multi_asset_check(specs=[hw.AssetCheckSpec("one", asset="table"), hw.AssetCheckSpec("two", asset="table")])
    def several() -> Iterator[hw.AssetCheckResult]:
        yield hw.AssetCheckResult(passed=True, check_name="one")
        yield hw.AssetCheckResult(passed=False, check_name="two")

    result = hw.materialize([table, short, several])
    assert result.success
    assert {e.check_name: (e.passed, e.severity.value) for e in result.get_asset_check_evaluations()} == {
        "inside": (True, "ERROR"),
        "short": (False, "WARN"),
        "one": (True, "ERROR"),
        "two": (False, "ERROR"),
    }


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_failed_blocking_check_keeps_what_was_built_and_blocks_what_is_downstream(is_inside: bool) -> None:
    if is_inside:

        @hw.asset(check_specs=[hw.AssetCheckSpec("guard", asset="table", blocking=True)])
        def table() -> Iterator[Any]:
            yield hw.Output(1)
            yield hw.AssetCheckResult(passed=False)

        given: list[Any] = [table]
    else:

        @hw.asset(name="table")
        def plain() -> int:
            return 1

        @hw.asset_check(asset="table", blocking=True)
        def guard() -> hw.AssetCheckResult:
            return hw.AssetCheckResult(passed=False)

        given = [plain, guard]

    @hw.asset
    def report(table: int) -> int:
        return table

    @hw.asset
    def sibling() -> int:
        return 1

    result = hw.materialize([*given, report, sibling], raise_on_error=False)
    assert built(result) == ["table", "sibling"]
    assert result.step_statuses["report"] is StepStatus.BLOCKED
    assert not result.success
    with pytest.raises(hw.AssetCheckFailedError):
        hw.materialize([*given, report])


def test_a_blocking_check_that_only_warns_blocks_nothing() -> None:
    @hw.asset
    def table() -> int:
        return 1

    @hw.asset_check(asset=table, blocking=True)
    def warns() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=False, severity=hw.AssetCheckSeverity.WARN)

    @hw.asset
    def report(table: int) -> int:
        return table

    assert built(hw.materialize([table, warns, report])) == ["table", "report"]


def test_a_check_without_a_result_fails_its_step_by_name() -> None:
    @hw.asset(check_specs=[hw.AssetCheckSpec("guard", asset="table")])
    def table() -> Iterator[Any]:
        yield hw.Output(1)

    with pytest.raises(hw.StepOutputNotFoundError, match='without a result of its check "guard"'):
        hw.materialize([table])


# ------------------------------------------------------------------------------------------------------------ partitions

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")


def test_an_asset_that_reads_its_previous_partition_has_none_at_the_start() -> None:
    seen: list[Any] = []

    @hw.asset(
        partitions_def=DAYS,
        ins={"running": hw.AssetIn(partition_mapping=hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))},
    )
    def running(running: Any) -> int:
        seen.append(running)
        return (running or 0) + 1

    with hw.instance_for_test() as instance:
        for day in ("2024-01-01", "2024-01-02", "2024-01-03"):
            hw.materialize([running], partition_key=day, instance=instance)
    assert seen == [None, 1, 2]


def test_a_missing_upstream_partition_fails_the_step_and_an_impossible_one_is_named() -> None:
    @hw.asset(partitions_def=DAYS)
    def raw(context: hw.AssetExecutionContext) -> str:
        return context.partition_key

    window = hw.TimeWindowPartitionMapping(start_offset=-1, allow_nonexistent_upstream_partitions=False)

    @hw.asset(partitions_def=DAYS, ins={"raw": hw.AssetIn(partition_mapping=window)})
    def two_days(raw: dict[str, str]) -> int:
        return len(raw)

    with hw.instance_for_test() as instance:
        hw.materialize([raw], partition_key="2024-01-03", instance=instance)
        result = hw.materialize(
            [raw, two_days], selection=[two_days], partition_key="2024-01-03", instance=instance, raise_on_error=False
        )
        (failed,) = [event for event in result.all_events if isinstance(event, StepFailed)]
        assert failed.error is not None
        assert "2024-01-02" in failed.error.message
        (told,) = [event for event in result.all_events if isinstance(event, AssetNotMaterialized)]
        assert told.partitions == ("2024-01-03",)
        hw.materialize([raw], partition_key="2024-01-02", instance=instance)
        again = hw.materialize([raw, two_days], selection=[two_days], partition_key="2024-01-03", instance=instance)
        assert again.output_for_node("two_days") == 2


def test_a_check_of_a_partitioned_asset_is_evaluated_for_the_partition_of_the_run() -> None:
    @hw.asset(partitions_def=DAYS)
    def raw(context: hw.AssetExecutionContext) -> str:
        return context.partition_key

    @hw.asset_check(asset=raw)
    def matches(context: hw.AssetCheckExecutionContext, raw: str) -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=raw == "2024-01-02")

    result = hw.materialize([raw, matches], partition_key="2024-01-02")
    (told,) = result.get_asset_check_evaluations()
    assert told.passed
    assert told.partition == "2024-01-02"
