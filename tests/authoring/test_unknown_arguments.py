"""Arguments by a name that is not there: refused with the nearest right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import InvalidDefinitionError, UnknownArgument

anything: Any = hw


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: anything.asset(grop_name="gold"), 'asset() was given "grop_name".*"group_name"'),
        (lambda: anything.op(taggs={}), '"tags"'),
        (lambda: anything.job(taggs={}), '"tags"'),
        (lambda: anything.graph(otu={}), '"out"'),
        (lambda: anything.multi_asset(spec=[]), '"specs"'),
        (lambda: anything.graph_asset(group="gold"), '"group_name"'),
        (lambda: anything.asset_check(aset="orders"), '"asset"'),
        (lambda: anything.schedule(cron_schedul="@daily"), '"cron_schedule"'),
        (lambda: anything.sensor(jobb=None), '"job"'),
        (lambda: anything.define_asset_job("all", selecton="*"), '"selection"'),
        (lambda: anything.Definitions(asset=[]), '"assets"'),
        (lambda: anything.AssetSpec("orders", group="gold"), '"group_name"'),
        (lambda: anything.AssetCheckSpec("whole", asset="orders", bloking=True), '"blocking"'),
    ],
)
def test_an_argument_that_there_is_not_is_refused_with_the_nearest(call: Callable[[], object], says: str) -> None:
    with pytest.raises(UnknownArgument) as raised:
        call()
    assert isinstance(raised.value, TypeError)
    assert isinstance(raised.value, InvalidDefinitionError)
    nearest = says.rpartition(".*")[2]
    assert f"Did you mean {nearest}?" in str(raised.value)
    assert says.partition(".*")[0] in str(raised.value)


def test_a_name_that_is_near_to_none_gets_all_of_them() -> None:
    with pytest.raises(UnknownArgument, match="Its arguments are: cron_schedule, job_name"):
        anything.schedule(quux=1)
