"""Where a backfill stands, and which of its runs may begin: told what ended, it says what comes next.

It has no clock, store or user code. All is kept as one byte for each asset × partition; what has been issued is not part of
what is kept, since the runs themselves say so.
"""

from __future__ import annotations

import zlib
from array import array
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

        Raises ValueError when `saved` is of another plan.
        """
        self.plan = plan
        self.in_flight: dict[str, BackfillRun] = {}
        self._outcomes = [{key: bytearray(group.size) for key in group.asset_keys} for group in plan.groups]
        self._is_canceled = False
        if saved is not None:
            self._load(saved)
        for run, end in recorded:
            if end is None:
                self.in_flight[run.spelled] = run
                self._set(run, Outcome.ISSUED)
            else:
                self._take_end(run, end)
        # Of each group: by unit, how many units it waits for; how many groups it waits for wholly; and the reverse.
        self._waits = [array("l", bytes(8 * group.unit_count)) for group in plan.groups]
        self._group_waits = [0] * len(plan.groups)
        self._followers: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._same_followers: list[list[int]] = [[] for _ in plan.groups]
        self._group_followers: list[list[int]] = [[] for _ in plan.groups]
        self._units_left = [group.unit_count for group in plan.groups]
        self._is_over = [bytearray(group.unit_count) for group in plan.groups]
        self._bad = [
            {key: sum(outcomes.count(bad) for bad in _BAD) for key, outcomes in by_key.items()}
            for by_key in self._outcomes
        ]
        self._ready: deque[tuple[int, int]] = deque()
        for group in range(len(plan.groups)):
            self._link(group)
        # Units that wait for nothing are found by going along; the others come when what they wait for is over.
        self._scans: deque[list[int]] = deque([group, 0] for group in range(len(plan.groups)))
        for group, by_key in enumerate(self._outcomes):
            if saved is not None or recorded:
                self._close_those_over(group, by_key)

    # --------------------------------------------------------------------------------------------------- what comes next

    def issue(self, limit: int) -> list[BackfillRun]:
        """Return up to about `limit` runs that may begin; each is in flight from now on.

        All runs of a unit are returned together, so that there may be some more.
        """
        runs: list[BackfillRun] = []
        while len(runs) < limit and not self._is_canceled:
            found = self._next_unit()
            if found is None:
                break
            runs += self._runs_of(*found)
        return runs

    def give_back(self, run: BackfillRun) -> None:
        """Note that an issued run was never recorded: it waits again."""
        if self.in_flight.pop(run.spelled, None) is not None:
            self._set(run, Outcome.CANCELED if self._is_canceled else Outcome.WAITING)
            if self._is_canceled:
                self._note_bad(run)
                self._end_unit_if_over(run.group, run.unit)
            else:
                self._ready.appendleft((run.group, run.unit))

    def leave_out(self, run: BackfillRun, there: Mapping[str, Iterable[int]]) -> list[BackfillRun]:
        """Take positions of assets that need not be made any more from an issued run; return the runs for what is left."""
        if self.in_flight.pop(run.spelled, None) is None:
            return []
        for key, positions in there.items():
            outcomes = self._outcomes[run.group][key]
            for position in positions:
                outcomes[position] = Outcome.SKIPPED
        runs = self._parts(run.group, run.unit, run.spans, Outcome.ISSUED)
        for each in runs:
            self.in_flight[each.spelled] = each
        self._end_unit_if_over(run.group, run.unit)
        return runs

    def ended(self, run: BackfillRun, end: RunEnd) -> None:
        """Note how a run ended; what is not told of a position that it was to build counts as failed."""
        if self.in_flight.pop(run.spelled, None) is None:
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
            there = self.plan.groups[upstream]
            kinds = {need.kind for need in needs}
            if BackfillNeed.ALL in kinds and upstream != group:
                self._group_waits[group] += 1
                self._group_followers[upstream].append(group)
            elif kinds == {BackfillNeed.SAME} and there.chunk == here.chunk:
                if upstream != group:
                    self._same_followers[upstream].append(group)
                    waits = self._waits[group]
                    for unit in range(here.unit_count):
                        waits[unit] += 1
            else:
                self._link_units(group, upstream, needs)

    def _link_units(self, group: int, upstream: int, needs: list[GroupNeed]) -> None:
        here, chunk = self.plan.groups[group], self.plan.groups[upstream].chunk
        for unit in range(here.unit_count):
            first, end = here.unit_span(unit)
            units: set[int] = set()
            for need in needs:
                for start, stop in _needed(need, first, end):
                    units.update(range(start // chunk, (stop - 1) // chunk + 1))
            if upstream == group:
                units.discard(unit)
            self._waits[group][unit] += len(units)
            for each in units:
                self._followers.setdefault((upstream, each), []).append((group, unit))

    def _close_those_over(self, group: int, by_key: Mapping[str, bytearray]) -> None:
        """Note which units are over already."""
        here = self.plan.groups[group]
        for unit in range(here.unit_count):
            first, end = here.unit_span(unit)
            if not any(outcomes.count(each, first, end) for outcomes in by_key.values() for each in _OPEN):
                self._close(group, unit)

    def _next_unit(self) -> tuple[int, int] | None:
        while self._ready:
            group, unit = self._ready.popleft()
            if self._may_begin(group, unit):
                return group, unit
        while self._scans:
            scan = self._scans[0]
            group, unit = scan
            if self._group_waits[group] or unit >= self.plan.groups[group].unit_count:
                self._scans.popleft()
                continue
            scan[1] += 1
            if self._may_begin(group, unit):
                return group, unit
        return None

    def _may_begin(self, group: int, unit: int) -> bool:
        if self._waits[group][unit] or self._group_waits[group]:
            return False
        first, end = self.plan.groups[group].unit_span(unit)
        return any(outcomes.count(Outcome.WAITING, first, end) for outcomes in self._outcomes[group].values())

    def _runs_of(self, group: int, unit: int) -> list[BackfillRun]:
        here = self.plan.groups[group]
        span = here.unit_span(unit)
        for need in here.needs:
            if self._bad[need.group].get(need.upstream) or need.group == group:
                self._block(group, need, span)
        runs = self._parts(group, unit, (span,), Outcome.WAITING)
        for run in runs:
            self.in_flight[run.spelled] = run
        if not runs:
            self._end_unit_if_over(group, unit)
        return runs

    def _block(self, group: int, need: GroupNeed, span: Span) -> None:
        """Block those positions of an asset that need something that could not be made."""
        upstream = self._outcomes[need.group][need.upstream]
        outcomes = self._outcomes[group][need.downstream]
        whole: bool | None = None
        for position in range(*span):
            if outcomes[position] != Outcome.WAITING:
                continue
            if need.kind is BackfillNeed.SAME:
                is_bad = upstream[position] in _BAD
            elif need.kind is BackfillNeed.ALL:
                whole = any(map(upstream.count, _BAD)) if whole is None else whole
                is_bad = whole
            else:
                assert need.spans is not None
                is_bad = any(upstream.count(bad, *each) for each in need.spans[position] for bad in _BAD)
            if is_bad:
                outcomes[position] = Outcome.BLOCKED
                self._bad[group][need.downstream] += 1

    def _parts(self, group: int, unit: int, spans: Iterable[Span], of: Outcome) -> list[BackfillRun]:
        """Issue what has this outcome within these spans: in one run those positions that are wanted of the same assets."""
        by_key = self._outcomes[group]
        spans_by_assets: dict[tuple[str, ...], list[Span]] = {}
        for first, end in spans:
            # As a rule all of them are for all assets.
            if all(outcomes.count(of, first, end) == end - first for outcomes in by_key.values()):
                spans_by_assets.setdefault(tuple(by_key), []).append((first, end))
                continue
            for position in range(first, end):
                assets = tuple(key for key, outcomes in by_key.items() if outcomes[position] == of)
                if assets:
                    found = spans_by_assets.setdefault(assets, [])
                    if found and found[-1][1] == position:
                        found[-1] = found[-1][0], position + 1
                    else:
                        found.append((position, position + 1))
        runs = [BackfillRun(group, unit, assets, tuple(found)) for assets, found in spans_by_assets.items()]
        for run in runs:
            self._set(run, Outcome.ISSUED)
        return runs

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
                outcomes[position] = told.get(position, Outcome.FAILED)

    def _note_bad(self, run: BackfillRun) -> None:
        for key in run.asset_keys:
            outcomes = self._outcomes[run.group][key]
            self._bad[run.group][key] += sum(outcomes.count(bad, *span) for span in run.spans for bad in _BAD)

    def _end_unit_if_over(self, group: int, unit: int) -> None:
        first, end = self.plan.groups[group].unit_span(unit)
        by_key = self._outcomes[group]
        if not any(outcomes.count(each, first, end) for outcomes in by_key.values() for each in _OPEN):
            self._close(group, unit)

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
_AT_REST = _table({Outcome.ISSUED: Outcome.WAITING})
