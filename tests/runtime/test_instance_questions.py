"""What programs ask an instance for beside pages of events: plans, groups, tags, reports, and small values."""

from __future__ import annotations

import warnings

import pytest

import headwater as hw
from headwater.model.event_data import EngineEventData
from headwater.model.runs import EventType

DAYS = hw.StaticPartitionsDefinition(["mon", "tue", "wed"])


@hw.asset
def orders() -> int:
    return 1


@hw.asset(partitions_def=DAYS)
def daily(context: hw.AssetExecutionContext) -> int:
    return len(context.partition_key)


@hw.op
def say() -> int:
    return 1


@hw.job(tags={"team": "sales"})
def saying() -> None:
    say()


def test_tags_of_a_run_are_read_and_filtered_under_both_spellings() -> None:
    seen: list[str | None] = []

    @hw.asset(partitions_def=DAYS)
    def tagged(context: hw.AssetExecutionContext) -> None:
        seen.append(context.run.tags["dagster/partition"])
        seen.append(context.get_tag("headwater/partition"))
        seen.append(context.run.tags.get("dagster/priority"))
        assert context.has_tag("dagster/partition")

    with hw.Instance.ephemeral() as instance:
        hw.materialize([tagged], partition_key="mon", tags={"dagster/priority": "3"}, instance=instance)
        assert seen == ["mon", "mon", "3"]
        for tag in ("dagster/partition", "headwater/partition"):
            (run,) = instance.get_runs(hw.RunsFilter(tags={tag: "mon"}))
            assert run.tags == {"dagster/partition": "mon", "dagster/priority": "3"}
            assert run.is_partitioned
        assert instance.get_run_tags(["dagster/partition"]) == [("dagster/partition", {"mon"})]
        assert instance.get_run_tag_keys() == ["headwater/partition", "headwater/priority"]
        instance.add_run_tags(run.run_id, {"dagster/priority": "4"})
        changed = instance.get_run_by_id(run.run_id)
        assert changed is not None
        assert changed.tags["headwater/priority"] == "4"


def test_a_partition_or_a_range_may_be_asked_for_by_a_tag() -> None:
    with hw.Instance.ephemeral() as instance:
        hw.materialize([daily], tags={"dagster/partition": "wed"}, instance=instance)
        assert instance.get_materialized_partitions(hw.AssetKey("daily")) == {"wed"}

        @hw.asset(partitions_def=DAYS, backfill_policy=hw.BackfillPolicy.single_run())
        def ranged(context: hw.AssetExecutionContext) -> None:
            assert context.partition_keys == ["mon", "tue"]

        ends = {"dagster/asset_partition_range_start": "mon", "dagster/asset_partition_range_end": "tue"}
        hw.materialize([ranged], tags=ends, instance=instance)
        assert instance.get_materialized_partitions(hw.AssetKey("ranged")) == {"mon", "tue"}


def test_the_tag_for_the_time_of_a_run_stops_it() -> None:
    @hw.asset
    def slow() -> None:
        import time

        time.sleep(5)

    result = hw.materialize([slow], tags={"dagster/max_runtime": "0.1"}, raise_on_error=False)
    assert not result.success
    with pytest.raises(hw.CheckError, match="number of seconds"):
        hw.materialize([orders], tags={"dagster/max_runtime": "soon"})


def test_what_runs_set_out_to_materialize_is_told_run_by_run() -> None:
    with hw.Instance.ephemeral() as instance:
        runs = [hw.materialize([daily], partition_key=day, instance=instance).run_id for day in ("mon", "tue", "wed")]
        hw.materialize([orders], instance=instance)
        page = instance.fetch_planned_materializations(hw.AssetKey("daily"), limit=2)
        assert [(record.run_id, record.partition_key) for record in page.records] == [
            (runs[2], "wed"),
            (runs[1], "tue"),
        ]
        assert page.has_more
        rest = instance.fetch_planned_materializations(hw.AssetKey("daily"), limit=2, cursor=page.cursor)
        assert ([record.run_id for record in rest.records], rest.has_more) == ([runs[0]], False)
        one = hw.AssetRecordsFilter(hw.AssetKey("daily"), asset_partitions=["tue"])
        (planned,) = instance.fetch_planned_materializations(one, limit=5, ascending=True).records
        assert planned.event_type is EventType.ASSET_MATERIALIZATION_PLANNED
        assert planned.asset_key == hw.AssetKey("daily")


def test_what_did_not_come_about_is_told() -> None:
    @hw.asset
    def broken() -> None:
        raise ValueError

    with hw.Instance.ephemeral() as instance:
        result = hw.materialize([broken], instance=instance, raise_on_error=False)
        (record,) = instance.fetch_failed_materializations(hw.AssetKey("broken"), limit=5).records
        assert record.run_id == result.run_id


def test_a_run_tells_which_assets_and_partitions_it_materialized() -> None:
    with hw.Instance.ephemeral() as instance:
        result = hw.materialize([orders, daily], partition_key="mon", instance=instance)
        assert instance.get_asset_keys_for_run(result.run_id) == {hw.AssetKey("orders"), hw.AssetKey("daily")}
        assert instance.get_asset_partitions_for_run(result.run_id) == {
            hw.AssetKey("orders"): {None},
            hw.AssetKey("daily"): {"mon"},
        }
        assert instance.all_asset_keys() == [hw.AssetKey("daily"), hw.AssetKey("orders")]
        instance.report_runless_asset_event(hw.AssetMaterialization("seen", tags={"by": "me"}))
        assert instance.get_event_tags_for_asset(hw.AssetKey("seen"), {"by": "me"}) == [{"by": "me"}]
        assert instance.get_event_tags_for_asset(hw.AssetKey("seen"), {"by": "you"}) == []


def test_runs_that_are_repeated_make_a_group() -> None:
    with hw.Instance.ephemeral() as instance:
        first = saying.execute_in_process(instance=instance)
        options = hw.ReexecutionOptions(parent_run_id=first.run_id)
        second = hw.execute_job(saying, instance=instance, reexecution_options=options)
        for run_id in (first.run_id, second.run_id):
            group = instance.get_run_group(run_id)
            assert group is not None
            assert (group[0], [run.run_id for run in group[1]]) == (first.run_id, [first.run_id, second.run_id])
        assert instance.get_run_group("none") is None


def test_run_records_come_in_the_order_that_is_asked_for() -> None:
    with hw.Instance.ephemeral() as instance:
        runs = [saying.execute_in_process(instance=instance).run_id for _ in range(3)]
        for order in ("start_time", "end_time", "update_timestamp", "create_timestamp"):
            found = instance.get_run_records(limit=2, order_by=order, ascending=True)
            assert [record.dagster_run.run_id for record in found] == runs[:2]
        with pytest.raises(hw.CheckError, match="start_time"):
            instance.get_run_records(order_by="start_tim")


def test_a_run_may_be_recorded_without_being_carried_out_and_ended_from_outside() -> None:
    with hw.Instance.ephemeral() as instance:
        done = instance.create_run_for_job(saying, status=hw.RunStatus.SUCCESS, tags={"dagster/partition": "mon"})
        assert done.tags == {"team": "sales", "headwater/partition": "mon"}
        assert instance.get_run_by_id(done.run_id) == done
        open_run = instance.create_run_for_job(saying)
        assert open_run.is_cancelable
        instance.report_run_failed(open_run, "the lights went out")
        ended = instance.get_run_by_id(open_run.run_id)
        assert ended is not None
        assert (ended.status, ended.is_failure) == (hw.RunStatus.FAILURE, True)
        third = instance.create_run_for_job(saying)
        assert instance.report_run_canceled(third).event_type is EventType.RUN_CANCELED


def test_a_message_about_a_run_is_recorded_with_it() -> None:
    with hw.Instance.ephemeral() as instance:
        run = instance.create_run_for_job(saying)
        data = EngineEventData(metadata={"pod": hw.MetadataValue.text("p1")})
        event = instance.report_engine_event("took it up", run, data, cls=dict)
        (record,) = instance.all_logs(run.run_id, of_type=EventType.ENGINE_EVENT)
        assert record.event == event
        assert (record.message, event.is_engine_event) == ("[dict] took it up", True)
        assert record.event.engine_event_data.metadata["pod"].value == "p1"


def test_dynamic_partitions_come_in_pages_and_as_those_that_are_there() -> None:
    with hw.Instance.ephemeral() as instance:
        instance.add_dynamic_partitions("regions", ["eu", "us", "asia"])
        assert instance.get_existing_dynamic_partitions("regions", ["us", "mars"]) == {"us"}
        page = instance.get_paginated_dynamic_partitions("regions", limit=2, ascending=True)
        assert (page.results, page.has_more) == (["eu", "us"], True)
        rest = instance.get_paginated_dynamic_partitions("regions", 2, True, page.cursor)
        assert (rest.results, rest.has_more) == (["asia"], False)


def test_small_values_are_kept_by_what_keeps_runs() -> None:
    with hw.Instance.ephemeral() as instance:
        instance.run_storage.set_cursor_values({"k": "v"})
        assert instance.run_storage.get_cursor_values({"k", "none"}) == {"k": "v"}
        assert (instance.is_persistent, instance.event_log_storage) == (False, instance)
        assert "storage_dir" in instance.info_str()


def test_settings_without_effect_are_told() -> None:
    with pytest.warns(UserWarning, match="run_coordinator"):
        hw.Instance.local_temp(overrides={"run_coordinator": {}}).close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with hw.instance_for_test(overrides={"telemetry": {"enabled": False}}, set_dagster_home=False) as instance:
            assert instance.is_persistent


def test_the_latest_of_an_asset_is_told_with_its_observation() -> None:
    with hw.Instance.ephemeral() as instance:
        instance.report_runless_asset_event(hw.AssetObservation("seen", tags={"dagster/data_version": "1"}))
        (record,) = instance.get_asset_records([hw.AssetKey("seen")])
        assert record.asset_entry.last_observation is not None
        assert record.asset_entry.last_observation.tags["dagster/data_version"] == "1"
        assert record.asset_entry.last_observation_storage_id == record.asset_entry.last_event_storage_id


def test_a_run_is_counted_and_its_steps_are_timed() -> None:
    with hw.Instance.ephemeral() as instance:
        result = saying.execute_in_process(instance=instance)
        stats = instance.get_run_stats(result.run_id)
        assert (stats.steps_succeeded, stats.expectations, stats.enqueued_time) == (1, 0, None)
        (step,) = instance.get_run_step_stats(result.run_id)
        assert step.start_time is not None
        assert step.end_time is not None
        assert (step.attempts, step.end_time >= step.start_time) == (1, True)
