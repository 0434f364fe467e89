"""What is printed, and where: results to stdout, messages to stderr, one JSON document in place of both when asked.

On a terminal tables are drawn with rich; elsewhere they are plain lines without colours, complete and easy to cut.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

# Words that are coloured wherever they stand alone in a cell.
COLOURS = {
    "succeeded": "green",
    "materialized": "green",
    "passed": "green",
    "ok": "green",
    "observed": "green",
    "running": "cyan",
    "partial": "yellow",
    "stale": "yellow",
    "warned": "yellow",
    "warning": "yellow",
    "interrupted": "yellow",
    "canceled": "yellow",
    "blocked": "yellow",
    "retrying": "yellow",
    "failed": "red",
    "error": "red",
    "missing": "dim",
    "skipped": "dim",
    "external": "dim",
    "not evaluated": "dim",
}
_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "red bold": "31;1"}


class Screen:
    """The two streams of this process, taken when the command begins: what steps print later cannot get between."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = _real(sys.stdout)
        self.err = _real(sys.stderr)
        self.is_closed = False

    @property
    def draws(self) -> bool:
        """Whether results go to a terminal that can be drawn on."""
        return not self.as_json and can_draw(self.out)

    # Results

    def result(self, text: str = "") -> None:
        """Print a line of the result; nothing when a JSON document is the result."""
        if not self.as_json:
            self._write(self.out, f"{text}\n")

    def document(self, data: Any) -> None:
        """Print the one JSON document."""
        # msgspec writes it; the standard library only lays it out, as documents are read by people too.
        import json

        from headwater.model.codec import encode_json

        text = json.dumps(json.loads(encode_json(data)), indent=2, ensure_ascii=False)
        self._write(self.out, f"{text}\n")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        """Print rows under their columns; those named in `right` hold numbers."""
        if self.as_json:
            return
        cells = [[" ".join(cell.split("\n")) for cell in row] for row in rows]
        if self.draws:
            self._draw_table(columns, cells, right)
            return
        widths = [max(len(row[place]) for row in [columns, *cells]) for place in range(len(columns))]
        for row in [[column.upper() for column in columns], *cells]:
            padded = [
                cell.rjust(width) if column in right else cell.ljust(width)
                for cell, width, column in zip(row, widths, columns, strict=True)
            ]
            self.result("  ".join(padded).rstrip())

    def _draw_table(self, columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[str]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="dim")
        for place, column in enumerate(columns):
            # The first column is what people copy.
            table.add_column(
                column, justify="right" if column in right else "left", overflow="fold", no_wrap=place == 0
            )
        for row in cells:
            table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
        Console(file=self.out, highlight=False).print(table)

    def fields(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        """Print what is known of one thing, a line for each; a pair without a value is left out."""
        shown = [(name, value) for name, value in pairs if value]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            indented = value.replace("\n", f"\n{' ' * (width + 2)}")
            self.result(f"{self.styled(name.ljust(width), 'dim')}  {self.styled(indented, COLOURS.get(value, ''))}")

    def heading(self, text: str) -> None:
        self.result(f"\n{self.styled(text, 'bold')}")

    # Messages

    def say(self, text: str) -> None:
        """Print a message, which is no result."""
        self._write(self.err, f"{text}\n")

    def styled(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """Return text in a style where the stream (stdout, if not told otherwise) is a terminal."""
        if not text or style not in _SGR or not can_draw(stream or self.out) or "NO_COLOR" in os.environ:
            return text
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m"

    def word(self, word: str) -> str:
        """Return a status word in its colour."""
        return self.styled(word, COLOURS.get(word, ""))

    def _write(self, stream: TextIO | None, text: str) -> None:
        if stream is None:
            return
        try:
            try:
                stream.write(text)
            except UnicodeEncodeError:
                encoding = stream.encoding or "ascii"
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            self.is_closed = True
            _silence(stream)


def can_draw(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal on which more than plain lines can be shown."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "") != "dumb"


def _real(stream: Any) -> Any:
    """Return the stream itself where a run has put a stand-in before it."""
    return getattr(stream, "uncaptured", stream)


def _silence(stream: TextIO) -> None:
    """Send what is still to come nowhere: the reader has gone, and that is no error of ours."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
