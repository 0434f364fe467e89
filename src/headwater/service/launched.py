"""What is kept of a run until it has ended, so that it can be carried out, or go on with another server."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from headwater.model.runs import Run, RunStatus
from headwater.service.protocol import JobReference, RunPlanned, decode_run


class Launched(Struct, frozen=True):
    """A planned run: where its code is, its plan, and its record as workers are handed it."""

    location: str
    plan: bytes
    job: JobReference
    record: bytes
    in_one_worker: bool = False

    @classmethod
    def of(cls, location: str, planned: RunPlanned) -> Launched:
        assert planned.job is not None
        return cls(location, planned.plan, planned.job, planned.run, planned.in_one_worker)

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @staticmethod
    def decode(body: bytes) -> Launched:
        """Read what `encoded` wrote. Raises MsgspecError for what another release wrote."""
        return msgspec.msgpack.decode(body, type=Launched)


def queued_run(planned: RunPlanned) -> Run:
    """Return the record of a planned run that waits for its turn."""
    run: Run = replace(decode_run(planned.run), status=RunStatus.QUEUED)
    return run
