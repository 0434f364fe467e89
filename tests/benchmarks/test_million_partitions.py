"""What the benchmark of a million partitions asks is answered right, of a few hundred; how quickly is for the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.million_partitions import KINDS, hours, opened, probe, record
from headwater.model.runs import Run


@pytest.mark.parametrize("kind", KINDS)
def test_the_status_of_every_kind_of_partitions_is_told(kind: str, tmp_path: Path) -> None:
    place, count = str(tmp_path / "store.sqlite"), 700
    keys = hours(count).get_partition_keys()
    with opened(place) as store:
        store.create_run(Run("run", "all"))
        record(store, keys[:600])
        store.add_dynamic_partitions("hours", keys)
    for _ in range(2):
        found = probe(place, kind, count, traced=False)
        assert (found["materialized"], found["missing"], found["unreachable"]) == (600, 100, 0)
