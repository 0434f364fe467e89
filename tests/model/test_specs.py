"""Specs and keys as values: what they take, what they refuse, and how one becomes another."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies as st

import headwater as hw
from headwater.authoring.no_value import NO_VALUE, NoValue
from headwater.model.errors import CheckError, InvalidAssetKey, InvalidDefinitionError

parts = st.lists(st.text("abcxyz_-.09", min_size=1, max_size=8), min_size=1, max_size=4)


@given(parts)
def test_a_key_is_read_back_from_its_written_form(path: list[str]) -> None:
    key = hw.AssetKey(path)
    assert hw.AssetKey.from_user_string(key.to_user_string()) == key
    assert pickle.loads(pickle.dumps(key)) == key
    assert hash(hw.AssetKey(tuple(path))) == hash(key)


@pytest.mark.parametrize("path", [[], [""], ["a", ""], "", ["a/b"], [1], "a/b"])
def test_what_is_no_key_is_refused(path: Any) -> None:
    with pytest.raises(InvalidAssetKey):
        hw.AssetKey(path)


def test_a_key_with_a_slash_is_told_how_it_is_written() -> None:
    with pytest.raises(InvalidAssetKey, match=r"Write AssetKey\(\['sales', 'orders'\]\)"):
        hw.AssetKey("sales/orders")
    with pytest.raises(InvalidAssetKey, match=r"Write AssetKey\(\['sales', 'orders'\]\)"):
        hw.AssetSpec("sales/orders")


def test_keys_are_ordered_prefixed_and_frozen() -> None:
    key = hw.AssetKey(["a-x", "b"])
    assert hw.AssetKey("a") < hw.AssetKey("b")
    assert (key.to_python_identifier(), key.has_prefix(["a-x"])) == ("a_x__b", True)
    assert key.with_prefix("p").path == ["p", "a-x", "b"]
    with pytest.raises(AttributeError, match="frozen"):
        key.path = ["x"]


def test_the_path_of_a_key_is_a_list_of_its_own() -> None:
    key = hw.AssetKey(("a", "b"))
    key.path.append("c")
    assert (key.path, [*key.path, "x"], key.parts) == (["a", "b"], ["a", "b", "x"], ("a", "b"))
    assert (str(key), repr(key)) == ("a/b", "AssetKey(['a', 'b'])")
    assert repr(hw.AssetCheckKey(key, "c")) == "AssetCheckKey(asset_key=AssetKey(['a', 'b']), name='c')"


def test_replacing_tags_keeps_kinds_and_replacing_kinds_keeps_tags() -> None:
    spec = hw.AssetSpec("a", kinds={"x"}, tags={"t": "1"}, group_name="g", deps=["u"], owners=["team:a"])
    assert spec.replace_attributes(kinds={"y"}).kinds == {"y"}
    assert spec.replace_attributes(kinds={"y"}).tags["t"] == "1"
    assert spec.replace_attributes(tags={"z": "2"}).kinds == {"x"}
    assert "t" not in spec.replace_attributes(tags={"z": "2"}).tags
    assert spec.replace_attributes(group_name=None).group_name is None
    assert spec.replace_attributes(key="q").key == hw.AssetKey("q")
    assert spec == hw.AssetSpec("a", kinds={"x"}, tags={"t": "1"}, group_name="g", deps=["u"], owners=["team:a"])


def test_merging_adds_and_the_new_value_wins() -> None:
    spec = hw.AssetSpec("a", kinds={"x"}, tags={"t": "1"}, deps=["u"], owners=["team:a"], metadata={"m": 1, "n": 1})
    merged = spec.merge_attributes(deps=["v", "u"], kinds={"y"}, owners=["team:b"], tags={"t": "2"}, metadata={"m": 2})
    assert [str(dep.asset_key) for dep in merged.deps] == ["u", "v"]
    assert merged.kinds == {"x", "y"}
    assert merged.owners == ("team:a", "team:b")
    assert (merged.tags["t"], merged.metadata) == ("2", {"m": 2, "n": 1})


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(CheckError, match="has no attribute colour"):
        hw.AssetSpec("a").replace_attributes(colour="red")


def test_one_dependency_has_one_mapping() -> None:
    with pytest.raises(InvalidDefinitionError, match="given twice in deps"):
        hw.AssetSpec("a", deps=[hw.AssetDep("u", partition_mapping=hw.AllPartitionMapping()), "u"])
    assert len(list(hw.AssetSpec("a", deps=["u", "u"]).deps)) == 1


def test_a_check_spec_names_its_asset_once() -> None:
    with pytest.raises(InvalidDefinitionError, match="both as its asset and in additional_deps"):
        hw.AssetCheckSpec("c", asset="a", additional_deps=["a"])
    with pytest.raises(InvalidDefinitionError, match="not a valid name for an asset check"):
        hw.AssetCheckSpec("two words", asset="a")


def test_retry_delays_grow_as_the_policy_says() -> None:
    linear = hw.RetryPolicy(max_retries=3, delay=2, backoff=hw.Backoff.LINEAR)
    doubling = hw.RetryPolicy(max_retries=3, delay=2, backoff=hw.Backoff.EXPONENTIAL)
    assert [linear.delay_seconds(number) for number in (1, 2, 3)] == [2, 4, 6]
    assert [doubling.delay_seconds(number) for number in (1, 2, 3)] == [2, 6, 14]
    jittered = hw.RetryPolicy(delay=10, jitter=hw.Jitter.PLUS_MINUS)
    assert (jittered.delay_seconds(1, 0.0), jittered.delay_seconds(1, 0.5)) == (0.0, 10.0)
    with pytest.raises(InvalidDefinitionError, match="no delay"):
        hw.RetryPolicy(backoff=hw.Backoff.LINEAR)
    with pytest.raises(CheckError, match="negative"):
        hw.RetryPolicy(max_retries=-1)
    with pytest.raises(CheckError, match="less than one"):
        hw.BackfillPolicy.multi_run(0)


def test_results_refuse_what_they_cannot_mean() -> None:
    with pytest.raises(CheckError, match="passed='yes'"):
        hw.AssetCheckResult(passed="yes")  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="severity='WARN'"):
        hw.AssetCheckResult(passed=True, severity="WARN")  # type: ignore[arg-type]
    with pytest.raises(InvalidDefinitionError, match="mapping_key"):
        hw.DynamicOutput(1, "a b")
    with pytest.raises(CheckError, match="DataVersion"):
        hw.DataVersion(3)  # type: ignore[arg-type]


def test_results_are_equal_when_they_say_the_same() -> None:
    assert hw.Output(1, metadata={"a": 1}) == hw.Output(1, metadata={"a": 1})
    assert hw.Output(1) != hw.Output(2)
    assert hw.MaterializeResult(asset_key="a") == hw.MaterializeResult(asset_key=hw.AssetKey("a"))


def test_there_is_one_stand_in_for_no_value() -> None:
    from headwater.authoring.config import NO_VALUE as OF_CONFIG
    from headwater.authoring.ports import NO_VALUE as OF_PORTS

    assert NO_VALUE is OF_CONFIG is OF_PORTS is NoValue()
    assert copy.deepcopy(NO_VALUE) is pickle.loads(pickle.dumps(NO_VALUE)) is NO_VALUE
    assert (repr(NO_VALUE), bool(NO_VALUE)) == ("NO_VALUE", False)
