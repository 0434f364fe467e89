"""Assets as inputs of ops, and inputs of ops that nothing could ever give."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw


@hw.op
def doubled(x: Any) -> Any:
    return x * 2


@hw.asset
def five() -> int:
    return 5


def job_of(value: Any, **options: Any) -> hw.JobDefinition:
    @hw.job(**options)
    def reads() -> None:
        doubled(value)

    return reads


@pytest.mark.parametrize("given", [five, five.to_source_asset(), hw.SourceAsset("five"), hw.AssetSpec("five")])
def test_an_op_loads_an_asset_that_it_is_given_in_a_job(given: Any) -> None:
    with hw.instance_for_test() as instance:
        hw.materialize([five], instance=instance)
        result = job_of(given).execute_in_process(instance=instance)
        assert result.output_for_node("doubled") == 10
        assert result.get_asset_materialization_events() == []


def test_an_asset_goes_through_graphs_and_joins_other_values_in_a_list() -> None:
    @hw.op
    def total(parts: list[int]) -> int:
        return sum(parts)

    @hw.graph
    def inner(x: int) -> Any:
        return doubled(x)

    @hw.job
    def reads() -> None:
        total([inner(five), five])

    with hw.instance_for_test() as instance:
        hw.materialize([five], instance=instance)
        assert reads.execute_in_process(instance=instance).output_for_node("total") == 15


def test_an_asset_is_loaded_by_its_own_io_manager_which_a_job_without_it_lacks() -> None:
    kept = hw.InMemoryIOManager()

    @hw.asset(name="five", io_manager_key="kept")
    def there() -> int:
        return 7

    given = hw.SourceAsset("five", io_manager_def=hw.IOManagerDefinition.hardcoded_io_manager(kept))
    hw.materialize([there], resources={"kept": kept})
    assert job_of(given).execute_in_process().output_for_node("doubled") == 14
    with pytest.raises(hw.HeadwaterError, match="elsewhere"):
        job_of(hw.SourceAsset("five", io_manager_key="elsewhere")).execute_in_process()


def test_an_op_reads_the_partition_of_its_run_and_all_partitions_in_a_run_without() -> None:
    days = hw.StaticPartitionsDefinition(["mon", "tue"])

    @hw.asset(partitions_def=days)
    def counts(context: hw.AssetExecutionContext) -> str:
        return context.partition_key

    @hw.op
    def read(x: Any) -> Any:
        return x

    @hw.job(partitions_def=days)
    def by_day() -> None:
        read(counts)

    @hw.job
    def whole() -> None:
        read(counts)

    with hw.instance_for_test() as instance:
        for day in ("mon", "tue"):
            hw.materialize([counts], partition_key=day, instance=instance)
        assert by_day.execute_in_process(partition_key="tue", instance=instance).output_for_node("read") == "tue"
        assert whole.execute_in_process(instance=instance).output_for_node("read") == {"mon": "mon", "tue": "tue"}


def test_of_several_assets_one_must_be_named() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("a"), hw.AssetSpec("b")])
    def both() -> None: ...

    with pytest.raises(hw.InvalidDefinitionError, match="get_asset_spec"):
        job_of(both)


def test_an_input_that_nothing_could_give_is_refused_when_the_job_is_defined() -> None:
    class Frame: ...

    @hw.op
    def takes(table: Frame) -> None: ...

    @hw.graph
    def inside() -> None:
        takes()

    def define() -> None:
        @hw.job
        def lost() -> None:
            inside()

    with pytest.raises(hw.InvalidDefinitionError) as refused:
        define()
    assert 'nothing is connected to the input "table" of "inside.takes"' in str(refused.value)
    assert "Its type is Frame" in str(refused.value)
    assert "takes(table=other_op())" in str(refused.value)


def test_an_input_of_the_graph_itself_may_be_of_any_type() -> None:
    class Frame: ...

    @hw.op
    def takes(table: Frame) -> bool:
        return isinstance(table, Frame)

    @hw.graph
    def open_graph(table: Frame) -> Any:
        return takes(table)

    job = open_graph.to_job(input_values={"table": Frame()})
    assert job.execute_in_process().output_for_node("takes") is True


@pytest.mark.parametrize("kind", [int, dict[str, int], int | None, list[float], Any, bool])
def test_an_input_that_config_can_spell_may_stay_open(kind: Any) -> None:
    def takes(x: Any) -> None: ...

    takes.__annotations__ = {"x": kind}
    opened = hw.op(takes)

    @hw.job
    def j() -> None:
        opened()

    assert j.name == "j"


@pytest.mark.parametrize("kind", [bytes, bytes | None, list[bytes]])
def test_an_input_that_config_cannot_spell_may_not(kind: Any) -> None:
    def takes(x: Any) -> None: ...

    takes.__annotations__ = {"x": kind}
    opened = hw.op(takes)

    def define() -> None:
        @hw.job
        def j() -> None:
            opened()

    with pytest.raises(hw.InvalidDefinitionError, match="nothing is connected"):
        define()
