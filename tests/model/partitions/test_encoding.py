import json
from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from headwater.model.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
    UnreadablePartitionsError,
    WeeklyPartitionsDefinition,
    partition_mapping_from_data,
    partitions_definition_from_data,
)
from tests.model.partitions.strategies import definitions

simple_mappings = st.sampled_from(
    [
        AllPartitionMapping(),
        IdentityPartitionMapping(),
        LastPartitionMapping(),
        MultiToSingleDimensionPartitionMapping("date"),
        SpecificPartitionsPartitionMapping(["a", "b"]),
        StaticPartitionMapping({"a": "x", "b": ["x", "y"]}),
    ]
) | st.builds(TimeWindowPartitionMapping, st.integers(-5, 5), st.integers(-5, 5), st.booleans())
mappings = simple_mappings | st.dictionaries(st.sampled_from(["a", "b"]), simple_mappings).map(
    lambda inner: MultiPartitionMapping(
        {name: DimensionPartitionMapping(name.upper(), mapping) for name, mapping in inner.items()}
    )
)


@given(definitions)
def test_a_definition_reads_back_as_it_was_written(definition):
    data = json.loads(json.dumps(definition.to_data()))
    again = partitions_definition_from_data(data)
    assert again == definition
    assert type(again) is type(definition)
    assert again.to_data() == definition.to_data()
    assert again.get_serializable_unique_identifier() == definition.get_serializable_unique_identifier()


@given(mappings)
def test_a_mapping_reads_back_as_it_was_written(mapping):
    assert partition_mapping_from_data(json.loads(json.dumps(mapping.to_data()))) == mapping


def test_a_fingerprint_stays_the_same_from_release_to_release():
    days = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Paris", exclusions=[datetime(2024, 5, 1)])
    assert days.get_serializable_unique_identifier() == "6b3089a932e479f781d63837347c49463f86733d"
    letters = StaticPartitionsDefinition(["a", "b"])
    assert letters.get_serializable_unique_identifier() == "86d2d823d08d6b07041a3c9fce9408589072b315"


def test_equal_definitions_share_a_fingerprint_however_they_were_written():
    aliased = TimeWindowPartitionsDefinition(start="2024-01-01", fmt="%Y-%m-%d", cron_schedule="@daily")
    days = DailyPartitionsDefinition("2024-01-01")
    assert aliased == days
    assert aliased.get_serializable_unique_identifier() == days.get_serializable_unique_identifier()


def test_different_definitions_have_different_fingerprints():
    different = [
        DailyPartitionsDefinition("2024-01-01"),
        DailyPartitionsDefinition("2024-01-02"),
        WeeklyPartitionsDefinition("2024-01-01"),
        StaticPartitionsDefinition(["a"]),
        DynamicPartitionsDefinition("a"),
    ]
    assert len({one.get_serializable_unique_identifier() for one in different}) == len(different)


class Custom(PartitionMapping):
    def get_upstream_mapped_partitions_result_for_partitions(self, *args, **kwargs):
        raise AssertionError

    def get_downstream_partitions_for_partitions(self, *args, **kwargs):
        raise AssertionError


def test_a_mapping_of_ones_own_is_named_but_cannot_be_read_back():
    with pytest.raises(UnreadablePartitionsError, match=r"test_encoding\.Custom"):
        partition_mapping_from_data(Custom().to_data())


@pytest.mark.parametrize("data", [{}, {"kind": "lunar"}, {"kind": "static"}, {"kind": "time_window", "start": None}])
def test_data_that_is_no_definition_is_refused(data):
    with pytest.raises(UnreadablePartitionsError):
        partitions_definition_from_data(data)
