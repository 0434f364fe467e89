"""The part of an instance that repairs what is recorded: moves, wipes, marks, and reports from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.clock import utc_now
from headwater.model.errors.definition import CheckError
from headwater.model.events import AssetMaterialized
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.model.metadata import metadata_to_data
from headwater.model.results import AssetMaterialization
from headwater.model.runs import EventRecord
from headwater.store.interface import Store

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.definitions import Definitions
    from headwater.runtime.moves import AssetMove

# So many are recorded at once: each of these is there whole, or not at all.
_REPORTED_AT_ONCE = 5_000


class Repairs:
    """Changes of what is recorded. Each is durable when it returns, and is before or after when the process is killed."""

    store: Store
    # Whether assets take the history of the keys that their definitions name in former_keys; False where another process
    # with other code sees to it.
    adopts_former_keys = True

    def move_asset(
        self,
        old: CoercibleToAssetKey,
        new: CoercibleToAssetKey,
        *,
        definitions: Definitions | None = None,
        is_dry: bool = False,
    ) -> AssetMove:
        """Give an asset another key, with its history, partitions, checks and stored values; return what moved.

        Values are found through the IO managers of `definitions`, or else in the default storage. With `is_dry` it only
        says what would move. Raises NothingRecorded, AssetHasHistory, AssetInUse (a run builds or reads it) and
        StillDeclared (by the definitions).
        """
        from headwater.runtime.moves import move_assets

        former, key = as_asset_key(old), as_asset_key(new)
        return move_assets(self, {former: key}, definitions=definitions, is_dry=is_dry)[0]  # type: ignore[arg-type]

    def find_current_key(self, key: CoercibleToAssetKey) -> AssetKey:
        """Return what an asset is called now that was called `key`; `key` itself when it was not renamed."""
        return current_key(self.store, as_asset_key(key))

    def wipe_materialization(self, asset_key: CoercibleToAssetKey, storage_id: int) -> EventRecord:
        """Take one materialization out of the history, and return it. State is then what it would be without it.

        The one before it is the latest again if history has it. Storage holds one value, that of the wiped one: what is
        left is then marked as wrong until it is made again. Raises UnknownMaterialization.
        """
        return EventRecord(storage_id, self.store.wipe_materialization(as_asset_key(asset_key), storage_id))

    def invalidate(
        self,
        asset_key: CoercibleToAssetKey,
        partition_keys: Sequence[str] | None = None,
        *,
        reason: str = "",
        undo: bool = False,
    ) -> None:
        """Mark the value of an asset, or of these partitions, as wrong: it is stale until it is materialized again.

        The value stays, and can be loaded. With `undo` the mark is taken back. Raises NothingRecorded, and NotThere for
        what was never materialized.
        """
        key = as_asset_key(asset_key)
        if isinstance(partition_keys, str):
            raise _letters("invalidate", partition_keys)
        from headwater.model.errors.repair import NothingRecorded, NotThere

        state = self.store.asset_state(key)
        if state is None:
            raise NothingRecorded(str(key), map(str, self.store.asset_keys()))
        if not undo and partition_keys is not None:
            there = self.store.materialized_partitions(key)
            missing = [partition for partition in partition_keys if partition not in there]
            if missing:
                raise NotThere(str(key), missing)
        elif not undo and state.materialization is None:
            raise NotThere(str(key))
        self.store.invalidate(key, partition_keys, reason, is_undone=undo)

    def report_materializations(
        self,
        asset_key: CoercibleToAssetKey,
        partition_keys: Iterable[str] | None = None,
        *,
        data_version: str | Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> int:
        """Record that an asset, or each of these partitions, was materialized elsewhere; return how many that were.

        `data_version` is one for all, or a mapping by partition. They are recorded some thousands at a time: should the
        process be killed, those before are there, and reporting them all again does no harm.
        """
        key = as_asset_key(asset_key)
        if isinstance(partition_keys, str):
            raise _letters("report_materializations", partition_keys)
        told = AssetMaterialization(key, description=description, metadata=metadata, tags=tags)
        fields: dict[str, Any] = {
            "asset": str(key),
            "description": told.description,
            "metadata": {name: metadata_to_data(value) for name, value in told.metadata.items()},
            "tags": dict(told.tags),
        }
        versions: Mapping[str, str] = data_version if isinstance(data_version, Mapping) else {}
        version = data_version if isinstance(data_version, str) else None
        if partition_keys is None:
            state = self.store.asset_state(key)
            has_value = state is not None and state.materialization is not None and state.materialization.has_value
            self.store.append(
                AssetMaterialized(timestamp=utc_now().timestamp(), data_version=version, has_value=has_value, **fields)
            )
            self.store.flush()
            return 1
        valued = self.store.partitions_with_value(key)
        count = 0
        batch: list[AssetMaterialized] = []
        for partition in partition_keys:
            batch.append(
                AssetMaterialized(
                    timestamp=utc_now().timestamp(),
                    partition=partition,
                    data_version=versions.get(partition, version),
                    has_value=partition in valued,
                    **fields,
                )
            )
            if len(batch) == _REPORTED_AT_ONCE:
                self.store.append_all(batch)
                self.store.flush()
                count, batch = count + len(batch), []
        self.store.append_all(batch)
        self.store.flush()
        return count + len(batch)


def current_key(store: Store, key: AssetKey) -> AssetKey:
    """Return what an asset is called now that was called `key`; `key` itself when no asset gave it up, or one has it."""
    latest = store.renames().latest(str(key))
    if latest is None or key in store.latest_facts([key]):
        return key
    return AssetKey.parse(latest[0])


def declares_former_keys(index: AssetIndex | None) -> bool:
    """Whether any asset says what it was called before."""
    return index is not None and any(spec.metadata and spec.former_keys for spec in index.graph.specs)


def as_asset_key(given: CoercibleToAssetKey) -> AssetKey:
    """Return a key; a text with slashes is one that is written so: "sales/orders"."""
    return AssetKey.parse(given) if isinstance(given, str) else AssetKey.from_coercible(given)


def _letters(function: str, text: str) -> CheckError:
    return CheckError(
        what=f"{function} got the text {text!r} for partition_keys.",
        why="Each of its letters would be taken for a partition.",
        fix=f"Write [{text!r}].",
    )
