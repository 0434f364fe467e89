"""What an external process is told and what it reports, with the published dagster-pipes package on the other side."""

from __future__ import annotations

import json
from typing import Any

import headwater as hw
from tests.pipes.programs import Outcome, Programs, asset_of, run

TELL = "import json; print(json.dumps(context._data))"


def told(outcome: Outcome) -> dict[str, Any]:
    """Return the context that the process printed."""
    assert outcome.result.success, outcome.lines
    (line,) = outcome.said("stdout")
    return json.loads(line)  # type: ignore[no-any-return]


def test_an_asset_is_materialized_with_what_the_process_reports(programs: Programs) -> None:
    outcome = run(
        asset_of(programs.reporting('context.report_asset_materialization({"rows": 3}, data_version="v1")')),
    )
    assert outcome.metadata == {"orders": {"rows": 3}}
    (event,) = outcome.result.get_asset_materialization_events()
    assert event.data_version == "v1"


def test_metadata_of_every_type_of_the_protocol_arrives(programs: Programs) -> None:
    command = programs.reporting(
        """
        def typed(kind, raw): return {"type": kind, "raw_value": raw}
        columns = [{"name": "id", "type": "int", "description": "d", "constraints": {"unique": True}, "tags": {"k": "v"}}]
        context.report_asset_materialization({
            "int": 1, "float": 1.5, "bool": True, "text": "t", "none": None, "list": [1, {"a": None}],
            "md": typed("md", "# t"), "url": typed("url", "https://x.org"), "path": typed("path", "/x"),
            "notebook": typed("notebook", "/x.ipynb"), "json": typed("json", {"a": 1}), "whole": typed("float", 2),
            "run": typed("dagster_run", "r"), "asset": typed("asset", "raw/orders"), "null": typed("null", None),
            "timestamp": typed("timestamp", 1700000000), "inferred": typed("__infer__", 5),
            "schema": typed("table_schema", {"columns": columns, "constraints": {"other": ["sorted"]}}),
            "table": typed("table", {"records": [{"id": 1}], "schema": columns}),
            "lineage": typed("table_column_lineage",
                {"deps_by_column": {"id": [{"asset_key": "raw/orders", "column_name": "key"}]}}),
        })
        """
    )
    outcome = run(asset_of(command))
    (event,) = outcome.result.get_asset_materialization_events()
    column = hw.TableColumn("id", "int", "d", hw.TableColumnConstraints(unique=True), {"k": "v"})
    assert event.materialization.metadata == {
        "int": hw.MetadataValue.int(1),
        "float": hw.MetadataValue.float(1.5),
        "bool": hw.MetadataValue.bool(True),
        "text": hw.MetadataValue.text("t"),
        "none": hw.MetadataValue.null(),
        "list": hw.MetadataValue.json([1, {"a": None}]),
        "md": hw.MetadataValue.md("# t"),
        "url": hw.MetadataValue.url("https://x.org"),
        "path": hw.MetadataValue.path("/x"),
        "notebook": hw.MetadataValue.notebook("/x.ipynb"),
        "json": hw.MetadataValue.json({"a": 1}),
        "whole": hw.MetadataValue.float(2.0),
        "run": hw.MetadataValue.run("r"),
        "asset": hw.MetadataValue.asset(["raw", "orders"]),
        "null": hw.MetadataValue.null(),
        "timestamp": hw.MetadataValue.timestamp(1700000000.0),
        "inferred": hw.MetadataValue.int(5),
        "schema": hw.MetadataValue.table_schema(hw.TableSchema([column], hw.TableConstraints(["sorted"]))),
        "table": hw.MetadataValue.table([hw.TableRecord({"id": 1})], hw.TableSchema([column])),
        "lineage": hw.MetadataValue.column_lineage(
            hw.TableColumnLineage({"id": [hw.TableColumnDep(hw.AssetKey(["raw", "orders"]), "key")]})
        ),
    }


def test_an_asset_of_which_nothing_is_reported_counts_as_materialized(programs: Programs) -> None:
    assert run(asset_of(programs.reporting("context.log.info('done')"))).metadata == {"orders": {}}


def test_an_asset_that_must_be_reported_fails_without_a_report(programs: Programs) -> None:
    @hw.asset
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        done = pipes.run(command=programs.reporting("context.log.info('done')"), context=context)
        yield from done.get_results(implicit_materializations=False)

    outcome = run(orders)
    assert "ended without giving its output" in outcome.message


def test_one_process_reports_several_assets(programs: Programs) -> None:
    command = programs.reporting(
        """
        assert context.asset_keys == ["sales/orders", "customers"], context.asset_keys
        assert context.code_version_by_asset_key == {"sales/orders": "7", "customers": None}
        context.report_asset_materialization({"rows": 2}, asset_key="customers")
        context.report_asset_materialization({"rows": 1}, asset_key="sales/orders")
        """
    )

    @hw.multi_asset(specs=[hw.AssetSpec(["sales", "orders"], code_version="7"), hw.AssetSpec("customers")])
    def shop(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        yield from pipes.run(command=command, context=context).get_results()

    assert run(shop).metadata == {"sales/orders": {"rows": 1}, "customers": {"rows": 2}}


def test_a_part_of_a_multi_asset_is_told_and_recorded_as_that_part(programs: Programs) -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("orders"), hw.AssetSpec("customers")], can_subset=True)
    def shop(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        return pipes.run(command=programs.reporting(TELL), context=context).get_results()

    outcome = run(shop, selection=["customers"])
    assert told(outcome)["asset_keys"] == ["customers"]
    assert outcome.metadata == {"customers": {}}


def test_checks_of_an_asset_come_with_its_materialization(programs: Programs) -> None:
    command = programs.reporting(
        """
        context.report_asset_check("not_empty", passed=True, metadata={"rows": 3})
        context.report_asset_check("sorted", passed=False, severity="WARN")
        context.report_asset_materialization({"rows": 3})
        """
    )
    checks = [hw.AssetCheckSpec("not_empty", asset="orders"), hw.AssetCheckSpec("sorted", asset="orders")]

    @hw.asset(check_specs=checks)
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> hw.MaterializeResult[Any]:
        return pipes.run(command=command, context=context).get_materialize_result()

    outcome = run(orders)
    assert outcome.metadata == {"orders": {"rows": 3}}
    evaluated = {each.check_name: each for each in outcome.result.get_asset_check_evaluations()}
    assert evaluated["not_empty"].passed
    assert evaluated["not_empty"].metadata == {"rows": hw.MetadataValue.int(3)}
    assert not evaluated["sorted"].passed
    assert evaluated["sorted"].severity == hw.AssetCheckSeverity.WARN


def test_a_check_is_evaluated_by_a_process(programs: Programs) -> None:
    @hw.asset
    def orders() -> int:
        return 3

    @hw.asset_check(asset=orders)
    def not_empty(context: hw.AssetCheckExecutionContext, pipes: hw.PipesSubprocessClient) -> hw.AssetCheckResult:
        command = programs.reporting('context.report_asset_check("not_empty", passed=False, asset_key="orders")')
        return pipes.run(command=command, context=context).get_asset_check_result()

    (evaluated,) = run(orders, not_empty).result.get_asset_check_evaluations()
    assert not evaluated.passed


def test_an_op_runs_a_process_and_reads_its_custom_messages(programs: Programs) -> None:
    command = programs.reporting(
        """
        assert not context.is_asset_step and context.job_name == "count_job" and context.get_extra("start") == 4
        context.report_custom_message(context.get_extra("start") + 1)
        context.report_custom_message({"done": True})
        """
    )

    @hw.op
    def count(context: hw.OpExecutionContext, pipes: hw.PipesSubprocessClient) -> list[Any]:
        done = pipes.run(command=command, context=context, extras={"start": 4})
        assert done.get_results() == ()
        return list(done.get_custom_messages())

    @hw.job(resource_defs={"pipes": hw.PipesSubprocessClient()})
    def count_job() -> None:
        count()

    assert count_job.execute_in_process().output_for_node("count") == [5, {"done": True}]


def test_metadata_of_the_invocation_is_added_to_each_result(programs: Programs) -> None:
    class Cluster(hw.PipesClient):
        def run(self, *, context: Any, extras: Any = None, **kwargs: Any) -> hw.PipesClientCompletedInvocation:
            with hw.open_pipes_session(
                context, hw.PipesEnvContextInjector(), hw.PipesTempFileMessageReader(), extras
            ) as session:
                import os
                import subprocess

                subprocess.run(kwargs["command"], env={**os.environ, **session.get_bootstrap_env_vars()}, check=True)
            return hw.PipesClientCompletedInvocation(session, metadata={"cluster_job": "j-17", "rows": 0})

    @hw.asset
    def orders(context: hw.AssetExecutionContext, cluster: Cluster) -> Any:
        command = programs.reporting('context.report_asset_materialization({"rows": 3, "kind": "full"})')
        done = cluster.run(context=context, command=command)
        assert done.metadata["cluster_job"] == hw.MetadataValue.text("j-17")
        return done.get_results()

    outcome = run(orders, resources={"cluster": Cluster()})
    assert outcome.metadata == {"orders": {"rows": 0, "kind": "full", "cluster_job": "j-17"}}


def test_the_process_is_told_of_run_code_version_extras_and_attempt(programs: Programs) -> None:
    @hw.asset(code_version="7", retry_policy=hw.RetryPolicy(max_retries=1))
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        body = f"{TELL}\nassert context.retry_number == 1"
        return pipes.run(
            command=programs.reporting(body), context=context, extras={"regions": ("north",)}
        ).get_results()

    outcome = run(orders)
    first, second = (json.loads(line) for line in outcome.said("stdout"))
    assert (first["retry_number"], second["retry_number"]) == (0, 1)
    assert first["run_id"] == outcome.result.run_id
    assert first["code_version_by_asset_key"] == {"orders": "7"}
    assert first["provenance_by_asset_key"] == {"orders": None}
    assert first["extras"] == {"regions": ["north"]}
    assert first["partition_key"] is first["partition_key_range"] is first["partition_time_window"] is None


def test_the_process_is_told_from_what_its_asset_was_last_made(programs: Programs) -> None:
    @hw.asset
    def raw() -> hw.Output[int]:
        return hw.Output(1, data_version=hw.DataVersion("raw-1"))

    @hw.asset(code_version="7", deps=[raw])
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        return pipes.run(command=programs.reporting(TELL), context=context).get_results()

    instance = hw.Instance.ephemeral()
    run(raw, orders, instance=instance)
    assert told(run(raw, orders, instance=instance, selection=["orders"]))["provenance_by_asset_key"] == {
        "orders": {"code_version": "7", "input_data_versions": {"raw": "raw-1"}, "is_user_provided": False}
    }


DAYS = hw.DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")


def test_the_process_is_told_of_its_partition_and_its_time(programs: Programs) -> None:
    data = told(run(asset_of(programs.reporting(TELL), partitions_def=DAYS), partition_key="2024-03-31"))
    assert data["partition_key"] == "2024-03-31"
    assert data["partition_key_range"] == {"start": "2024-03-31", "end": "2024-03-31"}
    # The day on which the clocks go forward: 23 hours long.
    assert data["partition_time_window"] == {"start": "2024-03-31T00:00:00+01:00", "end": "2024-04-01T00:00:00+02:00"}


def test_the_process_is_told_of_a_range_of_partitions(programs: Programs) -> None:
    asset = asset_of(programs.reporting(TELL), partitions_def=DAYS, backfill_policy=hw.BackfillPolicy.single_run())
    tags = {
        "headwater/asset_partition_range_start": "2024-02-03",
        "headwater/asset_partition_range_end": "2024-02-05",
    }
    outcome = run(asset, tags=tags)
    data = told(outcome)
    assert data["partition_key"] is None
    assert data["partition_key_range"] == {"start": "2024-02-03", "end": "2024-02-05"}
    assert data["partition_time_window"] == {"start": "2024-02-03T00:00:00+01:00", "end": "2024-02-06T00:00:00+01:00"}
    recorded = [event.partition for event in outcome.result.get_asset_materialization_events()]
    assert recorded == ["2024-02-03", "2024-02-04", "2024-02-05"]


def test_partitions_that_are_no_times_have_no_time_window(programs: Programs) -> None:
    regions = hw.MultiPartitionsDefinition(
        {"region": hw.StaticPartitionsDefinition(["n"]), "size": hw.StaticPartitionsDefinition(["s"])}
    )
    asset = asset_of(programs.reporting(TELL), partitions_def=regions)
    data = told(run(asset, partition_key=hw.MultiPartitionKey({"region": "n", "size": "s"})))
    assert data["partition_key"] == "n|s"
    assert data["partition_time_window"] is None


def test_what_json_cannot_hold_is_refused_as_an_extra(programs: Programs) -> None:
    @hw.asset
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        command = programs.reporting("raise AssertionError('never started')")
        return pipes.run(command=command, context=context, extras={"find": {"by": len}}).get_results()

    message = run(orders).message
    assert "extras" in message
    assert "by" in message
    assert "another process" in message


def test_an_asset_that_is_called_directly_runs_its_process(programs: Programs) -> None:
    asset = asset_of(programs.reporting('context.report_asset_materialization({"job": context.job_name})'))
    results = asset(hw.build_asset_context(resources={"pipes": hw.PipesSubprocessClient()}))
    assert results == (hw.MaterializeResult(asset_key="orders", metadata={"job": None}),)
