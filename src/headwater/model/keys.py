"""Keys: the names by which everything else refers to assets and checks.

A key is frozen, hashable, ordered and has one written form, which `parse` reads back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.model.errors import InvalidAssetKey


class AssetKey:
    """Where an asset lives: ("sales", "orders"), written "sales/orders"."""

    __slots__ = ("_hash", "parts")

    parts: tuple[str, ...]

    def __init__(self, path: str | Sequence[str]) -> None:
        try:
            parts = (path,) if isinstance(path, str) else tuple(path)
        except TypeError:
            raise InvalidAssetKey(path) from None
        if not parts:
            raise InvalidAssetKey(path)
        for part in parts:
            if not isinstance(part, str) or not part or "/" in part:
                raise InvalidAssetKey(path)
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_hash", hash(parts))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"AssetKey is frozen; make a new one instead of setting {name!r}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"AssetKey is frozen; {name!r} cannot be deleted.")

    def __reduce__(self) -> tuple[type[AssetKey], tuple[tuple[str, ...]]]:
        return (AssetKey, (self.parts,))

    @property
    def path(self) -> list[str]:
        """The parts, as a new list: ["sales", "orders"]; `parts` is the tuple that the key keeps."""
        return list(self.parts)

    @classmethod
    def parse(cls, text: str) -> AssetKey:
        """Read the written form: "sales/orders" has two parts."""
        return cls(text.split("/"))

    @staticmethod
    def from_user_string(text: str) -> AssetKey:
        """Read the written form: "sales/orders" has two parts."""
        return AssetKey(text.split("/"))

    @staticmethod
    def from_coercible(value: CoercibleToAssetKey) -> AssetKey:
        """Read a key from a string with one part, a sequence of parts, a key, or anything that has one `key`."""
        if isinstance(value, AssetKey):
            return value
        if isinstance(value, str):
            return AssetKey(value)
        if isinstance(value, (list, tuple)):
            return AssetKey(value)
        key = getattr(value, "key", None)
        if isinstance(key, AssetKey):
            return key
        raise InvalidAssetKey(value)

    @staticmethod
    def from_coercible_or_definition(arg: Any) -> AssetKey:
        """Read a key from what `from_coercible` takes; of an asset definition, the key that it has."""
        return AssetKey.from_coercible(arg)

    @staticmethod
    def from_escaped_user_string(text: str) -> AssetKey:
        """Read the written form in which slashes inside a part are escaped, as `to_escaped_user_string` gives it."""
        return AssetKey.from_user_string(text)

    @staticmethod
    def from_db_string(text: str | None) -> AssetKey | None:
        """Read a key from a list of its parts as JSON; None for nothing and for what is no such list."""
        import json

        try:
            parts = json.loads(text or "")
        except ValueError:
            return None
        return AssetKey(parts) if isinstance(parts, list) else None

    def to_user_string(self) -> str:
        """Return the written form: "sales/orders"."""
        return "/".join(self.parts)

    def to_escaped_user_string(self) -> str:
        """Return the written form; no part holds a slash, so there is nothing to escape."""
        return self.to_user_string()

    def to_string(self) -> str:
        """Return a list of the parts as JSON: ["sales", "orders"]."""
        import json

        return json.dumps(self.parts)

    to_db_string = to_string

    def to_python_identifier(self, suffix: str | None = None) -> str:
        """Return the key as one Python name: parts joined by two underscores."""
        name = "__".join(self.parts).replace("-", "_").replace(".", "_")
        return f"{name}__{suffix}" if suffix else name

    def has_prefix(self, prefix: Sequence[str]) -> bool:
        return self.parts[: len(prefix)] == tuple(prefix)

    def with_prefix(self, prefix: str | Sequence[str]) -> AssetKey:
        return AssetKey((*((prefix,) if isinstance(prefix, str) else prefix), *self.parts))

    def __str__(self) -> str:
        return "/".join(self.parts)

    def __repr__(self) -> str:
        return f"AssetKey({list(self.parts)!r})"

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetKey) and other.parts == self.parts

    def __lt__(self, other: AssetKey) -> bool:
        return self.parts < other.parts

    def __le__(self, other: AssetKey) -> bool:
        return self.parts <= other.parts

    def __gt__(self, other: AssetKey) -> bool:
        return self.parts > other.parts

    def __ge__(self, other: AssetKey) -> bool:
        return self.parts >= other.parts


CoercibleToAssetKey = AssetKey | str | Sequence[str] | Any
CoercibleToAssetKeyPrefix = str | Sequence[str]


def prefix_parts(prefix: CoercibleToAssetKeyPrefix | None) -> tuple[str, ...]:
    """Return the parts of a key prefix; none for None."""
    if prefix is None:
        return ()
    return (prefix,) if isinstance(prefix, str) else tuple(prefix)


class AssetCheckKey:
    """Which check of which asset, written "orders:no_nulls"."""

    __slots__ = ("_hash", "asset_key", "name")

    asset_key: AssetKey
    name: str

    def __init__(self, asset_key: CoercibleToAssetKey, name: str) -> None:
        object.__setattr__(self, "asset_key", AssetKey.from_coercible(asset_key))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_hash", hash((self.asset_key, name)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"AssetCheckKey is frozen; make a new one instead of setting {name!r}.")

    def __reduce__(self) -> tuple[type[AssetCheckKey], tuple[AssetKey, str]]:
        return (AssetCheckKey, (self.asset_key, self.name))

    @classmethod
    def parse(cls, text: str) -> AssetCheckKey:
        """Read the written form: "sales/orders:no_nulls"."""
        asset, _, name = text.rpartition(":")
        return cls(AssetKey.parse(asset), name)

    @staticmethod
    def from_user_string(text: str) -> AssetCheckKey:
        return AssetCheckKey.parse(text)

    def to_user_string(self) -> str:
        return f"{self.asset_key}:{self.name}"

    def replace_asset_key(self, asset_key: AssetKey) -> AssetCheckKey:
        return AssetCheckKey(asset_key, self.name)

    def __str__(self) -> str:
        return f"{self.asset_key}:{self.name}"

    def __repr__(self) -> str:
        return f"AssetCheckKey(asset_key={self.asset_key!r}, name={self.name!r})"

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetCheckKey) and other.asset_key == self.asset_key and other.name == self.name

    def __lt__(self, other: AssetCheckKey) -> bool:
        return (self.asset_key, self.name) < (other.asset_key, other.name)


AssetOrCheckKey = AssetKey | AssetCheckKey


def by_key(keys: Iterable[AssetKey]) -> Mapping[str, AssetKey]:
    """Return keys by their written form."""
    return {str(key): key for key in keys}
