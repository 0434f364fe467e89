"""Checks that are made by functions: freshness, columns and bounds; policies, references and metadata of tables."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from recorder import Recorder, program

LETTERS = dg.StaticPartitionsDefinition(["a", "b"])


def schema_of(**columns):
    return dg.TableSchema(columns=[dg.TableColumn(name, kind) for name, kind in columns.items()])


def table_with(**metadata):
    @dg.asset(name="table")
    def made():
        return dg.MaterializeResult(metadata=metadata)

    return made


def check(assets, checks, instance):
    """Return what only the checks come to."""
    return dg.materialize(
        [*assets, *checks],
        selection=dg.AssetSelection.all_asset_checks(),
        instance=instance,
        raise_on_error=False,
    )


def evaluations(result):
    return [
        [each.check_name, each.passed, each.severity.value, (each.description or "") != ""]
        for each in result.get_asset_check_evaluations()
    ]


# ----------------------------------------------------------------------------------------------------------- freshness


@program
def last_updates_are_checked(note: Recorder) -> None:
    @dg.asset
    def table():
        return 1

    checks = dg.build_last_update_freshness_checks(assets=[table], lower_bound_delta=timedelta(hours=1))
    note("made", [isinstance(each, dg.AssetChecksDefinition) for each in checks])
    note("keys", [key for each in checks for key in each.check_keys])
    with dg.DagsterInstance.ephemeral() as instance:
        first = check([table], checks, instance)
        note("never", evaluations(first))
        dg.materialize([table], instance=instance)
        second = check([table], checks, instance)
        note("fresh", evaluations(second))
        (evaluation,) = second.get_asset_check_evaluations()
        note("metadata", sorted(name.partition("/")[2] or name for name in evaluation.metadata))


@program
def last_updates_have_deadlines_and_severities(note: Recorder) -> None:
    @dg.asset
    def table():
        return 1

    @dg.asset
    def other():
        return 1

    checks = dg.build_last_update_freshness_checks(
        assets=[table, other],
        lower_bound_delta=timedelta(hours=2),
        deadline_cron="0 9 * * *",
        timezone="UTC",
        severity=dg.AssetCheckSeverity.ERROR,
        blocking=True,
    )
    note("keys", sorted(str(key.to_user_string()) for each in checks for key in each.check_keys))
    specs = [spec for each in checks for spec in each.check_specs]
    note("specs", sorted([spec.name, spec.blocking, spec.asset_key.to_user_string()] for spec in specs))
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([table, other], instance=instance)
        note("fresh", sorted(evaluations(check([table, other], checks, instance))))


@program
def partitions_are_checked_for_freshness(note: Recorder) -> None:
    days = dg.DailyPartitionsDefinition("2024-01-01")

    @dg.asset(partitions_def=days)
    def daily(): ...

    checks = dg.build_time_partition_freshness_checks(assets=[daily], deadline_cron="0 9 * * *")
    note("keys", [key for each in checks for key in each.check_keys])
    with dg.DagsterInstance.ephemeral() as instance:
        note("late", evaluations(check([daily], checks, instance)))
        last = days.get_last_partition_key()
        for day in days.get_partition_keys()[-2:]:
            instance.report_runless_asset_event(dg.AssetMaterialization("daily", partition=day))
        note("last", last is not None)
        note("fresh", evaluations(check([daily], checks, instance)))

    @dg.asset
    def plain(): ...

    note.error(
        "not partitioned",
        lambda: (
            dg.materialize(dg.build_time_partition_freshness_checks(assets=[plain], deadline_cron="0 9 * * *")).success
        ),
        ["plain"],
    )


@program
def mistakes_in_freshness_checks_are_refused(note: Recorder) -> None:
    note.error(
        "bad cron",
        lambda: dg.build_last_update_freshness_checks(
            assets=["a"], lower_bound_delta=timedelta(hours=1), deadline_cron="often"
        ),
        ["often"],
    )
    note.error(
        "twice",
        lambda: dg.build_last_update_freshness_checks(assets=["a", "a"], lower_bound_delta=timedelta(hours=1)),
        ["a"],
    )


@program
def a_sensor_looks_at_freshness(note: Recorder) -> None:
    @dg.asset
    def table():
        return 1

    checks = dg.build_last_update_freshness_checks(assets=[table], lower_bound_delta=timedelta(hours=1))
    sensor = dg.build_sensor_for_freshness_checks(freshness_checks=checks)
    note("said", [sensor.name, sensor.minimum_interval_seconds, sensor.default_status])
    named = dg.build_sensor_for_freshness_checks(
        freshness_checks=checks,
        name="looks",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        tags={"team": "a"},
    )
    note("named", [named.name, named.minimum_interval_seconds, named.default_status])
    with dg.DagsterInstance.ephemeral() as instance:
        defs = dg.Definitions(assets=[table], asset_checks=checks, sensors=[sensor])
        context = dg.build_sensor_context(instance=instance, definitions=defs)
        first = sensor.evaluate_tick(context)
        note("never", [len(first.run_requests), first.skip_message])
        dg.materialize([table, *checks], instance=instance)
        second = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=defs))
        note("fresh", [len(second.run_requests), second.skip_message is not None])


@program
def policies_of_freshness_are_values(note: Recorder) -> None:
    window = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=24), warn_window=timedelta(hours=12))
    daily = dg.FreshnessPolicy.cron(
        deadline_cron="0 9 * * *", lower_bound_delta=timedelta(hours=1), timezone="Europe/Berlin"
    )
    note("cron", [daily.deadline_cron, daily.timezone])
    note("equal", window == dg.FreshnessPolicy.time_window(timedelta(hours=24), timedelta(hours=12)))

    @dg.asset(freshness_policy=window)
    def table(): ...

    note("of the asset", table.specs_by_key[table.key].freshness_policy == window)
    note("of a spec", dg.AssetSpec("a", freshness_policy=daily).freshness_policy == daily)
    applied = dg.apply_freshness_policy(dg.AssetSpec("a"), window)
    note("applied", applied.freshness_policy == window)
    note.error("warn after fail", lambda: dg.FreshnessPolicy.time_window(timedelta(hours=1), timedelta(hours=2)))
    note.error("too short", lambda: dg.FreshnessPolicy.time_window(timedelta(seconds=3)))
    note.error(
        "bad cron", lambda: dg.FreshnessPolicy.cron(deadline_cron="x", lower_bound_delta=timedelta(hours=1)), ["x"]
    )
    note.error(
        "bad timezone",
        lambda: dg.FreshnessPolicy.cron(
            deadline_cron="0 9 * * *", lower_bound_delta=timedelta(hours=1), timezone="Mars/Base"
        ),
        ["Mars/Base"],
    )


# ------------------------------------------------------------------------------------------------- columns and bounds


@program
def changes_of_columns_are_found(note: Recorder) -> None:
    checks = dg.build_column_schema_change_checks(assets=["table"])
    note("keys", [key for each in checks for key in each.check_keys])
    with dg.DagsterInstance.ephemeral() as instance:

        def build(label, **columns):
            asset = table_with(**{"dagster/column_schema": schema_of(**columns)})
            result = dg.materialize([asset, *checks], instance=instance, raise_on_error=False)
            note(label, evaluations(result))

        build("first", id="int", name="str")
        build("same", id="int", name="str")
        build("another order", name="str", id="int")
        build("more", id="int", name="str", age="int")
        build("less", id="int", age="int")
        build("other type", id="str", age="int")
        result = dg.materialize([table_with(), *checks], instance=instance, raise_on_error=False)
        note("no columns", evaluations(result))


@program
def severities_of_changed_columns(note: Recorder) -> None:
    checks = dg.build_column_schema_change_checks(assets=["table"], severity=dg.AssetCheckSeverity.ERROR)
    with dg.DagsterInstance.ephemeral() as instance:
        for label, columns in (("first", {"a": "int"}), ("changed", {"b": "int"})):
            asset = table_with(**{"dagster/column_schema": schema_of(**columns)})
            note(label, evaluations(dg.materialize([asset, *checks], instance=instance, raise_on_error=False)))


@program
def metadata_stays_within_bounds(note: Recorder) -> None:
    checks = dg.build_metadata_bounds_checks(
        assets=["table"], metadata_key="rows", min_value=10, max_value=20, exclusive_max=True
    )
    note("keys", [key for each in checks for key in each.check_keys])
    for label, value in {"below": 9, "least": 10, "within": 15.5, "most": 20, "above": 21, "text": "15"}.items():
        note(label, evaluations(dg.materialize([table_with(rows=value), *checks], raise_on_error=False)))
    note("none", evaluations(dg.materialize([table_with(), *checks], raise_on_error=False)))


@program
def bounds_may_be_open(note: Recorder) -> None:
    least = dg.build_metadata_bounds_checks(
        assets=["table"], metadata_key="rows", min_value=1, exclusive_min=True, severity=dg.AssetCheckSeverity.ERROR
    )
    for label, value in {"least": 1, "more": 2, "much": 10**9}.items():
        note(label, evaluations(dg.materialize([table_with(rows=value), *least], raise_on_error=False)))
    note.error("none", lambda: len(dg.build_metadata_bounds_checks(assets=["table"], metadata_key="rows")))
    note.error(
        "crossed",
        lambda: len(dg.build_metadata_bounds_checks(assets=["table"], metadata_key="rows", min_value=3, max_value=1)),
    )


# ------------------------------------------------------------------------------------------------ references and tables


@program
def references_to_code_are_metadata(note: Recorder) -> None:
    here = dg.LocalFileCodeReference(file_path="/somewhere/a.py", line_number=3, label="made here")
    away = dg.UrlCodeReference(url="https://example.org/a.py", label="there")
    value = dg.CodeReferencesMetadataValue(code_references=[here, away])
    note("value", [type(each).__name__ for each in value.code_references])
    note("local", [here.file_path, here.line_number, here.label])
    note("url", [away.url, away.label])
    note("again", value == dg.CodeReferencesMetadataValue(code_references=[here, away]))


@program
def assets_say_where_they_are_written(note: Recorder) -> None:
    @dg.asset
    def table(): ...

    (found,) = dg.with_source_code_references([table])
    metadata = found.metadata_by_key[table.key]
    (value,) = [each for name, each in metadata.items() if name.endswith("/code_references")]
    (reference,) = value.code_references
    note("file", [os.path.basename(reference.file_path), reference.line_number > 0])
    note("own", any(name.endswith("/code_references") for name in table.metadata_by_key[table.key]))

    linked = dg.link_code_references_to_git(
        assets_defs=[found],
        git_url="https://github.com/example/shop",
        git_branch="main",
        file_path_mapping=dg.AnchorBasedFilePathMapping(
            local_file_anchor=Path(reference.file_path).parent,
            file_anchor_path_in_repository="src",
        ),
    )
    metadata = linked[0].metadata_by_key[table.key]
    (value,) = [each for name, each in metadata.items() if name.endswith("/code_references")]
    (link,) = [each for each in value.code_references if isinstance(each, dg.UrlCodeReference)]
    note("link", link.url.replace(str(reference.line_number), "LINE"))
    note(
        "gitlab",
        dg.link_code_references_to_git(
            assets_defs=[found],
            git_url="https://gitlab.com/example/shop",
            git_branch="dev",
            file_path_mapping=dg.AnchorBasedFilePathMapping(
                local_file_anchor=Path(reference.file_path).parent,
                file_anchor_path_in_repository="src",
            ),
        )[0]
        .metadata_by_key[table.key][next(name for name in metadata if name.endswith("/code_references"))]
        .code_references[-1]
        .url.replace(str(reference.line_number), "LINE"),
    )
    note.error(
        "another host",
        lambda: dg.link_code_references_to_git(
            assets_defs=[found],
            git_url="https://example.org/shop",
            git_branch="main",
            file_path_mapping=dg.AnchorBasedFilePathMapping(
                local_file_anchor=Path(reference.file_path).parent,
                file_anchor_path_in_repository="src",
            ),
        ),
        ["example.org"],
    )


@program
def schemas_of_tables_have_their_parts(note: Recorder) -> None:
    schema = dg.TableSchema(
        columns=[
            dg.TableColumn(
                "id",
                "int",
                description="the key",
                constraints=dg.TableColumnConstraints(nullable=False, unique=True, other=["positive"]),
                tags={"pii": ""},
            ),
            dg.TableColumn("name"),
        ],
        constraints=dg.TableConstraints(other=["rows > 0"]),
    )
    first, second = schema.columns
    note("first", [first.name, first.type, first.description, first.constraints.unique, first.constraints.other])
    note("second", [second.name, second.type, second.constraints.nullable, second.tags])
    note("of the table", schema.constraints.other)
    note("by names", [column.name for column in dg.TableSchema.from_name_type_dict({"a": "int", "b": "str"}).columns])
    lineage = dg.TableColumnLineage(
        deps_by_column={"id": [dg.TableColumnDep(asset_key=dg.AssetKey("raw"), column_name="key")]}
    )

    @dg.asset
    def table():
        return dg.MaterializeResult(
            metadata={
                "dagster/column_lineage": lineage,
                "schema": schema,
                "path": dg.MetadataValue.path("/tmp/table"),
                "rows": dg.MetadataValue.table([dg.TableRecord({"id": 1})], schema=schema_of(id="int")),
            }
        )

    (made,) = dg.materialize([table]).asset_materializations_for_node("table")
    (found,) = [value for name, value in made.metadata.items() if name.endswith("/column_lineage")]
    note("lineage", {name: [each.column_name for each in deps] for name, deps in found.value.deps_by_column.items()})
    note("path", made.metadata["path"].value)
    note("rows", [dict(record.data) for record in made.metadata["rows"].records])
    note("equal", schema == made.metadata["schema"].schema)


@program
def constraints_of_metadata_are_checked(note: Recorder) -> None:
    note.error("no columns", lambda: dg.TableSchema(columns=[1]))
    note.error("a record of no scalars", lambda: dg.TableRecord({"a": object()}))
    note.error("a path of no text", lambda: dg.MetadataValue.path(3).value)
    note.error("a number that is none", lambda: dg.MetadataValue.int("3").value)
    note("date", dg.MetadataValue.timestamp(datetime(2024, 1, 1, tzinfo=UTC)).value)
    note.error("a date without a zone", lambda: dg.MetadataValue.timestamp(datetime(2024, 1, 1)).value)
