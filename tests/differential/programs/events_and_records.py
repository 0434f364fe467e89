"""What a run tells event by event, what an instance is asked for, and what its answers say."""

import dagster as dg
from recorder import Recorder, program

DAYS = dg.StaticPartitionsDefinition(["mon", "tue"])
# What one engine tells of itself, and the other has no need of.
OF_THE_ENGINE = {"ENGINE_EVENT", "RESOURCE_INIT_STARTED", "RESOURCE_INIT_SUCCESS", "LOGS_CAPTURED", "HOOK_SKIPPED"}
ALSO_TOLD = {"ASSET_FAILED_TO_MATERIALIZE", "STEP_BLOCKED"}


def told(result, *steps):
    """Return the kinds of the events of each step, in order."""
    return {
        step: [
            event.event_type_value
            for event in result.all_events
            if event.step_key == step and event.event_type_value not in OF_THE_ENGINE | ALSO_TOLD
        ]
        for step in steps
    }


@dg.asset
def raw():
    return 1


@dg.asset(check_specs=[dg.AssetCheckSpec("inside", asset="clean")])
def clean(raw):
    yield dg.Output(raw + 1, metadata={"n": 3, "page": dg.MetadataValue.url("https://example.org")})
    yield dg.AssetCheckResult(passed=True, check_name="inside")


@dg.asset_check(asset=clean)
def outside(clean):
    return dg.AssetCheckResult(passed=clean > 1, metadata={"q": 1}, severity=dg.AssetCheckSeverity.WARN)


@dg.asset(deps=[clean])
def after():
    return dg.MaterializeResult(metadata={"rows": 2})


@dg.multi_asset(outs={"left": dg.AssetOut(), "right": dg.AssetOut()})
def both():
    return 1, 2


@program
def events_of_asset_steps_come_in_their_order(note: Recorder) -> None:
    result = dg.materialize([raw, clean, outside, after, both])
    note("told", told(result, "raw", "clean", "clean_outside", "after", "both"))
    loaded = [event for event in result.all_events if event.is_loaded_input]
    note(
        "loaded",
        [(e.step_key, e.event_specific_data.input_name, e.event_specific_data.upstream_step_key) for e in loaded],
    )
    note("nodes", sorted({event.node_name for event in result.all_node_events}))
    note("keys", sorted(e.asset_key.to_user_string() for e in result.all_events if e.is_step_materialization))
    note("handled", sorted(e.event_specific_data.output_name for e in result.all_events if e.is_handled_output))


@program
def events_of_op_steps_come_in_their_order(note: Recorder) -> None:
    @dg.op
    def one(context):
        context.log_event(dg.AssetMaterialization("outside", metadata={"k": 1}))
        return 1

    @dg.op(out=dg.DynamicOut())
    def numbers():
        yield dg.DynamicOutput(1, "a")
        yield dg.DynamicOutput(2, "b")

    @dg.op
    def twice(number):
        return 2 * number

    @dg.op
    def total(first, others):
        return first + sum(others)

    @dg.op(out={"p": dg.Out(is_required=False), "q": dg.Out(is_required=False)})
    def branch():
        yield dg.Output(1, "p")

    @dg.op
    def skipped(q): ...

    @dg.job
    def job():
        total(one(), numbers().map(twice).collect())
        skipped(branch().q)

    result = job.execute_in_process()
    note("told", told(result, "one", "numbers", "twice[a]", "twice[b]", "total", "branch", "skipped"))
    outputs = [event.step_output_data for event in result.events_for_node("numbers") if event.is_successful_output]
    note("outputs", [(data.step_output_handle.output_name, data.step_output_handle.mapping_key) for data in outputs])
    note("logged", [each.metadata for each in result.asset_materializations_for_node("one")])
    note("skipped", [event.step_key for event in result.get_step_skipped_events()])


@program
def a_step_that_is_tried_again_tells_each_attempt(note: Recorder) -> None:
    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def shaky(context):
        if context.retry_number < 2:
            raise ValueError("again")
        return 1

    @dg.job
    def job():
        shaky()

    result = job.execute_in_process()
    note("told", told(result, "shaky"))
    note("attempts", result.retry_attempts_for_node("shaky"))
    retry = next(event for event in result.all_events if event.is_step_up_for_retry)
    note("why", retry.step_retry_data.error is not None)


@program
def a_failure_tells_its_error(note: Recorder) -> None:
    @dg.asset
    def broken():
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    @dg.op
    def refuses():
        raise dg.Failure("no good", metadata={"k": 1})

    @dg.job
    def job():
        refuses()

    result = dg.materialize([raw, broken], raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    error = failure.step_failure_data.error
    note("caused", (error.cause.cls_name, error.cause.message, error.cause.cause.cls_name, error.cause.cause.message))
    note("frame", "in broken" in error.cause.stack[-1])
    note("kind", (failure.event_type_value, failure.is_step_failure, failure.is_failure, failure.step_key))
    ended = result.get_run_failure_event()
    note("ended", (ended.is_run_failure, ended.is_job_failure, ended.job_failure_data.failure_reason.value))
    note("told", told(result, "broken"))
    refused = job.execute_in_process(raise_on_error=False)
    said = refused.failure_data_for_node("refuses")
    note("meant", (said.error.cls_name, said.user_failure_data.description, said.user_failure_data.metadata))
    note("no failure", result.failure_data_for_node("raw"))


@program
def records_are_read_by_filters(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS)
    def daily(context):
        context.add_output_metadata({"day": context.partition_key})
        return 1

    with dg.DagsterInstance.ephemeral() as instance:
        for day in ("mon", "tue", "mon"):
            dg.materialize([daily], partition_key=day, instance=instance)
        key = dg.AssetKey("daily")
        wanted = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION, asset_key=key)
        records = instance.get_event_records(wanted, ascending=True)
        note("days", [record.partition_key for record in records])
        made = [record.event_log_entry.dagster_event.step_materialization_data.materialization for record in records]
        note("metadata", [each.metadata["day"].value for each in made])
        note("entries", [record.event_log_entry.asset_materialization.partition for record in records])
        one = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION, key, asset_partitions=["tue"])
        note("one day", len(instance.get_event_records(one)))
        later = dg.EventRecordsFilter(
            dg.DagsterEventType.ASSET_MATERIALIZATION, key, after_cursor=records[0].storage_id
        )
        note("later", len(instance.get_event_records(later)))
        page = instance.fetch_materializations(key, limit=2)
        note("page", ([record.partition_key for record in page.records], page.has_more))
        rest = instance.fetch_materializations(dg.AssetRecordsFilter(key), limit=5, cursor=page.cursor)
        note("rest", ([record.partition_key for record in rest.records], rest.has_more))
        planned = instance.fetch_planned_materializations(key, limit=5)
        note("planned", [record.event_log_entry.dagster_event.partition for record in planned.records])
        note("started", len(instance.fetch_run_status_changes(dg.DagsterEventType.RUN_SUCCESS, limit=5).records))
        note("materialized", sorted(instance.get_materialized_partitions(key)))
        note(
            "status",
            {day: status.value for day, status in instance.get_status_by_partition(key, ["mon"], DAYS).items()},
        )
        latest = instance.get_latest_materialization_event(key)
        note("latest", (latest.asset_materialization.partition, latest.dagster_event.is_step_materialization))
        entry = instance.get_asset_records([key])[0].asset_entry
        note("entry", (entry.asset_key.path, entry.last_materialization.asset_materialization.partition))


@program
def tags_of_runs_are_read_and_filtered(note: Recorder) -> None:
    seen = []

    @dg.asset(partitions_def=DAYS)
    def daily(context):
        tags = context.run.tags
        seen.append(
            (tags["dagster/partition"], tags.get("dagster/priority"), "dagster/partition" in tags, tags.get("x"))
        )
        seen.append((context.has_tag("dagster/partition"), context.get_tag("dagster/partition")))

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([daily], partition_key="mon", tags={"dagster/priority": "3", "team": "a"}, instance=instance)
        dg.materialize([daily], partition_key="tue", tags={"team": "b"}, instance=instance)
        note("seen", seen)
        for name, wanted in {
            "partition": {"dagster/partition": "mon"},
            "either": {"dagster/partition": ["mon", "tue"]},
            "both": {"dagster/partition": "tue", "team": "b"},
            "none": {"dagster/partition": "tue", "team": "a"},
        }.items():
            runs = instance.get_runs(filters=dg.RunsFilter(tags=wanted))
            note(name, [(run.tags["dagster/partition"], run.tags["team"]) for run in runs])
        run = instance.get_runs(limit=1)[0]
        instance.add_run_tags(run.run_id, {"dagster/priority": "9"})
        note("added", instance.get_run_by_id(run.run_id).tags["dagster/priority"])
        note("values", instance.get_run_tags(["team"]))


@program
def runs_are_listed_counted_and_described(note: Recorder) -> None:
    @dg.op
    def works():
        return 1

    @dg.op
    def fails():
        raise ValueError("no")

    @dg.job(tags={"kind": "good"})
    def good():
        works()

    @dg.job
    def bad():
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        first = good.execute_in_process(instance=instance, run_config={})
        second = bad.execute_in_process(instance=instance, raise_on_error=False)
        names = {first.run_id: "first", second.run_id: "second"}
        note("newest first", [names[run.run_id] for run in instance.get_runs()])
        note("oldest first", [names[run.run_id] for run in instance.get_runs(ascending=True)])
        note("after", [names[run.run_id] for run in instance.get_runs(cursor=second.run_id)])
        note("limit", [names[run.run_id] for run in instance.get_runs(limit=1)])
        failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
        note("failed", [names[run.run_id] for run in instance.get_runs(failed)])
        note("counts", (instance.get_runs_count(), instance.get_runs_count(dg.RunsFilter(job_name="good"))))
        run = instance.get_run_by_id(first.run_id)
        note("good", (run.job_name, run.status.value, run.is_success, run.is_failure, run.is_finished, dict(run.tags)))
        record = instance.get_run_records(dg.RunsFilter(run_ids=[second.run_id]))[0]
        note("record", (record.dagster_run.job_name, record.start_time <= record.end_time))
        stats = instance.get_run_stats(first.run_id)
        note("stats", (stats.steps_succeeded, stats.steps_failed, stats.materializations))
        note("result", (first.success, first.dagster_run.run_id == first.run_id, first.is_node_success("works")))
        note("no run", instance.get_run_by_id("none"))
        instance.delete_run(first.run_id)
        note("deleted", (instance.has_run(first.run_id), instance.has_run(second.run_id)))


@program
def what_is_reported_from_outside_is_recorded(note: Recorder) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        key = dg.AssetKey(["sales", "orders"])
        instance.report_runless_asset_event(
            dg.AssetMaterialization(key, metadata={"rows": 3}, partition="mon", tags={"dagster/data_version": "7"})
        )
        instance.report_runless_asset_event(dg.AssetObservation(key, metadata={"seen": True}))
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(asset_key=key, check_name="ok", passed=False))
        made = instance.fetch_materializations(key, limit=1).records[0]
        note("made", (made.asset_key.path, made.partition_key, made.asset_materialization.metadata))
        note("version", made.asset_materialization.tags["dagster/data_version"])
        seen = instance.fetch_observations(key, limit=1).records[0]
        note("seen", seen.asset_observation.metadata)
        version = instance.get_latest_data_version_record(key, partition_key="mon")
        note("record", version.event_log_entry.asset_materialization.partition)
        note("keys", [each.path for each in instance.get_asset_keys()])
        note("has", (instance.has_asset_key(key), instance.has_asset_key(dg.AssetKey("none"))))
        instance.wipe_assets([key])
        note("wiped", instance.has_asset_key(key))


@program
def dynamic_partitions_and_small_values_are_kept(note: Recorder) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("regions", ["eu", "us", "asia"])
        note("has", (instance.has_dynamic_partition("regions", "eu"), instance.has_dynamic_partition("regions", "x")))
        page = instance.get_paginated_dynamic_partitions("regions", limit=2, ascending=True)
        note("page", (list(page.results), page.has_more))
        rest = instance.get_paginated_dynamic_partitions("regions", limit=2, ascending=True, cursor=page.cursor)
        note("rest", (list(rest.results), rest.has_more))
        instance.delete_dynamic_partition("regions", "us")
        note("left", sorted(instance.get_dynamic_partitions("regions")))
        instance.run_storage.set_cursor_values({"k": "v"})
        note("cursor", dict(instance.run_storage.get_cursor_values({"k"})))


@program
def metadata_of_every_kind_is_a_class_with_its_parts(note: Recorder) -> None:
    schema = dg.TableSchema(columns=[dg.TableColumn("n", "int")])
    values = {
        "int": dg.IntMetadataValue(1),
        "float": dg.FloatMetadataValue(1.5),
        "text": dg.TextMetadataValue("t"),
        "md": dg.MarkdownMetadataValue("*m*"),
        "json": dg.JsonMetadataValue({"a": [1]}),
        "url": dg.UrlMetadataValue("https://example.org"),
        "path": dg.PathMetadataValue("/tmp/x"),
        "bool": dg.BoolMetadataValue(True),
        "timestamp": dg.TimestampMetadataValue(1.0),
        "null": dg.NullMetadataValue(),
        "notebook": dg.NotebookMetadataValue("/tmp/n.ipynb"),
    }
    note("values", {name: value.value for name, value in values.items()})
    note("parts", (values["text"].text, values["md"].md_str, values["json"].data, values["path"].path))
    note("asset", dg.DagsterAssetMetadataValue(dg.AssetKey("a")).asset_key.path)
    note("run", dg.DagsterRunMetadataValue("r").run_id)
    job = dg.DagsterJobMetadataValue("j", "here", None)
    note("job", (job.job_name, job.location_name))
    artifact = dg.PythonArtifactMetadataValue("m", "n")
    note("artifact", (artifact.module, artifact.name))
    note("pool", dg.PoolMetadataValue("p").pool)
    note("schema", dg.TableSchemaMetadataValue(schema).schema.columns[0].name)
    table = dg.TableMetadataValue([dg.TableRecord({"n": 1})], schema)
    note("table", (dict(table.records[0].data), table.schema.columns[0].type))
    lineage = dg.TableColumnLineage({"n": [dg.TableColumnDep(dg.AssetKey("a"), "m")]})
    note("lineage", dg.TableColumnLineageMetadataValue(lineage).column_lineage.deps_by_column["n"][0].column_name)
    note("entry", dg.MetadataEntry("rows", value=3).label)
    note("file", dg.AssetMaterialization.file("/tmp/a/b.csv").asset_key.path)


@program
def a_source_of_partitions_is_observed_with_its_versions(note: Recorder) -> None:
    versions = dg.DataVersionsByPartition({"mon": "1", "tue": dg.DataVersion("2")})
    note("versions", {day: version.value for day, version in versions.data_versions_by_partition.items()})


@program
def an_asset_is_told_what_it_was_made_from(note: Recorder) -> None:
    seen = []

    @dg.asset(code_version="s")
    def source():
        return dg.Output(1, data_version=dg.DataVersion("v1"))

    @dg.asset(code_version="c1")
    def made(context: dg.AssetExecutionContext, source):
        seen.append(context.get_asset_provenance(context.asset_key))
        return 1

    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            dg.materialize([source, made], instance=instance)
        note("first", seen[0])
        note("code", seen[1].code_version)
        note("inputs", {key.to_user_string(): version.value for key, version in seen[1].input_data_versions.items()})
        note("codes", list(instance.get_latest_materialization_code_versions([dg.AssetKey("made")]).values()))


@program
def results_are_changed_by_making_new_ones(note: Recorder) -> None:
    output = dg.Output(1, metadata={"a": 1}).with_metadata({"b": 2})
    note("output", output.metadata)
    note("check", dg.AssetCheckResult(passed=True, metadata={"a": 1}).with_metadata({"b": 2}).metadata)
    result = dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="k")])
    note("named", result.check_result_named("k").passed)
    with dg.instance_for_test() as instance:
        note("persistent", (instance.is_persistent, instance.is_ephemeral))


@program
def an_asset_asks_its_instance(note: Recorder) -> None:
    seen = {}

    @dg.asset
    def source():
        return 5

    @dg.asset(deps=[source])
    def asks(context: dg.AssetExecutionContext):
        seen["materialized"] = context.instance.get_latest_materialization_event(source.key) is not None
        seen["loaded"] = context.load_asset_value(source.key)
        context.log.info("asked")

    with dg.DagsterInstance.ephemeral() as instance:
        note.run("run", dg.materialize([source, asks], instance=instance))
        note("seen", seen)
        (record,) = instance.get_run_records()
        note("record", [isinstance(record, dg.RunRecord), record.dagster_run.status.value, record.end_time is not None])
