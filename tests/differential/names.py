"""`python -m tests.differential.names`: which of Dagster's public names are given, typed, documented, and by what exercised.

Exits with 1 where a name of the lists is not given, not typed, has no docstring, or is exercised by no program.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections import Counter
from dataclasses import dataclass
from typing import get_origin

from headwater.compat import dagster as dg
from tests.differential.comparison import HERE, PROGRAM_FILES
from tests.differential.uses import UsesInFile

# What stands for a type of Python's own, which has no docstring to give it.
_PLAIN = frozenset({"Nothing"})


@dataclass(frozen=True)
class NameReport:
    """What is known of one name. `programs` counts the differential programs that use it."""

    name: str
    is_given: bool
    is_typed: bool
    is_documented: bool
    programs: int


def listed_names() -> dict[str, list[str]]:
    """Return the names by list, as names.txt has them: a line '# First', then names."""
    lists: dict[str, list[str]] = {}
    for line in (HERE / "names.txt").read_text().splitlines():
        if line.startswith("# "):
            lists[line[2:]] = []
        else:
            lists[list(lists)[-1]].extend(line.split())
    return lists


def uses_by_name() -> Counter[str]:
    """Return how many programs use each name; what stands outside of programs counts once for its file."""
    uses: Counter[str] = Counter()
    for path in PROGRAM_FILES:
        file = UsesInFile()
        shared: set[str] = set()
        for node in ast.parse(path.read_text()).body:
            names = file.names_in(node)
            if isinstance(node, ast.FunctionDef) and _is_program(node):
                uses.update(names)
            else:
                shared |= names
        uses.update(shared)
    return uses


def _is_program(node: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "program" for each in node.decorator_list)


def report_on(name: str, uses: Counter[str]) -> NameReport:
    """Look at one name: `Name`, or `Owner.attribute`."""
    owner, _, attribute = name.rpartition(".")
    holder = getattr(dg, owner, None) if owner else dg
    thing = getattr(holder, attribute, None) if holder is not None else None
    if thing is None and holder is not None and owner:
        # What only instances have is told by their annotations.
        is_given = attribute in getattr(holder, "__annotations__", {})
    else:
        is_given = thing is not None
    return NameReport(
        name,
        is_given,
        is_given and _is_typed(thing),
        is_given and bool(_doc(thing) or name in _PLAIN),
        uses[name],
    )


def _doc(thing: object) -> str | None:
    return inspect.getdoc(thing) if thing is not None else "annotated"


def _is_typed(thing: object) -> bool:
    if isinstance(thing, property):
        thing = thing.fget
    # An annotation such as ResourceParam can be called, and says nothing by that.
    if inspect.isclass(thing) or not callable(thing) or get_origin(thing) is not None:
        return True
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return True
    parameters = [each for each in signature.parameters.values() if each.name not in ("self", "cls")]
    is_told = signature.return_annotation is not inspect.Signature.empty
    return is_told and all(each.annotation is not inspect.Parameter.empty for each in parameters)


def main() -> int:
    """Print the table and the totals."""
    uses = uses_by_name()
    failed = False
    totals = []
    for title, names in listed_names().items():
        reports = [report_on(name, uses) for name in names]
        print(f"\n{title}: {len(reports)} names")
        print(f"{'name':55} given typed documented programs")
        for each in reports:
            marks = ["yes" if mark else "NO" for mark in (each.is_given, each.is_typed, each.is_documented)]
            print(f"{each.name:55} {marks[0]:5} {marks[1]:5} {marks[2]:10} {each.programs:8}")
        exercised = sum(each.programs > 0 for each in reports)
        given = sum(each.is_given for each in reports)
        typed = sum(each.is_typed for each in reports)
        documented = sum(each.is_documented for each in reports)
        totals.append((title, len(reports), given, typed, documented, exercised))
        failed |= min(given, typed, documented, exercised) < len(reports)
    print(f"\n{'list':40} names given typed documented exercised")
    for title, count, given, typed, documented, exercised in totals:
        print(f"{title:40} {count:5} {given:5} {typed:5} {documented:10} {exercised:9}")
    sums = [sum(each[column] for each in totals) for column in range(1, 6)]
    print(f"{'all':40} {sums[0]:5} {sums[1]:5} {sums[2]:5} {sums[3]:10} {sums[4]:9}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
