"""Draws specs by seed, and finds the smallest one that differs."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.differential.generated import specs, specs_of_jobs
from tests.differential.generated.engines import Drawn, Spec

STRATEGIES: dict[str, SearchStrategy[Spec]] = {
    "graphs": specs.graphs(),
    "failures": specs.failures(),
    "partitions": specs.partitions(),
    "mappings": specs.mappings(),
    "configs": specs_of_jobs.configs(),
    "jobs": specs_of_jobs.jobs(),
}


def _settings(count: int, *phases: Phase) -> settings:
    return settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def draw(kind: str, count: int, number: int) -> list[Drawn]:
    """Return `count` different specs of a kind: the same ones for the same number and version of hypothesis."""
    taken: dict[str, Spec] = {}

    @seed(number)
    @_settings(count * 4, Phase.generate)
    @given(STRATEGIES[kind])
    def take(spec: Spec) -> None:
        taken.setdefault(json.dumps(spec, sort_keys=True), spec)

    take()
    # What hypothesis draws one after the other is often much the same.
    chosen = Random(number).sample(list(taken.values()), min(count, len(taken)))
    return [(kind, spec) for spec in chosen]


def smallest(kind: str, differs: Callable[[Spec], bool], count: int, number: int) -> Spec | None:
    """Return the smallest spec that differs which hypothesis comes to from those of `draw`, None where none differs."""
    found: list[Spec] = []

    @seed(number)
    @_settings(count * 3, Phase.generate, Phase.shrink)
    @given(STRATEGIES[kind])
    def look(spec: Spec) -> None:
        if differs(spec):
            found.append(spec)
            raise AssertionError

    try:
        look()
    except AssertionError:
        return min(found, key=lambda spec: len(json.dumps(spec)))
    return None
