"""Schedules and sensors: of several assets, of partitions, of run statuses, evaluated by hand."""

import dagster as dg
from recorder import Recorder, program

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")
A, B, DAILY = dg.AssetKey("a"), dg.AssetKey("b"), dg.AssetKey("daily")


@dg.asset
def a(): ...


@dg.asset
def b(): ...


@dg.asset(partitions_def=DAYS)
def daily(): ...


@dg.asset(partitions_def=DAYS, deps=[daily])
def copy(): ...


@dg.asset(partitions_def=dg.WeeklyPartitionsDefinition("2023-12-31", end_date="2024-01-28"), deps=[daily])
def weekly(): ...


@dg.asset(deps=[a, b])
def joined(): ...


@dg.op
def fine(): ...


@dg.op
def broken():
    raise ValueError("no such table")


@dg.job
def good():
    fine()


@dg.job
def bad():
    fine()
    broken()


@dg.job
def report():
    fine()


JOIN = dg.define_asset_job("join", [joined])
PROJECT = dg.Definitions([a, b, daily, copy, weekly, joined], jobs=[JOIN, good, bad, report])


def materialize(instance, key, *partitions):
    for partition in partitions or (None,):
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))


def context_of(instance, *keys, cursor=None):
    return dg.build_multi_asset_sensor_context(
        monitored_assets=list(keys), instance=instance, definitions=PROJECT, cursor=cursor
    )


def shown(data):
    return {
        "requests": [[each.run_key, dict(each.tags), each.job_name] for each in data.run_requests or ()],
        "cursor": data.cursor is not None,
    }


@program
def the_latest_materializations_are_new_until_they_are_consumed(note: Recorder) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        note("none", list(context_of(instance, A, B).latest_materialization_records_by_key().values()))
        materialize(instance, "a")
        materialize(instance, "a")
        materialize(instance, "b")
        context = context_of(instance, A, B)
        latest = context.latest_materialization_records_by_key()
        note("keys", {key: record is not None for key, record in latest.items()})
        note("of a", len(list(context.materialization_records_for_key(A, limit=9))))
        context.advance_cursor({A: latest[A]})
        note("before it counts", {k: r is not None for k, r in context.latest_materialization_records_by_key().items()})
        context.update_cursor_after_evaluation()
        again = context_of(instance, A, B, cursor=context.cursor)
        note("after", {k: r is not None for k, r in again.latest_materialization_records_by_key().items()})
        again.advance_all_cursors()
        again.update_cursor_after_evaluation()
        last = context_of(instance, A, B, cursor=again.cursor)
        note("in the end", {k: r is not None for k, r in last.latest_materialization_records_by_key().items()})
        note.error("another asset", lambda: last.materialization_records_for_key(DAILY, limit=1), ["daily"])


@program
def partitions_that_were_passed_over_stay_new(note: Recorder) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(instance, "daily", "2024-01-01", "2024-01-03", "2024-01-02", "2024-01-03")
        context = context_of(instance, DAILY)
        new = context.latest_materialization_records_by_partition(DAILY)
        note("new", list(new))
        context.advance_cursor({DAILY: new["2024-01-02"]})
        context.update_cursor_after_evaluation()
        context = context_of(instance, DAILY, cursor=context.cursor)
        note("still", sorted(context.latest_materialization_records_by_partition(DAILY)))
        note("after", list(context.latest_materialization_records_by_partition(DAILY, after_cursor_partition=True)))
        note("cursor", context.get_cursor_partition(DAILY))
        materialize(instance, "daily", "2024-01-01", "2024-01-05")
        later = context.latest_materialization_records_by_partition(DAILY)
        note("later", list(later))
        context.advance_cursor({DAILY: later["2024-01-05"]})
        context.update_cursor_after_evaluation()
        context = context_of(instance, DAILY, cursor=context.cursor)
        trailing = context.get_trailing_unconsumed_events(DAILY)
        note("passed over", [record.partition_key for record in trailing])
        context.advance_cursor({DAILY: trailing[0]})
        context.update_cursor_after_evaluation()
        context = context_of(instance, DAILY, cursor=context.cursor)
        note("left", [record.partition_key for record in context.get_trailing_unconsumed_events(DAILY)])


@program
def partitions_of_two_assets_and_of_what_is_downstream(note: Recorder) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(instance, "daily", "2024-01-01", "2024-01-02")
        materialize(instance, "copy", "2024-01-02")
        context = context_of(instance, DAILY, dg.AssetKey("copy"))
        both = context.latest_materialization_records_by_partition_and_asset()
        note("both", {partition: sorted(key.to_user_string() for key in found) for partition, found in both.items()})
        note("all", context.all_partitions_materialized(DAILY))
        note("some", context.all_partitions_materialized(DAILY, ["2024-01-01", "2024-01-02"]))
        note("week", context.get_downstream_partition_keys("2024-01-03", DAILY, dg.AssetKey("weekly")))
        note.error("no partitions", lambda: context_of(instance, A).all_partitions_materialized(A), ["a"])
        note.error("not one", lambda: context.all_partitions_materialized(DAILY, []))


@program
def a_sensor_of_several_assets_is_evaluated(note: Recorder) -> None:
    def both(context):
        if all(context.latest_materialization_records_by_key().values()):
            context.advance_all_cursors()
            return dg.RunRequest(run_key="now")
        return dg.SkipReason("waiting")

    def declared(function):
        return dg.multi_asset_sensor(monitored_assets=[A, B], name="s", job=JOIN)(function)

    with dg.DagsterInstance.ephemeral() as instance:
        materialize(instance, "a")
        first = declared(both).evaluate_tick(context_of(instance, A, B))
        note("waiting", [shown(first), first.skip_message])
        materialize(instance, "b")
        second = declared(both).evaluate_tick(context_of(instance, A, B, cursor=first.cursor))
        note("ready", shown(second))
        third = declared(both).evaluate_tick(context_of(instance, A, B, cursor=second.cursor))
        note("again", [shown(third), third.skip_message])
        note.error(
            "no cursor moved",
            lambda: declared(lambda context: dg.RunRequest()).evaluate_tick(context_of(instance, A, B)),
        )
        note.error(
            "a cursor of its own",
            lambda: declared(lambda context: dg.SensorResult(cursor="x")).evaluate_tick(context_of(instance, A, B)),
        )


@program
def a_sensor_of_run_statuses_deals_with_one_run_at_a_time(note: Recorder) -> None:
    @dg.run_status_sensor(run_status=dg.DagsterRunStatus.SUCCESS, monitored_jobs=[good], request_job=report)
    def told(context: dg.RunStatusSensorContext):
        note(f"run {len(note.record)}", [context.dagster_run.job_name, context.sensor_name, context.partition_key])
        return dg.RunRequest(run_key="k")

    def tick(cursor):
        return told.evaluate_tick(
            dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=PROJECT.get_repository_def(), sensor_name="told"
            )
        )

    with dg.DagsterInstance.ephemeral() as instance:
        good.execute_in_process(instance=instance)
        start = tick(None)
        note("start", shown(start))
        report.execute_in_process(instance=instance)
        good.execute_in_process(instance=instance)
        good.execute_in_process(instance=instance)
        first = tick(start.cursor)
        note("first", shown(first))
        second = tick(first.cursor)
        note("second", shown(second))
        note("third", shown(tick(second.cursor)))


@program
def a_sensor_of_failures_tells_the_steps_that_failed(note: Recorder) -> None:
    @dg.run_failure_sensor
    def failed(context: dg.RunFailureSensorContext):
        note("steps", [event.step_key for event in context.get_step_failure_events()])
        note("run", context.dagster_run.job_name)

    with dg.DagsterInstance.ephemeral() as instance:
        result = bad.execute_in_process(instance=instance, raise_on_error=False)
        (event,) = [e for e in result.all_events if e.event_type_value in ("PIPELINE_FAILURE", "RUN_FAILURE")]
        context = dg.build_run_status_sensor_context(
            sensor_name="failed", dagster_instance=instance, dagster_run=result.dagster_run, dagster_event=event
        )
        note("answer", failed(context.for_run_failure()))
        note("name", failed.name)


@program
def mistakes_in_sensors_are_refused(note: Recorder) -> None:
    success = dg.DagsterRunStatus.SUCCESS

    def of_runs(**options):
        return lambda: dg.run_status_sensor(run_status=success, name="s", **options)(lambda context: None).name

    note.error("both ways to monitor", of_runs(monitored_jobs=[good], monitor_all_code_locations=True))
    note.error("two ways to request", of_runs(request_job=good, request_jobs=[good]))
    note.error("a job by name", of_runs(monitored_jobs=["good"]))
    note.error("a selector without a job", lambda: dg.JobSelector("here"))
    note.error(
        "assets twice",
        lambda: dg.Definitions.validate_loadable(
            dg.Definitions(
                [a],
                sensors=[
                    dg.AutomationConditionSensorDefinition("one", target="*"),
                    dg.AutomationConditionSensorDefinition("two", target="*"),
                ],
            )
        ),
        ["one", "two", "a"],
    )


@program
def a_sensor_requests_runs_and_partitions(note: Recorder) -> None:
    regions = dg.DynamicPartitionsDefinition(name="regions")

    @dg.asset(partitions_def=regions)
    def regional(): ...

    job = dg.define_asset_job("regional_job", [regional], partitions_def=regions)

    @dg.sensor(job=job, minimum_interval_seconds=5, tags={"team": "a"}, description="looks for regions")
    def looks(context: dg.SensorEvaluationContext):
        seen = [] if context.cursor is None else context.cursor.split(",")
        new = [name for name in ("eu", "us") if name not in seen]
        if not new:
            return dg.SensorResult(
                skip_reason="nothing new",
                dynamic_partitions_requests=[dg.DeleteDynamicPartitionsRequest("regions", ["us"])],
            )
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=name) for name in new],
            cursor=",".join([*seen, *new]),
            dynamic_partitions_requests=[dg.AddDynamicPartitionsRequest("regions", new)],
        )

    with dg.DagsterInstance.ephemeral() as instance:
        defs = dg.Definitions(assets=[regional], jobs=[job], sensors=[looks])
        sensor = defs.resolve_sensor_def("looks")
        note("said", [sensor.name, sensor.description, sensor.minimum_interval_seconds, sensor.job_name])

        def tick(cursor):
            context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
            data = sensor.evaluate_tick(context)
            asked = [[type(each).__name__, each.partition_keys] for each in data.dynamic_partitions_requests or ()]
            return data.cursor, [
                [each.run_key for each in data.run_requests or ()],
                data.skip_message,
                asked,
            ]

        cursor, told = tick(None)
        note("first", told)
        _, told = tick(cursor)
        note("second", told)


@program
def a_sensor_of_an_asset_follows_it(note: Recorder) -> None:
    @dg.asset_sensor(asset_key=dg.AssetKey("a"), job=JOIN, name="follows")
    def follows(context: dg.SensorEvaluationContext, event: dg.EventLogEntry):
        note(f"event {len(note.record)}", event.dagster_event.asset_key)
        return dg.RunRequest(run_key="k", tags={"of": event.dagster_event.asset_key.to_user_string()})

    with dg.DagsterInstance.ephemeral() as instance:

        def tick(cursor):
            return follows.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor, definitions=PROJECT))

        empty = tick(None)
        note("empty", [shown(empty), empty.skip_message is not None])
        materialize(instance, "a")
        materialize(instance, "b")
        first = tick(None)
        note("first", [[each.run_key, each.tags["of"]] for each in first.run_requests])
        again = tick(first.cursor)
        note("again", [len(again.run_requests or ()), again.skip_message is not None])


@program
def answers_of_sensors_are_checked(note: Recorder) -> None:
    def sensor_of(answer):
        @dg.sensor(job=report, name="s")
        def looks(context):
            return answer

        return looks

    def tick(answer):
        with dg.DagsterInstance.ephemeral() as instance:
            data = sensor_of(answer).evaluate_tick(dg.build_sensor_context(instance=instance))
            return [len(data.run_requests or ()), data.skip_message == "why", data.skip_message is not None]

    for label, answer in {
        "nothing": None,
        "a request": dg.RunRequest(),
        "requests": [dg.RunRequest("a"), dg.RunRequest("b")],
        "a reason": dg.SkipReason("why"),
        "an empty reason": dg.SkipReason(),
        "a result": dg.SensorResult([dg.RunRequest("a")]),
        "no requests": [],
    }.items():
        note.error(label, lambda answer=answer: tick(answer))
    for label, answer in {
        "a list of texts": ["a"],
        "both": [dg.RunRequest(), dg.SkipReason("x")],
    }.items():
        note.error(label, lambda answer=answer: tick(answer))
    note.error("two reasons", lambda: dg.SensorResult([dg.RunRequest()], skip_reason="why"))


@program
def a_sensor_that_raises_tells_what(note: Recorder) -> None:
    @dg.sensor(job=report)
    def broken(context):
        raise ValueError("no such folder")

    with dg.DagsterInstance.ephemeral() as instance:
        note.error("tick", lambda: broken.evaluate_tick(dg.build_sensor_context(instance=instance)), ["no such folder"])
        note.error("call", lambda: broken(dg.build_sensor_context(instance=instance)), ["no such folder"])
