"""Times two contenders in turns, and prints what came out.

Each contender's turn follows the other's, so that a machine that slows down slows both. The minimum says what the code
costs; the median says what a user meets. Nothing here knows what is timed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Timings:
    """The seconds of one contender's runs, in the order in which they ran."""

    name: str
    seconds: tuple[float, ...]

    @property
    def minimum(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Limit:
    """What was promised: at most so many seconds, and at most this part of the peer's time."""

    seconds: float | None = None
    part_of_peer: float | None = None

    def misses(self, comparison: Comparison) -> tuple[str, ...]:
        """Return one sentence for each promise that the minimum of the runs does not keep."""
        ours = comparison.ours.minimum / comparison.units
        missed = []
        if self.seconds is not None and ours > self.seconds:
            missed.append(f"{in_words(ours)} is over the limit of {in_words(self.seconds)}")
        if self.part_of_peer is not None and 1 / comparison.ratio_of_minima > self.part_of_peer:
            missed.append(f"{comparison.ratio_of_minima:.1f}x is under the limit of {1 / self.part_of_peer:.0f}x")
        return tuple(missed)

    def __str__(self) -> str:
        parts = []
        if self.seconds is not None:
            parts.append(f"at most {in_words(self.seconds)}")
        if self.part_of_peer is not None:
            parts.append(f"at least {1 / self.part_of_peer:.0f}x as fast")
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both contenders' timings for one piece of work that has so many units (steps, assets, or 1)."""

    title: str
    ours: Timings
    peer: Timings
    units: int = 1
    unit: str = ""

    @property
    def ratio_of_minima(self) -> float:
        return self.peer.minimum / self.ours.minimum

    @property
    def ratio_of_medians(self) -> float:
        return self.peer.median / self.ours.median

    def table(self) -> str:
        """Return the comparison as aligned lines: each contender, then how many times as fast ours is."""
        per_unit = f"per {self.unit}" if self.unit else ""
        rows = [("", "minimum", "median", per_unit, "runs")]
        rows += [
            (
                each.name,
                in_words(each.minimum),
                in_words(each.median),
                in_words(each.minimum / self.units) if self.unit else "",
                str(len(each.seconds)),
            )
            for each in (self.ours, self.peer)
        ]
        rows.append(("times as fast", f"{self.ratio_of_minima:.1f}x", f"{self.ratio_of_medians:.1f}x", "", ""))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([self.title, *(line.rstrip() for line in lines)])


def interleave(measures: Mapping[str, Measure], runs: int, warm_ups: int = 1) -> dict[str, Timings]:
    """Return timings by name: `warm_ups` turns that are not counted, then `runs` turns that are, A B A B."""
    for _ in range(warm_ups):
        for measure in measures.values():
            measure()
    seconds: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(runs):
        for name, measure in measures.items():
            seconds[name].append(measure())
    return {name: Timings(name, tuple(taken)) for name, taken in seconds.items()}


def in_words(seconds: float) -> str:
    """Return a duration with three digits that matter and the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale or unit == "µs":
            return f"{seconds / scale:.3g} {unit}"
    raise AssertionError("unreachable")
