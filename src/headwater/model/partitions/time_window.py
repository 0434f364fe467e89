"""Partitions that are windows of time between the ticks of a cron schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError, UnknownPartitionError
from headwater.model.errors.root import did_you_mean
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.exclusions import ExcludedWindows
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.numbered_windows import NumberedWindows
from headwater.model.partitions.ordinals import (
    ordinals_between,
    ordinals_from_text,
    ordinals_to_text,
    runs,
    shifted,
)
from headwater.model.partitions.schedule import ScheduleType, chosen_schedule, moved_schedule
from headwater.model.partitions.window_keys import WindowKeys
from headwater.model.partitions.windows import (
    CRON_ORIGIN,
    Cadence,
    CronCadence,
    DailyCadence,
    HourlyCadence,
    MonthlyCadence,
    TimeWindow,
    WeeklyCadence,
    cadence_of,
    expanded_cron,
    find_zone,
    seconds_of,
)

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals
    from headwater.model.partitions.subset import PartitionsSubset


class TimeWindowPartitionsDefinition(NumberedWindows):
    """Windows of time that follow each other; a key is the start of its window in `timezone`, written as `fmt`.

    start: the first window begins at the first tick at or after it. A string is read by `fmt` (or as ISO 8601), and the
        clock time of a datetime is taken to be that of `timezone`, whatever zone it carries.
    end: the last window ends at or before it; None for no end.
    cron_schedule: when windows begin; or `schedule_type` with `minute_offset`, `hour_offset` and `day_offset`.
    end_offset: 0 ends with the last window that is over; 1 adds the one that is not over yet; -1 leaves one out.
    exclusions: cron schedules and datetimes; a window that begins on one of them does not exist.

    A local time that comes twice when daylight saving ends is told apart by the UTC offset, which is appended to the
    key of the second window when `fmt` has no %z: "2023-11-05-01:00-0500".
    Raises InvalidPartitionsDefinitionError for anything that cannot be read.
    """

    def __init__(
        self,
        start: datetime | date | str,
        fmt: str,
        end: datetime | date | str | None = None,
        schedule_type: ScheduleType | None = None,
        timezone: str | None = None,
        end_offset: int = 0,
        minute_offset: int | None = None,
        hour_offset: int | None = None,
        day_offset: int | None = None,
        cron_schedule: str | None = None,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        zone_name = timezone or "UTC"
        zone = find_zone(zone_name)
        if zone is None:
            from zoneinfo import available_timezones

            raise InvalidPartitionsDefinitionError(
                what=f'There is no timezone "{zone_name}".',
                why="The bounds of the windows are times on its clock.",
                fix=f"{did_you_mean(zone_name, available_timezones())}Use a name of the IANA database, "
                'such as "Europe/Paris".',
            )
        self.timezone = zone_name
        self.zone = zone
        self.fmt = fmt
        self.end_offset = end_offset
        self.cron_schedule = chosen_schedule(cron_schedule, schedule_type, minute_offset, hour_offset, day_offset)
        self.start = self._read_bound("start", start)
        self.end = self._read_bound("end", end) if end is not None else None
        self.exclusions: tuple[str | datetime, ...] = tuple(
            item if isinstance(item, str) else self._read_bound("exclusion", item) for item in exclusions or ()
        )
        self._cadence = self._cadence_for(self.cron_schedule)
        self._keys = WindowKeys(fmt, self._cadence)
        excluding = tuple(self._cadence_for(item) for item in self.exclusions if isinstance(item, str))
        instants = tuple(seconds_of(item) for item in self.exclusions if not isinstance(item, str))
        self._first = self._cadence.number_from(seconds_of(self.start))
        self._excluded = ExcludedWindows(self._cadence, self._first, excluding, instants)
        self._check_fmt()

    def _cadence_for(self, cron_schedule: str) -> Cadence:
        return cadence_of(cron_schedule, self.timezone, seconds_of(self.start))

    def _read_bound(self, name: str, value: datetime | date | str) -> datetime:
        if isinstance(value, str):
            try:
                read = datetime.strptime(value, self.fmt)
            except ValueError:
                try:
                    read = datetime.fromisoformat(value)
                except ValueError as error:
                    raise InvalidPartitionsDefinitionError(
                        what=f'The {name} "{value}" does not fit the format "{self.fmt}".',
                        why="Dates of a partitions definition are written like its keys.",
                        fix=f'Write it like "{datetime(2024, 1, 31).strftime(self.fmt)}", or pass a datetime.',
                    ) from error
        elif isinstance(value, datetime):
            read = value
        elif isinstance(value, date):
            read = datetime(value.year, value.month, value.day)
        else:
            raise InvalidPartitionsDefinitionError(
                what=f"The {name} is {value!r}, which is not a date.",
                why="The windows are counted from it.",
                fix="Pass a datetime or a string.",
            )
        return read.replace(tzinfo=self.zone)

    def _check_fmt(self) -> None:
        for number in (self._first, self._first + 1):
            if self._keys.number_of(self.key_at(number)) != number:
                raise InvalidPartitionsDefinitionError(
                    what=f'The format "{self.fmt}" writes different windows of "{self.cron_schedule}" alike, '
                    f'such as "{self.key_at(number)}".',
                    why="A key must name one partition.",
                    fix='Use a format that holds the whole start of a window, such as "%Y-%m-%d-%H:%M".',
                )

    # What was declared

    _class_name: ClassVar[str] = ""

    @property
    def schedule_type(self) -> ScheduleType | None:
        """Whether windows are hourly, daily, weekly or monthly; None for other schedules."""
        cadence = self._cadence
        if isinstance(cadence, HourlyCadence) and len(cadence.minutes) == 1:
            return ScheduleType.HOURLY
        if isinstance(cadence, DailyCadence):
            return ScheduleType.DAILY
        if isinstance(cadence, WeeklyCadence):
            return ScheduleType.WEEKLY
        return ScheduleType.MONTHLY if isinstance(cadence, MonthlyCadence) else None

    @property
    def minute_offset(self) -> int:
        """The minute at which windows begin. Raises InvalidPartitionsDefinitionError for an irregular schedule."""
        return self._field_of_schedule(0, "minute")

    @property
    def hour_offset(self) -> int:
        return self._field_of_schedule(1, "hour")

    @property
    def day_offset(self) -> int:
        """The day of the week (0 is Sunday) or of the month on which windows begin."""
        return self._field_of_schedule(4 if isinstance(self._cadence, WeeklyCadence) else 2, "day")

    def _field_of_schedule(self, position: int, name: str) -> int:
        field = expanded_cron(self.cron_schedule).split(" ")[position]
        if field.isdigit():
            return int(field)
        if field == "*":
            return 0
        raise InvalidPartitionsDefinitionError(
            what=f'The schedule "{self.cron_schedule}" has no single {name}.',
            why="Windows begin at several.",
            fix="Read cron_schedule instead.",
        )

    @property
    def is_basic_daily(self) -> bool:
        return expanded_cron(self.cron_schedule) == "0 0 * * *"

    @property
    def is_basic_hourly(self) -> bool:
        return expanded_cron(self.cron_schedule) == "0 * * * *"

    @property
    def cadence(self) -> Cadence:
        """The numbering of all windows of the schedule, before the start and after the end as well."""
        return self._cadence

    def get_cron_schedule(
        self,
        minute_of_hour: int | None = None,
        hour_of_day: int | None = None,
        day_of_week: int | None = None,
        day_of_month: int | None = None,
    ) -> str:
        """Return the cron schedule that runs each window once it is over, moved to the given time.

        Raises InvalidPartitionsDefinitionError for a time that the length of the window leaves no room for.
        """
        return moved_schedule(
            self.cron_schedule, self.schedule_type, minute_of_hour, hour_of_day, day_of_week, day_of_month
        )

    # Keys

    def key_at(self, ordinal: int) -> str:
        return self._keys.key_at(ordinal)

    def keys_at(self, ordinals: Iterable[int]) -> Iterator[str]:
        return self._keys.keys_at(ordinals)

    def find_ordinal(self, partition_key: str) -> int | None:
        return self._keys.number_of(partition_key)

    def ordinals_of_any_keys(self, partition_keys: Iterable[str]) -> Ordinals:
        return self.ordinals_of_keys(partition_keys)

    def _require_number(self, partition_key: str) -> int:
        number = self._keys.number_of(partition_key)
        if number is None:
            raise UnknownPartitionError(partition_key, self.describe(), self.hint_for_unknown_key(partition_key))
        return number

    def get_partition_key(self, key: str | date | datetime) -> str:
        """Return the key of the window that begins at a date or datetime, or a key in its own format."""
        if isinstance(key, str):
            return self.key_at(self._require_number(key))
        return self.key_at(self._cadence.number_from_local(self._read_bound("key", key).replace(tzinfo=None)))

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """Return the keys of all windows that exist, oldest first. Iterate over a subset where they are many."""
        return list(self._keys.keys_at(self.existing_ordinals(current_time)))

    def _key_of_bound(self, current_time: datetime | None, position: int) -> str | None:
        if not self.exclusions:
            first, last = self._bounds(current_time)
            return self.key_at((first, last)[position]) if first <= last else None
        existing = self.existing_ordinals(current_time)
        return self.key_at(existing[position]) if existing else None

    def get_first_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str | None:
        return self._key_of_bound(current_time, 0)

    def get_last_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str | None:
        return self._key_of_bound(current_time, -1)

    def get_num_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> int:
        return len(self.existing_ordinals(current_time))

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        first, last = self._bounds(current_time)
        local = self._keys.local_of(partition_key)
        if local is None or not self._is_within(local, first, last):
            return False
        number = self._keys.number_of(partition_key)
        return number is not None and first <= number <= last and not self.is_excluded(number)

    def _is_within(self, local: datetime, first: int, last: int) -> bool:
        """Return whether a time is near enough to some windows to be worth counting to, for schedules with a table."""
        wall = local.replace(tzinfo=None)
        earliest, latest = (self._cadence.local_start(number).replace(tzinfo=None) for number in (first, last + 1))
        return first <= last and (wall - earliest).days >= -2 and (wall - latest).days <= 2

    def hint_for_unknown_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str:
        first = self.get_first_partition_key(current_time)
        if first is None:
            over = self.get_time_window(self._first).end
            return f"There are no partitions yet: the first window ends at {over.isoformat()}."
        read = self._keys.local_of(partition_key)
        near = ""
        if read is not None and self._is_within(read, *self._bounds(current_time)):
            number = self._keys.number_of(partition_key)
            if number is not None and self.is_excluded(number):
                return "The definition's exclusions leave it out."
            after = self._cadence.number_from_local(read)
            start = self._cadence.local_start(after)
            lies_before = start > (read if read.tzinfo is not None else read.replace(tzinfo=start.tzinfo))
            candidate = self.key_at(after - lies_before)
            if candidate != partition_key and self.has_partition_key(candidate, current_time):
                near = f'Did you mean "{candidate}"{", the window that it lies in" if lies_before else ""}? '
        return f'{near}Keys are written like "{first}" and run to "{self.get_last_partition_key(current_time)}".'

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        return list(self.subset_with_partition_key_range(partition_key_range, current_time))

    def subset_with_partition_key_range(
        self,
        partition_key_range: PartitionKeyRange,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionsSubset[str]:
        for key in partition_key_range:
            self.validate_partition_key(key, current_time)
        first, last = map(self._require_number, partition_key_range)
        return self.subset_of_ordinals(ordinals_between(first, last) & self.existing_ordinals(current_time))

    def get_partition_keys_between_indexes(
        self, start_idx: int, end_idx: int, current_time: datetime | None = None
    ) -> list[str]:
        """Return the keys at positions start_idx to end_idx, the last not included, counted from the first key."""
        existing = self.existing_ordinals(current_time)
        return [self.key_at(number) for number in existing[max(start_idx, 0) : max(end_idx, 0)]]

    def get_partition_key_for_timestamp(self, timestamp: float, end_closed: bool = False) -> str:
        """Return the key of the window that holds an instant (seconds from 1970 in UTC), existing or not.

        end_closed: an instant on the bound of two windows belongs to the earlier.
        """
        number = self._cadence.number_before(timestamp) if end_closed else self._cadence.number_at(timestamp)
        return self.key_at(number)

    def get_next_partition_key(self, partition_key: str, current_time: datetime | None = None) -> str | None:
        """Return the key of the window after this one, or None after the last."""
        window = self.get_next_partition_window(
            self.time_window_for_partition_key(partition_key).end, current_time=current_time
        )
        return None if window is None else self.key_at(self._cadence.number_at(seconds_of(window.start)))

    def less_than(self, partition_key1: str, partition_key2: str) -> bool:
        return self._require_number(partition_key1) < self._require_number(partition_key2)

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """Return the window of a key, in the definition's timezone; the partition need not exist now.

        Raises UnknownPartitionError for a key that is not the start of a window.
        """
        return self.get_time_window(self._require_number(partition_key))

    def start_time_for_partition_key(self, partition_key: str) -> datetime:
        return self.time_window_for_partition_key(partition_key).start

    def end_time_for_partition_key(self, partition_key: str) -> datetime:
        return self.time_window_for_partition_key(partition_key).end

    # Identity, sets and data

    def equal_except_for_start_or_end(self, other: TimeWindowPartitionsDefinition) -> bool:
        return self._identity[2:] == other._identity[2:]

    @cached_property
    def _identity(self) -> tuple[object, ...]:
        end = None if self.end is None else seconds_of(self.end)
        excluded = tuple(item if isinstance(item, str) else seconds_of(item) for item in self.exclusions)
        schedule = expanded_cron(self.cron_schedule)
        return (seconds_of(self.start), end, self.timezone, self.fmt, schedule, self.end_offset, excluded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimeWindowPartitionsDefinition) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __reduce__(self) -> tuple[Any, ...]:
        from headwater.model.partitions.encoding import partitions_definition_from_data

        return (partitions_definition_from_data, (self.to_data(),))

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": "time_window",
            "class": self._class_name,
            "start": _bound_to_data(self.start),
            "end": None if self.end is None else _bound_to_data(self.end),
            "fmt": self.fmt,
            "timezone": self.timezone,
            "end_offset": self.end_offset,
            "cron_schedule": self.cron_schedule,
            "exclusions": [
                {"cron": item} if isinstance(item, str) else {"at": _bound_to_data(item)} for item in self.exclusions
            ],
        }

    def identity_data(self) -> Any:
        data = self.to_data()
        del data["class"]
        return {**data, "cron_schedule": expanded_cron(self.cron_schedule)}

    def describe(self) -> str:
        kind = self.schedule_type
        name = kind.value.lower() if kind else f'windows of "{self.cron_schedule}"'
        until = "" if self.end is None else f" to {self._spell(self.end)}"
        excluded = ", with exclusions" if self.exclusions else ""
        return f"{name} from {self._spell(self.start)}{until} ({self.timezone}){excluded}"

    def _spell(self, bound: datetime) -> str:
        midnight = bound.hour == bound.minute == bound.second == 0
        return bound.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M")

    def __repr__(self) -> str:
        end = f", end={_bound_to_data(self.end)!r}" if self.end is not None else ""
        return (
            f"{type(self).__name__}(start={_bound_to_data(self.start)!r}{end}, timezone={self.timezone!r}, "
            f"fmt={self.fmt!r}, end_offset={self.end_offset}, cron_schedule={self.cron_schedule!r})"
        )

    @cached_property
    def ordinal_space(self) -> str:
        anchor = f":{self._cadence.instant(CRON_ORIGIN)}" if isinstance(self._cadence, CronCadence) else ""
        return f"time:{self.timezone}:{expanded_cron(self.cron_schedule)}{anchor}"

    def ranges_of(
        self, ordinals: Ordinals, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> list[PartitionKeyRange]:
        if not self.exclusions or not ordinals:
            return [PartitionKeyRange(self.key_at(first), self.key_at(last)) for first, last in runs(ordinals)]
        # A window that does not exist does not break a range.
        bridged = ordinals | self._excluded_up_to(ordinals.max())
        found = []
        for first, last in runs(bridged):
            inside = ordinals & ordinals_between(first, last)
            if inside:
                found.append(PartitionKeyRange(self.key_at(inside.min()), self.key_at(inside.max())))
        return found

    def ordinals_to_data(self, ordinals: Ordinals) -> Any:
        data = {
            "timezone": self.timezone,
            "cron_schedule": expanded_cron(self.cron_schedule),
            "windows": ordinals_to_text(ordinals),
        }
        if isinstance(self._cadence, CronCadence):
            data["anchor"] = str(int(self._cadence.instant(CRON_ORIGIN)))
        return data

    def ordinals_from_data(self, data: Any) -> Ordinals:
        if (data["timezone"], data["cron_schedule"]) != (self.timezone, expanded_cron(self.cron_schedule)):
            raise ValueError(f'it holds windows of "{data["cron_schedule"]}" in {data["timezone"]}')
        ordinals = ordinals_from_text(data["windows"])
        if isinstance(self._cadence, CronCadence):
            return shifted(ordinals, self._cadence.number_from(int(data["anchor"])) - CRON_ORIGIN)
        return ordinals

    def converted(self, ordinals: Ordinals, other: PartitionsDefinition[Any]) -> Ordinals | None:
        if self.ordinal_space == other.ordinal_space:
            return ordinals
        if (
            isinstance(other, TimeWindowPartitionsDefinition)
            and isinstance(self._cadence, CronCadence)
            and self.timezone == other.timezone
            and expanded_cron(self.cron_schedule) == expanded_cron(other.cron_schedule)
        ):
            return shifted(ordinals, self._cadence.number_from(other._cadence.instant(CRON_ORIGIN)) - CRON_ORIGIN)
        return None


def _bound_to_data(bound: datetime) -> str:
    return bound.replace(tzinfo=None).isoformat()
