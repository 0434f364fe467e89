"""Assets that something else builds: known of, loaded, and looked at."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.authoring.asset_decorators import asset
from headwater.authoring.asset_index import AssetIndex
from headwater.authoring.source_asset import SourceAsset, multi_observable_source_asset, observable_source_asset
from headwater.model.conditions import AutomationCondition
from headwater.model.errors import InvalidDefinitionError, InvariantViolationError
from headwater.model.keys import AssetKey
from headwater.model.partitions import StaticPartitionsDefinition
from headwater.model.results import DataVersion, ObserveResult
from headwater.model.specs import AssetExecutionType, AssetSpec


def test_a_source_asset_is_known_of_and_loaded_with_its_io_manager() -> None:
    raw = SourceAsset(["lake", "raw"], io_manager_key="lake_io", metadata={"rows": 1}, group_name="lake")

    @asset
    def clean(raw: Any) -> None: ...

    index = AssetIndex([raw, clean])
    assert not index.problems
    definition = index.definition_by_key[AssetKey(["lake", "raw"])]
    assert definition.execution_type is AssetExecutionType.UNEXECUTABLE
    assert index.io_manager_key_of(AssetKey(["lake", "raw"])) == "lake_io"
    assert (raw.is_observable, raw.group_name, raw.metadata) == (False, "lake", {"rows": 1})


def test_an_io_manager_that_is_given_itself_gets_a_key_of_its_own() -> None:
    storage = object()
    raw = SourceAsset("raw", io_manager_def=storage)
    assert raw.get_io_manager_key() == "raw__io_manager"
    assert raw.to_assets_definition().resource_defs == {"raw__io_manager": storage}


def test_a_source_asset_is_one_definition_however_often_it_is_given() -> None:
    raw = SourceAsset("raw")
    index = AssetIndex([raw, raw])
    assert not index.problems
    assert len(index.definitions) == 1


def test_a_change_makes_another_source_asset() -> None:
    raw = SourceAsset("raw", tags={"a": "b"}, partitions_def=StaticPartitionsDefinition(["x"]))
    moved = raw.with_attributes(group_name="g", key=AssetKey(["p", "raw"]))
    assert (str(moved.key), moved.group_name, moved.tags) == ("p/raw", "g", {"a": "b"})
    assert moved.partitions_def == raw.partitions_def
    assert str(raw.key) == "raw"
    assert raw == SourceAsset("raw", tags={"a": "b"}, partitions_def=StaticPartitionsDefinition(["x"]))
    assert raw != moved


def test_an_observable_source_asset_has_an_op_that_observes_it() -> None:
    @observable_source_asset(name="feed", key_prefix=["lake"], required_resource_keys={"http"}, tags={"a": "b"})
    def look() -> DataVersion:
        """What the feed offers."""
        return DataVersion("1")

    assert (str(look.key), look.description, look.is_observable) == ("lake/feed", "What the feed offers.", True)
    assert look.execution_type is AssetExecutionType.OBSERVATION
    assert look.required_resource_keys == {"http", "io_manager"}
    assert look.op.name == "lake__feed"
    definition = look.to_assets_definition()
    assert definition.is_observable
    assert definition.required_resource_keys == {"http"}


def test_several_source_assets_are_observed_by_one_function() -> None:
    @multi_observable_source_asset(
        specs=[AssetSpec("x"), AssetSpec("y", deps=["x"])], group_name="lake", can_subset=True
    )
    def look() -> Any:
        yield ObserveResult(asset_key="x", data_version=DataVersion("3"))

    assert look.execution_type is AssetExecutionType.OBSERVATION
    assert sorted(map(str, look.keys)) == ["x", "y"]
    assert set(look.group_names_by_key.values()) == {"lake"}
    assert look.can_subset


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="a key, and a name"):
        observable_source_asset(key="a", name="b")(lambda: DataVersion("1"))
    with pytest.raises(InvalidDefinitionError, match='has the parameter "other"'):

        @observable_source_asset
        def look(other: Any) -> None: ...

        look.to_assets_definition()
    with pytest.raises(InvalidDefinitionError, match="no observe_fn"):
        SourceAsset("raw", automation_condition=AutomationCondition.eager())
    with pytest.raises(InvalidDefinitionError, match='has the group "own"'):
        multi_observable_source_asset(specs=[AssetSpec("x", group_name="own")], group_name="lake")
    with pytest.raises(InvariantViolationError, match="was called"):
        SourceAsset("raw")()
