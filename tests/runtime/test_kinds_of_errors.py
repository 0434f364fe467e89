"""Mistakes that a run finds before it starts are of the kinds that programs catch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import headwater as hw
from headwater.model.errors import CheckError, InvalidInvocationError, StepOutputNotFoundError


@hw.op(required_resource_keys={"warehouse"})
def load(context: hw.OpExecutionContext) -> int:
    return 1


@hw.asset
def orders() -> int:
    return 1


@hw.asset
def customers() -> int:
    return 1


def test_a_job_without_a_resource_that_its_op_needs_is_refused_before_a_run_is_recorded() -> None:
    @hw.job
    def nightly() -> None:
        load()

    instance = hw.Instance.ephemeral()
    with pytest.raises(hw.InvalidDefinitionError, match='"warehouse", needed by op "load" of job "nightly"'):
        nightly.execute_in_process(instance=instance)
    assert instance.get_runs() == []


def test_a_resource_that_a_hook_needs_is_asked_for_too() -> None:
    @hw.success_hook(required_resource_keys={"mail"})
    def tell(context: hw.HookContext) -> None: ...

    @hw.op
    def plain() -> None: ...

    @hw.job(hooks={tell})
    def nightly() -> None:
        plain()

    with pytest.raises(hw.InvalidDefinitionError, match='"mail"'):
        nightly.execute_in_process()


def test_a_direct_call_without_a_resource_is_a_wrong_call_and_an_incomplete_definition() -> None:
    for kind in (hw.InvalidDefinitionError, InvalidInvocationError):
        with pytest.raises(kind, match='op "load" was called without its resource "warehouse"'):
            load(hw.build_op_context())


def test_loading_an_asset_that_nobody_declares_offers_the_nearest() -> None:
    definitions = hw.Definitions(assets=[orders])
    instance = hw.Instance.ephemeral()
    with pytest.raises(CheckError, match='Did you mean "orders"'):
        definitions.load_asset_value("ordres", instance=instance)
    with pytest.raises(CheckError, match='did not build the asset "ordres"'):
        hw.materialize([orders], instance=instance).asset_value("ordres")


def test_a_partition_of_what_is_not_partitioned_names_what_was_to_be_built() -> None:
    with pytest.raises(CheckError, match='"north" was asked for, and asset "orders" is not partitioned'):
        hw.materialize([orders], partition_key="north")
    with pytest.raises(CheckError, match='and none of "customers", "orders" is partitioned'):
        hw.materialize([orders, customers], partition_key="north")

    @hw.op
    def plain() -> None: ...

    @hw.job
    def nightly() -> None:
        plain()

    with pytest.raises(CheckError, match='and job "nightly" is not partitioned'):
        nightly.execute_in_process(partition_key="north")


def test_an_output_that_a_multi_asset_did_not_give_is_told_with_the_name_of_its_function() -> None:
    @hw.multi_asset(outs={"first": hw.AssetOut(), "second": hw.AssetOut()})
    def halves() -> Iterator[hw.Output[int]]:
        yield hw.Output(1, "first")

    with pytest.raises(StepOutputNotFoundError, match='Multi-asset "halves" ended without giving its output "second"'):
        hw.materialize([halves])
