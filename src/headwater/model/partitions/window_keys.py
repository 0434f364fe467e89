"""How a window of time is written as a key, and a key read back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

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
            key = f"{start.year:04d}-{start.month:02d}-{start.day:02d}"
        elif self.fmt == "%Y-%m-%d-%H:%M":
            key = f"{start.year:04d}-{start.month:02d}-{start.day:02d}-{start.hour:02d}:{start.minute:02d}"
        else:
            key = start.strftime(self.fmt)
        if start.fold and "%z" not in self.fmt:
            key += start.strftime("%z")
        return key

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
