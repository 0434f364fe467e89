"""Ops put together: what a body may say, graphs composed by hand, and jobs."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import DefinitionError, InvalidDefinitionError


@hw.op
def one() -> int:
    return 1


@hw.op
def increased(number: int) -> int:
    return number + 1


@hw.op
def total(numbers: list[int]) -> int:
    return sum(numbers)


@hw.op(out={"small": hw.Out(), "large": hw.Out()})
def parts() -> Any:
    return 1, 100


@hw.op(out=hw.DynamicOut())
def many() -> Any:
    for number in (1, 2, 3):
        yield hw.DynamicOutput(number, mapping_key=f"n{number}")


@hw.asset
def an_asset() -> int:
    return 1


def as_condition() -> None:
    if one():
        one()


def iterated() -> None:
    for _ in one():  # type: ignore[attr-defined]
        pass


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda: increased(3), 'was given an int as its input "number"'),
        (lambda: increased(one(), one()), "was given 2 inputs and takes 1"),
        (lambda: increased(nummber=one()), 'Did you mean "number"?'),
        (lambda: increased(one(), number=one()), 'its input "number" twice'),
        (lambda: (one.alias("a")(), one.alias("a")()), 'uses the name "a" for two nodes'),
        (lambda: increased(one), "Write one(), with parentheses"),
        (lambda: increased(one.alias("first")), "Write first(), with parentheses"),
        (lambda: increased(an_asset()), 'Asset "an_asset" was called inside job'),
        (lambda: increased(parts()), "Name one, such as .small"),
        (lambda: increased(many()), "was given the dynamic output"),
        (lambda: one().map(increased), "it is not dynamic"),  # type: ignore[attr-defined]
        (lambda: one().collect(), "it is not dynamic"),  # type: ignore[attr-defined]
        (lambda: many().map(lambda number: 3), "returned an int"),
        (iterated, "was iterated over inside a graph"),
        (as_condition, "was used as a condition"),
    ],
)
def test_a_body_that_describes_no_graph_is_refused(body: Any, says: str) -> None:
    def described() -> None:
        body()

    with pytest.raises(InvalidDefinitionError) as caught:
        hw.job(described)
    assert says in str(caught.value)


def test_a_failed_body_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError):

        @hw.job
        def broken() -> None:
            one()
            _ = 1 / 0

    assert one() == 1


def test_ops_are_named_numbered_tagged_hooked_and_retried_in_a_graph() -> None:
    seen: list[str] = []

    @hw.success_hook
    def note(context: hw.HookContext) -> None:
        seen.append(context.step_key)

    @hw.job(hooks={note})
    def counting() -> None:
        one()
        one()
        named = one.alias("named").tag({"a": "b"}).with_retry_policy(hw.RetryPolicy(max_retries=4))
        increased(named())

    assert [use.name for use in counting.graph.nodes] == ["one", "one_2", "named", "increased"]
    use = counting.graph.node_named("named")
    assert use.tags == {"a": "b"}
    assert use.retry_policy is not None
    assert use.retry_policy.max_retries == 4
    assert counting.execute_in_process().success
    assert sorted(seen) == ["increased", "named", "one", "one_2"]
    with pytest.raises(InvalidDefinitionError, match='Did you mean "named"'):
        counting.graph.node_named("nmaed")


def test_a_hook_may_stand_on_one_node_only() -> None:
    seen: list[str] = []

    @hw.success_hook
    def note(context: hw.HookContext) -> None:
        seen.append(context.step_key)

    @hw.job
    def counting() -> None:
        increased(one.with_hooks({note})())

    counting.execute_in_process()
    assert seen == ["one"]


def test_dynamic_values_are_mapped_and_collected_within_graphs_too() -> None:
    @hw.graph
    def all_increased() -> Any:
        return many().map(increased)

    @hw.job
    def counting() -> None:
        total(all_increased().map(increased).collect())

    assert all_increased.outs["result"].is_dynamic
    assert counting.execute_in_process().output_for_node("total") == 12


def test_fan_in_and_order_without_a_value() -> None:
    ran: list[str] = []

    @hw.op(ins={"after": hw.In(hw.Nothing)})
    def last() -> None:
        ran.append("last")

    @hw.op
    def first() -> None:
        ran.append("first")

    @hw.job
    def counting() -> None:
        last(after=[first(), first()])
        total([one(), increased(one())])

    result = counting.execute_in_process()
    assert ran == ["first", "first", "last"]
    assert result.output_for_node("total") == 3


def test_graphs_nest_and_hand_on_named_outputs() -> None:
    @hw.graph(out={"low": hw.GraphOut(), "high": hw.GraphOut()})
    def ends(start: int) -> Any:
        return {"low": increased(start), "high": increased(increased(start))}

    @hw.graph
    def outer(start: int) -> Any:
        found = ends(start)
        return total([found.low, found.high])

    assert outer.to_job().execute_in_process(input_values={"start": 1}).output_for_node("total") == 5


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda: {"a": one(), "c": one()}, 'returns "c", which out= does not name'),
        (lambda: {"a": one()}, 'does not return "b"'),
        (lambda: one(), 'does not return "b"'),
        (lambda: (one(), one(), one()), "returns 3 values and declares 2"),
        (lambda: None, 'does not return "a"'),
    ],
)
def test_a_graph_returns_what_it_declares(body: Any, says: str) -> None:
    with pytest.raises(InvalidDefinitionError) as caught:
        hw.graph(name="g", out={"a": hw.GraphOut(), "b": hw.GraphOut()})(body)
    assert says in str(caught.value)


def test_a_graph_is_not_called_outside_of_one() -> None:
    @hw.graph
    def grown() -> Any:
        return one()

    with pytest.raises(hw.InvariantViolationError, match="was called outside of a graph or job"):
        grown()


def test_a_graph_is_composed_by_hand_from_definitions_and_names() -> None:
    graph = hw.GraphDefinition(
        name="by_hand",
        node_defs=[one, increased, total],
        dependencies={
            hw.NodeInvocation("increased", alias="again"): {"number": hw.DependencyDefinition("increased")},
            "increased": {"number": hw.DependencyDefinition("one")},
            "total": {
                "numbers": hw.MultiDependencyDefinition(
                    [hw.DependencyDefinition("one"), hw.DependencyDefinition("again")]
                )
            },
        },
        output_mappings=[hw.OutputMapping("sum", "total")],
    )
    result = graph.to_job().execute_in_process()
    assert result.output_for_node("again") == 3
    assert result.output_value("sum") == 4


@pytest.mark.parametrize(
    ("dependencies", "says"),
    [
        ({"increased": {"number": hw.DependencyDefinition("oen")}}, 'Did you mean "one"?'),
        ({"incresed": {"number": hw.DependencyDefinition("one")}}, 'Did you mean "increased"?'),
        ({"increased": {"nummber": hw.DependencyDefinition("one")}}, 'Did you mean "number"?'),
        ({"increased": {"number": hw.DependencyDefinition("one", "reslt")}}, 'Did you mean "result"?'),
        (
            {
                hw.NodeInvocation("increased", "a"): {"number": hw.DependencyDefinition("b")},
                hw.NodeInvocation("increased", "b"): {"number": hw.DependencyDefinition("a")},
            },
            "in a circle: a -> b -> a",
        ),
    ],
)
def test_what_does_not_fit_in_a_graph_by_hand_is_refused(dependencies: Any, says: str) -> None:
    with pytest.raises(InvalidDefinitionError) as caught:
        hw.GraphDefinition(name="g", node_defs=[one, increased], dependencies=dependencies)
    assert says in str(caught.value)


def test_a_job_hands_input_values_to_its_graph() -> None:
    @hw.job(input_values={"number": 5})
    def counting(number: int) -> None:
        increased(number)

    assert counting.execute_in_process().output_for_node("increased") == 6
    assert counting.execute_in_process(input_values={"number": 7}).output_for_node("increased") == 8
    with pytest.raises(InvalidDefinitionError, match=r'(?s)input value for "nummber".*Did you mean "number"'):
        hw.job(name="j", input_values={"nummber": 5})(lambda number: increased(number))


def test_op_and_job_tags_that_are_no_text_become_json() -> None:
    @hw.op(tags={"a": {"b": 1}})
    def tagged() -> None: ...

    @hw.job(tags={"n": 1})
    def counting() -> None:
        tagged()

    assert tagged.tags == {"a": '{"b":1}'}
    assert counting.tags == {"n": "1"}


def test_an_op_is_configured_ahead_and_named_anew() -> None:
    @hw.op(config_schema={"n": int})
    def added(context: hw.OpExecutionContext) -> int:
        return int(context.op_config["n"])

    three = hw.configured(added, name="three")({"n": 3})
    four = added.configured({"n": 4}, name="four")

    @hw.job
    def counting() -> None:
        three()
        four()

    result = counting.execute_in_process()
    assert (result.output_for_node("three"), result.output_for_node("four")) == (3, 4)
    with pytest.raises(InvalidDefinitionError, match='name="configured_added"'):
        added.configured({"n": 4})


def test_outputs_and_inputs_of_an_op_have_names_that_can_be_written() -> None:
    with pytest.raises(InvalidDefinitionError, match='an output of op "f"'):
        hw.op(name="f", out={"two words": hw.Out()})(lambda: None)
    with pytest.raises(InvalidDefinitionError, match='has no parameter "after"'):
        hw.op(name="f", ins={"after": hw.In()})(lambda: None)
    with pytest.raises(InvalidDefinitionError, match="takes no parameter"):
        hw.success_hook(lambda: None)


def test_two_jobs_of_which_the_same_was_said_are_equal() -> None:
    @hw.graph
    def grown() -> Any:
        return one()

    assert grown.to_job() == grown.to_job()
    assert grown.to_job() != grown.to_job(name="other")
    assert hw.define_asset_job("j", selection="a") == hw.define_asset_job("j", selection=["a"])
    assert hw.define_asset_job("j", selection="a") != hw.define_asset_job("j", selection="b")
    assert len({grown.to_job(), grown.to_job()}) == 1


def test_an_asset_job_holds_what_its_selection_names() -> None:
    days = hw.DailyPartitionsDefinition("2024-01-01")

    @hw.asset(partitions_def=days)
    def orders() -> None: ...

    @hw.asset(partitions_def=days, group_name="gold")
    def sales(orders: Any) -> None: ...

    @hw.asset_check(asset=sales)
    def sound() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=True)

    defs = hw.Definitions(
        assets=[orders, sales],
        asset_checks=[sound],
        jobs=[
            hw.define_asset_job("everything"),
            hw.define_asset_job("gold", selection="group:gold", tags={"n": 1}, config={"ops": {}}),
            hw.define_asset_job("upward", selection=hw.AssetSelection.assets("sales").upstream()),
        ],
    )
    held = {job.name: {str(key) for key in job.asset_keys} for job in defs.get_all_job_defs()}
    assert held == {"everything": {"orders", "sales"}, "gold": {"sales"}, "upward": {"orders", "sales"}}
    gold = defs.get_job_def("gold")
    assert gold.partitions_def == days
    assert gold.tags == {"n": "1"}
    assert {str(key) for key in gold.check_keys} == {"sales:sound"}


def test_an_asset_job_that_cannot_be_is_told_with_its_name() -> None:
    @hw.asset(partitions_def=hw.StaticPartitionsDefinition(["x"]))
    def orders() -> None: ...

    @hw.multi_asset(specs=[hw.AssetSpec("left"), hw.AssetSpec("right")])
    def together() -> None: ...

    other = hw.StaticPartitionsDefinition(["y"])
    for job, said in (
        (hw.define_asset_job("nightly", selection="odrers"), 'Job "nightly": .*"odrers"'),
        (hw.define_asset_job("nightly", selection="left"), 'Job "nightly": "left" cannot be built without "right"'),
        (hw.define_asset_job("nightly", "orders", partitions_def=other), 'Job "nightly" selects "orders"'),
    ):
        with pytest.raises(DefinitionError, match=said):
            hw.Definitions(assets=[orders, together], jobs=[job])
