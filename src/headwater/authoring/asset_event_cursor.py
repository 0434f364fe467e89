"""How far a sensor has come in the materializations of each asset that it follows, and how that is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from headwater.model.errors.triggers import UnreadableCursor
from headwater.model.keys import AssetKey

if TYPE_CHECKING:
    from headwater.model.runs import EventRecord


@dataclass(frozen=True, slots=True)
class AssetEventCursor:
    """The latest materialization that was consumed of one asset.

    `storage_id` is 0 before the first; `partition` is its partition. `trailing` holds what was passed over: by
    partition, the storage id of its latest materialization at or before `storage_id` that was not consumed.
    """

    storage_id: int = 0
    partition: str | None = None
    trailing: Mapping[str, int] = field(default_factory=dict)

    def with_nothing_trailing(self) -> AssetEventCursor:
        """Return it with all consumed that was passed over."""
        return replace(self, trailing={})

    def moved_to(self, record: EventRecord, trailing: Mapping[str, int]) -> AssetEventCursor:
        """Return the cursor that stands at this record."""
        return AssetEventCursor(record.storage_id, record.partition_key, trailing)

    def consuming(self, consumed: Sequence[EventRecord], latest_since: Mapping[str, int]) -> AssetEventCursor:
        """Return the cursor after these records were consumed, in whichever order.

        `latest_since` holds the storage id of the latest materialization by partition, where it is after this cursor.
        """
        last = max(consumed, key=lambda record: record.storage_id)
        moved = self
        passed_over = dict(self.trailing)
        if last.storage_id > self.storage_id:
            moved = self.moved_to(last, {})
            passed_over |= {
                partition: storage_id for partition, storage_id in latest_since.items() if storage_id <= last.storage_id
            }
        for record in consumed:
            if record.partition_key is not None and passed_over.get(record.partition_key, 0) <= record.storage_id:
                passed_over.pop(record.partition_key, None)
        return replace(moved, trailing=passed_over)


def read_cursors(of: str, text: str | None) -> Mapping[AssetKey, AssetEventCursor]:
    """Return the cursor by asset that was written. Raises UnreadableCursor for what no sensor of this kind wrote."""
    if not text:
        return {}
    try:
        written = json.loads(text)
        return {
            AssetKey.parse(key): AssetEventCursor(int(storage_id), partition, dict(trailing))
            for key, (storage_id, partition, trailing) in written.items()
        }
    except (ValueError, TypeError, AttributeError):
        raise UnreadableCursor(of, text, "the cursor of a sensor of several assets") from None


def written_cursors(cursors: Mapping[AssetKey, AssetEventCursor]) -> str:
    """Return the cursor by asset as text; one that stands at the beginning is left out."""
    return json.dumps(
        {
            str(key): [cursor.storage_id, cursor.partition, dict(cursor.trailing)]
            for key, cursor in cursors.items()
            if cursor.storage_id
        }
    )
