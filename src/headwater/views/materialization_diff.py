"""What is different between two materializations of an asset: code, config, dependencies, and each input that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.model.events import AssetMaterialized
from headwater.model.provenance import version_of
from headwater.model.runs import EventRecord, Run
from headwater.views.words import instant_as_iso


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was one way before and another after. `what` is "code version", "config", "input", ..."""

    what: str
    name: str | None
    before: Any
    after: Any

    def __str__(self) -> str:
        named = f"{self.what} {self.name}" if self.name else self.what
        if self.before is None:
            return f"{named}: {self.after}, which was not there before"
        if self.after is None:
            return f"{named}: no longer there (it was {self.before})"
        return f"{named}: {self.before} -> {self.after}"

    def to_data(self) -> dict[str, Any]:
        return {"what": self.what, "name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class MaterializationDiff:
    """Two materializations of one asset or partition, the older first, and how they differ."""

    before: EventRecord
    after: EventRecord
    differences: tuple[Difference, ...]
    same_content: bool

    def to_data(self) -> dict[str, Any]:
        return {
            "before": _side(self.before),
            "after": _side(self.after),
            "same_content": self.same_content,
            "differences": [each.to_data() for each in self.differences],
        }


def _side(record: EventRecord) -> dict[str, Any]:
    event = record.event
    assert isinstance(event, AssetMaterialized)
    return {
        "storage_id": record.storage_id,
        "run_id": event.run_id,
        "at": instant_as_iso(event.timestamp),
        "partition": event.partition,
        "data_version": event.data_version,
    }


def difference_between(before: EventRecord, after: EventRecord, runs: Mapping[str, Run | None]) -> MaterializationDiff:
    """Return how two materializations differ. `runs` gives the runs that made them, for the config that they were given."""
    old, new = before.event, after.event
    assert isinstance(old, AssetMaterialized)
    assert isinstance(new, AssetMaterialized)
    found: list[Difference] = []

    def compare(what: str, name: str | None, was: Any, now: Any) -> None:
        if was != now:
            found.append(Difference(what, name, was, now))

    compare("code version", None, old.code_version, new.code_version)
    compare("declared config", None, old.declared_config_hash, new.declared_config_hash)
    if old.config_hash != new.config_hash:
        was, now = (_given_config(event, runs.get(event.run_id)) for event in (old, new))
        fields = sorted({*was, *now})
        for name in fields:
            compare("config", name, was.get(name), now.get(name))
        if not any(each.what == "config" for each in found):
            compare("config", None, old.config_hash, new.config_hash)
    if old.deps is not None and new.deps is not None:
        for name in sorted(set(old.deps) ^ set(new.deps)):
            compare("dependency", name, name if name in old.deps else None, name if name in new.deps else None)
    read_before = {_named(each.asset, each.partition): each.data_version for each in old.inputs}
    read_after = {_named(each.asset, each.partition): each.data_version for each in new.inputs}
    for name in dict.fromkeys((*read_before, *read_after)):
        compare("input", name, read_before.get(name), read_after.get(name))
    same = version_of(old) == version_of(new)
    compare("data version", None, old.data_version, new.data_version)
    return MaterializationDiff(before, after, tuple(found), same)


def _named(asset: str, partition: str | None) -> str:
    return asset if partition is None else f"{asset} [{partition}]"


def _given_config(event: AssetMaterialized, run: Run | None) -> dict[str, Any]:
    """Return the config that a run gave the step, one value for each field; empty where it cannot be told."""
    section: Any = run.run_config.get("ops") if run is not None else None
    *graphs, op = (event.step_key or "").split(".")
    for name in graphs:
        section = section.get(name, {}).get("ops") if isinstance(section, Mapping) else None
    config = section.get(op, {}).get("config") if isinstance(section, Mapping) else None
    return dict(config) if isinstance(config, Mapping) else {}
