"""headwater partition: the partitions of an asset, and what is known of one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.error_report import CommandRefused
from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import PartitionsDefinition


@click.group(cls=LazyGroup)
def partition() -> None:
    """List and show partitions of an asset."""


@partition.command("list", short_help="List partitions with their status.")
@click.argument("key", metavar="ASSET")
@click.option(
    "--status", type=click.Choice(["materialized", "missing", "failed"]), help="Only partitions of this status."
)
@project_options
def list_partitions(workplace: Workplace, as_json: bool, key: str, status: str | None) -> None:
    """List the partitions of ASSET, each with its status."""
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    definition = _partitions_def(workplace, asset_key)
    from headwater.views.assets import partition_statuses

    with workplace.instance_to_read() as instance:
        statuses = partition_statuses(definition, instance.store, asset_key)
    shown = [(name, each.value) for name, each in statuses if status in (None, each.value)]
    if as_json:
        screen.document(
            {"asset": str(asset_key), "partitions": [{"key": name, "status": each} for name, each in shown]}
        )
    elif shown:
        screen.table(("partition", "status"), shown)
    else:
        screen.say(f'"{asset_key}" has no {status or ""} partitions.'.replace("  ", " "))


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
        raise CommandRefused(
            what=f'"{key}" is not partitioned.',
            why="There are no partitions to show.",
            fix=f"headwater asset show {key}",
        )
    return definition
