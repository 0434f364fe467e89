"""References to jobs, and what is no way to run one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import headwater as hw


@hw.op
def number() -> int:
    return 1


@hw.job
def counting() -> None:
    number()


def made_anew() -> hw.JobDefinition:
    return counting


@hw.graph
def numbers() -> None:
    number()


by_hand = numbers.to_job()


def _local() -> Callable[[], Any]:
    def inner() -> Any:
        return counting

    return inner


def test_a_job_and_a_function_of_a_module_can_be_made_again() -> None:
    for target in (counting, made_anew):
        reference = hw.reconstructable(target)
        assert reference.job_name == "counting"
        with hw.Instance.local_temp() as instance:
            assert hw.execute_job(reference, instance).success


@pytest.mark.parametrize("target", [lambda: counting, _local(), by_hand, numbers, 5])
def test_what_another_process_could_not_find_is_refused(target: Any) -> None:
    with pytest.raises(hw.InvariantViolationError, match="could not make it again"):
        hw.reconstructable(target)


def test_a_function_that_gives_no_job_is_refused_when_it_is_called() -> None:
    not_a_job: Any = _local
    with pytest.raises(hw.CheckError, match="gives none when it is called"):
        hw.reconstructable(not_a_job).get_definition()


def test_a_job_that_is_called_says_how_it_is_run() -> None:
    with pytest.raises(hw.InvariantViolationError, match=r"counting\.execute_in_process"):
        counting(1)
    assert getattr(counting, "__name__", None) == "counting"


def test_assets_that_belong_to_no_definitions_run_as_the_job_that_dagster_names() -> None:
    @hw.asset
    def orders(context: hw.AssetExecutionContext) -> str:
        return context.job_name

    assert hw.materialize([orders]).output_for_node("orders") == "__ephemeral_asset_job__"
    job = hw.Definitions(assets=[orders]).get_implicit_global_asset_job_def()
    assert job.execute_in_process().output_for_node("orders") == "__ASSET_JOB"
