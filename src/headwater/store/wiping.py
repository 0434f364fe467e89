"""Wiping: what was known of an asset, or of some of its partitions, counts no longer. History stays as it is.

Of one materialization it is otherwise: that is taken out of history, and what is left is folded again, so that state is what
it would be if the materialization had never been.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from headwater.model.codec import decode_event
from headwater.model.events import AssetMaterialized, AssetUnchanged
from headwater.store.database import Connection, Dialect
from headwater.store.partition_sets import TAKEN_BACK
from headwater.store.renames import RENAMES, Renames, renames_in, told_now
from headwater.store.state import FOLDS, Fact, RowChange, StateChanges, Wipe
from headwater.store.statements import ALL_PARTITIONS, ASSET_INVALIDATIONS, ASSET_WIPES, batches, in_list, upserts

_MATERIALIZATION = ("materialization_id", "data_version", "code_version", "materialization", "made_by", "provenance")
_ATTEMPT = ("attempt_id", "attempt_outcome", "attempted_at", "attempt_run_id", "attempt_cause")
_OBSERVATION = ("observation_id", "observation")


# What a wipe says of the value that it leaves in storage.
REPLACED_VALUE = "the value that is stored is that of a materialization that was wiped"


def carry_out_wipe(connection: Connection, dialect: Dialect, wanted: Wipe) -> None:
    """Make state what it is after a wipe."""
    if wanted.materialization_id is not None:
        connection.execute(TAKEN_BACK, (wanted.asset_id,))
        _wipe_materialization(connection, dialect, wanted)
        return
    wipe(connection, wanted.asset_id, wanted.partitions)
    rows = {(wanted.asset_id, key): {"storage_id": wanted.storage_id} for key in wanted.partitions or (ALL_PARTITIONS,)}
    for sql, values in upserts(ASSET_WIPES, rows):
        connection.execute(sql, values)


def wipe(connection: Connection, asset_id: int, partitions: Sequence[str]) -> None:
    """Forget the state of these partitions, or of the whole asset when none is named."""
    connection.execute(TAKEN_BACK, (asset_id,))
    if not partitions:
        for table in ("asset_states", "asset_partitions", "check_states", "check_partitions"):
            connection.execute(f"DELETE FROM {table} WHERE asset_id = ?", (asset_id,))
        return
    of_whole = _groups_of_whole(connection, asset_id)
    made = deleted = 0
    for part in batches(partitions):
        of_part = f"FROM asset_partitions WHERE asset_id = ? AND partition_key IN {in_list(part)}"
        count = f"SELECT coalesce(sum(materialization_count), 0) {of_part}"
        made += int(connection.execute(count, (asset_id, *part)).fetchone()[0])
        deleted += connection.execute(f"DELETE {of_part}", (asset_id, *part)).rowcount
    if deleted:
        _recompute_asset(connection, asset_id, of_whole, made)
    delete = "DELETE FROM check_partitions WHERE asset_id = ? AND partition_key IN "
    if sum(connection.execute(delete + in_list(part), (asset_id, *part)).rowcount for part in batches(partitions)):
        _recompute_checks(connection, asset_id)


def _groups_of_whole(connection: Connection, asset_id: int) -> tuple[tuple[str, ...], ...]:
    """Return the groups of columns that tell of the asset itself: it had partitions once, or has some since.

    They stay when partitions go.
    """
    row = connection.execute(
        "SELECT materialization, observation, attempt_id FROM asset_states WHERE asset_id = ?", (asset_id,)
    ).fetchone()
    if row is None:
        return ()
    of_whole: list[tuple[str, ...]] = [
        columns
        for columns, body in ((_MATERIALIZATION, row[0]), (_OBSERVATION, row[1]))
        if body is not None and getattr(decode_event(body), "partition", None) is None
    ]
    of_partition = "SELECT 1 FROM asset_partitions WHERE asset_id = ? AND attempt_id = ? LIMIT 1"
    if row[2] is not None and connection.execute(of_partition, (asset_id, row[2])).fetchone() is None:
        of_whole.append(_ATTEMPT)
    return tuple(of_whole)


def _recompute_asset(
    connection: Connection, asset_id: int, of_whole: Sequence[tuple[str, ...]], materializations: int
) -> None:
    """Make the latest over all partitions true again, from those that are left, `materializations` fewer than before."""
    (left,) = connection.execute("SELECT count(*) FROM asset_partitions WHERE asset_id = ?", (asset_id,)).fetchone()
    if not left and not of_whole:
        connection.execute("DELETE FROM asset_states WHERE asset_id = ?", (asset_id,))
        return
    for columns in (_MATERIALIZATION, _ATTEMPT, _OBSERVATION):
        if columns not in of_whole:
            latest = _latest_of_partitions(connection, asset_id, columns) or (None,) * len(columns)
            sets = ", ".join(f"{column} = ?" for column in columns)
            connection.execute(f"UPDATE asset_states SET {sets} WHERE asset_id = ?", (*latest, asset_id))
    connection.execute(
        "UPDATE asset_states SET materialization_count = materialization_count - ? WHERE asset_id = ?",
        (materializations, asset_id),
    )


def _latest_of_partitions(connection: Connection, asset_id: int, columns: Sequence[str]) -> Sequence[Any] | None:
    row: Sequence[Any] | None = connection.execute(
        f"SELECT {', '.join(columns)} FROM asset_partitions WHERE asset_id = ? AND {columns[0]} IS NOT NULL"
        f" ORDER BY {columns[0]} DESC LIMIT 1",
        (asset_id,),
    ).fetchone()
    return row


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


# ------------------------------------------------------------------------------------------------- one materialization

_ATTEMPT_KINDS = ("asset_materialized", "asset_unchanged", "asset_not_materialized")


def find_materialization(connection: Connection, asset_id: int | None, key: str, storage_id: int) -> AssetMaterialized:
    """Return a materialization of an asset, from history or, where that was trimmed, from state.

    Raises UnknownMaterialization, also for one that a wipe of the asset or the partition has made count no longer.
    """
    in_history = "SELECT body FROM events WHERE storage_id = ? AND asset_id = ? AND kind = 'asset_materialized'"
    rows = connection.execute(in_history, (storage_id, asset_id)).fetchall()
    for table in ("asset_states", "asset_partitions"):
        if not rows:
            in_state = f"SELECT materialization FROM {table} WHERE materialization_id = ? AND asset_id = ?"
            rows = connection.execute(in_state, (storage_id, asset_id)).fetchall()
    found = decode_event(rows[0][0]) if rows else None
    if not isinstance(found, AssetMaterialized):
        from headwater.model.errors.repair import UnknownMaterialization

        latest = "SELECT storage_id FROM events WHERE asset_id = ? AND kind = 'asset_materialized'"
        known = connection.execute(f"{latest} ORDER BY storage_id DESC LIMIT 5", (asset_id,)).fetchall()
        raise UnknownMaterialization(key, storage_id, [each for (each,) in known])
    return found


def _wipe_materialization(connection: Connection, dialect: Dialect, wanted: Wipe) -> None:
    asset_id, wiped = wanted.asset_id, wanted.materialization_id
    partition = wanted.partitions[0] if wanted.partitions else None
    table, where, row = _row_of(asset_id, partition)
    state = connection.execute(
        f"SELECT materialization_id, materialization_count, materialization FROM {table} {where}", row
    ).fetchone()
    since = _wiped_up_to(connection, asset_id, partition)
    connection.execute("DELETE FROM events WHERE storage_id = ?", (wiped,))
    assert wiped is not None
    if state is None or wiped <= since:
        return
    latest, count, body = state
    of_whole = _groups_of_whole(connection, asset_id)
    if latest != wiped:
        counted = f"UPDATE {table} SET materialization_count = materialization_count - 1 {where}"
        connection.execute(counted, row)
        made = 1
    else:
        made = _restore(connection, dialect, wanted, partition, since, count, decode_event(body))
        _restore_checks(connection, asset_id, partition, since, wiped)
    if partition is not None:
        _recompute_asset(connection, asset_id, of_whole, made)


def _row_of(asset_id: int, partition: str | None) -> tuple[str, str, tuple[Any, ...]]:
    if partition is None:
        return "asset_states", "WHERE asset_id = ?", (asset_id,)
    return "asset_partitions", "WHERE asset_id = ? AND partition_key = ?", (asset_id, partition)


def _wiped_up_to(connection: Connection, asset_id: int, partition: str | None) -> int:
    (found,) = connection.execute(
        "SELECT max(storage_id) FROM asset_wipes WHERE asset_id = ? AND partition_key IN (?, ?)",
        (asset_id, ALL_PARTITIONS, ALL_PARTITIONS if partition is None else partition),
    ).fetchone()
    return int(found or 0)


def _restore(
    connection: Connection,
    dialect: Dialect,
    wanted: Wipe,
    partition: str | None,
    since: int,
    count: int,
    wiped: Any,
) -> int:
    """Set a row to what it was before its latest materialization, from the facts that history has.

    Returns how many materializations count no longer: all, when history has none of before.
    """
    asset_id, wiped_id = wanted.asset_id, wanted.materialization_id
    of_part = "partition_key IS NULL"
    values: tuple[str, ...] = ()
    if partition is not None:
        items = dialect.json_items.format(column="events.body", field="partitions")
        # A failure is told of many partitions at once.
        of_part = (
            "(partition_key = ? OR (partition_key IS NULL AND kind = 'asset_not_materialized'"
            f" AND EXISTS (SELECT 1 FROM {items} AS one WHERE one.value = ?)))"
        )
        values = (partition, partition)
    before = connection.execute(
        "SELECT max(storage_id) FROM events WHERE asset_id = ? AND kind = 'asset_materialized' AND storage_id < ?"
        f" AND storage_id > ? AND {of_part}",
        (asset_id, wiped_id, since, *values),
    ).fetchone()[0]
    facts = connection.execute(
        f"SELECT storage_id, body FROM events WHERE asset_id = ? AND kind IN {in_list(_ATTEMPT_KINDS)}"
        f" AND storage_id >= ? AND storage_id > ? AND storage_id <> ? AND {of_part} ORDER BY storage_id",
        (asset_id, *_ATTEMPT_KINDS, before or 0, since, wiped_id, *values),
    ).fetchall()
    renames = renames_in(connection.execute(RENAMES).fetchall())
    changes = StateChanges()
    for storage_id, body in facts:
        event = decode_event(body)
        if renames:
            # What it was made from is kept in state under the keys of today.
            event = told_now(event, None, partial(_as_of, renames, storage_id))
        # What was said to hold still is what is wiped.
        if not (isinstance(event, AssetUnchanged) and storage_id > (wiped_id or 0)):
            FOLDS[type(event)](changes, Fact(storage_id, event, body, None, asset_id))
    change = changes.assets.get(asset_id) if partition is None else changes.asset_partitions.get((asset_id, partition))
    change = dict(change or {})
    restored = decode_event(change["materialization"]) if before is not None else None
    left = count - 1 if before is not None else 0
    if partition is None:
        _take_in_partitions(connection, asset_id, change)
        if before is None:
            left = _materializations_of_partitions(connection, asset_id)
    table, where, row = _row_of(asset_id, partition)
    columns = (*_MATERIALIZATION, *_ATTEMPT)
    sets = ", ".join(f"{column} = ?" for column in columns)
    connection.execute(
        f"UPDATE {table} SET {sets}, materialization_count = ? {where}",
        (*(change.get(column) for column in columns), left, *row),
    )
    if restored is None:
        connection.execute(f"DELETE FROM {table} {where} AND attempt_id IS NULL AND observation_id IS NULL", row)
        return int(count)
    assert isinstance(restored, AssetMaterialized)
    is_there = restored.data_version is not None and restored.data_version == wiped.data_version
    if restored.has_value and wiped.has_value and not is_there:
        mark = {"storage_id": wanted.storage_id, "marked_at": wanted.timestamp, "reason": REPLACED_VALUE}
        for sql, given in upserts(ASSET_INVALIDATIONS, {(asset_id, partition or ALL_PARTITIONS): mark}):
            connection.execute(sql, given)
    return 1


def _take_in_partitions(connection: Connection, asset_id: int, change: RowChange) -> None:
    """Of an asset that has had partitions the latest over all of them counts, where that is newer than its own."""
    for columns in (_MATERIALIZATION, _ATTEMPT):
        latest = _latest_of_partitions(connection, asset_id, columns)
        if latest is not None and latest[0] > (change.get(columns[0]) or 0):
            change.update(zip(columns, latest, strict=True))


def _materializations_of_partitions(connection: Connection, asset_id: int) -> int:
    sql = "SELECT coalesce(sum(materialization_count), 0) FROM asset_partitions WHERE asset_id = ?"
    return int(connection.execute(sql, (asset_id,)).fetchone()[0])


def _as_of(renames: Renames, storage_id: int, key: str) -> str:
    return renames.as_of(key, storage_id)


def _restore_checks(connection: Connection, asset_id: int, partition: str | None, since: int, wiped: int) -> None:
    """Set results that were about the wiped value to those of before; history keeps them all."""
    table, where = "check_states", "asset_id = ? AND partition_key IS NULL"
    row: tuple[Any, ...] = (asset_id,)
    if partition is not None:
        table, where, row = "check_partitions", "asset_id = ? AND partition_key = ?", (asset_id, partition)
    about_it = f"SELECT check_name FROM {table} WHERE {where} AND storage_id > ?"
    names = [name for (name,) in connection.execute(about_it, (*row, wiped)).fetchall()]
    if not names:
        return
    earlier = connection.execute(
        f"SELECT storage_id, body FROM events WHERE {where} AND kind = 'check_evaluated'"
        " AND storage_id < ? AND storage_id > ? ORDER BY storage_id",
        (*row, wiped, since),
    ).fetchall()
    latest = {getattr(decode_event(body), "check", ""): (storage_id, body) for storage_id, body in earlier}
    for name in names:
        of_check = f"WHERE {where} AND check_name = ?"
        if name not in latest:
            connection.execute(f"DELETE FROM {table} {of_check}", (*row, name))
            continue
        storage_id, body = latest[name]
        passed = int(getattr(decode_event(body), "passed", False))
        sets = "storage_id = ?, passed = ?, body = ?"
        connection.execute(f"UPDATE {table} SET {sets} {of_check}", (storage_id, passed, body, *row, name))
    _recompute_checks(connection, asset_id)
