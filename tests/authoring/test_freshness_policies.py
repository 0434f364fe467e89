"""Freshness policies are accepted wherever assets are declared, and can be given to a whole project."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import CheckError, HeadwaterError

HOUR = timedelta(hours=1)
WINDOW = hw.FreshnessPolicy.time_window(fail_window=24 * HOUR, warn_window=12 * HOUR)
CRON = hw.FreshnessPolicy.cron(deadline_cron="0 9 * * *", lower_bound_delta=HOUR, timezone="Europe/Berlin")


@hw.op
def give() -> int:
    return 1


def declared_everywhere(policy: Any) -> list[Any]:
    @hw.asset(freshness_policy=policy)
    def plain() -> None: ...

    @hw.multi_asset(specs=[hw.AssetSpec("one", freshness_policy=policy)])
    def specs() -> None: ...

    @hw.multi_asset(outs={"two": hw.AssetOut(freshness_policy=policy)})
    def outs() -> Any: ...

    @hw.graph_asset(freshness_policy=policy)
    def composed() -> Any:
        return give()

    @hw.observable_source_asset(freshness_policy=policy)
    def seen() -> hw.DataVersion:
        return hw.DataVersion("1")

    return [plain, specs, outs, composed, seen, hw.AssetSpec("external", freshness_policy=policy)]


@pytest.mark.parametrize("policy", [WINDOW, CRON])
def test_a_policy_is_said_of_an_asset_however_it_is_declared(policy: Any):
    specs = hw.Definitions(assets=declared_everywhere(policy)).resolve_all_asset_specs()
    assert len(specs) == 6
    assert {spec.freshness_policy for spec in specs} == {policy}


def test_what_is_no_policy_is_refused_where_it_is_declared():
    with pytest.raises(HeadwaterError, match="freshness_policy") as caught:
        hw.AssetSpec("orders", freshness_policy=3)
    assert "FreshnessPolicy.time_window" in caught.value.fix


def test_a_project_gets_a_policy_at_once_and_may_keep_those_that_are_there():
    assets = [hw.AssetSpec("bare"), hw.AssetSpec("has", freshness_policy=CRON)]
    defs = hw.Definitions(assets=assets)

    def policies(**options: Any) -> dict[str, Any]:
        changed = defs.map_asset_specs(func=lambda spec: hw.apply_freshness_policy(spec, WINDOW, **options))
        return {str(spec.key): spec.freshness_policy for spec in changed.resolve_all_asset_specs()}

    assert policies() == {"bare": WINDOW, "has": WINDOW}
    assert policies(overwrite_existing=False) == {"bare": WINDOW, "has": CRON}
    assert {spec.freshness_policy for spec in defs.resolve_all_asset_specs()} == {None, CRON}


def test_a_policy_is_applied_to_specs_and_is_a_policy():
    for spec, policy in (("orders", WINDOW), (hw.AssetSpec("orders"), 3)):
        with pytest.raises(CheckError, match="apply_freshness_policy"):
            hw.apply_freshness_policy(spec, policy)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [WINDOW, CRON, hw.FreshnessPolicy.time_window(HOUR)])
def test_a_policy_can_be_written_down_and_read_back(policy: hw.FreshnessPolicy):
    assert hw.FreshnessPolicy.from_data(policy.to_data()) == policy


@pytest.mark.parametrize(
    "make",
    [
        lambda: hw.FreshnessPolicy.time_window(timedelta(seconds=1)),
        lambda: hw.FreshnessPolicy.time_window(HOUR, HOUR),
        lambda: hw.FreshnessPolicy.time_window(5),  # type: ignore[arg-type]
        lambda: hw.FreshnessPolicy.cron("x", HOUR),
        lambda: hw.FreshnessPolicy.cron("0 9 * * *", HOUR, "Mars"),
        lambda: hw.FreshnessPolicy.cron("0 9 * * *", 25 * HOUR),
        lambda: hw.FreshnessPolicy.cron("0 9 * * *", timedelta(seconds=1)),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(make: Any):
    with pytest.raises(HeadwaterError) as caught:
        make()
    assert caught.value.fix
