"""Checks of column schemas: what two materializations recorded is compared, in words that list what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import headwater as hw
from headwater.authoring.column_schema_checks import schema_changes
from headwater.model.clock import fixed_clock
from headwater.model.errors import CheckError

SPEC = hw.AssetSpec("table")


def schema(**types: str) -> hw.TableSchema:
    return hw.TableSchema.from_name_type_dict(types)


@pytest.fixture
def instance():
    with hw.Instance.ephemeral() as made:
        yield made


def materialized(instance: hw.Instance, *schemas: hw.TableSchema | None, key: str = "headwater/column_schema") -> None:
    for one in schemas:
        instance.report_runless_asset_event(
            hw.AssetMaterialization("table", metadata={} if one is None else {key: one})
        )


def evaluation(instance: hw.Instance, assets: Sequence[Any] = (SPEC,), **options: Any) -> hw.AssetCheckEvaluation:
    checks = hw.build_column_schema_change_checks(assets=assets, **options)
    result = hw.materialize([*assets, *checks], instance=instance, selection=hw.AssetSelection.checks(*checks))
    (found,) = result.get_asset_check_evaluations()
    return found


@pytest.mark.parametrize("schemas", [(), (schema(a="int"),)])
def test_there_is_nothing_to_compare_before_the_second_materialization(instance: hw.Instance, schemas: Any):
    materialized(instance, *schemas)
    found = evaluation(instance)
    assert found.passed
    assert found.description == "It was materialized fewer than two times."
    assert found.metadata == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (schema(a="int", b="str"), schema(a="int", b="str")),
        (schema(a="int", b="str"), schema(b="str", a="int")),
        (schema(a="int"), hw.TableSchema([hw.TableColumn("a", "int", description="words")])),
    ],
)
def test_order_and_descriptions_are_no_changes(instance: hw.Instance, before: Any, after: Any):
    materialized(instance, before, after)
    assert evaluation(instance).passed


def test_what_changed_is_listed(instance: hw.Instance):
    materialized(
        instance,
        schema(a="int", b="str", c="int", x="int"),
        schema(a="float", c="int", d="bool", e="str", x="str"),
    )
    found = evaluation(instance, severity=hw.AssetCheckSeverity.ERROR)
    assert not found.passed
    assert found.severity is hw.AssetCheckSeverity.ERROR
    assert found.description == (
        "The columns are not those of the materialization before.\n\n"
        "Added columns: d, e\n\n"
        "Removed columns: b\n\n"
        "Changed types:\n- a: int -> float\n- x: int -> str"
    )


def test_only_the_latest_two_are_compared(instance: hw.Instance):
    materialized(instance, schema(a="int"), schema(b="int"), schema(b="int"))
    assert evaluation(instance).passed


@pytest.mark.parametrize(
    ("schemas", "told"),
    [
        ((schema(a="int"), None), "The latest materialization has no column schema"),
        ((None, schema(a="int")), "The materialization before the latest has no column schema"),
        ((None, None), "The latest materialization has no column schema"),
    ],
)
def test_a_schema_that_is_missing_is_told(instance: hw.Instance, schemas: Any, told: str):
    materialized(instance, *schemas)
    found = evaluation(instance)
    assert not found.passed
    assert told in (found.description or "")


def test_schemas_under_the_key_of_a_program_written_for_dagster_are_read(instance: hw.Instance):
    materialized(instance, schema(a="int"), schema(b="int"), key="dagster/column_schema")
    assert not evaluation(instance).passed


def test_a_materialization_of_the_same_run_is_the_latest(instance: hw.Instance):
    columns = ["a"]

    @hw.asset
    def table() -> hw.MaterializeResult:
        return hw.MaterializeResult(metadata={**hw.TableMetadataSet(column_schema=hw.TableSchema(columns))})

    (checks,) = hw.build_column_schema_change_checks(assets=[table])
    assert all(one.passed for one in hw.materialize([table, checks], instance=instance).get_asset_check_evaluations())
    columns[:] = ["b"]
    (found,) = hw.materialize([table, checks], instance=instance).get_asset_check_evaluations()
    assert not found.passed


def test_what_was_wiped_is_compared_no_more(instance: hw.Instance):
    materialized(instance, schema(a="int"))
    instance.wipe_assets([hw.AssetKey("table")])
    materialized(instance, schema(b="int"))
    assert evaluation(instance).passed


def test_a_materialization_that_was_trimmed_from_history_is_told_as_such(tmp_path: Path):
    now = datetime.now(UTC)
    with hw.Instance.open(tmp_path, retention_days=None) as instance:
        with fixed_clock(now - timedelta(days=200)):
            materialized(instance, schema(a="int"))
        materialized(instance, schema(b="int"))
    with hw.Instance.open(tmp_path, retention_days=90) as instance:
        found = evaluation(instance)
    assert found.passed
    assert "no longer in the history" in (found.description or "")


def test_several_assets_are_in_one_definition_each_of_them_once():
    (checks,) = hw.build_column_schema_change_checks(assets=["b", SPEC, "b"])
    assert [(str(spec.asset_key), spec.name) for spec in checks.check_specs] == [
        ("b", "column_schema_change"),
        ("table", "column_schema_change"),
    ]
    with pytest.raises(CheckError, match="severity"):
        hw.build_column_schema_change_checks(assets=["b"], severity="WARN")  # type: ignore[arg-type]


types_by_name = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["int", "str"]))


@given(types_by_name, types_by_name)
def test_there_are_changes_exactly_when_names_or_types_differ(before: dict[str, str], after: dict[str, str]):
    assert bool(schema_changes(schema(**before), schema(**after))) == (before != after)
