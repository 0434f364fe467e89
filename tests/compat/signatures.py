"""What callers can see of a module's public names, as plain data: parameters, methods and properties.

Run by an interpreter that has Dagster, it prints what is kept in dagster_signatures.json:
`python tests/compat/signatures.py < tests/compat/dagster_names.txt > tests/compat/dagster_signatures.json`.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "any",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def signatures_of(module: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return what each name that is a class or a function takes: {"parameters": ..., "members": ...}."""
    found: dict[str, Any] = {}
    for name in names:
        thing = getattr(module, name, None)
        if isinstance(thing, type):
            if not issubclass(thing, BaseException):
                found[name] = {"parameters": parameters_of(thing), "members": members_of(thing)}
        elif inspect.isroutine(thing):
            found[name] = {"parameters": parameters_of(thing)}
    return found


def parameters_of(thing: Any) -> list[list[str]] | None:
    """Return [name, kind, default] of each parameter; a default of "" is none, and "..." one that is no plain value."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return None
    return [[name, _KINDS[p.kind], _default(p.default)] for name, p in signature.parameters.items()]


def members_of(cls: type) -> dict[str, Any]:
    """Return what is public of a class: the parameters of each method, None for what is read."""
    found: dict[str, Any] = {}
    for name in dir(cls):
        if name.startswith("_"):
            continue
        owner = next((base for base in cls.__mro__ if name in vars(base)), None)
        if owner is None or owner.__module__.partition(".")[0] in ("builtins", "pydantic", "enum", "typing", "abc"):
            continue
        raw = vars(owner)[name]
        if not _is_documented(raw):
            continue
        member = inspect.getattr_static(cls, name)
        value = getattr(cls, name, None)
        is_read = isinstance(member, property | functools.cached_property) or not callable(value)
        parameters = None if is_read else parameters_of(value)
        if parameters and not isinstance(member, classmethod | staticmethod):
            parameters = parameters[1:]
        found[name] = parameters
    if not _MARKS:
        for base in cls.__mro__:
            made = getattr(vars(base).get("__init__"), "__code__", None)
            for name in (*getattr(base, "__annotations__", ()), *(made.co_names if made is not None else ())):
                if not name.startswith("_"):
                    found.setdefault(name, None)
    return found


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Say of each thing that a caller of theirs could write and not of ours: "Name(parameter) what", "Name.method what"."""
    found: list[str] = []
    for name, facts in theirs.items():
        if name not in ours:
            continue
        found += _parameter_differences(name, facts["parameters"], ours[name]["parameters"])
        members = ours[name].get("members")
        for member, parameters in facts.get("members", {}).items():
            if members is None:
                break
            if member not in members:
                found.append(f"{name}.{member} missing")
            elif (parameters is None) != (members[member] is None):
                found.append(f"{name}.{member} {'read' if parameters is None else 'called'}")
            elif parameters is not None:
                found += _parameter_differences(f"{name}.{member}", parameters, members[member])
    return found


def _parameter_differences(name: str, theirs: list[list[str]] | None, ours: list[list[str]] | None) -> list[str]:
    if theirs is None or ours is None:
        return []
    found: list[str] = []
    ours_by_name = {parameter: (place, kind, default) for place, (parameter, kind, default) in enumerate(ours)}
    takes_any = any(kind == "**" for _, kind, _ in ours)
    for place, (parameter, kind, default) in enumerate(theirs):
        if parameter.startswith("_") or kind in ("*", "**"):
            continue
        if parameter not in ours_by_name:
            if not takes_any:
                found.append(f"{name}({parameter}) missing")
            continue
        our_place, our_kind, our_default = ours_by_name[parameter]
        if kind == "any" and our_kind == "keyword":
            found.append(f"{name}({parameter}) by keyword only")
        elif kind == "any" and our_place != place:
            found.append(f"{name}({parameter}) at place {our_place} instead of {place}")
        if default != "" and our_default == "":
            found.append(f"{name}({parameter}) required")
        elif default != our_default and "..." not in (default, our_default) and default != "":
            found.append(f"{name}({parameter}) {our_default} instead of {default}")
    if any(kind == "**" for _, kind, _ in theirs):
        return found
    known = {parameter for parameter, _, _ in theirs}
    for parameter, kind, default in ours:
        if parameter not in known and default == "" and kind in ("any", "positional", "keyword"):
            found.append(f"{name}({parameter}) asked for here only")
    return found


def _is_documented(raw: Any) -> bool:
    """Dagster marks what is public; elsewhere each name without an underscore is."""
    if not _MARKS:
        return True
    inner = raw.fget if isinstance(raw, property) else getattr(raw, "__func__", getattr(raw, "func", raw))
    return any(bool(getattr(each, "_is_public", False)) for each in (raw, inner) if each is not None)


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    return repr(value) if value is None or isinstance(value, bool | int | float | str) else "..."


_MARKS = False

if __name__ == "__main__":
    _MARKS = True
    facts = signatures_of(import_module("dagster"), sys.stdin.read().split())
    print("{" + ",\n".join(f'"{name}": {json.dumps(facts[name], sort_keys=True)}' for name in sorted(facts)) + "}")
