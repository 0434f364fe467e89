"""Progress of a backfill as it goes: a live display on a terminal, a plain line now and then elsewhere.

`show` is called as often as anyone likes, with the record of the backfill; what is written is written at a modest rate.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TextIO

from headwater.cli.screen import COLOURS, Screen, can_draw
from headwater.model.backfills import Backfill, Outcome
from headwater.views.backfills import asset_tallies, backfill_subject, backfill_word, progress_in_words, short_id
from headwater.views.words import counted, duration_in_words

MOST_ASSETS_SHOWN = 8
MOST_FAILURES_TOLD = 10
_LINE_SECONDS = 5.0
_BAR_WIDTH = 20


def backfill_progress_for(screen: Screen) -> BackfillDisplay:
    """Return the display that fits where the output goes."""
    stream = screen.err if screen.as_json else screen.out
    return LiveBackfillDisplay(screen, stream) if can_draw(stream) else BackfillDisplay(screen)


class BackfillDisplay:
    """Plain lines: one when it begins, one every few seconds while it goes on, one for each of the first failures."""

    def __init__(self, screen: Screen, line_seconds: float = _LINE_SECONDS) -> None:
        self.screen = screen
        self.latest: Backfill | None = None
        self._line_seconds = line_seconds
        self._line_at = time.monotonic() + line_seconds
        self._word: str | None = None
        self._ended = -1
        self._failures_told = 0

    def __enter__(self) -> BackfillDisplay:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return

    def show(self, backfill: Backfill) -> None:
        """Take in where the backfill stands now."""
        self.latest = backfill
        word = backfill_word(backfill)
        now = time.monotonic()
        is_new = self._word is not None and word != self._word and not backfill.is_finished
        if is_new or (now >= self._line_at and backfill.ended_count != self._ended and not backfill.is_finished):
            self._line_at = now + self._line_seconds
            self._ended = backfill.ended_count
            self.line(f"{word}  {progress_in_words(backfill)}")
        self._word = word

    def failed(self, subject: str, cause: str) -> None:
        """Tell of a run that failed; of very many only the first are told of, and that there are more."""
        self._failures_told += 1
        if self._failures_told <= MOST_FAILURES_TOLD:
            self.line(f"failed  {subject}  {cause}".rstrip())
        elif self._failures_told == MOST_FAILURES_TOLD + 1:
            self.line("failed  more; all are told of at the end, and by: headwater backfill show latest")

    @property
    def tells_failures(self) -> bool:
        """Whether another failure would still be shown."""
        return self._failures_told <= MOST_FAILURES_TOLD

    def line(self, text: str) -> None:
        if self.screen.as_json:
            self.screen.say(text)
        else:
            self.screen.result(text)


class LiveBackfillDisplay(BackfillDisplay):
    """A few lines at the bottom of the terminal: the assets with a bar each, and all together."""

    def __init__(self, screen: Screen, stream: TextIO) -> None:
        super().__init__(screen)
        from rich.console import Console
        from rich.live import Live

        self._began = time.monotonic()
        self._console = Console(file=stream, highlight=False)
        # What steps print is captured; Live must not stand in for the streams as well.
        self._live = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveBackfillDisplay:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, backfill: Backfill) -> None:
        self.latest = backfill

    def line(self, text: str) -> None:
        from rich.text import Text

        word, _, rest = text.partition("  ")
        self._console.print(Text.assemble((word, COLOURS.get(word, "")), "  ", rest), soft_wrap=True)

    def _drawn(self) -> Any:
        from rich.text import Text

        backfill = self.latest
        passed = duration_in_words(time.monotonic() - self._began)
        if backfill is None:
            return Text(f"beginning, {passed}", "dim")
        tallies = asset_tallies(backfill)
        # The assets at which it is now are those that people look at.
        moving = [each for each in tallies if each["ended"] < each["total"]] or tallies
        width = max((len(each["asset"]) for each in moving[:MOST_ASSETS_SHOWN]), default=0)
        lines = [_asset_line(each, width) for each in moving[:MOST_ASSETS_SHOWN]]
        if len(moving) > MOST_ASSETS_SHOWN:
            lines.append(Text(f"and {counted(len(moving) - MOST_ASSETS_SHOWN, 'other asset')}", "dim"))
        word = backfill_word(backfill)
        head = Text.assemble(
            (word, COLOURS.get(word, "bold")),
            (f"  {progress_in_words(backfill)}", "red" if backfill.count(Outcome.FAILED) else "bold"),
            (f"  {passed}  {backfill_subject(backfill)} {short_id(backfill.backfill_id)}", "dim"),
        )
        drawn = Text("\n").join([*lines, head])
        drawn.no_wrap, drawn.overflow = True, "ellipsis"
        return drawn


def _asset_line(tally: dict[str, Any], width: int) -> Any:
    from rich.text import Text

    total = tally["total"]
    done = _BAR_WIDTH * tally["ended"] // total if total else 0
    notes: Sequence[str] = [
        f"{tally[word]:,} {word}" for word in ("failed", "blocked", "skipped", "running") if tally[word]
    ]
    return Text.assemble(
        f"{tally['asset']:<{width}}  ",
        ("━" * done, "green"),
        ("━" * (_BAR_WIDTH - done), "dim"),
        f"  {tally['materialized']:,} of {total:,}",
        (f"  {', '.join(notes)}" if notes else "", "red" if tally["failed"] else "dim"),
    )
