"""The calendar arithmetic under time-window partitions: which instant begins window number n, and back.

A cadence numbers all the windows that its cron schedule makes in a timezone. Hourly, daily, weekly and monthly cadences
count from the year 1, so a window keeps its number whatever start date a definition has; other cron schedules count
from an anchor, in a table that grows as it is asked. Instants are seconds since 1970 in UTC.

DST: a daily, weekly or monthly window whose local start time is skipped begins at the end of the gap; one whose start
comes twice begins at its first coming. Hourly windows begin wherever the local clock shows their minute.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from math import floor
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCH = datetime(1970, 1, 1)
EPOCH_ORDINAL = EPOCH.toordinal()
HOUR = 3600
DAY = 86400
# Keeps ordinals of windows before the anchor of a cron table, which only ever bound a shifted window, above zero.
CRON_ORIGIN = 1 << 31


class TimeWindow(NamedTuple):
    """The time from `start`, included, to `end`, excluded."""

    start: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        """The time that really passes: 23 hours for a day that loses one to daylight saving."""
        return timedelta(seconds=seconds_of(self.end) - seconds_of(self.start))

    @property
    def is_empty(self) -> bool:
        return seconds_of(self.start) >= seconds_of(self.end)


def seconds_of(instant: datetime) -> float:
    """Return the seconds from 1970 in UTC; a naive datetime means UTC."""
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return aware.timestamp()


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo | None:
    """Return the timezone of this name in the IANA database, or None."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def instant_in(zone: tzinfo, seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, zone)


def _offset_at(zone: tzinfo, seconds: int) -> int:
    """Return how many seconds the local clock is ahead of UTC at an instant."""
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def seconds_of_local(zone: tzinfo, local: datetime) -> float:
    """Return the instant at which the local clock first shows `local` (naive), or passes it in a gap."""
    wall = (local - EPOCH).total_seconds()
    if zone is UTC:
        return wall
    before = local.replace(tzinfo=zone, fold=0).utcoffset() or timedelta(0)
    after = local.replace(tzinfo=zone, fold=1).utcoffset() or timedelta(0)
    if after <= before:
        return wall - before.total_seconds()
    # Skipped: find the second in which the offset changes.
    early, late = int(wall - after.total_seconds()), int(wall - before.total_seconds()) + 1
    old_offset = _offset_at(zone, early)
    while late - early > 1:
        middle = (early + late) // 2
        if _offset_at(zone, middle) == old_offset:
            early = middle
        else:
            late = middle
    return late


class Cadence(ABC):
    """An endless sequence of instants, numbered by whole numbers without gaps."""

    zone: tzinfo

    @abstractmethod
    def instant(self, number: int) -> float:
        """Return the instant at which window `number` begins."""

    @abstractmethod
    def number_at(self, seconds: float) -> int:
        """Return the number of the window that holds an instant: the last that begins at or before it."""

    @abstractmethod
    def number_from_local(self, local: datetime) -> int:
        """Return the first window whose local start is `local` or later; `local` may carry an explicit offset."""

    def local_start(self, number: int) -> datetime:
        """Return the start of a window as its key writes it, aware."""
        return instant_in(self.zone, self.instant(number))

    def number_from(self, seconds: float) -> int:
        """Return the first window that begins at or after an instant."""
        number = self.number_at(seconds)
        return number if self.instant(number) == seconds else number + 1

    def number_before(self, seconds: float) -> int:
        """Return the last window that begins strictly before an instant."""
        return self.number_from(seconds) - 1


class CalendarCadence(Cadence):
    """One window for each day, week or month, beginning at a fixed local time. Subclasses number the dates."""

    def __init__(self, zone: tzinfo, hour: int, minute: int) -> None:
        self.zone = zone
        self.hour = hour
        self.minute = minute

    @abstractmethod
    def nominal(self, number: int) -> datetime:
        """Return the local start as the calendar has it (naive), whether or not the clock ever shows it."""

    @abstractmethod
    def guess(self, local: datetime) -> int:
        """Return the number of the period of the calendar that holds a local date; at most one off."""

    def local_start(self, number: int) -> datetime:
        return self.nominal(number).replace(tzinfo=self.zone)

    def instant(self, number: int) -> float:
        return seconds_of_local(self.zone, self.nominal(number))

    def number_at(self, seconds: float) -> int:
        number = self.guess(instant_in(self.zone, seconds))
        while self.instant(number) > seconds:
            number -= 1
        while self.instant(number + 1) <= seconds:
            number += 1
        return number

    def number_from_local(self, local: datetime) -> int:
        if local.tzinfo is not None:
            return self.number_from(seconds_of(local))
        number = self.guess(local)
        while self.nominal(number) >= local:
            number -= 1
        while self.nominal(number) < local:
            number += 1
        return number


class DailyCadence(CalendarCadence):
    def nominal(self, number: int) -> datetime:
        date = datetime.fromordinal(number)
        return date.replace(hour=self.hour, minute=self.minute)

    def guess(self, local: datetime) -> int:
        return local.toordinal()


class WeeklyCadence(CalendarCadence):
    def __init__(self, zone: tzinfo, hour: int, minute: int, day_of_week: int) -> None:
        super().__init__(zone, hour, minute)
        # Day 7 of the proleptic calendar was a Sunday, which cron calls 0.
        self.day_of_week = day_of_week % 7

    def nominal(self, number: int) -> datetime:
        date = datetime.fromordinal(number * 7 + self.day_of_week)
        return date.replace(hour=self.hour, minute=self.minute)

    def guess(self, local: datetime) -> int:
        return (local.toordinal() - self.day_of_week) // 7


class MonthlyCadence(CalendarCadence):
    def __init__(self, zone: tzinfo, hour: int, minute: int, day_of_month: int) -> None:
        super().__init__(zone, hour, minute)
        self.day_of_month = day_of_month

    def nominal(self, number: int) -> datetime:
        return datetime(number // 12, number % 12 + 1, self.day_of_month, self.hour, self.minute)

    def guess(self, local: datetime) -> int:
        return local.year * 12 + local.month - 1


class _Phase(NamedTuple):
    """A stretch of time in which the local clock's distance to UTC is the same but for whole hours."""

    begins: float
    offset: int


@lru_cache(maxsize=64)
def _phases(zone: tzinfo) -> tuple[_Phase, ...]:
    """Return the stretches between changes of a zone's offset that are not whole hours, from 1900 to 2200.

    Nearly every zone has one since standard time came; Australia/Lord_Howe has two more each year. No zone has
    changed so and back within four weeks, so looking that often misses nothing.
    """
    begin, end, step = -70 * 366 * DAY, 230 * 365 * DAY, 28 * DAY
    found = [_Phase(float("-inf"), _offset_at(zone, begin))]
    if zone is UTC:
        return tuple(found)
    for sample in range(begin + step, end, step):
        phase, offset = found[-1].offset % HOUR, _offset_at(zone, sample)
        if offset % HOUR == phase:
            continue
        early, late = sample - step, sample
        while late - early > 1:
            middle = (early + late) // 2
            if _offset_at(zone, middle) % HOUR == phase:
                early = middle
            else:
                late = middle
        found.append(_Phase(late, _offset_at(zone, late)))
    return tuple(found)


class HourlyCadence(Cadence):
    """Windows that begin whenever the local clock shows one of `minutes`, every hour of every day."""

    def __init__(self, zone: tzinfo, minutes: tuple[int, ...]) -> None:
        self.zone = zone
        self.minutes = minutes
        self._seconds = tuple(minute * 60 for minute in minutes)
        self._hours_before_epoch = EPOCH_ORDINAL * 24 * len(minutes)
        phases = _phases(zone)
        self._begins = [phase.begins for phase in phases]
        self._offsets = [phase.offset for phase in phases]
        # A window's number is its count on the local clock plus what earlier phases added or lost.
        self._corrections = [self._hours_before_epoch]
        self._last_numbers: list[int] = []
        for index in range(1, len(phases)):
            last_second = int(phases[index].begins) - 1
            last = self._count(last_second + self._offsets[index - 1]) + self._corrections[index - 1]
            self._last_numbers.append(last)
            self._corrections.append(last - self._count(last_second + self._offsets[index]))

    def _count(self, local_seconds: float) -> int:
        hour, rest = divmod(local_seconds, HOUR)
        return int(hour) * len(self.minutes) + bisect_right(self._seconds, rest)

    def number_at(self, seconds: float) -> int:
        phase = bisect_right(self._begins, seconds) - 1
        return self._count(seconds + self._offsets[phase]) + self._corrections[phase]

    def instant(self, number: int) -> float:
        phase = bisect_left(self._last_numbers, number)
        hour, position = divmod(number - self._corrections[phase] - 1, len(self.minutes))
        return hour * HOUR + self._seconds[position] - self._offsets[phase]

    def number_from_local(self, local: datetime) -> int:
        return self.number_from(seconds_of(local) if local.tzinfo is not None else seconds_of_local(self.zone, local))


class CronCadence(Cadence):
    """Windows between the ticks of any cron schedule, numbered from the first tick at or after an anchor."""

    def __init__(self, cron_schedule: str, zone: tzinfo, anchor: float) -> None:
        self.zone = zone
        self.cron_schedule = cron_schedule
        self._lock = RLock()
        self._later = self._ticks(anchor, reverse=False)
        self._earlier = self._ticks(anchor, reverse=True)
        self._forward: list[float] = []
        self._backward: list[float] = []
        if not self._grow_forward():
            raise InvalidPartitionsDefinitionError(
                what=f'The cron schedule "{cron_schedule}" never comes round.',
                why="There would be no partitions.",
                fix="Correct the schedule.",
            )

    def _ticks(self, anchor: float, reverse: bool) -> Iterator[float]:
        from cronsim import CronSim, CronSimError

        # Strictly after (or before) the instant it is given, so a tick on the anchor needs a start a minute earlier.
        begin = instant_in(self.zone, floor(anchor) if reverse else floor(anchor) - 60)
        try:
            for tick in CronSim(self.cron_schedule, begin, reverse=reverse):
                seconds = tick.timestamp()
                if (seconds < anchor) == reverse:
                    yield seconds
        except (CronSimError, OverflowError, ValueError):
            return

    def _grow_forward(self) -> bool:
        # Two local times that fall into one gap are one tick.
        for seconds in self._later:
            if not self._forward or seconds > self._forward[-1]:
                self._forward.append(seconds)
                return True
        return False

    def _grow_backward(self) -> bool:
        for seconds in self._earlier:
            if seconds < (self._backward[-1] if self._backward else self._forward[0]):
                self._backward.append(seconds)
                return True
        return False

    def instant(self, number: int) -> float:
        index = number - CRON_ORIGIN
        with self._lock:
            if index >= 0:
                while len(self._forward) <= index:
                    if not self._grow_forward():
                        return float("inf")
                return self._forward[index]
            while len(self._backward) < -index:
                if not self._grow_backward():
                    return float("-inf")
            return self._backward[-index - 1]

    def number_at(self, seconds: float) -> int:
        with self._lock:
            while self._forward[-1] <= seconds and self._grow_forward():
                pass
            index = bisect_right(self._forward, seconds) - 1
            if index >= 0:
                return CRON_ORIGIN + index
            while not self._backward or self._backward[-1] > seconds:
                if not self._grow_backward():
                    break
            # `_backward` runs from late to early.
            index = -1
            while -index < len(self._backward) and self._backward[-index - 1] > seconds:
                index -= 1
            return CRON_ORIGIN + index

    def number_from_local(self, local: datetime) -> int:
        return self.number_from(seconds_of(local) if local.tzinfo is not None else seconds_of_local(self.zone, local))


_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def expanded_cron(cron_schedule: str) -> str:
    """Return the five fields that a schedule means: "@daily" is "0 0 * * *"."""
    return _ALIASES.get(cron_schedule.strip().lower(), " ".join(cron_schedule.split()))


def _whole(field: str, low: int, high: int) -> int | None:
    return int(field) if field.isascii() and field.isdigit() and low <= int(field) <= high else None


def _minutes(field: str) -> tuple[int, ...] | None:
    """Return the minutes of the hour that a cron field names, or None for one that is not plain."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step_text = part.partition("/")
        step = _whole(step_text, 1, 59) if step_text else 1
        low_text, dash, high_text = span.partition("-")
        if span == "*":
            low, high = 0, 59
        else:
            first = _whole(low_text, 0, 59)
            last = _whole(high_text, 0, 59) if dash else (59 if step_text else first)
            if first is None or last is None:
                return None
            low, high = first, last
        if step is None or low > high or part.endswith("/"):
            return None
        found.update(range(low, high + 1, step))
    return tuple(sorted(found))


def arithmetic_cadence(cron_schedule: str, zone: tzinfo) -> Cadence | None:
    """Return a cadence that needs no table, or None when the schedule is not by hour, day, week or month."""
    fields = expanded_cron(cron_schedule).split(" ")
    if len(fields) != 5:
        return None
    minute_field, hour_field, day_field, month_field, weekday_field = fields
    if month_field != "*":
        return None
    if hour_field == day_field == weekday_field == "*":
        minutes = _minutes(minute_field)
        return HourlyCadence(zone, minutes) if minutes else None
    minute, hour = _whole(minute_field, 0, 59), _whole(hour_field, 0, 23)
    if minute is None or hour is None:
        return None
    if weekday_field == "*":
        if day_field == "*":
            return DailyCadence(zone, hour, minute)
        # Later days do not come in every month, so those months have no window.
        day = _whole(day_field, 1, 28)
        return MonthlyCadence(zone, hour, minute, day) if day is not None else None
    weekday = _whole(weekday_field, 0, 7)
    return WeeklyCadence(zone, hour, minute, weekday) if day_field == "*" and weekday is not None else None


@lru_cache(maxsize=1024)
def cadence_of(cron_schedule: str, timezone_name: str, anchor: float) -> Cadence:
    """Return the cadence of a schedule; `anchor` matters only to schedules that need a table.

    Raises InvalidPartitionsDefinitionError if the schedule cannot be read or never comes round.
    """
    zone = find_zone(timezone_name) or UTC
    arithmetic = arithmetic_cadence(cron_schedule, zone)
    if arithmetic is not None:
        return arithmetic
    from cronsim import CronSim, CronSimError

    expanded = expanded_cron(cron_schedule)
    try:
        if len(expanded.split(" ")) != 5:
            raise CronSimError("Bad number of fields")
        CronSim(expanded, EPOCH)
    except CronSimError as error:
        raise InvalidPartitionsDefinitionError(
            what=f'"{cron_schedule}" is not a cron schedule ({error}).',
            why="The bounds of the partitions follow from it.",
            fix='Write five fields: minute, hour, day of month, month, day of week, such as "0 6 * * 1-5".',
        ) from error
    return CronCadence(expanded, zone, anchor)
