"""The selection language: which assets and checks are meant, in text or in Python."""

from headwater.graph.selection.resolution import EmptyClause
from headwater.graph.selection.tree import AssetSelection
from headwater.model.errors.graph import (
    InvalidAssetSelectionError,
    NothingSelected,
    SelectionSyntaxError,
    UnknownInSelection,
)

__all__ = [
    "AssetSelection",
    "EmptyClause",
    "InvalidAssetSelectionError",
    "NothingSelected",
    "SelectionSyntaxError",
    "UnknownInSelection",
]
