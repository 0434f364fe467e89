"""The cron schedule behind windows of time: how it is declared by length and offsets, and moved within a window."""

from __future__ import annotations

from enum import Enum

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.partitions.windows import expanded_cron


class ScheduleType(str, Enum):
    """The usual lengths of windows."""

    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


def chosen_schedule(
    cron_schedule: str | None,
    schedule_type: ScheduleType | None,
    minute_offset: int | None,
    hour_offset: int | None,
    day_offset: int | None,
) -> str:
    """Return the cron schedule that a declaration means.

    Raises InvalidPartitionsDefinitionError unless it is given one way, with offsets that the windows leave room for.
    """
    if (cron_schedule is None) == (schedule_type is None):
        raise InvalidPartitionsDefinitionError(
            what="Exactly one of cron_schedule and schedule_type is needed.",
            why="The bounds of the windows follow from it.",
            fix='Write cron_schedule="0 0 * * *", or schedule_type=ScheduleType.DAILY.',
        )
    if cron_schedule is not None:
        if minute_offset or hour_offset or day_offset:
            raise InvalidPartitionsDefinitionError(
                what=f'Offsets were given beside the cron schedule "{cron_schedule}".',
                why="The schedule says itself at which minute, hour and day windows begin.",
                fix="Leave out minute_offset, hour_offset and day_offset.",
            )
        return cron_schedule
    monthly = schedule_type is ScheduleType.MONTHLY
    minute, hour = minute_offset or 0, hour_offset or 0
    day = day_offset if day_offset is not None else (1 if monthly else 0)
    weekly = schedule_type is ScheduleType.WEEKLY
    limits = {
        "minute_offset": (minute, 0, 59),
        "hour_offset": (hour, 0, 0 if schedule_type is ScheduleType.HOURLY else 23),
        "day_offset": (day, 1 if monthly else 0, 31 if monthly else 7 if weekly else 0),
    }
    for name, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise InvalidPartitionsDefinitionError(
                what=f"{name} is {value} for {str(schedule_type.value if schedule_type else '').lower()} partitions.",
                why=f"It says where in its window a partition begins: {low} to {high}.",
                fix=f"Choose a number from {low} to {high}.",
            )
    match schedule_type:
        case ScheduleType.HOURLY:
            return f"{minute} * * * *"
        case ScheduleType.WEEKLY:
            return f"{minute} {hour} * * {day}"
        case ScheduleType.MONTHLY:
            return f"{minute} {hour} {day} * *"
    return f"{minute} {hour} * * *"


def moved_schedule(
    cron_schedule: str,
    kind: ScheduleType | None,
    minute_of_hour: int | None,
    hour_of_day: int | None,
    day_of_week: int | None,
    day_of_month: int | None,
) -> str:
    """Return the schedule moved to other times within its windows; see `get_cron_schedule`."""
    given = (minute_of_hour, hour_of_day, day_of_week, day_of_month)
    if all(part is None for part in given):
        return cron_schedule
    misfit = (
        kind is None
        or (kind is ScheduleType.HOURLY and hour_of_day is not None)
        or (kind is not ScheduleType.WEEKLY and day_of_week is not None)
        or (kind is not ScheduleType.MONTHLY and day_of_month is not None)
    )
    if misfit:
        raise InvalidPartitionsDefinitionError(
            what=f'The schedule "{cron_schedule}" cannot be moved to minute {minute_of_hour}, '
            f"hour {hour_of_day}, day of week {day_of_week}, day of month {day_of_month}.",
            why="Each window must run exactly once.",
            fix="Give only parts that are shorter than a window, or write the cron schedule itself.",
        )
    fields = expanded_cron(cron_schedule).split(" ")
    for position, part in ((0, minute_of_hour), (1, hour_of_day), (2, day_of_month), (4, day_of_week)):
        if part is not None:
            fields[position] = str(part)
    return " ".join(fields)
