"""What is recorded of an asset's partitions, as sets of its definition: read from kept sets, and brought up to date.

The promise: the answer is what the rows say, whether or not anything was kept. What is kept only saves reading them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.model.codec import decode_json, encode_json
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import PartitionsDefinition
from headwater.model.partitions.recorded_keys import KeyReader, recorded_space, set_from_data, set_to_data
from headwater.model.partitions.subset import PartitionsSubset
from headwater.store.interface import AssetStore
from headwater.store.partition_sets import ROWS_AT_ONCE, KeptPartitionSets, OtherAttempt, PartitionChanges

# As many rows are read in about a millisecond; from then on the next reader is spared them.
KEEP_FROM_ROWS = 500
# Strange keys are text, and may be many.
_PACK_FROM_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class RecordedPartitions:
    """The partitions that have a value, and those whose last attempt failed or was blocked by a failure.

    They need not exist now. `strange` are the keys with a value that the definition cannot have at all.
    """

    materialized: PartitionsSubset[Any]
    failed: PartitionsSubset[Any]
    blocked: PartitionsSubset[Any]
    strange: frozenset[str] = frozenset()


def recorded_partitions(
    definition: PartitionsDefinition[Any],
    store: AssetStore,
    key: AssetKey,
    *,
    keep_from_rows: int = KEEP_FROM_ROWS,
    rows_at_once: int = ROWS_AT_ONCE,
) -> RecordedPartitions:
    """Return what is recorded of the partitions of an asset, as sets of `definition`.

    When `keep_from_rows` rows or more had to be read, the sets are kept for the next reader.
    """
    space = recorded_space(definition)
    kept = store.kept_partition_sets(key) if space is not None else None
    empty = definition.empty_subset()
    found, up_to, forgotten = RecordedPartitions(empty, empty, empty), 0, None if kept is None else kept.forgotten
    if kept is not None and kept.space == space:
        read = _find_in_body(definition, kept.body)
        found, up_to = (found, 0) if read is None else (read, kept.up_to)
    reader = KeyReader(definition)
    rows, is_last = 0, False
    while not is_last:
        changes = store.partition_changes(key, up_to, rows_at_once)
        if forgotten is not None and changes.forgotten != forgotten and (up_to or rows):
            # Something was taken back while we read: from the beginning, with what is there now.
            found, up_to, rows, forgotten = RecordedPartitions(empty, empty, empty), 0, 0, changes.forgotten
            continue
        found, up_to, forgotten, is_last = (
            _changed(found, reader, changes),
            changes.up_to,
            changes.forgotten,
            changes.is_last,
        )
        rows += len(changes.materialized) + len(changes.others)
    if space is not None and rows >= keep_from_rows:
        store.keep_partition_sets(key, KeptPartitionSets(space, up_to, forgotten or 0, _to_body(found)))
    return found


def _changed(found: RecordedPartitions, reader: KeyReader, changes: PartitionChanges) -> RecordedPartitions:
    if changes.materialized:
        made, strange = reader.read(changes.materialized)
        found = RecordedPartitions(
            found.materialized | made,
            found.failed - made if found.failed else found.failed,
            found.blocked - made if found.blocked else found.blocked,
            found.strange.union(strange) if strange else found.strange,
        )
    return _with_others(found, reader, changes.others) if changes.others else found


def _with_others(found: RecordedPartitions, reader: KeyReader, others: Any) -> RecordedPartitions:
    def those(of: list[OtherAttempt]) -> PartitionsSubset[Any]:
        return reader.read([each.partition for each in of])[0]

    tried, strange = reader.read([each.partition for each in others if each.is_materialized])
    ended = those(others)
    return RecordedPartitions(
        found.materialized | tried,
        (found.failed - ended) | those([each for each in others if each.outcome == "failed"]),
        (found.blocked - ended) | those([each for each in others if each.outcome == "blocked"]),
        found.strange.union(strange),
    )


def _to_body(found: RecordedPartitions) -> bytes:
    data = {
        "materialized": set_to_data(found.materialized),
        "failed": set_to_data(found.failed),
        "blocked": set_to_data(found.blocked),
        "strange": sorted(found.strange),
    }
    body = encode_json(data).encode()
    if len(body) < _PACK_FROM_BYTES:
        return body
    import zlib

    return zlib.compress(body, 1)


def _find_in_body(definition: PartitionsDefinition[Any], body: bytes) -> RecordedPartitions | None:
    """Return the sets that were kept, None for those of a release that kept them otherwise."""
    import zlib

    try:
        data = decode_json(body if body.startswith(b"{") else zlib.decompress(body))
        return RecordedPartitions(
            set_from_data(definition, data["materialized"]),
            set_from_data(definition, data["failed"]),
            set_from_data(definition, data["blocked"]),
            frozenset(data["strange"]),
        )
    except (ValueError, KeyError, TypeError, zlib.error):
        return None
