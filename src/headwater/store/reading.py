"""What a question needs of a backend: rows for an SQL text, with all that this process appended in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.events import Event
from headwater.store.database import Dialect

if TYPE_CHECKING:
    from headwater.store.renames import Renames

# Selected beside other columns: tells by one number whether any asset was moved since renames were last read.
LAST_MOVE = "(SELECT max(storage_id) FROM asset_moves)"


class Reading(ABC):
    """The part of a store that its questions are asked of."""

    _dialect: Dialect

    @abstractmethod
    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return all rows, after what this process appended has been committed."""


class RenameQueries(Reading):
    """The renames of a store, read again only when an asset was moved since."""

    _renames: Renames | None = None
    _renames_up_to: int | None = None

    def renames(self) -> Renames:
        """Return every rename that was recorded."""
        return self._renames_of(self._rows(f"SELECT {LAST_MOVE}")[0][0])

    def _renames_of(self, last_move: int | None) -> Renames:
        """Return the renames up to `last_move`, which a query gave as LAST_MOVE, or later ones."""
        if self._renames is None or last_move != self._renames_up_to:
            from headwater.store.renames import RENAMES, renames_in

            rows = self._rows(RENAMES)
            self._renames = renames_in(rows)
            self._renames_up_to = max((row[0] for row in rows), default=None)
        return self._renames

    def _told(self, event: Event, key: str | None, storage_id: int | None, last_move: int | None) -> Any:
        """Return a recorded event as it is told today."""
        if last_move is None:
            return event
        from headwater.store.renames import told_now

        renames = self._renames_of(last_move)
        return told_now(event, key, lambda name: renames.as_of(name, storage_id or 0))
