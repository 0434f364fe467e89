"""What tests use: materialize in memory, instances, results and what they answer."""

import os

import dagster as dg
from recorder import Recorder, program


@dg.asset
def raw():
    return [1, 2, 3]


@dg.asset
def total(raw):
    return dg.Output(sum(raw), metadata={"rows": len(raw)})


@dg.asset_check(asset=total)
def positive(total):
    return dg.AssetCheckResult(passed=total > 0)


@dg.op
def one():
    return 1


@dg.op(out={"left": dg.Out(), "right": dg.Out()})
def halves(number):
    return number, -number


@dg.op
def broken(number):
    raise ValueError(f"no {number}")


@program
def assets_are_materialized_in_memory(note: Recorder) -> None:
    result = dg.materialize_to_memory([raw, total, positive])
    note.run("run", result, outputs=["total"])
    note("value", [result.asset_value("total"), result.asset_value(dg.AssetKey("raw"))])
    picked = dg.materialize_to_memory([raw, total], selection=["raw"])
    note.run("selected", picked)
    note.error("with a manager", lambda: dg.materialize_to_memory([raw], resources={"io_manager": dg.mem_io_manager}))

    failing = dg.asset(name="failing")(lambda: 1 / 0)
    note.run("failing", dg.materialize_to_memory([failing], raise_on_error=False))


@program
def assets_are_materialized_with_everything(note: Recorder) -> None:
    class Limits(dg.Config):
        rows: int = 1

    seen = {}

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
    def table(context: dg.AssetExecutionContext, config: Limits):
        seen["config"] = config.rows
        seen["run config"] = context.run_config["ops"]["table"]["config"]
        seen["partition"] = context.partition_key
        seen["tags"] = {k: v for k, v in context.run.tags.items() if "/" not in k}
        seen["job"] = context.job_name.startswith("_")
        seen["op"] = [context.op_execution_context.op_def.name, context.assets_def.key.to_user_string()]
        seen["selected"] = sorted(key.to_user_string() for key in context.selected_asset_keys)
        seen["outputs"] = sorted(context.selected_output_names)
        context.log.info("here")
        return 1

    config = {"ops": {"table": {"config": {"rows": 7}}}}
    result = dg.materialize([table], run_config=config, partition_key="b", tags={"team": "x"})
    note.run("run", result)
    note("seen", seen)


@program
def instances_for_tests_are_there_and_gone(note: Recorder) -> None:
    with dg.instance_for_test() as instance:
        note("kind", isinstance(instance, dg.DagsterInstance))
        result = dg.materialize([raw, total], instance=instance)
        note("value", result.output_for_node("total"))
        note("later", dg.materialize([raw, total], selection=["total"], instance=instance).output_for_node("total"))
        note("runs", len(instance.get_runs()))
        note("home", "DAGSTER_HOME" in os.environ or "HEADWATER_HOME" in os.environ)
    with dg.instance_for_test() as other:
        note("empty", len(other.get_runs()))
    with dg.DagsterInstance.ephemeral() as instance:
        note("ephemeral", [instance.is_ephemeral, len(instance.get_runs())])


@program
def results_of_assets_are_asked(note: Recorder) -> None:
    result = dg.materialize([raw, total, positive])
    note("success", [result.success, result.is_node_success("total"), result.is_node_failed("total")])
    note("outputs", [result.output_for_node("raw"), result.output_for_node("total"), result.asset_value("total")])
    made = result.asset_materializations_for_node("total")
    note("materializations", [[each.asset_key, each.metadata["rows"].value] for each in made])
    events = result.get_asset_materialization_events()
    note("events", sorted(event.asset_key.to_user_string() for event in events))
    checks = result.get_asset_check_evaluations()
    note("checks", [[each.check_name, each.passed, each.asset_key] for each in checks])
    note("steps", sorted(event.step_key for event in result.get_step_success_events()))
    note("failed", result.get_failed_step_keys())
    note("observations", len(result.get_asset_observation_events()))
    note("job", [result.job_def.name.startswith("_"), result.dagster_run.status.value, result.run_id != ""])
    note("success events", sorted({event.step_key for event in result.all_node_events} - {None}))
    note.error("no such node", lambda: result.output_for_node("tota"), ["tota"])
    note.error("no such asset", lambda: result.asset_value("tota"), ["tota"])


@program
def results_of_jobs_are_asked(note: Recorder) -> None:
    @dg.op
    def show(value):
        return value

    @dg.job
    def working():
        left, _ = halves.alias("split")(one.alias("first")())
        show(left)

    result = working.execute_in_process()
    note("outputs", [result.output_for_node("split", "left"), result.output_for_node("split", output_name="right")])
    note("value", result.output_for_node("show"))
    note("events", [event.event_type_value for event in result.events_for_node("show") if event.is_step_success])
    note.error("no such output", lambda: result.output_for_node("split", "middle"), ["middle"])
    note.error("no single output", lambda: result.output_for_node("split"), ["split"])
    filtered = result.filter_events(lambda event: event.is_step_success)
    note("filtered", sorted(event.step_key for event in filtered))


@program
def results_of_failures_are_asked(note: Recorder) -> None:
    @dg.job
    def working():
        broken(one())

    result = working.execute_in_process(raise_on_error=False)
    note("success", [result.success, result.is_node_success("one"), result.is_node_failed("broken")])
    note("failed", result.get_failed_step_keys())
    event = result.get_run_failure_event()
    note("failure", [event.is_job_failure, event.is_failure])
    note("run", result.dagster_run.is_failure)
    note("status", result.dagster_run.status.value)
    failure = result.failure_data_for_node("broken")
    note("data", [failure.error.cause.cls_name, "no 1" in failure.error.cause.message])
    note.error("raised", working.execute_in_process, ["no 1"])
    note.error("no output", lambda: result.output_for_node("broken"), ["broken"])


@program
def jobs_are_run_in_process_with_everything(note: Recorder) -> None:
    @dg.op(config_schema={"n": int}, required_resource_keys={"base"})
    def number(context):
        return context.op_config["n"] + context.resources.base

    @dg.op
    def double(value):
        return 2 * value

    @dg.graph
    def counting():
        double(number())

    config = {"ops": {"number": {"config": {"n": 1}}}}
    job = counting.to_job(resource_defs={"base": dg.ResourceDefinition.hardcoded_resource(10)}, config=config)
    note.run("job", job.execute_in_process(), outputs=["double"])
    graph = counting.execute_in_process(run_config=config, resources={"base": 20})
    note.run("graph", graph, outputs=["double"])
    picked = job.execute_in_process(op_selection=["number"])
    note.run("selected", picked, outputs=["number"])
    note.run("replaced", job.execute_in_process(resources={"base": 30}), outputs=["double"])

    @dg.graph
    def of_value(value):
        return double(value)

    note.run("given", of_value.execute_in_process(input_values={"value": 21}), outputs=["double"])
    job = of_value.to_job(input_values={"value": 4})
    note.run("to_job", job.execute_in_process(), outputs=["double"])
    note.run("over", job.execute_in_process(input_values={"value": 5}), outputs=["double"])
    note.error("not given", lambda: of_value.to_job().execute_in_process().output_for_node("double"), ["value"])


@program
def a_step_that_leaves_python_fails(note: Recorder) -> None:
    import sys

    @dg.asset
    def leaves():
        sys.exit(3)

    @dg.asset
    def interrupted():
        raise KeyboardInterrupt

    def ended(asset, **options):
        try:
            result = dg.materialize([asset], **options)
        except BaseException as error:
            return f"raises {type(error).__name__.removeprefix('Dagster')}"
        return [result.success, result.get_failed_step_keys()]

    note("exit", ended(leaves, raise_on_error=False))
    note("exit raised", ended(leaves))
    note("interrupt", ended(interrupted, raise_on_error=False))
    note("interrupt raised", ended(interrupted))


@program
def the_same_definitions_are_used_again(note: Recorder) -> None:
    calls = []

    @dg.asset
    def counted():
        calls.append(1)
        return len(calls)

    @dg.asset
    def after(counted):
        return counted * 10

    with dg.instance_for_test() as instance:
        for _ in range(3):
            dg.materialize([counted, after], instance=instance)
        last = dg.materialize([counted, after], selection=[after], instance=instance)
        note("last", last.output_for_node("after"))
        note("calls", len(calls))
        records = instance.fetch_materializations(counted.key, limit=10).records
        note("records", len(records))


@program
def sources_are_loaded_in_tests(note: Recorder) -> None:
    class Fixed(dg.IOManager):
        def handle_output(self, context, obj): ...

        def load_input(self, context):
            return f"loaded {context.asset_key.to_user_string()}"

    source = dg.SourceAsset("orders", io_manager_key="fixed")
    spec = dg.AssetSpec("returns")

    @dg.asset
    def report(orders):
        return orders

    @dg.asset(deps=[spec])
    def other():
        return 1

    result = dg.materialize([report, source, other, spec], resources={"fixed": Fixed()})
    note.run("run", result, outputs=["report"])


@program
def observations_of_sources_are_run(note: Recorder) -> None:
    @dg.observable_source_asset
    def files():
        return dg.DataVersion("v1")

    @dg.observable_source_asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
    def parts():
        return dg.DataVersionsByPartition({"a": "1", "b": "2"})

    @dg.multi_observable_source_asset(specs=[dg.AssetSpec("x"), dg.AssetSpec("y", skippable=True)])
    def several():
        yield dg.ObserveResult(asset_key="x", metadata={"n": 1}, data_version=dg.DataVersion("5"))

    @dg.observable_source_asset
    def told(context):
        return dg.ObserveResult(metadata={"key": context.asset_key.to_user_string()})

    def look(instance, *assets, **options):
        defs = dg.Definitions(assets=list(assets), jobs=[dg.define_asset_job("look", list(assets))])
        return defs.resolve_job_def("look").execute_in_process(instance=instance, **options)

    with dg.DagsterInstance.ephemeral() as instance:
        result = look(instance, files)
        note.run("run", result)
        note.run("several", look(instance, several))
        note.run("told", look(instance, told))
        record = instance.get_latest_data_version_record(dg.AssetKey("files"))
        note("version", record is not None)
        note.run("parts", look(instance, parts))
        fetched = instance.fetch_observations(dg.AssetKey("x"), limit=5).records
        note("fetched", [each.asset_observation.metadata["n"].value for each in fetched])


@program
def names_of_provenance_are_values(note: Recorder) -> None:
    provenance = dg.DataProvenance(
        code_version="1",
        input_data_versions={dg.AssetKey("a"): dg.DataVersion("x")},
        input_storage_ids={dg.AssetKey("a"): 3},
        is_user_provided=False,
    )
    note("said", [provenance.code_version, provenance.input_data_versions[dg.AssetKey("a")].value])


@program
def a_failed_job_tells_of_its_failure(note: Recorder) -> None:
    @dg.op
    def broken():
        raise ValueError("no rows")

    @dg.job
    def failing():
        broken()

    failure = failing.execute_in_process(raise_on_error=False).get_run_failure_event()
    note("event", [failure.is_job_failure, failure.is_job_event, failure.is_step_event])


@program
def an_instance_of_the_environment_remembers_what_others_recorded(note: Recorder) -> None:
    import tempfile

    @dg.asset
    def orders():
        return 3

    @dg.asset
    def total(orders):
        return orders + 1

    with tempfile.TemporaryDirectory() as home:
        for variable in ("DAGSTER_HOME", "HEADWATER_HOME"):
            os.environ[variable] = home
        try:
            with dg.DagsterInstance.get() as instance:
                dg.materialize([orders], instance=instance)
            with dg.DagsterInstance.get() as instance:
                note("keys", [key.path for key in instance.get_asset_keys()])
                result = dg.materialize([orders, total], selection=[total], instance=instance)
                note("of what is stored", result.output_for_node("total"))
                note("runs", len(instance.get_runs()))
        finally:
            del os.environ["DAGSTER_HOME"], os.environ["HEADWATER_HOME"]
