"""Mappings that users write: asked, checked, and completed with the direction that they leave out.

Whatever such a mapping does, what comes back is a set of existing partitions, or an error that names the mapping.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partition_mapping import OneWayMappingError, PartitionMappingError
from headwater.model.errors.partitions import (
    InvalidPartitionsDefinitionError,
    PartitionsMismatchError,
    UnknownPartitionError,
)
from headwater.model.errors.root import kind_of
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.mapping import PartitionMapping, UpstreamPartitionsResult, divided
from headwater.model.partitions.subset import PartitionsSubset

if TYPE_CHECKING:
    from collections.abc import Callable

AnyDefinition = PartitionsDefinition[Any]
AnySubset = PartitionsSubset[Any]

# The direction that a mapping leaves out is found by asking for each of at most so many partitions.
MOST_ASKED_SINGLY = 10_000
_MOST_TABLES = 32

UPSTREAM_OF_SET = "get_upstream_mapped_partitions_result_for_partitions"
DOWNSTREAM_OF_SET = "get_downstream_partitions_for_partitions"
UPSTREAM_OF_KEY = "upstream_keys_of"
DOWNSTREAM_OF_KEY = "downstream_keys_of"
_WHAT_TO_GIVE = "Return a set of partitions (PartitionsSubset), or a list of keys."


def has_own(mapping: PartitionMapping, *names: str) -> bool:
    """Whether the class of a mapping has a method of its own of any of these names."""
    return any(getattr(type(mapping), name) is not getattr(PartitionMapping, name) for name in names)


def says_upstream(mapping: PartitionMapping) -> bool:
    return has_own(mapping, UPSTREAM_OF_SET, UPSTREAM_OF_KEY)


def says_downstream(mapping: PartitionMapping) -> bool:
    return has_own(mapping, DOWNSTREAM_OF_SET, DOWNSTREAM_OF_KEY)


def problem_of_class(mapping: object, has_downstream_partitions: bool) -> str | None:
    """Return why a mapping could never answer, or None."""
    if not isinstance(mapping, PartitionMapping):
        if isinstance(mapping, type) and issubclass(mapping, PartitionMapping):
            return f"{mapping.__name__} is a class where a mapping is due: write {mapping.__name__}(...)."
        return f"The partition_mapping is {mapping!r}, {kind_of(mapping)}. Give a PartitionMapping."
    if not says_upstream(mapping) and not says_downstream(mapping):
        return (
            f"{name_of(mapping)} says nothing: it has none of the methods {UPSTREAM_OF_SET}, {UPSTREAM_OF_KEY}, "
            f"{DOWNSTREAM_OF_SET} and {DOWNSTREAM_OF_KEY}. Write one of them."
        )
    if not has_downstream_partitions and not has_own(mapping, UPSTREAM_OF_SET):
        return (
            f"{name_of(mapping)} maps partition by partition, and downstream there are none. "
            "Use AllPartitionMapping(), or partition the downstream asset."
        )
    return None


def name_of(mapping: object) -> str:
    return type(mapping).__qualname__.rpartition(".<locals>.")[2]


def description_of(mapping: PartitionMapping) -> str:
    """Return a mapping's sentence for people; of one whose own raises, that it does."""
    try:
        return str(mapping.description)
    except Exception as error:
        return f"{name_of(mapping)} (its description raised {raised(error)})"


def raised(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


# ------------------------------------------------------------------------------------------------------ asked and checked


def ask_upstream(
    mapping: PartitionMapping,
    downstream: AnySubset | None,
    upstream_def: AnyDefinition,
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> UpstreamPartitionsResult:
    """Return what a user's mapping says that a set needs: what exists of it, and what does not.

    Raises PartitionMappingError.
    """
    if downstream is not None and downstream.is_empty:
        return UpstreamPartitionsResult(upstream_def.empty_subset(), upstream_def.empty_subset())
    asked = f"what {_named(downstream, store)} needs upstream"
    downstream_def = None if downstream is None else downstream.partitions_def
    method = UPSTREAM_OF_SET if has_own(mapping, UPSTREAM_OF_SET) else UPSTREAM_OF_KEY
    answer = _asked(
        mapping,
        method,
        asked,
        lambda: mapping.get_upstream_mapped_partitions_result_for_partitions(
            downstream, downstream_def, upstream_def, now, store
        ),
    )
    if isinstance(answer, UpstreamPartitionsResult):
        found = checked(mapping, method, answer.partitions_subset, upstream_def, asked)
        required = checked(mapping, method, answer.required_but_nonexistent_subset, upstream_def, asked)
    else:
        found = checked(mapping, method, answer, upstream_def, asked)
        required = upstream_def.empty_subset()
    whole = divided(found, now, store)
    if getattr(mapping, "allow_nonexistent_upstream_partitions", False):
        return UpstreamPartitionsResult(whole.partitions_subset, upstream_def.empty_subset())
    missing = (whole.required_but_nonexistent_subset | required) - whole.partitions_subset
    return UpstreamPartitionsResult(whole.partitions_subset, missing)


def ask_downstream(
    mapping: PartitionMapping,
    upstream: AnySubset,
    downstream_def: AnyDefinition,
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> AnySubset:
    """Return which existing partitions a user's mapping says to need any of a set. Raises PartitionMappingError."""
    if upstream.is_empty:
        return downstream_def.empty_subset()
    asked = f"which downstream partitions need {_named(upstream, store)}"
    method = DOWNSTREAM_OF_SET if has_own(mapping, DOWNSTREAM_OF_SET) else DOWNSTREAM_OF_KEY
    answer = _asked(
        mapping,
        method,
        asked,
        lambda: mapping.get_downstream_partitions_for_partitions(
            upstream, upstream.partitions_def, downstream_def, now, store
        ),
    )
    found = checked(mapping, method, answer, downstream_def, asked)
    return found & downstream_def.subset_with_all_partitions(now, store)


def _asked(mapping: PartitionMapping, method: str, asked: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (PartitionMappingError, OneWayMappingError):
        raise
    except Exception as error:
        raise PartitionMappingError(
            name_of(mapping),
            method,
            f"raised {raised(error)}",
            asked,
            f"Mend {name_of(mapping)}.{method}, or give the dependency another partition_mapping.",
        ) from error


def checked(mapping: PartitionMapping, method: str, answer: object, definition: AnyDefinition, asked: str) -> AnySubset:
    """Return what a mapping gave (a set, one key or several) as a set of a definition. Raises PartitionMappingError."""

    def wrong(problem: str, fix: str = _WHAT_TO_GIVE) -> PartitionMappingError:
        return PartitionMappingError(name_of(mapping), method, problem, asked, fix)

    if isinstance(answer, PartitionsSubset):
        try:
            return definition.empty_subset() | answer
        except PartitionsMismatchError:
            raise wrong(
                f"returned partitions of {answer.partitions_def.describe()}, where those of {definition.describe()} "
                "were due",
                f"Make the set from the definition that {method} is given.",
            ) from None
    if isinstance(answer, str):
        answer = (answer,)
    if not isinstance(answer, Iterable) or isinstance(answer, (bytes, Mapping)):
        raise wrong(f"returned {answer!r}, {kind_of(answer)}" if answer is not None else "returned None")
    try:
        keys = list(answer)
    except Exception as error:
        raise wrong(f"raised {raised(error)}", f"Mend {name_of(mapping)}.{method}.") from error
    for key in keys:
        if not isinstance(key, str):
            raise wrong(f"returned {key!r}, {kind_of(key)}, among the keys", "Keys of partitions are text.")
    try:
        return definition.subset_with_partition_keys(keys)
    except UnknownPartitionError as error:
        raise wrong(
            f'returned "{error.partition_key}", which is no partition of {definition.describe()}', error.fix
        ) from None


def _named(subset: AnySubset | None, store: DynamicPartitionsStore | None) -> str:
    """Return a set in words that are short whatever its size."""
    if subset is None:
        return "the downstream asset, which has no partitions,"
    count = size_of(subset)
    first = next(iter(subset))
    return f'the partition "{first}"' if count == 1 else f'{count:,} partitions ("{first}" and so on)'


def size_of(subset: AnySubset) -> int:
    """Return how many partitions a set has, also where that is more than `len` may answer."""
    count = getattr(subset, "count", None)
    return int(count()) if count is not None else len(subset)


# ---------------------------------------------------------------------------------------- what a mapping leaves to others


def upstream_by_keys(
    mapping: PartitionMapping,
    downstream: AnySubset | None,
    upstream_def: AnyDefinition,
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> UpstreamPartitionsResult:
    """Return what a set needs, by asking for each of its keys, or else by asking what each upstream one is needed by."""
    if downstream is None:
        raise InvalidPartitionsDefinitionError(
            what=problem_of_class(mapping, False) or "",
            why="There is no partition to ask about.",
            fix="Use AllPartitionMapping() where the downstream asset has no partitions.",
        )
    if has_own(mapping, UPSTREAM_OF_KEY):
        asked = 'what the partition "{}" needs upstream'
        return divided(
            _union(_by_key(mapping, UPSTREAM_OF_KEY, downstream, upstream_def, asked), upstream_def), now, store
        )
    own = downstream.partitions_def
    existing = upstream_def.subset_with_all_partitions(now, store)

    def ask(key: str) -> AnySubset:
        return ask_downstream(mapping, upstream_def.subset_with_partition_keys([key]), own, now, store)

    needed = _table(mapping, "upstream", existing, own, ask, now)
    keys = [key for key, following in needed.items() if not following.isdisjoint(downstream)]
    return UpstreamPartitionsResult(upstream_def.subset_with_partition_keys(keys), upstream_def.empty_subset())


def downstream_by_keys(
    mapping: PartitionMapping,
    upstream: AnySubset,
    downstream_def: AnyDefinition,
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> AnySubset:
    """Return what needs a set, by asking for each of its keys, or else by asking what each downstream one needs."""
    if has_own(mapping, DOWNSTREAM_OF_KEY):
        asked = 'which downstream partitions need the partition "{}"'
        return _union(_by_key(mapping, DOWNSTREAM_OF_KEY, upstream, downstream_def, asked), downstream_def)
    existing = downstream_def.subset_with_all_partitions(now, store)
    above = upstream.partitions_def

    def ask(key: str) -> AnySubset:
        own = downstream_def.subset_with_partition_keys([key])
        return ask_upstream(mapping, own, above, now, store).partitions_subset

    needed = _table(mapping, "downstream", existing, above, ask, now)
    keys = [key for key, before in needed.items() if not before.isdisjoint(upstream)]
    return downstream_def.subset_with_partition_keys(keys)


def _by_key(
    mapping: PartitionMapping, method: str, given: AnySubset, wanted: AnyDefinition, asked: str
) -> Iterator[AnySubset]:
    ask: Callable[[str], Any] = getattr(mapping, method)
    for key in given:
        of_key = asked.format(key)
        answer = _asked(mapping, method, of_key, lambda key=key: ask(key))  # type: ignore[misc]
        yield checked(mapping, method, answer, wanted, of_key)


def _union(sets: Iterable[AnySubset], definition: AnyDefinition) -> AnySubset:
    """Return the union, pairwise, so that many small sets are not each added to a large one."""
    pending = list(sets)
    while len(pending) > 1:
        pending = [
            pending[place] | pending[place + 1] if place + 1 < len(pending) else pending[place]
            for place in range(0, len(pending), 2)
        ]
    return pending[0] if pending else definition.empty_subset()


# What was asked for each partition at one instant: what a mapping says may change, so it is never kept for later.
_TABLES: OrderedDict[tuple[Any, ...], tuple[Any, Mapping[str, AnySubset]]] = OrderedDict()


def _table(
    mapping: PartitionMapping,
    wanted: str,
    existing: AnySubset,
    others: AnyDefinition,
    ask: Callable[[str], AnySubset],
    now: datetime | None,
) -> Mapping[str, AnySubset]:
    """Return what the other direction answers for each existing partition of the wanted side."""
    said = "downstream" if wanted == "upstream" else "upstream"
    count = size_of(existing)
    if count > MOST_ASKED_SINGLY:
        methods = (UPSTREAM_OF_SET, UPSTREAM_OF_KEY) if wanted == "upstream" else (DOWNSTREAM_OF_SET, DOWNSTREAM_OF_KEY)
        raise OneWayMappingError(name_of(mapping), said, wanted, " or ".join(methods), count, MOST_ASKED_SINGLY)
    place = (id(mapping), wanted, id(existing.partitions_def), id(others), now)
    known = _TABLES.get(place)
    if known is not None and known[0][1] == existing:
        return known[1]
    table = {key: ask(key) for key in existing}
    if now is not None:
        # The mapping and the definitions are kept with it, so that their ids stay theirs.
        _TABLES[place] = ((mapping, existing, others), table)
        while len(_TABLES) > _MOST_TABLES:
            _TABLES.popitem(last=False)
    return table
