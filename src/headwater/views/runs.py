"""Runs as anyone sees them: the record of a run, its steps and its events become a sentence, tallies and causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.model.errors.execution import AssetCheckFailedError
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    CheckEvaluated,
    ErrorInfo,
    Event,
    RunCanceled,
    RunFailed,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.model.runs import Run, RunStatus, StepRecord, StepStatus
from headwater.views.assets import CheckStatus, check_status
from headwater.views.metadata import metadata_as_data
from headwater.views.words import counted, duration_in_words, first_line, instant_as_iso

SHORT_ID_LENGTH = 8
# A cause in a line is there to be recognized; the whole error is shown elsewhere.
LONGEST_CAUSE = 120

RUN_WORDS: Mapping[RunStatus, str] = {
    RunStatus.QUEUED: "queued",
    RunStatus.NOT_STARTED: "not started",
    RunStatus.STARTING: "starting",
    RunStatus.STARTED: "running",
    RunStatus.SUCCESS: "succeeded",
    RunStatus.FAILURE: "failed",
    RunStatus.CANCELING: "canceling",
    RunStatus.CANCELED: "canceled",
    RunStatus.INTERRUPTED: "interrupted",
}

STEP_WORDS: Mapping[StepStatus, str] = {
    StepStatus.WAITING: "waiting",
    StepStatus.RUNNING: "running",
    StepStatus.WAITING_TO_RETRY: "retrying",
    StepStatus.SUCCEEDED: "succeeded",
    StepStatus.FAILED: "failed",
    StepStatus.BLOCKED: "blocked",
    StepStatus.SKIPPED: "skipped",
    StepStatus.CANCELED: "canceled",
}

# What people see instead of the names of jobs that nobody declared.
_UNNAMED_JOBS = ("__ASSET_JOB", "__ephemeral_asset_job__")


def short_id(run_id: str) -> str:
    """Return the first letters of a run id: enough to name the run on the command line."""
    return run_id[:SHORT_ID_LENGTH]


def run_subject(run: Run) -> str:
    """Return what a run is about: its job, or the assets that were asked for; and which partitions of it."""
    partitions = run_partitions(run)
    return _what_runs(run) + (f" [{partitions}]" if partitions else "")


def run_partitions(run: Run) -> str | None:
    """Return the partitions of a run as "2024-01-05" or "2024-01-01...2024-01-31 (31)"; None when it has none."""
    planned = (run.plan or {}).get("partitions")
    if isinstance(planned, Mapping):
        return _ends_in_words(str(planned["first"]), str(planned["last"]), int(planned["count"]))
    return partitions_in_words(planned) if planned else None


def partitions_in_words(keys: Sequence[str]) -> str:
    """Return one key, or the first and the last of several with how many they are."""
    return str(keys[0]) if len(keys) == 1 else _ends_in_words(str(keys[0]), str(keys[-1]), len(keys))


def _ends_in_words(first: str, last: str, count: int) -> str:
    return f"{first}...{last} ({count:,})"


def _what_runs(run: Run) -> str:
    if run.job_name and not run.job_name.startswith(_UNNAMED_JOBS):
        return f"job {run.job_name}"
    if run.asset_selection:
        first = str(run.asset_selection[0])
        more = len(run.asset_selection) - 1
        return f"{first} and {counted(more, 'other asset')}" if more else first
    if run.check_selection:
        return counted(len(run.check_selection), "check")
    return "all assets"


def run_sentence(run: Run, now: float, *, tells_cause: bool = True) -> str:
    """Return one sentence about where a run stands, such as "Run 3f2a91c0 (job daily) failed after 1.2 s."."""
    word = RUN_WORDS[run.status]
    subject = f"Run {short_id(run.run_id)} ({run_subject(run)})"
    match run.status:
        case RunStatus.SUCCESS:
            told = f"succeeded in {duration_in_words(run.duration_seconds)}"
        case RunStatus.FAILURE:
            # A run that could not begin has no duration.
            told = (
                "failed" if run.duration_seconds is None else f"failed after {duration_in_words(run.duration_seconds)}"
            )
        case RunStatus.CANCELED | RunStatus.INTERRUPTED:
            told = f"was {word}"
        case RunStatus.STARTED | RunStatus.CANCELING if run.started_at is not None:
            told = f"is {word}, since {duration_in_words(now - run.started_at)}"
        case _:
            told = f"is {word}"
    cause = run_cause(run) if tells_cause else ""
    return f"{subject} {told}" + (f": {cause}" if cause else ".")


def run_cause(run: Run, longest: int = LONGEST_CAUSE) -> str:
    """Return why a run did not succeed, in one line; nothing when it did."""
    if not run.cause or run.is_success:
        return ""
    return first_line(_check_failure_in_words(run.cause) or run.cause, longest)


def is_check_failure(error: ErrorInfo | None) -> bool:
    """Whether a step failed because a blocking check did not pass: what the check said is what there is to tell."""
    return error is not None and error.code == AssetCheckFailedError.code


def _check_failure_in_words(message: str) -> str | None:
    """Return only which check it was, of the message of a step that failed by a blocking check."""
    name, _, rest = message.partition(": ")
    return f"{rest.partition(' failed. ')[0]} failed" if name == AssetCheckFailedError.__name__ else None


@dataclass(slots=True)
class StepTally:
    """What became of one step, in the words of its events."""

    key: str
    status: StepStatus = StepStatus.WAITING
    attempt: int = 1
    started_at: float | None = None
    ended_at: float | None = None
    duration_seconds: float | None = None
    cause: str | None = None
    error: ErrorInfo | None = None

    def to_data(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "status": STEP_WORDS[self.status],
            "attempts": self.attempt if self.started_at is not None else 0,
            "started_at": instant_as_iso(self.started_at),
            "ended_at": instant_as_iso(self.ended_at),
            "duration_seconds": self.duration_seconds,
            "cause": self.cause,
        }


@dataclass(slots=True)
class RunTally:
    """What came of a run, counted from its events as they come: `take` them in order."""

    steps: dict[str, StepTally] = field(default_factory=dict)
    materialized: dict[str, list[AssetMaterialized]] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    observed: dict[str, int] = field(default_factory=dict)
    not_materialized: list[AssetNotMaterialized] = field(default_factory=list)
    checks: list[CheckEvaluated] = field(default_factory=list)
    run_error: ErrorInfo | None = None

    @classmethod
    def of(cls, events: Iterable[Event], step_keys: Iterable[str] = ()) -> RunTally:
        """Return the tally of events; `step_keys` are those that were planned."""
        tally = cls({key: StepTally(key) for key in step_keys})
        for event in events:
            tally.take(event)
        return tally

    def take(self, event: Event) -> StepTally | None:
        """Take in one event; return the step that it moved, if it moved one."""
        match event:
            case AssetMaterialized():
                self.materialized.setdefault(event.asset, []).append(event)
            case AssetUnchanged():
                self.unchanged[event.asset] = self.unchanged.get(event.asset, 0) + 1
            case AssetObserved():
                self.observed[event.asset] = self.observed.get(event.asset, 0) + 1
            case AssetNotMaterialized():
                self.not_materialized.append(event)
            case CheckEvaluated():
                self.checks.append(event)
            case RunFailed():
                self.run_error = event.error
            case RunCanceled():
                for step in self.with_status(StepStatus.WAITING, StepStatus.RUNNING, StepStatus.WAITING_TO_RETRY):
                    step.status, step.cause = StepStatus.CANCELED, event.reason or None
            case StepStarted() | StepSucceeded() | StepFailed() | StepRetryScheduled() | StepSkipped() | StepBlocked():
                return self._moved(event)
        return None

    def _moved(self, event: Event) -> StepTally:
        key = event.step_key or ""
        step = self.steps.get(key) or self.steps.setdefault(key, StepTally(key))
        match event:
            case StepStarted():
                step.status, step.attempt = StepStatus.RUNNING, event.attempt
                step.started_at = event.timestamp if step.started_at is None else step.started_at
                step.ended_at, step.cause, step.error = None, None, None
            case StepSucceeded():
                step.status, step.ended_at, step.cause = StepStatus.SUCCEEDED, event.timestamp, None
                step.duration_seconds = event.duration_seconds
            case StepFailed():
                step.status = StepStatus.CANCELED if event.cause == "canceled" else StepStatus.FAILED
                step.ended_at, step.duration_seconds = event.timestamp, event.duration_seconds
                step.error, step.cause = event.error, failure_in_words(event)
            case StepRetryScheduled():
                step.status = StepStatus.WAITING_TO_RETRY
            case StepSkipped():
                step.status, step.ended_at, step.cause = StepStatus.SKIPPED, event.timestamp, event.reason
            case StepBlocked():
                step.status, step.ended_at, step.cause = StepStatus.BLOCKED, event.timestamp, f"by {event.cause}"
        return step

    def with_status(self, *statuses: StepStatus) -> list[StepTally]:
        return [step for step in self.steps.values() if step.status in statuses]

    @property
    def materialized_partitions(self) -> int:
        """How many partitions were materialized; those of unpartitioned assets do not count."""
        return sum(event.partition is not None for events in self.materialized.values() for event in events)

    def checks_with(self, status: CheckStatus) -> list[CheckEvaluated]:
        return [evaluation for evaluation in self.checks if check_status(evaluation) is status]

    def in_words(self) -> str:
        """Return what came about, such as "3 assets materialized (365 partitions), 2 checks passed, 1 warned"."""
        told: list[str] = []
        if self.materialized:
            partitions = self.materialized_partitions
            told.append(
                f"{counted(len(self.materialized), 'asset')} materialized"
                + (f" ({counted(partitions, 'partition')})" if partitions else "")
            )
        if self.unchanged:
            told.append(f"{counted(len(self.unchanged), 'asset')} unchanged")
        if self.observed:
            told.append(f"{counted(len(self.observed), 'asset')} observed")
        if not told:
            succeeded = len(self.with_status(StepStatus.SUCCEEDED))
            told += [f"{counted(succeeded, 'step')} succeeded"] if succeeded and not self.checks else []
        for ended in (StepStatus.FAILED, StepStatus.BLOCKED, StepStatus.SKIPPED, StepStatus.CANCELED):
            if steps := self.with_status(ended):
                told.append(f"{counted(len(steps), 'step')} {STEP_WORDS[ended]}")
        if self.checks:
            told.append(self.checks_in_words())
        return ", ".join(told) or ("no step began" if self.run_error is not None else "nothing was to be done")

    def checks_in_words(self) -> str:
        """Return "2 checks passed, 1 warned"."""
        counts = [(status, len(self.checks_with(status))) for status in CheckStatus]
        tallied = [(status, count) for status, count in counts if count]
        return ", ".join(
            f"{counted(count, 'check') if place == 0 else f'{count:,}'} {status.value}"
            for place, (status, count) in enumerate(tallied)
        )


def failure_in_words(event: StepFailed) -> str:
    """Return why one attempt failed, in one line."""
    match event.cause:
        case "lost":
            return "its process died"
        case "canceled":
            return "canceled"
        case "timeout" if event.error is None:
            return "it took longer than its time limit"
    return error_in_words(event.error) if event.error is not None else "no reason was given"


def error_in_words(error: ErrorInfo) -> str:
    """Return an error in one line: the innermost cause, which is what the user's own code met."""
    root = error if error.code is not None else error.root
    if is_check_failure(root):
        return first_line(_check_failure_in_words(f"{root.class_name}: {root.message}") or root.message, LONGEST_CAUSE)
    message = first_line(root.message, LONGEST_CAUSE)
    return f"{root.class_name}: {message}" if message else root.class_name


def merged_steps(tally: RunTally, records: Sequence[StepRecord], run: Run) -> list[StepTally]:
    """Return the steps of a run: as its records say, with durations and errors from its events where these are kept.

    A step that has no record was never reached.
    """
    steps: dict[str, StepTally] = {}
    for record in records:
        told = tally.steps.get(record.step_key)
        duration = told.duration_seconds if told is not None else None
        if duration is None and record.started_at is not None and record.ended_at is not None:
            duration = record.ended_at - record.started_at
        steps[record.step_key] = StepTally(
            record.step_key,
            record.status,
            record.attempt,
            record.started_at,
            record.ended_at,
            duration,
            (told.cause if told is not None else None) or record.cause,
            told.error if told is not None else None,
        )
    for key in planned_steps(run):
        steps.setdefault(key, tally.steps.get(key) or StepTally(key))
    if run.status in (RunStatus.CANCELED, RunStatus.INTERRUPTED):
        for step in steps.values():
            # A run that has ended has no step that runs.
            if not step.status.is_finished:
                reached = step.started_at is not None
                step.status = StepStatus.CANCELED
                step.cause = "the run ended" if reached else "not reached"
    return without_templates(steps.values())


def without_templates(steps: Iterable[StepTally]) -> list[StepTally]:
    """Leave out a step that is mapped over values, once there is one step for each value."""
    kept = list(steps)
    mapped = {step.key.partition("[")[0] for step in kept if "[" in step.key}
    return [step for step in kept if step.key not in mapped or step.started_at is not None]


def planned_steps(run: Run) -> list[str]:
    """Return the steps that the plan of a run names."""
    if run.step_keys:
        return list(run.step_keys)
    return [str(step["key"]) for step in (run.plan or {}).get("steps", ())]


def run_line_data(run: Run) -> dict[str, Any]:
    """Return the record of a run as JSON values, without its steps."""
    return {
        "run_id": run.run_id,
        "status": RUN_WORDS[run.status],
        "job": None if run.job_name.startswith(_UNNAMED_JOBS) else run.job_name or None,
        "asset_selection": [str(key) for key in run.asset_selection],
        "partitions": (run.plan or {}).get("partitions"),
        "tags": dict(run.tags),
        "parent_run_id": run.parent_run_id,
        "created_at": instant_as_iso(run.created_at),
        "started_at": instant_as_iso(run.started_at),
        "ended_at": instant_as_iso(run.ended_at),
        "duration_seconds": run.duration_seconds,
        "cause": run.cause,
    }


def run_data(run: Run, tally: RunTally, steps: Sequence[StepTally]) -> dict[str, Any]:
    """Return a run with its steps, assets, checks and errors as JSON values."""
    errors: list[dict[str, Any]] = [
        {"step": step.key, **error_data(step.error)}
        for step in steps
        if step.error is not None and step.status is StepStatus.FAILED
    ]
    if tally.run_error is not None and not errors:
        errors.append({"step": None, **error_data(tally.run_error)})
    return {
        **run_line_data(run),
        "steps": [step.to_data() for step in steps],
        "assets": assets_data(tally),
        "checks": [
            {
                "asset": evaluation.asset,
                "name": evaluation.check,
                "partition": evaluation.partition,
                "status": check_status(evaluation).value,
                "severity": evaluation.severity,
                "blocking": evaluation.blocking,
                "description": evaluation.description,
                "metadata": metadata_as_data(evaluation.metadata),
            }
            for evaluation in tally.checks
        ],
        "errors": errors,
    }


def error_data(error: ErrorInfo) -> dict[str, Any]:
    """Return an error as JSON values: all of its frames, and what it was raised from."""
    return {
        "class": error.class_name,
        "message": error.message,
        "code": error.code,
        "frames": [
            {
                "path": frame.path,
                "line": frame.line,
                "function": frame.function,
                "source": frame.source,
                "is_user_code": frame.is_user_code,
            }
            for frame in error.frames
        ],
        "cause": error_data(error.cause) if error.cause is not None else None,
    }


def assets_data(tally: RunTally) -> list[dict[str, Any]]:
    """Return what became of each asset of a run: last metadata, and how many partitions."""
    made = [
        {
            "key": asset,
            "outcome": "materialized",
            "partitions": [event.partition for event in events if event.partition is not None],
            "data_version": events[-1].data_version,
            "metadata": metadata_as_data(events[-1].metadata),
        }
        for asset, events in tally.materialized.items()
    ]
    unchanged = [{"key": asset, "outcome": "unchanged"} for asset in tally.unchanged]
    observed = [{"key": asset, "outcome": "observed"} for asset in tally.observed]
    not_made = [
        {"key": event.asset, "outcome": event.outcome, "partitions": list(event.partitions), "cause": event.cause}
        for event in tally.not_materialized
    ]
    return [*made, *unchanged, *observed, *not_made]
