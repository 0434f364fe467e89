"""Mappings that users write: by set or by key, one direction or both, and what they do wrong."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import pytest

from headwater.model.errors.partition_mapping import OneWayMappingError, PartitionMappingError
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    HourlyPartitionsDefinition,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    PartitionMapping,
    StaticPartitionsDefinition,
    UpstreamPartitionsResult,
    mapping_problem,
)

DAYS = DailyPartitionsDefinition("2024-01-01", "2024-02-01")
LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
EDGE = ("letters", "words")


class DayBefore(PartitionMapping):
    def upstream_keys_of(self, partition_key):
        return str(datetime.date.fromisoformat(partition_key) - datetime.timedelta(days=1))


class LenientDayBefore(DayBefore):
    allow_nonexistent_upstream_partitions = True


class DayAfter(PartitionMapping):
    def downstream_keys_of(self, partition_key):
        return [str(datetime.date.fromisoformat(partition_key) + datetime.timedelta(days=1))]


class AsWrittenForDagster(PartitionMapping, NamedTuple("AsWrittenForDagster", [("letter", str)])):
    """By set, both directions, as a named tuple: how such programs look."""

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset,
        downstream_partitions_def,
        upstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        found = upstream_partitions_def.empty_subset().with_partition_keys([self.letter])
        return UpstreamPartitionsResult(
            partitions_subset=found, required_but_nonexistent_subset=upstream_partitions_def.empty_subset()
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset,
        upstream_partitions_def,
        downstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        if self.letter not in upstream_partitions_subset:
            return downstream_partitions_def.empty_subset()
        return downstream_partitions_def.subset_with_partition_keys(downstream_partitions_def.get_partition_keys())

    def validate_partition_mapping(self, upstream_partitions_def, downstream_partitions_def):
        assert self.letter in upstream_partitions_def.get_partition_keys(), f"no {self.letter}"

    @property
    def description(self):
        return f"Needs {self.letter}."


def up(mapping, keys, downstream_def=DAYS, upstream_def=DAYS):
    result = mapping.upstream_of(downstream_def.subset_with_partition_keys(keys), upstream_def, edge=EDGE)
    return list(result.partitions_subset), result.required_but_nonexistent_partition_keys


def down(mapping, keys, upstream_def=DAYS, downstream_def=DAYS):
    return list(mapping.downstream_of(upstream_def.subset_with_partition_keys(keys), downstream_def, edge=EDGE))


@pytest.mark.parametrize("mapping", [DayBefore(), DayAfter()])
def test_one_direction_by_key_is_enough(mapping):
    assert up(mapping, ["2024-01-05", "2024-01-09"])[0] == ["2024-01-04", "2024-01-08"]
    assert down(mapping, ["2024-01-04", "2024-01-31"]) == ["2024-01-05"]


def test_what_is_needed_and_is_not_there_is_told_unless_the_mapping_says_otherwise():
    assert up(DayBefore(), ["2024-01-01", "2024-01-02"]) == (["2024-01-01"], ["2023-12-31"])
    assert up(LenientDayBefore(), ["2024-01-01", "2024-01-02"]) == (["2024-01-01"], [])


def test_mappings_written_for_dagster_run():
    mapping = AsWrittenForDagster("b")
    assert mapping_problem(LETTERS, DAYS, mapping) is None
    assert up(mapping, ["2024-01-05"], DAYS, LETTERS) == (["b"], [])
    assert len(down(mapping, ["a", "b"], LETTERS, DAYS)) == 31
    assert down(mapping, ["a"], LETTERS, DAYS) == []
    problem = mapping_problem(LETTERS, DAYS, AsWrittenForDagster("z"))
    assert problem.startswith("AsWrittenForDagster.validate_partition_mapping raised AssertionError: no z")

    class WithoutFields(DayBefore, NamedTuple("WithoutFields", [])): ...

    assert WithoutFields()


def test_a_mapping_of_ones_own_maps_a_dimension():
    grid = MultiPartitionsDefinition({"day": DAYS, "letter": LETTERS})
    mapping = MultiPartitionMapping({"day": DimensionPartitionMapping("day", DayBefore())})
    assert up(mapping, ["2024-01-05|a"], grid, grid)[0] == ["2024-01-04|a", "2024-01-04|b", "2024-01-04|c"]
    assert len(down(mapping, ["2024-01-05|a"], grid, grid)) == 3


class Gives(PartitionMapping):
    def __init__(self, answer):
        self.answer = answer

    def upstream_keys_of(self, partition_key):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def get_downstream_partitions_for_partitions(self, *args):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (KeyError("x"), "raised KeyError: 'x'"),
        (AssertionError(), "raised AssertionError"),
        (None, "returned None"),
        (5, "returned 5, an int"),
        ([5], "returned 5, an int, among the keys"),
        ({"a": 1}, "returned {'a': 1}, a dict"),
        ("zz", 'returned "zz", which is no partition of 3 static keys ("a", "b", "c")'),
        (["a", "bb"], 'returned "bb", which is no partition'),
        (DAYS.subset_with_partition_keys(["2024-01-01"]), "returned partitions of daily"),
    ],
)
def test_what_a_mapping_does_wrong_names_it_and_both_assets(answer, told):
    for ask, asked in (
        (lambda: up(Gives(answer), ["a"], LETTERS, LETTERS), 'what the partition "a" needs upstream'),
        (lambda: down(Gives(answer), ["a"], LETTERS, LETTERS), 'which downstream partitions need the partition "a"'),
    ):
        with pytest.raises(PartitionMappingError) as caught:
            ask()
        error = caught.value
        assert error.what.startswith('The partition mapping Gives from "letters" to "words" ' + told), error.what
        assert asked in error.what
        assert error.why
        assert error.fix
        assert error.user_exception is (answer if isinstance(answer, Exception) else None)


def test_what_an_iterator_raises_is_the_mappings_too():
    class Breaks(PartitionMapping):
        def upstream_keys_of(self, partition_key):
            yield "a"
            raise OSError("gone")

    with pytest.raises(PartitionMappingError, match="raised OSError: gone"):
        up(Breaks(), ["a"], LETTERS, LETTERS)


def test_an_error_inside_a_mapping_of_mappings_names_the_assets():
    grid = MultiPartitionsDefinition({"letter": LETTERS})
    mapping = MultiPartitionMapping({"letter": DimensionPartitionMapping("letter", Gives(None))})
    with pytest.raises(PartitionMappingError, match='Gives from "letters" to "words" returned None'):
        up(mapping, ["a"], grid, grid)
    joined = DayBefore() | Gives(None)
    with pytest.raises(PartitionMappingError, match="returned None"):
        up(joined, ["2024-01-05"])


def test_the_direction_that_is_left_out_is_not_looked_for_among_very_many():
    hours = HourlyPartitionsDefinition("1990-01-01-00:00", "2020-01-01-00:00")
    with pytest.raises(OneWayMappingError, match="262,968 partitions") as caught:
        down(DayBefore(), ["2024-01-05"], DAYS, hours)
    assert "get_downstream_partitions_for_partitions" in caught.value.fix


def test_a_mapping_that_says_nothing_is_a_mistake_in_the_definitions():
    class Silent(PartitionMapping): ...

    assert "says nothing" in mapping_problem(LETTERS, LETTERS, Silent())
    assert "write Silent(...)" in mapping_problem(LETTERS, LETTERS, Silent)
    assert "a str" in mapping_problem(LETTERS, LETTERS, "identity")
    assert "downstream there are none" in mapping_problem(DAYS, None, DayBefore())


def test_a_description_that_raises_is_told_of():
    class Shy(DayBefore):
        @property
        def description(self):
            raise RuntimeError("no words")

    assert "no words" in (Shy() | DayBefore()).description
