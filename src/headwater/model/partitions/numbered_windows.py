"""Windows of time by number: which of them exist at an instant, and which lie inside a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.exclusions import ExcludedWindows
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.loading_context import partitions_as_of
from headwater.model.partitions.ordinals import no_ordinals, ordinals_between, runs
from headwater.model.partitions.windows import Cadence, TimeWindow, instant_in, seconds_of

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals
    from headwater.model.partitions.subset import PartitionsSubset

# How far past the present an end_offset looks for a window that is not excluded.
EXCLUDED_IN_A_ROW = 100_000


class NumberedWindows(PartitionsDefinition[str]):
    """The windows of a cadence from the first to the one that is last at an instant; a subclass says how keys are written."""

    zone: tzinfo
    end: datetime | None
    end_offset: int
    exclusions: tuple[str | datetime, ...]
    _cadence: Cadence
    _first: int
    _excluded: ExcludedWindows

    # Bounds at an instant

    def _bounds(self, current_time: datetime | None) -> tuple[int, int]:
        """Return the first and last window that exist; the last comes before the first when there is none."""
        now = seconds_of(current_time or partitions_as_of())
        last = self._cadence.number_at(now) - 1
        last = last + self.end_offset if not self.exclusions else self._moved(last + 1, self.end_offset)
        # A far end is not looked up before the present comes near it: it may lie beyond the calendar.
        if self.end is not None and last >= self._first:
            ends_at = seconds_of(self.end)
            if self._cadence.instant(last + 1) > ends_at:
                last = self._cadence.number_at(ends_at) - 1
        return self._first, last

    def _moved(self, current: int, by: int) -> int:
        """Return the window that is last when windows before `current` are over and excluded ones do not count."""
        last = current - 1
        if by <= 0:
            steps = -by
            while last >= self._first and (self.is_excluded(last) or steps):
                steps -= not self.is_excluded(last)
                last -= 1
            return last
        for _ in range(EXCLUDED_IN_A_ROW + by):
            last += 1
            by -= not self.is_excluded(last)
            if by == 0:
                return last
        return current - 1

    def is_excluded(self, number: int) -> bool:
        """Return whether the window with this number is left out by `exclusions`."""
        return bool(self.exclusions) and number in self._excluded_up_to(number)

    def _excluded_up_to(self, last: int) -> Ordinals:
        """Return the excluded windows from the first to at least `last`."""
        return self._excluded.up_to(last) if self.exclusions else no_ordinals()

    def existing_ordinals(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Ordinals:
        first, last = self._bounds(current_time)
        existing = ordinals_between(first, last)
        return existing - self._excluded_up_to(last) if self.exclusions else existing

    def existing_ordinals_or_excluded(self, current_time: datetime | None = None) -> Ordinals:
        """Return the numbers of the windows that exist, and of those that would but for `exclusions`."""
        return ordinals_between(*self._bounds(current_time))

    # Windows

    def get_time_window(self, number: int) -> TimeWindow:
        """Return the window with this number; its datetimes are in the definition's timezone."""
        return TimeWindow(
            instant_in(self.zone, self._cadence.instant(number)),
            instant_in(self.zone, self._cadence.instant(number + 1)),
        )

    def time_windows_for_partition_keys(
        self, partition_keys: Iterable[str], validate: bool = True
    ) -> Sequence[TimeWindow]:
        """Return the windows of the keys, oldest first, joined where one ends as the next begins."""
        return self.time_windows_of(self.ordinals_of_keys(partition_keys))

    def time_windows_of(self, ordinals: Ordinals) -> list[TimeWindow]:
        """Return the stretches of time that windows with these numbers cover, oldest first."""
        instant = self._cadence.instant
        return [
            TimeWindow(instant_in(self.zone, instant(first)), instant_in(self.zone, instant(last + 1)))
            for first, last in runs(ordinals)
        ]

    def _window_if_exists(
        self, number: int, step: int, respect_bounds: bool, current_time: datetime | None
    ) -> TimeWindow | None:
        first, last = self._bounds(current_time)
        for _ in range(EXCLUDED_IN_A_ROW):
            if respect_bounds and not first <= number <= last:
                return None
            if not self.is_excluded(number):
                return self.get_time_window(number)
            number += step
        return None

    def get_first_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        return self._window_if_exists(self._first, 1, True, current_time)

    def get_last_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        return self._window_if_exists(self._bounds(current_time)[1], -1, True, current_time)

    def get_next_partition_window(
        self, end_dt: datetime, respect_bounds: bool = True, current_time: datetime | None = None
    ) -> TimeWindow | None:
        """Return the first window that begins at or after an instant; None if it does not exist yet."""
        return self._window_if_exists(self._cadence.number_from(seconds_of(end_dt)), 1, respect_bounds, current_time)

    def get_prev_partition_window(
        self, start_dt: datetime, respect_bounds: bool = True, current_time: datetime | None = None
    ) -> TimeWindow | None:
        """Return the last window that ends at or before an instant; None if that comes before the first."""
        number = self._cadence.number_at(seconds_of(start_dt)) - 1
        return self._window_if_exists(number, -1, respect_bounds, current_time)

    def _numbers_in_window(
        self, time_window: TimeWindow, current_time: datetime | None, respect_bounds: bool
    ) -> Ordinals:
        """Return the windows that begin inside a stretch of time."""
        first = self._cadence.number_from(seconds_of(time_window.start))
        last = self._cadence.number_before(seconds_of(time_window.end))
        if respect_bounds:
            earliest, latest = self._bounds(current_time)
            first, last = max(first, earliest), min(last, latest)
        return ordinals_between(first, last) - self._excluded_up_to(last)

    def get_partition_keys_in_time_window(
        self, time_window: TimeWindow, current_time: datetime | None = None
    ) -> Sequence[str]:
        """Return the keys of the existing windows that begin inside a stretch of time."""
        return [self.key_at(number) for number in self._numbers_in_window(time_window, current_time, True)]

    def get_partition_subset_in_time_window(
        self, time_window: TimeWindow, current_time: datetime | None = None
    ) -> PartitionsSubset[str]:
        """Return the set of the existing windows that begin inside a stretch of time."""
        return self.subset_of_ordinals(self._numbers_in_window(time_window, current_time, True))

    def get_num_partitions_in_window(self, time_window: TimeWindow, current_time: datetime | None = None) -> int:
        return len(self._numbers_in_window(time_window, current_time, True))

    def has_any_partitions_in_window(self, time_window: TimeWindow, current_time: datetime | None = None) -> bool:
        return bool(self._numbers_in_window(time_window, current_time, True))

    def get_partition_key_range_for_time_window(
        self, time_window: TimeWindow, respect_bounds: bool = True, current_time: datetime | None = None
    ) -> PartitionKeyRange:
        """Return the range of the windows that begin inside a stretch of time.

        Raises UnknownPartitionError when there is none.
        """
        numbers = self._numbers_in_window(time_window, current_time, respect_bounds)
        if not numbers:
            spelled = f"{time_window.start.isoformat()} to {time_window.end.isoformat()}"
            raise UnknownPartitionError(spelled, self.describe(), self.hint_for_unknown_key(spelled, current_time))
        return PartitionKeyRange(self.key_at(numbers.min()), self.key_at(numbers.max()))
