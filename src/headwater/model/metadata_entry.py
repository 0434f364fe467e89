"""Metadata in its oldest form: a value with its label."""

from __future__ import annotations

from typing import Any

from headwater.model.metadata import MetadataValue, normalize_metadata_value


class MetadataEntry:
    """One labelled value. Newer code writes metadata as a mapping of labels to values."""

    __slots__ = ("description", "entry_data", "label")

    def __init__(self, label: str, description: str | None = None, entry_data: Any = None, value: Any = None) -> None:
        self.label = label
        self.description = description
        self.entry_data: MetadataValue = normalize_metadata_value(label, value if value is not None else entry_data)

    @property
    def value(self) -> MetadataValue:
        """The value; its own `value` is the plain one."""
        return self.entry_data

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MetadataEntry):
            return NotImplemented
        mine = (self.label, self.description, self.entry_data)
        return mine == (other.label, other.description, other.entry_data)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"MetadataEntry({self.label!r}, {self.entry_data!r})"
