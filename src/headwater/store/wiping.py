"""Wiping: what was known of an asset, or of some of its partitions, counts no longer. History stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.store.database import Connection
from headwater.store.partition_sets import TAKEN_BACK
from headwater.store.statements import batches, in_list

_MATERIALIZATION = ("materialization_id", "data_version", "code_version", "materialization", "made_by", "provenance")
_ATTEMPT = ("attempt_id", "attempt_outcome", "attempted_at", "attempt_run_id", "attempt_cause")
_OBSERVATION = ("observation_id", "observation")


def wipe(connection: Connection, asset_id: int, partitions: Sequence[str]) -> None:
    """Forget the state of these partitions, or of the whole asset when none is named."""
    connection.execute(TAKEN_BACK, (asset_id,))
    if not partitions:
        for table in ("asset_states", "asset_partitions", "check_states", "check_partitions"):
            connection.execute(f"DELETE FROM {table} WHERE asset_id = ?", (asset_id,))
        return
    for table, recompute in (("asset_partitions", _recompute_asset), ("check_partitions", _recompute_checks)):
        delete = f"DELETE FROM {table} WHERE asset_id = ? AND partition_key IN "
        if sum(connection.execute(delete + in_list(part), (asset_id, *part)).rowcount for part in batches(partitions)):
            recompute(connection, asset_id)


def _recompute_asset(connection: Connection, asset_id: int) -> None:
    """Make the latest over all partitions true again, from the partitions that are left."""
    (left,) = connection.execute("SELECT count(*) FROM asset_partitions WHERE asset_id = ?", (asset_id,)).fetchone()
    if not left:
        connection.execute("DELETE FROM asset_states WHERE asset_id = ?", (asset_id,))
        return
    for columns in (_MATERIALIZATION, _ATTEMPT, _OBSERVATION):
        names = ", ".join(columns)
        latest = connection.execute(
            f"SELECT {names} FROM asset_partitions WHERE asset_id = ? AND {columns[0]} IS NOT NULL"
            f" ORDER BY {columns[0]} DESC LIMIT 1",
            (asset_id,),
        ).fetchone() or (None,) * len(columns)
        sets = ", ".join(f"{column} = ?" for column in columns)
        connection.execute(f"UPDATE asset_states SET {sets} WHERE asset_id = ?", (*latest, asset_id))
    connection.execute(
        "UPDATE asset_states SET materialization_count ="
        " (SELECT sum(materialization_count) FROM asset_partitions WHERE asset_id = ?) WHERE asset_id = ?",
        (asset_id, asset_id),
    )


def _recompute_checks(connection: Connection, asset_id: int) -> None:
    connection.execute("DELETE FROM check_states WHERE asset_id = ? AND partition_key IS NOT NULL", (asset_id,))
    connection.execute(
        "INSERT INTO check_states (asset_id, check_name, storage_id, passed, partition_key, body)"
        " SELECT asset_id, check_name, storage_id, passed, partition_key, body FROM check_partitions AS latest"
        " WHERE asset_id = ? AND storage_id = (SELECT max(storage_id) FROM check_partitions AS other"
        " WHERE other.asset_id = latest.asset_id AND other.check_name = latest.check_name)"
        # A check that was last evaluated on the whole asset keeps that.
        " ON CONFLICT (asset_id, check_name) DO NOTHING",
        (asset_id,),
    )
