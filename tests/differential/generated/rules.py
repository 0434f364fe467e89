"""The deliberate differences that generated specs come upon: what may differ, under which topic of differences.toml."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.differential.comparison import labels_that_differ
from tests.differential.generated.engines import Record, Spec

_MISSING = "not recorded"


@dataclass(frozen=True)
class Rule:
    """A difference that is wanted. `allows` takes the spec, a label, and what Dagster and Headwater recorded under it."""

    topic: str
    kinds: tuple[str, ...]
    allows: Callable[[Spec, str, Any, Any], bool]


def _attempts_used_up(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    return (
        label == "raised"
        and theirs["raises"] == "DagsterError"
        and ours["raises"] is not None
        and theirs["mentions"] == ours["mentions"]
    )


def _part_of_a_whole(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    return label.endswith("materialize") and (theirs["raises"], ours["raises"]) == (
        "DagsterInvalidDefinitionError",
        "DagsterInvalidSubsetError",
    )


def _whole_type_is_printed(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    if not isinstance(theirs, dict) or not _is_config_error(theirs) or not _is_config_error(ours):
        return False
    # What stands in an array or a map is not at fault where something else was given than an array or a map.
    holds = spec["schema"]["type"]["t"] in ("array", "list", "map", "noneable")
    return holds or bool({*theirs["mentions"]} & {*ours["mentions"]})


def _cannot_join(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    return label == "fits" and (theirs["raises"], ours["raises"]) == ("CheckError", "DagsterInvalidDefinitionError")


def _absent_keys(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    if not label.startswith("up "):
        return False
    was, became = theirs.get("gives"), ours.get("gives")
    if not isinstance(was, dict) or not isinstance(became, dict):
        return False
    name, kind = "required and absent", spec["mapping"]["kind"]
    is_told = (kind == "specific" and not was[name]) or (kind == "multi" and bool(was[name]))
    return was["keys"] == became["keys"] and is_told and bool(became[name])


def _is_config_error(record: Any) -> bool:
    return bool(record.get("raises") == "DagsterInvalidConfigError")


def _skipped_or_blocked(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    if label.endswith(": events"):
        silent = {step for step, events in theirs.items() if events == "STEP_SKIPPED" and step not in ours}
        return {step: events for step, events in theirs.items() if step not in silent} == ours
    if not label.startswith(("run", "again")) or not isinstance(theirs, dict) or not theirs.get("failed"):
        return False
    same = {**theirs, "skipped": None} == {**ours, "skipped": None}
    return same and {*ours.get("skipped", ())} < {*theirs.get("skipped", ())}


def _mapped_and_skipped(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    mapped = {call["each"] for call in _calls(spec["body"]) if "each" in call}
    if label.endswith(": events"):
        told = {
            step: events for step, events in ours.items() if step.rpartition(".")[2] not in mapped or step in theirs
        }
        return told == theirs
    if not isinstance(ours, dict) or not ours.get("skipped"):
        return False
    extra = {*ours["skipped"]} - {*theirs.get("skipped", ())}
    same = {**theirs, "skipped": None} == {**ours, "skipped": None}
    return same and {step.rpartition(".")[2] for step in extra} <= mapped


def _calls(body: list[Spec]) -> Iterator[Spec]:
    for call in body:
        yield call
        if "graph" in call:
            yield from _calls(call["graph"]["body"])


def _loaded_before_a_failure(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    if not label.endswith(": events") or theirs.keys() != ours.keys():
        return False
    differing = [(theirs[step], ours[step]) for step in theirs if theirs[step] != ours[step]]
    return all("LOADED_INPUT STEP_FAILURE" in was and was.replace("LOADED_INPUT ", "") == now for was, now in differing)


def _order_with_graphs(spec: Spec, label: str, theirs: Any, ours: Any) -> bool:
    if not any("graph" in call for call in spec["body"]):
        return False
    if label.endswith(": functions"):
        return sorted(theirs) == sorted(ours)
    in_order = ("steps", "retried")
    return isinstance(theirs, dict) and _sorted(theirs, in_order) == _sorted(ours, in_order)


def _sorted(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: sorted(value) if name in names else value for name, value in record.items()}


RULES = (
    Rule("the error that is raised when a step has used up its attempts", ("failures", "jobs"), _attempts_used_up),
    Rule("a selection of a part of what is built as a whole", ("graphs",), _part_of_a_whole),
    Rule("the fields that a fault of config names", ("configs",), _whole_type_is_printed),
    Rule("a mapping between partitions that it cannot join", ("mappings",), _cannot_join),
    Rule("upstream partitions that a mapping names and that do not exist", ("mappings",), _absent_keys),
    Rule("a step that needs what failed and what was skipped", ("failures", "jobs"), _skipped_or_blocked),
    Rule("a step that is mapped over a dynamic output which did not come", ("jobs",), _mapped_and_skipped),
    Rule("inputs that were loaded before one that could not be", ("graphs", "failures"), _loaded_before_a_failure),
    Rule("independent steps", ("jobs",), _order_with_graphs),
)


def differences(kind: str, spec: Spec, theirs: Record, ours: Record) -> Iterator[str]:
    """Yield the labels under which the records of a spec differ as no rule allows."""
    for label in labels_that_differ(theirs, ours):
        if label not in theirs or label not in ours or topic_of(kind, spec, label, theirs[label], ours[label]) is None:
            yield label


def topic_of(kind: str, spec: Spec, label: str, theirs: Any, ours: Any) -> str | None:
    """Return the topic under which a difference is wanted, None where it is not."""
    for rule in RULES:
        if kind in rule.kinds and rule.allows(spec, label, theirs, ours):
            return rule.topic
    return None


def told(kind: str, spec: Spec, theirs: Record, ours: Record, labels: list[str]) -> str:
    """Return a spec and what of its records differs, for people."""
    lines = [f"{kind}: {json.dumps(spec)}"]
    for label in labels:
        lines.append(f"    {label}")
        lines.append(f"        dagster   {json.dumps(theirs.get(label, _MISSING))}")
        lines.append(f"        headwater {json.dumps(ours.get(label, _MISSING))}")
    return "\n".join(lines)
