"""Moving assets to other keys, inside one transaction: who an asset is does not change, only what it is called."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from headwater.model.codec import decode_json, encode_event, encode_json
from headwater.model.errors.repair import AssetHasHistory, AssetInUse, BadMove, ChangedMeanwhile, NothingRecorded
from headwater.model.events import AssetMoved
from headwater.model.keys import AssetKey
from headwater.model.provenance import read_made_by
from headwater.model.renamed import renamed_made_by, renamed_provenance
from headwater.store.database import Connection, Dialect
from headwater.store.renames import set_aside_key
from headwater.store.statements import batches, in_list
from headwater.store.writer import Writer

_UNFINISHED = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")

# A table of state, the asset, and the text that says what made its value.
Maker = tuple[str, int, str]


def move(
    connection: Connection,
    writer: Writer,
    key_by_former: Mapping[AssetKey, AssetKey],
    last_attempts: Mapping[AssetKey, int | None] | None,
    now: float,
) -> None:
    """Give assets other keys, all of them or none. `last_attempts` are the ids that they must still have."""
    names = {str(former): str(key) for former, key in key_by_former.items()}
    if len(set(names.values())) != len(names) or any(former == name for former, name in names.items()):
        raise BadMove(
            what="A move names one key twice.",
            why="Two assets cannot have one key, and an asset that keeps its key does not move.",
            fix="Give each asset a key of its own.",
        )
    ids = _ids(connection, [*names, *names.values()])
    known = _with_state(connection, ids.values())
    for former in names:
        if ids.get(former) not in known:
            raise NothingRecorded(former, _known_keys(connection))
    for former, name in names.items():
        if name not in names and ids.get(name) in known:
            raise AssetHasHistory(former, name)
    makers = _makers(connection, writer.database.dialect)
    refuse_in_use(connection, {*names, *names.values()} | _readers(connection, makers, names), _said(names))
    if last_attempts is not None:
        _refuse_changed(connection, ids, last_attempts)
    # A key that is free now, and those that are about to be, must be so before anyone takes them.
    set_aside = {ids[name]: name for name in names.values() if name not in names and name in ids}
    for former in names:
        connection.execute("UPDATE assets SET asset_key = ? WHERE asset_id = ?", (f" {ids[former]}", ids[former]))
    for asset_id, name in set_aside.items():
        aside = set_aside_key(name, asset_id)
        connection.execute("UPDATE assets SET asset_key = ? WHERE asset_id = ?", (aside, asset_id))
    for former, name in names.items():
        connection.execute("UPDATE assets SET asset_key = ? WHERE asset_id = ?", (name, ids[former]))
    writer.forget_asset_ids()
    moved = [(ids[former], former, name) for former, name in names.items()]
    # What was recorded of a wiped asset whose key another takes is told under the name that it was given.
    moved += [(asset_id, name, set_aside_key(name, asset_id)) for asset_id, name in set_aside.items()]
    told = [AssetMoved(timestamp=now, asset=name, former_key=former) for _, former, name in moved]
    writer.write([(event, encode_event(event).decode()) for event in told], {})
    first = writer.last_storage_id - len(told) + 1
    for place, (asset_id, former, _) in enumerate(moved):
        connection.execute(
            "INSERT INTO asset_moves (storage_id, asset_id, former_key, moved_at) VALUES (?, ?, ?, ?)",
            (first + place, asset_id, former, now),
        )
    _rename_inputs(connection, makers, names)


def _said(names: Mapping[str, str]) -> str:
    former, name = next(iter(names.items()))
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f'"{former}" cannot become "{name}"{more}'


def _ids(connection: Connection, names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in batches(names):
        sql = f"SELECT asset_key, asset_id FROM assets WHERE asset_key IN {in_list(part)}"
        found.update(connection.execute(sql, part).fetchall())
    return found


def _with_state(connection: Connection, ids: Collection[int]) -> set[int]:
    """Return those of which something is known: what is wiped is not."""
    found: set[int] = set()
    for part in batches(list(ids)):
        for table in ("asset_states", "check_states"):
            sql = f"SELECT DISTINCT asset_id FROM {table} WHERE asset_id IN {in_list(part)}"
            found.update(asset_id for (asset_id,) in connection.execute(sql, part).fetchall())
    return found


def _known_keys(connection: Connection) -> list[str]:
    sql = "SELECT asset_key FROM assets JOIN asset_states USING (asset_id)"
    return [key for (key,) in connection.execute(sql).fetchall()]


def refuse_in_use(connection: Connection, keys: Collection[str], what: str) -> None:
    """Raise AssetInUse when an unfinished run or backfill is to build one of these assets."""
    rows = connection.execute(
        "SELECT run_id, request, plan FROM runs"
        f" WHERE status IN {in_list(_UNFINISHED)} OR (status = 'INTERRUPTED'"
        " AND EXISTS (SELECT 1 FROM run_launches WHERE run_launches.run_number = runs.run_number))",
        _UNFINISHED,
    ).fetchall()
    wanted = frozenset(keys)
    using = [run_id for run_id, request, plan in rows if not wanted.isdisjoint(_built_by(request, plan))]
    if using:
        raise AssetInUse(what, using)
    backfills = connection.execute(
        "SELECT backfill_id, body FROM backfills WHERE status IN ('IN_PROGRESS', 'PAUSED', 'CANCELING')"
    ).fetchall()
    unfinished = [each for each, body in backfills if not wanted.isdisjoint(decode_json(body).get("asset_keys", ()))]
    if unfinished:
        raise AssetInUse(what, unfinished, "backfill")


def _built_by(request: str, plan: str | None) -> Iterator[str]:
    asked: Mapping[str, Any] = decode_json(request)
    yield from asked.get("asset_selection", ())
    for check in asked.get("check_selection", ()):
        yield str(check).rpartition(":")[0]
    if plan is not None:
        for step in decode_json(plan).get("steps", ()):
            if isinstance(step, dict):
                yield from (asset["key"] for asset in step.get("assets", ()))


def _refuse_changed(
    connection: Connection, ids: Mapping[str, int], last_attempts: Mapping[AssetKey, int | None]
) -> None:
    for key, attempt_id in last_attempts.items():
        sql = "SELECT attempt_id FROM asset_states WHERE asset_id = ?"
        row = connection.execute(sql, (ids[str(key)],)).fetchone()
        if (None if row is None else row[0]) != attempt_id:
            raise ChangedMeanwhile(str(key))


# ------------------------------------------------------------------------------------------------- what read the assets


def _readers(connection: Connection, makers: Sequence[Maker], names: Mapping[str, str]) -> set[str]:
    """Return the keys of the assets whose latest values were made from these."""
    ids = {asset_id for _, asset_id, made_by in makers if _reads(made_by, names)}
    found: set[str] = set()
    for part in batches(list(ids)):
        sql = f"SELECT asset_key FROM assets WHERE asset_id IN {in_list(part)}"
        found.update(key for (key,) in connection.execute(sql, part).fetchall())
    return found


def _makers(connection: Connection, dialect: Dialect) -> list[Maker]:
    """Return each text that says what made values of an asset; many partitions have the same."""
    of_assets = "SELECT asset_id, made_by FROM asset_states WHERE made_by IS NOT NULL"
    of_partitions = "SELECT DISTINCT asset_id, made_by FROM asset_partitions WHERE made_by IS NOT NULL"
    if dialect.name == "sqlite":
        # SQLite would look at every row; from text to text it goes by the index.
        next_of = "SELECT min(made_by) FROM asset_partitions AS part WHERE part.asset_id = found.asset_id"
        of_partitions = (
            "WITH RECURSIVE groups (asset_id, made_by) AS ("
            f" SELECT asset_id, ({next_of}) FROM asset_states AS found UNION ALL"
            f" SELECT asset_id, ({next_of} AND part.made_by > found.made_by) FROM groups AS found"
            " WHERE made_by IS NOT NULL) SELECT asset_id, made_by FROM groups WHERE made_by IS NOT NULL"
        )
    return [
        (table, asset_id, made_by)
        for table, sql in (("asset_states", of_assets), ("asset_partitions", of_partitions))
        for asset_id, made_by in connection.execute(sql).fetchall()
    ]


def _pattern(name: str) -> str:
    """Return what a text is LIKE in which the name stands as JSON."""
    text = encode_json(name)
    return f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"


def _reads(made_by: str, names: Mapping[str, str]) -> bool:
    return any(name in names for name in read_made_by(made_by).dep_names or ())


def _rename_inputs(connection: Connection, makers: Sequence[Maker], names: Mapping[str, str]) -> None:
    """Call inputs by their new keys in the state of what was made from them. (What is in bodies is told so when read.)"""
    for table, asset_id, made_by in makers:
        group = (asset_id, made_by)
        if read_made_by(made_by).is_listed:
            column = ", partition_key" if table == "asset_partitions" else ""
            where = "WHERE asset_id = ? AND made_by = ?"
            rows = []
            for former in names:
                # Most rows name other inputs, or none: they are not worth being read.
                named = f"SELECT provenance{column} FROM {table} {where} AND provenance LIKE ? ESCAPE '!'"
                rows += connection.execute(named, (*group, _pattern(former))).fetchall()
            for provenance, *partition in rows:
                text = renamed_provenance(provenance, names)
                if text is not None:
                    of = f"{where} AND partition_key = ?" if partition else where
                    connection.execute(f"UPDATE {table} SET provenance = ? {of}", (text, *group, *partition))
        renamed = renamed_made_by(made_by, names)
        if renamed is not None:
            connection.execute(f"UPDATE {table} SET made_by = ? WHERE asset_id = ? AND made_by = ?", (renamed, *group))
