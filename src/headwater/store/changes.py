"""Word of changes: who waits for something to change in a store is woken when it has, by whichever process.

    with store.listen("runs", "queue") as changes:
        while True:
            look()                                    # listen first, then look: nothing falls between
            changed = changes.wait(timeout_seconds=10)

Kinds are words: the store itself tells of "runs" (created, begun, ended, deleted) and "events" (any fact); others tell of
theirs with `store.announce("queue")`. What was told means "look again", never what there is to see: it may come once for
many changes, or where nothing has changed. It is never missing. Within a process it comes at once; from other processes by
NOTIFY on PostgreSQL, and by looking every now and then elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from headwater.store.database import Connection, Database


class Watch:
    """How changes made by other processes are noticed. This one is for a store that no other process can see."""

    # How long a waiting thread sleeps at most before it asks `poll`; None where nobody need ask.
    poll_seconds: float | None = None

    def attach(self, changes: Changes, rows: Callable[[str], list[Any]]) -> None:
        """Take the listeners to wake, and the means to ask over the writing connection."""

    def begin(self) -> None:
        """Somebody listens from now on."""

    def poll(self) -> bool:
        """Whether another process may have changed something since the last call."""
        return False

    def announce(self, database: Database, connection: Connection, kinds: Iterable[str]) -> None:
        """Tell other processes of these changes when the open transaction commits."""

    def announce_alone(self, connection: Connection) -> None:
        """Do what makes others look although the open transaction changes nothing itself."""

    def close(self) -> None:
        """Nobody listens any more."""


class Changes:
    """All listeners of a store."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.condition = threading.Condition()
        self.listeners: list[Listener] = []
        self.is_closed = False

    def tell(self, kinds: Iterable[str]) -> None:
        """Wake those who listen to one of these kinds."""
        if self.listeners:
            with self.condition:
                told = frozenset(kinds)
                for listener in self.listeners:
                    listener.hear(told)
                self.condition.notify_all()

    def tell_all(self) -> None:
        """Wake everybody: anything may have changed."""
        with self.condition:
            for listener in self.listeners:
                listener.hear(listener.kinds)
            self.condition.notify_all()

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.is_closed = True
        self.watch.close()
        with self.condition:
            self.condition.notify_all()


class Listener:
    """Hears of changes of some kinds, from the moment it is made. Use it in a with statement, or close it."""

    def __init__(self, changes: Changes, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self._changes = changes
        self._heard: frozenset[str] = frozenset()
        with changes.condition:
            changes.listeners.append(self)
        changes.watch.begin()

    def hear(self, kinds: frozenset[str]) -> None:
        self._heard |= kinds & self.kinds

    def wait(self, timeout_seconds: float) -> frozenset[str]:
        """Return the kinds that changed since the last call, as soon as there is one; empty after the timeout.

        Empty at once when the store is closed.
        """
        changes, poll_seconds = self._changes, self._changes.watch.poll_seconds
        deadline = time.monotonic() + timeout_seconds
        while True:
            if poll_seconds is not None and not changes.is_closed and changes.watch.poll():
                changes.tell_all()
            with changes.condition:
                left = deadline - time.monotonic()
                if not self._heard and not changes.is_closed and left > 0:
                    # The way others notice can change while we wait (a connection that listened is lost).
                    poll_seconds = changes.watch.poll_seconds
                    changes.condition.wait(left if poll_seconds is None else min(left, poll_seconds))
                if self._heard or changes.is_closed or time.monotonic() >= deadline:
                    heard, self._heard = self._heard, frozenset()
                    return heard

    def close(self) -> None:
        with self._changes.condition:
            if self in self._changes.listeners:
                self._changes.listeners.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
