"""headwater why: the chain of facts behind an asset. headwater diff: what changed between two materializations."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from headwater.cli.error_report import CommandRefused
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.model.keys import AssetKey
    from headwater.model.runs import EventRecord
    from headwater.runtime.instance import Instance
    from headwater.views.explanation import ExplainedAsset
    from headwater.views.staleness import AssetStaleness

_MOST_TOPICS = 10


@click.command(short_help="Explain why an asset is stale, missing or fresh.")
@click.argument("key", metavar="ASSET")
@click.argument("partition_key", metavar="[PARTITION]", required=False)
@project_options
def why(workplace: Workplace, as_json: bool, key: str, partition_key: str | None) -> None:
    """Explain where ASSET, or one PARTITION of it, stands: the chain of facts, up to what changed first."""
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    definition = workplace.graph.spec(asset_key).partitions_def
    from headwater.runtime.staleness import staleness_in
    from headwater.views.explanation import explained

    with workplace.instance_to_read() as instance:
        _check_partition(asset_key, definition, partition_key, instance)
        staleness = staleness_in(workplace.definitions, instance, [asset_key])
        one = staleness[asset_key]
        shown, more = partition_key, 0
        if definition is not None and partition_key is None:
            shown, more = _example(one)
        is_whole = definition is None or shown is not None
        links = list(explained(workplace.graph, instance.store, staleness, asset_key, shown)) if is_whole else []
    if as_json:
        document: dict[str, object] = {"asset": str(asset_key), "partition": shown}
        if definition is not None and partition_key is None:
            document["partitions"] = _counts(one)
            document["reasons"] = one.topics()
        screen.document({**document, "chain": [link.to_data() for link in links]})
        return
    if definition is not None and partition_key is None:
        counts = _counts(one)
        screen.result(
            f"{asset_key}: {counts['fresh']:,} fresh, {counts['stale']:,} stale, {counts['missing']:,} missing"
            + (f", {counts['unreachable']:,} that the definition no longer has" if counts["unreachable"] else "")
        )
        for topic, count in list(one.topics().items())[:_MOST_TOPICS]:
            screen.result(f"  {count:,} because {topic}")
        if links and more:
            screen.result(f"One of {more + 1:,}:")
    now = time.time()
    for link in links:
        for line in _lines_of(link, now):
            screen.result(line)


def _check_partition(key: AssetKey, definition: object, partition: str | None, instance: Instance) -> None:
    from headwater.model.partitions import PartitionsDefinition

    if partition is None:
        return
    if not isinstance(definition, PartitionsDefinition):
        raise CommandRefused(
            what=f'"{key}" is not partitioned, and the partition "{partition}" of it was named.',
            why="There is no partition that it could mean.",
            fix="Leave the partition out.",
        )
    definition.validate_partition_key(partition, None, instance)


def _example(one: AssetStaleness) -> tuple[str | None, int]:
    """Return the first partition that is stale, else the first that is missing, and how many more there are."""
    for part in (one.stale, one.missing):
        if not isinstance(part, bool) and part:
            return next(iter(part)), len(part) - 1
    return None, 0


def _counts(one: AssetStaleness) -> dict[str, int]:
    from headwater.views.staleness import size_of

    stale = size_of(one.stale)
    return {
        "fresh": size_of(one.materialized) - stale,
        "stale": stale,
        "missing": size_of(one.missing),
        "unreachable": len(one.unreachable),
    }


def _lines_of(link: ExplainedAsset, now: float) -> Sequence[str]:
    from headwater.views.runs import short_id
    from headwater.views.words import ago

    indent = "  " * link.depth
    named = str(link.asset_key) + (f" [{link.partition}]" if link.partition is not None else "")
    more = f" (and {link.more_partitions:,} more partitions)" if link.more_partitions else ""
    if link.is_told_above:
        return [f"{indent}{named}: see above"]
    status = link.freshness.value if link.is_buildable else "made elsewhere"
    lines = [f"{indent}{named} is {status}{more}" if link.is_buildable else f"{indent}{named}{more}: {status}"]
    lines += [f"{indent}  because {reason}" for reason in link.reasons]
    made = link.state.materialization if link.state is not None else None
    if made is not None and link.freshness.value != "missing":
        by = f" by run {short_id(made.run_id)}" if made.run_id else ", reported from outside"
        version = f", code version {made.code_version}" if made.code_version else ""
        lines.append(f"{indent}  made {ago(made.timestamp, now)}{by}{version}")
    if link.state is not None and link.state.last_attempt_outcome in ("unchanged", "skipped"):
        outcome = link.state.last_attempt_outcome
        cause = f": {link.state.last_attempt_cause}" if link.state.last_attempt_cause else ""
        lines.append(f"{indent}  last attempt: {outcome}, {ago(link.state.last_attempt_at, now)}{cause}")
    return lines


@click.command(short_help="Show what changed between two materializations.")
@click.argument("key", metavar="ASSET")
@click.argument("partition_key", metavar="[PARTITION]", required=False)
@click.option("--from", "before", metavar="RUN|ID", help="The older one: a run id, its first letters, or a storage id.")
@click.option("--to", "after", metavar="RUN|ID", help="The newer one (default: the last).")
@project_options
def diff(
    workplace: Workplace, as_json: bool, key: str, partition_key: str | None, before: str | None, after: str | None
) -> None:
    """Show what was different when ASSET (or one PARTITION) was made: code, config, dependencies, and each input.

    Without options the last two materializations are compared.
    """
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    definition = workplace.graph.spec(asset_key).partitions_def
    from headwater.model.runs import EventRecordsFilter, EventType
    from headwater.views.materialization_diff import difference_between
    from headwater.views.runs import short_id
    from headwater.views.words import instant_in_words

    with workplace.instance_to_read() as instance:
        _check_partition(asset_key, definition, partition_key, instance)
        if definition is not None and partition_key is None:
            raise CommandRefused(
                what=f'"{asset_key}" is partitioned ({definition.describe()}), and no partition was named.',
                why="Materializations of different partitions differ in everything.",
                fix=f"Name one: headwater diff {asset_key} PARTITION",
            )
        filters = EventRecordsFilter(
            EventType.ASSET_MATERIALIZATION, asset_key, None if partition_key is None else [partition_key]
        )
        records = instance.store.events(filters)
        newer = _record(records, after, asset_key) if after is not None else (records[0] if records else None)
        older = None
        if before is not None:
            older = _record(records, before, asset_key)
        elif newer is not None:
            older = next((each for each in records if each.storage_id < newer.storage_id), None)
        if newer is None or older is None:
            raise CommandRefused(
                what=f'"{asset_key}" was materialized {"once" if records else "never"}, as far as history is kept.',
                why="There are no two materializations to compare.",
                fix=f"headwater why {asset_key}",
            )
        if older.storage_id > newer.storage_id:
            older, newer = newer, older
        runs = {each.run_id: instance.store.find_run(each.run_id) for each in (older, newer) if each.run_id}
        found = difference_between(older, newer, runs)
    if as_json:
        screen.document({"asset": str(asset_key), "partition": partition_key, **found.to_data()})
        return
    for word, record in (("before", older), ("after", newer)):
        by = f"run {short_id(record.run_id)}" if record.run_id else "reported from outside"
        screen.result(f"{word:<6}  {instant_in_words(record.timestamp)}  {by}  storage id {record.storage_id}")
    for difference in found.differences:
        screen.result(f"  {difference}")
    if not found.differences:
        screen.result("  Nothing that is recorded differs.")
    elif found.same_content:
        screen.result("The content is the same.")


def _record(records: Sequence[EventRecord], named: str, key: AssetKey) -> EventRecord:
    by_run = [record for record in records if record.run_id and record.run_id.startswith(named)]
    by_id = [record for record in records if str(record.storage_id) == named]
    found = by_id or by_run
    if not found:
        raise CommandRefused(
            what=f'No materialization of "{key}" has the run or the storage id "{named}".',
            why="There is nothing to compare with.",
            fix=f"They are: {', '.join(f'{each.run_id[:8]} ({each.storage_id})' for each in records[:5]) or 'none'}.",
        )
    return found[0]
