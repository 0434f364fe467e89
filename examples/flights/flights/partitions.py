"""The days and months of 2013, and how the rows of several days travel together.

A run of one partition gives and takes a frame. A run of several gives and takes a dict of frames, one for each key.
The assets are written for the second case: `rows_of` puts the days together, so that 365 days cost one join and not
365, and `split_by_day` parts them again.
"""

from collections.abc import Sequence
from typing import TypeAlias

import headwater as hw
import pandas as pd

NEW_YORK = "America/New_York"
"""A flight belongs to the day on which New York's clocks say it should leave, and so do its partitions."""

DAYS = hw.DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01", timezone=NEW_YORK)
MONTHS = hw.MonthlyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01", timezone=NEW_YORK)

Daily: TypeAlias = pd.DataFrame | dict[str, pd.DataFrame]
"""The rows of one day, or of several days by partition key."""


def frames_by_day(daily: Daily, keys: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the frame of each day in `keys`; `keys` names the day when `daily` is a single frame."""
    return daily if isinstance(daily, dict) else {keys[0]: daily}


def rows_of(daily: Daily) -> pd.DataFrame:
    """Return the rows of all days in one frame, numbered anew from 0."""
    if not isinstance(daily, dict):
        return daily.reset_index(drop=True)
    # A day without rows has nothing to say about the types of its columns, so it is left out unless all are empty.
    filled = [frame for frame in daily.values() if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else next(iter(daily.values()))


def split_by_day(rows: pd.DataFrame, day: pd.Series, keys: Sequence[str]) -> Daily:
    """Return the rows of each day in `keys`: a frame for one key, else a dict that has every key, also the empty days.

    `day` holds the partition key of each row; rows of other days are dropped.
    """
    rows_by_day = {str(key): frame.reset_index(drop=True) for key, frame in rows.groupby(day, sort=False)}
    nothing = rows.iloc[:0].reset_index(drop=True)
    if len(keys) == 1:
        return rows_by_day.get(keys[0], nothing)
    return {key: rows_by_day.get(key, nothing) for key in keys}


def calendar_day(rows: pd.DataFrame) -> pd.Series:
    """Return the partition key of each raw row, such as "2013-02-09"; empty where year, month and day are no date."""
    return pd.to_datetime(rows[["year", "month", "day"]], errors="coerce").dt.strftime("%Y-%m-%d")
