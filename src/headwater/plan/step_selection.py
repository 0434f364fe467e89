"""Which ops of a job are meant by selections such as "clean", "*report", "load+" or "graph.op"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.model.errors import InvalidSubsetError, did_you_mean
from headwater.plan.job_steps import steps_of_job

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition

_CLAUSE = re.compile(r"^(\*|\++)?([A-Za-z0-9_.]+)(\*|\++)?$")


def selected_step_keys(
    job: JobDefinition, selection: Sequence[str], *, unmatched: type[InvalidSubsetError] = InvalidSubsetError
) -> tuple[str, ...]:
    """Return the steps that are meant. `*x` is x and all before it, `x*` all after; `+x` one level before, `++x` two.

    The name of a graph means all of its ops. Raises `unmatched` for a clause that matches nothing.
    """
    steps = steps_of_job(job)
    parents = {step.key: {source for need in step.needs for source, _ in need.sources} for step in steps}
    children: dict[str, set[str]] = {}
    for key, sources in parents.items():
        for source in sources:
            children.setdefault(source, set()).add(key)
    chosen: set[str] = set()
    for clause in selection:
        match = _CLAUSE.match(clause.strip())
        name = match.group(2) if match else clause
        hits = {step.key for step in steps if step.key == name or step.key.startswith(f"{name}.")}
        if match is None or not hits:
            known = [step.key for step in steps]
            raise unmatched(
                what=f'"{clause}" selects no op of job "{job.name}".',
                why="There would be nothing to run for it.",
                fix=f"{did_you_mean(name, known)}Its ops are: {', '.join(known[:20])}.",
            )
        chosen |= hits
        chosen |= _reach(hits, parents, match.group(1))
        chosen |= _reach(hits, children, match.group(3))
    return tuple(step.key for step in steps if step.key in chosen)


def _reach(start: set[str], edges: dict[str, set[str]], depth: str | None) -> set[str]:
    if depth is None:
        return set()
    left = -1 if depth == "*" else len(depth)
    found: set[str] = set()
    frontier = start
    while frontier and left != 0:
        frontier = {key for node in frontier for key in edges.get(node, ())} - found
        found |= frontier
        left -= 1
    return found
