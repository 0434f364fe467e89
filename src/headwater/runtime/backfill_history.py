"""The part of an instance that knows backfills, and by which they are paused, gone on with and canceled."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from headwater.model.backfills import Backfill, BackfillStatus
from headwater.model.errors.backfills import BackfillHasEnded, UnknownBackfill
from headwater.store.interface import Store

# A store in memory knows no owners; what this process carries out is told of to its threads only.
CARRIED_OUT_HERE: set[str] = set()


class BackfillHistory:
    """Backfills, by id and newest first."""

    store: Store

    def get_backfill(self, backfill_id: str) -> Backfill | None:
        """Return the record of a backfill, None when there is none of this id."""
        return self.store.find_backfill(backfill_id)

    def get_backfills(
        self,
        status: BackfillStatus | Iterable[BackfillStatus] | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Backfill]:
        """Return backfills, newest first: with one of these statuses, and older than the one whose id is `cursor`."""
        statuses = (status,) if isinstance(status, BackfillStatus) else status
        return self.store.backfills(statuses, limit, cursor)

    def pause_backfill(self, backfill_id: str) -> Backfill:
        """Let no more runs of a backfill begin; what runs ends. Raises UnknownBackfill, BackfillHasEnded."""
        return self._wanted(backfill_id, "pause")

    def resume_backfill(self, backfill_id: str) -> Backfill:
        """Let runs of a paused backfill begin again.

        Whoever carries it out goes on: the service, for one that it was given. One that was begun by a process without the
        service goes on when `headwater backfill resume` or `backfill(..., resume=)` carries it out.
        Raises UnknownBackfill, BackfillHasEnded.
        """
        return self._wanted(backfill_id, "resume")

    def cancel_backfill(self, backfill_id: str) -> Backfill:
        """Give up what of a backfill has not begun, and end what runs. Raises UnknownBackfill, BackfillHasEnded."""
        return self._wanted(backfill_id, "cancel")

    def _wanted(self, backfill_id: str, wish: str) -> Backfill:
        """Note what is wanted for the process that carries it out; where there is none, do it here."""
        store = self.store
        record = self._backfill(backfill_id)
        if record.is_finished:
            raise BackfillHasEnded(backfill_id, record.status.value, wish)
        # One of a service waits for its service: that knows of its runs.
        if (
            record.location is None
            and not record.is_owned
            and backfill_id not in CARRIED_OUT_HERE
            and store.adopt_backfill(backfill_id)
        ):
            self._change_here(record, wish)
        else:
            store.ask_backfill(backfill_id, wish)
        return self._backfill(backfill_id)

    def _change_here(self, record: Backfill, wish: str) -> None:
        from headwater.engine.backfill_progress import BackfillProgress
        from headwater.runtime.backfills import recorded_runs

        store, backfill_id, now = self.store, record.backfill_id, time.time()
        plan = store.backfill_plan(backfill_id)
        saved = store.backfill_progress(backfill_id)
        progress = BackfillProgress(plan, saved, recorded_runs(store, record, plan))
        changes: dict[str, Any] = {"updated_at": now, "counts": progress.counts(), "cause": None}
        if wish == "cancel":
            progress.cancel()
            changes |= {"status": BackfillStatus.CANCELED, "ended_at": now, "counts": progress.counts()}
        else:
            changes["status"] = BackfillStatus.PAUSED if wish == "pause" else BackfillStatus.IN_PROGRESS
        store.save_backfill(replace(record, **changes), progress.saved())
        store.release_backfill(backfill_id)

    def _backfill(self, backfill_id: str) -> Backfill:
        record = self.store.find_backfill(backfill_id)
        if record is None:
            raise UnknownBackfill(backfill_id, [each.backfill_id for each in self.store.backfills(limit=100)])
        return record
