"""What the function of a sensor of several assets is told, and how it says what it has dealt with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from headwater.authoring.asset_event_cursor import AssetEventCursor, read_cursors, written_cursors
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.sensors import SensorEvaluationContext
from headwater.model.errors import CheckError, InvalidInvocationError
from headwater.model.errors.triggers import (
    AssetNotMonitored,
    CursorIsNotYours,
    MissingTriggerContextValue,
    MonitoredAssetNotPartitioned,
    UnknownMonitoredAsset,
)
from headwater.model.keys import AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.graph.selection import AssetSelection
    from headwater.model.partitions import PartitionsDefinition
    from headwater.model.runs import EventRecord

MonitoredAssets: TypeAlias = "Sequence[CoercibleToAssetKey | AssetsDefinition] | AssetSelection | str"
RecordsByKey: TypeAlias = "Mapping[AssetKey, EventRecord | None]"

HOW_TO_ADVANCE = "Call context.advance_cursor({key: record}) or context.advance_all_cursors()."


class MultiAssetSensorEvaluationContext(SensorEvaluationContext):
    """What the function of a sensor of several assets is told: what is new of each, in whole or by partition.

    A cursor is kept for each asset: the latest materialization that was consumed, and for a partitioned asset also the
    partitions materialized before it that were not consumed yet. `advance_cursor` and `advance_all_cursors` say what was
    consumed; it counts from the next evaluation, so that all that is asked in one evaluation tells of the same moment.
    """

    _builder = "build_multi_asset_sensor_context"

    def __init__(
        self,
        monitored_assets: MonitoredAssets,
        instance: Any = None,
        cursor: str | None = None,
        last_run_key: str | None = None,
        last_tick_completion_time: float | None = None,
        last_sensor_start_time: float | None = None,
        sensor_name: str | None = None,
        repository_name: str | None = None,
        resources: Mapping[str, Any] | None = None,
        definitions: Definitions | None = None,
        log: Any = None,
    ) -> None:
        super().__init__(
            instance,
            cursor,
            last_run_key,
            last_tick_completion_time,
            last_sensor_start_time,
            sensor_name,
            repository_name,
            resources,
            definitions,
            log,
        )
        self._of = f'Sensor "{sensor_name}"' if sensor_name else "The sensor"
        self._asset_keys = keys_monitored(self._of, monitored_assets, definitions)
        self._start = self._with_keys_of_now(read_cursors(self._of, cursor), instance)
        # By asset, what was consumed in this evaluation: the storage id by partition.
        self._consumed: dict[AssetKey, list[EventRecord]] = {}
        self._consumed_wholly = False

    # -------------------------------------------------------------------------------------------------------- assets

    @property
    def asset_keys(self) -> Sequence[AssetKey]:
        """The monitored assets."""
        return self._asset_keys

    @property
    def assets_defs_by_key(self) -> Mapping[AssetKey, AssetsDefinition | None]:
        """The definition by monitored asset; None for one that no definition provides."""
        by_key = self._project("assets_defs_by_key").index.definition_by_key
        return {key: by_key.get(key) for key in self._asset_keys}

    def _with_keys_of_now(
        self, start: Mapping[AssetKey, AssetEventCursor], instance: Any
    ) -> Mapping[AssetKey, AssetEventCursor]:
        """Assets that were renamed since the cursor was written go on where they stood."""
        store = getattr(instance, "store", None)
        if store is None or all(key in self._asset_keys for key in start):
            return start
        renames = store.renames()
        return {AssetKey.parse(renames.as_of(str(key), at.storage_id)): at for key, at in start.items()}

    def _project(self, wanted: str) -> Definitions:
        if self._definitions is None:
            raise MissingTriggerContextValue("definitions", self._builder)
        return self._definitions

    def _monitored(self, asset_key: Any) -> AssetKey:
        key = AssetKey.from_coercible(asset_key)
        if key not in self._asset_keys:
            raise AssetNotMonitored(self._of, key, self._asset_keys)
        return key

    def _partitions_def(self, key: AssetKey) -> PartitionsDefinition[Any] | None:
        spec = self._project("partitions").index.spec(key)
        return None if spec is None else spec.partitions_def

    # --------------------------------------------------------------------------------------------------- what is new

    def latest_materialization_records_by_key(
        self, asset_keys: Sequence[CoercibleToAssetKey] | None = None
    ) -> RecordsByKey:
        """Return the latest materialization by asset, of these or all monitored ones; None where it is not new."""
        keys = self._asset_keys if asset_keys is None else [self._monitored(key) for key in asset_keys]
        latest = self.instance.get_latest_materialization_events(keys)
        return {key: self._if_new(key, latest.get(key)) for key in keys}

    def _if_new(self, key: AssetKey, record: EventRecord | None) -> EventRecord | None:
        return record if record is not None and record.storage_id > self._start_of(key).storage_id else None

    def materialization_records_for_key(
        self, asset_key: CoercibleToAssetKey, limit: int | None = None
    ) -> Sequence[EventRecord]:
        """Return the new materializations of a monitored asset, oldest first, at most `limit` of them.

        They come from history, so those that were trimmed from it are not among them.
        """
        from headwater.model.runs import EventRecordsFilter, EventType

        key = self._monitored(asset_key)
        found: Sequence[EventRecord] = self.instance.get_event_records(
            EventRecordsFilter(
                EventType.ASSET_MATERIALIZATION, key, after_cursor=self._start_of(key).storage_id or None
            ),
            limit,
            ascending=True,
        )
        return found

    def latest_materialization_records_by_partition(
        self, asset_key: CoercibleToAssetKey, after_cursor_partition: bool | None = False
    ) -> Mapping[str, EventRecord]:
        """Return the latest materialization by partition that is not consumed yet, oldest first.

        With `after_cursor_partition` only of partitions that come after the one that was consumed last. Raises
        MonitoredAssetNotPartitioned.
        """
        key = self._monitored(asset_key)
        partitions_def = self._partitions_def(key)
        if partitions_def is None:
            raise MonitoredAssetNotPartitioned(
                key, "The latest materialization by partition", "Use latest_materialization_records_by_key()."
            )
        start = self._start_of(key)
        found = dict(self._records_of(key, after=start.storage_id))
        if start.trailing:
            for partition, record in self._records_of(key, partitions=list(start.trailing)).items():
                found.setdefault(partition, record)
            found = dict(sorted(found.items(), key=lambda one: one[1].storage_id))
        if after_cursor_partition and start.partition is not None:
            store = self._instance
            order = {one: at for at, one in enumerate(partitions_def.get_partition_keys(None, store))}
            at = order.get(start.partition, -1)
            found = {partition: record for partition, record in found.items() if order.get(partition, -1) > at}
        return found

    def _records_of(
        self, key: AssetKey, *, partitions: Sequence[str] | None = None, after: int = 0
    ) -> Mapping[str, EventRecord]:
        found: Mapping[str, EventRecord] = self.instance.get_latest_materialization_records_by_partition(
            key, partitions, after or None
        )
        return found

    def latest_materialization_records_by_partition_and_asset(self) -> Mapping[str, Mapping[AssetKey, EventRecord]]:
        """Return by partition, and in it by asset, the latest materialization that is not consumed yet.

        Raises InvalidInvocationError where the monitored assets do not all have the same partitions.
        """
        definitions = [self._partitions_def(key) for key in self._asset_keys]
        if any(one is None or one != definitions[0] for one in definitions):
            found = ", ".join(
                f"{key}: {one.describe() if one else 'no partitions'}"
                for key, one in zip(self._asset_keys, definitions, strict=True)
            )
            raise InvalidInvocationError(
                what=f"{self._of} asked for materializations by partition and asset, and its assets differ in their "
                f"partitions ({found}).",
                why="A partition of one is not a partition of another.",
                fix="Ask for each asset with latest_materialization_records_by_partition(asset_key).",
            )
        by_partition: dict[str, dict[AssetKey, EventRecord]] = {}
        for key in self._asset_keys:
            for partition, record in self.latest_materialization_records_by_partition(key).items():
                by_partition.setdefault(partition, {})[key] = record
        return by_partition

    def get_trailing_unconsumed_events(self, asset_key: CoercibleToAssetKey) -> Sequence[EventRecord]:
        """Return, oldest first, what was materialized before the cursor and not consumed: the latest by partition."""
        key = self._monitored(asset_key)
        start = self._start_of(key)
        if not start.trailing:
            return []
        return [
            record
            for record in self._records_of(key, partitions=list(start.trailing)).values()
            if record.storage_id <= start.storage_id
        ]

    def get_cursor_partition(self, asset_key: CoercibleToAssetKey) -> str | None:
        """Return the partition that was consumed last; None where nothing was, or the asset has no partitions."""
        return self._start_of(self._monitored(asset_key)).partition

    # --------------------------------------------------------------------------------------------------- what is true

    def all_partitions_materialized(
        self, asset_key: CoercibleToAssetKey, partitions: Sequence[str] | None = None
    ) -> bool:
        """Whether each of these partitions (all that exist now, without any given) is materialized, consumed or not.

        Raises MonitoredAssetNotPartitioned, and InvalidInvocationError for an empty list.
        """
        key = self._monitored(asset_key)
        partitions_def = self._partitions_def(key)
        if partitions_def is None:
            raise MonitoredAssetNotPartitioned(
                key, "Whether all partitions", "Use latest_materialization_records_by_key()."
            )
        if partitions is not None and not partitions:
            raise InvalidInvocationError(
                what=f'Whether all of no partitions of "{key}" are materialized was asked.',
                why="It would be true whatever happened.",
                fix="Give at least one partition, or leave partitions out to ask about all of them.",
            )
        wanted = partitions if partitions is not None else partitions_def.get_partition_keys(None, self._instance)
        materialized = self.instance.get_materialized_partitions(key)
        return all(partition in materialized for partition in wanted)

    def get_downstream_partition_keys(
        self, partition_key: str, from_asset_key: CoercibleToAssetKey, to_asset_key: CoercibleToAssetKey
    ) -> Sequence[str]:
        """Return the existing partitions of one asset that need this partition of another.

        It follows the mapping that the edge between them states, or the default one. Raises UnknownPartitionError,
        UnknownMonitoredAsset, and MonitoredAssetNotPartitioned.
        """
        from headwater.model.partitions import default_partition_mapping

        graph = self._project("get_downstream_partition_keys").graph
        upstream, downstream = AssetKey.from_coercible(from_asset_key), AssetKey.from_coercible(to_asset_key)
        definitions = []
        for key in (upstream, downstream):
            if self._project("partitions").index.spec(key) is None:
                raise UnknownMonitoredAsset(self._of, key, graph.keys)
            partitions_def = self._partitions_def(key)
            if partitions_def is None:
                raise MonitoredAssetNotPartitioned(key, "The partitions", "Ask about two partitioned assets.")
            definitions.append(partitions_def)
        before, after = definitions
        before.validate_partition_key(partition_key, None, self._instance)
        mapping = graph.partition_mapping(downstream, upstream) if upstream in graph.parents(downstream) else None
        mapping = mapping or default_partition_mapping(before, after)
        asked = before.subset_with_partition_keys([partition_key])
        found = mapping.downstream_of(asked, after, None, self._instance, (upstream, downstream))
        return list(found)

    # -------------------------------------------------------------------------------------------------------- cursor

    def advance_cursor(self, materialization_records_by_key: RecordsByKey) -> None:
        """Count these materializations as consumed, and for a partitioned asset no other; None leaves an asset as it is.

        Of an asset without partitions, all that came before counts as consumed, too.
        """
        if not isinstance(materialization_records_by_key, Mapping):
            raise CheckError(
                what=f"advance_cursor was given {materialization_records_by_key!r}.",
                why="It takes a record by asset.",
                fix="Write context.advance_cursor({record.asset_key: record}).",
            )
        for asset_key, record in materialization_records_by_key.items():
            key = self._monitored(asset_key)
            if record is not None:
                if record.asset_key != key:
                    raise CheckError(
                        what=f'advance_cursor was given a record of "{record.asset_key}" for "{key}".',
                        why="The cursor of an asset stands in the events of that asset.",
                        fix="Give each record under its own key.",
                    )
                self._consumed.setdefault(key, []).append(record)
        self._cursor_updated = True

    def advance_all_cursors(self) -> None:
        """Count all that was materialized of the monitored assets up to now as consumed."""
        self._consumed_wholly = True
        self._cursor_updated = True
        latest = self.instance.get_latest_materialization_events(self._asset_keys)
        for key, record in latest.items():
            if record is not None:
                self._consumed.setdefault(key, []).append(record)

    def update_cursor(self, cursor: str | None) -> None:
        """Raise CursorIsNotYours: this context keeps a cursor for each asset."""
        raise CursorIsNotYours(self._of, f"update_cursor({cursor!r})", HOW_TO_ADVANCE)

    def update_cursor_after_evaluation(self) -> None:
        """Make what was consumed count: `cursor` is then that of the next evaluation. Tests that call a sensor use it."""
        if not self._consumed and not self._consumed_wholly:
            return
        known = {key: self._after_evaluation(key) for key in self._asset_keys}
        self._start = {**self._start, **known}
        self._consumed, self._consumed_wholly = {}, False
        self._cursor = written_cursors(known)
        self._cursor_updated = True

    def _after_evaluation(self, key: AssetKey) -> AssetEventCursor:
        start, consumed = self._start_of(key), self._consumed.get(key, [])
        if self._consumed_wholly:
            start = start.with_nothing_trailing()
        if not consumed:
            return start
        last = max(consumed, key=lambda record: record.storage_id)
        if self._consumed_wholly:
            return start.moved_to(last, {}) if last.storage_id > start.storage_id else start
        since = self._records_of(key, after=start.storage_id) if last.storage_id > start.storage_id else {}
        return start.consuming(consumed, {partition: record.storage_id for partition, record in since.items()})

    def _start_of(self, key: AssetKey) -> AssetEventCursor:
        return self._start.get(key) or AssetEventCursor()


def keys_monitored(of: str, monitored: Any, definitions: Definitions | None) -> tuple[AssetKey, ...]:
    """Return the keys that a selection or a sequence means. A selection needs definitions to look in."""
    from headwater.graph.selection import AssetSelection

    if isinstance(monitored, str):
        monitored = AssetSelection.from_string(monitored)
    if isinstance(monitored, AssetSelection):
        if definitions is None:
            raise MissingTriggerContextValue("definitions", MultiAssetSensorEvaluationContext._builder)
        chosen = monitored.resolve(definitions.graph)
        return tuple(key for key in definitions.graph.toposort() if key in chosen)
    return keys_listed(of, monitored)


def keys_listed(of: str, monitored: Any) -> tuple[AssetKey, ...]:
    """Return the keys of keys, texts and definitions, in their order. Raises CheckError for anything else."""
    if not isinstance(monitored, Iterable) or isinstance(monitored, (bytes, Mapping, AssetKey)):
        raise CheckError(
            what=f"{of} was given monitored_assets={monitored!r}.",
            why="It follows assets that are listed, or selected.",
            fix='Write monitored_assets=[AssetKey("orders"), AssetKey("customers")], or give an AssetSelection.',
        )
    keys: list[AssetKey] = []
    for one in monitored:
        keys += one.specs_by_key if isinstance(one, AssetsDefinition) else [AssetKey.from_coercible(one)]
    return tuple(dict.fromkeys(keys))


def build_multi_asset_sensor_context(
    *,
    monitored_assets: MonitoredAssets,
    repository_def: Definitions | None = None,
    instance: Any = None,
    cursor: str | None = None,
    repository_name: str | None = None,
    cursor_from_latest_materializations: bool = False,
    resources: Mapping[str, Any] | None = None,
    definitions: Definitions | None = None,
    last_sensor_start_time: float | None = None,
    sensor_name: str | None = None,
) -> MultiAssetSensorEvaluationContext:
    """Return a context with which a sensor of several assets can be called or evaluated in a test.

    cursor_from_latest_materializations: all that is materialized now counts as consumed. Raises InvalidInvocationError
    when `cursor` is given, too, and UnknownMonitoredAsset for an asset that these definitions do not provide.
    """
    if cursor is not None and cursor_from_latest_materializations:
        raise InvalidInvocationError(
            what="build_multi_asset_sensor_context was given cursor= and cursor_from_latest_materializations=True.",
            why="Each of them says what was consumed before.",
            fix="Keep one of them.",
        )
    project = definitions if definitions is not None else repository_def
    context = MultiAssetSensorEvaluationContext(
        monitored_assets,
        instance,
        cursor,
        last_sensor_start_time=last_sensor_start_time,
        sensor_name=sensor_name,
        repository_name=repository_name,
        resources=resources,
        definitions=project,
    )
    if project is not None:
        known = project.index.definition_by_key
        for key in context.asset_keys:
            if key not in known:
                raise UnknownMonitoredAsset(context._of, key, known)
    if cursor_from_latest_materializations:
        context.advance_all_cursors()
        context.update_cursor_after_evaluation()
        context._cursor_updated = False
    return context
