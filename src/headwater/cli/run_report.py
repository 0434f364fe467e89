"""What is said of a run when it has ended, and when it is looked up: the same words for both."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.cli.screen import Screen
from headwater.engine.error_info import format_error
from headwater.model.events import ErrorInfo
from headwater.model.runs import Run, RunStatus, StepStatus
from headwater.views.assets import CheckStatus
from headwater.views.runs import RunTally, StepTally, is_check_failure, run_sentence, short_id
from headwater.views.words import counted, listed

_MOST_FAILURES_SHOWN = 5
_MOST_CAUSES_SHOWN = 10


def report_end(
    screen: Screen,
    run: Run,
    tally: RunTally,
    steps: Sequence[StepTally],
    *,
    now: float,
    storage_dir: str,
    full: bool = False,
) -> None:
    """Print the summary with which a launch ends."""
    screen.result()
    report_failures(screen, tally, steps, full=full)
    report_checks(screen, tally)
    sentence = run_sentence(run, now, tells_cause=not _is_told_by_checks(tally, steps))
    screen.result(screen.styled(sentence, _style_of(run)))
    screen.result(f"  {tally.in_words()}.")
    if tally.materialized:
        screen.result(f"  values: {storage_dir}")
    screen.result(f"  look further: headwater run show {short_id(run.run_id)}")
    failed = [step for step in steps if step.status is StepStatus.FAILED]
    if failed:
        screen.result(f"                headwater run logs {short_id(run.run_id)} --step '{failed[0].key}'")
    elif tally.materialized:
        screen.result(f"                headwater asset show {next(reversed(tally.materialized))}")


def report_one_of_several(
    screen: Screen, run: Run, tally: RunTally, steps: Sequence[StepTally], *, full: bool = False
) -> None:
    """Print how one run of several ended: what went wrong, and one sentence."""
    report_failures(screen, tally, steps, full=full)
    report_checks(screen, tally)
    ended_at = run.ended_at or run.created_at
    sentence = run_sentence(run, ended_at, tells_cause=not _is_told_by_checks(tally, steps))
    screen.result(screen.styled(sentence, _style_of(run)))
    screen.result(f"  {tally.in_words()}.")


def report_several(
    screen: Screen,
    *,
    launched: int,
    succeeded: int,
    failed: Sequence[str],
    not_started: int,
    partitions: int,
    storage_dir: str | None,
) -> None:
    """Print the summary of all runs of one command; `failed` are the partitions of those that failed."""
    told = [f"{succeeded:,} succeeded"]
    if failed:
        told.append(f"{len(failed):,} failed ({listed(failed)})")
    if canceled := launched - succeeded - len(failed):
        told.append(f"{canceled:,} canceled")
    if not_started:
        told.append(f"{not_started:,} not started")
    sentence = f"{counted(launched + not_started, 'run')}, {counted(partitions, 'partition')}: {', '.join(told)}."
    screen.result()
    screen.result(
        screen.styled(
            sentence, "red bold" if failed else "green" if succeeded == launched and not not_started else "yellow"
        )
    )
    if storage_dir is not None:
        screen.result(f"  values: {storage_dir}")
    screen.result("  look further: headwater run list")


def _is_told_by_checks(tally: RunTally, steps: Sequence[StepTally]) -> bool:
    """Whether all that failed are blocking checks, which are told of by what they said."""
    errors = [step.error for step in steps if step.status is StepStatus.FAILED]
    return bool(errors) and bool(tally.checks_with(CheckStatus.FAILED)) and all(map(is_check_failure, errors))


def _style_of(run: Run) -> str:
    return {RunStatus.SUCCESS: "green", RunStatus.FAILURE: "red bold"}.get(run.status, "yellow")


def report_failures(screen: Screen, tally: RunTally, steps: Sequence[StepTally], *, full: bool) -> None:
    """Print each failed step with the frames of the user's code, then what could not run because of what.

    A step that failed by a blocking check is left to `report_checks`.
    """
    failed = [step for step in steps if step.status is StepStatus.FAILED]
    is_by_checks = _is_told_by_checks(tally, failed)
    if tally.checks_with(CheckStatus.FAILED):
        failed = [step for step in failed if not is_check_failure(step.error)]
    for step in failed[:_MOST_FAILURES_SHOWN]:
        screen.result(f"{screen.styled('failed', 'red bold')} {screen.styled(step.key, 'bold')}")
        screen.result(_indented(_card(step.error, full) if step.error is not None else step.cause or ""))
        screen.result()
    if len(failed) > _MOST_FAILURES_SHOWN:
        rest = [step.key for step in failed[_MOST_FAILURES_SHOWN:]]
        screen.result(f"{screen.styled('failed', 'red bold')} too: {listed(rest)}\n")
    if tally.run_error is not None and not failed and not is_by_checks:
        screen.result(_indented(_card(tally.run_error, full)))
        screen.result()
    blocked_by: dict[str, list[str]] = {}
    for step in steps:
        if step.status is StepStatus.BLOCKED:
            blocked_by.setdefault(step.cause or "", []).append(step.key)
    for cause, keys in list(blocked_by.items())[:_MOST_CAUSES_SHOWN]:
        screen.result(f"{screen.styled('blocked', 'yellow')} {cause}: {listed(keys)}")
    if len(blocked_by) > _MOST_CAUSES_SHOWN:
        screen.result(f"and {counted(len(blocked_by) - _MOST_CAUSES_SHOWN, 'other cause')}")
    if blocked_by:
        screen.result()


def report_checks(screen: Screen, tally: RunTally) -> None:
    """Print the checks that did not pass."""
    from headwater.cli.progress import check_line

    worth_telling = [*tally.checks_with(CheckStatus.FAILED), *tally.checks_with(CheckStatus.WARNED)]
    for evaluation in worth_telling[:_MOST_CAUSES_SHOWN]:
        word, _, rest = check_line(evaluation).partition("  ")
        screen.result(f"{screen.word(word)} {rest}")
    if len(worth_telling) > _MOST_CAUSES_SHOWN:
        screen.result(f"and {counted(len(worth_telling) - _MOST_CAUSES_SHOWN, 'other check')} did not pass")
    if worth_telling:
        screen.result()


def _card(error: ErrorInfo, full: bool) -> str:
    text = format_error(error, full=full)
    return text.replace("not shown.)", "not shown: --full-traceback shows them.)") if not full else text


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
