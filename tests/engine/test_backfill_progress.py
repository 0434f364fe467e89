"""What of a backfill may begin, and what became of it: small plans by hand."""

from __future__ import annotations

from headwater.engine.backfill_progress import BackfillProgress
from headwater.model.backfills import BackfillGroup, BackfillNeed, BackfillPlan, BackfillRun, GroupNeed, Outcome

DAYS = tuple(f"2013-01-{day:02}" for day in range(1, 5))
SAME = BackfillPlan(
    (
        BackfillGroup(("raw", "clean"), DAYS, 1, (GroupNeed("clean", "raw", 0, BackfillNeed.SAME),)),
        BackfillGroup(("report",), DAYS, 1, (GroupNeed("report", "clean", 0, BackfillNeed.SAME),)),
        BackfillGroup(("total",), None, 1, (GroupNeed("total", "report", 1, BackfillNeed.ALL),)),
    )
)


def names(runs: list[BackfillRun]) -> list[str]:
    return [run.spelled for run in runs]


def test_downstream_begins_as_soon_as_its_own_partition_is_there():
    progress = BackfillProgress(SAME)
    first = progress.issue(2)
    assert names(first) == ["0.0:0-1", "0.1:1-2"]
    assert first[0].partition_keys(SAME) == ("2013-01-01",)
    progress.ended(first[1], Outcome.MATERIALIZED)
    assert names(progress.issue(2)) == ["1.1:1-2", "0.2:2-3"]
    assert progress.counts() == {
        "raw": {"WAITING": 1, "ISSUED": 2, "MATERIALIZED": 1},
        "clean": {"WAITING": 1, "ISSUED": 2, "MATERIALIZED": 1},
        "report": {"WAITING": 3, "ISSUED": 1},
        "total": {"WAITING": 1},
    }


def test_all_is_built_and_a_whole_group_is_waited_for():
    progress = BackfillProgress(SAME)
    seen: list[str] = []
    while not progress.is_over:
        for run in progress.issue(3):
            seen.append(run.spelled)
            progress.ended(run, Outcome.MATERIALIZED)
    assert progress.is_success
    assert len(seen) == SAME.unit_count == 9
    assert seen[-1] == "2.0:0-1"


def test_what_needs_a_failed_partition_is_blocked_and_nothing_else():
    progress = BackfillProgress(SAME)
    for run in progress.issue(10):
        if run.unit == 1:
            progress.ended(run, {"raw": {1: Outcome.MATERIALIZED}, "clean": {1: Outcome.FAILED}})
        else:
            progress.ended(run, Outcome.MATERIALIZED)
    for run in progress.issue(10):
        progress.ended(run, Outcome.MATERIALIZED)
    assert progress.issue(10) == []
    assert progress.is_over
    assert not progress.is_success
    assert progress.counts()["report"] == {"MATERIALIZED": 3, "BLOCKED": 1}
    assert progress.counts()["total"] == {"BLOCKED": 1}
    assert progress.counts()["raw"] == {"MATERIALIZED": 4}


def test_a_single_run_leaves_out_the_partitions_that_are_blocked():
    plan = BackfillPlan(
        (
            BackfillGroup(("raw",), DAYS, 1),
            BackfillGroup(("report",), DAYS, 4, (GroupNeed("report", "raw", 0, BackfillNeed.SAME),)),
        )
    )
    progress = BackfillProgress(plan)
    for run in progress.issue(10):
        progress.ended(run, Outcome.FAILED if run.unit == 1 else Outcome.MATERIALIZED)
    assert names(progress.issue(10)) == ["1.0:0-1,2-4"]


def test_yesterday_comes_before_today():
    spans = tuple(((day - 1, day),) if day else () for day in range(4))
    plan = BackfillPlan((BackfillGroup(("sum",), DAYS, 1, (GroupNeed("sum", "sum", 0, BackfillNeed.LISTED, spans),)),))
    progress = BackfillProgress(plan)
    for day in range(4):
        runs = progress.issue(10)
        assert names(runs) == [f"0.{day}:{day}-{day + 1}"]
        progress.ended(runs[0], Outcome.MATERIALIZED)
    assert progress.is_over


def test_a_cancel_gives_up_what_waits_and_waits_for_what_runs():
    progress = BackfillProgress(SAME)
    runs = progress.issue(1)
    progress.cancel()
    assert progress.issue(10) == []
    assert not progress.is_over
    progress.ended(runs[0], Outcome.CANCELED)
    assert progress.is_over
    assert progress.counts()["raw"] == {"CANCELED": 4}


def test_what_is_there_already_is_left_out():
    progress = BackfillProgress(SAME)
    (run,) = progress.issue(1)
    (left,) = progress.leave_out(run, {"raw": [0]})
    assert left.asset_keys == ("clean",)
    assert left.run_id("b") != run.run_id("b")
    progress.ended(left, Outcome.MATERIALIZED)
    assert progress.counts()["raw"] == {"WAITING": 3, "SKIPPED": 1}


def test_the_next_process_goes_on_from_what_is_kept_and_the_runs_that_there_are():
    progress = BackfillProgress(SAME)
    runs = progress.issue(3)
    progress.ended(runs[0], Outcome.MATERIALIZED)
    saved = progress.saved()
    found = [BackfillRun.parse(run.spelled, run.asset_keys) for run in runs[1:]]
    assert found[0] is not None
    assert found[1] is not None
    again = BackfillProgress(SAME, saved, [(found[0], Outcome.MATERIALIZED), (found[1], None)])
    assert again.in_flight == {runs[2].name: runs[2]}
    assert names(again.issue(10)) == ["1.0:0-1", "1.1:1-2", "0.3:3-4"]


def test_a_run_that_was_not_recorded_waits_again():
    progress = BackfillProgress(SAME)
    runs = progress.issue(2)
    progress.give_back(runs[1])
    assert names(progress.issue(1)) == ["0.1:1-2"]


def test_what_was_left_out_of_a_run_that_cannot_do_without_it_waits_again():
    progress = BackfillProgress(BackfillPlan((BackfillGroup(("raw", "clean"), ("a", "b"), 1),)))
    (run,) = progress.issue(1)
    assert not progress.put_back(run)
    (left,) = progress.leave_out(run, {"raw": [0]})
    assert progress.put_back(left)
    assert progress.counts() == {"raw": {"WAITING": 2}, "clean": {"WAITING": 2}}
    assert progress.issue(1) == [run]


def test_very_many_that_are_blocked_at_once_are_looked_at_some_at_a_time():
    keys = tuple(map(str, range(1_000)))
    needs = (GroupNeed("total", "raw", 0, BackfillNeed.ALL),)
    progress = BackfillProgress(
        BackfillPlan((BackfillGroup(("raw",), keys, 1_000), BackfillGroup(("total",), keys, 1, needs)))
    )
    progress.ended(progress.issue(1)[0], Outcome.FAILED)
    assert progress.issue(1, 100) == []
    assert not progress.has_looked_at_all
    assert progress.counts()["total"]["WAITING"] >= 900
    while not progress.has_looked_at_all:
        assert progress.issue(1, 100) == []
    assert progress.counts()["total"] == {"BLOCKED": 1_000}
    assert progress.is_over
