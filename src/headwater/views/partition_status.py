"""Where the partitions of an asset stand, as sets: which have a value, failed, are being made, are missing.

Nothing here lists keys unless it is asked to: a million partitions cost what their runs of neighbours do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, product as cartesian
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import PARTITION_TAG, DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.keys import MultiPartitionKey, PartitionKeyRange
from headwater.model.partitions.multi_subset import ProductPartitionsSubset
from headwater.model.partitions.ordinals import runs
from headwater.model.partitions.static import StaticPartitionsDefinition
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.model.runs import Run, RunsFilter, RunStatus
from headwater.store.interface import Store
from headwater.views.recorded_partitions import RecordedPartitions, recorded_partitions

if TYPE_CHECKING:
    from headwater.model.partitions.multi import MultiPartitionsDefinition

_IN_PROGRESS = (RunStatus.NOT_STARTED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)
_RANGE_TAGS = ("headwater/asset_partition_range_start", "headwater/asset_partition_range_end")
_EXAMPLES = 5
# So many partitions of a run are looked up by key; more are found by what its steps told.
_LOOKED_UP = 1_000

# The words for where a partition stands; the first that fits is the word for it.
STATUS_WORDS = ("in progress", "failed", "materialized", "missing")


@dataclass(frozen=True, slots=True)
class PartitionCounts:
    """How many partitions exist, have a value, failed when last tried, are being made, and are none of these: missing.

    One that has a value and failed when it was made again counts as both.
    """

    total: int
    materialized: int
    failed: int
    missing: int
    in_progress: int = 0

    def __str__(self) -> str:
        failed = f", {self.failed:,} failed" if self.failed else ""
        running = f", {self.in_progress:,} in progress" if self.in_progress else ""
        return f"{self.materialized:,} of {self.total:,}{failed}{running}"

    def to_data(self) -> dict[str, int]:
        return {
            "total": self.total,
            "materialized": self.materialized,
            "failed": self.failed,
            "in_progress": self.in_progress,
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class UnreachablePartitions:
    """Partitions that have a recorded value and that the definition does not have now: how many, and some of their keys."""

    count: int
    examples: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        """Say it in a line; nothing when there are none."""
        if not self.count:
            return ""
        more = ", ..." if self.count > len(self.examples) else ""
        what = "partition is" if self.count == 1 else "partitions are"
        return f"{self.count:,} {what} recorded that the definition no longer has: {', '.join(self.examples)}{more}"

    def to_data(self) -> dict[str, Any]:
        return {"count": self.count, "examples": list(self.examples)}


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """Where the partitions of one asset stand, as sets of those that exist.

    `materialized` have a value, `failed` failed when they were last tried (an older value may be there), and `in_progress` are
    being made by a run that has not come to an end with them: these may overlap. `missing` are none of the three. `stale` is
    None unless it was asked for. `unreachable` tells of what is recorded beside them.
    """

    asset_key: AssetKey
    existing: PartitionsSubset[Any]
    materialized: PartitionsSubset[Any]
    failed: PartitionsSubset[Any]
    in_progress: PartitionsSubset[Any]
    missing: PartitionsSubset[Any]
    unreachable: UnreachablePartitions
    stale: PartitionsSubset[Any] | None = None

    @property
    def partitions_def(self) -> PartitionsDefinition[Any]:
        return self.existing.partitions_def

    @property
    def counts(self) -> PartitionCounts:
        return PartitionCounts(
            len(self.existing), len(self.materialized), len(self.failed), len(self.missing), len(self.in_progress)
        )

    @property
    def sets(self) -> Mapping[str, PartitionsSubset[Any]]:
        """The sets by the words for them: "materialized", "failed", "in progress", "missing", and "stale" if it is known."""
        found = {
            "materialized": self.materialized,
            "failed": self.failed,
            "in progress": self.in_progress,
            "missing": self.missing,
        }
        return found if self.stale is None else {**found, "stale": self.stale}

    def word_for(self, partition_key: str) -> str:
        """Return where one partition stands in a word: in progress before failed, and that before materialized."""
        sets = self.sets
        return next((word for word in STATUS_WORDS if partition_key in sets[word]), "unknown")

    def among(self, subset: PartitionsSubset[Any]) -> PartitionStatus:
        """Return the status of these partitions alone."""
        return replace(
            self,
            existing=self.existing & subset,
            materialized=self.materialized & subset,
            failed=self.failed & subset,
            in_progress=self.in_progress & subset,
            missing=self.missing & subset,
            stale=None if self.stale is None else self.stale & subset,
        )

    def to_data(
        self,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        words: Iterable[str] | None = None,
        most_ranges: int | None = None,
    ) -> dict[str, Any]:
        """Return it as JSON values: the counts, and of each set (or of those named) its ranges.

        Of more than `most_ranges` only the first are given; "cut" names the sets that have more.
        """
        found = {
            word.replace(" ", "_"): list(islice(ranges_of(each, dynamic_partitions_store), _one_more(most_ranges)))
            for word, each in self.sets.items()
            if words is None or word in words
        }
        return {
            "asset": str(self.asset_key),
            "definition": self.partitions_def.describe(),
            "counts": self.counts.to_data() | ({} if self.stale is None else {"stale": len(self.stale)}),
            "ranges": {
                word: [{"start": str(start), "end": str(end)} for start, end in ranges[:most_ranges]]
                for word, ranges in found.items()
            },
            "cut": [word for word, ranges in found.items() if most_ranges is not None and len(ranges) > most_ranges],
            "unreachable": self.unreachable.to_data(),
        }


def _one_more(most: int | None) -> int | None:
    return None if most is None else most + 1


def partition_status_of(
    definition: PartitionsDefinition[Any],
    store: Store,
    key: AssetKey,
    *,
    now: datetime | None = None,
    unfinished: Sequence[Run] | None = None,
) -> PartitionStatus:
    """Return where the partitions of an asset stand. `unfinished` are the runs in progress, where they are known."""
    existing = definition.subset_with_all_partitions(now, store)
    recorded = recorded_partitions(definition, store, key)
    materialized, failed = recorded.materialized & existing, recorded.failed & existing
    in_progress = partitions_in_progress(definition, store, key, now=now, unfinished=unfinished) & existing
    return PartitionStatus(
        asset_key=key,
        existing=existing,
        materialized=materialized,
        failed=failed,
        in_progress=in_progress,
        missing=existing - materialized - failed - in_progress,
        unreachable=_unreachable(recorded, existing),
    )


def _unreachable(recorded: RecordedPartitions, existing: PartitionsSubset[Any]) -> UnreachablePartitions:
    gone = recorded.materialized - existing
    count = len(gone) + len(recorded.strange)
    if not count:
        return UnreachablePartitions(0, ())
    strange = sorted(recorded.strange)[:_EXAMPLES]
    return UnreachablePartitions(count, (*strange, *map(str, islice(gone, _EXAMPLES - len(strange)))))


def partitions_in_progress(
    definition: PartitionsDefinition[Any],
    store: Store,
    key: AssetKey,
    *,
    now: datetime | None = None,
    unfinished: Sequence[Run] | None = None,
) -> PartitionsSubset[Any]:
    """Return the partitions that runs in progress are to make, and have not come to an end with."""
    found = definition.empty_subset()
    for run in runs_in_progress(store) if unfinished is None else unfinished:
        if key in run.asset_selection:
            planned = _planned(definition, store, run, now)
            if planned:
                few = [str(each) for each in planned] if len(planned) <= _LOOKED_UP else None
                ended = store.partitions_attempted_by(key, run.run_id, few)
                found = found | (planned - _read_known(definition, ended))
    return found


def runs_in_progress(store: Store) -> Sequence[Run]:
    """Return the runs that have begun, or are beginning, and have not ended. Those in the queue do not count."""
    return store.runs(RunsFilter(statuses=_IN_PROGRESS))


def _planned(
    definition: PartitionsDefinition[Any], store: Store, run: Run, now: datetime | None
) -> PartitionsSubset[Any]:
    """Return the partitions that a run is to make; of a definition that has changed since, what it names now."""
    one = run.tags.get(PARTITION_TAG)
    planned = definition.empty_subset() if one is None else _read_known(definition, [one])
    first, last = (run.tags.get(tag) for tag in _RANGE_TAGS)
    if first is not None and last is not None:
        with suppress(UnknownPartitionError):
            planned = planned | definition.subset_with_partition_key_range(PartitionKeyRange(first, last), now, store)
    return planned


def _read_known(definition: PartitionsDefinition[Any], keys: Iterable[str]) -> PartitionsSubset[Any]:
    from headwater.model.partitions.recorded_keys import KeyReader

    return KeyReader(definition).read(list(keys))[0]


# ---------------------------------------------------------------------------------------------- ranges and pages of keys


def ranges_of(
    subset: PartitionsSubset[Any], dynamic_partitions_store: DynamicPartitionsStore | None = None
) -> Iterator[PartitionKeyRange]:
    """Yield the ranges of a set one by one: the first of many costs no more than that."""
    definition = subset.partitions_def
    if isinstance(subset, ProductPartitionsSubset):
        dimensions = subset.partitions_def.defs_by_dimension
        for box in subset.boxes():
            sides = [item.ranges_of(box[name], dynamic_partitions_store) for name, item in dimensions.items()]
            for ranges in cartesian(*sides):
                yield PartitionKeyRange(
                    MultiPartitionKey({name: side.start for name, side in zip(dimensions, ranges, strict=True)}),
                    MultiPartitionKey({name: side.end for name, side in zip(dimensions, ranges, strict=True)}),
                )
    elif isinstance(subset, OrdinalPartitionsSubset) and (
        isinstance(definition, StaticPartitionsDefinition)
        or (isinstance(definition, TimeWindowPartitionsDefinition) and not definition.exclusions)
    ):
        for first, last in runs(subset.ordinals):
            yield PartitionKeyRange(definition.key_at(first), definition.key_at(last))
    else:
        yield from subset.ranges(dynamic_partitions_store)


def range_in_words(partition_key_range: PartitionKeyRange) -> str:
    """Return "2013-01-01...2013-03-07", or the key where it is one."""
    start, end = partition_key_range
    return str(start) if start == end else f"{start}...{end}"


def keys_of(subset: PartitionsSubset[Any], after: str | None = None) -> Iterator[str]:
    """Yield the keys of a set, one by one, in the order of their numbers; `after` begins behind that key.

    Nothing before it is looked at. Raises UnknownPartitionError when no such key can be.
    """
    if after is None:
        yield from map(str, subset)
        return
    definition = subset.partitions_def
    position = definition.subset_with_partition_keys([after])
    if isinstance(subset, OrdinalPartitionsSubset):
        assert isinstance(position, OrdinalPartitionsSubset)
        (number,) = position.ordinals
        ordinals = subset.ordinals
        for place in range(ordinals.rank(number), len(ordinals)):
            yield definition.key_at(ordinals[place])
    elif isinstance(subset, ProductPartitionsSubset):
        yield from map(str, _cells_after(subset, after))
    else:
        remaining = iter(subset)
        for key in remaining:
            if key == after:
                break
        yield from map(str, remaining)


def _cells_after(subset: ProductPartitionsSubset, after: str) -> Iterator[str]:
    """Yield the cells behind one: those that share all but the last dimensions with it, then those beyond."""
    from headwater.model.partitions.ordinals import ordinals_between

    definition: MultiPartitionsDefinition = subset.partitions_def
    numbers = definition.find_ordinals(after)
    if numbers is None:
        raise UnknownPartitionError(after, definition.describe(), definition.hint_for_unknown_key(after))
    names = definition.partition_dimension_names
    sides = {name: subset.side(name) for name in names}
    for shared in range(len(names) - 1, -1, -1):
        box = {}
        for place, name in enumerate(names):
            side = sides[name]
            if place < shared:
                box[name] = side & ordinals_between(numbers[place], numbers[place])
            elif place == shared:
                box[name] = side & ordinals_between(numbers[place] + 1, (1 << 32) - 1)
            else:
                box[name] = side
        yield from subset & definition.subset_of_box(box)
