"""A name that is not there is answered with what there is: the unbranded name, or that it is not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest

import headwater as hw

DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"


@pytest.mark.parametrize(
    "name",
    [
        "AutoMaterializePolicy",
        "Component",
        "load_from_defs_folder",
    ],
)
def test_a_name_that_is_not_there_yet_is_told_as_such(name: str):
    with pytest.raises(AttributeError, match="not there yet") as caught:
        getattr(hw, name)
    assert "docs/differences.md" in str(caught.value)
    assert "Did you mean" not in str(caught.value)
    assert f"`{name}`" in DIFFERENCES.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("branded", "plain"),
    [
        ("DagsterInstance", "Instance"),
        ("DagsterRunStatus", "RunStatus"),
        ("DagsterRun", "Run"),
        ("get_dagster_logger", "get_logger"),
        ("DagsterType", "HeadwaterType"),
        ("DagsterError", "HeadwaterError"),
        ("DagsterInvalidDefinitionError", "InvalidDefinitionError"),
        ("check_dagster_type", "check_headwater_type"),
        ("PythonObjectDagsterType", "PythonObjectHeadwaterType"),
    ],
)
def test_a_branded_name_is_answered_with_the_plain_one(branded: str, plain: str):
    with pytest.raises(AttributeError, match=f"Use '{plain}'"):
        getattr(hw, branded)
    assert hasattr(hw, plain)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean 'materialize'"):
        _ = hw.materialise
