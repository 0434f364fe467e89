"""Questions about assets, partitions and checks, asked of the state tables: history is never read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.codec import decode_event
from headwater.model.events import AssetMaterialized, AssetObserved
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.provenance import (
    Provenance,
    ProvenanceGroup,
    group_of_rows,
    group_of_texts,
    provenance_of,
    read_made_by,
    read_provenances,
)
from headwater.model.runs import AssetState, EventRecord
from headwater.store.latest_facts import LatestFacts
from headwater.store.reading import LAST_MOVE, RenameQueries
from headwater.store.statements import ALL_PARTITIONS, batches, in_list

if TYPE_CHECKING:
    from headwater.model.staleness import MarkedWrong

_STATE_COLUMNS = (
    "materialization, materialization_id, materialization_count, attempt_outcome, attempted_at, attempt_run_id,"
    f" attempt_cause, observation, observation_id, {LAST_MOVE}"
)
_FACT_COLUMNS = "materialization_id, observation_id, data_version, attempt_id, attempt_outcome, attempt_run_id"
_ASSET_ID = "(SELECT asset_id FROM assets WHERE asset_key = ?)"


class AssetQueries(RenameQueries):
    """The reading half of AssetStore."""

    def asset_keys(self, prefix: Sequence[str] | None = None) -> Sequence[AssetKey]:
        rows = self._rows("SELECT asset_key FROM assets JOIN asset_states USING (asset_id)")
        keys = (AssetKey.parse(text) for (text,) in rows)
        return sorted(key for key in keys if prefix is None or key.has_prefix(prefix))

    def asset_state(self, key: AssetKey, partition: str | None = None) -> AssetState | None:
        if partition is not None:
            return self.partition_states(key, [partition]).get(partition)
        rows = self._rows(f"SELECT {_STATE_COLUMNS} FROM asset_states WHERE asset_id = {_ASSET_ID}", (str(key),))
        return self._state(key, None, rows[0]) if rows else None

    def asset_states(self, keys: Iterable[AssetKey]) -> Mapping[AssetKey, AssetState]:
        key_by_text = {str(key): key for key in keys}
        sql = f"SELECT asset_key, {_STATE_COLUMNS} FROM assets JOIN asset_states USING (asset_id) WHERE asset_key IN "
        return {
            key_by_text[text]: self._state(key_by_text[text], None, row)
            for part in batches(list(key_by_text))
            for text, *row in self._rows(sql + in_list(part), part)
        }

    def partition_states(self, key: AssetKey, partitions: Iterable[str] | None = None) -> Mapping[str, AssetState]:
        sql = f"SELECT partition_key, {_STATE_COLUMNS} FROM asset_partitions WHERE asset_id = {_ASSET_ID}"
        rows = self._rows_of_partitions(sql, [str(key)], partitions)
        return {partition: self._state(key, partition, row) for partition, *row in rows}

    def _state(self, key: AssetKey, partition: str | None, row: Sequence[Any]) -> AssetState:
        materialization, made_id, count, outcome, attempted_at, run_id, cause, observation, seen_id, last_move = row
        materialized = None if materialization is None else decode_event(materialization)
        observed = None if observation is None else decode_event(observation)
        if last_move is not None:
            materialized = materialized and self._told(materialized, str(key), made_id, last_move)
            observed = observed and self._told(observed, str(key), seen_id, last_move)
        assert materialized is None or isinstance(materialized, AssetMaterialized)
        assert observed is None or isinstance(observed, AssetObserved)
        return AssetState(
            asset_key=key,
            partition=partition,
            materialization=materialized,
            materialization_storage_id=made_id,
            materialization_count=count,
            last_attempt_outcome=outcome,
            last_attempt_at=attempted_at,
            last_attempt_run_id=run_id,
            last_attempt_cause=cause,
            latest_observation=observed,
            latest_observation_storage_id=seen_id,
        )

    def materialized_partitions(self, key: AssetKey) -> frozenset[str]:
        sql = (
            "SELECT partition_key FROM asset_partitions"
            f" WHERE asset_id = {_ASSET_ID} AND materialization_id IS NOT NULL"
        )
        return frozenset(partition for (partition,) in self._rows(sql, (str(key),)))

    def materialized_among(self, key: AssetKey, partitions: Iterable[str]) -> frozenset[str]:
        sql = (
            f"SELECT partition_key FROM asset_partitions WHERE asset_id = {_ASSET_ID}"
            " AND materialization_id IS NOT NULL AND partition_key IN "
        )
        return frozenset(
            partition
            for part in batches(list(partitions))
            for (partition,) in self._rows(sql + in_list(part), [str(key), *part])
        )

    def partitions_with_value(self, key: AssetKey) -> frozenset[str]:
        told = self._dialect.json_text.format(column="materialization", field="has_value")
        sql = (
            f"SELECT partition_key, {told} FROM asset_partitions"
            f" WHERE asset_id = {_ASSET_ID} AND materialization IS NOT NULL"
        )
        return frozenset(partition for partition, told in self._rows(sql, (str(key),)) if told in (1, True, "true"))

    def latest_facts(self, keys: Iterable[AssetKey]) -> Mapping[AssetKey, LatestFacts]:
        key_by_text = {str(key): key for key in keys}
        sql = f"SELECT asset_key, {_FACT_COLUMNS} FROM assets JOIN asset_states USING (asset_id) WHERE asset_key IN "
        return {
            key_by_text[text]: LatestFacts(None, *row)
            for part in batches(list(key_by_text))
            for text, *row in self._rows(sql + in_list(part), part)
        }

    def partition_facts(self, key: AssetKey, after: int) -> Sequence[LatestFacts]:
        facts = f"SELECT partition_key, {_FACT_COLUMNS} FROM asset_partitions WHERE asset_id = {_ASSET_ID}"
        # Whatever was materialized since was attempted since, and for that there is an index.
        made = self._rows(f"{facts} AND attempt_id > ? AND materialization_id > ?", (str(key), after, after))
        latest = self._rows(f"SELECT observation_id FROM asset_states WHERE asset_id = {_ASSET_ID}", (str(key),))
        seen: list[Any] = []
        if latest and (latest[0][0] or 0) > after:
            only_seen = f"{facts} AND observation_id > ? AND coalesce(materialization_id, 0) <= ?"
            seen = self._rows(only_seen, (str(key), after, after))
        return [LatestFacts(*row) for row in (*made, *seen)]

    def last_storage_id(self) -> int:
        newest = (
            "SELECT max(storage_id) AS newest FROM events UNION ALL SELECT max(attempt_id) FROM asset_states"
            " UNION ALL SELECT max(observation_id) FROM asset_states UNION ALL SELECT max(storage_id) FROM check_states"
        )
        return self._rows(f"SELECT max(newest) FROM ({newest}) AS ids")[0][0] or 0

    def partition_outcomes(self, key: AssetKey, among: Collection[str] | None = None) -> Mapping[str, str]:
        sql = (
            "SELECT partition_key, attempt_outcome FROM asset_partitions"
            f" WHERE asset_id = {_ASSET_ID} AND attempt_outcome IS NOT NULL"
        )
        return dict(self._rows_among(sql, str(key), among))

    def partition_provenances(self, key: AssetKey) -> Sequence[ProvenanceGroup]:
        of_asset = f"FROM asset_partitions WHERE asset_id = {_ASSET_ID}"
        joined = self._dialect.joined_texts.format(column="provenance")
        texts = self._rows(f"SELECT made_by, {joined} {of_asset} GROUP BY made_by", (str(key),))
        found = [group_of_texts(made_by, text) for made_by, text in texts if made_by is not None]
        if len(found) == len(texts):
            return found
        bodies = self._rows(
            f"SELECT materialization, materialization_id, {LAST_MOVE} {of_asset}"
            " AND made_by IS NULL AND materialization_id IS NOT NULL",
            (str(key),),
        )
        rows_by_maker: dict[str, list[Provenance]] = {}
        for body in bodies:
            for made_by, provenance in self._provenance_in(*body):
                rows_by_maker.setdefault(made_by, []).append(provenance)
        return found + [group_of_rows(read_made_by(made_by), rows) for made_by, rows in rows_by_maker.items()]

    def asset_provenances(self, keys: Iterable[AssetKey]) -> Mapping[AssetKey, tuple[str, Provenance]]:
        key_by_text = {str(key): key for key in keys}
        sql = (
            "SELECT asset_key, made_by, provenance, CASE WHEN made_by IS NULL THEN materialization END,"
            f" materialization_id, {LAST_MOVE} FROM assets JOIN asset_states USING (asset_id)"
            " WHERE materialization_id IS NOT NULL AND asset_key IN "
        )
        found: dict[AssetKey, tuple[str, Provenance]] = {}
        for part in batches(list(key_by_text)):
            for name, made_by, text, *body in self._rows(sql + in_list(part), part):
                if made_by is not None:
                    found[key_by_text[name]] = made_by, read_provenances(text)[0]
                else:
                    found.update((key_by_text[name], each) for each in self._provenance_in(*body))
        return found

    def failed_partitions(self, key: AssetKey) -> Sequence[str]:
        # In this order only the index of those that failed gives them.
        sql = (
            f"SELECT partition_key FROM asset_partitions WHERE asset_id = {_ASSET_ID} AND attempt_outcome = 'failed'"
            " ORDER BY partition_key"
        )
        return [partition for (partition,) in self._rows(sql, (str(key),))]

    def observed_versions(self, key: AssetKey) -> Mapping[str, str]:
        sql = (
            f"SELECT partition_key, observation FROM asset_partitions WHERE asset_id = {_ASSET_ID}"
            " AND observation_id > coalesce(materialization_id, 0)"
        )
        seen = ((partition, decode_event(body)) for partition, body in self._rows(sql, (str(key),)))
        return {
            partition: event.data_version
            for partition, event in seen
            if isinstance(event, AssetObserved) and event.data_version is not None
        }

    def latest_checks(self, keys: Iterable[AssetCheckKey] | None = None) -> Mapping[AssetCheckKey, EventRecord]:
        wanted = None if keys is None else set(keys)
        sql = (
            f"SELECT asset_key, check_name, storage_id, body, {LAST_MOVE}"
            " FROM check_states JOIN assets USING (asset_id)"
        )
        if wanted is None:
            rows = self._rows(sql)
        else:
            assets = list({str(key.asset_key) for key in wanted})
            rows = [
                row for part in batches(assets) for row in self._rows(f"{sql} WHERE asset_key IN {in_list(part)}", part)
            ]
        found = ((AssetCheckKey(AssetKey.parse(row[0]), row[1]), row) for row in rows)
        return {
            key: EventRecord(storage_id, self._told(decode_event(body), name, storage_id, last_move))
            for key, (name, _, storage_id, body, last_move) in found
            if wanted is None or key in wanted
        }

    def partition_checks(
        self, key: AssetCheckKey, partitions: Iterable[str] | None = None
    ) -> Mapping[str, EventRecord]:
        sql = (
            f"SELECT partition_key, storage_id, body, {LAST_MOVE} FROM check_partitions"
            f" WHERE asset_id = {_ASSET_ID} AND check_name = ?"
        )
        rows = self._rows_of_partitions(sql, [str(key.asset_key), key.name], partitions)
        return {
            partition: EventRecord(
                storage_id, self._told(decode_event(body), str(key.asset_key), storage_id, last_move)
            )
            for partition, storage_id, body, last_move in rows
        }

    def _rows_among(self, sql: str, key: str, partitions: Collection[str] | None) -> list[Any]:
        """Return the rows of these partitions, or of all, in no order."""
        if partitions is None:
            return self._rows(sql, (key,))
        return [
            row
            for part in batches(sorted(set(partitions)))
            for row in self._rows(f"{sql} AND partition_key IN {in_list(part)}", (key, *part))
        ]

    def _rows_of_partitions(self, sql: str, values: list[str], partitions: Iterable[str] | None) -> list[Any]:
        """Return the rows of these partitions, or of all, in the order of their keys."""
        if partitions is None:
            return self._rows(f"{sql} ORDER BY partition_key", values)
        return [
            row
            for part in batches(sorted(set(partitions)))
            for row in self._rows(
                f"{sql} AND partition_key IN {in_list(part)} ORDER BY partition_key", [*values, *part]
            )
        ]

    def _provenance_in(self, body: str, storage_id: int, last_move: int | None) -> Iterator[tuple[str, Provenance]]:
        event = self._told(decode_event(body), None, storage_id, last_move)
        found = provenance_of(event) if isinstance(event, AssetMaterialized) else None
        if found is not None:
            yield found

    def invalidations(self) -> Mapping[AssetKey, Mapping[str | None, MarkedWrong]]:
        rows = self._rows(
            "SELECT asset_id, asset_key, partition_key, storage_id, marked_at, reason"
            " FROM asset_invalidations JOIN assets USING (asset_id)"
        )
        marks_by_asset: dict[tuple[int, str], dict[str, tuple[int, float, str | None]]] = {}
        for asset_id, name, partition, storage_id, marked_at, reason in rows:
            marks_by_asset.setdefault((asset_id, name), {})[partition] = (storage_id, marked_at, reason)
        found: dict[AssetKey, Mapping[str | None, MarkedWrong]] = {}
        for (asset_id, name), marks in marks_by_asset.items():
            holding = self._holding(asset_id, marks)
            if holding:
                found[AssetKey.parse(name)] = holding
        return found

    def _holding(
        self, asset_id: int, marks: Mapping[str, tuple[int, float, str | None]]
    ) -> Mapping[str | None, MarkedWrong]:
        """Return those marks that are newer than the value that they are about."""
        from headwater.model.staleness import MarkedWrong

        of_all = marks.get(ALL_PARTITIONS)
        holding: dict[str | None, MarkedWrong] = {}
        if of_all is not None and of_all[2] is not None:
            older = "WHERE asset_id = ? AND materialization_id < ?"
            about = (asset_id, of_all[0])
            parts: list[str | None] = [
                part for (part,) in self._rows(f"SELECT partition_key FROM asset_partitions {older}", about)
            ]
            parts += [None for _ in self._rows(f"SELECT 1 FROM asset_states {older}", about)]
            holding = dict.fromkeys(parts, MarkedWrong(of_all[2], of_all[1]))
        # A mark of a single partition counts where it is newer than the one of all.
        newer = [
            part
            for part, mark in marks.items()
            if part != ALL_PARTITIONS and mark[0] > (of_all[0] if of_all is not None else 0)
        ]
        made = "SELECT partition_key, materialization_id FROM asset_partitions WHERE asset_id = ?"
        for some in batches(newer):
            for partition, made_id in self._rows(f"{made} AND partition_key IN {in_list(some)}", (asset_id, *some)):
                storage_id, marked_at, reason = marks[partition]
                if made_id is None or made_id > storage_id or reason is None:
                    holding.pop(partition, None)
                else:
                    holding[partition] = MarkedWrong(reason, marked_at)
        return holding
