"""What conditions mean together: set laws against a naive model, states across evaluations, selections, own conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import headwater as hw
from headwater.automation import AutomationCursor
from headwater.model.errors import CheckError
from headwater.model.errors.automation import AutomationConditionError, UnknownAssetInCondition
from tests.automation.scenario import DAILY, LETTERS, ONCE, A, Scenario, asset, day

KEYS = ("a", "b", "c")


class Told(A):
    """True for the partitions that its script names, one entry for each evaluation."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column

    def evaluate(self, context: hw.AutomationContext) -> hw.AutomationResult:
        told = SCRIPT[STEP[0]][self.column]
        return hw.AutomationResult(context, context.candidate_subset.compute_intersection_with_partition_keys(told))


SCRIPT: list[tuple[frozenset[str], frozenset[str]]] = []
STEP = [0]
P, Q = Told(0), Told(1)
sets = st.frozensets(st.sampled_from(KEYS))
scripts = st.lists(st.tuples(sets, sets), min_size=1, max_size=4)
conditions = st.recursive(
    st.sampled_from([P, Q]),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        inner.map(lambda a: ~a),
        inner.map(lambda a: a.newly_true()),
        st.builds(lambda a, b: a.since(b), inner, inner),
    ),
    max_leaves=6,
)
Naive = Callable[[int], frozenset[str]]


def naive(condition: A) -> Naive:
    """Return the set for which a condition holds at each step, worked out from the whole script, key by key."""
    everything = frozenset(KEYS)
    if isinstance(condition, Told):
        return lambda step: SCRIPT[step][condition.column]
    parts = [naive(child) for child in condition.children]
    match condition.kind:
        case "and":
            return lambda step: everything.intersection(*(part(step) for part in parts))
        case "or":
            return lambda step: frozenset().union(*(part(step) for part in parts))
        case "not":
            return lambda step: everything - parts[0](step)
        case "newly_true":
            return lambda step: parts[0](step) - (parts[0](step - 1) if step else frozenset())
        case _:
            trigger, reset = parts

            def since(step: int) -> frozenset[str]:
                before = since(step - 1) if step else frozenset()
                return (before | trigger(step)) - reset(step)

            return since


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(conditions, scripts)
def test_combined_conditions_are_worth_what_a_naive_model_says(
    condition: A, script: list[tuple[frozenset[str], frozenset[str]]]
) -> None:
    SCRIPT[:] = script
    scenario = Scenario(asset("x", condition, partitions_def=LETTERS))
    for step in range(len(script)):
        STEP[0] = step
        assert scenario.evaluate().get("x", set()) == naive(condition)(step)
        assert scenario.last is not None
        (result,) = scenario.last.results
        check_explanation(result.to_data())
    scenario.instance.close()


def check_explanation(node: dict[str, Any]) -> None:
    assert 0 <= node["true"] <= node["candidates"]
    children = node["children"]
    if node["kind"] == "and" and children:
        assert node["true"] == children[-1]["true"]
        assert [child["candidates"] for child in children[1:]] == [child["true"] for child in children[:-1]]
    if node["kind"] == "not" and children:
        assert node["true"] == node["candidates"] - children[0]["true"]
    for child in children:
        check_explanation(child)


def test_every_result_says_why_as_a_tree_of_sizes() -> None:
    a = asset("a", partitions_def=DAILY)
    b = asset("b", A.missing() & ~A.any_deps_match(A.missing()), a, partitions_def=DAILY)
    scenario = Scenario(a, b)
    scenario.build(a, partitions=["2024-01-02", "2024-01-03"])
    scenario.evaluate(day(5))
    assert scenario.last is not None
    why = scenario.last.explain(b.key)
    assert why is not None
    assert (why["true"], why["candidates"], why["partitions"]) == (2, 4, ["2024-01-02...2024-01-03"])
    missing, no_upstream_missing = why["children"]
    assert (missing["condition"], missing["true"]) == ("missing()", 4)
    assert no_upstream_missing["children"][0]["children"][0] == {
        "condition": "missing()",
        "label": None,
        "kind": "missing",
        "key": "a",
        "key_type": "asset",
        "candidates": 4,
        "true": 2,
        "partitions": ["2024-01-01", "2024-01-04"],
        "children": [],
    }
    result = scenario.last.find_result(b.key)
    assert result is not None
    assert result.pprint().splitlines()[:3] == [
        "2 of 4  missing() & ~any_deps_match(missing())  [b]",
        "  4 of 4  missing()",
        "  2 of 4  ~any_deps_match(missing())",
    ]
    assert scenario.last.explain(a.key) is None


def test_a_condition_that_is_edited_elsewhere_remembers_and_labels_do_not_matter() -> None:
    a = asset("a")
    kept = A.newly_updated().since(A.cron_tick_passed("@daily"))
    scenario = Scenario(asset("b", kept))
    b = asset("b")
    scenario.evaluate()
    scenario.build(b)
    assert scenario.evaluate() == {"b": ONCE}
    scenario.declare(a, asset("b", (kept.with_label("kept") & ~A.in_progress()).with_label("new")))
    assert scenario.evaluate() == {"b": ONCE}


def test_a_change_is_seen_although_something_else_was_false_when_it_came() -> None:
    a = asset("a")
    scenario = Scenario(a, asset("b", A.cron_tick_passed("@daily") & A.any_deps_match(A.newly_updated()).since(P), a))
    SCRIPT[:], STEP[0] = [(frozenset(), frozenset())], 0
    scenario.evaluate(day(10))
    scenario.build(a)
    assert scenario.evaluate(day(10, 1)) == {}
    assert scenario.evaluate(day(11)) == {"b": ONCE}


def test_only_the_first_evaluation_of_an_asset_is_initial() -> None:
    scenario = Scenario(asset("a", A.initial_evaluation()))
    assert scenario.evaluate() == {"a": ONCE}
    scenario.declare(asset("a", A.initial_evaluation() | A.in_progress()), asset("b", A.initial_evaluation()))
    assert scenario.evaluate() == {"b": ONCE}


def test_what_was_asked_for_is_known_to_the_next_evaluation() -> None:
    a = asset("a", A.missing())
    scenario = Scenario(a, asset("b", A.any_deps_match(A.newly_requested()), a))
    assert scenario.evaluate() == {"a": ONCE}
    assert scenario.evaluate() == {"a": ONCE, "b": ONCE}


def test_will_be_requested_holds_only_where_one_run_can_build_both() -> None:
    a = asset("a", A.missing(), partitions_def=DAILY)
    asked = A.any_deps_match(A.will_be_requested())
    before = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    scenario = Scenario(
        a,
        asset("same", asked, a, partitions_def=DAILY),
        asset("day_after", asked, hw.AssetDep(a, partition_mapping=before), partitions_def=DAILY),
        asset("whole", asked, a),
        asset("shorter", asked, a, partitions_def=hw.DailyPartitionsDefinition("2024-01-02")),
        asset("all", asked, hw.AssetDep(a, partition_mapping=hw.AllPartitionMapping()), partitions_def=DAILY),
    )
    found = {name: len(keys) for name, keys in scenario.evaluate(day(4)).items()}
    assert found == {"a": 3, "same": 3, "day_after": 2}


def test_questions_to_upstream_assets_are_put_to_those_that_are_allowed_and_not_ignored() -> None:
    a, b = asset("a", group_name="left"), asset("b", group_name="right")
    left, right = hw.AssetSelection.groups("left"), hw.AssetSelection.assets("b")
    asked = A.any_deps_match(A.missing())
    scenario = Scenario(
        a,
        b,
        asset("allow_left", asked.allow(left), a, b),
        asset("ignore_left", asked.ignore(left), a, b),
        asset("allow_both", asked.allow(left).allow(right), a, b),
        asset("ignore_both", asked.ignore(left).ignore(right), a, b),
        asset("allow_ignored", asked.allow(left).ignore(left), a, b),
    )
    assert set(scenario.evaluate()) == {"allow_left", "ignore_left", "allow_both"}
    scenario.build(a)
    assert set(scenario.evaluate()) == {"ignore_left", "allow_both"}


def test_another_asset_can_be_asked_about_and_one_that_is_not_there_is_refused() -> None:
    a = asset("a", partitions_def=LETTERS)
    scenario = Scenario(a, asset("b", A.asset_matches("a", ~A.missing()), partitions_def=LETTERS))
    scenario.build(a, partitions=["b"])
    assert scenario.evaluate() == {"b": {"b"}}
    scenario.declare(asset("orders"), asset("b", A.asset_matches("order", A.missing())))
    with pytest.raises(UnknownAssetInCondition, match='Did you mean "orders"'):
        scenario.evaluate()


def test_a_condition_of_ones_own_has_a_cursor_and_knows_what_was_true() -> None:
    seen: list[Any] = []

    class EveryOther(hw.AutomationCondition[hw.AssetKey]):
        async def evaluate(self, context: hw.AutomationContext[hw.AssetKey]) -> hw.AutomationResult[hw.AssetKey]:
            count = int(context.cursor or 0) + 1
            before = context.previous_true_subset
            seen.append((count, before and before.size, context.key.to_user_string()))
            true = context.candidate_subset if count % 2 else context.get_empty_subset()
            return hw.AutomationResult(context, true, cursor=str(count))

    a = asset("a", EveryOther() & A.missing())
    scenario = Scenario(a, asset("b", A.any_deps_match(EveryOther()), a))
    assert [scenario.evaluate(), scenario.evaluate()] == [{"a": ONCE, "b": ONCE}, {}]
    assert seen == [(1, None, "a"), (1, None, "a"), (2, 1, "a"), (2, 1, "a")]


def test_a_condition_of_ones_own_can_be_made_of_others() -> None:
    class Unless(A):
        def __init__(self, inner: A) -> None:
            super().__init__(children=(inner,))

        def evaluate(self, context: hw.AutomationContext) -> hw.AutomationResult:
            child = context.for_child_condition(self.children[0], [0], context.candidate_subset).evaluate()
            true = context.candidate_subset - child.true_subset
            return hw.AutomationResult(context, true, child_results=[child])

    a = asset("a", Unless(A.missing()), partitions_def=LETTERS)
    scenario = Scenario(a)
    scenario.build(a, partitions=["c"])
    assert scenario.evaluate() == {"a": {"c"}}
    assert scenario.last is not None
    assert scenario.last.results[0].pprint().splitlines() == ["1 of 3  Unless  [a]", "  2 of 3  missing()"]


def test_a_condition_of_ones_own_that_fails_is_named_with_its_asset() -> None:
    class Broken(A):
        def evaluate(self, context: hw.AutomationContext) -> hw.AutomationResult:
            raise KeyError("holidays")

    class Silent(A):
        def evaluate(self, context: hw.AutomationContext) -> Any:
            return True

    with pytest.raises(AutomationConditionError, match=r"condition Broken of \"a\" .* KeyError: 'holidays'"):
        Scenario(asset("a", Broken())).evaluate()
    with pytest.raises(AutomationConditionError, match=r"its evaluate\(\) returned True"):
        Scenario(asset("a", Silent() & A.missing())).evaluate()
    with pytest.raises(AutomationConditionError, match="it does not say how"):
        Scenario(asset("a", type("Mute", (A,), {})())).evaluate()


def test_only_selected_conditions_are_evaluated_and_the_others_keep_their_state() -> None:
    a, b = asset("a", A.newly_updated()), asset("b", A.newly_updated())
    scenario = Scenario(a, b)
    scenario.evaluate()
    scenario.build(a, b)
    only_b = hw.evaluate_automation_conditions(
        [a, b], scenario.instance, hw.AssetSelection.assets("b"), cursor=scenario.cursor
    )
    assert [(str(result.key), result.true_subset.size) for result in only_b.results] == [("b", 1)]
    after = hw.evaluate_automation_conditions([a, b], scenario.instance, cursor=only_b.cursor)
    assert {str(one.key) for one in after.requested_subsets} == {"a"}


def test_partitions_defined_otherwise_begin_anew() -> None:
    scenario = Scenario(asset("a", A.missing().newly_true(), partitions_def=LETTERS))
    assert scenario.evaluate() == {"a": set(KEYS)}
    scenario.declare(asset("a", A.missing().newly_true(), partitions_def=DAILY))
    assert len(scenario.evaluate(day(5))["a"]) == 4
    scenario.declare(asset("a", A.missing().newly_true()))
    assert scenario.evaluate() == {"a": ONCE}


def test_text_that_is_no_cursor_is_refused() -> None:
    with pytest.raises(CheckError, match="is not the cursor of an evaluation"):
        AutomationCursor.deserialize("{")
    assert AutomationCursor.deserialize(AutomationCursor().serialize()) == AutomationCursor()
