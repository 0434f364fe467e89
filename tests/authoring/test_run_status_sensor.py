"""Sensors of run statuses, evaluated against runs that an instance really has recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headwater.authoring.asset_decorators import asset
from headwater.authoring.asset_job import define_asset_job
from headwater.authoring.definitions import Definitions
from headwater.authoring.job import job
from headwater.authoring.job_selectors import CodeLocationSelector, JobSelector, RepositorySelector
from headwater.authoring.op import op
from headwater.authoring.resources import ConfigurableResource
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.run_status_sensor import RunStatusSensorDefinition, run_failure_sensor, run_status_sensor
from headwater.authoring.run_status_sensor_context import (
    RunFailureSensorContext,
    RunStatusSensorContext,
    build_run_status_sensor_context,
)
from headwater.authoring.sensors import SENSOR_TAG, RunReaction, SensorResult, build_sensor_context
from headwater.model.errors import CheckError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.triggers import CursorIsNotYours, TriggerResultError, UnreadableCursor
from headwater.model.events import Event, RunFailed, RunInterrupted
from headwater.model.policies import RetryPolicy
from headwater.model.results import RetryRequested
from headwater.model.run_status_changes import EVENT_TYPES_BY_STATUS, RunStatusChangeRecordsFilter
from headwater.model.runs import EventType, Run, RunStatus
from headwater.runtime.instance import Instance


@op
def fine() -> None: ...


@op
def broken() -> None:
    raise ValueError("no such table")


attempts: list[int] = []


@op(retry_policy=RetryPolicy(max_retries=1))
def better_the_second_time() -> None:
    attempts.append(1)
    if len(attempts) % 2:
        raise RetryRequested()


@job
def good() -> None:
    fine()


@job
def bad() -> None:
    fine()
    broken()
    better_the_second_time()


@job
def report() -> None:
    fine()


PROJECT = Definitions(jobs=[good, bad, report])


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as made:
        yield made


def ran(instance: Instance, job_def: Any, **options: Any) -> Run:
    result = job_def.execute_in_process(instance=instance, raise_on_error=False, **options)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run


def asked(sensor: RunStatusSensorDefinition, instance: Instance, cursor: str | None, **options: Any) -> Any:
    return sensor.evaluate_tick(build_sensor_context(instance=instance, definitions=PROJECT, cursor=cursor, **options))


def end_of(instance: Instance, run: Run) -> Event:
    return instance.all_logs(run.run_id)[-1].event


def context_for(instance: Instance, run: Run, **options: Any) -> RunStatusSensorContext:
    return build_run_status_sensor_context("s", end_of(instance, run), instance, run, **options)


def on_success(function: Any, **options: Any) -> RunStatusSensorDefinition:
    return run_status_sensor(RunStatus.SUCCESS, **{"name": "s", "request_job": report, **options})(function)


# --------------------------------------------------------------------------------------------------------- evaluation


def test_runs_of_before_are_left_alone_and_each_later_one_is_dealt_with_once(instance: Instance) -> None:
    @run_status_sensor(run_status=RunStatus.SUCCESS, monitored_jobs=[good], request_job=report)
    def reports(context: RunStatusSensorContext) -> RunRequest:
        return RunRequest(run_key=context.run.run_id)

    ran(instance, good)
    start = asked(reports, instance, None)
    assert "begins to watch" in start.skip_message
    assert list(start.run_requests) == []
    assert asked(reports, instance, start.cursor).cursor == start.cursor
    ran(instance, bad)
    runs = [ran(instance, good), ran(instance, good)]
    ran(instance, report)
    first = asked(reports, instance, start.cursor)
    assert [(request.run_key, request.tags) for request in first.run_requests] == [
        (runs[0].run_id, {SENSOR_TAG: "reports"})
    ]
    second = asked(reports, instance, first.cursor)
    assert [request.run_key for request in second.run_requests] == [runs[1].run_id]
    assert first.is_behind
    rest = asked(reports, instance, second.cursor)
    assert (list(rest.run_requests), rest.is_behind) == ([], False)
    assert "SUCCESS" in rest.skip_message
    assert int(rest.cursor) > int(second.cursor), "the run of another job was looked at and passed over"


def test_an_instance_without_runs_is_watched_from_its_beginning(instance: Instance) -> None:
    seen = on_success(lambda context: SkipReason(context.run.job_name))
    start = asked(seen, instance, None)
    assert start.cursor == "0"
    ran(instance, good)
    assert asked(seen, instance, start.cursor).skip_message == "good"


def test_without_monitored_jobs_every_run_is_meant(instance: Instance) -> None:
    everything = on_success(lambda context: SkipReason(context.run.job_name))
    ran(instance, good)
    ran(instance, report)
    first = asked(everything, instance, "0")
    assert (first.skip_message, asked(everything, instance, first.cursor).skip_message) == ("good", "report")


@pytest.mark.parametrize(
    ("selector", "job_name"),
    [
        (JobSelector(location_name="here", job_name="report"), "report"),
        (CodeLocationSelector(location_name="here"), "good"),
        (RepositorySelector(location_name="here", repository_name="all"), "good"),
    ],
)
def test_jobs_can_be_named_from_outside(instance: Instance, selector: Any, job_name: str) -> None:
    ran(instance, good)
    ran(instance, report)
    selected = on_success(lambda context: SkipReason(context.run.job_name), monitored_jobs=[selector])
    assert asked(selected, instance, "0").skip_message == job_name


def test_more_runs_than_one_page_are_passed_over_in_one_evaluation(instance: Instance) -> None:
    for number in range(120):
        run = Run(run_id=f"r{number}", job_name="good" if number == 110 else "other")
        instance.store.create_run(run)
        instance.store.append(RunFailed(run_id=run.run_id, timestamp=float(number)))
        if number == 111:
            instance.store.append(RunInterrupted(run_id="r111", timestamp=float(number)))
    instance.store.flush()
    seen: list[str] = []

    @run_failure_sensor(monitored_jobs=[good])
    def only_one(context: RunFailureSensorContext) -> None:
        seen.append(context.run.run_id)

    data = asked(only_one, instance, "0")
    assert seen == ["r110"]
    asked(only_one, instance, data.cursor)
    assert seen == ["r110"]


def test_a_function_that_only_acts_leaves_its_reaction(instance: Instance) -> None:
    run = ran(instance, good)
    data = asked(on_success(lambda: None), instance, "0")
    assert data.run_reactions == [RunReaction(run)]
    assert (list(data.run_requests), data.skip_message) == ([], None)


def test_an_error_is_in_the_reaction_and_does_not_hold_up_what_follows(instance: Instance) -> None:
    def raises(context: RunStatusSensorContext) -> None:
        raise RuntimeError(f"cannot tell of {context.run.job_name}")

    ran(instance, good)
    ran(instance, report)
    first = asked(on_success(raises), instance, "0")
    (reaction,) = first.run_reactions
    assert str(reaction.error) == "cannot tell of good"
    (second,) = asked(on_success(raises), instance, first.cursor).run_reactions
    assert str(second.error) == "cannot tell of report"


def test_it_asks_only_for_the_jobs_that_it_was_declared_to_start(instance: Instance) -> None:
    ran(instance, good)
    with pytest.raises(TriggerResultError, match="request_job="):
        asked(on_success(lambda: RunRequest(), request_job=None), instance, "0")
    several = on_success(lambda: RunRequest(), request_job=None, request_jobs=[report, good])
    with pytest.raises(TriggerResultError, match="of which job"):
        asked(several, instance, "0")


def test_a_result_may_bring_anything_but_a_cursor(instance: Instance) -> None:
    ran(instance, good)
    data = asked(on_success(lambda: SensorResult(run_requests=[RunRequest("x")])), instance, "0")
    assert [request.run_key for request in data.run_requests] == ["x"]
    with pytest.raises(CursorIsNotYours, match="Leave cursor= out"):
        asked(on_success(lambda: SensorResult(cursor="9")), instance, "0")
    with pytest.raises(UnreadableCursor, match="storage id"):
        asked(on_success(lambda: None), instance, "yesterday")


def test_resources_come_by_parameter(instance: Instance) -> None:
    class Channel(ConfigurableResource[Any]):
        name: str = "#data"

    @run_failure_sensor
    def tell(context: RunFailureSensorContext, channel: Channel) -> SkipReason:
        return SkipReason(f"{channel.name}: {context.run.job_name}")

    run = ran(instance, bad)
    assert tell.required_resource_keys == {"channel"}
    assert asked(tell, instance, "0", resources={"channel": Channel()}).skip_message == "#data: bad"
    assert tell(context_for(instance, run), channel=Channel(name="#ops")) == SkipReason("#ops: bad")
    assert tell(context_for(instance, run, resources={"channel": Channel()})) == SkipReason("#data: bad")
    with pytest.raises(InvalidDefinitionError, match='resource "channel"'):
        Definitions(jobs=[good], sensors=[tell])


# ------------------------------------------------------------------------------------------------------------ failures


def test_a_failure_tells_the_steps_that_failed_for_good(instance: Instance) -> None:
    seen: list[Any] = []

    @run_failure_sensor
    def tell(context: RunFailureSensorContext) -> None:
        for event in context.get_step_failure_events():
            assert event.error is not None
            seen.append((event.step_key, event.error.root.message))
        seen.append(context.failure_event.event_type_value)

    run = ran(instance, bad)
    (reaction,) = asked(tell, instance, "0").run_reactions
    assert (reaction.run, reaction.error) == (run, None)
    assert seen == [("broken", "no such table"), "RUN_FAILURE"]
    tell(context_for(instance, run))
    tell(context=context_for(instance, run).for_run_failure())
    assert len(seen) == 6


def test_a_run_whose_process_is_gone_has_failed(instance: Instance) -> None:
    instance.store.create_run(Run(run_id="gone", job_name="good", tags={"headwater/partition": "2024-01-01"}))
    instance.store.append(RunInterrupted(run_id="gone", reason="killed"))
    instance.store.flush()
    failed = run_failure_sensor(name="s")(lambda context: SkipReason(context.failure_event.event_type_value))
    assert asked(failed, instance, "0").skip_message == "RUN_INTERRUPTED"
    interrupted = run_status_sensor(RunStatus.INTERRUPTED, name="s")(lambda context: SkipReason(context.partition_key))
    assert asked(interrupted, instance, "0").skip_message == "2024-01-01"


def test_a_sensor_can_be_called_with_the_context_of_a_recorded_run(instance: Instance) -> None:
    run = ran(instance, good)

    @run_status_sensor(run_status=RunStatus.SUCCESS)
    def told(context: RunStatusSensorContext) -> SkipReason:
        assert (context.dagster_run, context.dagster_event) == (context.run, context.event)
        return SkipReason(f"{context.sensor_name} {context.run.job_name} {context.event.event_type_value}")

    assert told(context_for(instance, run)) == SkipReason("s good RUN_SUCCESS")
    assert context_for(instance, run, partition_key="p").partition_key == "p"
    around = build_sensor_context(definitions=PROJECT, resources={"x": 1})
    assert context_for(instance, run, context=around).repository_def is PROJECT
    with pytest.raises(InvalidInvocationError, match="build_run_status_sensor_context"):
        told()
    with pytest.raises(InvalidInvocationError, match="build_run_status_sensor_context"):
        told(build_sensor_context())


# ------------------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"run_status": "succes"}, CheckError, 'Did you mean "SUCCESS"'),
        ({"run_status": RunStatus.NOT_STARTED}, InvalidDefinitionError, "begins so"),
        ({"monitored_jobs": ["good"]}, CheckError, "JobSelector"),
        ({"monitored_jobs": "good"}, CheckError, "JobSelector"),
        ({"monitored_jobs": [4]}, CheckError, "not a job"),
        ({"monitored_jobs": [good], "monitor_all_code_locations": True}, InvalidDefinitionError, "Keep one"),
        ({"monitored_jobs": [good], "job_selection": [good]}, InvalidDefinitionError, "older name"),
        (
            {"monitor_all_repositories": True, "monitor_all_code_locations": True},
            InvalidDefinitionError,
            "monitor_all_repositories",
        ),
        ({"request_job": good, "request_jobs": [good]}, InvalidDefinitionError, "request_job= and request_jobs="),
        ({"request_job": "good"}, InvalidDefinitionError, "not a job"),
        ({"minimum_interval_seconds": -1}, CheckError, "least time"),
        ({"name": "a b"}, InvalidDefinitionError, "a b"),
    ],
)
def test_a_sensor_that_cannot_be_meant_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run_status_sensor(**{"run_status": RunStatus.SUCCESS, "name": "s", **options})(lambda context: None)


def test_a_parameter_that_nothing_would_be_given_for_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match='parameter "run"'):
        run_failure_sensor(name="s")(lambda context, run: None)


def test_a_monitored_job_that_nobody_declares_is_refused_unless_it_is_elsewhere() -> None:
    @job
    def goood() -> None:
        fine()

    with pytest.raises(InvalidDefinitionError, match='Did you mean "good"'):
        Definitions(jobs=[good], sensors=[run_status_sensor(RunStatus.SUCCESS, "s", monitored_jobs=[goood])(print)])
    elsewhere = JobSelector(location_name="other", job_name="goood")
    Definitions(sensors=[run_status_sensor(RunStatus.SUCCESS, "s", monitored_jobs=[elsewhere])(lambda: None)])


def test_a_job_that_may_be_started_belongs_to_the_project() -> None:
    @asset
    def orders() -> None: ...

    by_asset = define_asset_job("by_asset", [orders])
    made = run_status_sensor(RunStatus.SUCCESS, "s", monitored_jobs=[by_asset], request_job=report)(lambda: None)
    loaded = Definitions(assets=[orders], jobs=[by_asset], sensors=[made])
    assert loaded.get_job_def("report").name == "report"
    assert loaded.get_sensor_def("s") is made


@pytest.mark.parametrize(
    "selector",
    [
        lambda: JobSelector("here"),
        lambda: JobSelector("here", "good"),
        lambda: JobSelector("", job_name="good"),
        lambda: CodeLocationSelector(4),  # type: ignore[arg-type]
        lambda: RepositorySelector("here", ""),
    ],
)
def test_a_selector_names_what_it_selects(selector: Any) -> None:
    with pytest.raises(CheckError):
        selector()


# ------------------------------------------------------------------------------------------------- changes of status


def test_changes_of_status_are_read_page_by_page(instance: Instance) -> None:
    runs = [ran(instance, one) for one in (good, report, good, good)]
    newest = instance.fetch_run_status_changes(EventType.RUN_SUCCESS, limit=2)
    assert ([record.run_id for record in newest.records], newest.has_more) == ([runs[3].run_id, runs[2].run_id], True)
    older = instance.fetch_run_status_changes(EventType.RUN_SUCCESS, limit=5, cursor=newest.cursor)
    assert ([record.run_id for record in older.records], older.has_more) == ([runs[1].run_id, runs[0].run_id], False)
    of_good = RunStatusChangeRecordsFilter(EventType.RUN_SUCCESS, job_names=["good"])
    first = instance.fetch_run_status_changes(of_good, limit=2, ascending=True)
    assert [record.run_id for record in first.records] == [runs[0].run_id, runs[2].run_id]
    last = instance.fetch_run_status_changes(of_good, limit=2, cursor=first.cursor, ascending=True)
    assert [record.run_id for record in last.records] == [runs[3].run_id]
    after = RunStatusChangeRecordsFilter("PIPELINE_SUCCESS", after_storage_id=int(first.cursor))
    assert len(instance.fetch_run_status_changes(after, limit=9).records) == 1


def test_only_events_that_change_a_status_can_be_asked_for(instance: Instance) -> None:
    with pytest.raises(CheckError, match="does not change the status"):
        instance.fetch_run_status_changes(EventType.STEP_START, limit=1)
    with pytest.raises(CheckError, match="RUN_SUCCESS"):
        RunStatusChangeRecordsFilter("RUN_SUCCES")
    with pytest.raises(CheckError, match="page of 0"):
        instance.fetch_run_status_changes(EventType.RUN_SUCCESS, limit=0)


def test_every_status_has_an_event_that_tells_of_it(instance: Instance) -> None:
    assert set(EVENT_TYPES_BY_STATUS) == set(RunStatus) - {RunStatus.NOT_STARTED}
    ran(instance, good)
    found = {
        status: sum(len(instance.fetch_run_status_changes(name, limit=5).records) for name in names)
        for status, names in EVENT_TYPES_BY_STATUS.items()
    }
    assert found[RunStatus.STARTED] == found[RunStatus.SUCCESS] == 1
    assert found[RunStatus.QUEUED] == found[RunStatus.FAILURE] == 0
