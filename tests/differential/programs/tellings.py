"""What events and results tell beside their kind: checks of types, the job, which side of an IO manager failed."""

import datetime
import os
import tempfile

import dagster as dg
from recorder import Recorder, kind_of_class, program


def even(_, value):
    return dg.TypeCheck(success=value % 2 == 0, description="is it even?", metadata={"value": value})


Even = dg.DagsterType(name="Even", type_check_fn=even)


def said(check):
    return [check.success, check.label, check.description, check.metadata]


@program
def the_check_of_a_type_is_told_with_the_value(note: Recorder) -> None:
    @dg.op(out=dg.Out(Even))
    def two():
        return 2

    @dg.op(ins={"number": dg.In(Even)}, out=dg.Out(Even))
    def three(number):
        return number + 1

    @dg.asset(dagster_type=Even)
    def four():
        return 4

    @dg.job
    def counting():
        three(two())

    for name, result in (
        ("ops", counting.execute_in_process(raise_on_error=False)),
        ("asset", dg.materialize([four])),
    ):
        outputs = [e for e in result.all_events if e.is_successful_output]
        inputs = [e for e in result.all_events if e.event_type_value == "STEP_INPUT"]
        note(f"outputs of {name}", [(e.step_key, said(e.step_output_data.type_check_data)) for e in outputs])
        note(f"inputs of {name}", [(e.step_key, said(e.step_input_data.type_check_data)) for e in inputs])


class Refusing(dg.IOManager):
    """Fails as it stores, or as it loads."""

    def __init__(self, side):
        self.side = side

    def handle_output(self, context, obj):
        if self.side == "store":
            raise ValueError("nothing is stored here")

    def load_input(self, context):
        raise ValueError("nothing is loaded here")


@dg.asset
def raw():
    return 1


@dg.asset
def clean(raw):
    return raw


@program
def a_failure_says_which_side_of_an_io_manager_raised(note: Recorder) -> None:
    for side in ("store", "load"):
        result = dg.materialize([raw, clean], resources={"io_manager": Refusing(side)}, raise_on_error=False)
        failed = next(event for event in result.all_events if event.is_step_failure)
        error = failed.step_failure_data.error
        note(side, [failed.step_key, kind_of_class(error.cls_name), kind_of_class(error.cause.cls_name)])
        note(f"{side}: words", [word for word in ('"result"', '"raw"', '"clean"') if word in error.message])
        note.error(
            f"{side}: raised",
            lambda side=side: dg.materialize([raw, clean], resources={"io_manager": Refusing(side)}),
            mentions=["nothing is"],
        )


@program
def what_stands_for_a_manager_must_be_one(note: Recorder) -> None:
    @dg.asset(ins={"raw": dg.AssetIn(input_manager_key="reader")})
    def read(raw):
        return raw

    note.error("reader", lambda: dg.materialize([raw, read], resources={"reader": 4}), mentions=["reader", "raw"])
    note.error("io_manager", lambda: dg.materialize([raw], resources={"io_manager": 4}), mentions=["io_manager"])


@program
def events_say_of_which_job_they_are(note: Recorder) -> None:
    @dg.op
    def broken():
        raise ValueError("broken")

    @dg.job
    def breaking():
        broken()

    with dg.DagsterInstance.ephemeral() as instance:
        result = breaking.execute_in_process(instance=instance, raise_on_error=False)
        note("all", sorted({event.job_name for event in result.all_events}))
        note("failure", next(e for e in result.all_events if e.is_job_failure).job_name)
        note("of the run", result.get_run_failure_event().job_name)
        entries = [entry for entry in instance.all_logs(result.run_id) if entry.is_dagster_event]
        note("entries", sorted({entry.job_name for entry in entries}))
        note("recorded", sorted({entry.get_dagster_event().job_name for entry in entries}))


@program
def a_node_that_is_not_in_the_run_has_done_nothing(note: Recorder) -> None:
    result = dg.materialize([raw])
    for question in ("is_node_success", "is_node_failed", "is_node_skipped", "is_node_untouched", "events_for_node"):
        note(question, getattr(result, question)("rwa"))
    note.error("output", lambda: result.output_for_node("rwa"), mentions=["rwa"])


@program
def specs_say_their_group_and_what_may_be_left_out(note: Recorder) -> None:
    parts = [dg.AssetSpec("one"), dg.AssetSpec("two", skippable=True, group_name="own")]

    @dg.multi_asset(specs=parts, can_subset=True)
    def some():
        pass

    @dg.multi_asset(specs=parts)
    def all_of_them():
        pass

    @dg.multi_asset(outs={"left": dg.AssetOut(), "right": dg.AssetOut(is_required=False)}, can_subset=True)
    def by_outs():
        pass

    for name, made in (("some", some), ("all", all_of_them), ("outs", by_outs), ("one", raw)):
        note(name, [(spec.key, spec.group_name, spec.skippable) for spec in made.specs])
    note("of one", raw.get_asset_spec().group_name)
    note("alone", dg.AssetSpec("raw").group_name)


@program
def a_policy_gives_its_windows_as_lengths_of_time(note: Recorder) -> None:
    policy = dg.FreshnessPolicy.time_window(fail_window=datetime.timedelta(hours=3))
    note("fail", policy.fail_window.to_timedelta().total_seconds())
    note("warn", policy.warn_window)
    note("config of a resource", dg.build_init_resource_context().resource_config)


@program
def a_sensor_is_called_with_the_resources_that_it_asks_for(note: Recorder) -> None:
    @dg.sensor(job=dg.define_asset_job("all", "*"), required_resource_keys={"door"})
    def asking(context):
        return dg.SkipReason("closed")

    @dg.schedule(job=dg.define_asset_job("some", "*"), cron_schedule="@daily", required_resource_keys={"door"})
    def daily(context):
        return dg.SkipReason("closed")

    note.error("sensor", lambda: asking(dg.build_sensor_context()), mentions=["door"])
    note.error("schedule", lambda: daily(dg.build_schedule_context()), mentions=["door"])


@program
def keys_that_a_static_mapping_names_may_be_unknown_downstream(note: Recorder) -> None:
    def run(mapping):
        @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
        def letters(context):
            return context.partition_key

        @dg.asset(
            partitions_def=dg.StaticPartitionsDefinition(["c"]),
            ins={"letters": dg.AssetIn(partition_mapping=dg.StaticPartitionMapping(mapping))},
        )
        def more(letters):
            return letters

        with dg.DagsterInstance.ephemeral() as instance, tempfile.TemporaryDirectory() as folder:
            given = {"io_manager": dg.FilesystemIOManager(base_dir=folder)}
            dg.materialize([letters], partition_key="a", instance=instance, resources=given)
            both = [letters, more]
            result = dg.materialize(both, selection=[more], partition_key="c", instance=instance, resources=given)
            return result.output_for_node("more")

    note("known", run({"a": "c"}))
    note("downstream", run({"a": ["c", "d"]}))
    note.error("upstream", lambda: run({"a": "c", "x": "c"}), mentions=["x"])


@program
def an_instance_is_found_by_the_environment(note: Recorder) -> None:
    before = {name: os.environ.get(name) for name in ("DAGSTER_HOME", "HEADWATER_HOME")}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(dict.fromkeys(before, folder))
        try:
            with dg.DagsterInstance.get() as instance:
                result = dg.materialize([raw], instance=instance)
            with dg.DagsterInstance.get() as again:
                note("runs", [run.status for run in again.get_runs()])
                note("same", [run.run_id == result.run_id for run in again.get_runs()])
                note("assets", again.get_asset_keys())
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
