"""The one place where the model learns what time it is.

Everything that needs "now" takes it as an argument and falls back to `utc_now()`; a test fixes it with `fixed_clock`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_fixed_at: ContextVar[datetime | None] = ContextVar("headwater_fixed_clock", default=None)


def utc_now() -> datetime:
    """Return the present instant, aware and in UTC; inside `fixed_clock`, the instant that was fixed."""
    return _fixed_at.get() or datetime.now(UTC)


@contextmanager
def fixed_clock(instant: datetime) -> Iterator[datetime]:
    """Make `utc_now` return `instant` inside the block (in this thread or task); a naive datetime means UTC."""
    moment = as_utc(instant)
    token = _fixed_at.set(moment)
    try:
        yield moment
    finally:
        _fixed_at.reset(token)


def as_utc(instant: datetime) -> datetime:
    """Return the same instant in UTC; a naive datetime means UTC."""
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC)
