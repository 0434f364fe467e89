"""Backfills as they are kept: a record that anyone reads, a plan that never changes, progress that its owner writes.

A backfill belongs to the process that carries it out for as long as that process lives. Another takes it over when it is
gone; what anyone wants of it is noted as a wish, which its owner grants.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from headwater.model.backfills import Backfill, BackfillPlan, BackfillStatus, BackfillWish
from headwater.model.codec import encode_json
from headwater.model.errors.backfills import (
    BackfillAlreadyExists,
    BackfillHasEnded,
    BackfillNotOurs,
    UnknownBackfill,
)
from headwater.model.keys import AssetKey
from headwater.store.reading import Reading
from headwater.store.recovery import living_owners
from headwater.store.statements import batches, in_list
from headwater.store.writer import Writer

_COLUMNS = "backfill_number, status, updated_at, body, owner_id"
_WISHES = ("pause", "resume", "cancel")


class BackfillTable(Reading):
    """The part of a store that knows backfills."""

    _writer: Writer

    def create_backfill(self, backfill: Backfill, plan: BackfillPlan, *, owned: bool = False) -> None:
        with self._writer.transaction() as connection:
            owner_id = self._writer.lease() if owned else None
            created = connection.execute(
                "INSERT INTO backfills (backfill_id, status, location, created_at, updated_at, body, owner_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (backfill_id) DO NOTHING RETURNING backfill_number",
                (
                    backfill.backfill_id,
                    backfill.status.value,
                    backfill.location,
                    backfill.created_at,
                    backfill.created_at,
                    _body(backfill),
                    owner_id,
                ),
            ).fetchone()
            if created is None:
                raise BackfillAlreadyExists(backfill.backfill_id)
            connection.execute(
                "INSERT INTO backfill_plans (backfill_number, plan) VALUES (?, ?)",
                (created[0], zlib.compress(msgspec.msgpack.encode(plan), 1)),
            )
            self._writer.will_have_changed("backfills")

    def find_backfill(self, backfill_id: str) -> Backfill | None:
        found = self._backfills_where("backfill_id = ?", [backfill_id], None)
        return found[0] if found else None

    def backfills(
        self,
        statuses: Iterable[BackfillStatus] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Sequence[Backfill]:
        where, values = ["1 = 1"], list[Any]()
        if statuses is not None:
            named = [status.value for status in statuses]
            where.append(f"status IN {in_list(named)}")
            values += named
        if cursor is not None:
            where.append("backfill_number < (SELECT backfill_number FROM backfills AS b WHERE b.backfill_id = ?)")
            values.append(cursor)
        return self._backfills_where(" AND ".join(where), values, limit)

    def _backfills_where(self, where: str, values: Sequence[Any], limit: int | None) -> list[Backfill]:
        sql = f"SELECT {_COLUMNS} FROM backfills WHERE {where} ORDER BY backfill_number DESC"
        rows = self._rows(f"{sql} LIMIT {limit}" if limit is not None else sql, values)
        alive = living_owners(self._rows, self._writer) if any(row[4] is not None for row in rows) else ()
        return [
            replace(
                msgspec.json.decode(body, type=Backfill),
                status=BackfillStatus(status),
                updated_at=updated_at,
                is_owned=owner_id in alive,
            )
            for _, status, updated_at, body, owner_id in rows
        ]

    def backfill_plan(self, backfill_id: str) -> BackfillPlan:
        body, _ = self._plan_row(backfill_id)
        return msgspec.msgpack.decode(zlib.decompress(body), type=BackfillPlan)

    def backfill_progress(self, backfill_id: str) -> bytes | None:
        _, progress = self._plan_row(backfill_id)
        return None if progress is None else bytes(progress)

    def _plan_row(self, backfill_id: str) -> Any:
        rows = self._rows(
            "SELECT plan, progress FROM backfill_plans JOIN backfills USING (backfill_number) WHERE backfill_id = ?",
            (backfill_id,),
        )
        if not rows:
            raise UnknownBackfill(backfill_id, [each.backfill_id for each in self.backfills(limit=100)])
        return rows[0]

    def adopt_backfill(self, backfill_id: str) -> bool:
        with self._writer.transaction() as connection:
            row = connection.execute(
                "SELECT status, owner_id FROM backfills WHERE backfill_id = ?", (backfill_id,)
            ).fetchone()
            if row is None or BackfillStatus(row[0]).is_finished:
                return False
            ours = self._writer.lease()
            if row[1] is not None and row[1] != ours:

                def rows(sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
                    return connection.execute(sql, parameters).fetchall()

                if row[1] in living_owners(rows, self._writer):
                    return False
                # One that was only taken for dead writes nothing more: what it would record is ours to say now.
                connection.execute("DELETE FROM owners WHERE owner_id = ?", (row[1],))
            connection.execute("UPDATE backfills SET owner_id = ? WHERE backfill_id = ?", (ours, backfill_id))
            self._writer.will_have_changed("backfills")
        return True

    def release_backfill(self, backfill_id: str) -> None:
        with self._writer.transaction() as connection:
            connection.execute(
                "UPDATE backfills SET owner_id = NULL WHERE backfill_id = ? AND owner_id = ?",
                (backfill_id, self._writer.owner_id),
            )
            self._writer.will_have_changed("backfills")

    def save_backfill(self, backfill: Backfill, progress: bytes | None, *, granted: BackfillWish | None = None) -> None:
        ours = self._writer.owner_id
        with self._writer.transaction() as connection:
            row = connection.execute(
                "UPDATE backfills SET status = ?, updated_at = ?, body = ?, owner_id = CASE WHEN ? THEN NULL ELSE owner_id END"
                f" WHERE backfill_id = ? AND owner_id {'IS NULL' if ours is None else '= ?'} RETURNING backfill_number, wish",
                (
                    backfill.status.value,
                    backfill.updated_at or backfill.created_at,
                    _body(backfill),
                    backfill.is_finished,
                    backfill.backfill_id,
                    *(() if ours is None else (ours,)),
                ),
            ).fetchone()
            if row is None:
                raise BackfillNotOurs(backfill.backfill_id)
            if granted is not None and row[1] and msgspec.json.decode(row[1], type=BackfillWish) == granted:
                connection.execute("UPDATE backfills SET wish = NULL WHERE backfill_number = ?", (row[0],))
            if progress is not None:
                connection.execute(
                    "UPDATE backfill_plans SET progress = ? WHERE backfill_number = ?", (progress, row[0])
                )
            self._writer.will_have_changed("backfills")

    def ask_backfill(
        self,
        backfill_id: str,
        wish: str | None = None,
        *,
        max_concurrent_runs: int | None = None,
        priority: float | None = None,
    ) -> None:
        assert wish is None or wish in _WISHES
        with self._writer.transaction() as connection:
            row = connection.execute(
                "SELECT status, wish FROM backfills WHERE backfill_id = ?", (backfill_id,)
            ).fetchone()
            if row is not None and BackfillStatus(row[0]).is_finished:
                raise BackfillHasEnded(backfill_id, row[0], wish or "change")
            if row is not None:
                before = msgspec.json.decode(row[1], type=BackfillWish) if row[1] else BackfillWish()
                changed = BackfillWish(
                    # A cancel is not taken back.
                    wish if wish is not None and before.wish != "cancel" else before.wish,
                    max_concurrent_runs if max_concurrent_runs is not None else before.max_concurrent_runs,
                    priority if priority is not None else before.priority,
                )
                connection.execute(
                    "UPDATE backfills SET wish = ? WHERE backfill_id = ?", (encode_json(changed), backfill_id)
                )
                self._writer.will_have_changed("backfills")
        if row is None:
            raise UnknownBackfill(backfill_id, [each.backfill_id for each in self.backfills(limit=100)])

    def backfill_wishes(self, backfill_ids: Sequence[str]) -> Mapping[str, BackfillWish]:
        return {
            backfill_id: msgspec.json.decode(text, type=BackfillWish)
            for backfill_id, text in self._noted_wishes(backfill_ids).items()
        }

    def _noted_wishes(self, backfill_ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in batches(list(backfill_ids)):
            sql = f"SELECT backfill_id, wish FROM backfills WHERE wish IS NOT NULL AND backfill_id IN {in_list(part)}"
            found.update(self._rows(sql, part))
        return found

    def take_backfill_wishes(self, backfill_ids: Sequence[str]) -> Mapping[str, BackfillWish]:
        found = self._noted_wishes(backfill_ids)
        if found:
            with self._writer.transaction() as connection:
                for backfill_id, text in found.items():
                    connection.execute(
                        "UPDATE backfills SET wish = NULL WHERE backfill_id = ? AND wish = ?", (backfill_id, text)
                    )
        return {backfill_id: msgspec.json.decode(text, type=BackfillWish) for backfill_id, text in found.items()}

    def attempt_outcomes(
        self, key: AssetKey, partitions: Iterable[str] | None, run_id: str
    ) -> Mapping[str | None, str]:
        of_asset = "(SELECT asset_id FROM assets WHERE asset_key = ?)"
        if partitions is None:
            sql = f"SELECT attempt_outcome FROM asset_states WHERE asset_id = {of_asset} AND attempt_run_id = ?"
            found = self._rows(sql, (str(key), run_id))
            return {None: found[0][0]} if found else {}
        sql = (
            f"SELECT partition_key, attempt_outcome FROM asset_partitions WHERE asset_id = {of_asset}"
            " AND attempt_run_id = ? AND partition_key IN "
        )
        return {
            partition: outcome
            for part in batches(list(partitions))
            for partition, outcome in self._rows(sql + in_list(part), [str(key), run_id, *part])
        }


def _body(backfill: Backfill) -> str:
    return encode_json(backfill)
