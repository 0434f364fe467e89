"""One pass over the automation conditions of a project: what should be built now, why, and a cursor for the next pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from headwater.automation.context import AutomationContext, Evaluation, subset_data
from headwater.automation.cursor import AutomationCursor, ConditionState
from headwater.automation.entity_subset import EntityKey, EntitySubset
from headwater.automation.facts import RecordedFacts
from headwater.automation.graph_view import AssetGraphView
from headwater.automation.result import AutomationResult
from headwater.graph.asset_graph import AssetGraph
from headwater.graph.from_definitions import graph_of
from headwater.graph.selection import AssetSelection
from headwater.model.clock import as_utc, utc_now
from headwater.model.conditions import AutomationCondition
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.store.interface import Store

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions


class HasStore(Protocol):
    """What is asked of an instance: its store."""

    @property
    def store(self) -> Store: ...


class EvaluateAutomationConditionsResult:
    """What an evaluation asks for. `cursor` is for the next one, `results` has a tree of reasons for each condition."""

    def __init__(
        self,
        cursor: AutomationCursor,
        results: Iterable[AutomationResult[Any]],
        requested_subsets: Iterable[EntitySubset[Any]],
    ) -> None:
        self.cursor = cursor
        self.results: Sequence[AutomationResult[Any]] = list(results)
        self.requested_subsets: Sequence[EntitySubset[Any]] = tuple(
            subset for subset in requested_subsets if not subset.is_empty
        )
        self._requested_by_key = {subset.key: subset for subset in self.requested_subsets}

    @property
    def total_requested(self) -> int:
        """How many partitions conditions ask for (an asset without partitions is one), over all assets and checks.

        What is only built along, as the rest of a multi-asset, does not count.
        """
        return sum(result.true_subset.size for result in self.results)

    def get_requested_partitions(self, asset_key: EntityKey) -> Set[str | None]:
        """Return the partitions of an asset (or check) that are asked for; {None} for one without partitions."""
        subset = self._requested_by_key.get(asset_key)
        return set() if subset is None else subset.partition_keys()

    def get_num_requested(self, asset_key: EntityKey) -> int:
        """Return how many partitions of an asset (or check) are asked for."""
        subset = self._requested_by_key.get(asset_key)
        return 0 if subset is None else subset.size

    def find_result(self, key: EntityKey) -> AutomationResult[Any] | None:
        """Return the result of the condition of an asset (or check); None when it has none, or was not selected."""
        return next((result for result in self.results if result.key == key), None)

    def explain(self, key: EntityKey) -> dict[str, Any] | None:
        """Return why an asset (or check) is asked for or not, as plain JSON values; see `AutomationResult.to_data`."""
        result = self.find_result(key)
        return None if result is None else result.to_data()

    def __repr__(self) -> str:
        return f"<EvaluateAutomationConditionsResult: {self.total_requested} requested>"


def evaluate_automation_conditions(
    defs: Definitions | AssetGraph | Iterable[Any],
    instance: HasStore,
    asset_selection: AssetSelection | str | None = None,
    evaluation_time: datetime | None = None,
    cursor: AutomationCursor | None = None,
) -> EvaluateAutomationConditionsResult:
    """Return what the automation conditions of these definitions ask for at this instant, on what the instance recorded.

    defs: Definitions, or a list of assets and checks. asset_selection: whose conditions (default: all, of checks as well).
    evaluation_time: default now. cursor: that of the evaluation before, so that this one tells what is new since.
    Nothing is launched. Raises AutomationConditionError when a condition of your own raises.
    """
    graph = graph_of(cast("Any", defs))
    wanted = _selected(graph, asset_selection)
    return evaluate_conditions(
        graph,
        instance.store,
        wanted,
        evaluation_time=evaluation_time,
        cursor=cursor,
        built_along=checks_built_along(defs),
    )


def evaluate_conditions(
    graph: AssetGraph,
    store: Store,
    conditions: Mapping[EntityKey, AutomationCondition],
    *,
    evaluation_time: datetime | None = None,
    cursor: AutomationCursor | None = None,
    built_along: Mapping[AssetKey, Sequence[AssetCheckKey]] | None = None,
) -> EvaluateAutomationConditionsResult:
    """Return what these conditions ask for, by one pass in the order of dependencies.

    `built_along` are the checks that an asset's own function makes, which are asked for with it.
    """
    before = cursor or AutomationCursor()
    renames = store.renames() if cursor is not None else None
    if renames:
        before = before.renamed(renames.as_of)
    view = AssetGraphView(graph, store, as_utc(evaluation_time) if evaluation_time else utc_now())
    # What is recorded from here on is left to the next evaluation.
    facts = RecordedFacts(view, store, max(store.last_storage_id(), before.storage_id), before.data_versions)
    evaluation = Evaluation(before.evaluation_id + 1, view, facts, before, renames=renames or None)
    results: list[AutomationResult[Any]] = []
    order = graph.execution_order()
    # Those of conditions that were not selected this time stay; those of assets that are gone do not.
    there = {str(key) for key in order}
    states = {key: state for key, state in before.conditions.items() if key in there}
    for key in order:
        condition = conditions.get(key)
        if condition is None:
            continue
        context = AutomationContext(evaluation, condition, key, view.get_full_subset(key=key))
        result = context.evaluate()
        results.append(result)
        states[str(key)] = ConditionState(view.evaluated_at.timestamp(), facts.storage_id, context.new_states)
        _request(evaluation, result.true_subset, built_along or {})
    for asset in before.data_versions:
        # Also where nothing asked this time: the next change is one from what is there now.
        if asset not in facts.data_versions and graph.has(AssetKey.parse(asset)):
            facts.remember_data_versions(AssetKey.parse(asset))
    after = AutomationCursor(
        evaluation_id=evaluation.evaluation_id,
        evaluated_at=view.evaluated_at.timestamp(),
        storage_id=facts.storage_id,
        conditions=states,
        requested={str(key): subset_data(subset) for key, subset in evaluation.requested.items()},
        data_versions=facts.data_versions,
    )
    return EvaluateAutomationConditionsResult(after, results, evaluation.requested.values())


def conditions_in(graph: AssetGraph) -> dict[EntityKey, AutomationCondition]:
    """Return the conditions that assets and checks declare."""
    found: dict[EntityKey, AutomationCondition] = {}
    for spec in graph.specs:
        if spec.automation_condition is not None:
            found[spec.key] = spec.automation_condition
        for check in graph.checks_of(spec.key):
            if check.automation_condition is not None:
                found[check.key] = check.automation_condition
    return found


def _selected(graph: AssetGraph, asset_selection: Any) -> dict[EntityKey, AutomationCondition]:
    conditions = conditions_in(graph)
    if asset_selection is None:
        return conditions
    selection = AssetSelection.from_coercible(asset_selection)
    chosen: set[EntityKey] = {*selection.resolve(graph), *selection.resolve_checks(graph)}
    return {key: condition for key, condition in conditions.items() if key in chosen}


def checks_built_along(defs: Any) -> Mapping[AssetKey, Sequence[AssetCheckKey]]:
    """Return the checks that the function of each asset makes itself, by the asset."""
    if isinstance(defs, AssetGraph):
        return {}
    found: dict[AssetKey, list[AssetCheckKey]] = defaultdict(list)
    assets = getattr(defs, "assets", None)
    for definition in defs if assets is None else (assets or ()):
        own = {spec.key for spec in getattr(definition, "specs", ())}
        for check in getattr(definition, "check_specs", ()):
            if check.asset_key in own:
                found[check.asset_key].append(check.key)
    return found


def _request(
    evaluation: Evaluation, subset: EntitySubset[Any], built_along: Mapping[AssetKey, Sequence[AssetCheckKey]]
) -> None:
    """Take in what a condition asks for, with what can only be built together with it."""
    if subset.is_empty:
        return
    view = evaluation.view
    together: set[EntityKey] = {subset.key}
    if isinstance(subset.key, AssetKey):
        together |= view.graph.execution_set(subset.key)
        together.update(check for asset in view.graph.execution_set(subset.key) for check in built_along.get(asset, ()))
    for key in together:
        if view.partitions_def(key) == view.partitions_def(subset.key):
            own = EntitySubset(key, subset.value)
        else:
            own = view.get_full_subset(key=key) if view.partitions_def(key) is None else view.upstream_of(subset, key)
        known = evaluation.requested.get(key)
        evaluation.requested[key] = own if known is None else known | own
