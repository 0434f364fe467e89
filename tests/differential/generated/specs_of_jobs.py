"""Draws specs of config and of jobs (see interpreter.py)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Spec = dict[str, Any]

# ------------------------------------------------------------------------------------------------------------ config

_NAMES = ("f_path", "f_limit", "f_mode", "f_tries", "f_where")
_LEAVES = ("int", "float", "str", "bool", "any", "StringSource", "IntSource", "BoolSource", "enum", "python enum")
_WRONG = st.sampled_from(["wrong", 7, -1.5, True, None, [], [1], {}, {"nobody": 1}, ["x", {"a": 1}]])


def _type(draw: DrawFn, depth: int) -> Spec:
    kinds = [
        *_LEAVES,
        *(("noneable", "array", "list", "map", "shape", "dict", "permissive", "selector") * 2 if depth else ()),
    ]
    kind = draw(st.sampled_from(kinds))
    if kind in ("noneable", "array", "list", "map"):
        of = _type(draw, depth - 1)
        # A value that may be none twice over is the same.
        return {"t": kind, "of": of} if kind != "noneable" or of["t"] not in ("noneable", "any") else of
    if kind in ("enum", "python enum"):
        values = ["RED", "GREEN", "BLUE"][: draw(st.integers(2, 3))]
        # Types of one name must be the same type, so each has a name of its own.
        return {"t": kind, "name": f"Colour{draw(st.integers(0, 10**6))}", "values": values}
    if kind in ("shape", "dict", "permissive", "selector"):
        return {"t": kind, "fields": _fields(draw, depth - 1, kind == "selector")}
    return {"t": kind}


def _fields(draw: DrawFn, depth: int, of_selector: bool = False) -> Spec:
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
    return {name: _field(draw, depth, of_selector) for name in sorted(names)}


def _field(draw: DrawFn, depth: int, of_selector: bool = False) -> Spec:
    kind = _type(draw, depth)
    how = draw(st.integers(0, 3)) if not of_selector else draw(st.sampled_from([0, 1]))
    match how:
        case 0:
            return {"bare": True, "type": kind}
        case 1:
            return {"type": kind}
        case 2:
            return {"type": kind, "required": draw(st.booleans())}
    default = _WRONG if draw(st.integers(0, 5)) == 0 else st.just(_value(draw, kind, wrong=0))
    return {"type": kind, "default": draw(default)}


def _value(draw: DrawFn, told: Spec, wrong: int) -> Any:
    """Return a value of a type; one of `wrong` parts of it is perhaps not (0: all are right)."""
    if wrong and draw(st.integers(0, wrong)) == 0:
        return draw(_WRONG)
    match told["t"]:
        case "int" | "IntSource":
            return draw(st.integers(-5, 100))
        case "float":
            return draw(st.sampled_from([0.5, -2.25, 3, 1e9]))
        case "str" | "StringSource":
            return draw(st.sampled_from(["", "x", "a b", "7"]))
        case "bool" | "BoolSource":
            return draw(st.booleans())
        case "any":
            return draw(st.sampled_from([1, "x", None, [1, "a"], {"k": {"n": 1}}]))
        case "noneable":
            return None if draw(st.booleans()) else _value(draw, told["of"], wrong)
        case "array" | "list":
            return [_value(draw, told["of"], wrong) for _ in range(draw(st.integers(0, 2)))]
        case "map":
            keys = draw(st.lists(st.sampled_from(["k1", "k2", "k3"]), max_size=2, unique=True))
            return {key: _value(draw, told["of"], wrong) for key in keys}
        case "enum" | "python enum":
            return draw(st.sampled_from([*told["values"], *(["PINK", "red"] if wrong else [])]))
        case "selector":
            names = sorted(told["fields"])
            chosen = [draw(st.sampled_from(names))]
            if wrong and draw(st.integers(0, 5)) == 0:
                chosen = names
            return {name: _value(draw, told["fields"][name]["type"], wrong) for name in chosen}
    value: dict[str, Any] = {}
    for name, field in told["fields"].items():
        may_lack = "default" in field or field.get("required") is False
        leaves = draw(st.integers(0, 2)) == 0 if may_lack else bool(wrong) and draw(st.integers(0, 7)) == 0
        if not leaves:
            value[name] = _value(draw, field["type"], wrong)
    if told["t"] == "permissive" and draw(st.booleans()):
        value["more"] = draw(st.sampled_from([1, "x", {"n": [1]}]))
    if wrong and draw(st.integers(0, 9)) == 0:
        value["f_pth"] = 1
    return value


@st.composite
def configs(draw: DrawFn) -> Spec:
    """Draw a schema, and values that fit it or do not. A value of None is no config at all."""
    schema = _field(draw, 2)
    values: list[Any] = [{"is": _value(draw, schema["type"], wrong)} for wrong in (0, 0, 6, 3)]
    # `config: null` stands for nothing given (docs/differences.md), except where null is a value.
    values = [each for each in values if each["is"] is not None or schema["type"]["t"] in ("any", "noneable")]
    if draw(st.booleans()):
        values.append(None)
    return {"schema": schema, "values": values, "names": [*_NAMES, "f_pth"]}


# -------------------------------------------------------------------------------------------------------------- jobs


def _op(draw: DrawFn, name: str, takes: int, *, plain: bool = False) -> Spec:
    op: Spec = {"name": name, "takes": takes, "number": draw(st.integers(0, 50))}
    op["outs"] = [{"name": "result", "required": True, "yields": True}]
    if not plain and draw(st.integers(0, 4)) == 0:
        op["outs"] = [{"name": out, "required": False, "yields": draw(st.booleans())} for out in ("left", "right")]
    if draw(st.integers(0, 3)) == 0:
        op["by"] = draw(st.integers(1, 5))
    if draw(st.integers(0, 7)) == 0:
        op["fails"] = draw(st.integers(1, 2))
    if draw(st.integers(0, 3)) == 0:
        op["retries"] = draw(st.integers(0, 2))
    return op


_DEPTH = 2


class _Draft:
    """The ops of a spec as they come, each with a name of its own in the order of the calls."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.ops: list[Spec] = []
        self.count = 0
        self.config: Spec = {}

    def name(self, kind: str) -> str:
        self.count += 1
        return f"n{self.count:02d}_{kind}"

    def op(self, takes: int, *, plain: bool = False, kind: str = "op", **more: Any) -> Spec:
        told = _op(self.draw, self.name(kind), takes, plain=plain) | more
        self.ops.append(told)
        return told

    def body(self, given: int, length: int, depth: int) -> list[Spec]:
        """Return calls, each of which may take what was given and what calls before it gave."""
        draw = self.draw
        calls: list[Spec] = []
        refs: list[Spec] = [{"given": number} for number in range(given)]
        if given:
            # A graph must use all that it is given.
            calls.append({"op": self.op(given)["name"], "inputs": list(refs)})
            refs += [{"of": 0, "out": out} for out in self._outs(calls[0])] if self._outs(calls[0]) else [{"of": 0}]
        for number in range(length):
            is_last = number == length - 1
            kind = draw(st.integers(0, 9))
            if kind == 0 and depth:
                calls.append(self._graph(refs, depth))
            elif kind == 1 and refs and not (is_last and given):
                spread = self.op(1, kind="spread", spreads=draw(st.integers(0, 3)), outs=[])
                calls.append({"op": spread["name"], "inputs": [draw(st.sampled_from(refs))]})
                each = self.op(1, plain=True, kind="each")
                gathers = self.op(1, plain=True, kind="gather") if draw(st.booleans()) or is_last else None
                call: Spec = {"each": each["name"], "inputs": [{"of": len(calls) - 1}]}
                calls.append(call | ({"then": gathers["name"]} if gathers else {}))
                if gathers is None:
                    continue
            elif kind == 2 and len(refs) > 1:
                op = self.op(1, plain=is_last, kind="fan")
                several = draw(st.lists(st.sampled_from(refs), min_size=2, max_size=3, unique_by=str))
                calls.append({"op": op["name"], "inputs": [{"fan": several}]})
            else:
                takes = draw(st.integers(0, min(2, len(refs))))
                op = self.op(takes, plain=is_last)
                calls.append({"op": op["name"], "inputs": [draw(st.sampled_from(refs)) for _ in range(takes)]})
                if "by" in op and depth == _DEPTH and draw(st.booleans()):
                    self.config[op["name"]] = {"config": {"by": draw(st.integers(1, 9))}}
            made = len(calls) - 1
            outs = self._outs(calls[made])
            refs += [{"of": made, "out": out} for out in outs] if outs else [{"of": made}]
        return calls

    def _outs(self, call: Spec) -> list[str]:
        """Return the names of the outputs of a call that has several."""
        told = next((op for op in self.ops if op["name"] == call.get("op")), None)
        return [out["name"] for out in told["outs"]] if told is not None and len(told["outs"]) > 1 else []

    def _graph(self, refs: list[Spec], depth: int) -> Spec:
        takes = self.draw(st.integers(0, min(2, len(refs))))
        name = self.name("graph")
        body = self.body(takes, self.draw(st.integers(1, 3)), depth - 1)
        return {
            "graph": {"name": name, "takes": takes, "body": body},
            "inputs": [self.draw(st.sampled_from(refs)) for _ in range(takes)],
        }


@st.composite
def jobs(draw: DrawFn) -> Spec:
    """Draw a job of ops and graphs, and selections of its ops."""
    draft = _Draft(draw)
    body = draft.body(0, draw(st.integers(2, 7)), _DEPTH)
    top = [call["op"] for call in body if "op" in call]
    selections = []
    for _ in range(draw(st.integers(0, 1))):
        if top:
            name = draw(st.sampled_from(top))
            selections.append([draw(st.sampled_from(["{}", "*{}", "{}*", "+{}", "{}+"])).format(name)])
    return {"ops": draft.ops, "body": body, "config": draft.config, "selections": selections}
