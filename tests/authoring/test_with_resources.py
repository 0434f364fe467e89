"""Assets can bring the resources that they need; what is missing is told at once, with who needs it."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import DefinitionErrors, InvalidInvocationError
from headwater.model.errors.resources import MissingResourceError


@hw.asset(required_resource_keys={"limit"})
def limited(context: hw.AssetExecutionContext) -> Any:
    return context.resources.limit


@hw.asset(required_resource_keys={"lost"}, io_manager_key="nowhere")
def adrift(context: hw.AssetExecutionContext) -> int:
    return 1


@hw.resource(config_schema={"rows": int})
def limit(context: hw.InitResourceContext) -> int:
    return int(context.resource_config["rows"])


@hw.resource(required_resource_keys={"base"})
def doubled(context: hw.InitResourceContext) -> int:
    return int(context.resources.base) * 2


def test_an_asset_brings_the_resources_that_it_needs_and_no_others():
    (bound,) = hw.with_resources([limited], {"limit": 5, "unused": 6})
    assert bound.resource_defs.keys() == {"limit"}
    assert hw.materialize([bound]).output_for_node("limited") == 5
    assert limited.resource_defs == {}


def test_a_resource_that_another_needs_is_brought_too():
    (bound,) = hw.with_resources([limited], {"limit": doubled, "base": 4})
    assert hw.materialize([bound]).output_for_node("limited") == 8
    with pytest.raises(MissingResourceError, match='"base", needed by the resource "limit"'):
        hw.with_resources([limited], {"limit": doubled})


def test_resources_can_be_configured_beside():
    (bound,) = hw.with_resources([limited], {"limit": limit}, {"limit": {"config": {"rows": 3}}})
    assert hw.materialize([bound]).output_for_node("limited") == 3
    with pytest.raises(hw.InvalidConfigError, match="rows"):
        hw.with_resources([limited], {"limit": limit}, {"limit": {"config": {"rows": "three"}}})
    with pytest.raises(InvalidInvocationError, match='under "config"'):
        hw.with_resources([limited], {"limit": limit}, {"limit": {"rows": 3}})


def test_all_that_is_missing_is_told_at_once():
    with pytest.raises(DefinitionErrors) as raised:
        hw.with_resources([limited, adrift], {})
    assert all(key in str(raised.value) for key in ('"limit"', '"lost"', '"nowhere"'))


def test_an_asset_that_has_another_resource_of_the_same_key_is_refused():
    bound = hw.with_resources([limited], {"limit": 5})
    assert hw.with_resources(bound, {"limit": 5})[0].resource_defs == {"limit": 5}
    with pytest.raises(InvalidInvocationError, match="of its own"):
        hw.with_resources(bound, {"limit": 6})


def test_source_assets_and_checks_bring_resources_too():
    @hw.asset_check(asset="orders", required_resource_keys={"limit"})
    def few(context: hw.AssetCheckExecutionContext) -> bool:
        return True

    source = hw.SourceAsset("orders", io_manager_key="lake")
    (bound_source, bound_check) = hw.with_resources([source, few], {"lake": hw.mem_io_manager, "limit": 5})
    assert bound_source.resource_defs.keys() == {"lake"}
    assert bound_check.resource_defs.keys() == {"limit"}


def test_what_has_no_resources_is_refused():
    with pytest.raises(InvalidInvocationError, match="Definitions"):
        hw.with_resources([hw.define_asset_job("all_of_it")], {})


def test_jobs_of_definitions_get_their_resources_bound_or_not():
    @hw.op(required_resource_keys={"limit"})
    def read(context: hw.OpExecutionContext) -> Any:
        return context.resources.limit

    @hw.job
    def reading() -> None:
        read()

    definitions = hw.Definitions(jobs=hw.BindResourcesToJobs([reading]), resources={"limit": 7})
    assert definitions.get_job_def("reading").execute_in_process().output_for_node("read") == 7
