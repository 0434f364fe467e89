"""Metadata as people and programs read it: stored entries become one line of text, or plain JSON values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headwater.views.words import first_line, instant_in_words


def metadata_as_data(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bare values of stored metadata, as JSON values, by name."""
    return {name: _bare(entry) for name, entry in metadata.items()}


def metadata_in_words(entry: Any) -> str:
    """Return one stored entry as one line of text."""
    value = _bare(entry)
    kind = entry.get("kind") if isinstance(entry, Mapping) else None
    if kind == "asset" and isinstance(value, list):
        return "/".join(map(str, value))
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            if kind == "timestamp":
                return instant_in_words(value)
            return f"{value:,.6g}" if abs(value) < 1e15 else f"{value:g}"
        case str():
            lines = value.strip().splitlines()
            more = f" (+{len(lines) - 1} lines)" if len(lines) > 1 else ""
            return first_line(value, 160) + more
        case {"records": list(records)}:
            return f"a table of {len(records)} rows"
        case {"columns": list(columns)}:
            return ", ".join(str(column.get("name", column)) for column in columns if isinstance(column, Mapping))
    return first_line(json.dumps(value, ensure_ascii=False, default=str), 160)


def measures_in_words(metadata: Mapping[str, Any], beside: str | None = None) -> list[str]:
    """Return "rows=3" for each entry. Beside a description, long texts that are to be rendered (Markdown) are left out."""
    return [
        f"{name}={metadata_in_words(entry)}"
        for name, entry in metadata.items()
        if not (beside and isinstance(entry, Mapping) and entry.get("kind") == "md")
    ]


def _bare(entry: Any) -> Any:
    return entry["value"] if isinstance(entry, Mapping) and "kind" in entry and "value" in entry else entry
