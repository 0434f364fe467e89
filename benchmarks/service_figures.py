"""What the benchmarks of the service print: figures side by side, each with the limit that was promised for it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.timing import in_words


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured. `at_most` and `at_least` are promises about our own value; `peer` None is no peer."""

    name: str
    ours: float
    peer: float | None = None
    unit: str = "s"
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_kept(self) -> bool:
        return (self.at_most is None or self.ours <= self.at_most) and (
            self.at_least is None or self.ours >= self.at_least
        )

    def cells(self) -> tuple[str, str, str, str]:
        verdict = ""
        if self.at_most is not None:
            verdict = f"at most {self.said(self.at_most)}: "
        elif self.at_least is not None:
            verdict = f"at least {self.said(self.at_least)}: "
        if verdict:
            verdict += "kept" if self.is_kept else "MISSED"
        return self.name, self.said(self.ours), "" if self.peer is None else self.said(self.peer), verdict

    def said(self, value: float) -> str:
        if self.unit == "s":
            return in_words(value)
        if self.unit == "bytes":
            return f"{value / 1e6:.1f} MB"
        return (
            f"{value:,.0f}{self.unit and ' '}{self.unit}"
            if value >= 10 or value == int(value)
            else f"{value:.2f}{self.unit and ' '}{self.unit}"
        )


def report(title: str, figures: Sequence[Figure], notes: Sequence[str] = ()) -> bool:
    """Print figures as a table with their limits, and how busy the machine is; return whether every limit was kept."""
    rows = [("", "Headwater", "Dagster", "limit"), *(each.cells() for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    busy = os.getloadavg()[0]
    print(f"{title}  (load {busy:.1f} on {os.cpu_count()} processors)")
    for row in rows:
        aligned = "  ".join(cell.rjust(width) for cell, width in zip(row[1:3], widths[1:], strict=True))
        print(f"  {row[0].ljust(widths[0])}  {aligned}  {row[3]}".rstrip())
    for note in notes:
        print(f"  {note}")
    print(end="", flush=True)
    return all(each.is_kept for each in figures)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the least of the values that so great a part of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
