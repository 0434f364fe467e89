"""Checks of bounds: a number in the latest metadata of an asset is compared with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

import headwater as hw
from headwater.authoring.metadata_bounds_checks import Bounds
from headwater.model.errors import CheckError, InvalidDefinitionError

DAYS = hw.StaticPartitionsDefinition(["x", "y"])


@pytest.fixture
def instance():
    with hw.Instance.ephemeral() as made:
        yield made


def evaluation(
    instance: hw.Instance, spec: hw.AssetSpec | None = None, *, partition_key: str | None = None, **options: Any
) -> hw.AssetCheckEvaluation:
    spec = spec or hw.AssetSpec("table")
    checks = hw.build_metadata_bounds_checks(**{"assets": [spec], "metadata_key": "n", **options})
    result = hw.materialize(
        [spec, *checks], instance=instance, selection=hw.AssetSelection.checks(*checks), partition_key=partition_key
    )
    (found,) = result.get_asset_check_evaluations()
    return found


def materialized(instance: hw.Instance, partition: str | None = None, **metadata: Any) -> None:
    instance.report_runless_asset_event(hw.AssetMaterialization("table", metadata=metadata, partition=partition))


@pytest.mark.parametrize(
    ("value", "bounds", "passes", "told"),
    [
        (3, {"min_value": 1, "max_value": 5}, True, "`n` is 3, at least 1 and at most 5."),
        (0, {"min_value": 1, "max_value": 5}, False, "`n` is 0, not at least 1."),
        (6, {"min_value": 1, "max_value": 5}, False, "`n` is 6, not at most 5."),
        (1, {"min_value": 1}, True, "`n` is 1, at least 1."),
        (1, {"min_value": 1, "exclusive_min": True}, False, "`n` is 1, not above 1."),
        (5, {"max_value": 5, "exclusive_max": True}, False, "`n` is 5, not below 5."),
        (2.5, {"max_value": 2.0}, False, "`n` is 2.5, not at most 2.0."),
        (hw.MetadataValue.timestamp(5.0), {"max_value": 2.0}, False, "`n` is 5.0, not at most 2.0."),
        ("x", {"max_value": 2.0}, False, "`n` is 'x', which is no number."),
        (float("nan"), {"min_value": 0}, False, "`n` is nan, which is no number."),
    ],
)
def test_the_number_and_what_is_allowed_are_told(
    instance: hw.Instance, value: Any, bounds: Any, passes: bool, told: str
):
    materialized(instance, n=value)
    found = evaluation(instance, **bounds)
    assert found.passed is passes
    assert found.description == told
    assert found.metadata == {}
    assert found.severity is hw.AssetCheckSeverity.WARN
    assert found.check_name == "n_bounds_check"


def test_an_asset_that_was_never_materialized_does_not_pass(instance: hw.Instance):
    instance.report_runless_asset_event(hw.AssetObservation("table", metadata={"n": 2}))
    found = evaluation(instance, min_value=1, severity=hw.AssetCheckSeverity.ERROR)
    assert not found.passed
    assert found.severity is hw.AssetCheckSeverity.ERROR
    assert found.description == "It was never materialized."


def test_only_the_latest_materialization_is_looked_at(instance: hw.Instance):
    materialized(instance, n=3)
    materialized(instance, other=3)
    found = evaluation(instance, min_value=1)
    assert not found.passed
    assert found.description == "The latest materialization has no `n` in its metadata."


def test_in_a_run_of_one_partition_the_metadata_of_that_partition_is_looked_at(instance: hw.Instance):
    spec = hw.AssetSpec("table", partitions_def=DAYS)
    materialized(instance, "x", n=1)
    materialized(instance, "y", n=9)
    assert evaluation(instance, spec, partition_key="x", max_value=5).passed
    assert not evaluation(instance, spec, partition_key="y", max_value=5).passed
    assert not evaluation(instance, spec, max_value=5).passed
    instance.wipe_asset_partitions(hw.AssetKey("table"), ["x"])
    assert evaluation(instance, spec, partition_key="x", max_value=5).description == '"x" was never materialized.'


def test_a_field_of_a_metadata_set_is_found_under_either_prefix(instance: hw.Instance):
    materialized(instance, **hw.TableMetadataSet(row_count=9))
    for key in ("headwater/row_count", "dagster/row_count"):
        found = evaluation(instance, metadata_key=key, max_value=5)
        assert found.description == f"`{key}` is 9, not at most 5."
    assert found.check_name == "dagster_row_count_bounds_check"


def test_checks_of_other_keys_live_beside_each_other():
    checks = [
        *hw.build_metadata_bounds_checks(assets=["t"], metadata_key="a b/c-d.e", max_value=3),
        *hw.build_metadata_bounds_checks(assets=["t"], metadata_key="b", max_value=3),
    ]
    defs = hw.Definitions(assets=[hw.AssetSpec("t")], asset_checks=checks)
    assert [spec.name for spec in defs.get_all_asset_check_specs()] == ["a_b_c_d_e_bounds_check", "b_bounds_check"]
    with pytest.raises(InvalidDefinitionError, match="b_bounds_check"):
        hw.Definitions(
            assets=[hw.AssetSpec("t")],
            asset_checks=[checks[1], *(hw.build_metadata_bounds_checks(assets=["t"], metadata_key="b", min_value=3))],
        )


def test_a_check_beside_its_asset_sees_what_the_same_run_recorded(instance: hw.Instance):
    @hw.asset
    def table() -> hw.MaterializeResult:
        return hw.MaterializeResult(metadata={"n": 9})

    checks = hw.build_metadata_bounds_checks(assets=[table, "table"], metadata_key="n", max_value=5)
    (found,) = hw.materialize([table, *checks], instance=instance).get_asset_check_evaluations()
    assert not found.passed


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({}, InvalidDefinitionError, "neither min_value nor max_value"),
        ({"exclusive_min": True}, InvalidDefinitionError, "neither min_value nor max_value"),
        ({"min_value": 5, "max_value": 1}, InvalidDefinitionError, "No number would pass"),
        ({"min_value": 5, "max_value": 5, "exclusive_max": True}, InvalidDefinitionError, "No number would pass"),
        ({"min_value": "5"}, CheckError, "min_value is '5'"),
        ({"max_value": float("nan")}, CheckError, "max_value is nan"),
        ({"metadata_key": "", "min_value": 1}, CheckError, "metadata_key"),
        ({"severity": "WARN", "min_value": 1}, CheckError, "severity"),
        ({"assets": "t", "min_value": 1}, CheckError, r"assets=\["),
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_written(options: dict[str, Any], error: Any, told: str):
    with pytest.raises(error, match=told) as caught:
        hw.build_metadata_bounds_checks(**{"assets": ["t"], "metadata_key": "n", **options})
    assert caught.value.what
    assert caught.value.why
    assert caught.value.fix


numbers = st.one_of(st.integers(-9, 9), st.floats(-9, 9))


@given(numbers, numbers, numbers, st.booleans(), st.booleans())
def test_a_number_passes_exactly_when_it_keeps_both_bounds(
    one: float, other: float, number: float, excludes_least: bool, excludes_most: bool
):
    least, most = min(one, other), max(one, other) + 1
    bounds = Bounds(least, most, excludes_least, excludes_most)
    above = number > least if excludes_least else number >= least
    below = number < most if excludes_most else number <= most
    assert (bounds.fault_of(number) is None) == (above and below)
