"""Whether an asset is fresh: rules over an instant and what is recorded, which look at no clock and no store.

What a rule says of an asset goes into the result of a check, under keys that the sensor for freshness checks reads back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.model.cron import checked_cron, checked_timezone
from headwater.model.errors import CheckError, InvariantViolationError
from headwater.model.metadata_kinds import JsonMetadataValue, MetadataValue, TimestampMetadataValue
from headwater.model.metadata_sets import NAMESPACE, READ_NAMESPACES
from headwater.model.partitions.windows import cadence_of, find_zone

if TYPE_CHECKING:
    from headwater.model.partitions.windows import Cadence
    from headwater.model.runs import AssetState

FRESHNESS_PARAMS = f"{NAMESPACE}/freshness_params"
LOWER_BOUND = f"{NAMESPACE}/freshness_lower_bound_timestamp"
LATEST_TICK = f"{NAMESPACE}/latest_cron_tick_timestamp"
FRESH_UNTIL = f"{NAMESPACE}/fresh_until_timestamp"
LAST_UPDATED = f"{NAMESPACE}/last_updated_timestamp"

_DAY_SECONDS = 86_400
_UNITS = ((_DAY_SECONDS, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class FreshnessVerdict:
    """What a rule says of an asset at an instant. The metadata says until when it holds, for one that is fresh."""

    is_fresh: bool
    description: str
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class LastUpdateRule:
    """An asset is fresh when it was updated since `lower_bound_delta` before now, or before the latest deadline.

    Raises CheckError, InvalidCronError and UnknownTimezoneError for what cannot be meant.
    """

    lower_bound_delta: timedelta
    deadline_cron: str | None = None
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if not isinstance(self.lower_bound_delta, timedelta) or self.lower_bound_delta < timedelta(0):
            raise CheckError(
                what=f"lower_bound_delta is {self.lower_bound_delta!r}.",
                why="It is how long before the deadline the last update may have been.",
                fix="Give a timedelta that is not negative, such as lower_bound_delta=timedelta(hours=3).",
            )
        if self.deadline_cron is not None:
            checked_cron(self.deadline_cron, "a freshness check")
        checked_timezone(self.timezone, "A freshness check")

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as plain values: timezone, lower_bound_delta_seconds, and deadline_cron where there is one."""
        cron = {} if self.deadline_cron is None else {"deadline_cron": self.deadline_cron}
        seconds = self.lower_bound_delta.total_seconds()
        return {"timezone": self.timezone, "lower_bound_delta_seconds": seconds, **cron}

    def judge(self, now: datetime, last_updated_at: datetime | None) -> FreshnessVerdict:
        """Return whether an asset that was last updated then (None: never) is fresh now."""
        ticks = None if self.deadline_cron is None else ticks_around(self.deadline_cron, self.timezone, now)
        deadline = now if ticks is None else ticks[0]
        lower_bound = deadline - self.lower_bound_delta
        metadata: dict[str, MetadataValue] = {
            FRESHNESS_PARAMS: JsonMetadataValue(self.params),
            LOWER_BOUND: _timestamp(lower_bound),
        }
        if ticks is not None:
            metadata[LATEST_TICK] = _timestamp(ticks[0])
        if last_updated_at is None:
            return FreshnessVerdict(
                False, "It was never materialized, and no observation tells of an update.", metadata
            )
        is_fresh = last_updated_at >= lower_bound
        if is_fresh:
            metadata[FRESH_UNTIL] = _timestamp(
                last_updated_at + self.lower_bound_delta if ticks is None else ticks[1],
            )
        metadata[LAST_UPDATED] = _timestamp(last_updated_at)
        ago = f"Last updated {span_in_words(now - last_updated_at)} ago"
        if ticks is None:
            allowed = span_in_words(self.lower_bound_delta)
            words = f"{ago}, within {allowed}." if is_fresh else f"Overdue. {ago}; at most {allowed} is allowed."
        else:
            since = self._shown(lower_bound)
            meant = f"the deadline of {self._shown(deadline)}"
            words = (
                f"{ago}, in time for {meant}."
                if is_fresh
                else f"Overdue. {ago}; {meant} asks for an update since {since}."
            )
        return FreshnessVerdict(is_fresh, words, metadata)

    def _shown(self, instant: datetime) -> str:
        return shown_in(self.timezone, instant)


@dataclass(frozen=True, slots=True)
class TimePartitionRule:
    """An asset is fresh when the partition that was last complete at the latest deadline has arrived.

    Raises InvalidCronError and UnknownTimezoneError for what cannot be meant.
    """

    deadline_cron: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        checked_cron(self.deadline_cron, "a freshness check")
        checked_timezone(self.timezone, "A freshness check")

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as plain values: timezone and deadline_cron."""
        return {"timezone": self.timezone, "deadline_cron": self.deadline_cron}

    def deadline(self, now: datetime) -> datetime:
        """Return the latest deadline at or before now."""
        return ticks_around(self.deadline_cron, self.timezone, now)[0]

    def judge(
        self, now: datetime, expected: str | None, *, has_arrived: bool, last_updated_at: datetime | None
    ) -> FreshnessVerdict:
        """Return whether an asset is fresh now, given the partition `expected` at the deadline (None: none was due)."""
        deadline, next_deadline = ticks_around(self.deadline_cron, self.timezone, now)
        metadata: dict[str, MetadataValue] = {
            FRESHNESS_PARAMS: JsonMetadataValue(self.params),
            LATEST_TICK: _timestamp(deadline),
        }
        shown = shown_in(self.timezone, deadline)
        if expected is None or has_arrived:
            metadata[FRESH_UNTIL] = _timestamp(next_deadline)
            words = (
                f"No partition was complete by the deadline of {shown}."
                if expected is None
                else f'Partition "{expected}" is there, as the deadline of {shown} asks.'
            )
            return FreshnessVerdict(True, words, metadata)
        if last_updated_at is None:
            words = f'It was never materialized or observed. Partition "{expected}" was due by {shown}.'
        else:
            metadata[LAST_UPDATED] = _timestamp(last_updated_at)
            words = f'Overdue. Partition "{expected}" was due by {shown}, and is not there.'
        return FreshnessVerdict(False, words, metadata)


def last_update_of(state: AssetState | None) -> datetime | None:
    """Return when an asset was last updated: when it was last materialized, or what its latest observation says.

    An observation says so with `last_updated_timestamp` in its metadata, in seconds since 1970; one that does not tells of
    no update. Raises InvariantViolationError when what it says is no instant.
    """
    if state is None:
        return None
    found: list[float] = []
    if state.materialization is not None:
        found.append(state.materialization.timestamp)
    observation = state.latest_observation
    if observation is not None:
        for namespace in READ_NAMESPACES:
            data = observation.metadata.get(f"{namespace}/last_updated_timestamp")
            if data is not None:
                found.append(_seconds_in(data, str(state.asset_key)))
                break
    return datetime.fromtimestamp(max(found), UTC) if found else None


def _seconds_in(data: Mapping[str, Any], asset: str) -> float:
    from headwater.model.metadata_data import metadata_from_data

    value = metadata_from_data(data).value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvariantViolationError(
            what=f'The latest observation of "{asset}" has {value!r} as its last_updated_timestamp.',
            why="It says when the asset was last updated, in seconds since 1970.",
            fix="Record MetadataValue.timestamp(...).",
        )
    return float(value)


def ticks_around(cron: str, timezone: str, at: datetime) -> tuple[datetime, datetime]:
    """Return the last tick at or before an instant, and the first one after it, in UTC."""
    seconds = at.timestamp()
    # A day's start, so that a schedule that needs a table makes one a day, and none that begins in 1970.
    cadence: Cadence = cadence_of(cron, timezone, seconds // _DAY_SECONDS * _DAY_SECONDS)
    number = cadence.number_at(seconds)
    before, after = cadence.instant(number), cadence.instant(number + 1)
    return datetime.fromtimestamp(before, UTC), datetime.fromtimestamp(after, UTC)


def shown_in(timezone: str, instant: datetime) -> str:
    """Return "2024-05-01 09:00 Europe/Berlin"."""
    return f"{instant.astimezone(find_zone(timezone) or UTC):%Y-%m-%d %H:%M} {timezone}"


def span_in_words(span: timedelta) -> str:
    """Return "30 minutes" or "1 day, 2 hours": the two largest units."""
    left = max(0, int(span.total_seconds()))
    words: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return ", ".join(words[:2]) or "0 seconds"


def _timestamp(instant: datetime) -> TimestampMetadataValue:
    return TimestampMetadataValue(instant.timestamp())
