"""Everything called by hand, with every context that can be built."""

import asyncio
from datetime import datetime

import dagster as dg
from recorder import Recorder, program


class Store(dg.ConfigurableResource):
    name: str = "s"


class Limits(dg.Config):
    rows: int = 2


DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")


@program
def assets_are_called_in_every_shape(note: Recorder) -> None:
    @dg.asset
    def plain():
        return 1

    @dg.asset
    def with_input(plain):
        return plain + 1

    @dg.asset
    def with_context(context: dg.AssetExecutionContext, plain):
        context.log.info("called")
        return [plain, context.asset_key.to_user_string()]

    @dg.asset
    def with_config(config: Limits, store: Store):
        return [config.rows, store.name]

    note("plain", plain())
    note("input", with_input(5))
    note("by name", with_input(plain=6))
    note("context", with_context(dg.build_asset_context(), 1))
    note("context by name", with_context(context=dg.build_asset_context(), plain=2))
    note("config", with_config(Limits(rows=9), Store(name="x")))
    note("config by name", with_config(config=Limits(), store=Store()))
    note.error("no input", lambda: with_input(), ["plain"])
    note.error("no context", lambda: with_context(plain=1), ["context"])
    note.error("too many", lambda: with_input(1, 2))
    note.error("misspelt", lambda: with_input(plane=1), ["plane"])


@program
def contexts_of_assets_are_built(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS)
    def daily(context: dg.AssetExecutionContext):
        return [
            context.partition_key,
            context.has_partition_key,
            context.partition_time_window,
            context.partition_key_range,
            context.partition_keys,
        ]

    note("one", daily(dg.build_asset_context(partition_key="2024-01-03")))
    ranged = dg.build_asset_context(partition_key_range=dg.PartitionKeyRange("2024-01-03", "2024-01-05"))

    @dg.asset(partitions_def=DAYS)
    def several(context: dg.AssetExecutionContext):
        return context.partition_keys

    note.error("range", lambda: several(ranged))
    note.error("none", lambda: daily(dg.build_asset_context()), ["partition_key"])

    @dg.asset(required_resource_keys={"tool"})
    def with_resources(context):
        return context.resources.tool

    note("resources", with_resources(dg.build_asset_context(resources={"tool": "saw"})))
    note.error("without", lambda: with_resources(dg.build_asset_context()), ["tool"])

    @dg.asset(config_schema={"n": int})
    def configured(context):
        return context.op_execution_context.op_config["n"]

    note("config", configured(dg.build_asset_context(asset_config={"n": 4})))
    note.error("wrong config", lambda: configured(dg.build_asset_context(asset_config={"n": "x"})), ["n"])


@program
def what_an_asset_says_is_kept_by_its_context(note: Recorder) -> None:
    @dg.asset
    def table(context: dg.AssetExecutionContext):
        context.add_output_metadata({"rows": 3})
        context.log_event(dg.AssetObservation("other"))
        return 1

    context = dg.build_asset_context()
    note("value", table(context))
    note("metadata", context.get_output_metadata("result"))


@program
def results_come_back_as_they_are(note: Recorder) -> None:
    @dg.asset
    def result():
        return dg.MaterializeResult(metadata={"n": 1})

    @dg.asset
    def an_output():
        return dg.Output(5, metadata={"n": 1})

    @dg.asset
    def yields():
        yield dg.Output(7)

    @dg.multi_asset(specs=[dg.AssetSpec("a"), dg.AssetSpec("b")])
    def several():
        yield dg.MaterializeResult(asset_key="a")
        yield dg.MaterializeResult(asset_key="b")

    @dg.multi_asset(outs={"left": dg.AssetOut(), "right": dg.AssetOut()})
    def both():
        return 1, 2

    note("result", result().metadata)
    note("output", [type(an_output()).__name__, an_output().value])
    note("yields", [each.value for each in yields()])
    note("several", [each.asset_key for each in several()])
    note("both", both())

    @dg.asset
    async def later():
        await asyncio.sleep(0)
        return 3

    note("async", asyncio.run(later()))

    @dg.asset
    def broken() -> int:
        return "one"

    note.error("of another type", lambda: broken())


@program
def ops_are_called_in_every_shape(note: Recorder) -> None:
    @dg.op
    def plain(a, b=2):
        return a + b

    @dg.op(config_schema={"n": int}, required_resource_keys={"tool"})
    def with_context(context, a):
        return [a, context.op_config["n"], context.resources.tool, context.op_def.name]

    @dg.op
    def with_config(context: dg.OpExecutionContext, config: Limits):
        return [config.rows, context.has_partition_key]

    @dg.op(out={"left": dg.Out(), "right": dg.Out()})
    def both():
        return 1, 2

    @dg.op(out=dg.DynamicOut())
    def many():
        yield dg.DynamicOutput(1, "a")
        yield dg.DynamicOutput(2, "b")

    note("plain", [plain(1), plain(1, 5), plain(a=3, b=4)])
    context = dg.build_op_context(op_config={"n": 3}, resources={"tool": "saw"})
    note("context", with_context(context, "x"))
    note("config", with_config(dg.build_op_context(), config=Limits(rows=8)))
    note.error("twice", lambda: with_config(dg.build_op_context(op_config={"rows": 4}), Limits(rows=4)))
    note("both", both())
    note("many", [[each.mapping_key, each.value] for each in many()])
    note.error("no config", lambda: with_context(dg.build_op_context(resources={"tool": 1}), 1), ["n"])
    note.error("no resource", lambda: with_context(dg.build_op_context(op_config={"n": 1}), 1), ["tool"])
    note.error("no context", lambda: with_context(1))
    note.error("wrong config", lambda: with_context(dg.build_op_context(op_config={"m": 1}, resources={"tool": 1}), 1))


@program
def contexts_of_ops_say_what_they_are(note: Recorder) -> None:
    seen = []

    @dg.op
    def work(context: dg.OpExecutionContext):
        seen.append([context.has_partition_key, context.partition_key])
        context.add_output_metadata({"a": 1})
        context.log_event(dg.AssetMaterialization("outside"))
        return 1

    context = dg.build_op_context(partition_key="2024-01-01", partition_key_range=None)
    note("value", work(context))
    note("seen", seen)
    note("events", [type(each).__name__ for each in context.get_events()])
    note("metadata", context.get_output_metadata("result"))

    with dg.build_op_context(resources={"tool": dg.ResourceDefinition(lambda _: "made")}) as with_context:
        note("resource", with_context.resources.tool)


@program
def resources_are_called_and_built(note: Recorder) -> None:
    @dg.resource(config_schema={"n": int}, required_resource_keys={"base"})
    def sized(context):
        return context.resource_config["n"] + context.resources.base

    @dg.resource
    def plain():
        return "plain"

    context = dg.build_init_resource_context(config={"n": 3}, resources={"base": 10})
    note("called", sized(context))
    note("plain", plain())
    note.error("no config", lambda: sized(dg.build_init_resource_context(resources={"base": 1})), ["n"])
    note.error("no base", lambda: sized(dg.build_init_resource_context(config={"n": 1})), ["base"])
    note.error("no context", lambda: sized())
    with dg.build_resources(
        {"sized": sized.configured({"n": 1}), "base": dg.ResourceDefinition.hardcoded_resource(5)}
    ) as made:
        note("built", [made.sized, made.base])
    note("own", Store(name="q").name)


@program
def checks_hooks_and_schedules_are_called(note: Recorder) -> None:
    @dg.asset_check(asset="orders")
    def check(context: dg.AssetCheckExecutionContext, orders, store: Store):
        return dg.AssetCheckResult(passed=orders == store.name)

    result = check(dg.build_asset_check_context(), "s", Store())
    note("check", result.passed)
    note.error("no value", lambda: check(dg.build_asset_check_context(), store=Store()), ["orders"])

    said = []

    @dg.success_hook(required_resource_keys={"tool"})
    def told(context):
        said.append([context.resources.tool, context.op.name if context.op else None])

    @dg.failure_hook
    def failed(context):
        said.append(str(context.op_exception))

    @dg.op
    def work(): ...

    told(dg.build_hook_context(resources={"tool": "bell"}, op=work))
    failed(dg.build_hook_context(op_exception=ValueError("no such table")))
    note("hooks", said)
    note.error("hook without", lambda: told(dg.build_hook_context()), ["tool"])

    @dg.job
    def working():
        work()

    @dg.schedule(cron_schedule="0 0 * * *", job=working)
    def daily(context: dg.ScheduleEvaluationContext, store: Store):
        return dg.RunRequest(run_key=context.scheduled_execution_time.strftime("%d"), tags={"of": store.name})

    with dg.build_schedule_context(
        scheduled_execution_time=datetime(2024, 1, 2), resources={"store": Store(name="z")}
    ) as context:
        request = daily(context)
        note("schedule", [request.run_key, request.tags["of"]])
    plain = dg.build_schedule_context()
    note.error("no time", lambda: plain.scheduled_execution_time)


@program
def sensors_are_called(note: Recorder) -> None:
    @dg.op
    def work(): ...

    @dg.job
    def working():
        work()

    @dg.sensor(job=working, minimum_interval_seconds=30)
    def looks(context: dg.SensorEvaluationContext, store: Store):
        seen = int(context.cursor or 0)
        context.update_cursor(str(seen + 1))
        if seen == 0:
            return dg.SkipReason("nothing yet")
        return [dg.RunRequest(run_key=f"{store.name}{number}") for number in range(seen)]

    first = dg.build_sensor_context(resources={"store": Store()})
    answer = looks(first)
    note("first", [type(answer).__name__, first.cursor])
    second = dg.build_sensor_context(cursor="2", resources={"store": Store(name="k")})
    note("second", [[each.run_key for each in looks(second)], second.cursor])
    tick = looks.evaluate_tick(dg.build_sensor_context(cursor="1", resources={"store": Store()}))
    note("tick", [[each.run_key for each in tick.run_requests], tick.cursor, tick.skip_message])
    note("said", [looks.name, looks.minimum_interval_seconds, looks.job_name, looks.default_status])
    note.error("no store", lambda: looks(dg.build_sensor_context()), ["store"])


@program
def io_managers_are_called(note: Recorder) -> None:
    class Kept(dg.IOManager):
        def __init__(self):
            self.values = {}

        def handle_output(self, context: dg.OutputContext, obj):
            context.add_output_metadata({"seen": 1})
            context.log_event(dg.AssetObservation("x"))
            self.values[tuple(context.asset_key.path)] = obj

        def load_input(self, context: dg.InputContext):
            return self.values[tuple(context.upstream_output.asset_key.path)]

    manager = Kept()
    out = dg.build_output_context(asset_key=["a", "b"], partition_key="x", run_id="r", mapping_key="m")
    manager.handle_output(out, 5)
    note("metadata", out.get_logged_metadata())
    note("events", [type(each).__name__ for each in out.get_logged_events()])
    note("said", [out.run_id, out.mapping_key, out.asset_key, out.partition_key])
    into = dg.build_input_context(
        upstream_output=out,
        dagster_type=dg.DagsterType(name="Any one", type_check_fn=lambda _, value: True),
        definition_metadata={"k": 1},
        config={"c": 2},
    )
    note("value", manager.load_input(into))
    note("in", [into.definition_metadata, into.config, into.dagster_type.display_name, into.has_asset_key])
    empty = dg.build_output_context()
    note.error("no name", lambda: empty.name, ["name"])
    note.error("no step", lambda: empty.step_key, ["step_key"])
    note.error("no key", lambda: empty.asset_key, ["asset_key"])
    note.error("no partition", lambda: empty.partition_key)
    windowed = dg.build_output_context(asset_key="a", asset_partitions_def=DAYS, partition_key="2024-01-02")
    note.error("window", lambda: windowed.asset_partitions_time_window)


@program
def loggers_and_types_are_called(note: Recorder) -> None:
    @dg.logger(config_schema={"level": str})
    def made(context):
        import logging

        logger = logging.Logger("made")
        logger.setLevel(context.logger_config["level"])
        return logger

    context = dg.build_init_logger_context(logger_config={"level": "INFO"})
    note("logger", [made(context).name, made(context).level])
    note.error("no config", lambda: made(dg.build_init_logger_context()))
    even = dg.DagsterType(name="Even", type_check_fn=lambda _, value: value % 2 == 0)
    note("type", [dg.check_dagster_type(even, 2).success, dg.check_dagster_type(even, 3).success])


@program
def graphs_and_jobs_are_not_called(note: Recorder) -> None:
    @dg.op
    def work():
        return 1

    @dg.graph
    def inner():
        return work()

    @dg.job
    def working():
        work()

    note.error("op inside a graph is no value", lambda: inner(), [])
    note.run("graph", inner.execute_in_process())
    note.error("job", lambda: working(), [])
