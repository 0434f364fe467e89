"""Progress of a run as it goes: a live display on a terminal, one plain line for each step's end elsewhere.

`on_plan`, `on_event` and `on_line` are what a launch calls. They write to streams that were taken before the run began,
so nothing that they print is taken for the output of a step.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from headwater.cli.screen import COLOURS, Screen, can_draw
from headwater.model.events import CheckEvaluated, Event, StepRetryScheduled
from headwater.model.runs import StepStatus
from headwater.views.assets import CheckStatus, check_status
from headwater.views.metadata import measures_in_words
from headwater.views.runs import STEP_WORDS, RunTally, StepTally
from headwater.views.words import counted, duration_in_words

if TYPE_CHECKING:
    from headwater.engine.step_log_files import LogLine
    from headwater.plan.run_plan import RunPlan

MOST_RUNNING_SHOWN = 8
MOST_FINISHED_SHOWN = 5
MOST_MEASURES_SHOWN = 4
_QUIET_LEVELS = frozenset({"DEBUG"})
_ENDED = frozenset(
    {StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.BLOCKED, StepStatus.SKIPPED, StepStatus.CANCELED}
)


def progress_for(screen: Screen, verbose: bool = False) -> Progress:
    """Return the display that fits where the output goes."""
    stream = screen.err if screen.as_json else screen.out
    if can_draw(stream):
        return LiveProgress(screen, stream, verbose)
    return Progress(screen, verbose)


class Progress:
    """Plain lines: a status word first, then the step, so that they are easily searched."""

    def __init__(self, screen: Screen, verbose: bool = False) -> None:
        self.screen = screen
        self.verbose = verbose
        self.tally = RunTally()
        self.run_id: str | None = None
        # A failed attempt is told of when the next event shows whether another follows.
        self._failed_just_now: StepTally | None = None
        # Steps of one run may report from several threads.
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._tell_failure()

    def _tell_failure(self) -> None:
        step, self._failed_just_now = self._failed_just_now, None
        if step is not None:
            self.step_ended(step)

    def on_plan(self, plan: RunPlan) -> None:
        with self._lock:
            for key in plan.step_keys:
                self.tally.steps.setdefault(key, StepTally(key))
            self.planned(plan)

    def on_event(self, event: Event) -> None:
        with self._lock:
            self.run_id = event.run_id or self.run_id
            step = self.tally.take(event)
            if not isinstance(event, StepRetryScheduled):
                self._tell_failure()
            if isinstance(event, CheckEvaluated) and not event.passed:
                self.check_not_passed(event)
            elif isinstance(event, StepRetryScheduled) and step is not None:
                self._failed_just_now = None
                self.step_ended(step, f"attempt {event.attempt} in {duration_in_words(event.not_before - time.time())}")
            elif step is not None and step.status is StepStatus.FAILED:
                self._failed_just_now = step
            elif step is not None and step.status in _ENDED:
                self.step_ended(step)
            elif step is not None:
                self.step_began(step)

    def on_line(self, line: LogLine) -> None:
        """Tell what a step said, unless it is for those who debug it."""
        if line.level in _QUIET_LEVELS and not self.verbose:
            return
        level = f"{line.level} " if line.level not in (None, "INFO") else ""
        with self._lock:
            self.said(line.step_key, f"{level}{line.message}")

    # What is shown; a display of another kind overrides these.

    def planned(self, plan: RunPlan) -> None:
        return

    def step_began(self, step: StepTally) -> None:
        return

    def step_ended(self, step: StepTally, detail: str = "") -> None:
        parts = [STEP_WORDS[step.status], step.key]
        if step.duration_seconds is not None and step.status in (StepStatus.SUCCEEDED, StepStatus.FAILED):
            parts.append(duration_in_words(step.duration_seconds))
        parts += [part for part in (detail, step.cause) if part]
        self._line("  ".join(parts))

    def check_not_passed(self, evaluation: CheckEvaluated) -> None:
        self._line(check_line(evaluation))

    def said(self, step_key: str, text: str) -> None:
        self.screen.say(f"[{step_key}] {text}")

    def _line(self, text: str) -> None:
        if self.screen.as_json:
            self.screen.say(text)
        else:
            self.screen.result(text)


class LiveProgress(Progress):
    """A few lines at the bottom of the terminal, drawn anew as the run goes: what runs, what ended last, and counts."""

    def __init__(self, screen: Screen, stream: TextIO, verbose: bool = False) -> None:
        super().__init__(screen, verbose)
        from rich.console import Console
        from rich.live import Live

        self._began = time.monotonic()
        self._running: dict[str, float] = {}
        self._finished: deque[tuple[StepStatus, str]] = deque(maxlen=MOST_FINISHED_SHOWN)
        self._console = Console(file=stream, highlight=False)
        # What steps print is captured and comes by `said`; Live must not stand in for the streams as well.
        self._live = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        self._live.stop()

    def step_began(self, step: StepTally) -> None:
        self._running[step.key] = time.monotonic()

    def step_ended(self, step: StepTally, detail: str = "") -> None:
        self._running.pop(step.key, None)
        told = "  ".join(
            part
            for part in (
                step.key,
                duration_in_words(step.duration_seconds) if step.duration_seconds is not None else "",
                detail,
                step.cause,
            )
            if part
        )
        if step.status is StepStatus.FAILED:
            # It stays above the display: a failure is not to scroll out of sight.
            self._say("failed", told)
        self._finished.append((step.status, told))

    def check_not_passed(self, evaluation: CheckEvaluated) -> None:
        word, _, rest = check_line(evaluation).partition("  ")
        self._say(word, rest)

    def said(self, step_key: str, text: str) -> None:
        from rich.text import Text

        self._console.print(Text.assemble((f"[{step_key}] ", "dim"), text), soft_wrap=True)

    def _say(self, word: str, rest: str) -> None:
        from rich.text import Text

        self._console.print(Text.assemble((word, COLOURS.get(word, "")), "  ", rest), soft_wrap=True)

    def _drawn(self) -> Any:
        from rich.text import Text

        # Called from the display's own thread, also while an event is told of: copies, and no lock.
        running, finished = list(self._running.items()), list(self._finished)
        steps = list(self.tally.steps.values())
        now = time.monotonic()
        lines: list[Text] = []
        for status, told in finished:
            word = STEP_WORDS[status]
            lines.append(Text.assemble((f"{word:<10}", COLOURS.get(word, "")), told))
        for key, began in running[:MOST_RUNNING_SHOWN]:
            lines.append(Text.assemble((f"{'running':<10}", "cyan"), key, "  ", duration_in_words(now - began)))
        if len(running) > MOST_RUNNING_SHOWN:
            lines.append(Text(f"          and {counted(len(running) - MOST_RUNNING_SHOWN, 'other step')}", "dim"))
        ended = sum(step.status in _ENDED for step in steps)
        failed = sum(step.status is StepStatus.FAILED for step in steps)
        head = Text.assemble(
            (f"{ended:,} of {counted(len(steps), 'step')}", "bold"),
            (f", {failed:,} failed", "red") if failed else "",
            f", {duration_in_words(now - self._began)}",
        )
        # The joined text forgets what was said of its parts.
        return _cut(Text("\n").join([*lines, head]))


def check_line(evaluation: CheckEvaluated) -> str:
    """Return one line about a check that did not pass: status word first, then what it says of the reason."""
    status = check_status(evaluation)
    at = f" [{evaluation.partition}]" if evaluation.partition is not None else ""
    measured = measures_in_words(evaluation.metadata, beside=evaluation.description)[:MOST_MEASURES_SHOWN]
    notes = [
        note
        for note in (
            "blocking" if evaluation.blocks else "",
            evaluation.description or "",
            ", ".join(measured),
        )
        if note
    ]
    word = "warned" if status is CheckStatus.WARNED else "failed"
    return "  ".join([word, f"check {evaluation.asset}:{evaluation.check}{at}", *notes])


def _cut(text: Any) -> Any:
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text
