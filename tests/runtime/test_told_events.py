"""What a result tells of its run, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

import headwater as hw
from headwater.model.errors.events import WrongKindOfEvent
from headwater.model.events import Event, StepFailed
from headwater.model.runs import EventRecordsFilter, EventType


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.event_type_value for event in events]


@hw.asset
def raw() -> int:
    return 1


@hw.asset
def clean(raw: int) -> Any:
    yield hw.Output(raw + 1, metadata={"n": 3})


@hw.asset_check(asset=clean)
def is_positive(clean: int) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=clean > 0, metadata={"q": 1})


def test_a_step_tells_inputs_outputs_and_materializations_in_the_order_in_which_they_come() -> None:
    result = hw.materialize([raw, clean, is_positive])
    assert kinds(result.events_for_node("clean")) == [
        "STEP_START",
        "LOADED_INPUT",
        "STEP_INPUT",
        "STEP_OUTPUT",
        "ASSET_MATERIALIZATION",
        "HANDLED_OUTPUT",
        "STEP_SUCCESS",
    ]
    assert kinds(result.events_for_node("clean_is_positive")) == [
        "STEP_START",
        "LOADED_INPUT",
        "STEP_INPUT",
        "STEP_OUTPUT",
        "ASSET_CHECK_EVALUATION",
        "STEP_SUCCESS",
    ]
    told = kinds(result.all_events)
    assert (told[0], told[-1]) == ("RUN_START", "RUN_SUCCESS")
    loaded = next(event for event in result.events_for_node("clean") if event.is_loaded_input)
    data = loaded.loaded_input_data
    assert (data.input_name, data.upstream_step_key, data.upstream_output_name) == ("raw", "raw", "result")
    assert next(e for e in result.all_events if e.is_handled_output).handled_output_data.manager_key == "io_manager"


def test_what_a_program_asks_events_for_is_there() -> None:
    result = hw.materialize([raw, clean, is_positive])
    (made,) = [
        event.step_materialization_data.materialization
        for event in result.all_events
        if event.event_type is EventType.ASSET_MATERIALIZATION and event.asset_key == hw.AssetKey("clean")
    ]
    assert made.metadata["n"].value == 3
    (found,) = [e.asset_check_evaluation_data for e in result.all_events if e.event_type_value.endswith("_EVALUATION")]
    assert (found.asset_check_key, found.passed) == (hw.AssetCheckKey("clean", "is_positive"), True)
    step = next(event for event in result.all_events if event.is_step_success)
    assert step.step_success_data.duration_ms > 0
    assert (step.node_name, step.logging_tags["op_name"], step.is_failure) == ("raw", "raw", False)
    with pytest.raises(WrongKindOfEvent, match="STEP_SUCCESS was asked for its step_failure_data"):
        _ = step.step_failure_data


def test_an_attempt_that_is_tried_again_is_told_as_one_event_with_its_error() -> None:
    @hw.op(retry_policy=hw.RetryPolicy(max_retries=1))
    def shaky(context: hw.OpExecutionContext) -> int:
        if context.retry_number == 0:
            raise ValueError("once")
        return 1

    @hw.job
    def again() -> None:
        shaky()

    with hw.Instance.ephemeral() as instance:
        result = again.execute_in_process(instance=instance)
        assert kinds(result.all_node_events) == [
            "STEP_START",
            "STEP_UP_FOR_RETRY",
            "STEP_RESTARTED",
            "STEP_OUTPUT",
            "HANDLED_OUTPUT",
            "STEP_SUCCESS",
        ]
        error = result.all_node_events[1].step_retry_data.error
        assert error is not None
        assert error.message == "ValueError: once\n"
        for kind, count in ((EventType.STEP_START, 1), (EventType.STEP_RESTARTED, 1), (EventType.HANDLED_OUTPUT, 0)):
            assert len(instance.get_event_records(EventRecordsFilter(kind))) == count


def test_a_failure_tells_the_error_its_cause_and_its_frames() -> None:
    @hw.asset
    def broken() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    result = hw.materialize([broken], raise_on_error=False)
    data = result.failure_data_for_node("broken")
    assert data is not None
    assert data.error is not None
    assert data.error.cause is not None
    assert (data.error.cause.cls_name, data.error.cause.message) == ("ValueError", "ValueError: outer\n")
    assert data.error.cause.cause is not None
    assert data.error.cause.cause.cls_name == "KeyError"
    assert any("in broken" in frame for frame in data.error.cause.stack)
    assert "ValueError: outer" in data.error_display_string
    assert result.get_run_failure_event().job_failure_data.failure_reason is not None
    assert kinds(result.events_for_node("broken"))[-2:] == ["STEP_FAILURE", "ASSET_FAILED_TO_MATERIALIZE"]


def test_a_failure_that_was_meant_tells_what_it_said() -> None:
    @hw.op
    def refuses() -> None:
        raise hw.Failure("no good", metadata={"k": 1})

    @hw.job
    def refusing() -> None:
        refuses()

    data = refusing.execute_in_process(raise_on_error=False).failure_data_for_node("refuses")
    assert data is not None
    assert data.user_failure_data is not None
    assert (data.user_failure_data.description, data.user_failure_data.metadata["k"].value) == ("no good", 1)


def test_an_input_that_could_not_be_loaded_is_not_told_as_loaded() -> None:
    class Refuses(hw.IOManager):
        def handle_output(self, context: hw.OutputContext, obj: object) -> None: ...

        def load_input(self, context: hw.InputContext) -> object:
            raise OSError("no disk")

    result = hw.materialize([raw, clean], resources={"io_manager": Refuses()}, raise_on_error=False)
    assert kinds(result.events_for_node("clean"))[:2] == ["STEP_START", "STEP_FAILURE"]


def test_mapped_steps_tell_which_output_they_loaded() -> None:
    @hw.op(out=hw.DynamicOut())
    def numbers() -> Any:
        yield hw.DynamicOutput(1, "one")
        yield hw.DynamicOutput(2, "two")

    @hw.op
    def double(number: int) -> int:
        return 2 * number

    @hw.op
    def total(doubled: list[int]) -> int:
        return sum(doubled)

    @hw.job
    def mapped() -> None:
        total(numbers().map(double).collect())

    result = mapped.execute_in_process()
    loaded = {
        (event.step_key, event.loaded_input_data.upstream_step_key)
        for event in result.all_events
        if event.is_loaded_input
    }
    assert loaded == {
        ("double[one]", "numbers"),
        ("double[two]", "numbers"),
        ("total", "double[one]"),
        ("total", "double[two]"),
    }
    given = [event.step_output_data for event in result.events_for_node("numbers") if event.is_successful_output]
    assert [(data.output_name, data.mapping_key) for data in given] == [("result", "one"), ("result", "two")]


def test_expectations_are_told_and_recorded_as_what_they_are() -> None:
    @hw.op
    def expects(context: hw.OpExecutionContext) -> None:
        context.log_event(hw.ExpectationResult(success=False, label="rows", description="too few", metadata={"n": 1}))

    @hw.job
    def expecting() -> None:
        expects()

    with hw.Instance.ephemeral() as instance:
        result = expecting.execute_in_process(instance=instance)
        expected = hw.ExpectationResult(success=False, label="rows", description="too few", metadata={"n": 1})
        assert result.expectation_results_for_node("expects") == [expected]
        (record,) = instance.get_event_records(EventRecordsFilter(EventType.STEP_EXPECTATION_RESULT))
        assert record.event.step_expectation_result_data.expectation_result == expected


def test_a_record_is_an_entry_and_holds_its_event() -> None:
    with hw.Instance.ephemeral() as instance:
        hw.materialize([raw, clean], instance=instance)
        wanted = EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=hw.AssetKey("clean"))
        (record,) = instance.get_event_records(wanted)
        entry = record.event_log_entry
        event = entry.get_dagster_event()
        assert event.step_materialization_data.materialization.metadata["n"].value == 3
        assert (entry.is_dagster_event, entry.dagster_event_type) == (True, EventType.ASSET_MATERIALIZATION)
        assert entry.asset_event == entry.asset_materialization
        assert entry.tags["dagster/data_version"] == entry.tags["headwater/data_version"]
        after = hw.EventRecordsFilter(EventType.ASSET_MATERIALIZATION, after_cursor=record.storage_id)
        assert instance.get_event_records(after) == []


def test_kinds_of_events_have_their_older_names() -> None:
    assert EventType.PIPELINE_SUCCESS is EventType.RUN_SUCCESS
    assert EventType("PIPELINE_FAILURE") is EventType.RUN_FAILURE
    with hw.Instance.ephemeral() as instance:
        result = hw.materialize([raw], instance=instance)
        found = instance.get_event_records(EventRecordsFilter("PIPELINE_SUCCESS"))
        assert [record.run_id for record in found] == [result.run_id]


def test_the_facts_themselves_are_as_they_were_recorded() -> None:
    @hw.asset
    def bad() -> None:
        raise ValueError

    with hw.Instance.ephemeral() as instance:
        result = hw.materialize([bad], instance=instance, raise_on_error=False)
        recorded = [record.event for record in instance.all_logs(result.run_id)]
        told = [replace(event, job_name=None) for event in result.get_step_failure_events()]
        assert [event for event in recorded if isinstance(event, StepFailed)] == told


def test_nothing_is_told_as_loaded_from_what_gave_nothing_to_a_fan_in() -> None:
    @hw.op(out=hw.Out(is_required=False))
    def silent():  # type: ignore[no-untyped-def]
        yield from ()

    @hw.op
    def one() -> int:
        return 1

    @hw.op
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @hw.job
    def sums() -> None:
        total([silent(), one()])

    loaded = [e for e in sums.execute_in_process().events_for_node("total") if e.event_type_value == "LOADED_INPUT"]
    assert len(loaded) == 1
