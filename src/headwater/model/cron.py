"""Cron schedules and timezones as declared: checked where they are written, so that nothing later meets a bad one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from headwater.model.errors.root import kind_of
from headwater.model.errors.triggers import InvalidCronError, UnknownTimezoneError

# As many ticks as show any pattern of hours, weekdays and months that five fields can spell.
_TICKS_LOOKED_AT = 100


def checked_cron(schedule: str, of: str) -> str:
    """Return the schedule as it was written. Raises InvalidCronError, naming `of`, when it is none or never due."""
    from headwater.model.partitions.windows import expanded_cron

    if not isinstance(schedule, str):
        raise InvalidCronError(schedule, of, f"it is {kind_of(schedule)}")
    expanded = expanded_cron(schedule)
    if expanded.startswith("@"):
        raise InvalidCronError(schedule, of, "there is no such alias")
    count = len(expanded.split())
    if count != 5:
        raise InvalidCronError(schedule, of, f"it has {count} field{'' if count == 1 else 's'}")
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(expanded, datetime(2024, 1, 1, tzinfo=UTC)))
    except StopIteration:
        raise InvalidCronError(schedule, of, "it names a day that no year has") from None
    except CronSimError as error:
        raise InvalidCronError(schedule, of, str(error)[:1].lower() + str(error)[1:]) from error
    return schedule


def checked_timezone(name: str, of: str) -> str:
    """Return the name. Raises UnknownTimezoneError, which offers the nearest, when there is no such zone."""
    from headwater.model.partitions.windows import find_zone

    if not isinstance(name, str) or find_zone(name) is None:
        from zoneinfo import available_timezones

        raise UnknownTimezoneError(name, of, available_timezones())
    return name


def shortest_gap(schedule: str) -> timedelta:
    """Return the shortest time between two ticks, on a clock without daylight saving."""
    from cronsim import CronSim

    from headwater.model.partitions.windows import expanded_cron

    ticks = CronSim(expanded_cron(schedule), datetime(2024, 1, 1, tzinfo=UTC))
    before = next(ticks)
    shortest = timedelta.max
    for _ in range(_TICKS_LOOKED_AT):
        tick = next(ticks, None)
        if tick is None:
            break
        shortest = min(shortest, tick - before)
        before = tick
    return shortest
