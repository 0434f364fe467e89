"""Errors of pipes: what went wrong with a process outside, or with what it said."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterable, Sequence

from headwater.model.errors.execution import ExecutionError
from headwater.model.errors.root import did_you_mean

_SHOWN_FAULTS = 10
_SHOWN_COMMAND = 300


class PipesExecutionError(ExecutionError):
    """The root of errors of processes that report through pipes."""

    code = "pipes"


class PipesLaunchError(PipesExecutionError):
    """A command could not be started."""

    code = "pipes-launch"

    def __init__(self, command: str | Sequence[str], cwd: str | None, reason: str) -> None:
        super().__init__(
            what=f"The command {shown_command(command)} could not be started: {reason}.",
            why=f"Nothing ran{f' in {cwd}' if cwd else ''}.",
            fix="Check that the program is installed where the step runs, that its path is right and may be executed, "
            "and that cwd= is a directory.",
        )


class PipesProcessFailed(PipesExecutionError):
    """A process ended with another exit code than 0, or was killed.

    `exit_code` is negative for a signal, as in subprocess; `stderr_tail` holds the last lines of its stderr;
    `reported_exception` what it said with its last message, as text.
    """

    code = "pipes-process-failed"

    def __init__(
        self,
        command: str | Sequence[str],
        exit_code: int,
        *,
        stderr_tail: Sequence[str] = (),
        reported_exception: str | None = None,
        step: str | None = None,
    ) -> None:
        self.exit_code = exit_code
        self.stderr_tail = tuple(stderr_tail)
        self.reported_exception = reported_exception
        told = [f"It reported: {reported_exception}"] if reported_exception else []
        if self.stderr_tail:
            told.append("The last lines of its stderr:\n" + "\n".join(f"  {line}" for line in self.stderr_tail) + "\n")
        super().__init__(
            what=f"The command {shown_command(command)}{f' of step {step!r}' if step else ''} {_ending(exit_code)}.",
            why="\n".join(told) or "It wrote nothing to stderr.",
            fix=_remedy(exit_code),
        )


class PipesMessageError(PipesExecutionError):
    """A process said things that cannot be meant, so the record of what it did would be incomplete.

    `faults` holds one sentence for each.
    """

    code = "pipes-message"

    def __init__(self, faults: Sequence[str], left_out: int = 0) -> None:
        self.faults = tuple(faults)
        total = len(self.faults) + left_out
        shown = self.faults[:_SHOWN_FAULTS]
        lines = "\n".join(f"  - {fault}" for fault in shown)
        more = f"\n  ... and {total - len(shown)} more" if total > len(shown) else ""
        count = "A message" if total == 1 else f"{total} messages"
        super().__init__(
            what=f"{count} of the external process could not be used:\n{lines}{more}\n",
            why="What it did cannot be recorded wholly, so the step does not count as done.",
            fix="Mend what the process reports, with the dagster-pipes package or another writer of its protocol.",
        )


class PipesResultError(PipesExecutionError):
    """One result was asked for, and the process reported none or several."""

    code = "pipes-result"


class PipesExtrasError(PipesExecutionError):
    """Extras hold something that cannot be handed to another process."""

    code = "pipes-extras"

    def __init__(self, place: str, found: str, reason: str, fix: str) -> None:
        super().__init__(
            what=f"extras{place} is a {found}, which cannot be handed to another process.",
            why=f"{reason}." if reason else "The context travels as JSON.",
            fix=fix or "Give numbers, text, lists and dicts.",
        )


def unknown_asset(key: str, known: Iterable[str]) -> str:
    """Return the sentence about a report for an asset that the step does not build."""
    names = list(known)
    listed = ", ".join(f'"{name}"' for name in names) or "no asset"
    return f'It reported the asset "{key}", but the step builds {listed}. {did_you_mean(key, names)}'.rstrip()


def unknown_check(check: str, asset: str, known: Iterable[str]) -> str:
    """Return the sentence about a report for a check that the step does not evaluate."""
    names = list(known)
    listed = ", ".join(f'"{name}"' for name in names) or "none"
    return (
        f'It reported the check "{check}" of "{asset}", but the step evaluates {listed}. {did_you_mean(check, names)}'
    ).rstrip()


def shown_command(command: str | Sequence[str]) -> str:
    """Return a command as a person would type it, in quotation marks and cut where it is very long."""
    text = command if isinstance(command, str) else shlex.join(map(str, command))
    return f"`{text}`" if len(text) <= _SHOWN_COMMAND else f"`{text[:_SHOWN_COMMAND]} ...`"


def _ending(exit_code: int) -> str:
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was killed by {name} (exit code {exit_code})"


def _remedy(exit_code: int) -> str:
    if exit_code == -9:
        return "Nobody catches this signal: most often the system ran out of memory; look into the system's log."
    if exit_code == 127:
        return "A shell gives 127 when it does not find a program: check names and PATH."
    return "All that it wrote is in the step's log."
