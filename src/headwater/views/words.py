"""Numbers as people read them: counts, durations, instants and sizes.

Pure functions; an instant is shown in the local time zone, and "now" is always given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_AGO = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return "1 asset", "3 assets", "12,000 assets"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def duration_in_words(seconds: float | None) -> str:
    """Return "3 ms", "1.2 s", "2 min 5 s" or "1 d 3 h": two units at most; "-" for None."""
    if seconds is None:
        return "-"
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        milliseconds = seconds * 1000
        return f"{milliseconds:.0f} ms" if milliseconds >= 1 else "<1 ms"
    if seconds < 9.995:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for place, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            rest = "" if size == 1 else f"{whole % size // _UNITS[place + 1][0]} {_UNITS[place + 1][1]}"
            return f"{whole // size} {unit}" + (f" {rest}" if rest and not rest.startswith("0 ") else "")
    return "0 s"


def ago(at: float | None, now: float) -> str:
    """Return "just now", "3 minutes ago" or "2 days ago" for an instant in seconds since 1970; "never" for None."""
    if at is None:
        return "never"
    passed = now - at
    for size, unit in _AGO:
        if passed >= size:
            return f"{counted(int(passed // size), unit)} ago"
    return "just now" if passed < 10 else f"{int(passed)} seconds ago"


def instant_in_words(at: float | None) -> str:
    """Return "2024-05-01 12:00:03" in local time for seconds since 1970; "-" for None."""
    return "-" if at is None else datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def instant_as_iso(at: float | None) -> str | None:
    """Return "2024-05-01T10:00:03.250000+00:00" for seconds since 1970: what JSON documents carry."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def size_in_words(size_bytes: float) -> str:
    """Return "3 kB", "1.2 MB" or "5.0 GB", in powers of ten."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size_bytes >= limit:
            return f"{size_bytes / limit:.1f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB" if size_bytes >= 1e3 else f"{size_bytes:.0f} bytes"


def first_line(text: str | None, longest: int = 200) -> str:
    """Return the first line of a text that has letters in it, cut to `longest` characters."""
    line = next((line.strip() for line in (text or "").splitlines() if line.strip()), "")
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def listed(things: Sequence[str], most: int = 5) -> str:
    """Return "a, b, c" or, of more than `most`, "a, b, c, ... (12 in all)"."""
    if len(things) <= most:
        return ", ".join(things)
    return f"{', '.join(things[:most])}, ... ({len(things):,} in all)"
