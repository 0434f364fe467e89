"""What is handed to the functions that run things in a wrong form."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import headwater as hw


@hw.asset
def orders() -> int:
    return 1


@hw.job
def nothing():
    pass


@pytest.mark.parametrize("run", [hw.materialize, hw.materialize_to_memory, hw.observe])
@pytest.mark.parametrize("given", [orders, "orders", {"orders": orders}, None])
def test_one_asset_alone_is_refused_with_what_to_write(run: Any, given: Any):
    with pytest.raises(hw.CheckError, match=r"assets= was given .*\[\.\.\.\]"):
        run(given)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"run_config": [1]}, r"run_config= was given \[1\], a list"),
        ({"tags": ["reason"]}, r'tags=\{"name": "value"\}'),
        ({"instance": "state"}, r"instance= was given 'state', a str"),
        ({"partition_key": date(2024, 1, 5)}, r'a date\. It takes a key as text\. Write partition_key="2024-01-05"'),
    ],
)
def test_arguments_of_a_run_are_refused_by_name(arguments: dict[str, Any], says: str):
    with pytest.raises(hw.CheckError, match=says):
        hw.materialize([orders], **arguments)
    with pytest.raises(hw.CheckError, match=says):
        nothing.execute_in_process(**arguments)


def test_an_asset_is_no_job():
    with pytest.raises(hw.CheckError, match="job= was given"):
        hw.execute_job(orders, hw.Instance.ephemeral())  # type: ignore[arg-type]


def test_a_number_is_no_asset_key_and_an_object_no_metadata():
    with pytest.raises(hw.InvalidDefinitionError, match="1 is not an asset key"):
        hw.AssetKey(1)  # type: ignore[arg-type]
    with pytest.raises(hw.CheckError, match="is an object, which cannot be recorded"):
        hw.MaterializeResult(metadata={"rows": object()})
