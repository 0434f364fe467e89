"""headwater partition: the partitions of an asset, and what is known of one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import PartitionsDefinition

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
    """List and show partitions of an asset."""


def _slice_options(function: Function) -> Function:
    """Add --range and --dimension."""
    for option in reversed(
        (
            click.option(
                "--range", "--partition-range", "wanted", metavar="FIRST...LAST", help="Only those from FIRST to LAST."
            ),
            click.option(
                "--dimension",
                "dimensions",
                multiple=True,
                metavar="NAME=KEY",
                help="Only those with KEY (or FIRST...LAST) in this dimension; several for the same one add up.",
            ),
        )
    ):
        function = option(function)
    return function


@partition.command("list", short_help="List partitions with their status, a page at a time.")
@click.argument("key", metavar="ASSET")
@click.option("--status", type=click.Choice(_STATUSES), help="Only partitions of this status.")
@_slice_options
@click.option("--limit", type=click.IntRange(min=1), default=1_000, show_default=True, help="How many at most.")
@click.option("--after", metavar="KEY", help="Only those that come after KEY: the next page.")
@project_options
def list_partitions(
    workplace: Workplace,
    as_json: bool,
    key: str,
    status: str | None,
    wanted: str | None,
    dimensions: tuple[str, ...],
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
            partition_range=_read_range(wanted),
            dimensions=_read_dimensions(dimensions),
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
        screen.say(f"{found.unreachable}.")


@partition.command("status", short_help="Count and show partitions by status, as ranges.")
@click.argument("key", metavar="ASSET")
@click.option("--status", "statuses", multiple=True, type=click.Choice([*_STATUSES, "stale"]), help="Only this status.")
@_slice_options
@click.option("--stale", is_flag=True, help="Also find those that would be built otherwise now; that takes longer.")
@click.option("--limit", type=click.IntRange(min=1), help="How many ranges of each status. [default: 20; in JSON 1000]")
@project_options
def status(
    workplace: Workplace,
    as_json: bool,
    key: str,
    statuses: tuple[str, ...],
    wanted: str | None,
    dimensions: tuple[str, ...],
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
            partition_range=_read_range(wanted),
            dimensions=_read_dimensions(dimensions),
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
        screen.result(f"{found.unreachable}.")


def _read_range(wanted: str | None) -> tuple[str, str] | None:
    if wanted is None:
        return None
    first, dots, last = wanted.partition("...")
    if not first or (dots and not last):
        raise click.UsageError(f'--range "{wanted}" is no range. Write FIRST...LAST, with three dots.')
    return first, last or first


def _read_dimensions(given: tuple[str, ...]) -> dict[str, list[str]]:
    read: dict[str, list[str]] = {}
    for each in given:
        name, equals, key = each.partition("=")
        if not name or not equals or not key:
            raise click.UsageError(f'--dimension "{each}" names no key. Write NAME=KEY.')
        read.setdefault(name, []).append(key)
    return read


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


def _partitions_def(workplace: Workplace, key: AssetKey) -> PartitionsDefinition[Any]:
    definition = workplace.graph.spec(key).partitions_def
    if definition is None:
        from headwater.model.errors.partition_slices import NotPartitioned

        raise NotPartitioned(str(key))
    return definition
