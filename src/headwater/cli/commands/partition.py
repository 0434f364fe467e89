"""headwater partition: the partitions of an asset, what is known of one, and how those of two assets hang together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.error_report import CommandRefused
from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import PartitionsDefinition
    from headwater.views.partition_links import MappedEdge, MappedPart, PartitionLinks, PartitionTies
    from headwater.views.partition_status import UnreachablePartitions

Function = TypeVar("Function", bound=Callable[..., Any])

# What is typed for each status, and the word for it.
_WORDS = {
    "materialized": "materialized",
    "failed": "failed",
    "in-progress": "in progress",
    "missing": "missing",
    "stale": "stale",
}
_STATUSES = ["materialized", "failed", "in-progress", "missing"]
_RANGES = 20
_RANGES_IN_JSON = 1_000


@click.group(cls=LazyGroup)
def partition() -> None:
    """List and show partitions of an asset, and explain which belong together."""


def _slice_option(function: Function) -> Function:
    """Add --partition."""
    return click.option(
        "--partition",
        "spelled",
        metavar="SLICE",
        multiple=True,
        help="Only these: KEY,FIRST...LAST, or by dimension: DIMENSION=KEY,DIMENSION=FIRST...LAST.",
    )(function)


@partition.command("list", short_help="List partitions with their status, a page at a time.")
@click.argument("key", metavar="ASSET")
@click.option("--status", type=click.Choice(_STATUSES), help="Only partitions of this status.")
@_slice_option
@click.option("--limit", type=click.IntRange(min=1), default=1_000, show_default=True, help="How many at most.")
@click.option("--after", metavar="KEY", help="Only those that come after KEY: the next page.")
@project_options
def list_partitions(
    workplace: Workplace,
    as_json: bool,
    key: str,
    status: str | None,
    spelled: tuple[str, ...],
    limit: int,
    after: str | None,
) -> None:
    """List the partitions of ASSET, each with its status: in progress, failed, materialized or missing."""
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    from itertools import islice

    from headwater.runtime.partition_status import partition_status
    from headwater.views.partition_status import keys_of

    with workplace.instance_to_read() as instance:
        found = partition_status(
            workplace.definitions,
            asset_key,
            instance=instance,
            partitions=spelled or None,
        )
        if after is not None and after not in found.existing:
            # One that was taken away since still has its place.
            found.partitions_def.subset_with_partition_keys([after])
        chosen = found.existing if status is None else found.sets[_WORDS[status]]
        page = list(islice(keys_of(chosen, after), limit + 1))
    shown = [(name, found.word_for(name)) for name in page[:limit]]
    following = shown[-1][0] if len(page) > limit else None
    if as_json:
        screen.document(
            {
                "asset": str(asset_key),
                "partitions": [{"key": name, "status": each} for name, each in shown],
                "count": len(chosen),
                "after": following,
                "unreachable": found.unreachable.to_data(),
            }
        )
        return
    if shown:
        screen.table(("partition", "status"), shown)
    else:
        more = " after that" if after is not None else ""
        screen.say(f'"{asset_key}" has no {status or ""} partitions{more}.'.replace("  ", " "))
    if following is not None:
        screen.say(f"There are {len(chosen):,} in all. The next page: --after {following}")
    if found.unreachable:
        screen.say(_sentence(found.unreachable))


@partition.command("status", short_help="Count and show partitions by status, as ranges.")
@click.argument("key", metavar="ASSET")
@click.option("--status", "statuses", multiple=True, type=click.Choice([*_STATUSES, "stale"]), help="Only this status.")
@_slice_option
@click.option("--stale", is_flag=True, help="Also find those that would be built otherwise now; that takes longer.")
@click.option("--limit", type=click.IntRange(min=1), help="How many ranges of each status. [default: 20; in JSON 1000]")
@project_options
def status(
    workplace: Workplace,
    as_json: bool,
    key: str,
    statuses: tuple[str, ...],
    spelled: tuple[str, ...],
    stale: bool,
    limit: int | None,
) -> None:
    """Show how many partitions of ASSET are of each status, and which: as ranges, such as 2013-01-01...2013-03-07.

    With several dimensions a range is a box: from the first to the last key in each of them.
    """
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    from itertools import islice

    from headwater.runtime.partition_status import partition_status
    from headwater.views.partition_status import range_in_words, ranges_of

    words = {_WORDS[each] for each in statuses} or None
    with workplace.instance_to_read() as instance:
        found = partition_status(
            workplace.definitions,
            asset_key,
            instance=instance,
            partitions=spelled or None,
            stale=stale or "stale" in statuses,
        )
        if as_json:
            screen.document(found.to_data(instance.store, words, limit or _RANGES_IN_JSON))
            return
        most = limit or _RANGES
        rows = []
        for word, subset in found.sets.items():
            if words is None or word in words:
                ranges = [range_in_words(each) for each in islice(ranges_of(subset, instance.store), most + 1)]
                more = ["..."] if len(ranges) > most else []
                rows.append((word, f"{len(subset):,}", ", ".join([*ranges[:most], *more]) or "-"))
    screen.result(f"{screen.styled(str(asset_key), 'bold')}: {found.partitions_def.describe()}")
    screen.table(("status", "partitions", "ranges"), rows, right=("partitions",))
    screen.result(f"{len(found.existing):,} in all.")
    if found.unreachable:
        screen.result(_sentence(found.unreachable))


@partition.command("show", short_help="Show all that is known of one partition.")
@click.argument("key", metavar="ASSET")
@click.argument("partition_key", metavar="PARTITION")
@project_options
def show(workplace: Workplace, as_json: bool, key: str, partition_key: str) -> None:
    """Show what is known of one PARTITION of ASSET: when it was made, by which run, and its checks."""
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    definition = _partitions_def(workplace, asset_key)
    from headwater.views.assets import check_view
    from headwater.views.metadata import metadata_as_data, metadata_in_words
    from headwater.views.runs import short_id
    from headwater.views.words import ago, instant_as_iso, instant_in_words

    with workplace.instance_to_read() as instance:
        definition.validate_partition_key(partition_key, None, instance)
        state = instance.store.asset_state(asset_key, partition_key)
        checks = [
            check_view(spec, instance.store.partition_checks(spec.key, [partition_key]).get(partition_key))
            for spec in workplace.graph.checks_of(asset_key)
        ]
    made = state.materialization if state is not None else None
    outcome = state.last_attempt_outcome if state is not None else None
    status = "failed" if outcome == "failed" else "materialized" if made is not None else "missing"
    if as_json:
        screen.document(
            {
                "asset": str(asset_key),
                "partition": partition_key,
                "status": status,
                "last_attempt": None
                if state is None or outcome is None
                else {
                    "outcome": outcome,
                    "at": instant_as_iso(state.last_attempt_at),
                    "run_id": state.last_attempt_run_id,
                    "cause": state.last_attempt_cause,
                },
                "materialization": None
                if made is None
                else {
                    "at": instant_as_iso(made.timestamp),
                    "run_id": made.run_id,
                    "data_version": made.data_version,
                    "metadata": metadata_as_data(made.metadata),
                },
                "checks": [check.to_data() for check in checks],
            }
        )
        return
    now = time.time()
    screen.result(screen.styled(f"{asset_key} [{partition_key}]", "bold"))
    screen.fields(
        [
            ("status", status),
            ("cause", state.last_attempt_cause if state is not None and outcome != "materialized" else None),
            ("made", f"{instant_in_words(made.timestamp)} ({ago(made.timestamp, now)})" if made else None),
            ("run", short_id(made.run_id) if made else None),
            ("data version", made.data_version if made else None),
            *((name, metadata_in_words(entry)) for name, entry in (made.metadata.items() if made else ())),
            *((f"check {check.spec.name}", check.status.value) for check in checks),
        ]
    )


@partition.command("explain", short_help="Explain which partitions of two assets belong together, and why.")
@click.argument("one", metavar="UPSTREAM")
@click.argument("other", metavar="DOWNSTREAM")
@click.argument("partition_key", metavar="[KEY]", required=False)
@click.option("--upstream", "of_upstream", is_flag=True, help="KEY is a partition of UPSTREAM: show what needs it.")
@click.option(
    "--downstream", "of_downstream", is_flag=True, help="KEY is a partition of DOWNSTREAM: show what it needs."
)
@project_options
def explain(
    workplace: Workplace,
    as_json: bool,
    one: str,
    other: str,
    partition_key: str | None,
    of_upstream: bool,
    of_downstream: bool,
) -> None:
    """Explain how the partitions of UPSTREAM and DOWNSTREAM hang together, over as many assets as lie between them.

    Of KEY it shows what it needs of the other asset, or what needs it: which partitions exist, which were made, and why
    others do not exist. Where both assets have it, both are shown, unless an option says which is meant. KEY may be a range
    or a slice; without it all partitions are meant. The two assets may be given in either order.
    """
    screen = Screen(as_json)
    if of_upstream and of_downstream:
        raise click.UsageError(
            "Use one of --upstream and --downstream; without them both are shown where both have KEY."
        )
    first, second = workplace.asset_key(one), workplace.asset_key(other)
    from headwater.model.clock import utc_now
    from headwater.views.partition_links import ties_between
    from headwater.views.partition_spaces import PartitionSpaces

    graph = workplace.graph
    with workplace.instance_to_read() as instance:
        spaces = PartitionSpaces(graph, instance, utc_now())
        ties = ties_between(graph, instance.store, spaces, first, second)
        if ties is None:
            raise _refused_without_a_way(first, second)
        if spaces.of(first) is None and spaces.of(second) is None:
            raise CommandRefused(
                what=f'Neither "{first}" nor "{second}" is partitioned.',
                why="There are no partitions that could belong together.",
                fix=f"See how the assets do: headwater asset show {first}",
            )
        asked = _asked_partitions(ties, partition_key, of_upstream, of_downstream)
        needs = None if asked.downstream is None else ties.needed_by(asked.downstream)
        needed = None if asked.upstream is None else ties.following_from(asked.upstream)
        edges = ties.edges
    if as_json:
        screen.document(
            {
                "upstream": str(ties.upstream),
                "downstream": str(ties.downstream),
                "is_direct": ties.is_direct,
                "partition": partition_key,
                "edges": [edge.to_data() for edge in edges],
                "needs": None if needs is None else needs.to_data(),
                "is_needed_by": None if needed is None else needed.to_data(),
            }
        )
        return
    if first != second and ties.upstream != first:
        screen.say(f'"{second}" is upstream of "{first}".')
    for line in _lines_of_edges(edges, ties.is_direct):
        screen.result(line)
    for links, verb, is_needed in ((needs, "needs", True), (needed, "is needed by", False)):
        if links is not None:
            screen.result()
            for line in _lines_of_links(links, verb, is_needed):
                screen.result(line)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which partitions of either side are asked about; None where nothing is asked of it, True for the whole."""

    upstream: Any
    downstream: Any


def _asked_partitions(ties: PartitionTies, text: str | None, of_upstream: bool, of_downstream: bool) -> _Asked:
    """Return the partitions that a text means of either asset. Raises CommandRefused where it means none of any."""
    from headwater.model.errors import HeadwaterError
    from headwater.model.partitions.spelling import read_partitions

    spaces = ties.spaces
    sides = [(ties.upstream, of_upstream or not of_downstream), (ties.downstream, of_downstream or not of_upstream)]
    found: list[Any] = []
    refused: list[tuple[AssetKey, HeadwaterError | None]] = []
    for key, is_meant in sides:
        space = spaces.of(key)
        if not is_meant:
            found.append(None)
        elif text is None:
            found.append(True if space is None else space.existing)
        elif space is None:
            found.append(None)
            refused.append((key, None))
        else:
            try:
                found.append(read_partitions(text, space.definition, spaces.now, spaces.store))
            except HeadwaterError as error:
                found.append(None)
                refused.append((key, error))
    if found == [None, None]:
        errors = [error for _, error in refused if error is not None]
        if len(errors) == 1 and len(refused) == 1:
            raise errors[0]
        named = " and ".join(
            f'"{key}"' + (f" ({space.definition.describe()})" if (space := spaces.of(key)) else " (not partitioned)")
            for key, _ in refused
        )
        hints = list(dict.fromkeys(f'Of "{key}": {error.fix}' for key, error in refused if error is not None))
        raise CommandRefused(
            what=f'"{text}" names no partitions of {named}.',
            why="It is not known what to explain.",
            fix="\n       ".join(hints) or "Leave KEY out.",
        )
    return _Asked(*found)


def _refused_without_a_way(one: AssetKey, other: AssetKey) -> CommandRefused:
    if one == other:
        return CommandRefused(
            what=f'"{one}" does not depend on itself.',
            why="Only of an asset that reads its own earlier partitions some need others.",
            fix=f"Name the asset that it depends on: headwater asset show {one}",
        )
    return CommandRefused(
        what=f'Neither of "{one}" and "{other}" depends on the other.',
        why="Partitions belong together along dependencies, over one asset or several.",
        fix=f"See what each depends on: headwater asset show {one}",
    )


_MOST_EDGES = 20


def _lines_of_edges(edges: Sequence[MappedEdge], is_direct: bool) -> Iterator[str]:
    for edge in edges[:_MOST_EDGES]:
        default = ", by default" if edge.is_default else ""
        yield f"{edge.upstream} -> {edge.downstream}   {edge.mapping_name}{default}"
        yield f"  {edge.description}"
    if len(edges) > _MOST_EDGES:
        yield f"... and {len(edges) - _MOST_EDGES:,} more dependencies on the way (--json has them all)"


def _lines_of_links(links: PartitionLinks, verb: str, is_needed: bool) -> Iterator[str]:
    yield f"{_named(links.asked)} {verb} {_quantity(links.found)}"
    for part in links.passed:
        yield f"  by way of {_quantity(part)}"
        yield from (f"    {line}" for line in _standing(part, is_needed and bool(part.nonexistent)))
    yield from (f"  {line}" for line in _standing(links.found, True))


def _named(part: MappedPart) -> str:
    return f"{part.asset_key} [{_shortened(part.partitions)}]" if part.is_partitioned else str(part.asset_key)


def _quantity(part: MappedPart) -> str:
    from headwater.views.words import counted

    if not part.is_partitioned:
        return f"{part.asset_key}, which has no partitions" if part.count else f"nothing of {part.asset_key}"
    if not part.count:
        return f"no existing partition of {part.asset_key}"
    if part.partitions == _ALL and part.count > 1:
        return f"all {part.count:,} partitions of {part.asset_key}"
    return f"{counted(part.count, 'partition')} of {part.asset_key}: {_shortened(part.partitions)}"


def _standing(part: MappedPart, is_told_in_full: bool) -> Iterator[str]:
    if is_told_in_full and part.count:
        if part.missing is None:
            yield "materialized" if part.count == 1 else f"all {part.count:,} materialized"
        elif part.count == 1:
            yield "missing: never materialized"
        elif part.missing == _ALL or not part.materialized_count:
            yield "none of them materialized"
        else:
            yield f"{part.materialized_count:,} of {part.count:,} materialized; missing: {_shortened(part.missing)}"
        if part.failed is not None:
            yield f"failed at last: {_shortened(part.failed)}"
    for spelled, why in part.nonexistent:
        yield f"does not exist: {spelled} ({why})"
    if len(part.nonexistent) < part.nonexistent_ranges:
        yield f"... {part.nonexistent_count:,} partitions that would be needed and do not exist, in all"


_ALL = "*"
_LONGEST = 200


def _sentence(found: UnreachablePartitions) -> str:
    """Return what it says with a full stop, where it does not end in dots already."""
    told = str(found)
    return told if told.endswith(".") else f"{told}."


def _shortened(spelled: str | None) -> str:
    """Return a set as it is spelled, cut after a whole range where it is very long."""
    if spelled is None or len(spelled) <= _LONGEST:
        return spelled or ""
    return f"{spelled[:_LONGEST].rpartition(',')[0] or spelled[:_LONGEST]}, ..."


def _partitions_def(workplace: Workplace, key: AssetKey) -> PartitionsDefinition[Any]:
    definition = workplace.graph.spec(key).partitions_def
    if definition is None:
        from headwater.model.errors.partition_status import NotPartitioned

        raise NotPartitioned(str(key))
    return definition
