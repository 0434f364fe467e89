"""The partitions of an asset as sets that are kept, and what changed of them since: reading a million takes no million rows.

The store knows keys, not what they number, so the bodies of kept sets are whoever's that keeps them (views/recorded_partitions).
The promise: sets as of a storage id, and the changes after it, are together what the rows say, unless something was taken
back in between, or the key was given to another asset; then `forgotten` is another number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from headwater.model.codec import decode_json
from headwater.model.keys import AssetKey
from headwater.store.reading import Reading
from headwater.store.statements import batches, in_list

# How many rows are read at once: a few megabytes, whatever the number of partitions.
ROWS_AT_ONCE = 20_000


# A key may be another asset's a moment later, of which as much was taken back. What is read by it is told apart by this.
_FORGOTTEN = f"(assets.asset_id * {1 << 32} + assets.forgotten)"


class KeptPartitionSets(NamedTuple):
    """Sets as they were when the fact `up_to` was the newest of the asset's partitions. `space` says how to read them.

    `forgotten` is that of the changes that they were made from.
    """

    space: str
    up_to: int
    forgotten: int
    body: bytes


class OtherAttempt(NamedTuple):
    """A partition whose last attempt did not materialize it."""

    partition: str
    is_materialized: bool
    outcome: str


class PartitionChanges(NamedTuple):
    """Partitions whose last attempt came after a storage id, oldest first and not always all: `up_to` is the last told of.

    `materialized` are those that it materialized. `forgotten` is another number as soon as something of the asset is taken
    back, or the key is another asset's.
    """

    forgotten: int
    up_to: int
    materialized: Sequence[str]
    others: Sequence[OtherAttempt]
    is_last: bool


class PartitionSetQueries(Reading):
    """What is asked of sets of partitions."""

    def kept_partition_sets(self, key: AssetKey) -> KeptPartitionSets | None:
        sql = (
            f"SELECT space, up_to, {_FORGOTTEN}, body FROM assets JOIN partition_sets AS kept USING (asset_id)"
            " WHERE asset_key = ? AND assets.forgotten = kept.forgotten"
        )
        rows = self._rows(sql, (str(key),))
        for space, up_to, forgotten, body in rows:
            return KeptPartitionSets(space, up_to, forgotten, bytes(body))
        return None

    def partition_changes(self, key: AssetKey, after: int, rows: int = ROWS_AT_ONCE) -> PartitionChanges:
        dialect = self._dialect
        is_usual = "attempt_outcome = 'materialized'"
        usual = dialect.json_list.format(value="partition_key", condition=is_usual)
        row = dialect.json_row.format(values="partition_key, materialization_id, attempt_outcome")
        others = dialect.json_list.format(value=row, condition=f"NOT {is_usual}")
        of_asset = "asset_id = (SELECT asset_id FROM assets WHERE asset_key = ?)"
        # The ids are in the order of commits, and this is one statement: what it does not see has a higher id.
        found = self._rows(
            f"SELECT (SELECT {_FORGOTTEN} FROM assets WHERE asset_key = ?), count(*), max(attempt_id), {usual}, {others}"
            f" FROM asset_partitions WHERE {of_asset} AND attempt_id > ? AND attempt_id <= coalesce((SELECT attempt_id"
            f" FROM asset_partitions WHERE {of_asset} AND attempt_id > ?"
            f" ORDER BY attempt_id LIMIT 1 OFFSET {rows - 1}), {2**63 - 1})",
            (str(key), str(key), after, str(key), after),
        )
        forgotten, count, up_to, usual_text, others_text = found[0]
        # No rows at all is NULL on PostgreSQL.
        told = decode_json(others_text) if others_text else ()
        return PartitionChanges(
            forgotten or 0,
            up_to or after,
            decode_json(usual_text) if usual_text else (),
            [OtherAttempt(partition, made is not None, outcome) for partition, made, outcome in told],
            count < rows,
        )

    def partitions_attempted_by(
        self, key: AssetKey, run_id: str, among: Collection[str] | None = None
    ) -> frozenset[str]:
        of_asset = "asset_id = (SELECT asset_id FROM assets WHERE asset_key = ?)"
        if among is not None:
            sql = f"SELECT partition_key FROM asset_partitions WHERE {of_asset} AND attempt_run_id = ? AND partition_key IN "
            return frozenset(
                partition
                for part in batches(sorted(among))
                for (partition,) in self._rows(sql + in_list(part), (str(key), run_id, *part))
            )
        # Whatever a run came to an end with has an id behind that of its first step.
        sql = (
            f"SELECT partition_key FROM asset_partitions WHERE {of_asset} AND attempt_id >= (SELECT min(position)"
            " FROM steps WHERE run_number = (SELECT run_number FROM runs WHERE run_id = ?)) AND attempt_run_id = ?"
        )
        return frozenset(partition for (partition,) in self._rows(sql, (str(key), run_id, run_id)))


KEEP_SETS = (
    "INSERT INTO partition_sets (asset_id, space, up_to, forgotten, body)"
    f" SELECT asset_id, ?, ?, forgotten, ? FROM assets WHERE asset_key = ? AND {_FORGOTTEN} = ?"
    " ON CONFLICT (asset_id) DO UPDATE SET space = excluded.space, up_to = excluded.up_to,"
    " forgotten = excluded.forgotten, body = excluded.body"
    # Somebody may have kept newer ones meanwhile.
    " WHERE partition_sets.forgotten < excluded.forgotten OR partition_sets.space <> excluded.space"
    " OR partition_sets.up_to < excluded.up_to"
)
TAKEN_BACK = "UPDATE assets SET forgotten = forgotten + 1 WHERE asset_id = ?"
