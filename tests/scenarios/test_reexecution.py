"""Running again what an earlier run did: all of it, a part, or what did not succeed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import CheckError
from headwater.model.errors.execution import StepNotFound

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


# --------------------------------------------------------------------------------------- parts of one step that are done


@hw.multi_asset(
    specs=[hw.AssetSpec("north"), hw.AssetSpec("south"), hw.AssetSpec("west")],
    check_specs=[hw.AssetCheckSpec("has_rows", asset="north"), hw.AssetCheckSpec("has_rows", asset="south")],
    can_subset=True,
)
def regions(context: hw.AssetExecutionContext) -> Iterator[Any]:
    for key in sorted(context.selected_asset_keys):
        ran.append(str(key))
        if is_broken and str(key) == "south":
            raise ValueError("no rows")
        yield hw.MaterializeResult(asset_key=key)
        if str(key) != "west":
            yield hw.AssetCheckResult(check_name="has_rows", asset_key=key, passed=True)


@hw.asset(deps=["north", "south"])
def country() -> None:
    ran.append("country")


@hw.asset(deps=["north"])
def mountains() -> None:
    ran.append("mountains")


def job_of(*assets: Any) -> hw.JobDefinition:
    return hw.Definitions(assets=list(assets), jobs=[hw.define_asset_job("all")]).get_job_def("all")


def again(first: hw.ExecuteInProcessResult, job: hw.JobDefinition, instance: hw.Instance) -> hw.ExecuteInProcessResult:
    options = hw.ReexecutionOptions.from_failure(first.run_id, instance)
    return hw.execute_job(job, instance=instance, reexecution_options=options)


def test_of_a_multi_asset_that_can_be_built_in_parts_only_the_assets_that_are_missing_are_built_again() -> None:
    job = job_of(regions, country, mountains)
    with hw.instance_for_test() as instance:
        first = hw.execute_job(job, instance=instance)
        assert ran == ["north", "south"]
        ran.clear()
        second = again(first, job, instance)
        assert not second.success
        assert ran == ["south", "mountains"]
        mend()
        third = again(second, job, instance)
        assert third.success
        assert ran == ["south", "west", "country"]
        assert sorted(str(key) for key in third.run.asset_selection or ()) == ["country", "south", "west"]
        assert [check.asset_key for check in third.run.check_selection or ()] == [hw.AssetKey("south")]


def test_an_asset_whose_blocking_check_did_not_pass_is_built_again() -> None:
    @hw.multi_asset(
        specs=[hw.AssetSpec("north"), hw.AssetSpec("south")],
        check_specs=[hw.AssetCheckSpec("has_rows", asset="north", blocking=True)],
        can_subset=True,
    )
    def guarded(context: hw.AssetExecutionContext) -> Iterator[Any]:
        for key in sorted(context.selected_asset_keys):
            ran.append(str(key))
            yield hw.MaterializeResult(asset_key=key)
        if context.selected_asset_check_keys:
            yield hw.AssetCheckResult(check_name="has_rows", asset_key="north", passed=not is_broken)

    job = job_of(guarded)
    with hw.instance_for_test() as instance:
        first = hw.execute_job(job, instance=instance)
        assert not first.success
        mend()
        assert again(first, job, instance).success
        assert ran == ["north"]


def test_running_a_part_of_a_multi_asset_again_does_not_build_its_other_assets() -> None:
    job = job_of(regions)
    mend()
    with hw.instance_for_test() as instance:
        first = hw.execute_job(job, instance=instance, asset_selection=["north", "west"])
        ran.clear()
        hw.execute_job(job, instance=instance, reexecution_options=hw.ReexecutionOptions(first.run_id))
        assert ran == ["north", "west"]
        ran.clear()
        some = hw.ReexecutionOptions(first.run_id, step_selection=["regions"])
        hw.execute_job(job, instance=instance, reexecution_options=some)
        assert ran == ["north", "west"]


LETTERS = hw.StaticPartitionsDefinition(["a", "b", "c", "d"])


@hw.asset(partitions_def=LETTERS, backfill_policy=hw.BackfillPolicy.single_run())
def words(context: hw.AssetExecutionContext) -> None:
    for key in context.partition_keys:
        ran.append(key)
        if is_broken and key == "c":
            raise ValueError("no such letter")
        context.log_event(hw.AssetMaterialization("words", partition=key, metadata={"length": 1}))


@hw.asset(partitions_def=LETTERS, deps=[words], backfill_policy=hw.BackfillPolicy.single_run())
def index_of_words(context: hw.AssetExecutionContext) -> None:
    ran.append("-".join(context.partition_keys))


def test_of_a_range_of_partitions_only_those_that_are_missing_are_built_again_and_what_follows_for_all() -> None:
    job = job_of(words, index_of_words)
    tags = {"headwater/asset_partition_range_start": "a", "headwater/asset_partition_range_end": "d"}
    with hw.instance_for_test() as instance:
        first = hw.execute_job(job, instance=instance, tags=tags)
        assert ran == ["a", "b", "c"]
        ran.clear()
        second = again(first, job, instance)
        assert ran == ["c"]
        mend()
        assert again(second, job, instance).success
        assert ran == ["c", "d", "a-b-c-d"]
        assert instance.get_materialized_partitions(hw.AssetKey("words")) == {"a", "b", "c", "d"}


def test_partitions_that_are_no_range_are_the_same_when_they_are_run_again() -> None:
    job = job_of(words)
    mend()
    with hw.instance_for_test() as instance:
        first = job.execute_in_process(instance=instance, partition_keys=["a", "d"])
        ran.clear()
        hw.execute_job(job, instance=instance, reexecution_options=hw.ReexecutionOptions(first.run_id))
        assert ran == ["a", "d"]


# ------------------------------------------------------------------------------------------------------------- mistakes


def test_a_run_that_there_is_not_cannot_be_run_again() -> None:
    with hw.instance_for_test() as instance:
        with pytest.raises(CheckError, match="There is no run gone"):
            hw.ReexecutionOptions.from_failure("gone", instance)
        with pytest.raises(CheckError, match="There is no run gone"):
            hw.execute_job(pipeline, instance=instance, reexecution_options=hw.ReexecutionOptions("gone"))


def test_a_step_that_the_job_does_not_have_cannot_be_selected() -> None:
    with hw.instance_for_test() as instance:
        first = hw.execute_job(pipeline, instance=instance)
        options = hw.ReexecutionOptions(first.run_id, step_selection=["reprot+"])
        with pytest.raises(StepNotFound, match='Did you mean "report"'):
            hw.execute_job(pipeline, instance=instance, reexecution_options=options)


def test_the_steps_to_run_again_are_chosen_as_ops_are() -> None:
    mend()
    with hw.instance_for_test() as instance:
        first = hw.execute_job(pipeline, instance=instance)
        for selection, expected in {
            ("clean*",): ["clean", "report"],
            ("*clean",): ["load", "clean"],
            ("load+",): ["load", "clean"],
            ("load", "report"): ["load", "report"],
        }.items():
            ran.clear()
            options = hw.ReexecutionOptions(first.run_id, step_selection=selection)
            assert hw.execute_job(pipeline, instance=instance, reexecution_options=options).success
            assert ran == expected
