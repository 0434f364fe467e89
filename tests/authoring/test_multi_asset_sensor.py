"""Sensors of several assets, evaluated against what an instance really has recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from headwater.authoring.asset_decorators import asset
from headwater.authoring.asset_event_cursor import AssetEventCursor, read_cursors, written_cursors
from headwater.authoring.asset_job import define_asset_job
from headwater.authoring.definitions import Definitions
from headwater.authoring.multi_asset_sensor import MultiAssetSensorDefinition, multi_asset_sensor
from headwater.authoring.multi_asset_sensor_context import (
    MultiAssetSensorEvaluationContext,
    build_multi_asset_sensor_context,
)
from headwater.authoring.resources import ConfigurableResource
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.sensors import SENSOR_TAG, SensorResult, build_sensor_context
from headwater.graph.selection import AssetSelection
from headwater.model.errors import CheckError, DefinitionError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.errors.triggers import (
    AssetNotMonitored,
    CursorIsNotYours,
    CursorNotAdvanced,
    MissingTriggerContextValue,
    MonitoredAssetNotPartitioned,
    UnknownMonitoredAsset,
    UnreadableCursor,
)
from headwater.model.keys import AssetKey
from headwater.model.partitions import DailyPartitionsDefinition, TimeWindowPartitionMapping, WeeklyPartitionsDefinition
from headwater.model.results import AssetMaterialization
from headwater.model.runs import EventRecord
from headwater.model.specs import AssetDep
from headwater.runtime.instance import Instance

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")
A, B, DAILY, OTHER, WEEKLY = (AssetKey(name) for name in ("a", "b", "daily", "other", "weekly"))


@asset
def a() -> None: ...


@asset
def b() -> None: ...


@asset(partitions_def=DAYS)
def daily() -> None: ...


@asset(partitions_def=DAYS)
def other() -> None: ...


@asset(partitions_def=WeeklyPartitionsDefinition("2023-12-31", end_date="2024-01-28"), deps=[daily])
def weekly() -> None: ...


@asset(
    partitions_def=DAYS,
    deps=[AssetDep(daily, partition_mapping=TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))],
)
def day_after() -> None: ...


@asset(deps=[a, b])
def joined() -> None: ...


JOB = define_asset_job("join", [joined])
PROJECT = Definitions(assets=[a, b, daily, other, weekly, day_after, joined], jobs=[JOB])


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance.ephemeral() as made:
        yield made


def materialized(instance: Instance, key: str, *partitions: str | None) -> list[int]:
    for partition in partitions or (None,):
        instance.report_runless_asset_event(AssetMaterialization(key, partition=partition))
    from headwater.model.runs import EventRecordsFilter, EventType

    found = instance.get_event_records(
        EventRecordsFilter(EventType.ASSET_MATERIALIZATION, AssetKey(key)), limit=len(partitions) or 1
    )
    return [record.storage_id for record in reversed(found)]


def context_of(instance: Instance, *keys: AssetKey, cursor: str | None = None) -> MultiAssetSensorEvaluationContext:
    return build_multi_asset_sensor_context(
        monitored_assets=keys, instance=instance, definitions=PROJECT, cursor=cursor, sensor_name="s"
    )


def advanced(context: MultiAssetSensorEvaluationContext, *records: EventRecord) -> str | None:
    for record in records:
        assert record.asset_key is not None
        context.advance_cursor({record.asset_key: record})
    context.update_cursor_after_evaluation()
    return context.cursor


def declared(function: Any, **options: Any) -> MultiAssetSensorDefinition:
    return multi_asset_sensor(**{"monitored_assets": [A, B], "name": "s", "job": JOB, **options})(function)


def ids(records: Any) -> dict[str, int | None]:
    return {str(key): record and record.storage_id for key, record in records.items()}


# --------------------------------------------------------------------------------------------------- assets as a whole


def test_the_latest_materialization_of_each_asset_is_new_until_it_is_consumed(instance: Instance) -> None:
    assert context_of(instance, A, B).latest_materialization_records_by_key() == {A: None, B: None}
    materialized(instance, "a")
    (last_b,), (last_a,) = materialized(instance, "b"), materialized(instance, "a")
    context = context_of(instance, A, B)
    latest = context.latest_materialization_records_by_key()
    assert ids(latest) == {"a": last_a, "b": last_b}
    assert ids(context.latest_materialization_records_by_key(["a"])) == {"a": last_a}
    context.advance_cursor({A: latest[A], B: None})
    assert ids(context.latest_materialization_records_by_key()) == {"a": last_a, "b": last_b}, "still the same moment"
    context.update_cursor_after_evaluation()
    after = context_of(instance, A, B, cursor=context.cursor)
    assert ids(after.latest_materialization_records_by_key()) == {"a": None, "b": last_b}


def test_all_new_materializations_of_an_asset_come_oldest_first(instance: Instance) -> None:
    first, second, third = (materialized(instance, "a")[0] for _ in range(3))
    context = context_of(instance, A, B)
    assert [record.storage_id for record in context.materialization_records_for_key(A, limit=2)] == [first, second]
    context = context_of(instance, A, B, cursor=advanced(context, context.materialization_records_for_key(A)[0]))
    assert [record.storage_id for record in context.materialization_records_for_key(A)] == [second, third]


def test_all_cursors_move_to_what_is_there_now(instance: Instance) -> None:
    materialized(instance, "a")
    materialized(instance, "b")
    context = context_of(instance, A, B)
    context.advance_all_cursors()
    context.update_cursor_after_evaluation()
    after = context_of(instance, A, B, cursor=context.cursor)
    assert after.latest_materialization_records_by_key() == {A: None, B: None}
    (newer,) = materialized(instance, "b")
    assert ids(after.latest_materialization_records_by_key()) == {"a": None, "b": newer}


def test_a_test_can_begin_where_everything_is_consumed(instance: Instance) -> None:
    materialized(instance, "a")
    context = build_multi_asset_sensor_context(
        monitored_assets=[A], instance=instance, definitions=PROJECT, cursor_from_latest_materializations=True
    )
    assert context.latest_materialization_records_by_key() == {A: None}
    assert not context.cursor_updated
    with pytest.raises(InvalidInvocationError, match="Keep one"):
        build_multi_asset_sensor_context(
            monitored_assets=[A],
            instance=instance,
            definitions=PROJECT,
            cursor=context.cursor,
            cursor_from_latest_materializations=True,
        )


@pytest.mark.parametrize(
    ("monitored", "keys"),
    [
        ([A, B], ["a", "b"]),
        (["b", a], ["b", "a"]),
        (AssetSelection.assets("a").downstream(), ["a", "joined"]),
        ("a or b", ["a", "b"]),
    ],
)
def test_assets_are_monitored_by_key_or_by_selection(instance: Instance, monitored: Any, keys: list[str]) -> None:
    context = build_multi_asset_sensor_context(monitored_assets=monitored, instance=instance, definitions=PROJECT)
    assert [str(key) for key in context.asset_keys] == keys
    assert [definition and definition.key for definition in context.assets_defs_by_key.values()] == list(
        context.asset_keys
    )


# ------------------------------------------------------------------------------------------------------- by partition


def test_the_latest_materialization_of_each_partition_is_new_until_it_is_consumed(instance: Instance) -> None:
    one, three, two, again = materialized(instance, "daily", "2024-01-01", "2024-01-03", "2024-01-02", "2024-01-03")
    context = context_of(instance, DAILY, OTHER)
    new = context.latest_materialization_records_by_partition(DAILY)
    assert list(ids(new).items()) == [("2024-01-01", one), ("2024-01-02", two), ("2024-01-03", again)]
    cursor = advanced(context, new["2024-01-02"])
    context = context_of(instance, DAILY, OTHER, cursor=cursor)
    assert (context.get_cursor_partition(DAILY), context.get_cursor_partition(OTHER)) == ("2024-01-02", None)
    assert ids(context.latest_materialization_records_by_partition(DAILY)) == {"2024-01-01": one, "2024-01-03": again}
    after = context.latest_materialization_records_by_partition(DAILY, after_cursor_partition=True)
    assert ids(after) == {"2024-01-03": again}
    assert [record.storage_id for record in context.get_trailing_unconsumed_events(DAILY)] == [one]
    assert three < two


def test_what_was_passed_over_waits_until_it_is_consumed_or_everything_is(instance: Instance) -> None:
    one, two, three = materialized(instance, "daily", "2024-01-01", "2024-01-02", "2024-01-03")
    context = context_of(instance, DAILY)
    cursor = advanced(context, context.latest_materialization_records_by_partition(DAILY)["2024-01-03"])
    context = context_of(instance, DAILY, cursor=cursor)
    trailing = context.get_trailing_unconsumed_events(DAILY)
    assert [record.storage_id for record in trailing] == [one, two]
    assert context.materialization_records_for_key(DAILY) == []
    context = context_of(instance, DAILY, cursor=advanced(context, trailing[0]))
    assert [record.storage_id for record in context.get_trailing_unconsumed_events(DAILY)] == [two]
    assert context.get_cursor_partition(DAILY) == "2024-01-03"
    context.advance_all_cursors()
    context.update_cursor_after_evaluation()
    assert context.latest_materialization_records_by_partition(DAILY) == {}
    assert read_cursors("s", context.cursor) == {DAILY: AssetEventCursor(three, "2024-01-03")}


def test_partitions_of_several_assets_stand_side_by_side(instance: Instance) -> None:
    one, two = materialized(instance, "daily", "2024-01-01", "2024-01-02")
    (also_two,) = materialized(instance, "other", "2024-01-02")
    found = context_of(instance, DAILY, OTHER).latest_materialization_records_by_partition_and_asset()
    assert {partition: ids(by_asset) for partition, by_asset in found.items()} == {
        "2024-01-01": {"daily": one},
        "2024-01-02": {"daily": two, "other": also_two},
    }
    with pytest.raises(InvalidInvocationError, match="differ in their"):
        context_of(instance, DAILY, WEEKLY).latest_materialization_records_by_partition_and_asset()


def test_whether_all_partitions_are_there_does_not_depend_on_the_cursor(instance: Instance) -> None:
    materialized(instance, "daily", "2024-01-01", "2024-01-02")
    context = context_of(instance, DAILY)
    context.advance_all_cursors()
    context.update_cursor_after_evaluation()
    assert context.all_partitions_materialized(DAILY, ["2024-01-01", "2024-01-02"])
    assert not context.all_partitions_materialized(DAILY, ["2024-01-03"])
    assert not context.all_partitions_materialized(DAILY)
    with pytest.raises(InvalidInvocationError, match="all of no partitions"):
        context.all_partitions_materialized(DAILY, [])


def test_partitions_downstream_follow_the_mapping_of_the_edge(instance: Instance) -> None:
    context = context_of(instance, DAILY)
    assert context.get_downstream_partition_keys("2024-01-03", DAILY, WEEKLY) == ["2023-12-31"]
    assert context.get_downstream_partition_keys("2024-01-03", DAILY, "day_after") == ["2024-01-04"]
    assert context.get_downstream_partition_keys("2024-01-03", DAILY, OTHER) == ["2024-01-03"]
    with pytest.raises(UnknownPartitionError):
        context.get_downstream_partition_keys("2025-01-03", DAILY, WEEKLY)
    with pytest.raises(MonitoredAssetNotPartitioned, match='"a"'):
        context.get_downstream_partition_keys("2024-01-03", DAILY, A)
    with pytest.raises(UnknownMonitoredAsset, match='Did you mean "weekly"'):
        context.get_downstream_partition_keys("2024-01-03", DAILY, "weekli")


@settings(max_examples=40, deadline=None)
@given(
    made=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    picks=st.lists(st.lists(st.integers(0, 5), max_size=3), max_size=5),
)
def test_every_partition_is_seen_until_its_latest_materialization_is_consumed(
    made: list[int], picks: list[list[int]]
) -> None:
    with Instance.ephemeral() as instance:
        cursor, at = None, 0
        unconsumed: dict[str, int] = {}
        for pick in [*picks, []]:
            for number in made[at : at + 3]:
                partition = f"2024-01-0{number}"
                (unconsumed[partition],) = materialized(instance, "daily", partition)
            at += 3
            context = context_of(instance, DAILY, cursor=cursor)
            seen = context.latest_materialization_records_by_partition(DAILY)
            assert ids(seen) == unconsumed
            chosen = [record for index, record in enumerate(seen.values()) if index in pick]
            cursor = advanced(context, *chosen)
            for record in chosen:
                del unconsumed[str(record.partition_key)]


# --------------------------------------------------------------------------------------------------------- evaluation


def when_both_are_new(context: MultiAssetSensorEvaluationContext) -> RunRequest | SkipReason:
    new = context.latest_materialization_records_by_key()
    if not all(new.values()):
        return SkipReason("waiting")
    context.advance_all_cursors()
    return RunRequest(run_key=context.cursor)


def test_a_sensor_waits_for_both_assets_and_then_for_both_anew(instance: Instance) -> None:
    both = declared(when_both_are_new)
    materialized(instance, "a")
    waiting = both.evaluate_tick(context_of(instance, A, B))
    assert (waiting.skip_message, waiting.cursor) == ("waiting", None)
    materialized(instance, "b")
    # A plain context will do, as a service gives one.
    data = both.evaluate_tick(build_sensor_context(instance=instance, definitions=PROJECT))
    assert [request.tags for request in data.run_requests] == [{SENSOR_TAG: "s"}]
    again = both.evaluate_tick(context_of(instance, A, B, cursor=data.cursor))
    assert (again.skip_message, again.cursor) == ("waiting", data.cursor)


def test_assets_can_be_asked_for_instead_of_a_job(instance: Instance) -> None:
    made = declared(when_both_are_new, job=None, request_assets=AssetSelection.assets("joined"))
    loaded = Definitions(assets=[a, b, joined], sensors=[made])
    assert made.job_name is not None
    assert loaded.get_job_def(made.job_name).asset_keys == {joined.key}
    with pytest.raises(InvalidDefinitionError, match="job= and request_assets="):
        declared(when_both_are_new, request_assets=AssetSelection.assets("joined"))


def test_a_request_without_a_moved_cursor_would_come_again_for_ever(instance: Instance) -> None:
    with pytest.raises(CursorNotAdvanced, match="advance_all_cursors"):
        declared(lambda context: RunRequest()).evaluate_tick(context_of(instance, A, B))
    skipped = declared(lambda context: SkipReason("no")).evaluate_tick(context_of(instance, A, B))
    assert skipped.skip_message == "no"


def test_the_cursor_is_kept_by_the_sensor(instance: Instance) -> None:
    with pytest.raises(CursorIsNotYours, match="advance_cursor"):
        declared(lambda context: SensorResult(cursor="x")).evaluate_tick(context_of(instance, A, B))
    with pytest.raises(CursorIsNotYours, match="update_cursor"):
        declared(lambda context: context.update_cursor("x")).evaluate_tick(context_of(instance, A, B))
    for strange in ("x", "5", '{"a": 1}'):
        with pytest.raises(UnreadableCursor, match="begin anew"):
            context_of(instance, A, B, cursor=strange)


def test_a_generator_moves_the_cursor_record_by_record(instance: Instance) -> None:
    materialized(instance, "daily", "2024-01-01", "2024-01-02")

    @multi_asset_sensor([DAILY], job=JOB)
    def by_day(context: MultiAssetSensorEvaluationContext) -> Iterator[RunRequest]:
        for partition, record in context.latest_materialization_records_by_partition(DAILY).items():
            yield RunRequest(run_key=partition)
            context.advance_cursor({DAILY: record})

    data = by_day.evaluate_tick(context_of(instance, DAILY))
    assert [request.run_key for request in data.run_requests] == ["2024-01-01", "2024-01-02"]
    assert list(by_day.evaluate_tick(context_of(instance, DAILY, cursor=data.cursor)).run_requests) == []


def test_a_sensor_can_be_called_and_gets_resources(instance: Instance) -> None:
    class Place(ConfigurableResource[Any]):
        name: str = "there"

    @multi_asset_sensor(monitored_assets=[A], job=JOB)
    def look(context: MultiAssetSensorEvaluationContext, place: Place) -> SkipReason:
        return SkipReason(place.name)

    assert look.required_resource_keys == {"place"}
    context = context_of(instance, A)
    assert look(context, place=Place(name="here")) == SkipReason("here")
    with_resources = build_multi_asset_sensor_context(
        monitored_assets=[A], instance=instance, definitions=PROJECT, resources={"place": Place()}
    )
    assert look(with_resources) == SkipReason("there")
    with pytest.raises(InvalidInvocationError, match="build_multi_asset_sensor_context"):
        look(build_sensor_context(instance=instance))


# ------------------------------------------------------------------------------------------------------------ mistakes


def test_an_asset_that_is_not_monitored_is_named(instance: Instance) -> None:
    context = context_of(instance, A)
    record = context_of(instance, B).latest_materialization_records_by_key()[B]
    for wrong in (
        lambda: context.latest_materialization_records_by_key([B]),
        lambda: context.materialization_records_for_key(B),
        lambda: context.get_cursor_partition(B),
        lambda: context.advance_cursor({B: record}),
    ):
        with pytest.raises(AssetNotMonitored, match="It monitors: a"):
            wrong()


def test_partitions_of_an_asset_without_any_are_refused(instance: Instance) -> None:
    context = context_of(instance, A)
    with pytest.raises(MonitoredAssetNotPartitioned, match="latest_materialization_records_by_key"):
        context.latest_materialization_records_by_partition(A)
    with pytest.raises(MonitoredAssetNotPartitioned):
        context.all_partitions_materialized(A)


def test_a_record_counts_for_its_own_asset_only(instance: Instance) -> None:
    materialized(instance, "b")
    context = context_of(instance, A, B)
    with pytest.raises(CheckError, match='a record of "b" for "a"'):
        context.advance_cursor({A: context.latest_materialization_records_by_key()[B]})
    with pytest.raises(CheckError, match="a record by asset"):
        context.advance_cursor(A)  # type: ignore[arg-type]


def test_a_selection_needs_definitions_to_look_in(instance: Instance) -> None:
    with pytest.raises(MissingTriggerContextValue, match="definitions"):
        build_multi_asset_sensor_context(monitored_assets=AssetSelection.all(), instance=instance)


@pytest.mark.parametrize(
    ("monitored", "error"),
    [([], InvalidDefinitionError), (4, CheckError), (A, CheckError), ([4], DefinitionError)],
)
def test_what_cannot_be_monitored_is_refused(monitored: Any, error: type[Exception]) -> None:
    with pytest.raises((error, CheckError)):
        declared(when_both_are_new, monitored_assets=monitored)


def test_an_asset_that_nobody_declares_is_refused_with_the_nearest_name(instance: Instance) -> None:
    for monitored in (["joind"], AssetSelection.assets("joind")):
        with pytest.raises(DefinitionError, match='Did you mean "joined"'):
            Definitions(
                assets=[a, b, joined],
                jobs=[JOB],
                sensors=[declared(when_both_are_new, monitored_assets=monitored)],
            )
    with pytest.raises(UnknownMonitoredAsset, match="AssetSpec"):
        context_of(instance, AssetKey("joind"))


def test_a_cursor_reads_back_as_it_was_written() -> None:
    cursors = {AssetKey(["x", "y"]): AssetEventCursor(7, "p", {"q": 3}), A: AssetEventCursor(2)}
    assert read_cursors("s", written_cursors(cursors)) == cursors
    assert read_cursors("s", None) == read_cursors("s", "") == {}
