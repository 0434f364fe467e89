"""Definitions called as the functions that they are, and the contexts that are built for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import (
    CheckError,
    HeadwaterError,
    InvalidConfigError,
    InvalidInvocationError,
    InvalidPropertyError,
    InvariantViolationError,
)


class Window(hw.Config):
    days: int = 7
    name: str


class Warehouse(hw.ConfigurableResource):
    path: str


@hw.asset
def added(left: int, right: int) -> int:
    return left + right


@hw.asset
def with_all(context: hw.AssetExecutionContext, config: Window, warehouse: Warehouse, up: int) -> tuple[Any, ...]:
    return context.asset_key.to_user_string(), config.days, config.name, warehouse.path, up


# The same two, for calls that a type checker would refuse already.
untyped_added: Any = added
untyped_with_all: Any = with_all


def test_values_are_given_by_place_or_by_name() -> None:
    assert added(1, 2) == added(1, right=2) == added(left=1, right=2) == 3


def test_context_config_and_resources_are_given_directly() -> None:
    expected = ("with_all", 7, "n", "here", 5)
    context, config, warehouse = hw.build_asset_context(), Window(name="n"), Warehouse(path="here")
    assert with_all(context, config, warehouse, 5) == expected
    assert with_all(context=context, config=config, warehouse=warehouse, up=5) == expected


def test_what_the_context_brings_may_be_left_out() -> None:
    context = hw.build_asset_context(
        resources={"warehouse": Warehouse(path="here")}, asset_config={"name": "n", "days": 2}
    )
    called: Any = with_all
    assert called(context, 5) == called(context, up=5) == ("with_all", 2, "n", "here", 5)
    assert called(context, up=5, warehouse=Warehouse(path="there"))[3] == "there"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: untyped_added(1), "was called without right"),
        (lambda: untyped_added(1, 2, 3), "was called with 3 values and takes 2"),
        (lambda: untyped_added(1, rigth=2), 'Did you mean "right"?'),
        (lambda: untyped_added(1, 2, left=1), "was given left twice"),
        (lambda: untyped_with_all(), "was called without a context"),
        (lambda: untyped_with_all(1), "was called with 1 as its context"),
        (
            lambda: untyped_with_all(hw.build_asset_context(asset_config={"name": "n"}), up=1),
            'was called without its resource "warehouse"',
        ),
        (lambda: hw.external_asset("x")(), "something else builds it"),
        (lambda: hw.graph_asset(name="g")(lambda: hw.op(name="o")(lambda: 1)())(), "made of a graph of ops"),
    ],
)
def test_a_call_that_does_not_fit_says_what_is_wrong(call: Any, says: str) -> None:
    with pytest.raises(InvalidInvocationError) as caught:
        call()
    assert says in str(caught.value)
    assert caught.value.why
    assert caught.value.fix


def test_config_is_checked_in_direct_calls_too() -> None:
    called: Any = with_all
    context = hw.build_asset_context(resources={"warehouse": Warehouse(path="here")}, asset_config={"nmae": "n"})
    with pytest.raises(InvalidConfigError, match="name"):
        called(context, up=1)

    @hw.asset(config_schema={"limit": hw.Field(int, default_value=7)})
    def limited(context: hw.AssetExecutionContext) -> int:
        return int(context.op_config["limit"])

    assert limited(hw.build_asset_context()) == 7
    assert limited(hw.build_asset_context(asset_config={"limit": 3})) == 3
    with pytest.raises(InvalidConfigError, match="must be an integer"):
        limited(hw.build_asset_context(asset_config={"limit": "x"}))


def test_config_with_defaults_may_be_left_out() -> None:
    class Days(hw.Config):
        days: int = 7

    @hw.asset
    def windowed(config: Days) -> int:
        return config.days

    called: Any = windowed
    assert (called(), called({"days": 2}), called(config=Days(days=3))) == (7, 2, 3)


def test_resources_by_key_come_from_the_context_or_from_the_asset_itself() -> None:
    @hw.asset(required_resource_keys={"api"})
    def fetched(context: hw.AssetExecutionContext) -> Any:
        return context.resources.api

    assert fetched(hw.build_asset_context(resources={"api": 5})) == 5
    with pytest.raises(InvalidInvocationError, match="required_resource_keys"):
        fetched(hw.build_asset_context())

    own = hw.ResourceDefinition.hardcoded_resource(9)

    @hw.asset(required_resource_keys={"api"}, resource_defs={"api": own})
    def brings_it(context: hw.AssetExecutionContext) -> Any:
        return context.resources.api

    assert brings_it(hw.build_asset_context()) == 9
    assert brings_it(hw.build_asset_context(resources={"api": 5})) == 5


def test_resources_of_a_context_are_torn_down_with_it() -> None:
    said: list[str] = []

    class Session(hw.ConfigurableResource):
        name: str

        def setup_for_execution(self, context: Any) -> None:
            said.append(f"up {self.name}")

        def teardown_after_execution(self, context: Any) -> None:
            said.append(f"down {self.name}")

    @hw.asset(resource_defs={"own": Session(name="own")}, required_resource_keys={"own"})
    def used(context: hw.AssetExecutionContext, given: Session) -> str:
        return given.name

    called: Any = used
    with hw.build_asset_context(resources={"given": Session(name="given")}) as context:
        assert called(context) == "given"
    assert said == ["up given", "up own", "down own", "down given"]


def test_generators_and_async_functions_are_called_as_they_are() -> None:
    @hw.asset
    def streamed(up: int) -> Iterator[hw.Output[int]]:
        yield hw.Output(up)

    @hw.asset
    async def awaited(up: int) -> int:
        return up

    @hw.asset
    async def streamed_async(up: int) -> AsyncIterator[hw.Output[int]]:
        yield hw.Output(up)

    async def all_of_it() -> list[int]:
        return [output.value async for output in streamed_async(3)]

    assert [output.value for output in streamed(3)] == [3]

    async def one_of_it() -> int:
        return await awaited(3)

    assert asyncio.run(one_of_it()) == 3
    assert asyncio.run(all_of_it()) == [3]


def test_multi_assets_are_asked_for_all_of_their_assets() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("a"), hw.AssetSpec("b")], can_subset=True)
    def both(context: hw.AssetExecutionContext) -> Iterator[hw.MaterializeResult[None]]:
        assert context.selected_output_names == {"a", "b"}
        assert not context.is_subset
        for key in sorted(context.selected_asset_keys):
            yield hw.MaterializeResult(asset_key=key)

    assert [str(result.asset_key) for result in both(hw.build_asset_context())] == ["a", "b"]


def test_checks_ops_hooks_and_triggers_are_called_directly() -> None:
    @hw.asset_check(asset="orders")
    def enough(context: hw.AssetCheckExecutionContext, orders: int) -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=orders > 1, description=context.check_specs[0].name)

    assert enough(hw.build_asset_check_context(), 2) == hw.AssetCheckResult(passed=True, description="enough")

    @hw.op(ins={"number": hw.In(default_value=4)})
    def told(context: hw.OpExecutionContext, number: int) -> tuple[str, int, str | None]:
        return context.op_def.name, number, context.get_mapping_key()

    assert told(hw.build_op_context(mapping_key="k")) == ("told", 4, "k")
    assert told.alias("other")(hw.build_op_context(), 3) == ("told", 3, None)

    @hw.op(config_schema={"n": int})
    def counted(context: hw.OpExecutionContext) -> int:
        return int(context.op_config["n"])

    assert counted(hw.build_op_context(op_config={"n": 3})) == counted(hw.build_op_context(config={"n": 3})) == 3
    assert counted.configured({"n": 4}, name="four")(hw.build_op_context()) == 4

    said: list[Any] = []

    @hw.failure_hook(required_resource_keys={"slack"})
    def complain(context: hw.HookContext) -> None:
        said.append((context.resources.slack, context.op.name, str(context.op_exception)))

    complain(hw.build_hook_context(resources={"slack": 1}, op=told, op_exception=ValueError("no")))
    assert said == [(1, "told", "no")]


def test_a_users_error_comes_through_a_direct_call() -> None:
    @hw.op
    def failing() -> None:
        raise hw.RetryRequested(max_retries=2)

    with pytest.raises(hw.RetryRequested):
        failing()


# ----------------------------------------------------------------------------------------------------- built contexts


def test_a_built_context_tells_the_partition_that_it_was_given() -> None:
    days = hw.DailyPartitionsDefinition("2024-01-01")

    @hw.asset(partitions_def=days)
    def daily(context: hw.AssetExecutionContext) -> tuple[Any, ...]:
        window = context.partition_time_window
        return context.has_partition_key, list(context.partition_keys), window.start.day, window.end.day

    assert daily(hw.build_asset_context(partition_key="2024-01-05")) == (True, ["2024-01-05"], 5, 6)
    three = hw.PartitionKeyRange("2024-01-02", "2024-01-04")
    with_range = daily(hw.build_asset_context(partition_key_range=three, partitions_def=days))
    assert with_range == (False, ["2024-01-02", "2024-01-03", "2024-01-04"], 2, 5)
    with pytest.raises(InvariantViolationError, match="this run has no partition"):
        daily(hw.build_asset_context())
    with pytest.raises(HeadwaterError, match="2023-01-01"):
        hw.build_asset_context(partition_key="2023-01-01", partitions_def=days)


def test_what_a_direct_call_says_can_be_read_afterwards() -> None:
    @hw.asset
    def talking(context: hw.AssetExecutionContext) -> int:
        context.add_output_metadata({"rows": 1})
        context.add_asset_metadata({"columns": 2})
        context.log.info("working")
        context.log_event(hw.AssetMaterialization("elsewhere"))
        return 1

    context = hw.build_asset_context()
    assert talking(context) == 1
    assert context.get_output_metadata("result") == {"rows": 1}
    assert [event.asset_key for event in context.get_events()] == [hw.AssetKey("elsewhere")]


def test_one_context_may_serve_several_calls() -> None:
    @hw.asset
    def first(context: hw.AssetExecutionContext) -> set[str]:
        return {str(key) for key in context.selected_asset_keys}

    @hw.asset
    def second(context: hw.AssetExecutionContext) -> set[str]:
        return {str(key) for key in context.selected_asset_keys}

    context = hw.build_asset_context()
    assert (first(context), second(context)) == ({"first"}, {"second"})


OF_A_RUN = ("job_name", "job_def")
TOLD = """
    log run run_id run_config op_config instance has_partition_key has_partition_key_range asset_key assets_def
    selected_asset_keys selected_output_names selected_asset_check_keys is_subset retry_number resources run_tags
    op_execution_context op_def step_key has_assets_def alias
""".split()  # noqa: SIM905


def test_every_property_of_a_context_answers_or_says_why_not_in_a_direct_call() -> None:
    @hw.asset
    def asked(context: hw.AssetExecutionContext) -> None:
        for name in TOLD:
            getattr(context, name)
        for name in OF_A_RUN:
            with pytest.raises(InvalidPropertyError, match="outside of any run"):
                getattr(context, name)
        for name in ("partition_key", "partition_keys", "partition_key_range", "partition_time_window"):
            with pytest.raises(InvariantViolationError):
                getattr(context, name)
        for wrong in (
            partial(context.add_output_metadata, {}, "rezult"),
            partial(context.log_event, "text"),
        ):
            with pytest.raises(InvariantViolationError):
                wrong()
        with pytest.raises(InvariantViolationError, match="which this step does not build"):
            context.add_asset_metadata({}, asset_key="other")
        assert (context.get_tag("team"), context.has_tag("none")) == ("sales", False)
        assert context.instance.get_runs() == []

    asked(hw.build_asset_context(run_tags={"team": "sales"}, retry_number=2))


def test_every_property_of_a_context_answers_in_a_run() -> None:
    days = hw.DailyPartitionsDefinition("2024-01-01")
    told: dict[str, Any] = {}

    @hw.asset(partitions_def=days)
    def up() -> int:
        return 5

    @hw.asset(partitions_def=days)
    def asked(context: hw.AssetExecutionContext, up: int) -> int:
        for name in (*TOLD, *OF_A_RUN, "partition_key", "partition_keys", "partition_key_range"):
            told[name] = getattr(context, name)
        told["window"] = context.partition_time_window.start.isoformat()
        told["of_input"] = (
            context.asset_partition_key_for_input("up"),
            list(context.asset_partition_keys_for_input("up")),
            context.asset_partitions_time_window_for_input("up").end.isoformat(),
        )
        told["team"] = context.get_tag("team")
        told["value"] = context.load_asset_value("up", partition_key=context.partition_key)
        context.add_output_metadata({"rows": up})
        return up

    result = hw.materialize([up, asked], partition_key="2024-01-03", tags={"team": "sales"})
    assert told["asset_key"] == hw.AssetKey("asked")
    assert told["run_id"] == told["run"].run_id == result.run_id
    assert told["op_execution_context"].run_id == result.run_id
    assert (told["partition_key"], told["partition_keys"]) == ("2024-01-03", ["2024-01-03"])
    assert told["window"] == "2024-01-03T00:00:00+00:00"
    assert told["of_input"] == ("2024-01-03", ["2024-01-03"], "2024-01-04T00:00:00+00:00")
    assert (told["team"], told["value"], told["retry_number"], told["is_subset"]) == ("sales", 5, 0, False)
    assert told["selected_asset_keys"] == {hw.AssetKey("asked")}


def test_a_context_for_an_op_of_no_asset_says_so() -> None:
    @hw.op
    def asked(context: hw.OpExecutionContext) -> None:
        with pytest.raises(InvalidPropertyError, match="builds no asset"):
            _ = context.assets_def
        assert context.selected_output_names == {"result"}

    asked(hw.build_op_context())
    assert issubclass(InvalidInvocationError, HeadwaterError)
    assert issubclass(CheckError, HeadwaterError)


# ------------------------------------------------------------------------------------ held to what is declared, as in a run


@hw.op(out={"a": hw.Out(int), "b": hw.Out(int)})
def gives(given: Any) -> Any:
    return given


@hw.op(out={"a": hw.Out(int), "b": hw.Out(int)})
def yields(given: Any) -> Any:
    yield from given


def test_an_input_or_output_of_the_wrong_type_is_refused_in_a_direct_call() -> None:
    @hw.op
    def as_text(x: int) -> int:
        return str(x)  # type: ignore[return-value]

    @hw.asset
    def spelled(numbers: list[int]) -> str:
        return numbers  # type: ignore[return-value]

    with pytest.raises(hw.TypeCheckDidNotPass, match='Input "x" of op "as_text" is a str'):
        as_text("a")
    with pytest.raises(hw.TypeCheckDidNotPass, match='Output "result" of op "as_text" is a str'):
        as_text(1)
    with pytest.raises(hw.TypeCheckDidNotPass, match='Output "result" of asset "spelled"'):
        spelled([1])


def test_partitions_of_an_asset_are_each_of_the_declared_type_in_a_direct_call() -> None:
    @hw.asset
    def total(counts: int) -> int:
        return sum(counts.values())  # type: ignore[attr-defined]

    assert total({"mon": 1, "tue": 2}) == 3
    with pytest.raises(hw.TypeCheckDidNotPass):
        total({"mon": "1"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((1, "x"), 'Output "b" of op "gives" is a str'),
        ((1, 2, 3), '"gives" returned a tuple of 3, and has 2 outputs: a, b'),
        (None, '"gives" returned nothing, and has 2 outputs: a, b'),
        ((hw.Output(1, "b"), hw.Output(2, "a")), 'returned the output "b" in the place of "a"'),
    ],
)
def test_what_is_returned_must_fit_the_outputs(given: Any, says: str) -> None:
    with pytest.raises(hw.HeadwaterError, match=says):
        gives(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([hw.Output(1, "a")], 'ended without giving its output "b"'),
        ([hw.Output(1, "a"), hw.Output(1, "a")], 'gave its output "a" twice'),
        ([hw.Output(1, "aa")], 'gave the output "aa", which it does not declare. .*Did you mean "a"|It declares: a, b'),
        ([hw.Output("s", "a")], 'Output "a" of op "yields" is a str'),
        ([5], '"yields" yielded 5'),
    ],
)
def test_what_is_yielded_must_fit_the_outputs(given: Any, says: str) -> None:
    with pytest.raises(hw.HeadwaterError, match=says):
        list(yields(given))


def test_a_generator_is_checked_as_it_is_read() -> None:
    reading = yields([hw.Output(1, "a"), hw.Output("s", "b")])
    assert next(reading).value == 1
    with pytest.raises(hw.TypeCheckDidNotPass):
        next(reading)


def test_a_coroutine_is_checked_when_it_is_awaited() -> None:
    @hw.op
    async def later(x: int) -> int:
        return x if x else "none"  # type: ignore[return-value]

    assert asyncio.run(later(1)) == 1
    with pytest.raises(hw.TypeCheckDidNotPass):
        asyncio.run(later(0))


def test_results_name_assets_that_the_function_builds() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("p"), hw.AssetSpec("q")])
    def both(key: Any) -> Any:
        yield hw.MaterializeResult(asset_key=key)

    assert len(list(both("p"))) == 1
    with pytest.raises(hw.InvariantViolationError, match='the asset "r", which it does not declare'):
        list(both("r"))
    with pytest.raises(hw.InvariantViolationError, match="without an asset_key"):
        list(both(None))


def test_an_output_that_is_returned_without_a_name_is_the_only_one() -> None:
    @hw.op(out={"rows": hw.Out(int)})
    def count() -> Any:
        return hw.Output(3)

    assert count().value == 3

    @hw.job
    def j() -> None:
        count()

    assert j.execute_in_process().output_for_node("count", "rows") == 3


def test_results_that_a_called_asset_returns_hold_metadata_as_it_was_written():
    @hw.asset
    def table() -> hw.MaterializeResult:
        return hw.MaterializeResult(metadata={"rows": 3})

    result = table()
    assert result.metadata == {"rows": 3}
    assert result == hw.MaterializeResult(metadata={"rows": hw.MetadataValue.int(3)})


def test_a_range_of_partitions_is_known_by_its_ends():
    days = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")

    @hw.asset(partitions_def=days)
    def daily(context: hw.AssetExecutionContext) -> hw.MaterializeResult:
        return hw.MaterializeResult(metadata={"days": list(context.partition_keys)})

    context = hw.build_asset_context(partition_key_range=hw.PartitionKeyRange("2024-01-03", "2024-01-05"))
    assert daily(context).metadata == {"days": ["2024-01-03", "2024-01-04", "2024-01-05"]}


def test_what_is_called_without_its_resources_says_which():
    @hw.success_hook(required_resource_keys={"bell"})
    def told(context: hw.HookContext) -> None: ...

    @hw.resource(required_resource_keys={"base"})
    def sized(context: hw.InitResourceContext) -> int:
        return 1

    with pytest.raises(hw.InvalidDefinitionError, match="bell"):
        told(hw.build_hook_context())
    with pytest.raises(hw.InvalidDefinitionError, match="base"):
        sized(hw.build_init_resource_context())
