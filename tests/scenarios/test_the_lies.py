"""The lies test: whatever is edited, built, failed, skipped, killed, wiped and reported, status, staleness and plans say what a
naive model says, after every step.

The model (`naive_assets`) keeps plain dictionaries and asks every question in the slowest way there is. Hypothesis makes the
histories and shrinks what fails to the shortest; HEADWATER_LIES=<factor> tries as many times more (`make soak` does).

It bites. Each of these faults was put in, one at a time, and was found within a hundred histories: what is stale upstream does
not spread, or a self-dependency only by one step; failures of partitions are forgotten; partitions that the definition lost count
still; an observed version is ignored; versions are compared by place and not by partition; a removed dependency, partitions that
came, or declared config are no reason; an input of the same key is taken for the whole; what a plan adds adds nothing of its
own, or all instead of what is missing, or stale ones that were not named; "unchanged" keeps the old provenance; of a range that
failed only the first partition is noted; a success leaves the failure; a wipe of the whole asset takes nothing.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

import headwater as hw
from headwater.engine import run_scope
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, AssetUnchanged, Event
from headwater.runtime.execute import launch
from headwater.runtime.plan_runs import runs_of_plan
from headwater.runtime.staleness import staleness_in
from headwater.views.assets import AssetStatus, asset_views
from headwater.views.staleness import has_part
from tests.scenarios.naive_assets import (
    ALL_DAYS,
    ASSETS,
    MAPPINGS,
    OPTIONAL,
    REMOVABLE,
    WITH_CONFIG,
    Code,
    Model,
    Place,
    definitions_of,
    family,
)

FACTOR = float(os.environ.get("HEADWATER_LIES", "1"))
# Of the reasons, those that name the asset upstream.
NAMING = (
    "dependency_added",
    "dependency_removed",
    "upstream_changed",
    "upstream_missing",
    "upstream_partitions_changed",
)
NAMING += ("upstream_stale",)
MODES = ("stale", "missing", "all", "requested")


class Story:
    """An instance and the model beside it, as a history goes on."""

    def __init__(self, home: Path | None, most_listed: int) -> None:
        self.home = home
        self.instance = self.opened()
        self.code = Code()
        self.model = Model(most_listed)
        self.instance.add_dynamic_partitions("dynamic", list(self.code.dynamic))
        self.killed = 0
        self.steps = 0
        self._declared: tuple[Code, hw.Definitions] | None = None

    def opened(self) -> hw.Instance:
        return hw.Instance.ephemeral() if self.home is None else hw.Instance.open(self.home)

    @property
    def definitions(self) -> hw.Definitions:
        if self._declared is None or self._declared[0] is not self.code:
            self._declared = self.code, definitions_of(self.code)
        return self._declared[1]

    # ------------------------------------------------------------------------------------------------------------- steps

    def carry_out(self, step: tuple[Any, ...]) -> None:
        code = self.code
        match step:
            case ("version", assets, version):
                self.code = replace(code, versions={**code.versions, **dict.fromkeys(assets, version)})
            case ("default", asset, default):
                self.code = replace(code, defaults={**code.defaults, asset: default})
            case ("dependency", asset):
                self.code = replace(code, optional=code.optional ^ {asset})
            case ("start", start):
                self.code = replace(code, start=start)
            case ("letters", letters):
                self.code = replace(code, letters=letters)
            case ("mapping", asset, mapping):
                self.code = replace(code, mappings={**code.mappings, asset: mapping})
            case ("absent", asset):
                self.code = replace(code, absent=code.absent ^ {asset})
            case ("dynamic", key):
                self.toggle(key)
            case ("content", assets, content):
                self.code = replace(code, contents={**code.contents, **dict.fromkeys(assets, content)})
            case ("behaviour", assets, behaviour):
                self.code = replace(code, behaviour={**code.behaviour, **dict.fromkeys(assets, behaviour)})
            case ("build", assets, numbers, kill_at):
                self.build_some(assets, numbers, kill_at)
            case ("build all", name, numbers, kill_at):
                self.build_some([asset for asset in ASSETS if family(asset) in (name, "whole")], numbers, kill_at)
            case ("build while", assets, behaviour, version, numbers, kill_at):
                self.carry_out(("version", assets, version))
                self.carry_out(("behaviour", assets, behaviour))
                self.carry_out(("build all", family(assets[0]), numbers, kill_at))
                self.carry_out(("behaviour", assets, ""))
            case ("build what is planned", mode, kill_at):
                self.build_planned(mode, kill_at)
            case ("wipe", asset, None):
                self.instance.wipe_assets([hw.AssetKey(asset)])
                self.model.wipe(asset, None)
            case ("wipe", asset, numbers) if family(asset) != "whole":
                parts = self.chosen(asset, numbers)
                self.instance.wipe_asset_partitions(hw.AssetKey(asset), parts)
                self.model.wipe(asset, parts)
            case ("observe", number):
                tags = {"headwater/data_version": f"seen {number}"}
                self.instance.report_runless_asset_event(hw.AssetObservation("ext", tags=tags))
                self.model.seen_outside = f"seen {number}"
            case ("report", asset, number, version):
                (part,) = self.chosen(asset, {number}) if family(asset) != "whole" else (None,)
                tags = {"headwater/data_version": f"reported {version}"}
                self.instance.report_runless_asset_event(hw.AssetMaterialization(asset, partition=part, tags=tags))
                self.model.report((asset, part), f"reported {version}")

    def toggle(self, key: str) -> None:
        if key not in self.code.dynamic:
            self.instance.add_dynamic_partitions("dynamic", [key])
            self.code = replace(self.code, dynamic=(*self.code.dynamic, key))
        elif len(self.code.dynamic) > 1:
            self.instance.delete_dynamic_partition("dynamic", key)
            self.code = replace(self.code, dynamic=tuple(each for each in self.code.dynamic if each != key))

    def chosen(self, asset: str, numbers: set[int]) -> list[str]:
        parts = self.code.parts(asset)
        return [
            part for place, part in enumerate(parts) if part and place in {number % len(parts) for number in numbers}
        ]

    def build_some(self, assets: Sequence[str], numbers: set[int], kill_at: int | None) -> None:
        """Build the assets that have the partitions of the first, and those that have none."""
        there = [asset for asset in assets if asset not in self.code.absent]
        named = next((asset for asset in there if family(asset) != "whole"), None)
        together = [asset for asset in there if family(asset) in ("whole", family(named or "s"))]
        if together:
            self.build(together, None if named is None else self.chosen(named, numbers), kill_at)

    def build_planned(self, mode: str, kill_at: int | None) -> None:
        plan = hw.plan(self.definitions, mode=mode, instance=self.instance)
        for run in runs_of_plan(plan, self.definitions.index):
            self.build([str(key) for key in run.asset_keys], run.partition_keys, kill_at)
            kill_at = None

    def build(self, assets: Sequence[str], parts: Sequence[str] | None, kill_at: int | None) -> None:
        before = {place: self.model.reads(self.code, place) for place in self.model.places(self.code)}
        known = self.instance.store.last_storage_id()

        def run(on_event: Callable[[Event], None] | None = None) -> None:
            launch(
                self.definitions,
                instance=self.instance,
                selection=[hw.AssetKey(asset) for asset in sorted(assets)],
                partition_keys=parts,
                on_event=on_event,
                on_line=lambda line: None,
            )

        if kill_at is None or self.home is None:
            run()
        else:
            self.killed += self.run_in_a_process_that_is_killed(run, kill_at)
        for last in self.instance.get_run_records(limit=1):
            for record in self.instance.store.events_of_run(last.dagster_run.run_id):
                if record.storage_id > known and isinstance(
                    record.event, AssetMaterialized | AssetNotMaterialized | AssetUnchanged
                ):
                    self.model.take(self.code, record.event, before, parts or ())

    def run_in_a_process_that_is_killed(self, run: Callable[..., None], kill_at: int) -> bool:
        """Run in a child that kills itself at the so-manieth event, and open the state again. Return whether it came so far."""
        self.instance.close()
        child = os.fork()
        if not child:
            try:
                self.instance = self.opened()
                events = iter(range(1, 10_000))

                def on_event(event: Event) -> None:
                    if next(events) == kill_at:
                        os.kill(os.getpid(), signal.SIGKILL)

                run(on_event)
                self.instance.close()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        self.instance = self.opened()
        return os.WIFSIGNALED(status)

    # ------------------------------------------------------------------------------------------------------------- claims

    def agree(self, *, wholly: bool = False) -> None:
        """Hold what is said against the model: all of it, or status, staleness and each time another kind of plan."""
        self.steps += 1
        self.statuses_agree(self.definitions)
        stale, missing = self.model.stale(self.code), self.model.missing(self.code)
        self.staleness_agrees(self.definitions, stale, missing)
        for mode in MODES if wholly else (MODES[self.steps % len(MODES)],):
            self.plan_agrees(self.definitions, mode, set(stale), missing)
        if wholly:
            said = {str(key) for key in hw.stale_assets(self.definitions, instance=self.instance)}
            assert said == {asset for asset, _ in stale}

    def statuses_agree(self, definitions: hw.Definitions) -> None:
        code, model = self.code, self.model
        failed, missing = model.failed(code), model.missing(code)
        graph = definitions.index.graph
        views = asset_views(graph, self.instance.store, [hw.AssetKey(asset) for asset in code.assets])
        for asset, view in zip(code.assets, views, strict=True):
            parts = code.parts(asset)
            if view.partitions is None:
                word = (
                    "failed" if (asset, None) in failed else "missing" if (asset, None) in missing else "materialized"
                )
                assert view.status is AssetStatus(word), asset
                continue
            made = [part for part in parts if (asset, part) not in missing]
            bad = [part for part in parts if (asset, part) in failed]
            counts = (len(parts), len(made), len(bad), len(set(parts) - {*made, *bad}))
            said = view.partitions
            assert (said.total, said.materialized, said.failed, said.missing) == counts, asset
            definition = graph.spec(hw.AssetKey(asset)).partitions_def
            assert definition is not None
            keys = [part for part in parts if part is not None]
            assert set(definition.get_partition_keys(dynamic_partitions_store=self.instance)) == set(keys), asset
            each = self.instance.get_status_by_partition(hw.AssetKey(asset), keys, definition)
            for part in keys:
                ended = model.outcome.get((asset, part))
                is_bad = ended in ("failed", "blocked")
                expected = "FAILED" if is_bad else "MATERIALIZED" if part in made else None
                assert (each[part].value if each[part] else None) == expected, (asset, part, ended)

    def staleness_agrees(self, definitions: hw.Definitions, stale: dict[Place, Any], missing: set[Place]) -> None:
        staleness = staleness_in(definitions, self.instance)
        for asset in self.code.assets:
            one = staleness[hw.AssetKey(asset)]
            for part in self.code.parts(asset):
                place = (asset, part)
                assert has_part(one.missing, part) == (place in missing), place
                reasons = {
                    (reason.kind, str(getattr(reason, "asset", "")) if reason.kind in NAMING else None)
                    for reason in one.reasons(part)
                }
                expected = {("never_materialized", None)} if place in missing else stale.get(place, set())
                assert reasons == expected, place
                assert has_part(one.stale, part) == (place in stale), place

    def plan_agrees(self, definitions: hw.Definitions, mode: str, stale: set[Place], missing: set[Place]) -> None:
        code, model, every = self.code, self.model, set(self.model.places(self.code))
        asked = {"stale": stale, "missing": missing}.get(mode, every)
        added = every if mode == "all" else missing
        planned = hw.plan(definitions, instance=self.instance, mode=mode)
        rebuilds = mode == "stale"
        assert places(planned) == model.with_upstream(code, asked, added, rebuilds=rebuilds), mode
        order = [str(key) for key in planned.asset_keys]
        for place, asset in enumerate(order):
            assert not {*code.deps(asset)} & {*order[place + 1 :]}, mode
        if self.steps % 8 < 4:
            alone = hw.plan(definitions, instance=self.instance, mode=mode, upstream=False)
            assert places(alone) == asked, mode
            return
        day = ALL_DAYS[-1 - self.steps % 2]
        wanted = {("u", None), ("cum", day), ("lastd", day)} & asked
        narrow = hw.plan(
            definitions, selection="u or cum or lastd", partition_key=day, instance=self.instance, mode=mode
        )
        assert places(narrow) == model.with_upstream(code, wanted, added, rebuilds=rebuilds), mode


def places(plan: hw.MaterializationPlan) -> set[Place]:
    return {
        (str(step.asset_key), part)
        for step in plan.steps
        for part in (step.partition_keys if step.partition_keys is not None else (None,))
    }


# ------------------------------------------------------------------------------------------------------------- histories

BEHAVIOURS = ("fails", "is unchanged", "skips")
FAMILIES = ("day", "day", "month", "letter", "xy", "cell", "dynamic")

some_asset = st.sampled_from(ASSETS)
some_assets = st.lists(some_asset, min_size=1, max_size=6, unique=True)
some_numbers = st.one_of(
    st.sets(st.integers(0, 4), min_size=1, max_size=1),
    st.sets(st.integers(0, 11), min_size=1, max_size=3),
    st.just(frozenset(range(15))),
)


def builds(kill_at: st.SearchStrategy[int | None]) -> list[st.SearchStrategy[tuple[Any, ...]]]:
    return [
        st.tuples(st.just("build"), st.lists(some_asset, min_size=1, max_size=5, unique=True), some_numbers, kill_at),
        st.tuples(st.just("build all"), st.sampled_from(FAMILIES), some_numbers, kill_at),
        st.tuples(
            *(st.just("build while"), some_assets, st.sampled_from(BEHAVIOURS), st.sampled_from(["1", "2"])),
            *(some_numbers, kill_at),
        ),
        st.tuples(
            st.just("build what is planned"), st.sampled_from([("stale", "missing"), "missing", "stale"]), kill_at
        ),
    ]


def steps(kill_at: st.SearchStrategy[int | None]) -> st.SearchStrategy[tuple[Any, ...]]:
    edits = [
        st.tuples(st.just("version"), some_assets, st.sampled_from(["1", "2", None])),
        st.tuples(st.just("default"), st.sampled_from(WITH_CONFIG), st.integers(1, 2)),
        st.tuples(st.just("dependency"), st.sampled_from(sorted(OPTIONAL))),
        st.tuples(st.just("start"), st.integers(0, 3)),
        st.tuples(st.just("letters"), st.sampled_from(["abc", "ab", "bc", "b"])),
        st.sampled_from([("mapping", asset, each) for asset, kinds in MAPPINGS.items() for each in kinds]),
        st.tuples(st.just("absent"), st.sampled_from(REMOVABLE)),
        st.tuples(st.just("dynamic"), st.sampled_from(["o", "p", "q"])),
        st.tuples(st.just("content"), some_assets, st.integers(0, 1)),
        st.tuples(st.just("behaviour"), some_assets, st.sampled_from(("", *BEHAVIOURS))),
        st.tuples(st.just("wipe"), some_asset, st.one_of(st.none(), some_numbers)),
        st.tuples(st.just("observe"), st.integers(0, 1)),
        st.tuples(st.just("report"), some_asset, st.integers(0, 4), st.integers(0, 1)),
    ]
    return st.one_of(*builds(kill_at), *edits, *builds(kill_at), *builds(kill_at)[1:3])


@contextmanager
def few_inputs_listed(most: int) -> Iterator[None]:
    """Have more inputs of one asset than these told as a digest."""
    before = run_scope.MAX_RECORDED_INPUTS
    run_scope.MAX_RECORDED_INPUTS = most
    try:
        yield
    finally:
        run_scope.MAX_RECORDED_INPUTS = before


def live_through(history: Sequence[tuple[Any, ...]], home: Path | None, most_listed: int) -> int:
    with few_inputs_listed(most_listed):
        story = Story(home, most_listed)
        try:
            story.build_planned("missing", None)
            story.agree()
            for step in history:
                story.carry_out(step)
                story.agree()
            story.agree(wholly=True)
        finally:
            story.instance.close()
    return story.killed


def lies_settings(examples: int) -> settings:
    return settings(
        max_examples=max(1, int(examples * FACTOR)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    )


@pytest.mark.timeout(3_000)
@lies_settings(150)
@given(history=st.lists(steps(st.none()), min_size=3, max_size=7), most_listed=st.sampled_from([2, 1_000]))
def test_nothing_is_said_that_a_naive_model_does_not_say(history: list[tuple[Any, ...]], most_listed: int) -> None:
    live_through(history, None, most_listed)


KILLED: list[int] = []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked for each run that is killed")
@pytest.mark.timeout(3_000)
@lies_settings(50)
@given(
    begun=st.one_of(builds(st.integers(1, 30))[1:]),
    history=st.lists(steps(st.one_of(st.integers(1, 30), st.none())), min_size=1, max_size=3),
)
def test_nor_when_processes_are_killed_amid_their_runs(begun: tuple[Any, ...], history: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory(prefix="lies-") as home:
        story = [("wipe", "d0", None), ("version", ["d0"], "1"), begun, *history]
        KILLED.append(live_through(story, Path(home), 1_000))


def test_most_of_the_histories_had_a_process_killed() -> None:
    assert not KILLED or sum(map(bool, KILLED)) >= len(KILLED) / 2
