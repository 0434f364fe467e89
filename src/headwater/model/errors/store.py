"""Errors of the store: what keeps facts from being kept, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.model.errors.root import HeadwaterError


class StoreError(HeadwaterError):
    """The root of all errors of the store."""

    code = "store"


class NotAStore(StoreError):
    """The file exists but is not a database of Headwater's."""

    code = "not-a-store"

    def __init__(self, path: str, found: str, fix: str | None = None) -> None:
        self.path = path
        super().__init__(
            what=f'"{path}" is not a Headwater store: {found}.',
            why="Nothing was read from it and nothing in it was changed.",
            fix=fix or "Point to another path, or move the file away and a new store is made there.",
        )


class StoreTooNew(StoreError):
    """A later release of Headwater has changed this database."""

    code = "store-too-new"

    def __init__(self, path: str, version: int, known_version: int) -> None:
        self.path = path
        super().__init__(
            what=f'The store "{path}" has schema version {version}; this Headwater knows up to {known_version}.',
            why="Writing to it could break what the newer release relies on, so it was not opened.",
            fix='Upgrade with "pip install --upgrade headwater", or point to another path.',
        )


class StoreNotWritable(StoreError):
    """The database, or the directory it is in, cannot be written."""

    code = "store-not-writable"

    def __init__(self, path: str, reason: str, fix: str | None = None) -> None:
        self.path = path
        super().__init__(
            what=f'The store "{path}" cannot be written: {reason}.',
            why="Runs could not be recorded.",
            fix=fix
            or "Give this user write permission on the directory and the files in it, or set HEADWATER_HOME to a "
            "directory that can be written.",
        )


class StoreFull(StoreError):
    """There is no room left for the database."""

    code = "store-full"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            what=f'The store "{path}" has no room to grow: the disk is full.',
            why="What was acknowledged before is safe; what came after is not recorded.",
            fix='Free some space (old history goes with "headwater db prune") and run again.',
        )


class StoreBusy(StoreError):
    """Another process held the write lock for longer than we wait."""

    code = "store-busy"

    def __init__(self, path: str, waited_seconds: float) -> None:
        self.path = path
        super().__init__(
            what=f'Another process kept the store "{path}" locked for more than {waited_seconds:g} seconds.',
            why="Headwater itself holds the lock for milliseconds, so this is some other program, such as a database "
            "browser with an open transaction or a backup.",
            fix="Close that program and run again.",
        )


class StoreDamaged(StoreError):
    """The database could not be read or written for a reason that lies in the file or the disk."""

    code = "store-damaged"

    def __init__(self, path: str, reason: str, fix: str | None = None) -> None:
        self.path = path
        super().__init__(
            what=f'The store "{path}" failed: {reason}.',
            why="What was acknowledged before stays as the disk keeps it; nothing more is recorded by this process.",
            fix=fix
            or f'Check it with: sqlite3 "{path}" "PRAGMA integrity_check". If it is damaged, restore a '
            "copy, or move it away to begin a new one.",
        )


class StoreClosed(StoreError):
    """The store was used after `close`."""

    code = "store-closed"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            what=f'The store "{path}" is closed.',
            why="Nothing can be read from it or recorded in it.",
            fix="Open it again, or keep it open for as long as runs use it.",
        )


class StoreForked(StoreError):
    """A child made by `fork` used the store that its parent had opened."""

    code = "store-forked"

    def __init__(self, path: str, opened_by_pid: int) -> None:
        self.path = path
        super().__init__(
            what=f'The store "{path}" was opened by process {opened_by_pid}, and this is a forked child of it.',
            why="Two processes on one connection would damage the file.",
            fix="Open the store anew in the child, or let the parent do the recording.",
        )


class LeaseLost(StoreError):
    """Another process has declared this one dead and taken over its runs."""

    code = "lease-lost"

    def __init__(self, path: str, run_ids: Sequence[str] = ()) -> None:
        self.path = path
        self.run_ids = tuple(run_ids)
        named = f" (runs {', '.join(self.run_ids[:3])}{', ...' if len(self.run_ids) > 3 else ''})" if run_ids else ""
        super().__init__(
            what=f'This process no longer owns its runs in the store "{path}"{named}.',
            why="It gave no sign of life for longer than its lease, so another process marked its runs as interrupted. "
            "Nothing that came after was recorded.",
            fix="Retry the interrupted run: what it had finished is kept.",
        )


class UnknownRun(StoreError):
    """An event names a run that this process has not created."""

    code = "unknown-run"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            what=f'Run "{run_id}" is not one that this process owns.',
            why="Only the process that created a run records what happens in it.",
            fix="Call create_run first; use an empty run_id for what happened outside any run.",
        )


class RunAlreadyExists(StoreError):
    """A run with this id is already recorded."""

    code = "run-already-exists"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            what=f'Run "{run_id}" is already recorded.',
            why="Each run has an id of its own, or their histories would mix.",
            fix="Leave out the run id to have a new one made.",
        )


class RunInProgress(StoreError):
    """The run cannot be deleted while it is in progress."""

    code = "run-in-progress"

    def __init__(self, run_id: str, status: str) -> None:
        self.run_id = run_id
        super().__init__(
            what=f'Run "{run_id}" is in progress ({status}) and was not deleted.',
            why="Its process would go on recording into a run that is gone.",
            fix="Cancel it first, or wait for its end.",
        )


class EventTooLarge(StoreError):
    """An event carries more than the history takes in."""

    code = "event-too-large"

    def __init__(self, subject: str, size_bytes: int, limit_bytes: int, largest_entry: str | None) -> None:
        self.size_bytes = size_bytes
        entry = f', most of it in the metadata entry "{largest_entry}"' if largest_entry is not None else ""
        super().__init__(
            what=f"What {subject} wants to record takes {size_bytes:,} bytes{entry}.",
            why=f"The history keeps every event, so one event may take {limit_bytes:,} bytes at most.",
            fix="Write the large value to a file and record its path with MetadataValue.path(...).",
        )


class UnknownEventType(StoreError):
    """A filter asks for a kind of event that does not exist."""

    code = "unknown-event-type"
