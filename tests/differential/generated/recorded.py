"""The generated specs that are written down, with what Dagster recorded for each: one file for each kind."""

from __future__ import annotations

import json
from pathlib import Path

from tests.differential.comparison import EXPECTED
from tests.differential.generated.engines import Drawn, Record

# How many specs of each kind are written down; they are drawn with the seed 0.
COUNTS = {"graphs": 40, "failures": 35, "partitions": 40, "mappings": 60, "configs": 50, "jobs": 35}


def path_of(kind: str) -> Path:
    """Return where the specs of a kind are written down."""
    return EXPECTED / f"generated_{kind}.json"


def read(kind: str) -> list[tuple[Drawn, Record]]:
    """Return the specs of a kind and what Dagster recorded."""
    pairs = json.loads(path_of(kind).read_text())
    return [((kind, pair["spec"]), pair["record"]) for pair in pairs]


def write(kind: str, drawn: list[Drawn], records: list[Record]) -> None:
    """Write specs down with their records, one a line."""
    pairs = [{"spec": spec, "record": record} for (_, spec), record in zip(drawn, records, strict=True)]
    lines = [json.dumps(pair, sort_keys=True, separators=(",", ":")) for pair in pairs]
    path_of(kind).write_text("[\n" + ",\n".join(lines) + "\n]\n")
