"""For when, and with which dynamic keys, partitions are looked at where a call does not say so itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from headwater.model.clock import as_utc, utc_now

if TYPE_CHECKING:
    from headwater.model.partitions.definition import DynamicPartitionsStore


@dataclass(frozen=True, slots=True)
class TemporalContext:
    """An instant, and the number of the last event that counts by then (None: all of them)."""

    effective_dt: datetime
    last_event_id: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionLoadingContext:
    """For which instant partitions are looked at, and what knows the dynamic ones."""

    temporal_context: TemporalContext
    dynamic_partitions_store: DynamicPartitionsStore | None = None

    @property
    def effective_dt(self) -> datetime:
        """The instant, aware and in UTC."""
        return self.temporal_context.effective_dt

    def updated(
        self, effective_dt: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> PartitionLoadingContext:
        """Return the same context but for what is given."""
        temporal = self.temporal_context
        if effective_dt is not None:
            temporal = replace(temporal, effective_dt=as_utc(effective_dt))
        return PartitionLoadingContext(temporal, dynamic_partitions_store or self.dynamic_partitions_store)


_current: ContextVar[PartitionLoadingContext | None] = ContextVar("headwater_partition_loading", default=None)


@contextmanager
def partition_loading_context(
    effective_dt: datetime | None = None,
    dynamic_partitions_store: DynamicPartitionsStore | None = None,
    *,
    new_ctx: PartitionLoadingContext | None = None,
) -> Iterator[PartitionLoadingContext]:
    """Make partitions be looked at as of `effective_dt`, with the keys of this store, where a call does not say otherwise.

    It holds inside the block, in this thread or task; what is not given is as around the block. `new_ctx` gives all of
    it. What is recorded inside keeps the real time: only which partitions exist is asked for another instant.
    """
    around = _current.get() or PartitionLoadingContext(TemporalContext(utc_now()))
    made = (new_ctx or around).updated(effective_dt, dynamic_partitions_store)
    token = _current.set(made)
    try:
        yield made
    finally:
        _current.reset(token)


def partitions_as_of() -> datetime:
    """Return the instant for which partitions are looked at: the present, but in `partition_loading_context`."""
    context = _current.get()
    return context.effective_dt if context is not None else utc_now()


def ambient_partitions_store() -> DynamicPartitionsStore | None:
    """Return the store of `partition_loading_context`, None outside of one."""
    context = _current.get()
    return context.dynamic_partitions_store if context is not None else None
