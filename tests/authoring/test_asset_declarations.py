"""What `@asset` makes of a function, and what it refuses."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import CheckError, InvalidDefinitionError


def test_a_bare_decorator_takes_key_upstream_and_description_from_the_function() -> None:
    @hw.asset
    def totals(orders: int, prices: int) -> int:
        """Orders times prices.

        For each day.
        """
        return orders * prices

    spec = totals.get_asset_spec()
    assert spec.key == hw.AssetKey("totals")
    assert [dep.asset_key for dep in spec.deps] == [hw.AssetKey("orders"), hw.AssetKey("prices")]
    assert spec.description == "Orders times prices.\n\nFor each day."
    assert spec.group == "default"
    assert totals.keys_by_input_name == {"orders": hw.AssetKey("orders"), "prices": hw.AssetKey("prices")}


def test_every_argument_of_asset_is_kept() -> None:
    days = hw.DailyPartitionsDefinition("2024-01-01")
    condition = hw.AutomationCondition.eager()
    retry = hw.RetryPolicy(max_retries=2)

    @hw.success_hook
    def told(context: hw.HookContext) -> None: ...

    @hw.asset(
        name="n",
        key_prefix=["a", "b"],
        ins={"up": hw.AssetIn(key_prefix="raw", metadata={"columns": ["x"]}, input_manager_key="reader")},
        deps=["other"],
        metadata={"rows": 3},
        tags={"layer": "gold"},
        description="Given.",
        config_schema={"limit": int},
        required_resource_keys={"api"},
        resource_defs={"api": hw.ResourceDefinition.hardcoded_resource(1)},
        hooks={told},
        io_manager_key="files",
        dagster_type=int,
        partitions_def=days,
        op_tags={"memory": {"gb": 4}},
        group_name="sales",
        output_required=False,
        automation_condition=condition,
        backfill_policy=hw.BackfillPolicy.single_run(),
        retry_policy=retry,
        code_version="7",
        check_specs=[hw.AssetCheckSpec("sound", asset=["a", "b", "n"])],
        owners=["team:sales", "ann@example.com"],
        kinds={"python", "duckdb"},
        pool="warehouse",
        timeout=60,
    )
    def function(context: hw.AssetExecutionContext, up: Any) -> Any: ...

    spec = function.get_asset_spec()
    assert spec.key.path == ["a", "b", "n"]
    assert {dep.asset_key.to_user_string() for dep in spec.deps} == {"raw/up", "other"}
    assert (spec.metadata, spec.description, spec.group_name) == ({"rows": 3}, "Given.", "sales")
    assert spec.tags == {"layer": "gold", "headwater/kind/python": "", "headwater/kind/duckdb": ""}
    assert spec.kinds == {"python", "duckdb"}
    assert (spec.partitions_def, spec.automation_condition, spec.code_version) == (days, condition, "7")
    assert spec.skippable
    assert spec.owners == ("team:sales", "ann@example.com")
    assert function.op.name == "a__b__n"
    assert function.op.tags == {"memory": '{"gb":4}'}
    assert (function.op.retry_policy, function.op.pool, function.op.timeout_seconds) == (retry, "warehouse", 60)
    assert function.required_resource_keys == {"api", "files"}
    assert function.io_manager_key_of(spec.key) == "files"
    assert function.op.ins["up"].input_manager_key == "reader"
    assert function.op.ins["up"].metadata == {"columns": ["x"]}
    assert function.op.outs["result"].annotation is int
    assert function.hook_defs == {told}
    assert [check.name for check in function.check_specs] == ["sound"]
    assert function.backfill_policy is not None
    assert function.backfill_policy.is_single_run


def test_an_io_manager_that_is_given_itself_becomes_a_resource_of_the_asset() -> None:
    @hw.asset(io_manager_def=hw.mem_io_manager)
    def here() -> int:
        return 1

    assert here.required_resource_keys == {"here__io_manager"}
    assert set(here.resource_defs) == {"here__io_manager"}


def test_a_dependency_and_a_parameter_of_the_same_asset_are_one_edge() -> None:
    mapping = hw.AllPartitionMapping()

    @hw.asset(deps=[hw.AssetDep("up", partition_mapping=mapping)])
    def both(up: Any) -> None: ...

    assert list(both.get_asset_spec().deps) == [hw.AssetDep("up", partition_mapping=mapping)]


def test_one_edge_cannot_have_two_partition_mappings() -> None:
    with pytest.raises(InvalidDefinitionError, match=r'"up" is depended on with two partition mappings'):

        @hw.asset(
            deps=[hw.AssetDep("up", partition_mapping=hw.AllPartitionMapping())],
            ins={"up": hw.AssetIn(partition_mapping=hw.LastPartitionMapping())},
        )
        def both(up: Any) -> None: ...


def test_a_dependency_may_be_a_name_a_key_a_spec_an_asset_or_a_whole_multi_asset() -> None:
    @hw.asset
    def one() -> None: ...

    @hw.multi_asset(specs=[hw.AssetSpec("x"), hw.AssetSpec("y")])
    def two() -> None: ...

    @hw.asset(deps=["name", ["with", "parts"], hw.AssetKey("key"), hw.AssetSpec("spec"), one, two])
    def all_of_them() -> None: ...

    names = [dep.asset_key.to_user_string() for dep in all_of_them.get_asset_spec().deps]
    assert names == ["name", "with/parts", "key", "spec", "one", "x", "y"]


def test_an_input_that_carries_nothing_needs_no_parameter() -> None:
    @hw.asset(ins={"first": hw.AssetIn("raw", dagster_type=hw.Nothing)})
    def then() -> None: ...

    assert [dep.asset_key for dep in then.get_asset_spec().deps] == [hw.AssetKey("raw")]


def test_a_function_with_keyword_arguments_takes_the_inputs_that_ins_names() -> None:
    @hw.asset(ins={"a": hw.AssetIn("x"), "b": hw.AssetIn("y")})
    def gathered(**values: int) -> int:
        return sum(values.values())

    assert gathered(a=1, b=2) == 3
    assert {dep.asset_key for dep in gathered.get_asset_spec().deps} == {hw.AssetKey("x"), hw.AssetKey("y")}


def test_partial_functions_methods_and_callable_objects_become_assets_too() -> None:
    def scaled(orders: int, factor: int) -> int:
        return orders * factor

    class Doubling:
        def __call__(self, orders: int) -> int:
            return 2 * orders

        def thrice(self, orders: int) -> int:
            return 3 * orders

    partial = hw.asset(name="partial")(functools.partial(scaled, factor=5))
    called = hw.asset(name="called")(Doubling())
    method = hw.asset(Doubling().thrice)
    for made in (partial, called, method):
        assert [dep.asset_key for dep in made.get_asset_spec().deps] == [hw.AssetKey("orders")]
    assert (partial(4), called(4), method(4)) == (20, 8, 12)
    assert method.key == hw.AssetKey("thrice")


def test_a_decorator_with_wraps_keeps_the_parameters_of_the_function_inside() -> None:
    def loud(function: Any) -> Any:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    @hw.asset
    @loud
    def total(context: hw.AssetExecutionContext, orders: int) -> int:
        """Said."""
        return orders

    assert total.keys_by_input_name == {"orders": hw.AssetKey("orders")}
    assert total.get_asset_spec().description == "Said."
    assert total(hw.build_asset_context(), 3) == 3


def refused(**arguments: Any) -> InvalidDefinitionError | CheckError:
    with pytest.raises((InvalidDefinitionError, CheckError)) as caught:
        hw.asset(**{"name": "orders", **arguments})(lambda: None)
    error = caught.value
    assert isinstance(error, (InvalidDefinitionError, CheckError))
    assert error.what
    assert error.why
    assert error.fix
    return error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"key": "x"}, "has a key, and a name"),
        ({"name": None, "key": "x", "key_prefix": "p"}, "has a key, and a name or a key_prefix"),
        ({"name": "a b"}, 'not a valid name for asset "a b"'),
        ({"key_prefix": "a/b"}, "not an asset key"),
        ({"io_manager_key": "x", "io_manager_def": hw.mem_io_manager}, "both an io_manager_key and an io_manager_def"),
        ({"group_name": "two words"}, "not a valid group name"),
        ({"tags": {"two words": "x"}}, "not a valid tag key"),
        ({"tags": {"layer": 1}}, "has the value 1"),
        ({"owners": ["bob"]}, "not a valid owner"),
        ({"owners": ["team:"]}, "not a valid owner"),
        ({"owners": "team:sales"}, "was given the text"),
        ({"kinds": {str(number) for number in range(11)}}, "more than ten kinds"),
        ({"kinds": "python"}, "was given the text"),
        ({"kinds": {"python"}, "compute_kind": "sql"}, "both kinds and a compute_kind"),
        ({"deps": "raw"}, "was given the text"),
        ({"deps": [3]}, "names no asset"),
        ({"deps": [len]}, "Put @asset above the function"),
        ({"metadata": {1: 2}}, "has the name 1"),
        ({"metadata": [1]}, "metadata="),
        ({"partitions_def": "daily"}, "It takes a PartitionsDefinition"),
        ({"automation_condition": "eager"}, "It takes an AutomationCondition"),
        ({"freshness_policy": 3}, "It takes a FreshnessPolicy"),
        ({"retry_policy": 3}, "It takes a RetryPolicy"),
        ({"backfill_policy": 3}, "It takes a BackfillPolicy"),
        ({"hooks": [3]}, "was given the hook 3"),
        ({"ins": {"orderz": hw.AssetIn("x")}}, 'has no parameter "orderz"'),
        ({"check_specs": [hw.AssetCheckSpec("c", asset="order")]}, 'Did you mean "orders"?'),
        ({"check_specs": [hw.AssetCheckSpec("c", asset="orders")] * 2}, 'two checks called "c"'),
    ],
)
def test_what_an_asset_cannot_mean_is_refused_with_what_why_and_fix(arguments: dict[str, Any], says: str) -> None:
    assert says in str(refused(**arguments))


def test_the_nearest_parameter_is_offered_for_a_wrong_name_in_ins() -> None:
    with pytest.raises(InvalidDefinitionError, match='Did you mean "orders"'):

        @hw.asset(ins={"orderz": hw.AssetIn("x")})
        def total(orders: int) -> None: ...


def test_an_asset_in_has_a_key_or_a_prefix() -> None:
    with pytest.raises(CheckError, match="both key="):
        hw.AssetIn(key="x", key_prefix="p")


def test_parameters_that_cannot_be_given_by_name_are_refused() -> None:
    def gathered(*frames: Any) -> None: ...
    def first(frame: Any, /) -> None: ...
    def late(frame: Any, context: Any) -> None: ...

    for function, said in ((gathered, r"\*frames"), (first, "frame"), (late, "Put context first")):
        with pytest.raises(InvalidDefinitionError, match=said):
            hw.asset(function)


def test_config_is_declared_in_one_way() -> None:
    class Window(hw.Config):
        days: int

    def windowed(config: Window) -> None: ...

    with pytest.raises(InvalidDefinitionError, match="both a config_schema and a parameter config"):
        hw.asset(config_schema={"days": int})(windowed)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="was given 'orders', a str"):
        hw.asset("orders")  # type: ignore[call-overload]
    with pytest.raises(InvalidDefinitionError, match="<lambda>"):
        hw.asset(lambda: 1)


# ----------------------------------------------------------------------------------------- annotations written as text


def test_annotations_written_as_text_may_name_locals_of_the_code_that_decorates() -> None:
    class Window(hw.Config):
        days: int = 7

    class Warehouse(hw.ConfigurableResource):
        path: str

    @hw.asset
    def bare(config: Window, warehouse: Warehouse, up: list[int]) -> dict[str, int]:
        return {warehouse.path: config.days + len(up)}

    @hw.asset(group_name="g")
    def with_arguments(config: Window, warehouse: Warehouse) -> str:
        return warehouse.path

    @hw.op
    def step(config: Window, warehouse: Warehouse) -> None: ...

    @hw.multi_asset(specs=[hw.AssetSpec("x")])
    def several(config: Window, warehouse: Warehouse) -> None: ...

    @hw.asset_check(asset="x")
    def sound(config: Window, warehouse: Warehouse) -> None: ...

    assert bare.op.config_annotation is Window
    for made in (bare.op, with_arguments.op, step, several.op, sound.op):
        assert made.required_resource_keys == {"warehouse"}
        assert made.config_annotation is Window
    assert bare.op.ins["up"].annotation == list[int]
    assert bare.op.outs["result"].annotation == dict[str, int]


def test_a_context_is_known_by_its_annotation_however_it_is_spelt() -> None:
    @hw.asset
    def told(ctx: hw.AssetExecutionContext, up: int) -> str:
        return ctx.asset_key.to_user_string()

    assert told.keys_by_input_name == {"up": hw.AssetKey("up")}
    assert told(hw.build_asset_context(), 1) == "told"


def test_an_annotation_that_means_nothing_here_promises_nothing() -> None:
    @hw.asset
    def total(orders: Frame) -> Frame:  # type: ignore[name-defined]  # noqa: F821
        return orders

    assert total(3) == 3
    assert total.keys_by_input_name == {"orders": hw.AssetKey("orders")}
