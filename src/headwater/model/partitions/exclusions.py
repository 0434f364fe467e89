"""Windows of time that a definition leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.model.partitions.ordinals import no_ordinals, ordinals_of

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals
    from headwater.model.partitions.windows import Cadence


class ExcludedWindows:
    """The windows of a cadence that begin on a tick of other cadences, or at given instants.

    They are found once, from the first window on, as far as anyone has asked.
    """

    def __init__(
        self, cadence: Cadence, first: int, excluding: tuple[Cadence, ...], instants: tuple[float, ...]
    ) -> None:
        self._cadence = cadence
        self._first = first
        self._excluding = excluding
        self._instants = instants
        self._known_until: tuple[int, Ordinals] | None = None

    def up_to(self, last: int) -> Ordinals:
        """Return the numbers of the excluded windows from the first to at least `last`."""
        if last < self._first:
            return no_ordinals()
        known = self._known_until
        if known is not None and known[0] >= last:
            return known[1]
        begin = self._first if known is None else known[0] + 1
        # Look ahead, so that asking window by window does not count again each time.
        until = last + max(64, (last - self._first) // 4)
        found = ordinals_of(self._between(begin, until))
        excluded = found if known is None else known[1] | found
        self._known_until = (until, excluded)
        return excluded

    def _between(self, begin: int, until: int) -> list[int]:
        begins_at, ends_at = self._cadence.instant(begin), self._cadence.instant(until)
        instants = [instant for instant in self._instants if begins_at <= instant <= ends_at]
        for cadence in self._excluding:
            tick = cadence.number_from(begins_at)
            while (instant := cadence.instant(tick)) <= ends_at:
                instants.append(instant)
                tick += 1
        numbers = ((self._cadence.number_at(instant), instant) for instant in instants)
        return [number for number, instant in numbers if self._cadence.instant(number) == instant]
