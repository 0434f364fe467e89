"""Runs in words: sentences, tallies of events, and steps as they stand."""

from __future__ import annotations

import pytest

from headwater.model.events import (
    AssetMaterialized,
    CheckEvaluated,
    ErrorInfo,
    RunCanceled,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus, StepRecord, StepStatus
from headwater.views.runs import RunTally, StepTally, merged_steps, run_sentence, run_subject, without_templates

NOON = 1_700_000_000.0


def a_run(status: RunStatus, **more: object) -> Run:
    return Run("3f2a91c0-0000", "daily", status, created_at=NOON, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (
            a_run(RunStatus.SUCCESS, started_at=NOON, ended_at=NOON + 2),
            "Run 3f2a91c0 (job daily) succeeded in 2.0 s.",
        ),
        (
            a_run(RunStatus.FAILURE, started_at=NOON, ended_at=NOON + 2, cause="ValueError: no\nmore"),
            "Run 3f2a91c0 (job daily) failed after 2.0 s: ValueError: no",
        ),
        (a_run(RunStatus.FAILURE, ended_at=NOON, cause="no HOME"), "Run 3f2a91c0 (job daily) failed: no HOME"),
        (a_run(RunStatus.STARTED, started_at=NOON), "Run 3f2a91c0 (job daily) is running, since 1 min."),
        (
            a_run(RunStatus.INTERRUPTED, started_at=NOON, cause="Process 12 on host, which ran it, is gone."),
            "Run 3f2a91c0 (job daily) was interrupted: Process 12 on host, which ran it, is gone.",
        ),
        (a_run(RunStatus.QUEUED), "Run 3f2a91c0 (job daily) is queued."),
    ],
)
def test_a_run_is_told_in_one_sentence(run: Run, sentence: str):
    assert run_sentence(run, NOON + 60) == sentence


def test_a_run_without_a_job_is_named_by_its_assets():
    run = Run(
        "3f2a91c0", "__ASSET_JOB", RunStatus.QUEUED, asset_selection=(AssetKey("a"), AssetKey("b"), AssetKey("c"))
    )
    assert "(a and 2 other assets)" in run_sentence(run, NOON)


def test_a_tally_counts_what_came_about():
    tally = RunTally.of(
        [
            StepStarted(step_key="a", timestamp=NOON),
            AssetMaterialized(step_key="a", asset="a", partition="x"),
            AssetMaterialized(step_key="a", asset="a", partition="y"),
            StepSucceeded(step_key="a", timestamp=NOON + 1, duration_seconds=1.0),
            CheckEvaluated(asset="a", check="rows"),
            CheckEvaluated(asset="a", check="nulls", passed=False, severity="WARN"),
            StepStarted(step_key="b"),
            StepFailed(step_key="b", error=ErrorInfo("ValueError", "no")),
            StepBlocked(step_key="c", cause="b"),
        ],
        step_keys=["a", "b", "c"],
    )
    assert tally.in_words() == (
        "1 asset materialized (2 partitions), 1 step failed, 1 step blocked, 1 check passed, 1 warned"
    )
    assert tally.steps["b"].cause == "ValueError: no"
    assert tally.steps["c"].cause == "by b"


def test_a_failed_attempt_that_is_followed_by_another_is_no_failure():
    events = [
        StepStarted(step_key="a"),
        StepFailed(step_key="a", error=ErrorInfo("ValueError", "not yet")),
        StepRetryScheduled(step_key="a", attempt=2),
    ]
    assert RunTally.of(events).steps["a"].status is StepStatus.WAITING_TO_RETRY
    tally = RunTally.of([*events, StepStarted(step_key="a", attempt=2), StepSucceeded(step_key="a", attempt=2)])
    assert (tally.steps["a"].status, tally.steps["a"].error) == (StepStatus.SUCCEEDED, None)


def test_no_step_of_a_canceled_run_is_shown_as_running():
    tally = RunTally.of([StepStarted(step_key="a"), RunCanceled(reason="Ctrl-C")], step_keys=["a", "b"])
    assert {step.status for step in tally.steps.values()} == {StepStatus.CANCELED}
    records = [StepRecord("r", "a", StepStatus.RUNNING, started_at=NOON)]
    steps = merged_steps(RunTally(), records, a_run(RunStatus.CANCELED, step_keys=("a", "b")))
    assert [(step.key, step.status, step.cause) for step in steps] == [
        ("a", StepStatus.CANCELED, "the run ended"),
        ("b", StepStatus.CANCELED, "not reached"),
    ]


def test_a_step_that_is_mapped_is_shown_by_its_instances():
    steps = [StepTally("split", started_at=NOON), StepTally("work"), StepTally("work[x]"), StepTally("work[y]")]
    assert [step.key for step in without_templates(steps)] == ["split", "work[x]", "work[y]"]


@pytest.mark.parametrize(
    ("planned", "told"),
    [
        (None, "job daily"),
        (["2024-01-20"], "job daily [2024-01-20]"),
        (["a", "b", "c"], "job daily [a...c (3)]"),
        ({"first": "a", "last": "z", "count": 1200}, "job daily [a...z (1,200)]"),
    ],
)
def test_a_run_is_named_with_its_partitions(planned: object, told: str):
    assert run_subject(a_run(RunStatus.SUCCESS, plan={"partitions": planned})) == told
