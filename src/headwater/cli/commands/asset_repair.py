"""headwater asset mv, wipe, invalidate and report: what is recorded of assets is put right by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.error_report import CommandRefused
from headwater.cli.options import project_options
from headwater.cli.run_options import partition_options, read_partition_range
from headwater.cli.screen import Screen, can_draw
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.model.keys import AssetKey
    from headwater.model.runs import EventRecord
    from headwater.runtime.instance import Instance

_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def _confirm(screen: Screen, yes: bool, what: str, question: str, *, is_final: bool = True) -> None:
    """Ask on a terminal. Where nobody can be asked, what cannot be taken back is refused."""
    if yes:
        return
    if can_draw(screen.err):
        click.confirm(question, abort=True, err=True)
    elif is_final:
        raise CommandRefused(
            what=what,
            why="Nobody can be asked here, so nothing was done.",
            fix="Say so on the command line: --yes.",
        )


# ---------------------------------------------------------------------------------------------------------------- moves


@click.command("mv", short_help="Rename or move an asset, with its history and its values.")
@click.argument("old")
@click.argument("new")
@click.option(
    "--prefix", is_flag=True, help='OLD and NEW are prefixes: move all assets below OLD. So does "OLD/*" "NEW/*".'
)
@click.option("--dry-run", is_flag=True, help="Only say what would move.")
@_yes
@project_options
def mv(workplace: Workplace, as_json: bool, old: str, new: str, prefix: bool, dry_run: bool, yes: bool) -> None:
    """Give the asset OLD the key NEW: its history, partitions, checks and stored values move with it.

    Rename it in the code first. Nothing else becomes stale by it. Runs that build or read it must have ended.
    """
    screen = Screen(as_json)
    from headwater.runtime.moves import move_assets, moves_of_prefix
    from headwater.views.words import counted, listed

    definitions = workplace.definitions
    with workplace.instance_to_read() as instance:
        if prefix or old.endswith("/*") or new.endswith("/*"):
            if not prefix and not (old.endswith("/*") and new.endswith("/*")):
                raise click.UsageError("Write the star on both sides: OLD/* NEW/*.")
            moves = moves_of_prefix(instance, _key(old.removesuffix("/*")), _key(new.removesuffix("/*")))
        else:
            moves = {_key(old): _key(new)}
        tried = move_assets(instance, moves, definitions=definitions, is_dry=True)
        named = listed([f"{move.former_key} to {move.key}" for move in tried], 3)
        if not dry_run:
            _confirm(screen, yes, f"{named} would be moved.", f"Move {named}?")
        moved = tried if dry_run else move_assets(instance, moves, definitions=definitions)
    undeclared = [str(move.key) for move in moved if not workplace.graph.has(move.key)]
    if as_json:
        screen.document({"moved": [move.to_data() for move in moved], "is_dry_run": dry_run, "undeclared": undeclared})
        return
    verb = "Would move" if dry_run else "Moved"
    for move in moved:
        details = [counted(move.partitions, "partition")] if move.partitions else []
        details += [f"{counted(move.values, 'stored value')}"] if move.values else []
        screen.result(f"{verb}: {move.former_key} -> {move.key}{f' ({listed(details)})' if details else ''}")
        if move.left_with is not None:
            screen.say(
                f"{move.left_with} cannot move values: what it keeps of {move.former_key} must be moved by hand, "
                f"or {move.key} be made again."
            )
    if undeclared:
        screen.say(f"No definition declares {listed(undeclared, 3)} yet: rename it in the code, too.")


def _key(text: str) -> AssetKey:
    from headwater.model.keys import AssetKey

    return AssetKey.parse(text)


# ---------------------------------------------------------------------------------------------------------------- wipes


@click.command("wipe", short_help="Forget what is known of assets, of partitions, or of one materialization.")
@click.argument("selection")
@partition_options
@click.option(
    "--materialization",
    metavar="ID|RUN|latest",
    help="Only this materialization: its id, the run that made it, or the latest.",
)
@click.option("--values", is_flag=True, help="Delete the stored values, too.")
@_yes
@project_options
def wipe(
    workplace: Workplace,
    as_json: bool,
    selection: str,
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    materialization: str | None,
    values: bool,
    yes: bool,
) -> None:
    """Forget what was materialized, observed and checked of the assets of SELECTION.

    The history of runs stays, and so do the stored values unless --values is given. With --materialization only that one
    is taken out of the history: the one before it is the latest again.
    """
    screen = Screen(as_json)
    ends = read_partition_range(partition, partition_range, first, last)
    if materialization is not None:
        if ends is not None:
            raise click.UsageError("--materialization names one; leave the range out.")
        _wipe_one(workplace, screen, workplace.asset_key(selection), partition, materialization, values, yes)
        return
    from headwater.views.words import counted, listed

    with workplace.instance() as instance:
        keys = _selected_or_recorded(workplace, instance, selection)
        partitions_by_key = {key: _named_partitions(workplace, instance, key, partition, ends) for key in keys}
        named = listed([str(key) for key in keys])
        count = sum(len(partitions or ()) for partitions in partitions_by_key.values())
        what = f"{counted(count, 'partition')} of {named}" if partition is not None or ends is not None else named
        stays = "The stored values are deleted." if values else f"The files stay, in {instance.storage_dir}."
        _confirm(
            screen, yes, f"What is known of {what} would be forgotten.", f"Forget what is known of {what}? {stays}"
        )
        if values:
            instance.store.refuse_in_use(keys, f"The values of {named} cannot be deleted")
        for key, partitions in partitions_by_key.items():
            if partitions is None:
                instance.wipe_assets([key])
            else:
                instance.wipe_asset_partitions(key, partitions)
        removed, left = _remove_values(workplace, instance, partitions_by_key) if values else ({}, {})
    if as_json:
        screen.document(
            {
                "wiped": [
                    {
                        "key": str(key),
                        "partitions": None if partitions is None else list(partitions),
                        "values_removed": removed.get(key, 0),
                        "values_left_with": left.get(key),
                    }
                    for key, partitions in partitions_by_key.items()
                ]
            }
        )
    if values:
        stays = f"{counted(sum(removed.values()), 'stored value')} deleted."
        for key, manager in left.items():
            screen.say(f"{manager} cannot delete values: what it keeps of {key} stays.")
    screen.result(f"Forgotten: {what}. {stays}")


def _selected_or_recorded(workplace: Workplace, instance: Instance, selection: str) -> list[AssetKey]:
    """Return the assets of a selection, or the one of this key that is recorded and no longer declared."""
    if all(selection.split("/")) and "*" not in selection:
        key = _key(selection)
        if not workplace.graph.has(key) and instance.store.asset_state(key) is not None:
            return [key]
    return workplace.selected(selection)


def _remove_values(
    workplace: Workplace, instance: Instance, partitions_by_key: dict[AssetKey, tuple[str, ...] | None]
) -> tuple[dict[AssetKey, int], dict[AssetKey, str]]:
    """Delete stored values; return how many by asset, and the IO managers of those where it cannot be done."""
    from headwater.runtime.stored_values import io_managers

    removed: dict[AssetKey, int] = {}
    left: dict[AssetKey, str] = {}
    with io_managers(workplace.definitions, instance) as manager_of:
        for key, partitions in partitions_by_key.items():
            kept_by = manager_of(key)
            if kept_by.can_remove:
                removed[key] = kept_by.remove(key, partitions)
            else:
                left[key] = kept_by.name
    return removed, left


def _wipe_one(
    workplace: Workplace,
    screen: Screen,
    key: AssetKey,
    partition: str | None,
    named: str,
    values: bool,
    yes: bool,
) -> None:
    from headwater.model.runs import EventRecord

    with workplace.instance() as instance:
        record = _materialization(instance, key, partition, named)
        part: str | None = record.partition_key
        state = instance.store.asset_state(key, part)
        is_latest = state is not None and state.materialization_storage_id == record.storage_id
        what = f"the {'latest ' if is_latest else ''}materialization {_told(record)} of {_called(key, part)}"
        _confirm(screen, yes, f"{what[0].upper()}{what[1:]} would be forgotten.", f"Forget {what}?")
        if values and is_latest:
            instance.store.refuse_in_use([key], f'The value of "{_called(key, part)}" cannot be deleted')
        instance.wipe_materialization(key, record.storage_id)
        after = instance.store.asset_state(key, part)
        made = after.materialization if after is not None else None
        restored: EventRecord | None = None
        if is_latest and after is not None and made is not None:
            restored = EventRecord(after.materialization_storage_id or 0, made)
        removed: dict[AssetKey, int] = {}
        left: dict[AssetKey, str] = {}
        if values and is_latest:
            removed, left = _remove_values(workplace, instance, {key: None if part is None else (part,)})
            if removed.get(key) and made is not None:
                instance.store.invalidate(key, None if part is None else [part], "its stored value was deleted")
        mark = instance.store.invalidations().get(key, {}).get(part)
    if screen.as_json:
        screen.document(
            {
                "wiped": [
                    {
                        "key": str(key),
                        "partitions": None if part is None else [part],
                        "materialization": record.storage_id,
                        "was_latest": is_latest,
                        "restored": None if restored is None else restored.storage_id,
                        "marked_wrong": None if mark is None else mark.reason,
                        "values_removed": removed.get(key, 0),
                        "values_left_with": left.get(key),
                    }
                ]
            }
        )
    screen.result(f"Forgotten: {what}.")
    if not is_latest:
        screen.result("It was not the latest: what is known now stays as it is.")
    elif restored is None:
        screen.result(f"History has none before it: {_called(key, part)} counts as never materialized.")
    else:
        screen.result(f"The one before it is the latest again: {_told(restored)}.")
    if removed.get(key):
        screen.result("Its stored value was deleted.")
    elif values and not is_latest:
        screen.result("Storage keeps the latest value alone, which stays.")
    if mark is not None:
        screen.result(f"It counts as stale: {mark.reason}. Make it again: headwater materialize {key}")


def _materialization(instance: Instance, key: AssetKey, partition: str | None, named: str) -> EventRecord:
    """Return the materialization that is meant by its id, by (the first letters of) its run, or as the latest."""
    from headwater.model.runs import EventRecord, EventRecordsFilter, EventType

    state = instance.store.asset_state(key, partition)
    latest: list[EventRecord] = []
    if state is not None and state.materialization is not None:
        latest = [EventRecord(state.materialization_storage_id or 0, state.materialization)]
    filters = EventRecordsFilter(
        EventType.ASSET_MATERIALIZATION, key, None if partition is None else [partition], storage_ids=None
    )
    records = [*latest, *instance.store.events(filters)]
    if named == "latest":
        found = latest
    else:
        by_id = [record for record in records if str(record.storage_id) == named]
        by_run = {record.storage_id: record for record in records if record.run_id and record.run_id.startswith(named)}
        found = by_id or list(by_run.values())
    if len(found) == 1 or (found and found[0].storage_id == found[-1].storage_id):
        return found[0]
    told = ", ".join(
        _told(record) for record in list({each.storage_id: each for each in found or records}.values())[:5]
    )
    if found:
        raise CommandRefused(
            what=f'"{named}" means several materializations of "{_called(key, partition)}": {told}.',
            why="One is wiped at a time.",
            fix="Name its id, or add --partition.",
        )
    raise CommandRefused(
        what=f'No materialization of "{_called(key, partition)}" is called "{named}".',
        why="It was wiped before, or belongs to another asset.",
        fix=f"The latest are: {told}." if told else "It has none.",
    )


def _told(record: EventRecord) -> str:
    from headwater.views.runs import short_id
    from headwater.views.words import ago

    by = f"by run {short_id(record.run_id)}" if record.run_id else "reported from outside"
    return f"{record.storage_id} ({by}, {ago(record.timestamp, time.time())})"


def _called(key: AssetKey, partition: str | None) -> str:
    return str(key) if partition is None else f"{key} [{partition}]"


def _named_partitions(
    workplace: Workplace,
    instance: Instance,
    key: AssetKey,
    partition: str | None,
    ends: tuple[str, str] | None,
    takes_former: bool = True,
) -> tuple[str, ...] | None:
    """Return the partitions that the options name: those of the definition or, if taken, one that only history knows."""
    if partition is None and ends is None:
        return None
    from headwater.model.partitions.spelling import read_partitions
    from headwater.plan.partitions_of_request import keys_in_range

    if takes_former and partition is not None and instance.store.partition_states(key, [partition]):
        return (partition,)
    partitions_def = workplace.graph.spec(key).partitions_def if workplace.graph.has(key) else None
    if partitions_def is None:
        raise CommandRefused(
            what=f'"{key}" is not partitioned, and a partition of it was named.',
            why="Nothing was changed.",
            fix="Leave the partition out, or select only partitioned assets.",
        )
    if ends is not None:
        return tuple(keys_in_range(partitions_def, ends, instance))
    assert partition is not None
    return tuple(read_partitions(partition, partitions_def, None, instance))


# ---------------------------------------------------------------------------------------------------------------- marks


@click.command("invalidate", short_help="Mark the value of an asset as wrong until it is made again.")
@click.argument("key", metavar="ASSET")
@partition_options
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who ask why it is stale.")
@click.option("--undo", is_flag=True, help="Take the mark back.")
@_yes
@project_options
def invalidate(
    workplace: Workplace,
    as_json: bool,
    key: str,
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    reason: str,
    undo: bool,
    yes: bool,
) -> None:
    """Mark the value of ASSET, or of some partitions, as wrong: it counts as stale, and so does what stands on it.

    The value stays and can be loaded. The mark goes when the asset is materialized again, or with --undo.
    """
    screen = Screen(as_json)
    ends = read_partition_range(partition, partition_range, first, last)
    asset_key = workplace.asset_key(key)
    from headwater.model.errors.repair import MadeElsewhere, NotThere
    from headwater.views.words import counted

    if undo and reason:
        raise click.UsageError("--undo takes a mark back; leave --reason out.")
    graph = workplace.graph
    if not graph.is_materializable(asset_key):
        raise MadeElsewhere(str(asset_key))
    with workplace.instance() as instance:
        partitions = _named_partitions(workplace, instance, asset_key, partition, ends)
        # Of ranges and slices what is there is meant; a key that is named by itself has to be.
        if partitions is not None and partitions != (partition,) and not undo:
            there = instance.store.materialized_partitions(asset_key)
            partitions = tuple(each for each in partitions if each in there)
            if not partitions:
                raise NotThere(str(asset_key), ["...".join(ends) if ends is not None else str(partition)])
        what = str(asset_key) if partitions is None else _several(asset_key, partitions)
        downstream = len(graph.descendants([asset_key]))
        if not undo:
            more = f" {counted(downstream, 'asset')} downstream will be stale, too." if downstream else ""
            _confirm(screen, yes, "", f"Mark {what} as wrong?{more}", is_final=False)
        instance.invalidate(asset_key, partitions, reason=reason, undo=undo)
    if as_json:
        screen.document(
            {
                "asset": str(asset_key),
                "partitions": None if partitions is None else list(partitions),
                "reason": reason,
                "is_undone": undo,
                "downstream": [str(each) for each in graph.toposort() if each in graph.descendants([asset_key])],
            }
        )
    screen.result(f"{'No longer marked' if undo else 'Marked'} as wrong: {what}.")


def _several(key: AssetKey, partitions: Sequence[str]) -> str:
    if len(partitions) == 1:
        return _called(key, partitions[0])
    return f"{len(partitions):,} partitions of {key}"


# -------------------------------------------------------------------------------------------------------------- reports


@click.command("report", short_help="Record a materialization that was made elsewhere.")
@click.argument("key", metavar="ASSET")
@partition_options
@click.option("--data-version", metavar="VERSION", help="What tells this value from another.")
@click.option("--metadata", "entries", multiple=True, metavar="NAME=VALUE", help="Metadata; a value may be JSON.")
@click.option("--description", metavar="TEXT", help="What was done.")
@click.option("--observation", is_flag=True, help="It was looked at, and not made.")
@_yes
@project_options
def report(
    workplace: Workplace,
    as_json: bool,
    key: str,
    partition: str | None,
    partition_range: str | None,
    first: str | None,
    last: str | None,
    data_version: str | None,
    entries: Sequence[str],
    description: str | None,
    observation: bool,
    yes: bool,
) -> None:
    """Record that ASSET, or some of its partitions, was materialized by something else than a run.

    What stands on it is stale if the data version is another than the one that it read.
    """
    screen = Screen(as_json)
    ends = read_partition_range(partition, partition_range, first, last)
    asset_key = workplace.asset_key(key)
    metadata = _read_metadata(entries)
    partitions_def = workplace.graph.spec(asset_key).partitions_def
    if partitions_def is not None and partition is None and ends is None:
        raise CommandRefused(
            what=f'"{asset_key}" is partitioned ({partitions_def.describe()}), and no partition was named.',
            why="It would not be known of which partitions there is a value.",
            fix="Name one, or a range: --partition KEY, or --partition-range FIRST...LAST.",
        )
    with workplace.instance() as instance:
        partitions: tuple[str, ...] | None = None
        if partition is not None or ends is not None:
            # What is no partition any more is not made again.
            partitions = _named_partitions(workplace, instance, asset_key, partition, ends, takes_former=False)
        what = str(asset_key) if partitions is None else _several(asset_key, partitions)
        if partitions is not None and len(partitions) > 1:
            _confirm(screen, yes, "", f"Report {what}?", is_final=False)
        if observation:
            count = _report_observations(instance, asset_key, partitions, data_version, metadata, description)
        else:
            count = instance.report_materializations(
                asset_key, partitions, data_version=data_version, metadata=metadata, description=description
            )
    if as_json:
        screen.document(
            {
                "asset": str(asset_key),
                "partitions": None if partitions is None else list(partitions),
                "data_version": data_version,
                "is_observation": observation,
                "reported": count,
            }
        )
    screen.result(f"Reported as {'observed' if observation else 'materialized'}: {what}.")


def _report_observations(
    instance: Instance,
    key: AssetKey,
    partitions: Sequence[str] | None,
    data_version: str | None,
    metadata: dict[str, Any],
    description: str | None,
) -> int:
    from headwater.model.results import DATA_VERSION_TAG, AssetObservation

    tags = {} if data_version is None else {DATA_VERSION_TAG: data_version}
    for partition in partitions or (None,):
        instance.report_runless_asset_event(
            AssetObservation(key, partition=partition, description=description, metadata=metadata, tags=tags)
        )
    return len(partitions or (None,))


def _read_metadata(entries: Sequence[str]) -> dict[str, Any]:
    """Return NAME=VALUE texts as metadata: what is JSON is read as such, and the rest is text."""
    read: dict[str, Any] = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        if not name or not equals:
            raise click.UsageError(f'--metadata "{entry}" is no metadata. Write NAME=VALUE.')
        try:
            read[name] = json.loads(text)
        except ValueError:
            read[name] = text
    return read
