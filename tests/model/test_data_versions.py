"""Versions of content, as they are declared and as they are recorded."""

from __future__ import annotations

import pytest

import headwater as hw
from headwater.model.data_versions import extract_data_provenance_from_entry, extract_data_version_from_entry

DAYS = hw.StaticPartitionsDefinition(["mon", "tue"])


def test_versions_by_partition_take_text_and_versions() -> None:
    given = hw.DataVersionsByPartition({"mon": "1", "tue": hw.DataVersion("2")})
    assert given.data_versions_by_partition == {"mon": hw.DataVersion("1"), "tue": hw.DataVersion("2")}
    assert given == hw.DataVersionsByPartition({"tue": "2", "mon": "1"})
    with pytest.raises(hw.CheckError, match="text"):
        hw.DataVersionsByPartition({"mon": 1})  # type: ignore[dict-item]


@hw.observable_source_asset(partitions_def=DAYS)
def upstream() -> hw.DataVersionsByPartition:
    return hw.DataVersionsByPartition({"mon": "1", "tue": "2"})


def test_observing_a_partitioned_source_records_the_version_of_each_partition() -> None:
    with hw.Instance.ephemeral() as instance:
        hw.observe([upstream], instance=instance)
        seen = {
            record.partition_key: extract_data_version_from_entry(record.event_log_entry)
            for record in instance.fetch_observations(hw.AssetKey("upstream"), limit=10).records
        }
        assert seen == {"mon": hw.DataVersion("1"), "tue": hw.DataVersion("2")}
        record = instance.get_latest_data_version_record(hw.AssetKey("upstream"), partition_key="tue")
        assert record is not None
        assert record.asset_observation is not None
        assert record.asset_observation.data_version == "2"


def test_a_run_of_one_partition_observes_that_one_only() -> None:
    with hw.Instance.ephemeral() as instance:
        hw.observe([upstream], instance=instance, partition_key="mon")
        records = instance.fetch_observations(hw.AssetKey("upstream"), limit=10).records
        assert [record.partition_key for record in records] == ["mon"]


def test_versions_of_partitions_that_there_are_not_are_refused() -> None:
    @hw.observable_source_asset(partitions_def=DAYS)
    def other() -> hw.DataVersionsByPartition:
        return hw.DataVersionsByPartition({"someday": "1"})

    @hw.observable_source_asset
    def whole() -> hw.DataVersionsByPartition:
        return hw.DataVersionsByPartition({"mon": "1"})

    with hw.Instance.ephemeral() as instance:
        with pytest.raises(hw.UnknownPartitionError, match="someday"):
            hw.observe([other], instance=instance)
        with pytest.raises(hw.HeadwaterError, match="not partitioned"):
            hw.observe([whole], instance=instance)


def test_an_asset_is_told_what_it_was_made_from() -> None:
    told: list[hw.DataProvenance | None] = []

    @hw.asset
    def source() -> hw.Output[int]:
        return hw.Output(1, data_version=hw.DataVersion("s1"))

    @hw.asset(code_version="c1")
    def made(context: hw.AssetExecutionContext, source: int) -> int:
        told.append(context.get_asset_provenance(context.asset_key))
        return source

    with hw.Instance.ephemeral() as instance:
        hw.materialize([source, made], instance=instance)
        hw.materialize([source, made], instance=instance)
        assert told[0] is None
        assert told[1] is not None
        assert told[1].code_version == "c1"
        assert told[1].input_data_versions == {hw.AssetKey("source"): hw.DataVersion("s1")}
        assert told[1].has_input_asset(hw.AssetKey("source"))
        record = instance.get_latest_materialization_event(hw.AssetKey("made"))
        assert extract_data_provenance_from_entry(record) == told[1]
        assert record is not None
        tags = record.event.materialization.tags
        assert tags["dagster/code_version"] == "c1"
        assert tags["dagster/input_data_version/source"] == "s1"
        assert hw.DataProvenance.from_tags(tags) == told[1]


def test_a_program_may_report_a_data_version_under_the_other_spelling() -> None:
    with hw.Instance.ephemeral() as instance:
        instance.report_runless_asset_event(hw.AssetMaterialization("x", tags={"dagster/data_version": "7"}))
        (record,) = instance.fetch_materializations(hw.AssetKey("x"), limit=1).records
        assert extract_data_version_from_entry(record) == hw.DataVersion("7")


def test_a_page_ends_where_the_next_begins() -> None:
    keys = [f"k{number}" for number in range(5)]
    first = hw.PaginatedResults.create_from_sequence(keys, limit=2, ascending=True)
    second = hw.PaginatedResults.create_from_sequence(["new", *keys], 2, True, first.cursor)
    assert (first.results, second.results, second.has_more) == (["k0", "k1"], ["k2", "k3"], True)
    last = hw.PaginatedResults.create_from_sequence(keys, 2, False, '"k1"')
    assert (last.results, last.has_more) == (["k0"], False)
    with pytest.raises(hw.CheckError, match="not a cursor"):
        hw.PaginatedResults.create_from_sequence(keys, 2, True, "gone")


def test_a_metadata_entry_holds_a_value_and_its_label() -> None:
    entry = hw.MetadataEntry("rows", value=3)
    assert (entry.label, entry.value, entry) == ("rows", hw.IntMetadataValue(3), hw.MetadataEntry("rows", None, 3))
