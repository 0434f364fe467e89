"""Sensors of several assets: their function sees what was materialized anew of each, and says what it has dealt with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from headwater.authoring.asset_event_cursor import AssetEventCursor, read_cursors, written_cursors
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.sensors import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorExecutionData,
    SensorReturnTypesUnion,
)
from headwater.authoring.triggers import results_listed
from headwater.model.errors import CheckError, DefinitionError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.triggers import (
    AssetNotMonitored,
    CursorIsNotYours,
    CursorNotAdvanced,
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
_ADVANCE = "Call context.advance_cursor({key: record}) or context.advance_all_cursors()."
RecordsByKey: TypeAlias = "Mapping[AssetKey, EventRecord | None]"


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
        self._start = read_cursors(self._of, cursor)
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
        found = mapping.downstream_of(before.subset_with_partition_keys([partition_key]), after, None, self._instance)
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
        raise CursorIsNotYours(self._of, f"update_cursor({cursor!r})", _ADVANCE)

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
    return _keys_listed(of, monitored)


def _keys_listed(of: str, monitored: Any) -> tuple[AssetKey, ...]:
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


class MultiAssetSensorDefinition(SensorDefinition):
    """A sensor whose function sees what was materialized anew of several assets.

    monitored_assets: keys, or a selection. request_assets: assets that it may start, instead of a job.
    Raises InvalidDefinitionError for what cannot be meant.
    """

    _context_class = MultiAssetSensorEvaluationContext
    _target_arguments = {"asset_selection": "request_assets"}
    _target_fix = "Give @multi_asset_sensor a job=, jobs=, job_name= or request_assets=."

    def __init__(
        self,
        name: str,
        monitored_assets: MonitoredAssets,
        job_name: str | None,
        asset_materialization_fn: Callable[..., SensorReturnTypesUnion],
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        request_assets: Any = None,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        from headwater.graph.selection import AssetSelection

        super().__init__(
            name,
            evaluation_fn=asset_materialization_fn,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            asset_selection=request_assets,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
        )
        if isinstance(monitored_assets, str):
            monitored_assets = AssetSelection.from_string(monitored_assets)
        self.monitored_assets: Sequence[AssetKey] | AssetSelection = (
            monitored_assets
            if isinstance(monitored_assets, AssetSelection)
            else _keys_listed(self._described, monitored_assets)
        )
        if not self.monitored_assets:
            raise InvalidDefinitionError(
                what=f"{self._described} monitors no assets.",
                why="It would never find anything new.",
                fix='Write monitored_assets=[AssetKey("orders")].',
            )

    def problems_in(self, definitions: Definitions) -> Sequence[DefinitionError]:
        """Return what is wrong with it as a part of a project: monitored assets that nothing provides."""
        if not isinstance(self.monitored_assets, tuple):
            try:
                keys_monitored(self._described, self.monitored_assets, definitions)
            except DefinitionError as error:
                return [error]
            return []
        known = definitions.index.definition_by_key
        return [UnknownMonitoredAsset(self._described, key, known) for key in self.monitored_assets if key not in known]

    def _own_context(self, context: SensorEvaluationContext) -> MultiAssetSensorEvaluationContext:
        if isinstance(context, MultiAssetSensorEvaluationContext):
            return context
        return MultiAssetSensorEvaluationContext(
            self.monitored_assets,
            context.instance,
            context.cursor,
            context.last_run_key,
            context.last_tick_completion_time,
            context.last_sensor_start_time,
            context.sensor_name or self.name,
            context.repository_name,
            context.resource_defs,
            context.definitions,
            context.log,
        )

    def evaluate_tick(self, context: SensorEvaluationContext) -> SensorExecutionData:
        """Return what it asks for now, and its cursor.

        A plain SensorEvaluationContext will do; it needs an instance, and definitions where assets are selected or
        partitioned. Raises what a sensor raises, CursorNotAdvanced when it asked for runs and consumed nothing, and
        CursorIsNotYours for a SensorResult with a cursor.
        """
        if isinstance(context, MultiAssetSensorEvaluationContext):
            return super().evaluate_tick(context)
        with self._own_context(context) as own:
            return super().evaluate_tick(own)

    def _returned(self, context: SensorEvaluationContext) -> list[Any]:
        assert isinstance(context, MultiAssetSensorEvaluationContext)
        returned = results_listed(self.function.evaluate(context))
        result = self._result_of(returned)
        if result.cursor is not None:
            raise CursorIsNotYours(self._described, f"SensorResult(cursor={result.cursor!r})", _ADVANCE)
        if result.run_requests and not context.cursor_updated:
            raise CursorNotAdvanced(self._described)
        context.update_cursor_after_evaluation()
        return [result]


def multi_asset_sensor(
    monitored_assets: MonitoredAssets,
    *,
    job_name: str | None = None,
    name: str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_assets: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., SensorReturnTypesUnion]], MultiAssetSensorDefinition]:
    """Make a sensor of a function that sees what was materialized anew of several assets.

    It is called with a MultiAssetSensorEvaluationContext, returns what the function of `@sensor` returns, and says with
    `context.advance_cursor` or `context.advance_all_cursors` what it has dealt with.
    """

    def decorate(function: Callable[..., SensorReturnTypesUnion]) -> MultiAssetSensorDefinition:
        return MultiAssetSensorDefinition(
            name or function.__name__,
            monitored_assets,
            job_name,
            function,
            minimum_interval_seconds,
            description,
            job,
            jobs,
            default_status,
            request_assets,
            required_resource_keys,
            tags,
            metadata,
        )

    return decorate


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
