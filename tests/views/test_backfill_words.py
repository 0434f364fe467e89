"""Backfills in words and as data: pure functions of the record, the plan and the outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.model.backfills import Backfill, BackfillGroup, BackfillPlan, BackfillStatus, Outcome
from headwater.views.backfills import (
    asset_tallies,
    backfill_data,
    backfill_sentence,
    backfill_word,
    parted_by_cause,
    plan_in_words,
    progress_in_words,
    rate_in_words,
    with_outcome,
)

DAYS = tuple(f"2024-01-{day:02}" for day in range(1, 11))
RUNNING = Backfill(
    "3f2a91c0aa",
    "january",
    BackfillStatus.IN_PROGRESS,
    ("sales", "clean"),
    20,
    created_at=1_700_000_000.0,
    counts={
        "sales": {"MATERIALIZED": 7, "FAILED": 1, "ISSUED": 2},
        "clean": {"MATERIALIZED": 1, "BLOCKED": 1, "WAITING": 8},
    },
    seconds=5.0,
    is_owned=True,
)


def test_progress_is_told_with_what_went_wrong_the_rate_and_what_is_left():
    assert progress_in_words(RUNNING) == "8 of 20, 1 failed, 1 blocked, 2.0/s, about 5.0 s left"
    before = replace(RUNNING, counts={"sales": {"WAITING": 20}}, seconds=0.0, estimated_seconds=90.0)
    assert progress_in_words(before) == "0 of 20, about 1 min 30 s left"
    assert progress_in_words(replace(before, estimated_seconds=None)) == "0 of 20"
    few = replace(RUNNING, total=10_000, counts={"sales": {"MATERIALIZED": 3, "WAITING": 9_997}})
    assert progress_in_words(few) == "3 of 10,000, 36.0/min"
    assert [rate_in_words(rate) for rate in (1234.5, 41.2, 3.21, 0.2)] == ["1,234/s", "41/s", "3.2/s", "12.0/min"]


@pytest.mark.parametrize(
    ("status", "is_owned", "word"),
    [
        (BackfillStatus.IN_PROGRESS, True, "running"),
        (BackfillStatus.IN_PROGRESS, False, "interrupted"),
        (BackfillStatus.CANCELING, False, "interrupted"),
        (BackfillStatus.PAUSED, False, "paused"),
        (BackfillStatus.SUCCESS, False, "succeeded"),
        (BackfillStatus.CANCELED, False, "canceled"),
    ],
)
def test_what_nobody_carries_out_is_interrupted(status: BackfillStatus, is_owned: bool, word: str):
    assert backfill_word(replace(RUNNING, status=status, is_owned=is_owned)) == word


def test_a_sentence_says_what_it_is_and_how_it_ended():
    ended = replace(RUNNING, status=BackfillStatus.FAILURE, is_owned=False)
    assert backfill_sentence(ended, 0.0) == (
        "Backfill 3f2a91c0 (january) failed after 5.0 s: 8 of 20, 1 failed, 1 blocked."
    )
    assert backfill_sentence(replace(ended, status=BackfillStatus.CANCELED, cause="stopped"), 0.0).endswith(
        " (stopped)."
    )


def test_partitions_are_counted_by_asset_and_outcome():
    sales, clean = asset_tallies(RUNNING)
    assert (sales["total"], sales["ended"], sales["running"], sales["failed"]) == (10, 8, 2, 1)
    assert (clean["waiting"], clean["blocked"]) == (8, 1)
    data = backfill_data(RUNNING)
    assert (data["status"], data["total"], data["ended"], data["eta_seconds"]) == ("running", 20, 10, 5.0)


def test_partitions_of_one_outcome_are_told_in_ranges_and_parted_by_cause():
    outcomes = bytes([Outcome.FAILED] * 3 + [Outcome.MATERIALIZED] * 5 + [Outcome.FAILED] + [Outcome.WAITING])
    (failed,) = with_outcome([("sales", DAYS, outcomes), ("clean", DAYS, bytes(10))], Outcome.FAILED)
    assert (failed.count, failed.in_words()) == (4, "2024-01-01...2024-01-03 (3), 2024-01-09")
    often, once = parted_by_cause(
        failed, {key: ("no connection", "run 2") if key == "2024-01-02" else ("no data", "run 1") for key in DAYS}
    )
    assert (often.cause, often.in_words(), often.run_id) == (
        "no data",
        "2024-01-01, 2024-01-03, 2024-01-09",
        "run 1",
    )
    assert (once.cause, once.to_data()["partitions"]) == (
        "no connection",
        {"count": 1, "range_count": 1, "ranges": [["2024-01-02", "2024-01-02"]]},
    )
    (whole,) = with_outcome([("countries", None, bytes([Outcome.FAILED]))], Outcome.FAILED)
    assert (whole.in_words(), whole.to_data()["partitions"]) == ("", None)


def test_the_size_of_a_plan_is_a_product_where_it_is_one():
    days = BackfillGroup(("sales", "clean"), DAYS)
    weeks = BackfillGroup(("weekly",), ("2024-01-07",))
    assert plan_in_words(BackfillPlan((days,)), 12.0) == "2 assets × 10 partitions = 20, in 10 runs, about 12 s"
    assert plan_in_words(BackfillPlan((replace(days, asset_keys=("sales",), chunk=5),)), None) == (
        "1 asset × 10 partitions, in 2 runs"
    )
    job = BackfillGroup(("job:export",), DAYS)
    assert plan_in_words(BackfillPlan((job,)), None) == "1 job × 10 partitions, in 10 runs"
    assert plan_in_words(BackfillPlan((days, weeks)), None) == "3 assets, 21 partitions, in 11 runs"
    countries = BackfillGroup(("countries",), None)
    assert plan_in_words(BackfillPlan((days, countries)), None) == (
        "3 assets, 20 partitions and 1 without = 21, in 11 runs"
    )
    assert plan_in_words(BackfillPlan((BackfillGroup(("countries",), None),)), None) == "1 asset, in 1 run"
