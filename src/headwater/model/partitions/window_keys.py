"""How a window of time is written as a key, and a key read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from headwater.model.partitions.windows import EPOCH_ORDINAL, DailyCadence, HourlyCadence

if TYPE_CHECKING:
    from headwater.model.partitions.windows import Cadence


class WindowKeys:
    """The keys of the windows of a cadence: the local start of each, written as `fmt`."""

    __slots__ = ("_cadence", "fmt")

    def __init__(self, fmt: str, cadence: Cadence) -> None:
        self.fmt = fmt
        self._cadence = cadence

    def key_at(self, number: int) -> str:
        """Return the key of a window; the second of two windows that read alike has its UTC offset appended."""
        start = self._cadence.local_start(number)
        if self.fmt == "%Y-%m-%d":
            key = start.isoformat()[:10]
        elif self.fmt == "%Y-%m-%d-%H:%M":
            iso = start.isoformat()
            key = f"{iso[:10]}-{iso[11:16]}"
        else:
            key = start.strftime(self.fmt)
        if start.fold and "%z" not in self.fmt:
            key += start.strftime("%z")
        return key

    def keys_at(self, numbers: Iterable[int]) -> Iterator[str]:
        """Return the keys of many windows; of whole days, and of parts of an hour in UTC, without a clock for each."""
        cadence = self._cadence
        if self.fmt == "%Y-%m-%d" and isinstance(cadence, DailyCadence):
            return (date.fromordinal(number).isoformat() for number in numbers)
        if self.fmt == "%Y-%m-%d-%H:%M" and isinstance(cadence, HourlyCadence) and cadence.zone is UTC:
            return self._by_day(numbers, cadence)
        return map(self.key_at, numbers)

    @staticmethod
    def _by_day(numbers: Iterable[int], cadence: HourlyCadence) -> Iterator[str]:
        in_a_day = 24 * len(cadence.minutes)
        times = [f"-{hour:02d}:{minute:02d}" for hour in range(24) for minute in cadence.minutes]
        first_of_epoch = cadence.number_at(cadence.minutes[0] * 60)
        known, prefix = None, ""
        for number in numbers:
            day, place = divmod(number - first_of_epoch, in_a_day)
            if day != known:
                known, prefix = day, date.fromordinal(EPOCH_ORDINAL + day).isoformat()
            yield prefix + times[place]

    def local_of(self, partition_key: str) -> datetime | None:
        """Return the time that a key spells, aware if it spells an offset; None when it does not fit the format."""
        # The usual formats are ISO 8601 but for a dash, and strptime is four times slower.
        iso = partition_key if self.fmt == "%Y-%m-%d" and len(partition_key) == 10 else None
        if self.fmt == "%Y-%m-%d-%H:%M" and len(partition_key) == 16:
            iso = f"{partition_key[:10]}T{partition_key[11:]}"
        if iso is not None:
            try:
                return datetime.fromisoformat(iso)
            except ValueError:
                return None
        for fmt in (self.fmt, f"{self.fmt}%z"):
            try:
                return datetime.strptime(partition_key, fmt)
            except ValueError:
                continue
        return None

    def number_of(self, partition_key: str) -> int | None:
        """Return the window of a key; None for one that is not the start of a window, written as `fmt`."""
        try:
            local = self.local_of(partition_key)
            if local is None:
                return None
            number = self._cadence.number_from_local(local)
            return number if self.key_at(number) == partition_key else None
        except (ValueError, OverflowError):
            return None
