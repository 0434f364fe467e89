"""What a condition is evaluated with: whose it is, which partitions are asked about, and what held the time before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from headwater.automation.cursor import AutomationCursor, ConditionState, NodeState, SubsetData
from headwater.automation.entity_subset import EntityKey, EntitySubset, T_EntityKey
from headwater.automation.facts import RecordedFacts
from headwater.automation.graph_view import AssetGraphView
from headwater.model.codec import encode_json
from headwater.model.conditions import AutomationCondition
from headwater.model.errors.automation import AutomationConditionError
from headwater.model.errors.partitions import UnreadablePartitionsError
from headwater.model.errors.root import HeadwaterError
from headwater.model.keys import AssetCheckKey

if TYPE_CHECKING:
    from headwater.automation.result import AutomationResult
    from headwater.graph.asset_graph import AssetGraph
    from headwater.model.partitions import PartitionsDefinition
    from headwater.store.renames import Renames

T = TypeVar("T")


# Kinds that must be asked each time. That of "any_downstream_conditions" evaluates conditions that are not its children.
_REMEMBERING = frozenset(
    {
        "any_downstream_conditions",
        "code_version_changed",
        "data_version_changed",
        "newly_true",
        "newly_updated",
        "since",
    }
)


@dataclass(slots=True)
class Evaluation:
    """One pass over the conditions of a project. `requested` grows as it goes along."""

    evaluation_id: int
    view: AssetGraphView
    facts: RecordedFacts
    before: AutomationCursor
    requested: dict[EntityKey, EntitySubset[Any]] = field(default_factory=dict)
    # By the identity of conditions, which are held so that no other one gets it.
    # What assets were called before; None where none was renamed.
    renames: Renames | None = None
    _meanings: dict[int, tuple[AutomationCondition, str]] = field(default_factory=dict)
    _stateless: dict[int, tuple[AutomationCondition, bool]] = field(default_factory=dict)

    def meaning_of(self, condition: AutomationCondition) -> str:
        """Return a text that is the same for conditions that mean the same, whatever their labels."""
        found = self._meanings.get(id(condition))
        if found is None:
            found = self._meanings[id(condition)] = condition, encode_json(_meaning(condition))
        return found[1]

    def is_stateless(self, condition: AutomationCondition) -> bool:
        """Return whether nothing is lost when a condition is not asked about no candidates at all."""
        found = self._stateless.get(id(condition))
        if found is None:
            forgets = type(condition) is AutomationCondition and condition.kind not in _REMEMBERING
            forgets = forgets and all(map(self.is_stateless, condition.children))
            found = self._stateless[id(condition)] = condition, forgets
        return found[1]

    def subset_from(self, key: EntityKey, data: SubsetData) -> EntitySubset[Any]:
        """Read a set that `subset_data` wrote. Of a definition that has changed, what still exists."""
        definition = self.view.partitions_def(key)
        if definition is None:
            return EntitySubset(key, data is True)
        if isinstance(data, str):
            try:
                return EntitySubset(key, definition.deserialize_subset(data)) & self.view.get_full_subset(key=key)
            except UnreadablePartitionsError:
                # The asset is partitioned in another way now.
                pass
        return self.view.get_empty_subset(key=key)

    def previously_requested(self, key: EntityKey) -> EntitySubset[Any]:
        """Return what the evaluation before asked for."""
        return self.subset_from(key, self.before.requested.get(str(key)))


def subset_data(subset: EntitySubset[Any]) -> SubsetData:
    """Return a set as what a cursor holds; None for an empty one."""
    if subset.is_empty:
        return None
    return True if isinstance(subset.value, bool) else subset.value.serialize()


class AutomationContext(Generic[T_EntityKey]):
    """What `AutomationCondition.evaluate` gets.

    `key` is the asset (or check) asked about, `candidate_subset` the partitions of it that matter; the answer lies within.
    `root_context` is that of the whole condition, whose `key` is the asset that would be built.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        condition: AutomationCondition,
        key: T_EntityKey,
        candidate_subset: EntitySubset[T_EntityKey],
        *,
        parent: AutomationContext[Any] | None = None,
        path: tuple[int, ...] = (),
    ) -> None:
        self.evaluation = evaluation
        self.condition = condition
        self.key = key
        self.candidate_subset = candidate_subset
        self.parent_context = parent
        self.path = path
        root = parent.root_context if parent is not None else self
        self.root_context: AutomationContext[Any] = root
        # Those of the whole condition are kept by its root.
        self._new_states: dict[str, NodeState] = {} if parent is None else root._new_states
        self.previous: ConditionState | None = (
            evaluation.before.conditions.get(str(key)) if parent is None else root.previous
        )
        """What the evaluation before left of the whole condition; None the first time."""

    # ------------------------------------------------------------------------------------------------------ evaluating

    def evaluate(self) -> AutomationResult[T_EntityKey]:
        """Return what the condition is worth here. Raises AutomationConditionError for what a user's own one raises."""
        from headwater.automation.result import AutomationResult

        if type(self.condition) is AutomationCondition:
            if self.candidate_subset.is_empty and self.evaluation.is_stateless(self.condition):
                return AutomationResult(self, self.candidate_subset)
            return self.evaluate_declared()
        try:
            result = self.condition.evaluate(self)
            if hasattr(result, "__await__"):
                result = _awaited(result)
        except HeadwaterError:
            raise
        except Exception as error:
            raise self._error(f"{type(error).__name__}: {error}", "Look at its `evaluate`.") from error
        if not isinstance(result, AutomationResult):
            raise self._error(
                f"its evaluate() returned {result!r}",
                "Return AutomationResult(context, true_subset), with a part of context.candidate_subset.",
            )
        result = result.within(self.candidate_subset)
        true, candidates = subset_data(result.true_subset), subset_data(self.candidate_subset)
        self._new_states[self.node_id] = NodeState(true, candidates, result.cursor)
        return result

    def evaluate_declared(self) -> AutomationResult[T_EntityKey]:
        """Return what a condition that Headwater knows is worth here."""
        from headwater.automation.operators import OPERATORS

        operator = OPERATORS.get(self.condition.kind)
        if operator is None:
            raise self._error("it does not say how", "Define `evaluate(self, context)` in it.")
        return operator(self)

    async def evaluate_async(self) -> AutomationResult[T_EntityKey]:
        """Return what `evaluate` returns, for a condition whose `evaluate` is `async`."""
        return self.evaluate()

    def for_child_condition(
        self,
        child_condition: AutomationCondition,
        child_indices: Sequence[int | None] = (0,),
        candidate_subset: EntitySubset[Any] | None = None,
    ) -> AutomationContext[Any]:
        """Return the context of a condition that this one is made of.

        It asks about the asset that `candidate_subset` is of; without one, about the same candidates.
        """
        candidates = self.candidate_subset if candidate_subset is None else candidate_subset
        index = next((index for index in child_indices if index is not None), 0)
        return self.child(child_condition, index, candidates)

    def child(
        self, condition: AutomationCondition, index: int, candidates: EntitySubset[Any]
    ) -> AutomationContext[Any]:
        return AutomationContext(
            self.evaluation, condition, candidates.key, candidates, parent=self, path=(*self.path, index)
        )

    def _error(self, reason: str, fix: str) -> AutomationConditionError:
        return AutomationConditionError(str(self.root_context.key), str(self.condition), reason, fix)

    # ------------------------------------------------------------------------------------------------------ what is now

    @property
    def asset_graph_view(self) -> AssetGraphView:
        """The assets and partitions that exist at this evaluation, and how they lie upstream and downstream."""
        return self.evaluation.view

    @property
    def asset_graph(self) -> AssetGraph:
        return self.evaluation.view.graph

    @property
    def facts(self) -> RecordedFacts:
        """What is recorded, as sets of partitions."""
        return self.evaluation.facts

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        """How the asset (or check) asked about is partitioned."""
        return self.evaluation.view.partitions_def(self.key)

    @property
    def evaluation_time(self) -> datetime:
        """The instant of this evaluation."""
        return self.evaluation.view.evaluated_at

    @property
    def max_storage_id(self) -> int:
        """The newest event that this evaluation sees."""
        return self.evaluation.facts.storage_id

    @property
    def log(self) -> logging.Logger:
        return logging.getLogger("headwater.automation")

    def get_empty_subset(self) -> EntitySubset[T_EntityKey]:
        """Return the set of no partitions of the asset asked about."""
        return self.evaluation.view.get_empty_subset(key=self.key)

    def get_full_subset(self) -> EntitySubset[T_EntityKey]:
        """Return the set of all partitions of the asset asked about that exist now."""
        return self.evaluation.view.get_full_subset(key=self.key)

    # -------------------------------------------------------------------------------------------------- what was before

    @property
    def previous_evaluation_time(self) -> datetime | None:
        """The instant of the evaluation before; None the first time."""
        return None if self.previous is None else datetime.fromtimestamp(self.previous.evaluated_at, UTC)

    @property
    def previous_max_storage_id(self) -> int | None:
        """The newest event that the evaluation before saw; None the first time."""
        return None if self.previous is None else self.previous.storage_id

    @cached_property
    def node_id(self) -> str:
        """The name under which a cursor keeps what this node knows: its meaning, and which asset it asks about.

        Labels and the rest of the tree have no part in it. A condition of the user's has a place as well, since
        only its author knows whether two of them mean the same.
        """
        return self._node_id_of(str(self.key))

    def _node_id_of(self, key: str) -> str:
        place = () if type(self.condition) is AutomationCondition else self.path
        text = encode_json([self.evaluation.meaning_of(self.condition), key, place])
        return blake2b(text.encode(), digest_size=12).hexdigest()

    @property
    def previous_state(self) -> NodeState | None:
        """What this node knew at the evaluation before."""
        if self.previous is None:
            return None
        found = self.previous.nodes.get(self.node_id)
        renames = self.evaluation.renames
        if found is None and renames is not None:
            # It was told of the asset under the key that it had then.
            asset = self.key.asset_key if isinstance(self.key, AssetCheckKey) else self.key
            then = renames.then(str(asset), self.previous.storage_id)
            if isinstance(self.key, AssetCheckKey):
                then = f"{then}:{self.key.name}"
            found = self.previous.nodes.get(self._node_id_of(then))
        return found

    def remember(self, true_subset: EntitySubset[Any] | None = None, text: str | None = None) -> None:
        """Keep what this node is to know at the next evaluation."""
        true = None if true_subset is None else subset_data(true_subset)
        self._new_states[self.node_id] = NodeState(true, None, text)

    @property
    def new_states(self) -> Mapping[str, NodeState]:
        return self._new_states

    @property
    def cursor(self) -> str | None:
        """The text that the AutomationResult of the evaluation before was given as `cursor`."""
        state = self.previous_state
        return None if state is None else state.text

    def get_structured_cursor(self, as_type: type[T]) -> T | None:
        """Return the cursor if it is of this type; only text is kept."""
        return self.cursor if isinstance(self.cursor, as_type) else None

    @property
    def previous_true_subset(self) -> EntitySubset[T_EntityKey] | None:
        """What was true at the evaluation before; None the first time. Kept of conditions of your own, and of states."""
        state = self.previous_state
        return None if state is None else self.evaluation.subset_from(self.key, state.true)

    @property
    def previous_candidate_subset(self) -> EntitySubset[T_EntityKey] | None:
        """What was asked about at the evaluation before; None the first time. Kept of conditions of your own."""
        state = self.previous_state
        return None if state is None else self.evaluation.subset_from(self.key, state.candidates)

    def get_previous_requested_subset(self, key: EntityKey) -> EntitySubset[Any] | None:
        """Return what the evaluation before asked for of an asset; None the first time."""
        return None if self.previous is None else self.evaluation.previously_requested(key)

    @property
    def previous_requested_subset(self) -> EntitySubset[T_EntityKey] | None:
        """What the evaluation before asked for of the asset asked about; None the first time."""
        return self.get_previous_requested_subset(self.key)

    def __repr__(self) -> str:
        return f'<AutomationContext of {self.condition} for "{self.key}">'


def _meaning(condition: AutomationCondition) -> Any:
    if type(condition) is not AutomationCondition:
        return {name: value for name, value in condition.to_data().items() if name != "label"}
    return [condition.kind, condition.parameters, [_meaning(child) for child in condition.children]]


def _awaited(result: Any) -> Any:
    """Return what an `async def evaluate` returns, also when the caller itself runs in an event loop."""
    import asyncio
    from threading import Thread

    async def wait() -> Any:
        return await result

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    found: list[Any] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(asyncio.run(wait()))
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=run, name="headwater-automation-condition")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return found[0]
