"""Automation conditions and freshness policies are data: compared, changed, stored and read back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from headwater.graph.selection import AssetSelection
from headwater.model.condition_kinds import OPERANDS_BY_KIND
from headwater.model.conditions import AutomationCondition
from headwater.model.errors import CheckError
from headwater.model.errors.triggers import InvalidCronError, UnknownTimezoneError
from headwater.model.freshness import FreshnessPolicy

A = AutomationCondition

leaves = st.sampled_from(
    [
        A.missing(),
        A.newly_updated(),
        A.eager(),
        A.on_cron("@daily"),
        A.on_missing(),
        A.in_latest_time_window(timedelta(hours=3)),
        A.executed_with_tags(tag_keys={"a"}, tag_values={"b": "c"}),
        A.asset_matches("x", A.missing()),
        A.all_deps_blocking_checks_passed(),
    ]
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b: a.since(b), inner, inner),
        inner.map(lambda a: ~a),
        inner.map(lambda a: a.newly_true()),
        inner.map(A.any_deps_match),
        inner.map(lambda a: A.all_checks_match(a, blocking_only=True)),
        inner.map(lambda a: a.with_label("named")),
        inner.map(lambda a: a.allow("group:x")),
    ),
    max_leaves=6,
)


@given(conditions)
def test_a_condition_comes_back_from_json_as_it_was(condition: AutomationCondition) -> None:
    read = A.from_data(json.loads(json.dumps(condition.to_data(), sort_keys=True)))
    assert read == condition
    assert hash(read) == hash(condition)
    assert str(read) == str(condition)


@given(conditions)
def test_replacing_what_is_not_there_changes_nothing(condition: AutomationCondition) -> None:
    assert condition.replace("no such label", A.missing()) == condition
    assert condition.replace(condition, A.missing()) == A.missing()


def test_operators_make_one_flat_list_unless_a_label_keeps_a_part_together() -> None:
    flat = A.missing() & A.newly_updated() & A.in_progress()
    assert [child.name for child in flat.children] == ["missing", "newly_updated", "or"]
    labelled = (A.missing() & A.newly_updated()).with_label("both") & A.will_be_requested()
    assert [child.label or child.name for child in labelled.children] == ["both", "will_be_requested"]
    assert str(A.missing() & ~(A.newly_updated() | A.newly_requested())) == (
        "missing() & ~(newly_updated() | newly_requested())"
    )


def test_replace_finds_a_condition_a_label_or_a_name_wherever_it_stands() -> None:
    changed = A.eager().replace("handled", A.newly_updated())
    assert changed.label == "eager"
    assert "handled" not in [part.label for part in changed.walk()]
    assert (A.missing() & A.newly_updated()).replace(A.missing(), A.newly_requested()) == (
        A.newly_requested() & A.newly_updated()
    )
    assert A.missing().replace("missing", A.in_progress()) == A.in_progress()


def test_without_takes_an_operand_out_and_refuses_one_that_is_not_there() -> None:
    assert len(A.on_missing().without(A.in_latest_time_window()).children) == 2
    with pytest.raises(CheckError, match="on_missing, which has no such operand"):
        A.on_missing().without(A.execution_failed())


def test_allow_and_ignore_reach_every_question_to_upstream_assets_but_not_those_within() -> None:
    narrowed = A.eager().allow(AssetSelection.groups("gold")).ignore("group:slow")
    questions = [part for part in narrowed.walk() if part.kind == "any_deps_match"]
    assert [(part.parameter("allow"), part.parameter("ignore")) for part in questions] == [
        (str(AssetSelection.groups("gold")), "group:slow")
    ] * 3
    nested = A.any_deps_match(A.any_deps_match(A.missing())).allow("group:gold")
    assert nested.children[0].parameter("allow") is None
    with pytest.raises(CheckError, match="takes a selection"):
        A.eager().allow(5)


@pytest.mark.parametrize("kind", sorted(OPERANDS_BY_KIND))
def test_a_condition_is_made_of_as_many_as_its_kind_asks_for(kind: str) -> None:
    wanted = OPERANDS_BY_KIND[kind]
    A(kind, (A("missing"),) * (1 if wanted is None else wanted))
    with pytest.raises(CheckError):
        A(kind, () if wanted is None else (A("missing"),) * (wanted + 1))


def test_a_kind_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(CheckError, match='Did you mean "missing"'):
        A("mising")


@pytest.mark.parametrize("cron", ["nope", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@reboot", 5])
def test_a_cron_schedule_that_is_none_or_never_due_is_refused_where_it_is_declared(cron: Any) -> None:
    with pytest.raises(InvalidCronError):
        A.on_cron(cron)
    with pytest.raises(InvalidCronError):
        FreshnessPolicy.cron(cron, timedelta(hours=1))


def test_a_timezone_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownTimezoneError, match='Did you mean "Europe/Paris"'):
        A.cron_tick_passed("@daily", "Europe/Pariss")


@pytest.mark.parametrize(
    "policy",
    [
        FreshnessPolicy.time_window(timedelta(hours=2)),
        FreshnessPolicy.time_window(timedelta(hours=2), timedelta(hours=1)),
        FreshnessPolicy.cron("0 10 * * 1-5", timedelta(hours=2), "Europe/Paris"),
    ],
)
def test_a_freshness_policy_comes_back_from_json_as_it_was(policy: FreshnessPolicy) -> None:
    assert FreshnessPolicy.from_data(json.loads(json.dumps(policy.to_data()))) == policy
    assert len({policy, FreshnessPolicy.from_data(policy.to_data())}) == 1


def test_a_freshness_policy_that_could_not_be_kept_is_refused() -> None:
    with pytest.raises(CheckError, match="not shorter"):
        FreshnessPolicy.time_window(timedelta(hours=1), timedelta(hours=2))
    with pytest.raises(CheckError, match="by the minute"):
        FreshnessPolicy.time_window(timedelta(seconds=5))
    with pytest.raises(CheckError, match="two deadlines"):
        FreshnessPolicy.cron("0 10,12 * * *", timedelta(hours=3))
