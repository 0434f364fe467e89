"""Several assets from one function, and assets from graphs."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import DefinitionError, InvalidDefinitionError


def deps_of(definition: hw.AssetsDefinition) -> dict[str, list[str]]:
    return {str(spec.key): [str(dep.asset_key) for dep in spec.deps] for spec in definition.specs}


def test_outs_become_assets_with_all_that_is_said_of_them() -> None:
    @hw.multi_asset(
        outs={
            "a": hw.AssetOut(key_prefix="p", group_name="g"),
            "b": hw.AssetOut(
                key="B",
                is_required=False,
                kinds={"sql"},
                owners=["team:o"],
                tags={"t": "1"},
                code_version="9",
                io_manager_key="files",
                metadata={"m": 1},
                description="second",
            ),
        },
        deps=["other"],
    )
    def both(up: Any) -> tuple[int, str]:
        return 1, "x"

    assert both.keys_by_output_name == {"a": hw.AssetKey(["p", "a"]), "b": hw.AssetKey("B")}
    assert deps_of(both) == {"p/a": ["other", "up"], "B": ["other", "up"]}
    second = both.get_asset_spec(hw.AssetKey("B"))
    assert (second.skippable, second.kinds, second.owners, second.code_version) == (
        True,
        frozenset({"sql"}),
        ("team:o",),
        "9",
    )
    assert (second.description, second.metadata) == ("second", {"m": 1})
    assert both.io_manager_key_of(second.key) == "files"
    assert both.group_names_by_key[hw.AssetKey(["p", "a"])] == "g"
    assert [port.annotation for port in both.op.outs.values()] == [int, str]
    assert both(None) == (1, "x")


def test_specs_say_what_each_asset_depends_on_and_share_what_is_said_for_all() -> None:
    days = hw.DailyPartitionsDefinition("2024-01-01")

    @hw.multi_asset(
        specs=[hw.AssetSpec("a", deps=["up"], group_name="own"), hw.AssetSpec(["x", "b"], deps=["a"], skippable=True)],
        partitions_def=days,
        code_version="3",
        compute_kind="sql",
        group_name="all",
        can_subset=True,
    )
    def both(up: Any) -> None: ...

    assert deps_of(both) == {"a": ["up"], "x/b": ["a"]}
    assert both.group_names_by_key == {hw.AssetKey("a"): "own", hw.AssetKey(["x", "b"]): "all"}
    assert {spec.kinds for spec in both.specs} == {frozenset({"sql"})}
    assert both.partitions_def == days
    assert both.code_versions_by_key[hw.AssetKey("a")] == "3"
    assert both.has_internal_deps
    assert not both.op.outs["x__b"].is_required


def test_internal_deps_say_which_asset_uses_what() -> None:
    @hw.multi_asset(
        outs={"a": hw.AssetOut(), "b": hw.AssetOut()},
        internal_asset_deps={"a": {hw.AssetKey("up")}, "b": {hw.AssetKey("a")}},
    )
    def both(up: Any) -> None: ...

    assert deps_of(both) == {"a": ["up"], "b": ["a"]}


STATIC_1, STATIC_2 = hw.StaticPartitionsDefinition(["1"]), hw.StaticPartitionsDefinition(["2"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"outs": {}, "specs": []}, "both outs and specs"),
        ({}, "neither outs nor specs"),
        ({"specs": [hw.AssetSpec("a")], "deps": ["z"]}, "both specs and deps"),
        ({"specs": [hw.AssetSpec("a"), hw.AssetSpec("a")]}, 'declares the asset "a" twice'),
        ({"outs": {"x": hw.AssetOut(key="a"), "y": hw.AssetOut(key="a")}}, 'declares the asset "a" twice'),
        ({"specs": ["a"]}, "Each of them is an AssetSpec"),
        ({"outs": {"a": hw.Out()}}, "Each of them is an AssetOut"),
        ({"outs": {"a b": hw.AssetOut()}}, "not a valid name for an output"),
        (
            {"specs": [hw.AssetSpec("a", partitions_def=STATIC_1), hw.AssetSpec("b", partitions_def=STATIC_2)]},
            "have different partitions",
        ),
        ({"specs": [hw.AssetSpec("a", partitions_def=STATIC_1)], "partitions_def": STATIC_2}, "other partitions than"),
        ({"outs": {"a": hw.AssetOut()}, "internal_asset_deps": {"c": set()}}, 'names the output "c"'),
        (
            {"outs": {"ab": hw.AssetOut()}, "internal_asset_deps": {"ab": {hw.AssetKey("nope")}}},
            "neither builds nor depends on",
        ),
        ({"outs": {"a": hw.AssetOut()}, "internal_asset_deps": {"a": {hw.AssetKey("a")}}}, 'depends on "up"'),
    ],
)
def test_what_several_assets_cannot_mean_is_refused(arguments: dict[str, Any], says: str) -> None:
    def build(up: Any) -> None: ...

    with pytest.raises(InvalidDefinitionError) as caught:
        hw.multi_asset(**arguments)(build)
    assert says in str(caught.value)


def test_assets_that_can_be_built_apart_may_have_different_partitions() -> None:
    @hw.multi_asset(
        can_subset=True,
        specs=[hw.AssetSpec("a", partitions_def=STATIC_1), hw.AssetSpec("b", partitions_def=STATIC_2)],
    )
    def both() -> None: ...

    assert {str(spec.key): spec.partitions_def for spec in both.specs} == {"a": STATIC_1, "b": STATIC_2}


# ------------------------------------------------------------------------------------------------- assets from graphs


@hw.op
def one() -> int:
    return 1


@hw.op
def increased(number: int) -> int:
    return number + 1


@hw.op(out={"small": hw.Out(), "large": hw.Out()})
def parts(number: int) -> Any:
    return number, 100 * number


def test_a_graph_asset_is_several_ops_that_build_one_asset() -> None:
    @hw.graph_asset(
        ins={"up": hw.AssetIn("raw")},
        key_prefix="p",
        group_name="g",
        tags={"a": "b"},
        owners=["team:x"],
        kinds={"python"},
        metadata={"m": 1},
    )
    def twice(up: Any) -> Any:
        """Two more."""
        return increased(increased(up))

    assert deps_of(twice) == {"p/twice": ["raw"]}
    spec = twice.get_asset_spec()
    assert (spec.group_name, spec.description, spec.kinds, spec.owners) == (
        "g",
        "Two more.",
        frozenset({"python"}),
        ("team:x",),
    )

    @hw.asset
    def raw() -> int:
        return 5

    assert hw.materialize_to_memory([raw, twice]).asset_value(["p", "twice"]) == 7


def test_a_graph_may_build_several_assets_returned_by_name_or_in_order() -> None:
    outs = {"low": hw.AssetOut(), "high": hw.AssetOut(key="HIGH")}

    @hw.graph_multi_asset(outs=outs, group_name="g")
    def by_name() -> Any:
        found = parts(one())
        return {"low": found.small, "high": found.large}

    @hw.graph_multi_asset(outs={"lowest": hw.AssetOut(), "highest": hw.AssetOut()})
    def in_order() -> Any:
        small, large = parts(one())
        return small, large

    assert by_name.keys_by_output_name == {"low": hw.AssetKey("low"), "high": hw.AssetKey("HIGH")}
    result = hw.materialize_to_memory([by_name, in_order])
    assert (result.asset_value("low"), result.asset_value("HIGH")) == (1, 100)
    assert (result.asset_value("lowest"), result.asset_value("highest")) == (1, 100)


def test_graphs_that_build_no_such_assets_are_refused() -> None:
    def nothing() -> Any:
        one()

    def its_input(up: Any) -> Any:
        return up

    def a_number() -> Any:
        return 3

    def unused(up: Any) -> Any:
        return one()

    for body, said in (
        (nothing, "returns 0 outputs"),
        (its_input, "returns its own parameter"),
        (a_number, "returns an int"),
        (unused, "is handed to no op"),
    ):
        with pytest.raises(InvalidDefinitionError, match=said):
            hw.graph_asset(body)
    with pytest.raises(InvalidDefinitionError, match='does not return "b"'):
        hw.graph_multi_asset(outs={"a": hw.AssetOut(), "b": hw.AssetOut()}, name="g")(lambda: {"a": one()})
    with pytest.raises(InvalidDefinitionError, match='returns "c", which outs='):
        hw.graph_multi_asset(outs={"a": hw.AssetOut()}, name="g")(lambda: {"a": one(), "c": one()})
    with pytest.raises(InvalidDefinitionError, match=r'has no parameter "upp".*Did you mean "up"'):
        hw.graph_asset(ins={"upp": hw.AssetIn("x")}, name="g")(lambda up: increased(up))


def test_ops_and_graphs_become_assets_by_the_names_of_their_outputs() -> None:
    @hw.graph
    def grown(number: int) -> Any:
        return increased(number)

    from_graph = hw.AssetsDefinition.from_graph(
        grown, key_prefix="p", keys_by_input_name={"number": hw.AssetKey("raw")}, group_name="g"
    )
    assert deps_of(from_graph) == {"p/grown": ["raw"]}
    from_op = hw.AssetsDefinition.from_op(
        increased,
        keys_by_output_name={"result": hw.AssetKey("z")},
        metadata_by_output_name={"result": {"q": 1}},
        tags_by_output_name={"result": {"t": "1"}},
    )
    assert deps_of(from_op) == {"z": ["number"]}
    assert from_op.get_asset_spec().metadata == {"q": 1}
    for argument in ("keys_by_input_name", "keys_by_output_name"):
        with pytest.raises(InvalidDefinitionError, match=f'{argument}= names "numbr"'):
            hw.AssetsDefinition.from_op(increased, **{argument: {"numbr": hw.AssetKey("x")}})


# --------------------------------------------------------------------------------------------------- changing specs


def test_specs_are_mapped_without_touching_the_function() -> None:
    @hw.asset(tags={"a": "b"})
    def total(orders: int) -> int:
        return orders

    changed = total.map_asset_specs(
        lambda spec: spec.merge_attributes(
            tags={"c": "d"}, owners=["team:z"], kinds={"sql"}, metadata={"y": 2}, deps=["more"]
        ).replace_attributes(key=spec.key.with_prefix("pre"))
    )
    spec = changed.get_asset_spec()
    assert spec.key.path == ["pre", "total"]
    assert deps_of(changed) == {"pre/total": ["orders", "more"]}
    assert spec.tags["c"] == "d"
    assert changed(4) == 4
    assert total.get_asset_spec().key.path == ["total"]


def test_mapping_cannot_take_away_what_a_parameter_loads_or_return_no_spec() -> None:
    @hw.asset
    def total(orders: int) -> int:
        return orders

    with pytest.raises(DefinitionError, match='removed the dependency of "total" on "orders"'):
        total.map_asset_specs(lambda spec: spec.replace_attributes(deps=[]))
    with pytest.raises(DefinitionError, match="returned None"):
        total.map_asset_specs(lambda spec: None)  # type: ignore[arg-type,return-value]


def test_attributes_are_added_to_definitions_as_a_whole() -> None:
    @hw.asset
    def total(orders: int) -> int:
        return orders

    changed = total.with_attributes(
        group_names_by_key={total.key: "g"},
        tags_by_key={total.key: {"t": "1"}},
        metadata_by_key={total.key: {"m": 1}},
        automation_condition=hw.AutomationCondition.eager(),
        asset_key_replacements={hw.AssetKey("orders"): hw.AssetKey(["raw", "orders"])},
    )
    spec = changed.get_asset_spec()
    assert (spec.group_name, spec.tags, spec.metadata) == ("g", {"t": "1"}, {"m": 1})
    assert spec.automation_condition is not None
    assert changed.keys_by_input_name == {"orders": hw.AssetKey(["raw", "orders"])}
    assert deps_of(changed) == {"total": ["raw/orders"]}
