"""Moving assets to other keys: what is recorded, and the values that are stored.

At every moment the value of the key that counts can be loaded: it is made loadable under the new key, then the record
changes in one transaction, then what is under the old key is removed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.model.errors.repair import BadMove, ChangedMeanwhile, NothingRecorded, RepairError, StillDeclared
from headwater.model.keys import AssetKey
from headwater.runtime.instance import LEFT_VALUES
from headwater.runtime.stored_values import KeptBy, index_of, io_managers

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.runtime.instance import Instance

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class AssetMove:
    """One asset that has another key now. `values` is how many stored values it took along.

    `left_with` names the IO manager that cannot move values: they are still under the old key.
    """

    former_key: AssetKey
    key: AssetKey
    partitions: int
    values: int
    left_with: str | None = None

    def to_data(self) -> dict[str, Any]:
        return {
            "from": str(self.former_key),
            "to": str(self.key),
            "partitions": self.partitions,
            "values": self.values,
            "values_left_with": self.left_with,
        }


def move_assets(
    instance: Instance,
    key_by_former: Mapping[AssetKey, AssetKey],
    *,
    definitions: Definitions | JobDefinition | None = None,
    is_dry: bool = False,
) -> Sequence[AssetMove]:
    """Give assets other keys, with all that is recorded and stored of them: all of them, or none when this raises."""
    store = instance.store
    index = index_of(definitions)
    for former, key in key_by_former.items():
        if key in key_by_former:
            raise BadMove(
                what=f'"{former}" cannot become "{key}", which becomes "{key_by_former[key]}" in the same move.',
                why="The values of both could not be kept apart.",
                fix="Move one after the other.",
            )
        if index is not None and _is_declared(index, former):
            raise StillDeclared(str(former), str(key))
    try:
        store.move_assets(key_by_former, is_dry=True)
    except NothingRecorded as error:
        latest = store.renames().latest(error.key)
        if latest is None:
            raise
        raise NothingRecorded(error.key, (), latest[0]) from None
    if index is not None:
        _refuse_readers_in_use(instance, index, key_by_former)
    partitions = {former: len(store.materialized_partitions(former)) for former in key_by_former}
    with io_managers(definitions, instance) as manager_of:
        managers = {
            former: manager_of(key if index is not None and key in index.definition_by_key else former)
            for former, key in key_by_former.items()
        }
        moving = {former: key for former, key in key_by_former.items() if managers[former].can_copy}
        counts: dict[AssetKey, int] = {}
        if not is_dry:
            counts = _copy_and_move(instance, key_by_former, moving, managers)
            for former, key in moving.items():
                managers[former].remove_copied(former, key)
            _note_left(instance, moving, is_done=True)
        return [
            AssetMove(
                former,
                key,
                partitions[former],
                counts.get(former, 0),
                None if former in moving or not _has_value(instance, former, key) else managers[former].name,
            )
            for former, key in key_by_former.items()
        ]


def _refuse_readers_in_use(instance: Instance, index: AssetIndex, key_by_former: Mapping[AssetKey, AssetKey]) -> None:
    """Raise AssetInUse while a run builds what reads one of these: the store knows that only of what was built before."""
    for former, key in key_by_former.items():
        readers = index.graph.children(key) if index.graph.has(key) else ()
        instance.store.refuse_in_use(readers, f'"{former}" cannot become "{key}"')


def _copy_and_move(
    instance: Instance,
    key_by_former: Mapping[AssetKey, AssetKey],
    moving: Mapping[AssetKey, AssetKey],
    managers: Mapping[AssetKey, KeptBy],
) -> dict[AssetKey, int]:
    store = instance.store
    for attempt in range(1, _ATTEMPTS + 1):
        facts = store.latest_facts(key_by_former)
        seen = {former: facts[former].attempt_id if former in facts else None for former in key_by_former}
        counts = {former: managers[former].copy(former, key) for former, key in moving.items()}
        _note_left(instance, moving)
        try:
            store.move_assets(key_by_former, seen)
        except RepairError as error:
            if isinstance(error, ChangedMeanwhile) and attempt < _ATTEMPTS:
                continue  # a run has built it since: its new value is taken along
            for former, key in moving.items():
                managers[former].remove_copied(key, former)
            _note_left(instance, moving, is_done=True)
            raise
        return counts
    raise AssertionError("the loop returns or raises")


def _note_left(instance: Instance, moving: Mapping[AssetKey, AssetKey], *, is_done: bool = False) -> None:
    kept = instance.store.get_cursor_values([LEFT_VALUES]).get(LEFT_VALUES)
    left: dict[str, str] = json.loads(kept) if kept else {}
    for former, key in moving.items():
        if is_done:
            left.pop(str(former), None)
        else:
            left[str(former)] = str(key)
    if left or kept:
        instance.store.set_cursor_values({LEFT_VALUES: json.dumps(left)})


def remove_left_values(instance: Instance, text: str) -> None:
    """Remove what a process that was killed in the midst of a move has left in storage under old keys."""
    left: dict[str, str] = json.loads(text)
    if not left:
        return
    from headwater.io.filesystem import FilesystemIOManager

    manager = FilesystemIOManager(base_dir=instance.storage_dir)
    renames = instance.store.renames()
    for former, key in left.items():
        latest = renames.latest(former)
        # While it is not recorded that the asset moved, whoever moves it may still be at work.
        if latest is not None and latest[0] == key:
            manager.remove_values(AssetKey.parse(former), copied_to=AssetKey.parse(key))
            _note_left(instance, {AssetKey.parse(former): AssetKey.parse(key)}, is_done=True)


def _is_declared(index: AssetIndex, key: AssetKey) -> bool:
    return index.graph.has(key) and not index.graph.is_implied(key)


def _has_value(instance: Instance, former: AssetKey, key: AssetKey) -> bool:
    state = instance.store.asset_state(key) or instance.store.asset_state(former)
    return state is not None and state.materialization is not None and state.materialization.has_value


def moves_of_prefix(instance: Instance, former: AssetKey, prefix: AssetKey) -> dict[AssetKey, AssetKey]:
    """Return where all recorded assets below one prefix go below another. Raises NothingRecorded when there are none."""
    keys = [key for key in instance.store.asset_keys(former.parts) if len(key.parts) > len(former.parts)]
    if not keys:
        raise NothingRecorded(f"{former}/*", (f"{'/'.join(key.parts[:-1])}/*" for key in instance.store.asset_keys()))
    return {key: AssetKey((*prefix.parts, *key.parts[len(former.parts) :])) for key in keys}


# ---------------------------------------------------------------------------------------------------- declared in code


def adopt_former_keys(definitions: Definitions | JobDefinition, instance: Instance) -> list[AssetMove]:
    """Give assets the history of the keys that they declare to have had before; return what moved.

    Nothing moves when the old key is still declared, or when there is history of the new one already; where a run is in
    the way it is tried again the next time. What did not move is told in a warning.
    """
    index = index_of(definitions)
    return (
        []
        if index is None or not instance.adopts_former_keys
        else adopt_keys(instance, former_keys_in(index), definitions)
    )


def former_keys_in(index: AssetIndex) -> list[tuple[AssetKey, AssetKey]]:
    """Return each key that an asset declares to have had, and that no other has now, with the key that it has."""
    return [
        (former, spec.key)
        for spec in index.graph.specs
        if spec.metadata
        for former in spec.former_keys
        if not _is_declared(index, former)
    ]


def adopt_keys(
    instance: Instance,
    wanted: Sequence[tuple[AssetKey, AssetKey]],
    definitions: Definitions | JobDefinition | None = None,
) -> list[AssetMove]:
    """Move the history of each (former key, key) where there is some, and none of the new key yet."""
    if not wanted:
        return []
    known = instance.store.latest_facts({key for pair in wanted for key in pair})
    moved: list[AssetMove] = []
    taken: set[AssetKey] = set()
    for former, key in wanted:
        if former not in known:
            continue
        if key in known or key in taken:
            _logger().warning(
                'There is history of both "%s" and "%s", which was called so before: nothing was moved. '
                "Wipe what is not wanted (headwater asset wipe %s), or leave the old key out of former_keys.",
                former,
                key,
                key,
            )
            continue
        try:
            moved += move_assets(instance, {former: key}, definitions=definitions)
            taken.add(key)
        except RepairError as error:
            # Another process may have done it just now.
            if instance.store.renames().latest(str(former)) is None:
                _logger().warning("%s", error)
    return moved


def _logger() -> logging.Logger:
    return logging.getLogger("headwater")
