"""Errors in how assets hang together, and in the text of a selection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from headwater.model.errors.definition import InvalidDefinitionError, InvalidSubsetError, InvariantViolationError
from headwater.model.errors.root import HeadwaterError, did_you_mean, did_you_mean_or

if TYPE_CHECKING:
    from headwater.model.keys import AssetCheckKey, AssetKey


class UnknownUpstream(InvalidDefinitionError):
    """An asset loads the value of an asset that no definition provides."""

    code = "unknown-upstream"

    def __init__(self, asset: AssetKey, upstream: AssetKey, known: Iterable[str]) -> None:
        self.asset = asset
        self.upstream = upstream
        super().__init__(
            what=f'Asset "{asset}" loads the value of "{upstream}", which no definition provides.',
            why="A run could not know where its input is kept, so nothing was loaded.",
            fix=did_you_mean_or(
                str(upstream), known, f'define it, or declare it with AssetSpec("{upstream}"), or make it a resource.'
            ),
        )


class AssetCycle(InvalidDefinitionError):
    """Assets depend on each other in a circle. `path` follows the data and ends where it begins."""

    code = "asset-cycle"

    def __init__(self, path: Sequence[AssetKey | AssetCheckKey]) -> None:
        self.path = tuple(path)
        super().__init__(
            what=f"Assets depend on each other in a circle: {' -> '.join(str(key) for key in self.path)}.",
            why="None of them could be built first.",
            fix=(
                "Take one of these dependencies away."
                if len(set(self.path)) > 1
                else f'Take "{self.path[0]}" out of its own dependencies, or give that dependency a partition mapping '
                "that reads earlier partitions."
            ),
        )


class DuplicateAssetKey(InvalidDefinitionError):
    """Two definitions provide the same asset."""

    code = "duplicate-asset-key"

    def __init__(self, key: AssetKey, first: str | None = None, second: str | None = None) -> None:
        self.key = key
        super().__init__(
            what=f'Asset "{key}" is defined twice' + (f": by {first}, and by {second}." if first and second else "."),
            why="A key names one asset, so it would be unclear which of them a run builds.",
            fix="Rename one of them, give one a key prefix, or take one away.",
        )


class DuplicateAssetCheck(InvalidDefinitionError):
    """Two definitions provide the same check of the same asset."""

    code = "duplicate-asset-check"

    def __init__(self, key: AssetCheckKey) -> None:
        self.key = key
        super().__init__(
            what=f'Check "{key.name}" of asset "{key.asset_key}" is defined twice.',
            why="Results are recorded by this name, so the two could not be told apart.",
            fix="Rename one of them, or take one away.",
        )


class CheckOnUnknownAsset(InvalidDefinitionError):
    """A check is about an asset of which nothing else speaks."""

    code = "check-on-unknown-asset"

    def __init__(self, check: AssetCheckKey, known: Iterable[str]) -> None:
        self.check = check
        super().__init__(
            what=f'Check "{check.name}" is about asset "{check.asset_key}", which no definition provides.',
            why="It would never run, and the asset that was meant would stay unchecked.",
            fix=did_you_mean_or(
                str(check.asset_key), known, f'define it, or declare it with AssetSpec("{check.asset_key}").'
            ),
        )


class PartitionsDoNotMap(InvalidDefinitionError, InvariantViolationError):
    """The partitions of an asset cannot be found from the partitions of the asset downstream of it."""

    code = "partitions-do-not-map"

    def __init__(self, downstream: AssetKey, upstream: AssetKey, problem: str) -> None:
        self.downstream = downstream
        self.upstream = upstream
        super().__init__(
            what=f'The partitions of "{downstream}" do not map to those of its upstream "{upstream}": {problem}',
            why="A run could not know which partitions to read.",
            fix=f'Give the dependency a mapping that fits: AssetDep("{upstream}", partition_mapping=...).',
        )


class InvalidAssetSelectionError(HeadwaterError):
    """A selection that cannot be read."""

    code = "invalid-selection"


class SelectionSyntaxError(InvalidAssetSelectionError):
    """The text of a selection cannot be read; shown with a caret under the place. `position` counts from 0."""

    code = "selection-syntax"

    def __init__(self, text: str, position: int, length: int, problem: str, example: str) -> None:
        self.text = text
        self.position = position
        self.problem = problem
        shown = "".join(" " if letter.isspace() else letter for letter in text)
        super().__init__(
            what=f"{problem}\n  {shown}\n  {' ' * position}{'^' * max(1, length)}\n",
            why="The selection was not understood, so nothing was selected.",
            fix=f"An example: {example}",
        )


class UnknownInSelection(InvalidSubsetError):
    """A selection names, exactly, an asset or check that does not exist."""

    code = "unknown-in-selection"

    def __init__(self, clause: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.clause = clause
        self.name = name
        super().__init__(
            what=f'The selection names "{name}" (in the clause {clause}), which does not exist.',
            why="Nothing was selected.",
            fix=did_you_mean(name, known) + (hint or "Check the spelling, and that its definition is loaded."),
        )


class UnknownAsset(InvalidSubsetError):
    """One asset was asked for by its key, and there is none."""

    code = "unknown-asset"

    def __init__(self, name: str, known: Iterable[str], hint: str) -> None:
        self.name = name
        super().__init__(
            what=f'There is no asset "{name}".',
            why="No definition of the project has this key.",
            fix=did_you_mean(name, known) + hint,
        )


class NothingSelected(InvalidSubsetError):
    """A selection matches no asset and no check. `clauses` are those of its parts that match nothing."""

    code = "nothing-selected"

    def __init__(self, selection: str, clauses: Sequence[str], hints: Sequence[str]) -> None:
        self.selection = selection
        self.clauses = tuple(clauses)
        empty = ", ".join(clauses)
        why = {
            0: "Each of its clauses matches something, but together they leave nothing.",
            1: f"The clause {empty} matches nothing.",
        }.get(len(clauses), f"The clauses {empty} match nothing.")
        super().__init__(
            what=f"The selection {selection} matches no asset.",
            why=why,
            fix=" ".join(hints) or "Widen the selection, or list what there is with * as the selection.",
        )
