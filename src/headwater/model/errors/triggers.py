"""Errors about what starts runs: schedules, sensors, and the cron schedules and timezones that they name."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import InvalidDefinitionError, InvariantViolationError
from headwater.model.errors.root import HeadwaterError, did_you_mean


class InvalidCronError(InvalidDefinitionError):
    """Text is not a cron schedule of five fields, or one that is never due."""

    code = "invalid-cron"

    def __init__(self, schedule: object, of: str, reason: str) -> None:
        super().__init__(
            what=f"{schedule!r} is not a cron schedule that {of} can follow: {reason}.",
            why="It would never be known when it is due.",
            fix='Write five fields (minute, hour, day, month, day of week), such as "0 6 * * 1-5", or "@daily".',
        )


class UnknownTimezoneError(InvalidDefinitionError):
    """A timezone was named that the IANA database does not have."""

    code = "unknown-timezone"

    def __init__(self, name: object, of: str, known: Iterable[str]) -> None:
        super().__init__(
            what=f"{of} names the timezone {name!r}, which does not exist.",
            why="Its times are read on the clock of that zone.",
            fix=f'{did_you_mean(str(name), known)}Use a name of the IANA database, such as "Europe/Paris".',
        )


class TriggerResultError(HeadwaterError):
    """A schedule or sensor gave back something that asks for nothing definite."""

    code = "trigger-result"


class MissingTriggerContextValue(InvariantViolationError):
    """Something was read from the context of a schedule or sensor that it was not given."""

    code = "missing-trigger-context-value"

    def __init__(self, name: str, builder: str) -> None:
        super().__init__(
            what=f"context.{name} was read, and this context has none.",
            why="It was built outside of the service, by hand.",
            fix=f"Pass it: {builder}({name}=...).",
        )
