"""Questions about runs and their steps, asked of the state tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headwater.model.codec import decode_json, encode_json
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import Run, RunsFilter, RunStatus, StepRecord, StepStatus
from headwater.store.reading import LAST_MOVE, RenameQueries
from headwater.store.statements import in_list

if TYPE_CHECKING:
    from headwater.store.renames import Renames

_RUN_COLUMNS = (
    "run_id, job_name, status, tags, request, plan, parent_run_id, root_run_id, created_at, started_at, ended_at, cause"
)
_INSERT_COLUMNS = (
    "run_id",
    "job_name",
    "status",
    "tags",
    "request",
    "plan",
    "parent_run_id",
    "root_run_id",
    "created_at",
    "started_at",
    "ended_at",
    "cause",
    "updated_at",
    "owner_id",
)
INSERT_RUN = (
    f"INSERT INTO runs ({', '.join(_INSERT_COLUMNS)}) VALUES ({', '.join('?' * len(_INSERT_COLUMNS))})"
    " ON CONFLICT (run_id) DO NOTHING RETURNING run_number"
)


class RunQueries(RenameQueries):
    """The reading half of RunStore."""

    def find_run(self, run_id: str) -> Run | None:
        rows = self._rows(f"SELECT {_RUN_COLUMNS}, {LAST_MOVE} FROM runs WHERE run_id = ?", (run_id,))
        return run_from_row(rows[0], self._renames_if_any(rows)) if rows else None

    def runs(
        self, filters: RunsFilter | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Sequence[Run]:
        where, values = _where(filters)
        if cursor is not None:
            where.append("run_number < (SELECT run_number FROM runs AS before WHERE before.run_id = ?)")
            values.append(cursor)
        sql = f"SELECT {_RUN_COLUMNS}, {LAST_MOVE} FROM runs{_joined(where)} ORDER BY run_number DESC"
        if limit is not None:
            sql += " LIMIT ?"
            values.append(limit)
        rows = self._rows(sql, values)
        renames = self._renames_if_any(rows)
        return [run_from_row(row, renames) for row in rows]

    def _renames_if_any(self, rows: Sequence[Any]) -> Renames | None:
        return self._renames_of(rows[0][-1]) if rows and rows[0][-1] is not None else None

    def run_count(self, filters: RunsFilter | None = None) -> int:
        where, values = _where(filters)
        return int(self._rows(f"SELECT count(*) FROM runs{_joined(where)}", values)[0][0])

    def steps_of(self, run_id: str) -> Sequence[StepRecord]:
        rows = self._rows(
            "SELECT step_key, steps.status, attempt, steps.started_at, steps.ended_at, steps.cause FROM steps"
            " JOIN runs ON runs.run_number = steps.run_number WHERE run_id = ? ORDER BY position",
            (run_id,),
        )
        return [
            StepRecord(run_id, step_key, StepStatus(status), attempt, started_at, ended_at, cause)
            for step_key, status, attempt, started_at, ended_at, cause in rows
        ]

    def step_seconds(self, step_keys: Collection[str], latest_runs: int = 300) -> Mapping[str, Sequence[float]]:
        rows = self._rows(
            "SELECT step_key, ended_at - started_at FROM steps WHERE status = 'SUCCEEDED' AND started_at IS NOT NULL"
            " AND run_number > (SELECT coalesce(max(run_number), 0) FROM runs) - ? ORDER BY run_number DESC LIMIT 50000",
            (latest_runs,),
        )
        found: dict[str, list[float]] = {}
        for step_key, seconds in rows:
            if step_key in step_keys:
                found.setdefault(step_key, []).append(max(0.0, seconds))
        return found


def run_row(run: Run, now: float, owner_id: int | None) -> tuple[Any, ...]:
    """Return the values that INSERT_RUN takes."""
    request = {
        "run_config": run.run_config,
        "asset_selection": [str(key) for key in run.asset_selection],
        "check_selection": [str(key) for key in run.check_selection],
        "step_keys": run.step_keys,
    }
    return (
        run.run_id,
        run.job_name,
        run.status.value,
        encode_json(run.tags),
        encode_json({name: value for name, value in request.items() if value}),
        None if run.plan is None else encode_json(run.plan),
        run.parent_run_id,
        run.root_run_id,
        run.created_at or now,
        run.started_at,
        run.ended_at,
        run.cause,
        now,
        owner_id,
    )


def run_from_row(row: Sequence[Any], renames: Renames | None) -> Run:
    run_id, job_name, status, tags, request, plan, parent, root, created_at, started_at, ended_at, cause = row[:12]
    asked: Mapping[str, Any] = decode_json(request)
    assets = [AssetKey.parse(key) for key in asked.get("asset_selection", ())]
    checks = [AssetCheckKey.parse(key) for key in asked.get("check_selection", ())]
    if renames:
        # What the run was asked for has other keys now. (Its plan says what it was, in the words of then.)
        assets = [AssetKey.parse(renames.at(str(key), created_at)) for key in assets]
        checks = [key.replace_asset_key(AssetKey.parse(renames.at(str(key.asset_key), created_at))) for key in checks]
    return Run(
        run_id=run_id,
        job_name=job_name,
        status=RunStatus(status),
        tags=decode_json(tags),
        run_config=asked.get("run_config", {}),
        asset_selection=tuple(assets),
        check_selection=tuple(checks),
        step_keys=tuple(asked.get("step_keys", ())),
        parent_run_id=parent,
        root_run_id=root,
        created_at=created_at,
        started_at=started_at,
        ended_at=ended_at,
        cause=cause,
        plan=None if plan is None else decode_json(plan),
    )


def _joined(where: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(where)}" if where else ""


def _where(filters: RunsFilter | None) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []
    for condition, given in _conditions(filters or RunsFilter()):
        where.append(condition)
        values.extend(given)
    return where, values


def _conditions(filters: RunsFilter) -> Iterator[tuple[str, Sequence[Any]]]:
    if filters.run_ids is not None:
        yield f"run_id IN {in_list(filters.run_ids)}", filters.run_ids
    if filters.job_name is not None:
        yield "job_name = ?", (filters.job_name,)
    if filters.statuses:
        yield f"status IN {in_list(filters.statuses)}", [status.value for status in filters.statuses]
    for key, wanted in filters.tags.items():
        values = [wanted] if isinstance(wanted, str) else list(wanted)
        yield (
            f"run_number IN (SELECT run_number FROM run_tags WHERE tag_key = ? AND tag_value IN {in_list(values)})",
            [key, *values],
        )
    bounds: Sequence[tuple[str, datetime | None]] = (
        ("created_at > ?", filters.created_after),
        ("created_at < ?", filters.created_before),
        ("updated_at > ?", filters.updated_after),
        ("updated_at < ?", filters.updated_before),
    )
    for condition, instant in bounds:
        if instant is not None:
            yield condition, (instant.timestamp(),)
