"""Backfills carried out in this process: what is built and recorded, what stops them, and what is built again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.backfills import BACKFILL_RUN_TAG, BACKFILL_TAG, Outcome
from headwater.model.errors.backfill_requests import BackfillFailedError, NothingToBackfill, UnclearBackfillRequest
from headwater.model.errors.backfills import BackfillHasEnded, BackfillNotOurs, UnknownBackfill
from headwater.model.runs import EventRecordsFilter, RunsFilter, RunStatus
from headwater.runtime.backfill_planning import planned_backfill
from headwater.runtime.backfills import carry_out, partitions_with, retry_request

DAYS = hw.DailyPartitionsDefinition("2013-01-01", end_date="2013-03-01")
MONTHS = hw.MonthlyPartitionsDefinition("2013-01-01", end_date="2013-03-01")
YESTERDAY = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)


class Project:
    """Days, their months and a total; `broken` are partitions of days that fail."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.built: list[str] = []
        self.after: Any = None
        this = self

        @hw.asset(partitions_def=DAYS)
        def day(context: hw.AssetExecutionContext) -> int:
            this.built.append(f"day {context.partition_key}")
            if this.after is not None:
                this.after(context)
            if context.partition_key in this.broken:
                raise ValueError("broken")
            return 1

        @hw.asset(partitions_def=MONTHS)
        def month(context: hw.AssetExecutionContext, day: dict[str, int]) -> int:
            this.built.append(f"month {context.partition_key}")
            return sum(day.values())

        @hw.asset
        def total(context: hw.AssetExecutionContext, month: dict[str, int]) -> int:
            this.built.append("total")
            return sum(month.values())

        self.definitions = hw.Definitions(assets=[day, month, total])


@pytest.fixture
def project() -> Project:
    return Project()


@pytest.fixture
def instance() -> Iterator[hw.Instance]:
    with hw.Instance.ephemeral() as made:
        yield made


def test_all_is_built_in_order_and_recorded_as_runs_of_the_backfill(project, instance):
    told: list[hw.Backfill] = []
    ended = hw.backfill(project.definitions, tags={"team": "data"}, instance=instance, on_progress=told.append)
    assert ended.status is hw.BackfillStatus.SUCCESS
    assert ended.counts == {"day": {"MATERIALIZED": 59}, "month": {"MATERIALIZED": 2}, "total": {"MATERIALIZED": 1}}
    assert Counter(project.built).most_common(1)[0][1] == 1
    assert project.built.index("month 2013-02-01") > project.built.index("day 2013-02-28")
    assert project.built[-1] == "total"
    assert instance.get_backfill(ended.backfill_id) == ended
    assert told[-1] == ended
    runs = instance.get_runs(RunsFilter(tags={BACKFILL_TAG: ended.backfill_id}))
    assert len(runs) == 62
    assert {run.tags["team"] for run in runs} == {"data"}
    assert len({run.tags[BACKFILL_RUN_TAG] for run in runs}) == 62
    assert {run.tags.get("headwater/partition") for run in runs} >= {"2013-01-01", "2013-02-28"}


def test_a_failure_blocks_what_needs_it_and_nothing_else_and_only_that_is_built_again(project, instance):
    project.broken = {"2013-01-20"}
    with pytest.raises(BackfillFailedError, match=r"day\[2013-01-20\]"):
        hw.backfill(project.definitions, instance=instance)
    (failed,) = instance.get_backfills()
    assert failed.status is hw.BackfillStatus.FAILURE
    assert failed.counts == {
        "day": {"MATERIALIZED": 58, "FAILED": 1},
        "month": {"MATERIALIZED": 1, "BLOCKED": 1},
        "total": {"BLOCKED": 1},
    }
    assert partitions_with(instance, failed.backfill_id, [Outcome.FAILED]) == {"day": ("2013-01-20",)}
    with pytest.raises(BackfillFailedError):
        hw.backfill(project.definitions, retry=failed.backfill_id, instance=instance)
    second = instance.get_backfills()[0]
    assert retry_request(instance, second.backfill_id).title == second.title == "retry of day, month, total"
    project.broken, project.built = set(), []
    request = retry_request(instance, failed.backfill_id)
    assert request.parent_backfill_id == failed.backfill_id
    ended = hw.backfill(project.definitions, retry=failed.backfill_id, instance=instance)
    assert ended.status is hw.BackfillStatus.SUCCESS
    assert ended.parent_backfill_id == failed.backfill_id
    assert ended.title == "retry of day, month, total"
    assert project.built == ["day 2013-01-20", "month 2013-01-01", "total"]
    with pytest.raises(NothingToBackfill, match="All of the backfill"):
        retry_request(instance, ended.backfill_id)


def test_without_raise_on_error_the_record_tells_of_the_failure(project, instance):
    project.broken = {"2013-01-02"}
    ended = hw.backfill(
        project.definitions,
        selection="day",
        partitions="2013-01-01...2013-01-03",
        instance=instance,
        raise_on_error=False,
    )
    assert ended.status is hw.BackfillStatus.FAILURE
    assert ended.count(Outcome.MATERIALIZED) == 2
    again = hw.backfill(project.definitions, mode="failed", instance=instance, raise_on_error=False)
    assert again.total == 1


def test_a_pause_stops_it_between_runs_and_it_goes_on_where_it_stopped(project, instance):
    def pause(context: hw.AssetExecutionContext) -> None:
        if context.partition_key == "2013-01-05":
            time.sleep(0.25)
            (backfill,) = instance.get_backfills()
            instance.pause_backfill(backfill.backfill_id)

    project.after = pause
    paused = hw.backfill(project.definitions, selection="day", instance=instance)
    assert paused.status is hw.BackfillStatus.PAUSED
    assert paused.counts == {"day": {"MATERIALIZED": 5, "WAITING": 54}}
    assert not instance.get_backfill(paused.backfill_id).is_owned
    project.after = None
    ended = hw.backfill(project.definitions, resume=paused.backfill_id, instance=instance)
    assert ended.status is hw.BackfillStatus.SUCCESS
    assert len(project.built) == 59
    assert ended.seconds >= paused.seconds


def test_a_cancel_gives_up_what_has_not_begun(project, instance):
    def cancel(context: hw.AssetExecutionContext) -> None:
        time.sleep(0.25)
        (backfill,) = instance.get_backfills()
        instance.cancel_backfill(backfill.backfill_id)

    project.after = cancel
    with pytest.raises(BackfillFailedError, match="canceled"):
        hw.backfill(project.definitions, instance=instance)
    (canceled,) = instance.get_backfills(hw.BackfillStatus.CANCELED)
    assert canceled.counts["day"] == {"MATERIALIZED": 1, "CANCELED": 58}
    with pytest.raises(BackfillHasEnded):
        instance.resume_backfill(canceled.backfill_id)


def test_what_nobody_carries_out_is_paused_and_canceled_at_once(project, instance):
    planned = planned_backfill(project.definitions, hw.BackfillRequest(selection="day"), instance)
    backfill_id = planned.backfill.backfill_id
    instance.store.create_backfill(planned.backfill, planned.plan, owned=False)
    assert instance.pause_backfill(backfill_id).status is hw.BackfillStatus.PAUSED
    assert instance.resume_backfill(backfill_id).status is hw.BackfillStatus.IN_PROGRESS
    canceled = instance.cancel_backfill(backfill_id)
    assert canceled.status is hw.BackfillStatus.CANCELED
    assert canceled.counts == {"day": {"CANCELED": 59}}
    with pytest.raises(UnknownBackfill):
        instance.cancel_backfill("nothing")


def test_an_interruption_from_the_keyboard_leaves_it_to_be_gone_on_with(project, instance):
    def interrupt(context: hw.AssetExecutionContext) -> None:
        if context.partition_key == "2013-01-04":
            raise KeyboardInterrupt

    project.after = interrupt
    with pytest.raises(KeyboardInterrupt):
        hw.backfill(project.definitions, selection="day", instance=instance)
    (left,) = instance.get_backfills()
    assert left.status is hw.BackfillStatus.IN_PROGRESS
    assert not left.is_owned
    assert left.counts == {"day": {"MATERIALIZED": 3, "WAITING": 56}}
    assert left.cause is not None
    assert f"backfill resume {left.backfill_id}" in left.cause
    (canceled,) = instance.get_runs(RunsFilter(statuses=[RunStatus.CANCELED]))
    assert canceled.tags["headwater/partition"] == "2013-01-04"
    project.after = None
    ended = hw.backfill(project.definitions, resume=left.backfill_id, instance=instance)
    assert ended.status is hw.BackfillStatus.SUCCESS
    assert ended.cause is None
    assert Counter(project.built)["day 2013-01-04"] == 2
    assert len(project.built) == 60


def test_what_was_materialized_meanwhile_is_left_out_when_only_what_is_missing_is_asked_for(project, instance):
    def other(context: hw.AssetExecutionContext) -> None:
        if context.partition_key == "2013-01-01" and BACKFILL_TAG in context.run.tags:
            hw.materialize(
                [*project.definitions.assets], selection="day", partition_key="2013-01-02", instance=instance
            )

    project.after = other
    ended = hw.backfill(
        project.definitions, selection="day", partitions="2013-01-01...2013-01-03", mode="missing", instance=instance
    )
    assert ended.counts == {"day": {"MATERIALIZED": 2, "SKIPPED": 1}}


def test_a_run_takes_as_many_partitions_as_the_policy_says(instance):
    seen: list[list[str]] = []

    @hw.asset(partitions_def=DAYS, backfill_policy=hw.BackfillPolicy.multi_run(25))
    def many(context: hw.AssetExecutionContext) -> dict[str, int]:
        seen.append(list(context.partition_keys))
        return dict.fromkeys(context.partition_keys, 1)

    ended = hw.backfill([many], partitions="2013-01-01...2013-01-30, 2013-02-10...2013-02-12", instance=instance)
    assert [len(keys) for keys in seen] == [25, 5, 3]
    assert ended.counts == {"many": {"MATERIALIZED": 33}}


def test_yesterday_is_there_before_today(instance):
    @hw.asset(partitions_def=DAYS, deps=[hw.AssetDep("running", partition_mapping=YESTERDAY)])
    def running(context: hw.AssetExecutionContext) -> int:
        number = int(context.partition_key[-2:])
        if number > 1:
            assert f"2013-01-{number - 1:02}" in instance.get_materialized_partitions(hw.AssetKey("running"))
        return number

    ended = hw.backfill([running], partition_range=("2013-01-01", "2013-01-20"), instance=instance)
    assert ended.count(Outcome.MATERIALIZED) == 20


def test_config_is_given_to_the_runs_that_it_concerns(instance):
    class Scale(hw.Config):
        factor: int = 1

    factors: list[int] = []

    @hw.asset(partitions_def=DAYS)
    def scaled(config: Scale) -> int:
        factors.append(config.factor)
        return config.factor

    @hw.asset(deps=[scaled])
    def after() -> None: ...

    hw.backfill(
        [scaled, after],
        partitions="2013-01-01",
        upstream=False,
        run_config={"ops": {"scaled": {"config": {"factor": 7}}}},
        instance=instance,
    )
    assert factors == [7]


def test_a_config_that_no_run_takes_stops_it_before_anything_is_built(project, instance):
    with pytest.raises(hw.HeadwaterError):
        hw.backfill(project.definitions, run_config={"ops": {"dya": {"config": {"no": 1}}}}, instance=instance)
    (left,) = instance.get_backfills()
    assert project.built == []
    assert not left.is_owned
    assert left.cause


def test_a_job_is_backfilled_with_its_own_config_and_tags(instance):
    seen: list[str] = []

    class Where(hw.Config):
        place: str = "nowhere"

    @hw.asset(partitions_def=DAYS)
    def placed(config: Where) -> int:
        seen.append(config.place)
        return 1

    job = hw.define_asset_job(
        "at_home", [placed], config={"ops": {"placed": {"config": {"place": "home"}}}}, tags={"x": "y"}
    )
    definitions = hw.Definitions(assets=[placed], jobs=[job])
    ended = hw.backfill(definitions, job_name="at_home", partitions="2013-01-01...2013-01-02", instance=instance)
    assert seen == ["home", "home"]
    assert {run.job_name for run in instance.get_runs()} == {"at_home"}
    assert {run.tags["x"] for run in instance.get_runs()} == {"y"}
    assert ended.job_name == "at_home"


def test_a_job_of_ops_is_backfilled_and_what_failed_is_run_again(instance):
    broken, ran = {"2013-01-02"}, []

    @hw.op
    def work(context: hw.OpExecutionContext) -> None:
        ran.append((context.partition_key, context.op_config["day"]))
        if context.partition_key in broken:
            raise ValueError("broken")

    @hw.daily_partitioned_config(start_date="2013-01-01", end_offset=0)
    def by_day(start: Any, end: Any) -> dict[str, Any]:
        return {"ops": {"work": {"config": {"day": start.day}}}}

    @hw.job(config=by_day)
    def nightly() -> None:
        work()

    definitions = hw.Definitions(jobs=[nightly])
    first = hw.backfill(
        definitions, job_name="nightly", partitions="2013-01-01...2013-01-03", instance=instance, raise_on_error=False
    )
    assert first.counts == {"job:nightly": {"MATERIALIZED": 2, "FAILED": 1}}
    assert ran == [("2013-01-01", 1), ("2013-01-02", 2), ("2013-01-03", 3)]
    assert {run.job_name for run in instance.get_runs()} == {"nightly"}
    broken.clear()
    again = hw.backfill(definitions, retry=first.backfill_id, instance=instance)
    assert again.status is hw.BackfillStatus.SUCCESS
    assert ran[3:] == [("2013-01-02", 2)]


def renamed_letters(name: str, former_keys: tuple[str, ...] = (), broken: str = "") -> hw.Definitions:
    @hw.asset(key=name, partitions_def=hw.StaticPartitionsDefinition(["a", "b"]), former_keys=former_keys)
    def letters(context: hw.AssetExecutionContext) -> str:
        if context.partition_key == broken:
            raise ValueError("broken")
        return context.partition_key

    return hw.Definitions(assets=[letters])


def test_an_asset_that_was_renamed_in_the_code_takes_its_history_along_before_it_is_planned(instance):
    hw.backfill(renamed_letters("old"), partitions="a", instance=instance)
    renamed = renamed_letters("new", ("old",))
    assert hw.backfill(renamed, mode="missing", instance=instance).counts == {"new": {"MATERIALIZED": 1}}
    assert instance.store.asset_keys() == [hw.AssetKey("new")]
    assert instance.get_materialized_partitions(hw.AssetKey("new")) == {"a", "b"}


def test_where_the_partitions_of_a_renamed_asset_stand_is_told_under_its_new_key(instance):
    hw.backfill(renamed_letters("old"), partitions="a", instance=instance)
    status = hw.partition_status(renamed_letters("new", ("old",)), "new", instance=instance)
    assert list(status.materialized) == ["a"]


def test_what_failed_is_tried_again_under_the_key_of_today(instance):
    failed = hw.backfill(renamed_letters("old", broken="b"), instance=instance, raise_on_error=False)
    instance.move_asset("old", "new")
    ended = hw.backfill(renamed_letters("new"), retry=failed.backfill_id, instance=instance)
    assert ended.counts == {"new": {"MATERIALIZED": 1}}


def test_two_processes_do_not_carry_it_out_together(project, tmp_path):
    with hw.Instance.open(tmp_path) as ours, hw.Instance.open(tmp_path) as theirs:
        ended = hw.backfill(project.definitions, selection="day", partitions="2013-01-01", instance=ours)
        assert not ended.is_owned
        assert theirs.get_backfill(ended.backfill_id) == ended
        planned = planned_backfill(project.definitions, hw.BackfillRequest(selection="day"), ours)
        ours.store.create_backfill(planned.backfill, planned.plan, owned=True)
        with pytest.raises(BackfillNotOurs):
            carry_out(project.definitions, planned.backfill.backfill_id, theirs)


def test_what_goes_on_with_another_takes_nothing_else(project, instance):
    for way in ("resume", "retry"):
        with pytest.raises(UnclearBackfillRequest, match="more than that"):
            hw.backfill(project.definitions, **{way: "x"}, selection="day", instance=instance)
    with pytest.raises(UnknownBackfill):
        hw.backfill(project.definitions, resume="x", instance=instance)


KILLED = """
    import os, signal, sys
    import headwater as hw
    home, die_at, die_when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    count = 0

    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2013-01-01", end_date="2013-03-01"))
    def day(context) -> int:
        global count
        count += 1
        if count == die_at and die_when == "inside":
            os.kill(os.getpid(), signal.SIGKILL)
        return 1

    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2013-01-01", end_date="2013-03-01"))
    def next_day(context, day: int) -> int:
        if count == die_at and die_when == "between":
            os.kill(os.getpid(), signal.SIGKILL)
        return day + 1

    with hw.Instance.open(home) as instance:
        left = instance.get_backfills()
        ended = hw.backfill([day, next_day], resume=left[0].backfill_id if left else None, instance=instance)
        print(ended.status.value)
"""


@pytest.mark.parametrize("when", ["inside", "between"])
def test_after_a_kill_nothing_that_was_built_is_built_again(tmp_path, when):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(KILLED))
    home = tmp_path / "home"
    root = Path(hw.__file__).parents[1]

    def run(die_at: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(program), str(home), str(die_at), when],
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    for die_at in (1, 12):
        assert run(die_at).returncode == -signal.SIGKILL
    last = run(-1)
    assert last.returncode == 0, last.stderr
    assert last.stdout.strip() == "SUCCESS"
    with hw.Instance.open(home) as instance:
        for name in ("day", "next_day"):
            facts = instance.store.events(EventRecordsFilter(hw.EventType.ASSET_MATERIALIZATION, hw.AssetKey(name)))
            assert Counter(fact.event.partition for fact in facts).most_common(1)[0][1] == 1
            assert len(facts) == 59
        (ended,) = instance.get_backfills()
        assert ended.count(Outcome.MATERIALIZED) == 118
