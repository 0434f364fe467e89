"""Why what is there is not what would be built now: reasons as frozen values that name what changed, from what to what."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar

from headwater.model.keys import AssetKey


class Freshness(Enum):
    """Where an asset, or one partition of it, stands against its code and its inputs."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class StaleReason:
    """One reason. `str()` is a phrase for people, `to_data()` plain JSON values."""

    kind: ClassVar[str] = ""

    @property
    def topic(self) -> str:
        """The phrase without versions and keys: equal for partitions that are stale for the same reason."""
        return str(self)

    def to_data(self) -> dict[str, Any]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"kind": self.kind} | {
            name: str(value) if isinstance(value, AssetKey) else list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }


@dataclass(frozen=True, slots=True)
class NeverMaterialized(StaleReason):
    """Nothing is there; `was_wiped` says that something was."""

    kind: ClassVar[str] = "never_materialized"
    was_wiped: bool = False

    def __str__(self) -> str:
        return "wiped" if self.was_wiped else "never materialized"


@dataclass(frozen=True, slots=True)
class FailedSince(StaleReason):
    """The last attempt to build it again failed."""

    kind: ClassVar[str] = "failed_since"
    cause: str | None = None

    def __str__(self) -> str:
        return "the last attempt failed" + (f": {self.cause}" if self.cause else "")

    @property
    def topic(self) -> str:
        return "the last attempt failed"


@dataclass(frozen=True, slots=True)
class MarkedWrong(StaleReason):
    """Someone marked the value as wrong, and it was not made again since. `marked_at` is in seconds since 1970."""

    kind: ClassVar[str] = "marked_wrong"
    reason: str = ""
    marked_at: float = 0.0

    def __str__(self) -> str:
        return "marked as wrong by hand" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class CodeVersionChanged(StaleReason):
    kind: ClassVar[str] = "code_version_changed"
    recorded: str | None
    current: str | None

    def __str__(self) -> str:
        return f"code version changed: {_shown(self.recorded)} -> {_shown(self.current)}"


@dataclass(frozen=True, slots=True)
class ConfigChanged(StaleReason):
    """The config that the code declares changed, or what is to be given now is not what was given then."""

    kind: ClassVar[str] = "config_changed"
    recorded: str | None
    current: str | None
    is_given: bool = False

    def __str__(self) -> str:
        what = "config given differs" if self.is_given else "declared config changed"
        return f"{what}: {_shown(self.recorded)} -> {_shown(self.current)}"


@dataclass(frozen=True, slots=True)
class DependencyAdded(StaleReason):
    kind: ClassVar[str] = "dependency_added"
    asset: AssetKey

    def __str__(self) -> str:
        return f'depends on "{self.asset}" now'


@dataclass(frozen=True, slots=True)
class DependencyRemoved(StaleReason):
    kind: ClassVar[str] = "dependency_removed"
    asset: AssetKey

    def __str__(self) -> str:
        return f'no longer depends on "{self.asset}"'


@dataclass(frozen=True, slots=True)
class UpstreamChanged(StaleReason):
    """An input has another version than the one that was read. `partition` is the first of `count` that have."""

    kind: ClassVar[str] = "upstream_changed"
    asset: AssetKey
    partition: str | None
    recorded: str | None
    current: str | None
    count: int = 1

    def __str__(self) -> str:
        more = f" and {self.count - 1:,} more partitions" if self.count > 1 else ""
        changed = f"{_shown(self.recorded)} -> {_shown(self.current)}"
        return f'"{_named(self.asset, self.partition)}"{more} changed: {changed}'

    @property
    def topic(self) -> str:
        return f'"{self.asset}" changed'


@dataclass(frozen=True, slots=True)
class UpstreamPartitionsChanged(StaleReason):
    """Other partitions are read now than were then: `added` and `removed` name some of them."""

    kind: ClassVar[str] = "upstream_partitions_changed"
    asset: AssetKey
    added: tuple[str | None, ...] = ()
    removed: tuple[str | None, ...] = ()
    added_count: int = 0
    removed_count: int = 0

    def __str__(self) -> str:
        told = [
            f"{count:,} {word} ({', '.join(map(_key, keys))}{', ...' if count > len(keys) else ''})"
            for word, keys, count in (
                ("more", self.added, self.added_count),
                ("fewer", self.removed, self.removed_count),
            )
            if count
        ]
        return f'other partitions of "{self.asset}" are read: {", ".join(told)}'

    @property
    def topic(self) -> str:
        return f'other partitions of "{self.asset}" are read'


@dataclass(frozen=True, slots=True)
class UpstreamMissing(StaleReason):
    """What was read is there no longer. `partition` is the first of `count`."""

    kind: ClassVar[str] = "upstream_missing"
    asset: AssetKey
    partition: str | None = None
    count: int = 1

    def __str__(self) -> str:
        more = f" and {self.count - 1:,} more partitions" if self.count > 1 else ""
        return f'"{_named(self.asset, self.partition)}"{more} was read and is there no longer'

    @property
    def topic(self) -> str:
        return f'"{self.asset}" is there no longer'


@dataclass(frozen=True, slots=True)
class UpstreamStale(StaleReason):
    """An input is itself stale."""

    kind: ClassVar[str] = "upstream_stale"
    asset: AssetKey

    def __str__(self) -> str:
        return f'"{self.asset}" is stale'


def _shown(version: str | None) -> str:
    """Return a version as people read it: hashes are cut."""
    if version is None:
        return "none"
    return version if len(version) <= 20 else f"{version[:12]}..."


def _key(partition: str | None) -> str:
    return partition if partition is not None else "the whole of it"


def _named(asset: AssetKey, partition: str | None) -> str:
    return str(asset) if partition is None else f"{asset} [{partition}]"
