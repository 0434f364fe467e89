"""Trimming of history by age, in pieces so small that a writer never waits for long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from headwater.store.database import Readers
from headwater.store.statements import batches, in_list
from headwater.store.writer import Writer

# A piece that takes longer than this is made smaller the next time.
LONGEST_PIECE_SECONDS = 0.025
FIRST_PIECE = 500
_SUCCESSFUL = ("SUCCESS",)
_FINISHED = ("SUCCESS", "FAILURE", "CANCELED", "INTERRUPTED")


def prune(
    writer: Writer, reader: Readers | Writer, before_timestamp: float, successful_only: bool, batch_size: int
) -> int:
    """Delete events of finished runs that ended before the instant, and those outside any run that are older."""
    piece = Piece(min(FIRST_PIECE, batch_size), batch_size)
    deleted = 0
    statuses = _SUCCESSFUL if successful_only else _FINISHED
    # The status is looked at here, so that the index on runs that still have history is the one that is used.
    ended = reader.rows(
        "SELECT run_number, status FROM runs WHERE history_pruned = 0 AND ended_at < ?", (before_timestamp,)
    )
    run_numbers = [run_number for run_number, status in ended if status in statuses]
    for part in batches(run_numbers):
        for run_number in part:
            after = 0
            while ids := reader.rows(
                "SELECT storage_id FROM events WHERE run_number = ? AND storage_id > ? ORDER BY storage_id LIMIT ?",
                (run_number, after, piece.size),
            ):
                after = ids[-1][0]
                deleted += _delete(writer, piece, [storage_id for (storage_id,) in ids])
        with writer.transaction() as connection:
            connection.execute(f"UPDATE runs SET history_pruned = 1 WHERE run_number IN {in_list(part)}", part)
    for ids_outside_runs in _outside_runs(reader, before_timestamp, piece):
        deleted += _delete(writer, piece, ids_outside_runs)
    return deleted


class Piece:
    """How many events are deleted in one transaction: as many as take LONGEST_PIECE_SECONDS, and no more than asked."""

    def __init__(self, size: int, largest: int) -> None:
        self.size = max(1, size)
        self._largest = max(1, largest)

    def took(self, seconds: float) -> None:
        if seconds > LONGEST_PIECE_SECONDS:
            self.size = max(1, self.size // 2)
        elif seconds < LONGEST_PIECE_SECONDS / 4:
            self.size = min(self._largest, self.size * 2)


def _outside_runs(reader: Readers | Writer, before_timestamp: float, piece: Piece) -> Iterator[list[int]]:
    after = 0
    while rows := reader.rows(
        "SELECT storage_id, timestamp FROM events WHERE run_number IS NULL AND storage_id > ?"
        " ORDER BY storage_id LIMIT ?",
        (after, piece.size),
    ):
        after = rows[-1][0]
        yield [storage_id for storage_id, timestamp in rows if timestamp < before_timestamp]


def _delete(writer: Writer, piece: Piece, storage_ids: Sequence[int]) -> int:
    deleted = 0
    for part in batches(storage_ids):
        began = time.monotonic()
        with writer.transaction() as connection:
            deleted += connection.execute(f"DELETE FROM events WHERE storage_id IN {in_list(part)}", part).rowcount
        took = time.monotonic() - began
        piece.took(took)
        # Locks are not fair: who waits for this one must find it free for as long as we held it.
        time.sleep(min(took, LONGEST_PIECE_SECONDS))
    return deleted
