"""Schedules: how they are declared, what they ask for when they are called, and what is refused."""

from datetime import UTC, datetime

import dagster as dg
from recorder import Recorder, program

NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


@dg.op(config_schema={"day": dg.Field(str, default_value="none")})
def say(context):
    return context.op_config["day"]


@dg.job(tags={"team": "data"})
def saying():
    say()


@dg.asset
def table():
    return 1


def asked(request):
    return [request.run_key, request.run_config, dict(request.tags), request.job_name, request.partition_key]


def evaluated(defs, name, context):
    data = defs.resolve_schedule_def(name).evaluate_tick(context)
    return {"requests": [asked(each) for each in data.run_requests], "skipped": data.skip_message is not None}


@program
def a_schedule_definition_says_what_it_is(note: Recorder) -> None:
    nightly = dg.ScheduleDefinition(
        name="nightly",
        job=saying,
        cron_schedule="0 1 * * *",
        run_config={"ops": {"say": {"config": {"day": "x"}}}},
        tags={"a": "b"},
        execution_timezone="Europe/Berlin",
        description="every night",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        metadata={"owner": "me"},
        environment_vars=None,
        required_resource_keys=set(),
    )
    plain = dg.ScheduleDefinition(job=saying, cron_schedule="@daily")
    several = dg.ScheduleDefinition(name="several", job_name="saying", cron_schedule=["0 1 * * *", "0 13 * * *"])
    of_assets = dg.ScheduleDefinition(name="of_assets", target=dg.AssetSelection.all(), cron_schedule="@hourly")
    note("name", nightly.name)
    note("cron", nightly.cron_schedule)
    note("timezone", nightly.execution_timezone)
    note("description", nightly.description)
    note("status", nightly.default_status)
    note("metadata", nightly.metadata)
    note("job", [nightly.job.name, nightly.job_name])
    note("resources", nightly.required_resource_keys)
    note("tags", nightly.tags)
    note("plain", [plain.name, plain.cron_schedule, plain.execution_timezone, plain.default_status, plain.description])
    note("several", several.cron_schedule)
    note("of assets", [of_assets.name, of_assets.job_name])
    defs = dg.Definitions(assets=[table], jobs=[saying], schedules=[nightly, plain, several, of_assets])
    with dg.build_schedule_context(scheduled_execution_time=NOON) as context:
        for each in ("nightly", "saying_schedule", "several", "of_assets"):
            note(f"tick of {each}", evaluated(defs, each, context))


@program
def a_schedule_decorator_makes_one(note: Recorder) -> None:
    @dg.schedule(
        job=saying,
        cron_schedule="30 6 * * 1-5",
        execution_timezone="America/New_York",
        name="workdays",
        description="not on Sundays",
        tags={"a": "b"},
        metadata={"m": 1},
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    def of_work(context):
        """Unused."""
        return dg.RunRequest(run_key="k")

    @dg.schedule(job=saying, cron_schedule="@weekly")
    def documented():
        """From the docstring."""
        return {}

    note("kind", isinstance(of_work, dg.ScheduleDefinition))
    note("says", [of_work.name, of_work.cron_schedule, of_work.execution_timezone, of_work.description])
    note("status", of_work.default_status)
    note("docstring", documented.description)
    note("decorated name", documented.name)
    defs = dg.Definitions(jobs=[saying], schedules=[of_work, documented])
    with dg.build_schedule_context(scheduled_execution_time=NOON) as context:
        note("workdays", evaluated(defs, "workdays", context))
        note("documented", evaluated(defs, "documented", context))


@program
def a_schedule_is_called_directly(note: Recorder) -> None:
    @dg.schedule(job=saying, cron_schedule="0 1 * * *")
    def with_context(context: dg.ScheduleEvaluationContext):
        day = context.scheduled_execution_time.strftime("%Y-%m-%d")
        return dg.RunRequest(run_key=day, run_config={"ops": {"say": {"config": {"day": day}}}}, tags={"day": day})

    @dg.schedule(job=saying, cron_schedule="0 1 * * *")
    def without_context():
        return {"ops": {"say": {"config": {"day": "any"}}}}

    @dg.schedule(job=saying, cron_schedule="0 1 * * *")
    def skipping():
        return dg.SkipReason("no day for it")

    @dg.schedule(job=saying, cron_schedule="0 1 * * *")
    def yielding(context):
        for number in range(2):
            yield dg.RunRequest(run_key=str(number))

    context = dg.build_schedule_context(scheduled_execution_time=NOON)
    request = with_context(context)
    note("request", asked(request))
    note("by name", asked(with_context(context=context)))
    note("without", without_context())
    note("skipped", skipping().skip_message)
    note("yielded", [asked(each) for each in yielding(context)])
    note.error("no context", lambda: with_context())
    note.run("run", saying.execute_in_process(run_config=request.run_config, tags=request.tags), outputs=["say"])


@program
def what_a_schedule_returns_becomes_requests(note: Recorder) -> None:
    def ticked(function, **settings):
        made = dg.schedule(job=saying, cron_schedule="0 1 * * *", name="made", **settings)(function)
        context = dg.build_schedule_context(scheduled_execution_time=NOON)
        data = made.evaluate_tick(context)
        return {"requests": [asked(each) for each in data.run_requests or []], "skipped": data.skip_message is not None}

    def requests():
        return [dg.RunRequest(run_key="a"), dg.RunRequest(run_key="b", tags={"n": "2"})]

    def config():
        return {"ops": {"say": {"config": {"day": "x"}}}}

    def nothing():
        return None

    def empty():
        return []

    def skip():
        return dg.SkipReason("why")

    def skip_both():
        yield dg.RunRequest(run_key="a")
        yield dg.SkipReason("why")

    def a_number():
        return 3

    def twice_skipped():
        yield dg.SkipReason("a")
        yield dg.SkipReason("b")

    def raising():
        raise ValueError("broken")

    def run_config():
        return dg.RunConfig(ops={"say": {"config": {"day": "y"}}})

    def no_keys():
        return [dg.RunRequest(), dg.RunRequest()]

    for each in (
        requests, config, nothing, empty, skip, skip_both, a_number, twice_skipped, raising, run_config, no_keys
    ):  # fmt: skip
        note.error(each.__name__, lambda each=each: ticked(each), ["broken"])
    note.error("with tags", lambda: ticked(config, tags={"a": "b"}))
    note.error("tags of both", lambda: ticked(requests, tags={"a": "b"}))
    note.error("should not", lambda: ticked(config, should_execute=lambda context: False))
    note.error("should", lambda: ticked(config, should_execute=lambda context: True))
    note.error("tags by function", lambda: ticked(config, tags_fn=lambda context: {"c": "d"}))


@program
def functions_of_a_schedule_definition_are_asked(note: Recorder) -> None:
    made = dg.ScheduleDefinition(
        name="made",
        job=saying,
        cron_schedule="0 1 * * *",
        run_config_fn=lambda context: {
            "ops": {"say": {"config": {"day": str(context.scheduled_execution_time.date())}}}
        },
        tags_fn=lambda context: {"hour": str(context.scheduled_execution_time.hour)},
        should_execute=lambda context: context.scheduled_execution_time.hour == 12,
    )
    with_function = dg.ScheduleDefinition(
        name="with_function",
        job=saying,
        cron_schedule="0 1 * * *",
        execution_fn=lambda context: dg.RunRequest(run_key="from function"),
    )
    defs = dg.Definitions(jobs=[saying], schedules=[made, with_function])
    for label, time in {"noon": NOON, "one": NOON.replace(hour=13)}.items():
        with dg.build_schedule_context(scheduled_execution_time=time) as context:
            note(label, evaluated(defs, "made", context))
    with dg.build_schedule_context(scheduled_execution_time=NOON) as context:
        note("function", evaluated(defs, "with_function", context))
    note.error(
        "config twice",
        lambda: dg.ScheduleDefinition(
            job=saying, cron_schedule="@daily", run_config={"a": 1}, run_config_fn=lambda context: {}
        ),
        ["run_config"],
    )
    note.error(
        "tags twice",
        lambda: dg.ScheduleDefinition(job=saying, cron_schedule="@daily", tags={"a": "b"}, tags_fn=lambda context: {}),
        ["tags"],
    )


@program
def a_schedule_that_does_not_fit_is_refused(note: Recorder) -> None:
    def make(**settings):
        return lambda: dg.ScheduleDefinition(**{"job": saying, "cron_schedule": "0 1 * * *", **settings}).name

    note.error("bad cron", make(cron_schedule="every day"), ["every day"])
    note.error("six fields", make(cron_schedule="* * * * * *"), ["* * * * * *"])
    note.error("hour 25", make(cron_schedule="0 25 * * *"), ["0 25 * * *"])
    note.error("no cron in list", make(cron_schedule=["0 1 * * *", "x"]), ["x"])
    note.error("empty list", make(cron_schedule=[]))
    note.error("bad timezone", make(execution_timezone="Mars/Base"), ["Mars/Base"])
    note.error("bad name", make(name="a name"), ["a name"])
    note.error("no target", lambda: dg.ScheduleDefinition(name="x", cron_schedule="@daily").job_name)
    note.error("no cron", lambda: dg.ScheduleDefinition(job=saying).name)
    note.error("reserved tag", make(tags={"dagster/x": "y"}))
    note.error("tag that is no text", make(tags={"a": 1}))

    def decorated(cron):
        @dg.schedule(job=saying, cron_schedule=cron)
        def made():
            return {}

        return made.name

    note.error("decorated", lambda: decorated("0 0 31 2"), ["0 0 31 2"])
    note.error("fine", lambda: decorated("0 0 1 * *"))


@program
def a_context_is_built_for_a_schedule(note: Recorder) -> None:
    class Db(dg.ConfigurableResource):
        url: str

    @dg.schedule(job=saying, cron_schedule="@daily")
    def asks(context: dg.ScheduleEvaluationContext, db: Db):
        return dg.RunRequest(run_key=db.url)

    @dg.schedule(job=saying, cron_schedule="@daily", required_resource_keys={"db"})
    def old(context):
        return dg.RunRequest(run_key=context.resources.db.url)

    with dg.instance_for_test() as instance:
        with dg.build_schedule_context(
            instance=instance, scheduled_execution_time=NOON, resources={"db": Db(url="here")}
        ) as context:
            note("time", context.scheduled_execution_time)
            note("instance", context.instance.get_runs())
            note("resource", context.resources.db.url)
            note("asks", asked(asks(context)))
        with dg.build_schedule_context(instance=instance, resources={"db": Db(url="here")}) as context:
            note.error("old", lambda: asked(old.evaluate_tick(context).run_requests[0]))
        bare = dg.build_schedule_context(instance=instance)
        note.error("given", lambda: asked(asks(bare, db=Db(url="there"))))
        note.error("no resource", lambda: asks(bare), ["db"])
    empty = dg.build_schedule_context()
    note.error("no time", lambda: empty.scheduled_execution_time)
    note("log", empty.log is not None)
    naive = dg.build_schedule_context(scheduled_execution_time=datetime(2024, 3, 5, 12))
    note("naive", naive.scheduled_execution_time)


@program
def a_schedule_follows_the_partitions_of_its_job(note: Recorder) -> None:
    @dg.daily_partitioned_config(start_date="2024-03-01")
    def by_day(start, _end):
        return {"ops": {"say": {"config": {"day": str(start.date())}}}}

    @dg.job(config=by_day)
    def daily():
        say()

    def follows(label, job, **settings):
        made = dg.build_schedule_from_partitioned_job(job, **settings)
        note(f"{label} says", [made.name, made.cron_schedule, made.execution_timezone, made.description])
        data = made.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=NOON))
        note(label, [asked(each) for each in data.run_requests])
        note(f"{label} skipped", data.skip_message is not None)

    follows("daily", daily)
    follows(
        "daily at three", daily, hour_of_day=3, minute_of_hour=30, name="at_three", description="early", tags={"a": "b"}
    )

    @dg.job(partitions_def=dg.HourlyPartitionsDefinition("2024-03-01-00:00"))
    def hourly():
        say()

    @dg.job(partitions_def=dg.WeeklyPartitionsDefinition("2024-02-04"))
    def weekly():
        say()

    @dg.job(partitions_def=dg.MonthlyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin"))
    def monthly():
        say()

    @dg.job(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
    def static():
        say()

    follows("hourly", hourly, minute_of_hour=15)
    follows("weekly", weekly, day_of_week=2, hour_of_day=4)
    follows("monthly", monthly, day_of_month=5)
    follows("static", static, cron_schedule="0 2 * * *")
    note.error("static without cron", lambda: dg.build_schedule_from_partitioned_job(static), ["cron_schedule"])
    note.error("day of week", lambda: dg.build_schedule_from_partitioned_job(daily, day_of_week=2), ["day_of_week"])
    note.error("hour of hourly", lambda: dg.build_schedule_from_partitioned_job(hourly, hour_of_day=2), ["hour_of_day"])
    note.error("no partitions", lambda: dg.build_schedule_from_partitioned_job(saying), ["saying"])


@program
def a_schedule_follows_two_dimensions_and_assets(note: Recorder) -> None:
    days = dg.DailyPartitionsDefinition("2024-03-01")
    both = dg.MultiPartitionsDefinition({"day": days, "size": dg.StaticPartitionsDefinition(["s", "l"])})

    @dg.job(partitions_def=both)
    def cube():
        say()

    @dg.asset(partitions_def=days)
    def sales():
        return 1

    with dg.DagsterInstance.ephemeral() as instance:
        made = dg.build_schedule_from_partitioned_job(cube)
        data = made.evaluate_tick(dg.build_schedule_context(instance=instance, scheduled_execution_time=NOON))
        note("cube", [[each.run_key, each.partition_key] for each in data.run_requests])
        asset_job = dg.define_asset_job("sales_job", selection="sales", partitions_def=days)
        of_assets = dg.build_schedule_from_partitioned_job(asset_job, hour_of_day=2)
        defs = dg.Definitions(assets=[sales], jobs=[asset_job], schedules=[of_assets])
        found = defs.resolve_schedule_def("sales_job_schedule")
        note("cron", found.cron_schedule)
        data = found.evaluate_tick(dg.build_schedule_context(instance=instance, scheduled_execution_time=NOON))
        note("assets", [[each.run_key, each.partition_key] for each in data.run_requests])
        unpartitioned = dg.define_asset_job("later", selection="sales")
        late = dg.Definitions(
            assets=[sales], jobs=[unpartitioned], schedules=[dg.build_schedule_from_partitioned_job(unpartitioned)]
        ).resolve_schedule_def("later_schedule")
        note("late", [late.name, late.cron_schedule])


@program
def run_requests_name_jobs_partitions_and_assets(note: Recorder) -> None:
    days = dg.StaticPartitionsDefinition(["mon", "tue"])

    @dg.job(partitions_def=days)
    def by_day():
        say()

    @dg.schedule(job=by_day, cron_schedule="@daily")
    def of_days():
        for key in days.get_partition_keys():
            yield dg.RunRequest(run_key=key, partition_key=key)

    @dg.schedule(job=by_day, cron_schedule="@daily")
    def unknown():
        yield dg.RunRequest(partition_key="wed")

    @dg.schedule(target=dg.AssetSelection.assets("table"), cron_schedule="@daily")
    def of_assets():
        return dg.RunRequest(asset_selection=[dg.AssetKey("table")], tags={"a": "b"})

    defs = dg.Definitions(assets=[table], jobs=[by_day, saying], schedules=[of_days, unknown, of_assets])
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_schedule_context(
            instance=instance, scheduled_execution_time=NOON, repository_def=defs.get_repository_def()
        ) as context,
    ):
        note("of days", evaluated(defs, "of_days", context))
        note.error("unknown", lambda: evaluated(defs, "unknown", context), ["wed"])
        data = defs.resolve_schedule_def("of_assets").evaluate_tick(context)
        note("of assets", [[each.asset_selection, dict(each.tags)] for each in data.run_requests])
    note("request of job", asked(by_day.run_request_for_partition("tue", run_key="x", tags={"c": "d"})))
    request = dg.RunRequest(run_key="k", partition_key="mon", tags={"a": "b"}, asset_selection=[table.key])
    note("has partition", request.partition_key)
    note("replaced", asked(request.with_replaced_attrs(run_key="l")))
    note("stale", request.stale_assets_only)
