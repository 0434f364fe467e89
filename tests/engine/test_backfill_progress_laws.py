"""A backfill that is planned from a random graph and carried out in any order, beside a naive model of it.

The model knows for each asset and partition which others it needs, by asking the partition mappings about one partition at a
time; it knows nothing of groups, units or runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import event, given, settings, strategies as st

import headwater as hw
from headwater.engine.backfill_progress import BackfillProgress
from headwater.model.backfills import BackfillPlan, BackfillRequest, BackfillRun, Outcome
from headwater.model.clock import utc_now
from headwater.model.errors.backfill_requests import NothingToBackfill
from headwater.runtime.backfill_planning import planned_backfill
from headwater.views.partition_spaces import PartitionSpaces

DAYS = hw.DailyPartitionsDefinition("2013-01-25", end_date="2013-02-04")
LATER_DAYS = hw.DailyPartitionsDefinition("2013-01-28", end_date="2013-02-08")
MONTHS = hw.MonthlyPartitionsDefinition("2013-01-01", end_date="2013-03-01")
REGIONS = hw.StaticPartitionsDefinition(["eu", "us", "asia"])
BOTH = hw.MultiPartitionsDefinition(
    {"day": hw.DailyPartitionsDefinition("2013-01-31", end_date="2013-02-03"), "region": REGIONS}
)
KINDS: dict[str, Any] = {
    "days": DAYS,
    "later": LATER_DAYS,
    "months": MONTHS,
    "regions": REGIONS,
    "both": BOTH,
    "none": None,
}
WINDOWS = ("days", "later", "months")

Cell = tuple[str, str | None]


def offset(start: int, end: int) -> hw.TimeWindowPartitionMapping:
    return hw.TimeWindowPartitionMapping(start, end, allow_nonexistent_upstream_partitions=True)


@st.composite
def projects(draw: st.DrawFn) -> hw.Definitions:
    made: list[Any] = []
    kinds: list[str] = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(sorted(KINDS)))
        deps: list[Any] = []
        for parent in sorted(draw(st.sets(st.integers(0, number - 1), max_size=3))) if number else ():
            mapping: Any = None
            if kind != "none" and kinds[parent] != "none":
                if kind in WINDOWS and kinds[parent] in WINDOWS:
                    mapping = draw(
                        st.sampled_from([None, offset(0, 0), offset(-1, -1), offset(-1, 0), hw.LastPartitionMapping()])
                    )
                elif kind == kinds[parent]:
                    mapping = draw(st.sampled_from([None, hw.AllPartitionMapping()]))
                elif {kind, kinds[parent]} == {"both", "regions"}:
                    mapping = None
                else:
                    mapping = hw.AllPartitionMapping()
            deps.append(hw.AssetDep(f"a{parent}", partition_mapping=mapping))
        if kind in WINDOWS and draw(st.integers(0, 3)) == 0:
            deps.append(
                hw.AssetDep(f"a{number}", partition_mapping=draw(st.sampled_from([offset(-1, -1), offset(-2, -1)])))
            )
        policy = draw(st.sampled_from([None, None, hw.BackfillPolicy.single_run(), hw.BackfillPolicy.multi_run(3)]))
        kinds.append(kind)
        made.append(asset_of(f"a{number}", KINDS[kind], deps, policy))
    return hw.Definitions(assets=made)


def asset_of(name: str, partitions_def: Any, deps: list[Any], policy: Any) -> Any:
    @hw.asset(name=name, partitions_def=partitions_def, deps=deps, backfill_policy=policy)
    def build() -> None: ...

    return build


@dataclass
class Model:
    """What each asset and partition needs of the others, and what became of each."""

    needs: dict[Cell, set[Cell]]
    ends: dict[Cell, Outcome] = field(default_factory=dict)
    issued: set[Cell] = field(default_factory=set)

    @staticmethod
    def of(definitions: hw.Definitions, plan: BackfillPlan, instance: hw.Instance) -> Model:
        spaces = PartitionSpaces(definitions.index.graph, instance, utc_now())
        graph = spaces.graph
        cells: dict[str, set[str | None]] = {}
        for group in plan.groups:
            for key in group.asset_keys:
                cells.setdefault(key, set()).update(group.partition_keys or (None,))
        needs: dict[Cell, set[Cell]] = {}
        for name, partitions in cells.items():
            key = hw.AssetKey(name)
            parents = [*graph.parents(key), *([key] if graph.has_self_dependency(key) else [])]
            for partition in partitions:
                found = needs.setdefault((name, partition), set())
                for parent in parents:
                    if str(parent) not in cells:
                        continue
                    if spaces.of(parent) is None:
                        found.add((str(parent), None))
                        continue
                    space = spaces.of(key)
                    part = None if space is None else space.definition.subset_with_partition_keys([str(partition)])
                    upstream = spaces.of(parent)
                    assert upstream is not None
                    needed = spaces.mapping(key, parent).upstream_of(part, upstream.definition, spaces.now, instance)
                    found |= {
                        (str(parent), str(each))
                        for each in needed.partitions_subset
                        if str(each) in cells[str(parent)] and (str(parent), str(each)) != (name, partition)
                    }
        return Model(needs)

    def is_bad(self, cell: Cell) -> bool:
        return cell in self.ends and self.ends[cell].is_bad


def cells_of(run: BackfillRun, plan: BackfillPlan) -> Iterator[tuple[Cell, int]]:
    for key in run.asset_keys:
        for position, partition in zip(run.positions(), run.partition_keys(plan) or (None,), strict=True):
            yield (key, partition), position


def carried_out(run: BackfillRun, plan: BackfillPlan, model: Model, chance: Random) -> Any:
    """Return how a run ends: what fails in it blocks what needs that in the same run."""
    end: dict[str, dict[int, Outcome]] = {}
    mine = dict(cells_of(run, plan))
    fate = chance.choice(["good"] * 8 + ["some"] * 2 + ["canceled"])
    left = dict(mine)
    if fate == "canceled":
        model.ends.update(dict.fromkeys(mine, Outcome.CANCELED))
        return Outcome.CANCELED
    while left:
        ready = [cell for cell in left if not any(need in left for need in model.needs[cell])]
        assert ready
        for cell in ready:
            position = left.pop(cell)
            if any(model.is_bad(need) for need in model.needs[cell]):
                outcome = Outcome.BLOCKED
            elif fate == "some":
                outcome = chance.choice([Outcome.MATERIALIZED, Outcome.FAILED, Outcome.SKIPPED])
            else:
                outcome = Outcome.MATERIALIZED
            model.ends[cell] = outcome
            end.setdefault(cell[0], {})[position] = outcome
    return (
        Outcome.MATERIALIZED
        if fate == "good" and {model.ends[cell] for cell in mine} == {Outcome.MATERIALIZED}
        else end
    )


@settings(max_examples=100, deadline=None)
@given(projects(), st.integers(0, 1_000_000))
def test_all_is_built_in_order_once_and_what_cannot_be_is_blocked(definitions: hw.Definitions, seed: int) -> None:
    chance = Random(seed)
    with hw.Instance.ephemeral() as instance:
        chosen = chance.choice(["*", "*", "a0 or key:a1", "key:a2", "key:a3 or key:a4"])
        keys = {str(key) for key in definitions.index.graph.keys}
        if chosen != "*" and not all(name in keys for name in ("a0", "a1", "a2", "a3", "a4")):
            chosen = "*"
        asked = BackfillRequest(selection=chosen, upstream=chance.random() < 0.5)
        try:
            plan = planned_backfill(definitions, asked, instance).plan
        except NothingToBackfill:
            return
        model = Model.of(definitions, plan, instance)
    assert plan.total == len(model.needs)
    progress = BackfillProgress(plan)
    saved: bytes | None = None
    unsaved: list[tuple[BackfillRun, Any]] = []
    is_canceled = False
    names: set[str] = set()
    for _ in range(10_000):
        if progress.is_over:
            break
        running = list(progress.in_flight.values())
        moves = (
            ["issue", "issue"]
            + ["end"] * 2 * bool(running)
            + ["save"]
            + ["give back"] * bool(running)
            + ["restart", "left out"]
        )
        move = chance.choice(moves) if len(unsaved) < 300 else "issue"
        if chance.random() < 0.01 and not is_canceled:
            is_canceled = True
            progress.cancel()
            event("canceled")
            saved, unsaved = progress.saved(), [each for each in unsaved if each[1] is None]
        elif move == "issue":
            runs = progress.issue(chance.randint(1, 5))
            assert not (runs and is_canceled)
            for run in runs:
                note_issued(run, plan, model, names)
                unsaved.append((run, None))
            if not runs and not progress.in_flight:
                assert progress.is_over, "nothing runs and nothing may begin"
        elif move == "end" and running:
            run = chance.choice(running)
            end = carried_out(run, plan, model, chance)
            progress.ended(run, end)
            unsaved = [(each, end if each == run else its_end) for each, its_end in unsaved]
        elif move == "give back" and running:
            run = chance.choice(running)
            progress.give_back(run)
            names.discard(run.name)
            unsaved = [each for each in unsaved if each[0] != run]
            for cell, _ in cells_of(run, plan):
                model.issued.discard(cell)
                if is_canceled:
                    model.ends[cell] = Outcome.CANCELED
        elif move == "save":
            # Runs that have not ended are found again by their tags.
            saved, unsaved = progress.saved(), [each for each in unsaved if each[1] is None]
        elif move == "left out":
            runs = progress.issue(1)
            for run in runs[1:]:
                note_issued(run, plan, model, names)
                unsaved.append((run, None))
            for run in runs[:1]:
                whole = dict(cells_of(run, plan))
                there: dict[str, list[int]] = {}
                for cell in [each for each in whole if chance.random() < 0.5]:
                    there.setdefault(cell[0], []).append(whole[cell])
                    model.ends[cell] = Outcome.SKIPPED
                for left in progress.leave_out(run, there):
                    note_issued(left, plan, model, names)
                    unsaved.append((left, None))
                saved, unsaved = progress.saved(), [each for each in unsaved if each[1] is None]
        else:
            progress = BackfillProgress(plan, saved, unsaved)
            event("restarted")
    assert progress.is_over
    check_the_end(progress, model, is_canceled)


def note_issued(run: BackfillRun, plan: BackfillPlan, model: Model, names: set[str]) -> None:
    assert run.name not in names, "the same run twice"
    names.add(run.name)
    mine = {cell for cell, _ in cells_of(run, plan)}
    for cell in mine:
        assert cell not in model.issued, f"{cell} is issued twice"
        assert cell not in model.ends
        for need in model.needs[cell] - mine:
            assert is_over(need, model), f"{cell} begins before {need} is over"
            assert not is_bad_or_blocked(need, model), f"{cell} begins though {need} is bad"
    model.issued |= mine


def is_bad_or_blocked(cell: Cell, model: Model) -> bool:
    if cell in model.ends:
        return model.ends[cell].is_bad
    return cell not in model.issued and any(is_bad_or_blocked(need, model) for need in model.needs[cell])


def is_over(cell: Cell, model: Model) -> bool:
    return cell in model.ends or (cell not in model.issued and is_bad_or_blocked(cell, model))


def check_the_end(progress: BackfillProgress, model: Model, is_canceled: bool) -> None:
    found: dict[Cell, Outcome] = {}
    for key, partitions, outcomes in progress.outcomes():
        for partition, outcome in zip(partitions or (None,), outcomes, strict=True):
            found[key, partition] = Outcome(outcome)
    assert set(found) == set(model.needs)
    for cell, outcome in found.items():
        assert outcome not in (Outcome.WAITING, Outcome.ISSUED)
        if cell in model.ends:
            assert outcome == model.ends[cell], cell
        elif is_canceled:
            assert outcome in (Outcome.CANCELED, Outcome.BLOCKED)
        else:
            assert outcome is Outcome.BLOCKED
            assert any(found[need].is_bad for need in model.needs[cell]), f"{cell} is blocked by nothing"
    assert progress.is_success == (not any(outcome.is_bad for outcome in found.values()))
    event("all good" if progress.is_success else "some bad")
