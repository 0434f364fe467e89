"""What a condition is worth: for which partitions it holds, and why, as a tree of the results it follows from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic

from headwater.automation.entity_subset import EntitySubset, T_EntityKey
from headwater.model.conditions import AutomationCondition
from headwater.model.keys import AssetKey

if TYPE_CHECKING:
    from headwater.automation.context import AutomationContext

# Of the ranges of partitions for which a node holds, so many are named.
_RANGES_SHOWN = 5


class AutomationResult(Generic[T_EntityKey]):
    """What `AutomationCondition.evaluate` returns: `true_subset`, the partitions for which the condition holds now.

    `cursor` is a text that the context of the next evaluation has as `context.cursor`; `child_results` are what it follows
    from, for those who ask why.
    """

    __slots__ = ("candidate_subset", "child_results", "condition", "context", "cursor", "key", "true_subset")

    def __init__(
        self,
        context: AutomationContext[Any],
        true_subset: EntitySubset[T_EntityKey],
        cursor: str | None = None,
        child_results: Iterable[AutomationResult[Any]] | None = None,
    ) -> None:
        self.context = context
        self.condition: AutomationCondition = context.condition
        self.key: T_EntityKey = context.key
        self.candidate_subset: EntitySubset[T_EntityKey] = context.candidate_subset
        self.true_subset = true_subset
        self.cursor = cursor
        self.child_results: Sequence[AutomationResult[Any]] = tuple(child_results or ())

    def within(self, candidates: EntitySubset[T_EntityKey]) -> AutomationResult[T_EntityKey]:
        """Return the same for these candidates only."""
        return AutomationResult(self.context, self.true_subset & candidates, self.cursor, self.child_results)

    def to_data(self) -> dict[str, Any]:
        """Return why, as plain JSON values.

        Each node has: condition (as one would write it), label, kind, key (what it asks about), candidates and true (how
        many partitions, 1 or 0 of what has none), partitions (ranges of keys for which it holds: the first few) and
        children. The children of an "and" are asked about what the ones before left over.
        """
        return {
            "condition": str(self.condition),
            "label": self.condition.label,
            "kind": self.condition.kind,
            "key": str(self.key),
            "key_type": "asset" if isinstance(self.key, AssetKey) else "check",
            "candidates": self.candidate_subset.size,
            "true": self.true_subset.size,
            "partitions": self._ranges(),
            "children": [child.to_data() for child in self.child_results],
        }

    def _ranges(self) -> list[str]:
        value = self.true_subset.value
        if isinstance(value, bool) or not value:
            return []
        ranges = value.ranges(self.context.evaluation.view.store)[:_RANGES_SHOWN]
        return [start if start == end else f"{start}...{end}" for start, end in ranges]

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Yield why, for people: one line for each node, "1 of 9  missing()", indented by depth."""
        asked = self.context.parent_context
        of = f"  [{self.key}]" if asked is None or asked.key != self.key else ""
        yield f"{'  ' * depth}{self.true_subset.size:,} of {self.candidate_subset.size:,}  {self.condition}{of}"
        for child in self.child_results:
            yield from child.lines(depth + 1)

    def pprint(self, indent: int = 0) -> str:
        """Return why, as text for people."""
        return "\n".join(self.lines(indent))

    def __repr__(self) -> str:
        return f'<AutomationResult of {self.condition} for "{self.key}": {self.true_subset.size}>'
