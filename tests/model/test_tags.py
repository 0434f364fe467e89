"""Tags under both spellings."""

import json
import pickle

import pytest
from hypothesis import given, strategies as st

from headwater.model.codec import decode_json, encode_json
from headwater.model.metadata import IntMetadataValue
from headwater.model.results import AssetMaterialization
from headwater.model.runs import Run, RunsFilter
from headwater.model.specs import AssetSpec
from headwater.model.tags import SYSTEM_TAGS, Metadata, Tags, stored_name

NAMES = st.one_of(
    st.sampled_from(sorted(SYSTEM_TAGS)).map("dagster/{}".format),
    st.sampled_from(sorted(SYSTEM_TAGS)).map("headwater/{}".format),
    st.text(max_size=8),
)


@given(st.dictionaries(NAMES, st.text(max_size=4)))
def test_what_is_set_under_any_spelling_is_read_under_that_spelling(given_tags):
    tags = Tags(given_tags)
    last = {stored_name(name): value for name, value in given_tags.items()}
    for name in given_tags:
        assert name in tags
        assert tags[name] == tags.get(name) == last[stored_name(name)]


def test_a_system_tag_is_found_under_both_spellings_and_listed_as_ours():
    tags = Tags({"dagster/partition": "a", "dagster/partition/region": "eu", "team": "x"})
    assert tags["dagster/partition"] == tags["headwater/partition"] == tags.get("dagster/partition") == "a"
    assert list(tags) == ["headwater/partition", "headwater/partition/region", "team"]
    assert tags.pop("dagster/partition") == "a"
    assert "headwater/partition" not in tags
    tags["dagster/priority"] = "3"
    assert tags == {"headwater/partition/region": "eu", "team": "x", "dagster/priority": "3"}


def test_a_hidden_system_tag_is_the_same_as_ours():
    assert stored_name(".dagster/scheduled_execution_time") == "headwater/scheduled_execution_time"


@pytest.mark.parametrize("name", ["dagster/mine", "my/dagster/partition", "dagster", "notdagster/partition", ""])
def test_a_tag_without_meaning_stays_as_it_was_written(name):
    assert list(Tags({name: "1"})) == [name]


def test_tags_are_a_mapping_that_can_be_written_copied_and_joined():
    tags = Tags({"dagster/partition": "a"})
    assert json.loads(json.dumps(tags)) == decode_json(encode_json(tags)) == {"headwater/partition": "a"}
    assert pickle.loads(pickle.dumps(tags)) == tags
    assert {**tags} == {"headwater/partition": "a"}
    assert (tags | {"dagster/partition": "b"}) == {"headwater/partition": "b"}
    assert ({"dagster/partition": "b"} | tags) == {"headwater/partition": "a"}
    assert tags.copy() == tags
    assert tags != {"headwater/partition": "b"}


def test_runs_and_filters_take_both_spellings():
    run = Run("r", "j", tags={"dagster/partition": "a"})
    assert run.tags["dagster/partition"] == run.tags["headwater/partition"] == "a"
    assert dict(RunsFilter(tags={"dagster/partition": ["a", "b"]}).tags) == {"headwater/partition": ["a", "b"]}


@pytest.mark.parametrize(("written", "asked"), [("headwater", "dagster"), ("dagster", "headwater")])
def test_metadata_is_found_under_both_spellings_and_listed_as_it_was_written(written, asked):
    metadata = Metadata({f"{written}/row_count": 3, "team": "x"})
    assert metadata[f"{asked}/row_count"] == metadata.get(f"{asked}/row_count") == 3
    assert f"{asked}/row_count" in metadata
    assert list(metadata) == [f"{written}/row_count", "team"]
    assert metadata == {f"{written}/row_count": 3, "team": "x"}
    assert metadata.get(f"{asked}/other", 5) == 5
    assert f"{asked}/team" not in metadata
    with pytest.raises(KeyError):
        metadata[f"{asked}/other"]
    assert pickle.loads(pickle.dumps(metadata)).copy()[f"{asked}/row_count"] == 3


def test_metadata_of_assets_and_of_what_is_recorded_reads_under_both_spellings():
    assert AssetSpec("orders").with_io_manager_key("lake").metadata["dagster/io_manager_key"] == "lake"
    recorded = AssetMaterialization("orders", metadata={"headwater/row_count": 3})
    assert recorded.metadata["dagster/row_count"] == IntMetadataValue(3)
