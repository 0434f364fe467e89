"""Every generated program records on Headwater what Dagster recorded, or what a rule allows."""

from __future__ import annotations

import json

import pytest

from tests.differential.comparison import FAULT, deliberate_differences
from tests.differential.generated.drawing import STRATEGIES, draw, smallest
from tests.differential.generated.engines import Spec, headwater
from tests.differential.generated.recorded import COUNTS, read
from tests.differential.generated.rules import RULES, differences, told


@pytest.mark.parametrize("kind", list(STRATEGIES))
def test_generated_programs_record_what_dagster_recorded(kind: str) -> None:
    pairs = read(kind)
    assert len(pairs) >= COUNTS[kind] * 0.9
    with headwater() as engine:
        ours = engine.records(drawn for drawn, _ in pairs)
    wrong = []
    for ((_, spec), theirs), record in zip(pairs, ours, strict=True):
        assert FAULT not in json.dumps(theirs)
        if labels := list(differences(kind, spec, theirs, record)):
            wrong.append(told(kind, spec, theirs, record, labels))
    assert not wrong, "\n".join(wrong)


def test_every_rule_is_on_the_list_of_deliberate_differences() -> None:
    topics = {difference.topic for difference in deliberate_differences()}
    assert {rule.topic for rule in RULES} <= topics


def test_a_seed_draws_the_same_specs_again() -> None:
    assert draw("mappings", 5, 7) == draw("mappings", 5, 7)
    assert draw("mappings", 5, 7) != draw("mappings", 5, 8)


def test_the_smallest_spec_that_differs_is_found() -> None:
    def differs(spec: Spec) -> bool:
        return len(spec["assets"]) > 3

    found = smallest("graphs", differs, 20, 0)
    assert found is not None
    assert len(found["assets"]) == 4
    assert smallest("graphs", lambda spec: False, 3, 0) is None
