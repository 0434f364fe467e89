"""headwater.plan and headwater.stale_assets, from Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import headwater as hw
from headwater.model.errors import CheckError
from headwater.model.errors.partitions import UnknownPartitionError

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-06")


@pytest.fixture
def instance() -> Iterator[hw.Instance]:
    with hw.Instance.ephemeral() as opened:
        yield opened


@hw.asset(partitions_def=DAYS)
def raw(context: hw.AssetExecutionContext) -> str:
    return context.partition_key


@hw.asset(partitions_def=DAYS)
def clean(raw: str) -> str:
    return raw


@hw.asset
def total(clean: dict[str, str]) -> int:
    return len(clean)


SALES = [raw, clean, total]


def told(plan: hw.MaterializationPlan) -> list[tuple[str, int, str]]:
    return [(str(step.asset_key), step.partition_count, step.reason) for step in plan.steps]


def test_what_is_needed_and_missing_is_added_through_the_mappings(instance: hw.Instance):
    assert told(hw.plan(SALES, selection="total", instance=instance)) == [
        ("raw", 5, "missing, needed by clean"),
        ("clean", 5, "missing, needed by total"),
        ("total", 1, "requested"),
    ]
    assert told(hw.plan(SALES, selection="clean", partition_key="2024-01-02", instance=instance)) == [
        ("raw", 1, "missing, needed by clean"),
        ("clean", 1, "requested"),
    ]
    assert told(hw.plan(SALES, selection="total", instance=instance, upstream=False)) == [("total", 1, "requested")]


def test_a_new_partition_upstream_makes_stale_what_reads_all_of_them(instance: hw.Instance):
    for day in ("2024-01-01", "2024-01-02"):
        hw.materialize([raw, clean], partition_key=day, instance=instance)
    hw.materialize(
        [hw.AssetSpec("clean", partitions_def=DAYS), _total_of_specs()], selection="total", instance=instance
    )
    project = hw.Definitions([raw, clean, _total_of_specs()])
    assert hw.stale_assets(project, instance=instance) == set()
    hw.materialize([raw, clean], partition_key="2024-01-03", instance=instance)
    (step,) = hw.plan(project, mode="stale", instance=instance, upstream=False).steps
    assert step.reason == 'stale: other partitions of "clean" are read: 1 more (2024-01-03)'


def _total_of_specs() -> hw.AssetsDefinition:
    @hw.asset(name="total", deps=["clean"])
    def counted() -> None: ...

    return counted


def test_more_inputs_than_are_told_singly_are_told_from_one_another_by_their_digest(instance: hw.Instance):
    many = hw.StaticPartitionsDefinition([f"p{number:03d}" for number in range(450)])

    @hw.asset(partitions_def=many, backfill_policy=hw.BackfillPolicy.single_run())
    def parts() -> None: ...

    @hw.asset(deps=[parts])
    def whole() -> None: ...

    from headwater.runtime.execute import launch

    project = hw.Definitions([parts, whole])
    launch(project, instance=instance, selection="parts", partition_keys=list(many.get_partition_keys()))
    launch(project, instance=instance, selection="whole")
    assert hw.stale_assets(project, instance=instance) == set()
    launch(project, instance=instance, selection="parts", partition_key="p007")
    assert hw.stale_assets(project, instance=instance) == {whole.key}


def test_config_that_is_declared_makes_stale_and_config_of_one_run_does_not(instance: hw.Instance):
    def project(default: int) -> hw.Definitions:
        @hw.asset(config_schema={"n": hw.Field(int, default_value=default)})
        def numbers(context: hw.AssetExecutionContext) -> int:
            return int(context.op_execution_context.op_config["n"])

        return hw.Definitions([numbers])

    given = {"ops": {"numbers": {"config": {"n": 5}}}}
    hw.materialize(project(1).assets, run_config=given, instance=instance)
    assert hw.stale_assets(project(1), instance=instance) == set()
    assert hw.plan(project(1), mode="stale", run_config=given, instance=instance).is_empty
    other = {"ops": {"numbers": {"config": {"n": 6}}}}
    assert (
        "config given differs" in hw.plan(project(1), mode="stale", run_config=other, instance=instance).steps[0].reason
    )
    assert "declared config changed" in hw.plan(project(2), mode="stale", instance=instance).steps[0].reason


def test_a_request_that_cannot_be_meant_is_refused(instance: hw.Instance):
    with pytest.raises(CheckError, match='Did you mean "stale"'):
        hw.plan(SALES, mode="stal", instance=instance)
    with pytest.raises(UnknownPartitionError):
        hw.plan(SALES, partition_key="2025-01-01", instance=instance)
    with pytest.raises(UnknownPartitionError, match="wrong way round"):
        hw.plan(SALES, partition_range=("2024-01-03", "2024-01-01"), instance=instance)
    with pytest.raises(CheckError, match="nothing that is selected is partitioned"):
        hw.plan(SALES, selection="total", partition_key="2024-01-01", instance=instance)
    with pytest.raises(CheckError, match="several ways"):
        hw.plan(SALES, partition_key="2024-01-01", partition_keys=["2024-01-02"], instance=instance)
    with pytest.raises(CheckError, match="is empty"):
        hw.plan(SALES, partition_keys=[], instance=instance)


def test_very_many_partitions_are_warned_of(instance: hw.Instance):
    years = hw.DailyPartitionsDefinition("1990-01-01", end_date="2020-01-01")

    @hw.asset(partitions_def=years)
    def old() -> None: ...

    plan = hw.plan([old], instance=instance)
    assert plan.warnings == ("10,957 partitions would be built: old (10,957).",)
    assert plan.steps[0].to_data()["partitions"]["ranges"] == [["1990-01-01", "2019-12-31"]]


def test_a_plan_says_how_long_it_took_before(instance: hw.Instance):
    hw.materialize([raw], partition_key="2024-01-01", instance=instance)
    plan = hw.plan([raw], instance=instance)
    assert plan.seconds is not None
    assert plan.seconds >= 0
    assert hw.plan(SALES, selection="total", upstream=False, instance=instance).seconds is None


def test_estimates_are_by_partition_where_a_run_has_several_and_by_op_in_a_graph(instance: hw.Instance):
    from headwater.runtime.execute import launch

    days = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-31")

    @hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.single_run())
    def together() -> hw.MaterializeResult[None]:
        return hw.MaterializeResult()

    @hw.op
    def first() -> int:
        return 1

    @hw.op
    def second(number: int) -> int:
        return number

    @hw.graph_asset
    def composed() -> int:
        return second(first())

    project = hw.Definitions([together, composed])
    assert [step.seconds for step in hw.plan(project, instance=instance).steps] == [None, None]
    launch(project, instance=instance, selection="together", partition_keys=days.get_partition_keys()[:5])
    launch(project, instance=instance, selection="composed")

    def seconds_of(**request: object) -> float:
        (step,) = hw.plan(project, instance=instance, **request).steps
        assert step.seconds is not None
        return step.seconds

    of_ten = seconds_of(selection="together", partition_range=("2024-01-01", "2024-01-10"))
    assert seconds_of(selection="together") == pytest.approx(3 * of_ten)
    medians = instance.store.step_seconds(["composed.first", "composed.second"])
    assert seconds_of(selection="composed") == pytest.approx(sum(seconds[0] for seconds in medians.values()))


def test_config_that_the_ops_of_a_graph_declare_makes_it_stale(instance: hw.Instance):
    def project(default: int, given: int = 0) -> hw.Definitions:
        @hw.op(config_schema={"n": hw.Field(int, default_value=default)})
        def inner(context: hw.OpExecutionContext) -> int:
            return int(context.op_config["n"])

        @hw.op
        def outer(number: int) -> int:
            return number

        @hw.graph_asset
        def composed() -> int:
            return outer(inner())

        return hw.Definitions([composed])

    hw.materialize(project(1).assets, instance=instance)
    assert hw.stale_assets(project(1), instance=instance) == set()
    (step,) = hw.plan(project(2), mode="stale", instance=instance).steps
    assert step.reason.startswith("stale: declared config changed")


def test_a_change_of_the_first_partition_reaches_all_later_ones_of_an_asset_that_reads_yesterday(instance: hw.Instance):
    from headwater.runtime.execute import launch

    days = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-31")
    yesterday = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    made = {"version": "1"}

    @hw.asset(partitions_def=days)
    def source() -> hw.MaterializeResult[None]:
        return hw.MaterializeResult(data_version=hw.DataVersion(made["version"]))

    @hw.asset(
        partitions_def=days,
        deps=[source, hw.AssetDep("total", partition_mapping=yesterday)],
        backfill_policy=hw.BackfillPolicy.single_run(),
    )
    def total() -> hw.MaterializeResult[None]:
        return hw.MaterializeResult(data_version=hw.DataVersion(made["version"]))

    project = hw.Definitions([source, total])
    for day in days.get_partition_keys():
        launch(project, instance=instance, selection="*", partition_key=day)
    assert hw.plan(project, mode="stale", instance=instance).is_empty
    made["version"] = "2"
    launch(project, instance=instance, selection="source", partition_key="2024-01-01")
    (step,) = hw.plan(project, mode="stale", instance=instance).steps
    assert step.partition_count == 30
    assert step.reason == 'stale: "total" is stale (29), "source" changed (1)'


def test_what_is_stale_is_built_again_with_what_there_is_where_its_function_reads_by_itself(instance: hw.Instance):
    days = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")

    def project(version: str) -> hw.Definitions:
        @hw.asset(partitions_def=days, code_version=version)
        def raw() -> int:
            return 1

        @hw.asset(deps=[raw])
        def reading() -> int:
            return 1

        @hw.asset
        def loading(raw: dict[str, int]) -> int:
            return len(raw)

        return hw.Definitions([raw, reading, loading])

    def planned(version: str, selection: str) -> list[tuple[str, int]]:
        steps = hw.plan(project(version), selection=selection, mode="stale", instance=instance).steps
        return [(str(step.asset_key), step.partition_count) for step in steps]

    hw.materialize(project("1").assets, selection="raw", partition_key="2024-01-02", instance=instance)
    hw.materialize(project("1").assets, selection="reading", instance=instance)
    assert planned("1", "*") == []
    assert planned("2", "*") == [("raw", 1), ("reading", 1)]
    # Asked for, and not only stale, it needs all.
    (raw, _) = hw.plan(project("1"), selection="reading", instance=instance).steps
    assert (raw.partition_count, raw.reason) == (2, "missing, needed by reading")
    for day in ("2024-01-01", "2024-01-03"):
        hw.materialize(project("1").assets, selection="raw", partition_key=day, instance=instance)
    hw.materialize(project("1").assets, selection="reading or loading", instance=instance)
    instance.wipe_asset_partitions(hw.AssetKey("raw"), ["2024-01-03"])
    assert planned("1", "reading") == [("reading", 1)]
    assert planned("1", "loading") == [("raw", 1), ("loading", 1)]
    instance.wipe_assets([hw.AssetKey("raw")])
    assert planned("1", "reading") == [("raw", 3), ("reading", 1)]
