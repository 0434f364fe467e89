"""Config of a spec: a schema of fields and types, values that fit it or do not, and what becomes of them."""

from __future__ import annotations

import enum
from itertools import count
from typing import Any

import dagster as dg
from recorder import Recorder, plain

_SCALARS = {"int": int, "float": float, "str": str, "bool": bool, "any": dg.Any}
_SOURCES = {"StringSource": dg.StringSource, "IntSource": dg.IntSource, "BoolSource": dg.BoolSource}


_ENUMS = count()


def _own(name: str) -> str:
    """Return a name that no enum of this process has: Dagster knows them by their names, from one spec to the next."""
    return f"{name}_{next(_ENUMS)}"


def type_of(told: dict[str, Any]) -> Any:
    """Return the config type that a spec tells."""
    match told["t"]:
        case "noneable":
            return dg.Noneable(type_of(told["of"]))
        case "array":
            return dg.Array(type_of(told["of"]))
        case "list":
            return [type_of(told["of"])]
        case "map":
            return dg.Map(str, type_of(told["of"]))
        case "enum":
            return dg.Enum(_own(told["name"]), [dg.EnumValue(each) for each in told["values"]])
        case "python enum":
            return dg.Enum.from_python_enum(
                enum.Enum(_own(told["name"]), {each: each.lower() for each in told["values"]})
            )
        case "shape":
            return dg.Shape(fields_of(told["fields"]))
        case "dict":
            return fields_of(told["fields"])
        case "permissive":
            return dg.Permissive(fields_of(told["fields"]))
        case "selector":
            return dg.Selector(fields_of(told["fields"]))
    return _SCALARS.get(told["t"]) or _SOURCES[told["t"]]


def fields_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a spec tells, by name."""
    return {name: field_of(each) for name, each in told.items()}


def field_of(told: dict[str, Any]) -> Any:
    """Return one field: a bare type, or a Field that may be left out or has a default."""
    if told.get("bare"):
        return type_of(told["type"])
    more: dict[str, Any] = {}
    if "default" in told:
        more["default_value"] = told["default"]
    elif "required" in told:
        more["is_required"] = told["required"]
    return dg.Field(type_of(told["type"]), **more)


def config(spec: dict[str, Any], note: Recorder) -> None:
    """Record what validation makes of each value, and what an op is given when it runs with it."""
    made: list[Any] = []
    seen: list[Any] = []

    def build() -> None:
        @dg.op(config_schema=field_of(spec["schema"]))
        def configured(context):  # type: ignore[no-untyped-def]
            seen.append(plain(context.op_config))

        @dg.job
        def work() -> None:
            configured()

        made.append(work)

    note.error("build", build, spec["names"])
    if not made:
        return
    for number, value in enumerate(spec["values"]):
        op = {} if value is None else {"config": value["is"]}
        run_config = {"ops": {"configured": op}} if op else {}
        seen.clear()
        note.error(
            f"{number}: validated",
            lambda run_config=run_config: dg.validate_run_config(made[0], run_config)["ops"]["configured"].get(
                "config"
            ),
            spec["names"],
        )
        if 0 < number < len(spec["values"]) - 1:
            continue
        note.error(
            f"{number}: run",
            lambda run_config=run_config: made[0].execute_in_process(run_config=run_config).success,
            spec["names"],
        )
        note(f"{number}: given", list(seen))
