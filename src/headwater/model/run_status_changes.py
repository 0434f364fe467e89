"""Changes of a run's status as events: which event says so, and the filter by which they are looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from headwater.model.errors import CheckError, did_you_mean
from headwater.model.runs import EventType, RunStatus

# Without NOT_STARTED, which is how a run begins: nothing changes to it.
EVENT_TYPES_BY_STATUS: Final[Mapping[RunStatus, tuple[str, ...]]] = {
    RunStatus.QUEUED: ("RUN_ENQUEUED",),
    RunStatus.STARTING: ("RUN_STARTING",),
    RunStatus.STARTED: ("RUN_START",),
    RunStatus.SUCCESS: ("RUN_SUCCESS",),
    # A run whose process is gone has failed, whoever found out.
    RunStatus.FAILURE: ("RUN_FAILURE", "RUN_INTERRUPTED"),
    RunStatus.CANCELING: ("RUN_CANCELING",),
    RunStatus.CANCELED: ("RUN_CANCELED",),
    RunStatus.INTERRUPTED: ("RUN_INTERRUPTED",),
}
_TYPES = tuple(dict.fromkeys(name for names in EVENT_TYPES_BY_STATUS.values() for name in names))


class RunStatusChangeRecordsFilter(Struct, frozen=True):
    """Which changes of a run's status. Times are seconds since 1970; storage ids are exclusive bounds.

    Raises CheckError for an event type that tells of no such change.
    """

    event_type: EventType | str
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    after_storage_id: int | None = None
    before_storage_id: int | None = None
    storage_ids: Sequence[int] | None = None
    job_names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.type_name not in _TYPES:
            raise CheckError(
                what=f'The changes of run status of the type "{self.type_name}" were asked for.',
                why="An event of that type does not change the status of a run.",
                fix=f"{did_you_mean(self.type_name, _TYPES)}They are: {', '.join(_TYPES)}.",
            )

    @property
    def type_name(self) -> str:
        """The field's name for the event, such as "RUN_SUCCESS"."""
        name = self.event_type.value if isinstance(self.event_type, EventType) else str(self.event_type)
        # What is a run was once a pipeline.
        return name.replace("PIPELINE_", "RUN_", 1) if name.startswith("PIPELINE_") else name
