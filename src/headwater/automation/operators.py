"""What each kind of condition is worth: a function of its context, over sets of partitions.

A state (`newly_true`, `since`, a code version) is brought up to date for all partitions, whatever the candidates are: a change
must not be missed because something else happened to be false when it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from headwater.automation.context import AutomationContext
from headwater.automation.entity_subset import EntityKey, EntitySubset
from headwater.automation.freshness import freshness_of
from headwater.automation.result import AutomationResult
from headwater.graph.selection import AssetSelection
from headwater.model.conditions import AutomationCondition
from headwater.model.errors.automation import UnknownAssetInCondition
from headwater.model.freshness_rules import ticks_around
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import Run
from headwater.model.specs import AssetSpec

Context = AutomationContext[Any]
Result = AutomationResult[Any]
Operator = Callable[[Context], Result]


# ------------------------------------------------------------------------------------------------------------- combining


def _and(context: Context) -> Result:
    true, children = context.candidate_subset, []
    for index, condition in enumerate(context.condition.children):
        child = context.child(condition, index, true).evaluate()
        true = child.true_subset
        children.append(child)
    return AutomationResult(context, true, child_results=children)


def _or(context: Context) -> Result:
    true, children = context.get_empty_subset(), []
    for index, condition in enumerate(context.condition.children):
        child = context.child(condition, index, context.candidate_subset).evaluate()
        true = true | child.true_subset
        children.append(child)
    return AutomationResult(context, true, child_results=children)


def _not(context: Context) -> Result:
    child = context.child(context.condition.children[0], 0, context.candidate_subset).evaluate()
    return AutomationResult(context, context.candidate_subset - child.true_subset, child_results=[child])


def _newly_true(context: Context) -> Result:
    child = context.child(context.condition.children[0], 0, context.get_full_subset()).evaluate()
    before = context.previous_true_subset
    context.remember(child.true_subset)
    true = child.true_subset if before is None else child.true_subset - before
    return AutomationResult(context, true & context.candidate_subset, child_results=[child])


def _since(context: Context) -> Result:
    everything = context.get_full_subset()
    trigger = context.child(context.condition.children[0], 0, everything).evaluate()
    reset = context.child(context.condition.children[1], 1, everything).evaluate()
    before = context.previous_true_subset
    held = trigger.true_subset if before is None else before | trigger.true_subset
    true = (held - reset.true_subset) | _came_after(context, trigger, reset)
    context.remember(true)
    return AutomationResult(context, true & context.candidate_subset, child_results=[trigger, reset])


def _came_after(context: Context, trigger: Result, reset: Result) -> EntitySubset[Any]:
    """Return where both came between two evaluations, and it is known that the trigger came after the reset.

    That is known of an update and a tick. Of anything else the reset counts.
    """
    both = trigger.true_subset & reset.true_subset
    if both.is_empty or context.previous is None:
        return context.get_empty_subset()
    for tick, update in ((reset, trigger), (trigger, reset)):
        if tick.condition.kind == "cron_tick_passed":
            after = _updated_after(update, context.facts.last_id_before(_last_tick(tick.context)))
            if after is not None:
                return both & after if update is trigger else both - after
    return context.get_empty_subset()


def _updated_after(update: Result, storage_id: int) -> EntitySubset[Any] | None:
    """Return for which partitions an update came after a storage id; None where a condition is no plain update."""
    context = update.context
    if update.condition.kind == "newly_updated":
        return context.facts.updated_since(update.key, storage_id)
    if update.condition.kind != "any_deps_match":
        return None
    found = context.get_empty_subset()
    for child in update.child_results:
        after = _updated_after(child, storage_id)
        if after is None:
            return None
        found = found | context.asset_graph_view.downstream_of(after, update.key)
    return found


# ------------------------------------------------------------------------------------------------------------- upstream


def _of_upstream(context: Context, keys: Iterable[EntityKey], *, needs_all: bool) -> Result:
    """Ask the operand of other assets or checks: map candidates to them, and what is true back again."""
    view, operand = context.asset_graph_view, context.condition.children[0]
    true = context.candidate_subset if needs_all else context.get_empty_subset()
    children = []
    for index, key in enumerate(keys):
        child = context.child(operand, index, view.upstream_of(context.candidate_subset, key)).evaluate()
        mapped = view.downstream_of(child.true_subset, context.key) & context.candidate_subset
        true = true & mapped if needs_all else true | mapped
        children.append(child)
    return AutomationResult(context, true, child_results=children)


def _allowed(context: Context, keys: Sequence[EntityKey]) -> Sequence[EntityKey]:
    """Return those of the keys that the condition's `allow` and `ignore` leave."""
    allow, ignore = context.condition.parameter("allow"), context.condition.parameter("ignore")
    if allow is not None:
        allowed = _selected(context, str(allow), keys)
        keys = [key for key in keys if key in allowed]
    if ignore is not None:
        ignored = _selected(context, str(ignore), keys)
        keys = [key for key in keys if key not in ignored]
    return keys


def _selected(context: Context, text: str, keys: Sequence[EntityKey]) -> frozenset[EntityKey]:
    if not keys:
        return frozenset()
    selection, graph = AssetSelection.from_string(text, include_sources=True), context.asset_graph
    if isinstance(keys[0], AssetCheckKey):
        return cast("frozenset[EntityKey]", selection.resolve_checks(graph, allow_missing=True))
    return cast("frozenset[EntityKey]", selection.resolve(graph, allow_missing=True))


def _any_deps_match(context: Context) -> Result:
    keys = context.asset_graph_view.upstream_keys(context.key)
    return _of_upstream(context, _allowed(context, keys), needs_all=False)


def _all_deps_match(context: Context) -> Result:
    keys = context.asset_graph_view.upstream_keys(context.key)
    return _of_upstream(context, _allowed(context, keys), needs_all=True)


def _checks(context: Context) -> Sequence[EntityKey]:
    if isinstance(context.key, AssetCheckKey):
        return ()
    blocking_only = bool(context.condition.parameter("blocking_only"))
    return _allowed(context, context.asset_graph_view.checks_of(context.key, blocking_only=blocking_only))


def _any_checks_match(context: Context) -> Result:
    return _of_upstream(context, _checks(context), needs_all=False)


def _all_checks_match(context: Context) -> Result:
    return _of_upstream(context, _checks(context), needs_all=True)


def _asset_matches(context: Context) -> Result:
    key = AssetKey.parse(str(context.condition.parameter("asset")))
    if not context.asset_graph.has(key):
        known = [str(other) for other in context.asset_graph.keys]
        raise UnknownAssetInCondition(str(context.root_context.key), str(key), known)
    return _of_upstream(context, [key], needs_all=False)


def _any_downstream_conditions(context: Context) -> Result:
    """Ask the conditions of all that is downstream of this asset, as if they were its own."""
    if isinstance(context.key, AssetCheckKey) or _is_inside(context, "any_downstream_conditions"):
        return AutomationResult(context, context.get_empty_subset())
    graph = context.asset_graph
    below = graph.descendants(context.key)
    conditions: dict[AutomationCondition, None] = {}
    for key in graph.keys:
        condition = graph.spec(key).automation_condition if key in below else None
        if condition is not None and condition.kind != "any_downstream_conditions":
            conditions[condition] = None
    true, children = context.get_empty_subset(), []
    for index, condition in enumerate(conditions):
        child = context.child(condition, index, context.candidate_subset).evaluate()
        true = true | child.true_subset
        children.append(child)
    return AutomationResult(context, true, child_results=children)


def _is_inside(context: Context, kind: str) -> bool:
    outer = context.parent_context
    while outer is not None:
        if outer.condition.kind == kind:
            return True
        outer = outer.parent_context
    return False


# ---------------------------------------------------------------------------------------------------------- single facts


def _leaf(ask: Callable[[Context], EntitySubset[Any]]) -> Operator:
    """Make an operator of a question about the whole asset, which is not asked when there are no candidates."""

    def operator(context: Context) -> Result:
        if context.candidate_subset.is_empty:
            return AutomationResult(context, context.candidate_subset)
        return AutomationResult(context, ask(context) & context.candidate_subset)

    return operator


def _always_if(ask: Callable[[Context], bool]) -> Operator:
    """Make an operator of a question that has the same answer for all partitions."""
    return _leaf(lambda context: context.candidate_subset if ask(context) else context.get_empty_subset())


def _missing(context: Context) -> EntitySubset[Any]:
    return context.candidate_subset - context.facts.present(context.key)


def _newly_updated(context: Context) -> Result:
    since = context.previous_max_storage_id
    # Asked also when nothing is, so that what changes meanwhile is known as a change.
    updated = None if since is None else context.facts.updated_since(context.key, since)
    if since is None and isinstance(context.key, AssetKey) and context.facts.is_observable(context.key):
        context.facts.remember_data_versions(context.key)
    return AutomationResult(
        context, context.get_empty_subset() if updated is None else updated & context.candidate_subset
    )


def _newly_requested(context: Context) -> EntitySubset[Any]:
    return context.previous_requested_subset or context.get_empty_subset()


def _code_version_changed(context: Context) -> Result:
    spec = context.asset_graph_view.spec(context.key)
    version = spec.code_version if isinstance(spec, AssetSpec) else None
    before = context.cursor
    context.remember(text=version)
    # What had no version before is not known to have changed.
    has_changed = before is not None and before != version
    return AutomationResult(context, context.candidate_subset if has_changed else context.get_empty_subset())


def _data_version_changed(context: Context) -> Result:
    if isinstance(context.key, AssetCheckKey):
        return AutomationResult(context, context.get_empty_subset())
    changed = context.facts.data_version_changed(context.key)
    if context.previous is None:
        changed = context.get_empty_subset()
    return AutomationResult(context, changed & context.candidate_subset)


def _cron_tick_passed(context: Context) -> bool:
    before = context.previous_evaluation_time
    return before is not None and _last_tick(context) > before


def _last_tick(context: Context) -> datetime:
    schedule, timezone = (str(context.condition.parameter(f"cron_{name}")) for name in ("schedule", "timezone"))
    return ticks_around(schedule, timezone, context.evaluation_time)[0]


def _in_latest_time_window(context: Context) -> EntitySubset[Any]:
    seconds = context.condition.parameter("lookback_seconds")
    lookback = timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
    return context.asset_graph_view.compute_latest_time_window_subset(context.key, lookback)


def _will_be_requested(context: Context) -> EntitySubset[Any]:
    requested = context.evaluation.requested.get(context.key)
    if requested is None or not context.asset_graph_view.can_run_together(context.root_context.key, context.key):
        return context.get_empty_subset()
    return requested


def _freshness_is(word: str) -> Operator:
    def ask(context: Context) -> bool:
        spec = context.asset_graph_view.spec(context.key)
        policy = spec.freshness_policy if isinstance(spec, AssetSpec) else None
        if policy is None or not isinstance(context.key, AssetKey):
            return False
        made_at = context.facts.last_materialized_at(context.key)
        return freshness_of(policy, made_at, context.evaluation_time) == word

    return _always_if(ask)


def _check_with(*, passed: bool) -> Operator:
    def ask(context: Context) -> EntitySubset[Any]:
        if isinstance(context.key, AssetCheckKey):
            return context.facts.checks_with(context.key, passed=passed)
        return context.get_empty_subset()

    return _leaf(ask)


# --------------------------------------------------------------------------------------------------------------- of runs


def _where_latest_run(context: Context, holds: Callable[[Run], bool]) -> EntitySubset[Any]:
    """Return the candidates whose latest update came by a run of which this holds."""
    facts, since = context.facts, context.previous_max_storage_id or 0
    is_all_new = (context.candidate_subset - facts.updated_since(context.key, since)).is_empty
    runs = facts.latest_runs(context.key, since if is_all_new else 0)
    good = {run_id for run_id in set(runs.values()) if (run := facts.find_run(run_id)) is not None and holds(run)}
    return facts.subset_where(context.key, [part for part, run_id in runs.items() if run_id in good])


def _executed_with_root_target(context: Context) -> EntitySubset[Any]:
    root = context.root_context.key
    return _where_latest_run(context, lambda run: root in run.asset_selection or root in run.check_selection)


def _executed_with_tags(context: Context) -> EntitySubset[Any]:
    return _where_latest_run(context, lambda run: _has_tags(context.condition, run))


def _new_updates_have_tags(quantifier: Callable[[Iterable[bool]], bool]) -> Operator:
    def ask(context: Context) -> EntitySubset[Any]:
        facts, since = context.facts, context.previous_max_storage_id
        if since is None or isinstance(context.key, AssetCheckKey):
            return context.get_empty_subset()

        def is_tagged(run_id: str) -> bool:
            run = facts.find_run(run_id) if run_id else None
            return run is not None and _has_tags(context.condition, run)

        by_part = facts.runs_since(context.key, since).items()
        return facts.subset_where(context.key, [part for part, runs in by_part if quantifier(map(is_tagged, runs))])

    return _leaf(ask)


def _has_tags(condition: AutomationCondition, run: Run) -> bool:
    names = cast("Sequence[str]", condition.parameter("tag_keys") or ())
    values = cast("Sequence[tuple[str, str]]", condition.parameter("tag_values") or ())
    return all(name in run.tags for name in names) and all(run.tags.get(name) == value for name, value in values)


OPERATORS: Mapping[str, Operator] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "since": _since,
    "newly_true": _newly_true,
    "any_deps_match": _any_deps_match,
    "all_deps_match": _all_deps_match,
    "any_checks_match": _any_checks_match,
    "all_checks_match": _all_checks_match,
    "asset_matches": _asset_matches,
    "any_downstream_conditions": _any_downstream_conditions,
    "all_new_updates_have_run_tags": _new_updates_have_tags(all),
    "any_new_update_has_run_tags": _new_updates_have_tags(any),
    # A store that keeps no backfills has none that is in progress.
    "backfill_in_progress": _always_if(lambda context: False),
    "check_failed": _check_with(passed=False),
    "check_passed": _check_with(passed=True),
    "code_version_changed": _code_version_changed,
    "cron_tick_passed": _always_if(_cron_tick_passed),
    "data_version_changed": _data_version_changed,
    "executed_with_root_target": _leaf(_executed_with_root_target),
    "executed_with_tags": _leaf(_executed_with_tags),
    "execution_failed": _leaf(lambda context: context.facts.failed(context.key)),
    "freshness_failed": _freshness_is("failed"),
    "freshness_passed": _freshness_is("passed"),
    "freshness_warned": _freshness_is("warned"),
    "in_latest_time_window": _leaf(_in_latest_time_window),
    "initial_evaluation": _always_if(lambda context: context.previous is None),
    "missing": _leaf(_missing),
    "newly_requested": _leaf(_newly_requested),
    "newly_updated": _newly_updated,
    "run_in_progress": _leaf(lambda context: context.facts.in_progress(context.key)),
    "will_be_requested": _leaf(_will_be_requested),
}
