"""Which asset a key meant when something was recorded, and what that asset is called today."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from headwater.model.events import AssetMaterialized, AssetUnchanged


class Move(NamedTuple):
    """Up to the fact `storage_id` the asset `asset_id` was called `former_key`."""

    storage_id: int
    asset_id: int
    former_key: str
    moved_at: float


class Renames:
    """Every rename of a store, oldest first, and what the assets are called now."""

    def __init__(self, moves: Sequence[Move] = (), key_by_id: Mapping[int, str] | None = None) -> None:
        self._moves_by_key: dict[str, list[Move]] = {}
        self._key_by_id = dict(key_by_id or {})
        for move in sorted(moves):
            self._moves_by_key.setdefault(move.former_key, []).append(move)

    def __bool__(self) -> bool:
        return bool(self._moves_by_key)

    def as_of(self, key: str, storage_id: int) -> str:
        """Return what the asset is called now that `key` meant when the fact `storage_id` was recorded."""
        for move in self._moves_by_key.get(key, ()):
            if move.storage_id > storage_id:
                return self._key_by_id[move.asset_id]
        return key

    def at(self, key: str, instant: float) -> str:
        """Return what the asset is called now that `key` meant at an instant, in seconds since 1970."""
        for move in self._moves_by_key.get(key, ()):
            if move.moved_at >= instant:
                return self._key_by_id[move.asset_id]
        return key

    def then(self, key: str, storage_id: int) -> str:
        """Return what the asset that is called `key` now was called when the fact `storage_id` was recorded."""
        moves = [
            move
            for of in self._moves_by_key.values()
            for move in of
            if self._key_by_id[move.asset_id] == key and move.storage_id > storage_id
        ]
        return min(moves).former_key if moves else key

    def latest(self, key: str) -> tuple[str, float] | None:
        """Return what the asset that was called `key` last is called now, and since when; None if there is no other."""
        for move in reversed(self._moves_by_key.get(key, ())):
            now = self._key_by_id[move.asset_id]
            if now != key and not is_set_aside(now):
                return now, move.moved_at
        return None

    def former_keys(self, key: str) -> tuple[str, ...]:
        """Return what an asset was called before, oldest first."""
        ids = {asset_id for asset_id, name in self._key_by_id.items() if name == key}
        moves = sorted(move for of in self._moves_by_key.values() for move in of if move.asset_id in ids)
        return tuple(dict.fromkeys(move.former_key for move in moves if move.former_key != key))


# Selects what `renames_in` reads.
RENAMES = "SELECT storage_id, asset_id, former_key, moved_at, asset_key FROM asset_moves JOIN assets USING (asset_id)"


def renames_in(rows: Sequence[Sequence[Any]]) -> Renames:
    """Return the renames that rows of RENAMES tell of."""
    return Renames([Move(*row[:4]) for row in rows], {row[1]: row[4] for row in rows})


_SET_ASIDE = " (wiped, "


def set_aside_key(key: str, asset_id: int) -> str:
    """Return what a wiped asset is called whose key another one takes: its old facts are told under this."""
    return f"{key}{_SET_ASIDE}{asset_id})"


def is_set_aside(key: str) -> bool:
    return _SET_ASIDE in key


def told_now(event: Any, key: str | None, rename: Callable[[str], str] | None) -> Any:
    """Return an event with its asset called `key`, and its inputs and dependencies as `rename` calls them."""
    changes: dict[str, Any] = {}
    if key is not None and event.asset != key:
        changes["asset"] = key
    if rename is not None and isinstance(event, (AssetMaterialized, AssetUnchanged)):
        if event.deps:
            deps = tuple(map(rename, event.deps))
            if deps != event.deps:
                changes["deps"] = deps
        if event.inputs:
            inputs = tuple(replace(each, asset=rename(each.asset)) for each in event.inputs)
            if inputs != event.inputs:
                changes["inputs"] = inputs
    return replace(event, **changes) if changes else event
