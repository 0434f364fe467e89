"""Assets of every kind of partition mapping, and a model of them that answers each question in the slowest way there is.

The model keeps plain dictionaries by asset and partition. It reads the facts of runs, and nothing of `headwater.views`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import headwater as hw
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, AssetUnchanged

ALL_DAYS = ("2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02")
END = "2024-02-03"
MONTHS = ("2024-01-01", "2024-02-01")
PICKED = "2024-02-01"  # every edit leaves it there
STATIC = {"x": {"a", "b"}, "y": {"b", "c"}}

DAILY = ("d0", "d1", "r", "cum", "back", "lastd", "col")
WHOLE = ("s", "u", "n", "m1", "m2", "g")
LETTERS = ("st0", "tot", "spec")
DYNAMIC = ("dyn0", "dyn1")
# In the order of dependencies.
ASSETS = (
    "s",
    "d0",
    "d1",
    "r",
    "cum",
    "month",
    "back",
    "lastd",
    "tot",
    "spec",
    "st0",
    "st1",
    "grid",
    "col",
    "dyn0",
    "dyn1",
)
ASSETS += ("u", "n", "m1", "m2", "g")
# What each asset always depends on, and what it may.
FIXED = {"d1": ("d0",), "r": ("d0",), "cum": ("cum", "d0"), "month": ("d1",), "back": ("month",), "lastd": ("d0",)}
FIXED |= {"tot": ("d0",), "spec": ("d0",), "st1": ("st0",), "grid": ("d0", "st0"), "col": ("grid",), "dyn1": ("dyn0",)}
FIXED |= {"u": ("d1",), "n": ("u",), "m1": ("s",), "m2": ("m1",), "g": ("s",)}
OPTIONAL = {"s": "ext", "d1": "s", "u": "s", "n": "s", "cum": "r", "m2": "ext"}
# Nothing stands on these but what may do without.
REMOVABLE = ("r", "back", "col", "dyn1", "n", "tot", "m2")
# A value that a killed process had stored and not recorded: what it was made from is not known.
LEFT_BEHIND = "Stored by a run that was interrupted"
WITH_CONFIG = ("s", "d0", "g")
MAPPINGS = {"r": ("-1", "-2"), "lastd": ("last", "all", "picked", "same")}

Part = str | None
Place = tuple[str, Part]
Reads = dict[str, dict[Part, str]]


def family(asset: str) -> str:
    """Return the name of the partitions that an asset has."""
    for name, assets in (("day", DAILY), ("letter", LETTERS), ("dynamic", DYNAMIC)):
        if asset in assets:
            return name
    return {"month": "month", "st1": "xy", "grid": "cell"}.get(asset, "whole")


@dataclass(frozen=True)
class Code:
    """What is declared of each asset, and what its function does when it is called."""

    start: int = 0
    letters: str = "abc"
    dynamic: tuple[str, ...] = ("p", "q")
    versions: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(ASSETS))
    defaults: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(WITH_CONFIG, 1))
    optional: frozenset[str] = frozenset(("s", "d1"))
    mappings: Mapping[str, str] = field(default_factory=lambda: {"r": "-1", "lastd": "last"})
    absent: frozenset[str] = frozenset()
    contents: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ASSETS, 0))
    behaviour: Mapping[str, str] = field(default_factory=dict)

    @property
    def assets(self) -> tuple[str, ...]:
        return tuple(asset for asset in ASSETS if asset not in self.absent)

    @property
    def days(self) -> tuple[str, ...]:
        return ALL_DAYS[self.start :]

    def deps(self, asset: str) -> tuple[str, ...]:
        more = (OPTIONAL[asset],) if asset in self.optional and asset in OPTIONAL else ()
        return tuple(dep for dep in (*FIXED.get(asset, ()), *more) if dep not in self.absent)

    def parts(self, asset: str) -> list[Part]:
        return {
            "day": list(self.days),
            "month": list(MONTHS),
            "letter": list(self.letters),
            "xy": ["x", "y"],
            "cell": [f"{day}|{letter}" for day in self.days for letter in self.letters],
            "dynamic": list(self.dynamic),
            "whole": [None],
        }[family(asset)]

    def read_by(self, asset: str, part: Part, dep: str) -> list[Part]:
        """Return the partitions of a dependency that one partition needs, of those that exist."""
        there = self.parts(dep)
        if there == [None] or part is None:
            return there
        mapping = self.mappings.get(asset)
        needed: list[Part]
        if (asset, dep) == ("cum", "cum"):
            needed = [_shifted(part, -1)]
        elif asset == "r":
            needed = [_shifted(part, -number) for number in range(int(mapping or 0) * -1, -1, -1)]
        elif asset == "month":
            needed = [day for day in there if day is not None and day[:7] == part[:7]]
        elif asset == "back":
            needed = [f"{part[:7]}-01"]
        elif asset == "lastd":
            needed = {"last": there[-1:], "all": there, "picked": [PICKED], "same": [part]}[mapping or ""]
        elif asset == "tot":
            needed = there
        elif asset == "spec":
            needed = [PICKED]
        elif asset == "st1":
            needed = [letter for letter in there if letter in STATIC[part]]
        elif asset == "grid":
            needed = [part.split("|")[0 if dep == "d0" else 1]]
        elif asset == "col":
            needed = [cell for cell in there if cell is not None and cell.startswith(part)]
        else:
            needed = [part]
        return [each for each in needed if each in there]

    def reads_one(self, asset: str, dep: str) -> bool:
        """Whether each partition reads the one of the same name."""
        return (
            asset in ("d1", "dyn1")
            or (asset, dep) in (("cum", "d0"), ("cum", "r"))
            or self.mappings.get(asset) == "same"
        )


def _shifted(day: str, number: int) -> str:
    place = ALL_DAYS.index(day) + number
    return ALL_DAYS[place] if place >= 0 else "2024-01-28"


def definitions_of(code: Code) -> hw.Definitions:
    days = hw.DailyPartitionsDefinition(code.days[0], end_date=END)
    letters = hw.StaticPartitionsDefinition(list(code.letters))
    partitions: dict[str, Any] = {
        "day": days,
        "month": hw.MonthlyPartitionsDefinition("2024-01-01", end_date="2024-03-01"),
        "letter": letters,
        "xy": hw.StaticPartitionsDefinition(["x", "y"]),
        "cell": hw.MultiPartitionsDefinition({"day": days, "letter": letters}),
        "dynamic": hw.DynamicPartitionsDefinition(name="dynamic"),
        "whole": None,
    }
    picked = hw.SpecificPartitionsPartitionMapping([PICKED])
    mappings: dict[tuple[str, str], hw.PartitionMapping | None] = {
        ("r", "d0"): hw.TimeWindowPartitionMapping(start_offset=int(code.mappings["r"])),
        ("cum", "cum"): hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1),
        ("lastd", "d0"): {
            "last": hw.LastPartitionMapping(),
            "all": hw.AllPartitionMapping(),
            "picked": picked,
            "same": None,
        }[code.mappings["lastd"]],
        ("tot", "d0"): hw.AllPartitionMapping(),
        ("spec", "d0"): picked,
        ("st1", "st0"): hw.StaticPartitionMapping(
            {letter: {key for key, of_key in STATIC.items() if letter in of_key} for letter in code.letters}
        ),
    }

    def deps_of(asset: str) -> list[hw.AssetDep]:
        return [hw.AssetDep(dep, partition_mapping=mappings.get((asset, dep))) for dep in code.deps(asset)]

    def result(asset: str, parts: Iterable[str] = ()) -> Any:
        behaves = code.behaviour.get(asset, "")
        if behaves == "fails":
            raise ValueError("as the test wants it")
        if behaves == "skips":
            return hw.Skip("not today", asset_key=asset)
        if behaves == "is unchanged":
            return hw.Unchanged(asset_key=asset)
        return hw.MaterializeResult(asset_key=asset, data_version=version_of(code, asset, parts))

    def asset_of(name: str) -> hw.AssetsDefinition:
        default = code.defaults.get(name)

        @hw.asset(
            name=name,
            deps=deps_of(name),
            code_version=code.versions[name],
            partitions_def=partitions[family(name)],
            config_schema=None if default is None else {"n": hw.Field(int, default_value=default)},
            backfill_policy=hw.BackfillPolicy.single_run(),
        )
        def made(context: hw.AssetExecutionContext) -> Any:
            return result(name, () if family(name) == "whole" else context.partition_keys)

        return made

    @hw.op(config_schema={"n": hw.Field(int, default_value=code.defaults["g"])}, ins={"s": hw.In(hw.Nothing)})
    def op_of_graph() -> Any:
        said = result("g")
        return hw.Output(None, data_version=said.data_version) if isinstance(said, hw.MaterializeResult) else said

    @hw.graph_asset(ins={"s": hw.AssetIn("s", dagster_type=hw.Nothing)}, code_version=code.versions["g"])
    def g(s: None) -> Any:
        return op_of_graph(s)

    several = [name for name in ("m1", "m2") if name not in code.absent]

    @hw.multi_asset(
        specs=[
            hw.AssetSpec(name, deps=deps_of(name), code_version=code.versions[name], skippable=True) for name in several
        ],
        can_subset=True,
    )
    def together(context: hw.AssetExecutionContext) -> Iterator[Any]:
        for name in several:
            if hw.AssetKey(name) in context.selected_asset_keys:
                yield result(name)

    singles = [asset_of(name) for name in code.assets if name not in ("m1", "m2", "g")]
    return hw.Definitions([hw.AssetSpec("ext"), *singles, together, g])


def version_of(code: Code, asset: str, parts: Iterable[str] = ()) -> hw.DataVersion | None:
    """Return the version of what a function makes of the partitions of a run.

    Of some it is so long that little fits where inputs are listed, of others there is more to escape than letters.
    """
    if asset == "n":
        return None
    more = "." * 300 if asset in ("d0", "grid") else '"\\' if asset == "st0" else ""
    return hw.DataVersion(f"{asset}{code.contents[asset]} {min(parts, default='')}{more}")


# ---------------------------------------------------------------------------------------------------------------- model


@dataclass
class Made:
    """One value as the model remembers it; of one that was reported from outside nothing is known but its version."""

    version: str
    code_version: str | None = None
    default: int | None = None
    deps: tuple[str, ...] | None = None
    read: Reads = field(default_factory=dict)


class Model:
    """What is there, what failed, and what follows from it. `most_listed` inputs of one asset are told one by one."""

    def __init__(self, most_listed: int) -> None:
        self.most_listed = most_listed
        self.made: dict[Place, Made] = {}
        self.outcome: dict[Place, str] = {}
        self.seen_outside: str | None = None

    def version(self, code: Code, place: Place) -> str | None:
        if place[0] == "ext":
            return self.seen_outside
        made = self.made.get(place)
        return made.version if made is not None and place[1] in code.parts(place[0]) else None

    def reads(self, code: Code, place: Place) -> Reads:
        found: Reads = {}
        for dep in code.deps(place[0]):
            versions = {part: self.version(code, (dep, part)) for part in code.read_by(*place, dep)}
            found[dep] = {part: version for part, version in versions.items() if version is not None}
        return found

    # ---------------------------------------------------------------------------------------------------------- what happens

    def take(self, code: Code, event: Any, before: Mapping[Place, Reads], parts: Sequence[str]) -> None:
        """Take in a fact of a run of these partitions. `before` is what each one would have read when the run began."""
        asset = event.asset
        if isinstance(event, AssetNotMaterialized):
            for part in event.partitions or (None,):
                self.outcome[asset, part] = event.outcome
        elif isinstance(event, AssetMaterialized) and str(event.description).startswith(LEFT_BEHIND):
            assert event.data_version is not None
            self.report((asset, event.partition), event.data_version)
        elif isinstance(event, AssetMaterialized | AssetUnchanged):
            place = (asset, event.partition)
            if isinstance(event, AssetUnchanged):
                self.outcome[place] = "unchanged"
                version = self.made[place].version
            else:
                self.outcome[place] = "materialized"
                made = version_of(code, asset, parts if event.partition is not None else ())
                version = f"run {event.run_id}" if made is None else made.value
            self.made[place] = Made(
                version, code.versions[asset], code.defaults.get(asset), code.deps(asset), self.reads(code, place)
            )
            # Of the asset itself, earlier partitions of the same run count as that run has made them by then.

    def report(self, place: Place, version: str) -> None:
        self.made[place] = Made(version)
        self.outcome[place] = "materialized"

    def wipe(self, asset: str, parts: list[str] | None) -> None:
        for known in (self.made, self.outcome):
            for place in list(known):
                if place[0] == asset and (parts is None or place[1] in parts):
                    del known[place]

    # ----------------------------------------------------------------------------------------------------------- what follows

    def places(self, code: Code) -> list[Place]:
        return [(asset, part) for asset in code.assets for part in code.parts(asset)]

    def missing(self, code: Code) -> set[Place]:
        return {place for place in self.places(code) if place not in self.made}

    def failed(self, code: Code) -> set[Place]:
        return {place for place in self.places(code) if self.outcome.get(place) == "failed"}

    def stale(self, code: Code) -> dict[Place, set[tuple[str, str | None]]]:
        """Return the stale places, each with the kinds of its reasons and the assets that they name."""
        own = {place: self.own_reasons(code, place) for place in self.places(code) if place in self.made}
        stale = {place for place, reasons in own.items() if reasons}
        while True:
            more = {
                place: {
                    ("upstream_stale", dep)
                    for dep in code.deps(place[0])
                    if any((dep, part) in stale for part in code.read_by(*place, dep))
                }
                for place in own
            }
            reached = stale | {place for place, reasons in more.items() if reasons}
            if reached == stale:
                return {place: own[place] | more[place] for place in stale}
            stale = reached

    def own_reasons(self, code: Code, place: Place) -> set[tuple[str, str | None]]:
        asset, _ = place
        made = self.made[place]
        found: set[tuple[str, str | None]] = set()
        if self.outcome.get(place) == "failed":
            found.add(("failed_since", None))
        if made.deps is None:
            return found
        if code.versions[asset] not in (None, made.code_version):
            found.add(("code_version_changed", None))
        if code.defaults.get(asset) != made.default:
            found.add(("config_changed", None))
        now = self.reads(code, place)
        found |= {("dependency_added", dep) for dep in now if dep not in made.deps}
        found |= {("dependency_removed", dep) for dep in made.deps if dep not in now}
        for dep in now:
            if dep in made.deps and now[dep] != made.read[dep]:
                found |= {(kind, dep) for kind in self._kinds(code, place, dep, made.read[dep], now[dep])}
        return found

    def _kinds(
        self, code: Code, place: Place, dep: str, before: dict[Part, str], now: dict[Part, str]
    ) -> Iterator[str]:
        asset, part = place
        if len(before) > self.most_listed:
            yield "upstream_changed"  # only a digest of what was read is known
            return
        there = code.parts(dep)
        if set(before) <= {None} and there == [None]:
            yield "upstream_changed" if now else "upstream_missing"
            return
        if code.reads_one(asset, dep) and set(before) <= {part}:
            yield "upstream_changed" if now else "upstream_missing" if part in there else "upstream_partitions_changed"
            return
        needed = code.read_by(asset, part, dep)
        if any(each in now and now[each] != version for each, version in before.items()):
            yield "upstream_changed"
        if any(each not in now and each in needed for each in before):
            yield "upstream_missing"
        if any(each not in needed for each in before) or any(each not in before for each in now):
            yield "upstream_partitions_changed"

    def with_upstream(self, code: Code, wanted: set[Place], among: set[Place], *, rebuilds: bool = False) -> set[Place]:
        """Return what is wanted with all that it needs, and that what is added needs, of what is in `among`.

        What is only built again (`rebuilds`) does without what is missing of an input of which something is there.
        """
        found, waiting = set(wanted), list(wanted)
        while waiting:
            asset, part = waiting.pop()
            for dep in code.deps(asset):
                needed = code.read_by(asset, part, dep)
                if rebuilds and dep != asset and (asset, part) in self.made:
                    if any((dep, each) not in among for each in needed):
                        continue
                for each in needed:
                    if (dep, each) in among and (dep, each) not in found:
                        found.add((dep, each))
                        waiting.append((dep, each))
        return found
