"""The lies test: whatever is edited, built, failed, skipped and wiped, staleness and plans say what a naive model says.

The model keeps plain dictionaries by asset and partition and asks every question in the slowest way there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

import headwater as hw
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, AssetUnchanged
from headwater.runtime.execute import launch
from headwater.runtime.staleness import staleness_in
from headwater.views.staleness import has_part

END = 6
DAILY = ("d0", "d1", "r", "cum")
WHOLE = ("s", "u", "n", "m1", "m2")
ASSETS = ("s", "d0", "d1", "r", "cum", "u", "n", "m1", "m2")
# What each asset always depends on, and what it may.
FIXED = {"d1": ("d0",), "r": ("d0",), "cum": ("cum", "d0"), "u": ("d1",), "n": ("u",), "m1": ("s",), "m2": ("m1",)}
OPTIONAL = {"s": "ext", "d1": "s", "u": "s", "n": "s", "cum": "r"}
Place = tuple[str, str | None]


def day(number: int) -> str:
    return f"2024-01-{number:02d}"


@dataclass(frozen=True)
class Code:
    """What is declared of each asset, and what its function does when it is called."""

    start: int = 1
    versions: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(ASSETS))
    defaults: Mapping[str, int] = field(default_factory=lambda: {"s": 1, "d0": 1})
    optional: frozenset[str] = frozenset(("s", "d1"))
    contents: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ASSETS, 0))
    behaviour: Mapping[str, str] = field(default_factory=dict)

    def deps(self, asset: str) -> tuple[str, ...]:
        more = (OPTIONAL[asset],) if asset in self.optional and asset in OPTIONAL else ()
        return FIXED.get(asset, ()) + more

    def parts(self, asset: str) -> list[str | None]:
        return [day(number) for number in range(self.start, END)] if asset in DAILY else [None]

    def read_by(self, asset: str, part: str | None, dep: str) -> list[str | None]:
        """Return the partitions of a dependency that one partition needs, of those that exist."""
        if dep not in DAILY:
            return [None]
        if part is None:
            return self.parts(dep)
        number = int(part[-2:])
        needed = [number]
        if asset == "r":
            needed = [number - 1, number]
        elif asset == "cum" and dep == "cum":
            needed = [number - 1]
        return [each for each in map(day, needed) if each in self.parts(dep)]


def definitions_of(code: Code) -> hw.Definitions:
    days = hw.DailyPartitionsDefinition(day(code.start), end_date=day(END))
    rolling = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=0)
    yesterday = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    def dep_of(asset: str, dep: str) -> hw.AssetDep:
        mapping = rolling if asset == "r" else yesterday if (asset, dep) == ("cum", "cum") else None
        return hw.AssetDep(dep, partition_mapping=mapping)

    def result(asset: str) -> Any:
        behaves = code.behaviour.get(asset, "")
        if behaves == "fails":
            raise ValueError("as the test wants it")
        if behaves == "skips":
            return hw.Skip("not today", asset_key=asset)
        if behaves == "is unchanged":
            return hw.Unchanged(asset_key=asset)
        version = None if asset == "n" else hw.DataVersion(f"{asset}{code.contents[asset]}")
        return hw.MaterializeResult(asset_key=asset, data_version=version)

    def asset_of(name: str) -> hw.AssetsDefinition:
        default = code.defaults.get(name)

        @hw.asset(
            name=name,
            deps=[dep_of(name, dep) for dep in code.deps(name)],
            code_version=code.versions[name],
            partitions_def=days if name in DAILY else None,
            config_schema=None if default is None else {"n": hw.Field(int, default_value=default)},
            backfill_policy=hw.BackfillPolicy.single_run(),
        )
        def made(context: hw.AssetExecutionContext) -> Any:
            return result(name)

        return made

    @hw.multi_asset(
        specs=[
            hw.AssetSpec(name, deps=list(code.deps(name)), code_version=code.versions[name], skippable=True)
            for name in ("m1", "m2")
        ],
        can_subset=True,
    )
    def several(context: hw.AssetExecutionContext) -> Iterator[Any]:
        for name in ("m1", "m2"):
            if hw.AssetKey(name) in context.selected_asset_keys:
                yield result(name)

    singles = [asset_of(name) for name in ASSETS if name not in ("m1", "m2")]
    return hw.Definitions([hw.AssetSpec("ext"), *singles, several])


@dataclass
class Made:
    """One value as the model remembers it."""

    version: str
    code_version: str | None = None
    default: int | None = None
    deps: tuple[str, ...] = ()
    read: dict[str, dict[str | None, str]] = field(default_factory=dict)


class Model:
    def __init__(self) -> None:
        self.made: dict[Place, Made] = {}
        self.failed: set[Place] = set()
        self.seen_outside: str | None = None

    def version(self, code: Code, place: Place) -> str | None:
        if place[0] == "ext":
            return self.seen_outside
        made = self.made.get(place)
        return made.version if made is not None and place[1] in code.parts(place[0]) else None

    def reads(self, code: Code, place: Place) -> dict[str, dict[str | None, str]]:
        found: dict[str, dict[str | None, str]] = {}
        for dep in code.deps(place[0]):
            versions = {part: self.version(code, (dep, part)) for part in code.read_by(*place, dep)}
            found[dep] = {part: version for part, version in versions.items() if version is not None}
        return found

    def take(self, code: Code, event: Any, reads: Mapping[Place, dict[str, dict[str | None, str]]]) -> None:
        place = (event.asset, getattr(event, "partition", None))
        if isinstance(event, AssetNotMaterialized):
            for part in event.partitions or (None,):
                self.failed.discard((event.asset, part))
                if event.outcome == "failed":
                    self.failed.add((event.asset, part))
            return
        self.failed.discard(place)
        version = (
            self.made[place].version if isinstance(event, AssetUnchanged) else f"{place[0]}{code.contents[place[0]]}"
        )
        if place[0] == "n" and not isinstance(event, AssetUnchanged):
            version = event.run_id
        asset = place[0]
        self.made[place] = Made(
            version, code.versions[asset], code.defaults.get(asset), code.deps(asset), self.reads(code, place)
        )
        # What a run reads of itself and of others is what was there before its step; of what it built, that.
        own = reads[place].get(asset)
        if own is not None:
            self.made[place].read[asset] = own

    def wipe(self, asset: str, part: str | None) -> None:
        for place in list(self.made):
            if place[0] == asset and part in (None, place[1]):
                del self.made[place]
        self.failed = {place for place in self.failed if not (place[0] == asset and part in (None, place[1]))}

    def is_stale(self, code: Code, place: Place, known: dict[Place, bool]) -> bool:
        if place not in known:
            known[place] = self._is_stale(code, place, known)
        return known[place]

    def _is_stale(self, code: Code, place: Place, known: dict[Place, bool]) -> bool:
        asset, part = place
        made = self.made.get(place)
        if asset == "ext" or made is None or part not in code.parts(asset):
            return False
        if code.versions[asset] is not None and code.versions[asset] != made.code_version:
            return True
        if code.defaults.get(asset) != made.default or set(code.deps(asset)) != set(made.deps) or place in self.failed:
            return True
        now = self.reads(code, place)
        if any(now[dep] != made.read[dep] for dep in code.deps(asset)):
            return True
        return any(
            self.is_stale(code, (dep, each), known)
            for dep in code.deps(asset)
            for each in code.read_by(asset, part, dep)
        )

    def stale(self, code: Code) -> set[Place]:
        known: dict[Place, bool] = {}
        return {
            (asset, part) for asset in ASSETS for part in code.parts(asset) if self.is_stale(code, (asset, part), known)
        }

    def missing(self, code: Code) -> set[Place]:
        return {(asset, part) for asset in ASSETS for part in code.parts(asset) if (asset, part) not in self.made}

    def with_upstream(self, code: Code, wanted: set[Place]) -> set[Place]:
        """Return what is wanted with all that it needs and that is missing."""
        missing, found, waiting = self.missing(code), set(wanted), list(wanted)
        while waiting:
            asset, part = waiting.pop()
            for dep in code.deps(asset):
                for each in code.read_by(asset, part, dep):
                    if (dep, each) in missing and (dep, each) not in found:
                        found.add((dep, each))
                        waiting.append((dep, each))
        return found


# ---------------------------------------------------------------------------------------------------------------- steps

some_asset = st.sampled_from(ASSETS)
some_day = st.integers(1, END - 1)
STEPS = st.one_of(
    st.tuples(st.just("version"), some_asset, st.sampled_from(["1", "2", None])),
    st.tuples(st.just("default"), st.sampled_from(["s", "d0"]), st.integers(1, 2)),
    st.tuples(st.just("dependency"), st.sampled_from(sorted(OPTIONAL))),
    st.tuples(st.just("start"), st.integers(1, 3)),
    st.tuples(st.just("content"), some_asset, st.integers(0, 1)),
    st.tuples(st.just("behaviour"), some_asset, st.sampled_from(["fails", "skips", "is unchanged", "", ""])),
    st.tuples(st.just("build"), st.sets(some_asset, min_size=1), some_day, some_day),
    st.tuples(st.just("build"), st.just(frozenset(ASSETS)), st.just(1), st.just(END - 1)),
    st.tuples(st.just("wipe"), some_asset, st.one_of(st.none(), some_day)),
    st.tuples(st.just("observe"), st.integers(0, 1)),
)


def carry_out(step: tuple[Any, ...], code: Code, model: Model, instance: hw.Instance) -> Code:
    match step:
        case ("version", asset, version):
            return replace(code, versions={**code.versions, asset: version})
        case ("default", asset, default):
            return replace(code, defaults={**code.defaults, asset: default})
        case ("dependency", asset):
            return replace(code, optional=code.optional ^ {asset})
        case ("start", start):
            return replace(code, start=start)
        case ("content", asset, content):
            return replace(code, contents={**code.contents, asset: content})
        case ("behaviour", asset, behaviour):
            if behaviour == "is unchanged" and asset == "cum":
                return code  # a range builds all of its partitions at once, and there may be nothing to keep of some
            return replace(code, behaviour={**code.behaviour, asset: behaviour})
        case ("build", assets, first, last):
            build(code, model, instance, assets, *sorted((max(first, code.start), max(last, code.start))))
        case ("wipe", asset, None):
            instance.wipe_assets([hw.AssetKey(asset)])
            model.wipe(asset, None)
        case ("wipe", asset, number) if asset in DAILY:
            instance.wipe_asset_partitions(hw.AssetKey(asset), [day(number)])
            model.wipe(asset, day(number))
        case ("observe", number):
            tags = {"headwater/data_version": f"seen {number}"}
            instance.report_runless_asset_event(hw.AssetObservation("ext", tags=tags))
            model.seen_outside = f"seen {number}"
    return code


def build(code: Code, model: Model, instance: hw.Instance, assets: set[str], first: int, last: int) -> None:
    days = [day(number) for number in range(first, last + 1)]
    is_partitioned = any(asset in DAILY for asset in assets)
    before = {(asset, part): model.reads(code, (asset, part)) for asset in ASSETS for part in code.parts(asset)}
    outcome = launch(
        definitions_of(code),
        instance=instance,
        selection=[hw.AssetKey(asset) for asset in sorted(assets)],
        partition_keys=days if is_partitioned else None,
        on_line=lambda line: None,
    )
    for record in instance.store.events_of_run(outcome.run.run_id):
        if isinstance(record.event, AssetMaterialized | AssetNotMaterialized | AssetUnchanged):
            model.take(code, record.event, before)


def places(steps: Any) -> set[Place]:
    return {
        (str(step.asset_key), part)
        for step in steps
        for part in (step.partition_keys if step.partition_keys is not None else (None,))
    }


def agree(code: Code, model: Model, instance: hw.Instance) -> None:
    definitions = definitions_of(code)
    staleness = staleness_in(definitions, instance)
    stale = model.stale(code)
    said = {
        (asset, part)
        for asset in ASSETS
        for part in code.parts(asset)
        if has_part(staleness[hw.AssetKey(asset)].stale, part)
    }
    assert said == stale
    for asset in ASSETS:
        for part in code.parts(asset):
            reasons = staleness[hw.AssetKey(asset)].reasons(part)
            assert bool(reasons) == ((asset, part) in stale | model.missing(code)), (asset, part, reasons)
    assert {str(key) for key in hw.stale_assets(definitions, instance=instance)} == {asset for asset, _ in stale}
    wanted = {"stale": stale, "missing": model.missing(code)}
    for mode, asked in wanted.items():
        assert places(hw.plan(definitions, instance=instance, mode=mode, upstream=False).steps) == asked
        planned = hw.plan(definitions, instance=instance, mode=mode)
        assert places(planned.steps) == model.with_upstream(code, asked)
        order = [str(key) for key in planned.asset_keys]
        for place, asset in enumerate(order):
            assert all(dep not in order[place + 1 :] for dep in code.deps(asset))
    requested = {("u", None), ("cum", day(END - 1))}
    planned = hw.plan(definitions, selection="u or cum", partition_key=day(END - 1), instance=instance)
    assert places(planned.steps) == model.with_upstream(code, requested)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
def test_staleness_and_plans_say_what_a_naive_model_says(steps: list[tuple[Any, ...]]) -> None:
    with hw.Instance.ephemeral() as instance:
        code, model = Code(), Model()
        build(code, model, instance, set(ASSETS), 1, END - 1)
        agree(code, model, instance)
        for step in steps:
            code = carry_out(step, code, model, instance)
            agree(code, model, instance)
