"""Where a backfill stands, and which of its runs may begin: told what ended, it says what comes next.

It has no clock, store or user code. All is kept as one byte for each asset × partition; what has been issued is not part of
what is kept, since the runs themselves say so.
"""

from __future__ import annotations

import itertools
import zlib
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from headwater.model.backfills import BackfillNeed, BackfillPlan, BackfillRun, GroupNeed, Outcome, Span

_BAD = bytes(outcome for outcome in Outcome if outcome.is_bad)
_OPEN = (Outcome.WAITING, Outcome.ISSUED)


class BackfillProgress:
    """The state of a backfill."""

    def __init__(
        self, plan: BackfillPlan, saved: bytes | None = None, recorded: Iterable[tuple[BackfillRun, RunEnd | None]] = ()
    ) -> None:
        """`saved` is what `saved()` gave; `recorded` are the runs that there are, with how each ended (None: not yet).

        What an end says is WAITING stays as it is, so that it is issued again unless another run made it.
        Raises ValueError when `saved` is of another plan.
        """
        self.plan = plan
        self.in_flight: dict[str, BackfillRun] = {}
        self._outcomes = [{key: bytearray(group.size) for key in group.asset_keys} for group in plan.groups]
        self._is_canceled = False
        # Whether the last `issue` looked at all that could begin.
        self.has_looked_at_all = True
        if saved is not None:
            self._load(saved)
        for run, end in recorded:
            if end is None:
                self.in_flight[run.name] = run
                self._set(run, Outcome.ISSUED)
            else:
                self._take_end(run, end)
        if self._is_canceled:
            self.cancel()
        self._starts = [group.unit_starts for group in plan.groups]
        # Of each group: by unit, how many units it waits for; how many groups it waits for wholly; and the reverse.
        self._waits = [array("l", bytes(8 * len(starts))) for starts in self._starts]
        self._group_waits = [0] * len(plan.groups)
        self._followers: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._same_followers: list[list[int]] = [[] for _ in plan.groups]
        self._group_followers: list[list[int]] = [[] for _ in plan.groups]
        # What positions of a group need of others of the same group.
        self._own = [
            [need for need in here.needs if need.group == group and need.kind is BackfillNeed.LISTED]
            for group, here in enumerate(plan.groups)
        ]
        self._units_left = [len(starts) for starts in self._starts]
        self._is_over = [bytearray(len(starts)) for starts in self._starts]
        self._bad = [
            {key: sum(outcomes.count(bad) for bad in _BAD) for key, outcomes in by_key.items()}
            for by_key in self._outcomes
        ]
        self._ready: deque[tuple[int, int]] = deque()
        for group in range(len(plan.groups)):
            self._link(group)
        # Units that wait for nothing are found by going along; the others come when what they wait for is over.
        self._scans: deque[list[int]] = deque([group, 0] for group in range(len(plan.groups)))
        if saved is not None or recorded:
            for group in range(len(plan.groups)):
                self._close_those_over(group)

    # --------------------------------------------------------------------------------------------------- what comes next

    def issue(self, limit: int, most_units: int | None = None) -> list[BackfillRun]:
        """Return up to about `limit` runs that may begin; each is in flight from now on.

        All runs of a unit are returned together, so that there may be some more. No more than `most_units` are looked at, as
        very many may be blocked at once; `has_looked_at_all` says whether there may be others.
        """
        runs: list[BackfillRun] = []
        self.has_looked_at_all = True
        looks = itertools.count() if most_units is None else range(most_units)
        for found in self._units_to_begin(looks) if limit > 0 else ():
            if found is not None:
                runs += self._runs_of(*found)
            if len(runs) >= limit:
                self.has_looked_at_all = False
                break
        return runs

    def give_back(self, run: BackfillRun) -> None:
        """Note that an issued run was never recorded: it waits again."""
        if self.in_flight.pop(run.name, None) is not None:
            self._set(run, Outcome.CANCELED if self._is_canceled else Outcome.WAITING)
            if self._is_canceled:
                self._note_bad(run)
                self._end_unit_if_over(run.group, run.unit)
            else:
                self._ready.appendleft((run.group, run.unit))

    def put_back(self, run: BackfillRun) -> bool:
        """Let an issued run wait again, with what was left out of its positions; False when nothing was."""
        found = False
        for outcomes in self._outcomes[run.group].values() if run.name in self.in_flight else ():
            for position in run.positions():
                if outcomes[position] == Outcome.SKIPPED:
                    outcomes[position] = Outcome.WAITING
                    found = True
        if found:
            self.give_back(run)
        return found

    def leave_out(self, run: BackfillRun, there: Mapping[str, Iterable[int]]) -> list[BackfillRun]:
        """Take positions of assets that need not be made any more from an issued run; return the runs for what is left."""
        if self.in_flight.pop(run.name, None) is None:
            return []
        for key, positions in there.items():
            outcomes = self._outcomes[run.group][key]
            for position in positions:
                outcomes[position] = Outcome.SKIPPED
        runs = self._parts(run.group, run.unit, run.spans, Outcome.ISSUED, run.asset_keys)
        for each in runs:
            self.in_flight[each.name] = each
        self._end_unit_if_over(run.group, run.unit)
        return runs

    def ended(self, run: BackfillRun, end: RunEnd) -> None:
        """Note how a run ended; what is not told of a position that it was to build counts as failed."""
        if self.in_flight.pop(run.name, None) is None:
            return
        self._take_end(run, end)
        self._note_bad(run)
        self._end_unit_if_over(run.group, run.unit)

    def cancel(self) -> None:
        """Give up all that waits. Runs in flight end by themselves, and are told of."""
        self._is_canceled = True
        for by_key in self._outcomes:
            for outcomes in by_key.values():
                outcomes[:] = outcomes.translate(_CANCELING)

    # ------------------------------------------------------------------------------------------------------- what is told

    @property
    def is_over(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return not self.in_flight and not any(
            outcomes.count(Outcome.WAITING) for by_key in self._outcomes for outcomes in by_key.values()
        )

    @property
    def is_success(self) -> bool:
        return not any(outcomes.count(bad) for by_key in self._outcomes for outcomes in by_key.values() for bad in _BAD)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return by asset how many of its partitions have each outcome; outcomes that none has are left out."""
        found: dict[str, dict[str, int]] = {}
        for by_key in self._outcomes:
            for key, outcomes in by_key.items():
                told = found.setdefault(key, {})
                for outcome in Outcome:
                    if count := outcomes.count(outcome):
                        told[outcome.name] = told.get(outcome.name, 0) + count
        return found

    def outcomes(self) -> Iterator[tuple[str, tuple[str, ...] | None, bytes]]:
        """Yield each asset with its partitions (None: it has none) and an Outcome for each of them, as bytes."""
        for group, by_key in zip(self.plan.groups, self._outcomes, strict=True):
            for key, outcomes in by_key.items():
                yield key, group.partition_keys, bytes(outcomes)

    def saved(self) -> bytes:
        """Return all but what is in flight, small: to be given to the next process."""
        kept = [[bytes(outcomes.translate(_AT_REST)) for outcomes in by_key.values()] for by_key in self._outcomes]
        return zlib.compress(msgspec.msgpack.encode((self._is_canceled, kept)), 1)

    # ------------------------------------------------------------------------------------------------------- how it is done

    def _load(self, saved: bytes) -> None:
        self._is_canceled, kept = msgspec.msgpack.decode(zlib.decompress(saved), type=tuple[bool, list[list[bytes]]])
        if [list(map(len, each)) for each in kept] != [list(map(len, each.values())) for each in self._outcomes]:
            raise ValueError("the progress is not of this plan")
        for by_key, bodies in zip(self._outcomes, kept, strict=True):
            for key, body in zip(by_key, bodies, strict=True):
                by_key[key][:] = body

    def _link(self, group: int) -> None:
        """Count what the units of a group wait for."""
        here = self.plan.groups[group]
        needs_by_group: dict[int, list[GroupNeed]] = {}
        for need in here.needs:
            needs_by_group.setdefault(need.group, []).append(need)
        for upstream, needs in needs_by_group.items():
            kinds = {need.kind for need in needs}
            if upstream != group and (BackfillNeed.ALL in kinds or len(self._starts[upstream]) == 1):
                self._group_waits[group] += 1
                self._group_followers[upstream].append(group)
            elif kinds == {BackfillNeed.SAME} and self._starts[upstream] == self._starts[group]:
                if upstream != group:
                    self._same_followers[upstream].append(group)
                    waits = self._waits[group]
                    for unit in range(len(waits)):
                        waits[unit] += 1
            else:
                self._link_units(group, upstream, needs)

    def _link_units(self, group: int, upstream: int, needs: list[GroupNeed]) -> None:
        for unit in range(len(self._starts[group])):
            first, end = self._span(group, unit)
            units: set[int] = set()
            for need in needs:
                for start, stop in _needed(need, first, end):
                    units.update(range(self._unit_at(upstream, start), self._unit_at(upstream, stop - 1) + 1))
            if upstream == group:
                units.discard(unit)
            self._waits[group][unit] += len(units)
            for each in units:
                self._followers.setdefault((upstream, each), []).append((group, unit))

    def _close_those_over(self, group: int) -> None:
        """Note which units are over already."""
        # Looked at for all positions together: there may be a million units.
        open_bits = 0
        for outcomes in self._outcomes[group].values():
            open_bits |= int.from_bytes(outcomes.translate(_OPEN_ONES), "big")
        is_open = open_bits.to_bytes(self.plan.groups[group].size, "big")
        unit = 0
        starts = self._starts[group]
        while unit < len(starts):
            first, end = self._span(group, unit)
            if is_open.find(1, first, end) < 0:
                self._close(group, unit)
                unit += 1
            else:
                # On with the unit that holds the first position that is not open.
                following = is_open.find(0, end)
                if following < 0:
                    break
                unit = max(unit + 1, self._unit_at(group, following))

    def _span(self, group: int, unit: int) -> Span:
        starts = self._starts[group]
        return starts[unit], starts[unit + 1] if unit + 1 < len(starts) else self.plan.groups[group].size

    def _unit_at(self, group: int, position: int) -> int:
        starts = self._starts[group]
        return position // starts.step if isinstance(starts, range) else bisect_right(starts, position) - 1

    def _units_to_begin(self, looks: Iterable[int]) -> Iterator[tuple[int, int] | None]:
        """Yield for each look a unit that may begin, or None when the one that was looked at may not."""
        for _ in looks:
            if self._is_canceled:
                return
            if self._ready:
                group, unit = self._ready.popleft()
            else:
                while self._scans and (
                    self._group_waits[self._scans[0][0]] or self._scans[0][1] >= len(self._starts[self._scans[0][0]])
                ):
                    self._scans.popleft()
                if not self._scans:
                    return
                group, unit = self._scans[0]
                self._scans[0][1] += 1
            yield (group, unit) if self._may_begin(group, unit) else None
        self.has_looked_at_all = False

    def _may_begin(self, group: int, unit: int) -> bool:
        if self._waits[group][unit] or self._group_waits[group]:
            return False
        first, end = self._span(group, unit)
        return any(outcomes.count(Outcome.WAITING, first, end) for outcomes in self._outcomes[group].values())

    def _runs_of(self, group: int, unit: int) -> list[BackfillRun]:
        span = self._span(group, unit)
        needs = self.plan.groups[group].needs
        while True:
            told = [need for need in needs if need.group == group or self._bad[need.group].get(need.upstream)]
            blocked = [self._block(group, need, span) for need in told]
            # What is blocked here may block more of the same unit, whichever of them stands first.
            if not (self._own[group] and any(blocked)):
                break
        runs = self._parts(group, unit, (span,), Outcome.WAITING, self.plan.groups[group].asset_keys)
        for run in runs:
            self.in_flight[run.name] = run
        if not runs and self._unit_is_over(group, unit):
            self._close(group, unit)
        return runs

    def _block(self, group: int, need: GroupNeed, span: Span) -> bool:
        """Block those positions of an asset that need something that could not be made; say whether there were any."""
        upstream = self._outcomes[need.group][need.upstream]
        outcomes = self._outcomes[group][need.downstream]
        if need.kind is BackfillNeed.ALL and not self._bad[need.group][need.upstream]:
            return False
        found = False
        for position in range(*span):
            if outcomes[position] != Outcome.WAITING:
                continue
            if need.kind is BackfillNeed.SAME:
                is_bad = upstream[position] in _BAD
            elif need.kind is BackfillNeed.ALL:
                is_bad = True
            else:
                assert need.spans is not None
                is_bad = any(upstream.count(bad, *each) for each in need.spans[position] for bad in _BAD)
            if is_bad:
                outcomes[position] = Outcome.BLOCKED
                self._bad[group][need.downstream] += 1
                found = True
        return found

    def _parts(
        self, group: int, unit: int, spans: Iterable[Span], of: Outcome, among: tuple[str, ...]
    ) -> list[BackfillRun]:
        """Issue what has this outcome within these spans: in one run those positions that are wanted of the same assets."""
        by_key = {key: self._outcomes[group][key] for key in among}
        spans_by_assets: dict[tuple[str, ...], list[Span]] = {}
        for first, end in spans:
            # As a rule all of them are for all assets.
            if all(outcomes.count(of, first, end) == end - first for outcomes in by_key.values()):
                spans_by_assets.setdefault(among, []).append((first, end))
                continue
            for position in range(first, end):
                assets = tuple(key for key, outcomes in by_key.items() if outcomes[position] == of)
                if assets:
                    found = spans_by_assets.setdefault(assets, [])
                    if found and found[-1][1] == position:
                        found[-1] = found[-1][0], position + 1
                    else:
                        found.append((position, position + 1))
        if self.plan.groups[group].breaks is None:
            runs = [BackfillRun(group, unit, assets, tuple(found)) for assets, found in spans_by_assets.items()]
        else:
            runs = [
                BackfillRun(group, unit, assets, (span,)) for assets, found in spans_by_assets.items() for span in found
            ]
        for run in runs:
            self._set(run, Outcome.ISSUED)
        if len(runs) > 1 or (runs and self._own[group]):
            return self._that_may_begin(group, unit, runs)
        return runs

    def _that_may_begin(self, group: int, unit: int, runs: list[BackfillRun]) -> list[BackfillRun]:
        """Return those runs of one unit that wait for none of the others; these wait again."""
        own = self._own[group]
        if not own:
            return runs
        held = [run for run in runs if any(self._is_held(run, need) for need in own)]
        if len(held) == len(runs) and not any(
            (run.group, run.unit) == (group, unit) for run in self.in_flight.values()
        ):
            return runs  # they need one another: no order would do
        for run in held:
            self._set(run, Outcome.WAITING)
        return [run for run in runs if run not in held]

    def _is_held(self, run: BackfillRun, need: GroupNeed) -> bool:
        """Whether a run needs other positions of its own group that are not over."""
        if need.downstream not in run.asset_keys or need.spans is None:
            return False
        upstream = self._outcomes[run.group][need.upstream]
        mine = set(run.positions()) if need.upstream in run.asset_keys else ()
        return any(
            upstream[each] in _OPEN and each not in mine
            for position in run.positions()
            for first, end in need.spans[position]
            for each in range(first, end)
        )

    def _set(self, run: BackfillRun, outcome: Outcome) -> None:
        for key in run.asset_keys:
            outcomes = self._outcomes[run.group][key]
            for first, end in run.spans:
                outcomes[first:end] = bytes([outcome]) * (end - first)

    def _take_end(self, run: BackfillRun, end: RunEnd) -> None:
        if isinstance(end, Outcome):
            self._set(run, end)
            return
        for key in run.asset_keys:
            told = end.get(key, {})
            outcomes = self._outcomes[run.group][key]
            for position in run.positions():
                if (outcome := told.get(position, Outcome.FAILED)) is not Outcome.WAITING:
                    outcomes[position] = outcome

    def _note_bad(self, run: BackfillRun) -> None:
        for key in run.asset_keys:
            outcomes = self._outcomes[run.group][key]
            self._bad[run.group][key] += sum(outcomes.count(bad, *span) for span in run.spans for bad in _BAD)

    def _end_unit_if_over(self, group: int, unit: int) -> None:
        if self._unit_is_over(group, unit):
            self._close(group, unit)
        elif self._own[group]:
            # Another run of the unit may have waited for this one.
            self._ready.append((group, unit))

    def _unit_is_over(self, group: int, unit: int) -> bool:
        first, end = self._span(group, unit)
        by_key = self._outcomes[group]
        return not any(outcomes.count(each, first, end) for outcomes in by_key.values() for each in _OPEN)

    def _close(self, group: int, unit: int) -> None:
        if self._is_over[group][unit]:
            return
        self._is_over[group][unit] = 1
        self._units_left[group] -= 1
        for follower in self._same_followers[group]:
            self._waited_for(follower, unit)
        for follower, each in self._followers.get((group, unit), ()):
            self._waited_for(follower, each)
        if not self._units_left[group]:
            for follower in self._group_followers[group]:
                self._group_waits[follower] -= 1
                if not self._group_waits[follower]:
                    self._scans.append([follower, 0])

    def _waited_for(self, group: int, unit: int) -> None:
        self._waits[group][unit] -= 1
        if not self._waits[group][unit]:
            self._ready.append((group, unit))


# How a run ended: one outcome for all of it, or by asset and position.
RunEnd = Outcome | Mapping[str, Mapping[int, Outcome]]


def _needed(need: GroupNeed, first: int, end: int) -> Iterator[Span]:
    if need.kind is BackfillNeed.SAME:
        yield first, end
    elif need.spans is not None:
        for position in range(first, end):
            yield from need.spans[position]


def _table(changes: Mapping[Outcome, int]) -> bytes:
    return bytes(changes.get(Outcome(value), value) if value < len(Outcome) else value for value in range(256))


_CANCELING = _table({Outcome.WAITING: Outcome.CANCELED})
_OPEN_ONES = bytes(value in _OPEN for value in range(256))
_AT_REST = _table({Outcome.ISSUED: Outcome.WAITING})
