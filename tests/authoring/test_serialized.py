"""Values of the vocabulary are written as text, and come back equal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import headwater as hw
from headwater.model.errors.serialized import DeserializationError, SerializationError

parts = st.text("ab_\u00e9 .", min_size=1, max_size=4)
keys = st.lists(parts, min_size=1, max_size=3).map(hw.AssetKey)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | keys,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5).filter(lambda key: not key.startswith("__")), inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(plain)
def test_what_is_written_comes_back_equal(value: Any):
    read = hw.deserialize_value(hw.serialize_value(value))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        hw.AssetCheckKey(hw.AssetKey("orders"), "few"),
        hw.DataVersion("abc"),
        hw.PartitionKeyRange("2024-01-01", "2024-01-31"),
        hw.TimeWindow(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)),
        hw.MultiPartitionKey({"day": "2024-01-01", "region": "north"}),
        hw.DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin"),
        hw.StaticPartitionsDefinition(["a", "b"]),
        hw.LastPartitionMapping(),
        hw.MetadataValue.int(2**70),
        hw.MetadataValue.md("# Title"),
        hw.AssetMaterialization("orders", metadata={"rows": 3, "at": hw.MetadataValue.url("https://x")}, partition="a"),
        hw.AssetObservation("orders", description="seen", tags={"by": "me"}),
        hw.RetryPolicy(max_retries=3, delay=1.5, backoff=hw.Backoff.EXPONENTIAL, jitter=hw.Jitter.FULL),
        hw.BackfillPolicy.multi_run(7),
        hw.TableSchema([hw.TableColumn("id", "int", constraints=hw.TableColumnConstraints(unique=True))]),
        hw.TableRecord({"id": 1}),
        hw.RunRequest(run_key="k", run_config={"ops": {}}, tags={"a": "b"}, asset_selection=[hw.AssetKey("orders")]),
        hw.SkipReason("nothing new"),
        hw.RunStatus.SUCCESS,
        hw.AssetCheckSeverity.WARN,
        frozenset({hw.AssetKey("a"), hw.AssetKey("b")}),
        {1, 2, 3},
        date(2024, 2, 29),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        hw.DynamicPartitionsDefinition(name="days").build_add_request(["a"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_the_vocabulary_come_back_equal(value: Any):
    assert hw.deserialize_value(hw.serialize_value([value])) == [value]
    assert type(hw.deserialize_value(hw.serialize_value(value))) is type(value)


def test_the_text_is_json_that_names_classes():
    assert hw.serialize_value(hw.AssetKey(["a", "b"])) in (
        '{"__class__": "AssetKey", "path": ["a", "b"]}',
        '{"__class__": "AssetKey", "path": {"__tuple__": ["a", "b"]}}',
    )


def test_what_has_no_form_as_text_is_refused():
    for value in (object(), {1: 2}, {"__class__": "x"}, b"bytes"):
        with pytest.raises(SerializationError):
            hw.serialize_value(value)


def test_what_was_not_written_is_refused():
    with pytest.raises(DeserializationError, match="not JSON"):
        hw.deserialize_value("{")
    with pytest.raises(DeserializationError, match='Did you mean "AssetKey"'):
        hw.deserialize_value('{"__class__": "AsetKey"}')
    with pytest.raises(DeserializationError, match="cannot be made of that"):
        hw.deserialize_value('{"__class__": "AssetKey", "way": []}')
    with pytest.raises(DeserializationError, match="AssetKey was asked for"):
        hw.deserialize_value("3", hw.AssetKey)
    assert hw.deserialize_value(hw.serialize_value(hw.AssetKey("a")), hw.AssetKey) == hw.AssetKey("a")
