"""What a run records of what it did: lineage by partition, config, observations, checks of ranges, and its one end."""

from __future__ import annotations

import time

import pytest

import headwater as hw
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, CheckEvaluated, RunFailed, RunSucceeded
from headwater.runtime.execute import launch


def materialized(events, asset):
    return [event for event in events if isinstance(event, AssetMaterialized) and event.asset == asset]


def test_each_partition_of_a_range_records_its_own_inputs():
    days = hw.StaticPartitionsDefinition(["a", "b", "c"])
    single = hw.BackfillPolicy.single_run()

    @hw.asset(partitions_def=days, backfill_policy=single)
    def raw(context):
        return {key: key.upper() for key in context.partition_keys}

    @hw.asset(partitions_def=days, backfill_policy=single)
    def clean(context, raw):
        return {key: value.lower() for key, value in raw.items()}

    with hw.Instance.ephemeral() as instance:
        outcome = launch(hw.Definitions([raw, clean]), instance=instance, selection="raw+", partition_range=("a", "c"))
    assert outcome.success
    assert [(e.partition, [x.partition for x in e.inputs]) for e in materialized(outcome.events, "clean")] == [
        ("a", ["a"]),
        ("b", ["b"]),
        ("c", ["c"]),
    ]


def test_an_observed_version_is_the_version_of_the_input():
    @hw.observable_source_asset
    def feed():
        return hw.DataVersion("7")

    @hw.asset(deps=[feed])
    def report():
        return 1

    with hw.Instance.ephemeral() as instance:
        hw.observe([feed], instance=instance)
        result = hw.materialize([report, feed], selection=[report], instance=instance)
    (event,) = result.get_asset_materialization_events()
    assert [(x.asset, x.data_version) for x in event.inputs] == [("feed", "7")]


def test_the_config_of_an_asset_is_recorded_as_a_hash_that_changes_with_it():
    @hw.asset(config_schema={"n": int})
    def numbers(context):
        return context.op_config["n"]

    def hash_of(n):
        result = hw.materialize([numbers], run_config={"ops": {"numbers": {"config": {"n": n}}}})
        return result.get_asset_materialization_events()[0].config_hash

    assert hash_of(1) == hash_of(1) != hash_of(2)


def test_a_check_of_a_range_is_recorded_for_each_partition():
    days = hw.StaticPartitionsDefinition(["a", "b"])

    @hw.asset(
        partitions_def=days,
        backfill_policy=hw.BackfillPolicy.single_run(),
        check_specs=[hw.AssetCheckSpec("ok", asset="x", partitions_def=days)],
    )
    def x(context):
        yield hw.Output(dict.fromkeys(context.partition_keys, 1))
        yield hw.AssetCheckResult(passed=True)

    with hw.Instance.ephemeral() as instance:
        outcome = launch(hw.Definitions([x]), instance=instance, selection="x", partition_range=("a", "b"))
    assert [event.partition for event in outcome.events if isinstance(event, CheckEvaluated)] == ["a", "b"]


def test_a_failed_range_of_any_size_says_so_of_every_partition():
    many = hw.StaticPartitionsDefinition([f"{number:06d}" + "x" * 20 for number in range(60_000)])

    @hw.asset(partitions_def=many, backfill_policy=hw.BackfillPolicy.single_run())
    def broken(context) -> None:
        raise ValueError("no luck")

    keys = many.get_partition_keys()
    with hw.Instance.ephemeral() as instance:
        outcome = launch(
            hw.Definitions([broken]), instance=instance, selection="broken", partition_range=(keys[0], keys[-1])
        )
        failed = [e for e in outcome.events if isinstance(e, AssetNotMaterialized)]
        assert sum(len(event.partitions) for event in failed) == 60_000
        assert isinstance(outcome.error, ValueError)
        assert set(instance.store.partition_outcomes(hw.AssetKey("broken")).values()) == {"failed"}


def test_a_run_whose_resources_cannot_be_torn_down_has_failed_and_ends_once():
    class Connection(hw.ConfigurableResource):
        def teardown_after_execution(self, context):
            raise ValueError("the connection was gone")

    @hw.asset
    def a(connection: Connection):
        return 1

    with hw.Instance.ephemeral() as instance:
        result = hw.materialize([a], resources={"connection": Connection()}, instance=instance, raise_on_error=False)
        ends = [type(event) for event in result.all_events if isinstance(event, (RunSucceeded, RunFailed))]
        assert ends == [RunFailed]
        assert not result.success
        assert "the connection was gone" in str(instance.get_run_by_id(result.run_id).cause)
        with pytest.raises(Exception, match="the connection was gone"):
            hw.materialize([a], resources={"connection": Connection()}, instance=instance)


def test_an_async_step_that_blocks_past_its_time_limit_has_failed():
    @hw.asset(timeout=0.05)
    async def slow():
        time.sleep(0.2)
        return 1

    result = hw.materialize([slow], raise_on_error=False)
    assert not result.success
    assert result.get_step_failure_events()[0].cause == "timeout"
