"""headwater asset: what exists, and what is known of one asset. How it is repaired is in asset_repair.py."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.commands.asset_repair import invalidate, mv, report, wipe
from headwater.cli.commands.backfill import launch as backfill
from headwater.cli.commands.materialize import materialize
from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.model.keys import AssetKey
    from headwater.views.assets import AssetView, CheckView
    from headwater.views.staleness import AssetStaleness


@click.group(cls=LazyGroup)
def asset() -> None:
    """List, show, materialize, backfill and repair assets."""


for _command in (materialize, mv, wipe, invalidate, report):
    asset.add_command(_command)
asset.add_command(backfill, "backfill")


@asset.command("list", short_help="List assets, and where each stands.")
@click.argument("selection", required=False)
@project_options
def list_assets(workplace: Workplace, as_json: bool, selection: str | None) -> None:
    """List the assets of SELECTION (default: all), upstream first, and where each stands."""
    screen = Screen(as_json)
    keys = workplace.selected(selection)
    from headwater.runtime.staleness import staleness_in
    from headwater.views.assets import asset_views
    from headwater.views.words import ago

    with workplace.instance_to_read() as instance:
        views = asset_views(workplace.graph, instance.store, keys)
        staleness = staleness_in(workplace.definitions, instance, keys)
    if as_json:
        screen.document({"assets": [_with_lineage(workplace, view, staleness[view.key]) for view in views]})
        return
    if not views:
        screen.say("The project declares no assets. One is made with @asset; `headwater init` makes a project.")
        return
    now = time.time()
    # A column that would be empty is left out.
    why = ("why",) if any(each.stale for each in staleness.values()) else ()
    screen.table(
        ("asset", "group", "kinds", "status", "partitions", "materialized", "checks", *why),
        [
            (
                str(view.key),
                view.spec.group,
                " ".join(sorted(view.spec.kinds)) or "-",
                _status_in_words(view, staleness[view.key]),
                str(view.partitions) if view.partitions is not None else "-",
                ago(view.last_materialized_at, now) if view.last_materialized_at is not None else "-",
                _checks_in_words(view) or "-",
                *((_reasons_in_words(staleness[view.key]) or "-",) if why else ()),
            )
            for view in views
        ],
    )


@asset.command("show", short_help="Show all that is known of one asset.")
@click.argument("key", metavar="ASSET")
@project_options
def show(workplace: Workplace, as_json: bool, key: str) -> None:
    """Show one asset: what it is, what it needs, when it was last made, and its checks."""
    screen = Screen(as_json)
    asset_key = workplace.asset_key(key)
    from headwater.runtime.staleness import staleness_in
    from headwater.views.assets import asset_views
    from headwater.views.metadata import metadata_in_words
    from headwater.views.runs import short_id
    from headwater.views.words import ago, instant_in_words

    with workplace.instance_to_read() as instance:
        (view,) = asset_views(workplace.graph, instance.store, [asset_key])
        stale = staleness_in(workplace.definitions, instance, [asset_key])[asset_key]
        former_keys = instance.store.renames().former_keys(str(asset_key))
    if as_json:
        screen.document({"asset": {**_with_lineage(workplace, view, stale), "former_keys": list(former_keys)}})
        return
    graph, spec, state = workplace.graph, view.spec, view.state
    made = state.materialization if state is not None else None
    now = time.time()
    screen.result(screen.styled(str(asset_key), "bold"))
    if spec.description:
        screen.result(spec.description.strip())
    screen.result()
    tags = (f"{name}={text}" if text else name for name, text in spec.tags.items() if "headwater/kind/" not in name)
    screen.fields(
        [
            ("status", _status_in_words(view, stale)),
            ("why", _reasons_in_words(stale)),
            ("group", spec.group),
            ("kinds", ", ".join(sorted(spec.kinds))),
            ("owners", ", ".join(spec.owners)),
            ("tags", ", ".join(tags)),
            ("code version", spec.code_version),
            ("called before", ", ".join(former_keys)),
            ("needs", "\n".join(map(str, graph.parents(asset_key))) or "nothing"),
            ("feeds", "\n".join(map(str, graph.children(asset_key))) or "nothing"),
            ("partitions", _partitions_in_words(view)),
            ("source", _source_of(workplace, asset_key)),
        ]
    )
    if state is not None and state.last_attempt_outcome not in (None, "materialized"):
        screen.heading("Last attempt")
        screen.fields(
            [
                ("outcome", state.last_attempt_outcome),
                ("when", f"{instant_in_words(state.last_attempt_at)} ({ago(state.last_attempt_at, now)})"),
                ("cause", state.last_attempt_cause),
                ("run", short_id(state.last_attempt_run_id or "")),
            ]
        )
    if made is not None:
        screen.heading("Last materialization")
        screen.fields(
            [
                ("when", f"{instant_in_words(made.timestamp)} ({ago(made.timestamp, now)})"),
                ("partition", made.partition),
                ("id", str(state.materialization_storage_id) if state is not None else None),
                ("run", short_id(made.run_id)),
                ("data version", made.data_version),
                ("code version", made.code_version),
                *((name, metadata_in_words(entry)) for name, entry in made.metadata.items()),
            ]
        )
    if view.checks:
        screen.heading("Checks")
        screen.table(
            ("check", "status", "when", "blocking", "result"),
            [
                (
                    check.spec.name,
                    check.status.value,
                    ago(check.evaluation.timestamp, now) if check.evaluation is not None else "-",
                    "yes" if check.spec.blocking else "no",
                    _check_result(check),
                )
                for check in view.checks
            ],
        )


def _status_in_words(view: AssetView, stale: AssetStaleness) -> str:
    """Return the status, or "stale" for what is there and would be made otherwise now."""
    return "stale" if stale.stale and view.status.value in ("materialized", "partial") else view.status.value


def _reasons_in_words(stale: AssetStaleness) -> str:
    """Return why an asset is stale; of partitions how many are for each reason."""
    from headwater.views.words import listed

    if not stale.stale:
        return ""
    if stale.space is None:
        return listed([str(reason) for reason in stale.reasons()], 3)
    return listed([f"{topic} ({count:,})" for topic, count in stale.topics().items()], 3)


def _staleness_data(stale: AssetStaleness) -> dict[str, Any]:
    from headwater.views.staleness import size_of

    return {
        "is_stale": bool(stale.stale),
        "stale_partitions": None if stale.space is None else size_of(stale.stale),
        "reasons": [{**reason.to_data(), "text": str(reason)} for reason in stale.reasons()]
        if stale.space is None and stale.stale
        else [{"text": topic, "count": count} for topic, count in stale.topics().items()],
    }


def _with_lineage(workplace: Workplace, view: AssetView, stale: AssetStaleness) -> dict[str, Any]:
    graph = workplace.graph
    return {
        **view.to_data(),
        "staleness": _staleness_data(stale),
        "upstream": [str(key) for key in graph.parents(view.key)],
        "downstream": [str(key) for key in graph.children(view.key)],
        "source": _source_of(workplace, view.key),
    }


def _partitions_in_words(view: AssetView) -> str | None:
    counts = view.partitions
    if counts is None or view.spec.partitions_def is None:
        return None
    running = f", {counts.in_progress:,} in progress" if counts.in_progress else ""
    gone = str(view.partition_status.unreachable) if view.partition_status is not None else ""
    return (
        f"{view.spec.partitions_def.describe()}\n"
        f"{counts.materialized:,} materialized, {counts.missing:,} missing, {counts.failed:,} failed{running}"
        + (f"\n{gone}" if gone else "")
    )


def _checks_in_words(view: AssetView) -> str:
    from headwater.views.assets import CheckStatus

    counts = [(status, sum(check.status is status for check in view.checks)) for status in CheckStatus]
    return ", ".join(f"{count} {status.value}" for status, count in counts if count)


def _check_result(check: CheckView) -> str:
    from headwater.views.metadata import measures_in_words

    evaluation = check.evaluation
    if evaluation is None:
        return check.spec.description or ""
    told = [evaluation.description or "", *measures_in_words(evaluation.metadata, beside=evaluation.description)]
    at = f"[{evaluation.partition}] " if evaluation.partition is not None else ""
    return at + ", ".join(part for part in told if part)


def _source_of(workplace: Workplace, key: AssetKey) -> str | None:
    """Return "file:line" of the function that builds the asset; the path is shortened where it is below this folder."""
    definition = workplace.definitions.index.definition_by_key.get(key)
    function: Any = getattr(getattr(definition, "node_def", None), "function", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    path = os.path.relpath(code.co_filename)
    return f"{code.co_filename if path.startswith('..') else path}:{code.co_firstlineno}"
