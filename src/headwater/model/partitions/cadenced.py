"""Hourly, daily, weekly and monthly partitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from headwater.model.partitions.schedule import ScheduleType
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition

DATE_FORMAT = "%Y-%m-%d"
MINUTE_FORMAT = "%Y-%m-%d-%H:%M"


class HourlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each hour, from `minute_offset` past it; keys like "2024-01-31-05:00"."""

    _class_name = "hourly"

    def __init__(
        self,
        start_date: datetime | date | str,
        end_date: datetime | date | str | None = None,
        minute_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            fmt=fmt or MINUTE_FORMAT,
            schedule_type=ScheduleType.HOURLY,
            minute_offset=minute_offset,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
        )


class DailyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each day, from hour_offset:minute_offset; keys like "2024-01-31"."""

    _class_name = "daily"

    def __init__(
        self,
        start_date: datetime | date | str,
        end_date: datetime | date | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            fmt=fmt or DATE_FORMAT,
            schedule_type=ScheduleType.DAILY,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
        )


class WeeklyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each week, from the day `day_offset` (0 is Sunday) at hour_offset:minute_offset.

    Keys are the first day, like "2024-01-28"; the first is the first such day at or after `start_date`.
    """

    _class_name = "weekly"

    def __init__(
        self,
        start_date: datetime | date | str,
        end_date: datetime | date | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            fmt=fmt or DATE_FORMAT,
            schedule_type=ScheduleType.WEEKLY,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
        )


class MonthlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each month, from the day `day_offset` at hour_offset:minute_offset.

    Keys are the first day, like "2024-02-01"; the first is the first such day at or after `start_date`. A day that some
    months lack (29 to 31) gives windows that last until the next month that has it.
    """

    _class_name = "monthly"

    def __init__(
        self,
        start_date: datetime | date | str,
        end_date: datetime | date | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 1,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Sequence[str | datetime] | None = None,
    ) -> None:
        super().__init__(
            start=start_date,
            end=end_date,
            fmt=fmt or DATE_FORMAT,
            schedule_type=ScheduleType.MONTHLY,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
        )
