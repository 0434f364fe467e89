"""Backfills that a server carries out: in order, through kills and new code, stopped and gone on with."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.model.backfills import (
    BACKFILL_TAG,
    Backfill,
    BackfillGroup,
    BackfillNeed,
    BackfillOptions,
    BackfillPlan,
    BackfillStatus,
    GroupNeed,
)
from headwater.model.events import AssetMaterialized
from headwater.model.runs import EventRecordsFilter, RunsFilter, RunStatus
from headwater.service.control import ChangeBackfill
from tests.service.running import RunningService

SOURCE = """
import time
from pathlib import Path

import headwater as hw

days = hw.DailyPartitionsDefinition("2013-01-01", end_date="2016-01-01")


@hw.asset(partitions_def=days)
def raw(context) -> None:
    if Path("slow").exists():
        time.sleep(0.05)
    if any((Path("bad") / key).exists() for key in context.partition_keys):
        raise ValueError("no rows")


@hw.asset(partitions_def=days, deps=[raw])
def clean(context) -> None:
    pass


@hw.asset(deps=[clean])
def total() -> None:
    pass


defs = hw.Definitions([raw, clean, total])
"""
SETTINGS = "[tool.headwater.service]\nworkers = 2\n"


def day_keys(count: int) -> tuple[str, ...]:
    import datetime

    first = datetime.date(2013, 1, 1)
    return tuple(str(first + datetime.timedelta(days=number)) for number in range(count))


def plan_of(count: int, chunk: int = 1) -> BackfillPlan:
    keys = day_keys(count)
    return BackfillPlan(
        (
            BackfillGroup(("raw",), keys, chunk),
            BackfillGroup(("clean",), keys, chunk, (GroupNeed("clean", "raw", 0, BackfillNeed.SAME),)),
            BackfillGroup(("total",), None, 1, (GroupNeed("total", "clean", 1, BackfillNeed.ALL),)),
        )
    )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    with RunningService(tmp_path / "project", SOURCE, SETTINGS) as running:
        yield running


def begin(
    service: RunningService, plan: BackfillPlan, name: str = "b1", options: BackfillOptions = BackfillOptions()
) -> None:
    location = service.described()["locations"][0]["name"]
    record = Backfill(
        name,
        name,
        BackfillStatus.IN_PROGRESS,
        plan.asset_keys,
        plan.total,
        time.time(),
        location=location,
        options=options,
    )
    with service.instance() as instance:
        instance.store.create_backfill(record, plan)
    assert service.ask(ChangeBackfill(name))


def state(service: RunningService, name: str = "b1") -> Backfill:
    with service.instance() as instance:
        found = instance.store.find_backfill(name)
        assert found is not None
        return found


def ended(service: RunningService, name: str = "b1", seconds: float = 60.0) -> Backfill:
    service.wait_until(lambda: state(service, name).is_finished, f"backfill {name} to end", seconds)
    return state(service, name)


def reload(service: RunningService) -> None:
    """Have the code imported anew, and wait until it is what runs."""
    before = service.described()["locations"][0]["host_pid"]
    service.command("worker", "reload")
    service.wait_until(lambda: service.described()["locations"][0]["host_pid"] not in (before, None), "the new code")


def wish(service: RunningService, wanted: str, name: str = "b1") -> None:
    with service.instance() as instance:
        instance.store.ask_backfill(name, wanted)
    assert service.ask(ChangeBackfill(name))


def materialized(service: RunningService, asset: str) -> Counter[str | None]:
    with service.instance() as instance:
        records = instance.store.events(EventRecordsFilter())
        return Counter(
            event.partition
            for event in (record.event for record in records)
            if isinstance(event, AssetMaterialized) and event.asset == asset
        )


def run_count(service: RunningService, *statuses: RunStatus) -> int:
    with service.instance() as instance:
        return instance.store.run_count(RunsFilter(statuses=statuses, tags={BACKFILL_TAG: "b1"}))


def test_each_partition_is_a_run_and_what_is_downstream_follows(service: RunningService):
    begin(service, plan_of(20), options=BackfillOptions(tags={"team": "sales"}, priority=3))
    done = ended(service)
    assert done.status is BackfillStatus.SUCCESS
    assert done.counts == {
        "raw": {"MATERIALIZED": 20},
        "clean": {"MATERIALIZED": 20},
        "total": {"MATERIALIZED": 1},
    }
    assert done.ended_count == done.total == 41
    assert not done.is_owned
    with service.instance() as instance:
        runs = instance.store.runs(RunsFilter(tags={BACKFILL_TAG: "b1", "team": "sales", "headwater/priority": "3"}))
        assert len(runs) == 41
        assert {run.tags.get("headwater/partition") for run in runs} == {*day_keys(20), None}
    assert set(materialized(service, "clean").values()) == {1}


def test_a_run_takes_as_many_partitions_as_the_plan_says(service: RunningService):
    begin(service, plan_of(20, chunk=8))
    assert ended(service).status is BackfillStatus.SUCCESS
    assert run_count(service, RunStatus.SUCCESS) == 7
    assert set(materialized(service, "raw")) == set(day_keys(20))


def test_a_failure_blocks_what_needs_it_and_nothing_else(service: RunningService):
    bad = service.folder / "bad"
    bad.mkdir()
    for key in ("2013-01-03", "2013-01-07"):
        (bad / key).touch()
    begin(service, plan_of(10))
    done = ended(service)
    assert done.status is BackfillStatus.FAILURE
    assert done.counts == {
        "raw": {"MATERIALIZED": 8, "FAILED": 2},
        "clean": {"MATERIALIZED": 8, "BLOCKED": 2},
        "total": {"BLOCKED": 1},
    }


def test_a_cancel_stops_at_once_and_for_good(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(1000))
    service.wait_until(lambda: run_count(service) > 5, "some runs")
    wish(service, "cancel")
    issued = run_count(service)
    done = ended(service, seconds=10)
    assert done.status is BackfillStatus.CANCELED
    assert run_count(service) == issued
    assert done.counts["raw"]["CANCELED"] > 900
    assert done.counts["total"] == {"CANCELED": 1}
    assert service.described()["backfills"] == []


def test_a_paused_one_goes_on_when_it_is_told_to_also_with_another_server(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(60))
    service.wait_until(lambda: run_count(service) > 5, "some runs")
    wish(service, "pause")
    assert state(service).status is BackfillStatus.PAUSED
    service.wait_until(lambda: not service.described()["backfills"][0]["runs"], "what runs to end")
    issued = run_count(service)
    time.sleep(0.3)
    assert run_count(service) == issued
    service.stop()
    service.start()
    time.sleep(0.3)
    assert run_count(service) == issued
    (service.folder / "slow").unlink()
    wish(service, "resume")
    assert ended(service).status is BackfillStatus.SUCCESS
    assert set(materialized(service, "raw").values()) == {1}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_server_loses_nothing_and_builds_nothing_twice(service: RunningService, seed: int):
    draw = random.Random(seed)
    begin(service, plan_of(150))
    for _ in range(4):
        time.sleep(draw.uniform(0.0, 0.6))
        service.kill()
        service.start()
    done = ended(service)
    assert done.status is BackfillStatus.SUCCESS
    for asset, count in (("raw", 150), ("clean", 150), ("total", 1)):
        found = materialized(service, asset)
        assert len(found) == count
        assert set(found.values()) == {1}, asset
    assert run_count(service) == 301


def test_code_that_does_not_import_holds_it_up_and_sound_code_lets_it_go_on(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(60))
    service.wait_until(lambda: run_count(service) > 5, "some runs")
    service.stop()
    file = service.folder / "definitions.py"
    file.write_text("import headwater as hw\nnot python\n")
    service.start()
    time.sleep(0.3)
    assert state(service).status is BackfillStatus.IN_PROGRESS
    file.write_text(SOURCE)
    service.command("worker", "reload")
    assert ended(service).status is BackfillStatus.SUCCESS
    assert set(materialized(service, "raw").values()) == {1}


def test_code_without_the_asset_pauses_it_and_says_why(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(400))
    service.wait_until(lambda: run_count(service) > 5, "some runs")
    file = service.folder / "definitions.py"
    # Of another size: Python takes bytecode of the same size, and of the same second, for that of the file.
    file.write_text(SOURCE.replace("raw", "ore") + "# Renamed.\n")
    reload(service)
    service.wait_until(lambda: state(service).status is BackfillStatus.PAUSED, "it to pause")
    paused = state(service)
    assert '"raw"' in (paused.cause or "")
    assert not paused.counts["raw"].get("FAILED")
    file.write_text(SOURCE)
    (service.folder / "slow").unlink()
    reload(service)
    wish(service, "resume")
    assert ended(service).status is BackfillStatus.SUCCESS


def test_a_partition_that_the_definition_has_no_more_fails_alone(service: RunningService):
    (service.folder / "definitions.py").write_text(SOURCE.replace('"2016-01-01"', '"2013-01-05"') + "# Shorter.\n")
    reload(service)
    begin(service, plan_of(6))
    done = ended(service)
    assert done.status is BackfillStatus.FAILURE
    assert done.counts["raw"] == {"MATERIALIZED": 4, "FAILED": 2}
    assert "2013-01-0" in (done.cause or "")


def test_what_others_made_meanwhile_is_left_out_when_only_what_is_missing_was_asked_for(service: RunningService):
    with service.instance() as instance:
        for key in day_keys(4):
            instance.store.append(AssetMaterialized(asset="raw", partition=key, timestamp=time.time()))
        instance.store.flush()
    begin(service, plan_of(6), options=BackfillOptions(only_missing=True))
    done = ended(service)
    assert done.status is BackfillStatus.SUCCESS
    assert done.counts["raw"] == {"MATERIALIZED": 2, "SKIPPED": 4}
    assert done.counts["clean"] == {"MATERIALIZED": 6}


def test_two_that_build_the_same_wait_for_each_other(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(10), "b1")
    begin(service, plan_of(10), "b2")
    assert ended(service, "b1").status is BackfillStatus.SUCCESS
    assert ended(service, "b2").status is BackfillStatus.SUCCESS
    assert set(materialized(service, "raw").values()) == {2}


def test_so_many_runs_are_there_as_were_asked_for(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(30), options=BackfillOptions(max_concurrent_runs=1))
    most = 0
    while not state(service).is_finished:
        for told in service.described()["backfills"]:
            most = max(most, told["runs"])
        time.sleep(0.01)
    assert most == 1


def test_a_cancel_needs_no_code_that_imports(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(400))
    service.wait_until(lambda: run_count(service) > 5, "some runs")
    service.kill()
    (service.folder / "definitions.py").write_text("not python\n")
    service.start()
    assert state(service).status is BackfillStatus.IN_PROGRESS
    wish(service, "cancel")
    done = ended(service, seconds=15)
    assert done.status is BackfillStatus.CANCELED
    assert run_count(service, RunStatus.QUEUED, RunStatus.STARTED, RunStatus.INTERRUPTED) == 0


def test_what_a_command_takes_over_from_a_server_that_has_ended_is_not_made_by_the_next_one(service: RunningService):
    (service.folder / "slow").touch()
    begin(service, plan_of(30))
    service.wait_until(lambda: run_count(service) > 5, "some runs")
    service.stop()
    (service.folder / "slow").unlink()
    service.command("backfill", "resume", "b1", "--here")
    assert state(service).status is BackfillStatus.SUCCESS
    service.start()
    time.sleep(0.5)
    assert not service.described()["waiting_steps"]
    for asset, count in (("raw", 30), ("clean", 30), ("total", 1)):
        found = materialized(service, asset)
        assert (len(found), set(found.values())) == (count, {1}), asset
