"""Multi-assets, graph assets, external assets, selections, metadata of every kind, and what the instance remembers."""

from collections import OrderedDict

import dagster as dg
from recorder import Recorder, program


@program
def metadata_of_every_kind_is_kept(note: Recorder) -> None:
    columns = dg.TableSchema(
        columns=[
            dg.TableColumn("id", "int", constraints=dg.TableColumnConstraints(nullable=False, unique=True)),
            dg.TableColumn("name", "string", description="who"),
        ]
    )
    lineage = dg.TableColumnLineage(
        {"id": [dg.TableColumnDep(asset_key=dg.AssetKey(["raw", "orders"]), column_name="id")]}
    )

    @dg.asset
    def table():
        return dg.MaterializeResult(
            metadata={
                "int": dg.MetadataValue.int(3),
                "float": dg.MetadataValue.float(1.5),
                "text": dg.MetadataValue.text("x"),
                "md": dg.MetadataValue.md("# x"),
                "json": dg.MetadataValue.json({"a": [1, None]}),
                "url": dg.MetadataValue.url("https://example.org"),
                "bool": dg.MetadataValue.bool(True),
                "timestamp": dg.MetadataValue.timestamp(1700000000.0),
                "asset": dg.MetadataValue.asset(dg.AssetKey(["a", "b"])),
                "null": dg.MetadataValue.null(),
                "notebook": dg.MetadataValue.notebook("x.ipynb"),
                "artifact": dg.MetadataValue.python_artifact(OrderedDict),
                "plain int": 4,
                "plain dict": {"b": 1},
                "plain list": [1, 2],
                "plain none": None,
            }
        )

    @dg.asset
    def tabular():
        return dg.MaterializeResult(
            metadata={
                "schema": dg.MetadataValue.table_schema(columns),
                "lineage": dg.MetadataValue.column_lineage(lineage),
                "table": dg.MetadataValue.table(records=[dg.TableRecord({"id": 1, "name": "a"})], schema=columns),
            }
        )

    note.run("run", dg.materialize([table]))
    result = dg.materialize([tabular])
    told = result.asset_materializations_for_node("tabular")[0].metadata
    note("columns", [[each.name, each.type, each.description] for each in told["schema"].value.columns])
    note("nullable", told["schema"].value.columns[0].constraints.nullable)
    note("deps", [each.column_name for each in told["lineage"].value.deps_by_column["id"]])
    note("records", [each.data for each in told["table"].records])


@program
def a_multi_asset_gives_several_and_may_give_some(note: Recorder) -> None:
    @dg.multi_asset(
        outs={
            "customers": dg.AssetOut(is_required=False, metadata={"kind": "dim"}),
            "orders": dg.AssetOut(is_required=False, key_prefix=["raw"]),
        },
        can_subset=True,
    )
    def both(context: dg.AssetExecutionContext):
        note("selected", sorted(context.selected_output_names))
        note("keys", context.selected_asset_keys)
        note("is subset", context.is_subset)
        for name in sorted(context.selected_output_names):
            yield dg.Output([name], output_name=name)

    note.run("one", dg.materialize([both], selection="customers"))
    note.run("all", dg.materialize([both]))


@program
def a_multi_asset_by_specs_yields_results(note: Recorder) -> None:
    @dg.multi_asset(specs=[dg.AssetSpec("a", tags={"x": "y"}), dg.AssetSpec("b", deps=["a"], group_name="late")])
    def both():
        yield dg.MaterializeResult(asset_key="a", metadata={"n": 1})
        yield dg.MaterializeResult(asset_key="b", metadata={"n": 2})

    note.run("run", dg.materialize([both]))
    note("groups", both.group_names_by_key)
    note("deps", {key.to_user_string(): deps for key, deps in both.asset_deps.items()})

    @dg.multi_asset(specs=[dg.AssetSpec("a"), dg.AssetSpec("b")])
    def forgetful():
        yield dg.MaterializeResult(asset_key="a")

    note.run("forgetful", dg.materialize([forgetful], raise_on_error=False))


@program
def an_output_that_is_not_declared_is_refused(note: Recorder) -> None:
    @dg.multi_asset(outs={"a": dg.AssetOut(), "b": dg.AssetOut()})
    def both():
        yield dg.Output(1, output_name="a")
        yield dg.Output(1, output_name="c")

    @dg.multi_asset(outs={"a": dg.AssetOut(), "b": dg.AssetOut()})
    def short():
        yield dg.Output(1, output_name="a")

    @dg.multi_asset(outs={"a": dg.AssetOut(), "b": dg.AssetOut()})
    def pair():
        return 1, 2

    note.error("undeclared", lambda: dg.materialize([both]), ["c"])
    note.error("missing", lambda: dg.materialize([short]), ["b"])
    note.run("pair", dg.materialize([pair]), outputs=[])


@program
def graphs_are_assets(note: Recorder) -> None:
    @dg.op
    def read():
        return 3

    @dg.op
    def double(number):
        return number * 2

    @dg.graph_asset(group_name="made", description="twice")
    def doubled():
        return double(read())

    @dg.graph_multi_asset(outs={"one": dg.AssetOut(), "two": dg.AssetOut()})
    def several():
        number = read()
        return {"one": number, "two": double(number)}

    note.run("one", dg.materialize([doubled]))
    note.run("several", dg.materialize([several]))


@program
def external_assets_and_sources_are_loaded(note: Recorder) -> None:
    storage = {"io_manager": dg.FilesystemIOManager(base_dir="storage")}

    @dg.asset(key_prefix="raw")
    def orders():
        return [1, 2]

    @dg.asset(ins={"orders": dg.AssetIn(key=["raw", "orders"])})
    def count(orders):
        return len(orders)

    dg.materialize([orders], resources=storage)
    note.run("source", dg.materialize([dg.SourceAsset(["raw", "orders"]), count], resources=storage), outputs=["count"])
    note.run("spec", dg.materialize([dg.AssetSpec(["raw", "orders"]), count], resources=storage), outputs=["count"])


@program
def sources_are_observed(note: Recorder) -> None:
    @dg.observable_source_asset
    def feed():
        return dg.DataVersion("7")

    @dg.observable_source_asset
    def other():
        return dg.ObserveResult(data_version=dg.DataVersion("8"), metadata={"rows": 3})

    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.define_asset_job("look", selection=dg.AssetSelection.assets("feed", "other"))
        defs = dg.Definitions(assets=[feed, other], jobs=[job])
        result = defs.resolve_job_def("look").execute_in_process(instance=instance)
        note("success", result.success)
        note("observed", sorted(str(each.asset_key.to_user_string()) for each in result.get_asset_observation_events()))
        record = instance.get_latest_data_version_record(dg.AssetKey("feed"))
        note("has record", record is not None)


@program
def selections_choose_assets(note: Recorder) -> None:
    def make(name, deps=(), **settings):
        @dg.asset(name=name, deps=list(deps), **settings)
        def made():
            return None

        return made

    assets = [
        make("raw_orders", group_name="raw", tags={"layer": "bronze"}, owners=["team:data"], kinds={"python"}),
        make("raw_people", group_name="raw"),
        make("orders", ["raw_orders"], group_name="clean", kinds={"sql"}),
        make("people", ["raw_people"], group_name="clean"),
        make("report", ["orders", "people"], key_prefix=["gold"]),
    ]
    every = dg.AssetSelection
    for label, selection in {
        "all": every.all(),
        "keys": every.assets("orders", "people"),
        "groups": every.groups("raw"),
        "tag": every.tag("layer", "bronze"),
        "owner": every.owner("team:data"),
        "kind": every.kind("sql"),
        "prefix": every.key_prefixes("gold"),
        "upstream": every.assets("orders").upstream(),
        "upstream one": every.assets(["gold", "report"]).upstream(depth=1),
        "without self": every.assets("orders").upstream(include_self=False),
        "downstream": every.assets("raw_orders").downstream(),
        "roots": every.all().roots(),
        "sinks": every.groups("raw", "clean").sinks(),
        "and": every.groups("raw") & every.assets("raw_people", "people"),
        "or": every.assets("people") | every.assets("orders"),
        "minus": every.all() - every.groups("raw"),
        "not": every.all() - every.kind("sql"),
        "string": every.from_string("group:raw or key:orders"),
        "string plus": every.from_string("+key:orders"),
        "string kind": every.from_string('kind:sql and not tag:layer="bronze"'),
    }.items():
        note(label, selection.resolve(assets))
    note.error("unknown", lambda: every.assets("ordres").resolve(assets), ["ordres"])


@program
def the_instance_remembers(note: Recorder) -> None:
    @dg.asset
    def table(context: dg.AssetExecutionContext):
        context.add_output_metadata({"rows": 3})
        context.log_event(dg.AssetObservation(asset_key="table", metadata={"seen": 1}))
        return 1

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([table], instance=instance, tags={"team": "data"})
        run = instance.get_run_by_id(result.run_id)
        note("run", [run.status, run.tags.get("team"), run.is_success, run.is_finished])
        note("runs", len(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))))
        note("none", len(instance.get_runs(dg.RunsFilter(tags={"team": "other"}))))
        note("keys", instance.get_asset_keys())
        note("has", [instance.has_asset_key(dg.AssetKey("table")), instance.has_asset_key(dg.AssetKey("x"))])
        latest = instance.get_latest_materialization_event(dg.AssetKey("table"))
        note("latest", latest.asset_materialization.metadata["rows"].value)
        records = instance.fetch_materializations(dg.AssetKey("table"), limit=5).records
        note("records", [each.asset_materialization.metadata["rows"].value for each in records])
        instance.report_runless_asset_event(dg.AssetMaterialization("outside", metadata={"from": "far"}, partition="p"))
        note("outside", instance.get_materialized_partitions(dg.AssetKey("outside")))
        filtered = instance.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION, asset_key=dg.AssetKey("outside")), limit=1
        )
        note("filtered", filtered[0].event_log_entry.dagster_event.step_materialization_data.materialization.partition)
        instance.wipe_assets([dg.AssetKey("table")])
        note("wiped", instance.get_latest_materialization_event(dg.AssetKey("table")) is None)
        note("logs", len(instance.all_logs(result.run_id)) > 0)


@program
def results_tell_what_happened(note: Recorder) -> None:
    @dg.asset
    def first():
        return 1

    @dg.asset
    def second(first):
        raise RuntimeError("broken")

    result = dg.materialize([first, second], raise_on_error=False)
    note("node", [result.is_node_success("first"), result.is_node_failed("second")])
    note("failed", result.get_failed_step_keys())
    note("succeeded", [each.step_key for each in result.get_step_success_events()])
    note("value", result.asset_value("first"))
    note("events", [each.event_type_value for each in result.events_for_node("first")][:1])
    note.error("no output", lambda: result.output_for_node("second"))
    note.error("no node", lambda: result.output_for_node("third"), ["third"])
    note("in memory", dg.materialize_to_memory([first]).output_for_node("first"))


@program
def contexts_tell_where_they_are(note: Recorder) -> None:
    seen = {}

    @dg.asset(
        config_schema={"n": dg.Field(int, default_value=4)},
        retry_policy=dg.RetryPolicy(max_retries=1),
        code_version="v1",
    )
    def table(context: dg.AssetExecutionContext):
        if context.retry_number == 0:
            raise dg.RetryRequested(max_retries=1)
        seen["retry"] = context.retry_number
        seen["key"] = context.asset_key
        seen["config"] = context.op_config
        seen["tag"] = [context.has_tag("team"), context.get_tag("team"), context.get_tag("nothing")]
        seen["op"] = context.op_execution_context.op.name
        seen["run"] = context.run_id == context.run.run_id
        seen["keys"] = context.assets_def.keys
        seen["partition"] = context.has_partition_key
        context.add_asset_metadata({"rows": 1})
        return 2

    note.run("run", dg.materialize([table], tags={"team": "data"}))
    note("seen", seen)


@program
def specs_are_mapped(note: Recorder) -> None:
    @dg.asset(group_name="a", tags={"x": "1"})
    def table():
        return 1

    specs = [table.specs_by_key[dg.AssetKey("table")], dg.AssetSpec("other")]
    mapped = dg.map_asset_specs(lambda spec: spec.replace_attributes(group_name="b"), specs)
    note("groups", [each.group_name for each in mapped])
    merged = dg.map_asset_specs(lambda spec: spec.merge_attributes(tags={"y": "2"}, deps=["z"]), specs)
    note("tags", [each.tags for each in merged])
    note("deps", [[dep.asset_key for dep in each.deps] for each in merged])
