"""Running again what an earlier run did: all of it, a part, or what did not succeed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import headwater as hw

ran: list[str] = []
is_broken = True


@pytest.fixture(autouse=True)
def _anew() -> None:
    global is_broken
    ran.clear()
    is_broken = True


def mend() -> None:
    global is_broken
    ran.clear()
    is_broken = False


@hw.op(out={"rows": hw.Out(), "errors": hw.Out(is_required=False)})
def load() -> Iterator[hw.Output[int]]:
    ran.append("load")
    yield hw.Output(3, "rows")


@hw.op
def clean(rows: int) -> int:
    ran.append("clean")
    if is_broken:
        raise ValueError("dirty")
    return rows + 1


@hw.op
def report(rows: int) -> int:
    ran.append("report")
    return rows * 10


@hw.op
def quarantine(errors: int) -> None:
    ran.append("quarantine")


@hw.job
def pipeline() -> None:
    rows, errors = load()
    report(clean(rows))
    quarantine(errors)


@hw.op(out=hw.DynamicOut())
def files() -> Any:
    ran.append("files")
    for number in range(3):
        yield hw.DynamicOutput(number, f"f{number}")


@hw.op
def read(number: int) -> int:
    ran.append(f"read {number}")
    if is_broken and number == 1:
        raise ValueError("unreadable")
    return number * 10


@hw.op
def merge(parts: list[int]) -> list[int]:
    ran.append("merge")
    return parts


@hw.job
def mapped() -> None:
    merge(files().map(read).collect())


def test_from_failure_runs_what_failed_and_was_blocked_with_the_values_of_the_earlier_run() -> None:
    with hw.instance_for_test() as instance:
        first = hw.execute_job(pipeline, instance=instance)
        assert not first.success
        mend()
        options = hw.ReexecutionOptions.from_failure(first.run_id, instance)
        second = hw.execute_job(pipeline, instance=instance, reexecution_options=options)
        assert second.success
        assert ran == ["clean", "report"]
        assert second.output_for_node("report") == 40
        assert second.is_node_skipped("quarantine")
        assert (second.run.parent_run_id, second.run.root_run_id) == (first.run_id, first.run_id)

        ran.clear()
        selected = hw.ReexecutionOptions(parent_run_id=second.run_id, step_selection=["report"])
        third = hw.execute_job(pipeline, instance=instance, reexecution_options=selected)
        assert ran == ["report"]
        assert third.output_for_node("report") == 40
        assert (third.run.parent_run_id, third.run.root_run_id) == (second.run_id, first.run_id)

        ran.clear()
        whole = hw.ReexecutionOptions(parent_run_id=first.run_id)
        assert hw.execute_job(pipeline, instance=instance, reexecution_options=whole).success
        assert ran == ["load", "clean", "report"]

        with pytest.raises(hw.InvariantViolationError, match="it succeeded"):
            hw.ReexecutionOptions.from_failure(second.run_id, instance)


def test_only_the_mapped_instances_that_did_not_succeed_run_again_and_are_collected_in_order() -> None:
    with hw.instance_for_test() as instance:
        first = hw.execute_job(mapped, instance=instance)
        assert ran == ["files", "read 0", "read 1", "read 2"]
        mend()
        options = hw.ReexecutionOptions.from_failure(first.run_id, instance)
        second = hw.execute_job(mapped, instance=instance, reexecution_options=options)
        assert second.success
        assert ran == ["read 1", "merge"]
        assert second.output_for_node("merge") == [0, 10, 20]


def test_assets_are_continued_from_what_is_stored() -> None:
    @hw.asset
    def raw() -> int:
        ran.append("raw")
        return 1

    @hw.asset
    def table(raw: int) -> int:
        ran.append("table")
        if is_broken:
            raise ValueError("q")
        return raw + 1

    job = hw.Definitions(assets=[raw, table], jobs=[hw.define_asset_job("all")]).get_job_def("all")
    with hw.instance_for_test() as instance:
        first = hw.execute_job(job, instance=instance)
        mend()
        options = hw.ReexecutionOptions.from_failure(first.run_id, instance)
        second = hw.execute_job(job, instance=instance, reexecution_options=options)
        assert ran == ["table"]
        assert second.output_for_node("table") == 2
