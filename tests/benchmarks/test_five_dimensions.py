"""What the benchmark of five dimensions works on is what it says; memory is counted, times are not."""

from __future__ import annotations

import pytest

from benchmarks.five_dimensions import CELLS, LIMIT_BYTES, by_dimension, bytes_of, cells_at_random, declared, made
from headwater.model.partitions.own_mapping import size_of


def test_sets_of_ten_million_cells_are_what_python_sets_would_be():
    definition = declared()
    cells = cells_at_random(definition)
    full, some, sliced, rest = (made(name, definition) for name in ("full", "random", "slice", "minus"))
    assert size_of(full) == CELLS
    assert set(some) == set(cells)
    assert size_of(sliced) == 365 * 100 * 5 * 2
    assert size_of(rest) == CELLS - len(set(cells))
    assert rest | some == full
    assert (full - rest) == some
    assert all(cell in some and cell not in rest for cell in cells[:50])
    for each in (full, some, sliced, rest):
        assert definition.deserialize_subset(each.serialize()) == each


def test_a_set_of_many_cells_is_mapped_as_its_cells_are():
    definition, mapping = declared(), by_dimension()
    some = definition.subset_with_partition_keys(cells_at_random(definition, 40))
    one_by_one = definition.empty_subset()
    below = definition.empty_subset()
    for cell in some:
        alone = definition.subset_with_partition_keys([cell])
        one_by_one |= mapping.upstream_of(alone, definition).partitions_subset
        below |= mapping.downstream_of(alone, definition)
    assert mapping.upstream_of(some, definition).partitions_subset == one_by_one
    assert mapping.downstream_of(some, definition) == below


@pytest.mark.parametrize("name", ["full", "minus"])
def test_a_set_takes_little_memory(name):
    assert bytes_of(name) <= LIMIT_BYTES
