"""Errors about what starts runs: schedules, sensors, and the cron schedules and timezones that they name."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import (
    CheckError,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvariantViolationError,
)
from headwater.model.errors.root import did_you_mean
from headwater.model.errors.user_code import UserCodeExecutionError


class InvalidCronError(InvalidDefinitionError, CheckError):
    """Text is not a cron schedule of five fields, or one that is never due."""

    code = "invalid-cron"

    def __init__(self, schedule: object, of: str, reason: str) -> None:
        super().__init__(
            what=f"{schedule!r} is not a cron schedule that {of} can follow: {reason}.",
            why="It would never be known when it is due.",
            fix='Write five fields (minute, hour, day, month, day of week), such as "0 6 * * 1-5", or "@daily".',
        )


class UnknownTimezoneError(InvalidDefinitionError, CheckError):
    """A timezone was named that the IANA database does not have."""

    code = "unknown-timezone"

    def __init__(self, name: object, of: str, known: Iterable[str]) -> None:
        super().__init__(
            what=f"{of} names the timezone {name!r}, which does not exist.",
            why="Its times are read on the clock of that zone.",
            fix=f'{did_you_mean(str(name), known)}Use a name of the IANA database, such as "Europe/Paris".',
        )


class ScheduleExecutionError(UserCodeExecutionError):
    """A function of a schedule raised when the schedule was evaluated; what it raised is the cause."""

    code = "schedule-execution"

    def __init__(self, of: str, error: Exception) -> None:
        super().__init__(
            what=f"Raised while {of} was evaluated: {type(error).__name__}: {error}",
            why="What it asks for at this time is not known.",
            fix="Mend the function; the error that it raised is the cause of this one.",
        )


class TriggerResultError(CheckError):
    """A schedule or sensor gave back something that asks for nothing definite."""

    code = "trigger-result"


class MissingTriggerContextValue(InvariantViolationError, CheckError):
    """Something was read from the context of a schedule or sensor that it was not given."""

    code = "missing-trigger-context-value"

    def __init__(self, name: str, builder: str) -> None:
        super().__init__(
            what=f"context.{name} was read, and this context has none.",
            why="It was built outside of the service, by hand.",
            fix=f"Pass it: {builder}({name}=...).",
        )


class CursorNotAdvanced(InvalidDefinitionError):
    """A sensor of several assets asked for runs and left its cursor where it was."""

    code = "cursor-not-advanced"

    def __init__(self, of: str) -> None:
        super().__init__(
            what=f"{of} asked for runs and did not move its cursor.",
            why="The same materializations would be new at the next evaluation, and the same runs asked for again.",
            fix="Call context.advance_all_cursors(), or context.advance_cursor({key: record}) for what was used.",
        )


class CursorIsNotYours(InvariantViolationError):
    """The function of a sensor that keeps its own cursor set one."""

    code = "cursor-is-not-yours"

    def __init__(self, of: str, how: str, fix: str) -> None:
        super().__init__(
            what=f"{of} set its cursor: {how}.",
            why="It keeps its cursor by itself: where it stands in the events that it follows.",
            fix=fix,
        )


class UnreadableCursor(InvariantViolationError):
    """The cursor that a sensor was given is not one that a sensor of its kind leaves."""

    code = "unreadable-cursor"

    def __init__(self, of: str, cursor: str, meant: str) -> None:
        super().__init__(
            what=f"{of} was given the cursor {cursor!r}.",
            why=f"It is not {meant}.",
            fix="Give what an evaluation before left as its cursor, or None to begin anew.",
        )


class UnknownMonitoredAsset(InvalidDefinitionError):
    """A sensor follows an asset that no definition provides."""

    code = "unknown-monitored-asset"

    def __init__(self, of: str, asset: object, known: Iterable[object]) -> None:
        super().__init__(
            what=f'{of} monitors "{asset}", which no definition provides.',
            why="If the name is a slip, it would wait for ever.",
            fix=f"{did_you_mean(str(asset), map(str, known))}Define it; if it is made elsewhere, declare it with "
            f'AssetSpec("{asset}").',
        )


class AssetNotMonitored(InvalidInvocationError):
    """A sensor's function asked about an asset that the sensor does not follow."""

    code = "asset-not-monitored"

    def __init__(self, of: str, asset: object, monitored: Iterable[object]) -> None:
        names = [str(key) for key in monitored]
        super().__init__(
            what=f'{of} was asked about "{asset}", which it does not monitor.',
            why="It keeps a cursor for each asset that it monitors, and for no other.",
            fix=f"{did_you_mean(str(asset), names)}It monitors: {', '.join(names) or 'none'}.",
        )


class MonitoredAssetNotPartitioned(InvariantViolationError, InvalidInvocationError):
    """Partitions were asked for of an asset that has none."""

    code = "monitored-asset-not-partitioned"

    def __init__(self, asset: object, wanted: str, instead: str) -> None:
        super().__init__(
            what=f'{wanted} of "{asset}" was asked for, and it has no partitions.',
            why="There is nothing to tell apart.",
            fix=instead,
        )
