"""Draws specs: descriptions, in plain JSON, of definitions and of what to run of them (see interpreter.py)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Spec = dict[str, Any]

# ------------------------------------------------------------------------------------------------------ asset graphs

_NUMBER = st.integers(0, 99)
_GROUPS = st.sampled_from(["north", "south"])
_CHECK_ENDS = ("passes", "passes", "fails", "warns", "raises")


def _dependencies(draw: DrawFn, assets: list[Spec], values: bool = True) -> list[Spec]:
    """Return deps on up to three of the assets before; values only from those that have one."""
    chosen = draw(st.lists(st.integers(0, len(assets) - 1), unique=True, max_size=3)) if assets else []
    deps = []
    for on in sorted(chosen):
        has_value = assets[on]["returns"] in ("value", "output", "none")
        via = draw(st.sampled_from(["value", "value", "order"])) if has_value and values else "order"
        deps.append({"on": on, "via": via})
    return deps


def _words(draw: DrawFn) -> Spec:
    words: Spec = {}
    if draw(st.booleans()):
        words["group_name"] = draw(_GROUPS)
    if draw(st.integers(0, 3)) == 0:
        words["tags"] = draw(st.sampled_from([{"layer": "gold"}, {"layer": "raw", "cost": "low"}, {"empty": ""}]))
    if draw(st.integers(0, 4)) == 0:
        words["kinds"] = draw(st.sampled_from([["python"], ["duckdb", "python"]]))
    if draw(st.integers(0, 4)) == 0:
        words["owners"] = draw(st.sampled_from([["team:data"], ["ann@example.org"]]))
    if draw(st.integers(0, 5)) == 0:
        words["code_version"] = "v2"
    return words


def _assets(draw: DrawFn, fails: bool) -> list[Spec]:
    assets: list[Spec] = []
    size = draw(st.integers(2, 7 if fails else 12))
    while len(assets) < size:
        key = f"a{len(assets):02d}" + draw(st.sampled_from(["", "", "", "/x"]))
        if not fails and draw(st.integers(0, 4)) == 0:
            _multi(draw, assets, key)
            continue
        node: Spec = {"key": key, "deps": _dependencies(draw, assets), "number": draw(_NUMBER)}
        node["returns"] = draw(st.sampled_from(["value", "value", "output", "result", "none"]))
        node |= _words(draw) if not fails else {}
        if draw(st.integers(0, 7)) == 0:
            node |= {"skips": True, "returns": "value"}
        if fails:
            _failing(draw, node)
            node["checks"] = _checks(draw, node)
        assets.append(node)
    return assets


def _failing(draw: DrawFn, node: Spec) -> None:
    if draw(st.integers(0, 2)) == 0:
        kind = draw(st.sampled_from(["ValueError", "KeyError", "OSError", "Failure", "Failure", "RetryRequested"]))
        node["fails"] = {"with": kind, "times": draw(st.integers(1, 3))}
        if kind == "Failure":
            node["fails"]["allow_retries"] = draw(st.booleans())
        if kind == "RetryRequested":
            node["fails"]["at most"] = draw(st.integers(0, 2))
    if draw(st.integers(0, 2)) == 0:
        node["retries"] = draw(st.integers(0, 2))


def _checks(draw: DrawFn, node: Spec) -> list[Spec]:
    checks = []
    for number in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        how = draw(st.sampled_from(["inside", "beside"]))
        ends = _CHECK_ENDS if how == "beside" else ("passes", "fails", "warns")
        checks.append(
            {
                "name": f"c{number}",
                "how": how,
                "blocking": draw(st.booleans()),
                "comes out": draw(st.sampled_from(ends)),
            }
        )
    if node.get("skips"):
        checks = [check for check in checks if check["how"] == "beside"]
    return checks


def _multi(draw: DrawFn, assets: list[Spec], first: str) -> None:
    """Add a multi-asset of two or three, of specs without values or of outputs."""
    returns = draw(st.sampled_from(["result", "value"]))
    is_subset = draw(st.booleans())
    shared = _dependencies(draw, assets)
    name = first.replace("/", "_") + "_multi"
    start = len(assets)
    for offset in range(draw(st.integers(2, 3))):
        key = first if offset == 0 else f"a{start + offset:02d}"
        deps = shared if returns == "value" else _dependencies(draw, assets[:start], values=False)
        if returns == "result" and offset and draw(st.booleans()):
            deps = [*deps, {"on": start + offset - 1, "via": "order"}]
        node: Spec = {"key": key, "with": name, "returns": returns, "deps": deps, "number": draw(_NUMBER)}
        node |= _words(draw)
        if is_subset:
            node["subset"] = True
        if draw(st.integers(0, 4)) == 0:
            node["skips"] = True
        assets.append(node)


def _selection(draw: DrawFn, assets: list[Spec], depth: int = 2) -> str:
    kind = draw(st.integers(0, 9))
    if depth and kind >= 6:
        left, right = _selection(draw, assets, depth - 1), _selection(draw, assets, depth - 1)
        match kind:
            case 6:
                return f"({left} or {right})"
            case 7:
                return f"({left} and {right})"
            case 8:
                return f"(not {left})"
        return f"{draw(st.sampled_from(['roots', 'sinks']))}({left})"
    if kind == 0:
        return f'group:"{draw(_GROUPS)}"'
    if kind == 1:
        return draw(
            st.sampled_from(['tag:"layer"="gold"', 'tag:"cost"', 'kind:"python"', 'owner:"team:data"', 'key:"a0*"'])
        )
    key = f'key:"{draw(st.sampled_from(assets))["key"]}"'
    plus = ["", "", "+", "1+", "2+"]
    before, after = draw(st.sampled_from(plus)), draw(st.sampled_from(["", "", "+", "+1", "+2"]))
    return f"{before}{key}{after}"


@st.composite
def graphs(draw: DrawFn) -> Spec:
    """Draw a graph of assets and multi-assets, and selections of it."""
    assets = _assets(draw, fails=False)
    return {"assets": assets, "selections": [_selection(draw, assets) for _ in range(draw(st.integers(1, 3)))]}


@st.composite
def failures(draw: DrawFn) -> Spec:
    """Draw a graph whose assets fail, retry, skip, and have checks."""
    return {"assets": _assets(draw, fails=True)}


# -------------------------------------------------------------------------------------------------------- partitions

_STATIC = ["a", "b", "c", "d"]
_START = date(2024, 3, 1)


def _days(draw: DrawFn) -> tuple[date, date]:
    first = _START + timedelta(days=draw(st.integers(0, 6)))
    return first, first + timedelta(days=draw(st.integers(1, 8)))


@st.composite
def _static(draw: DrawFn) -> Spec:
    return {"kind": "static", "keys": _STATIC[draw(st.integers(0, 1)) : draw(st.integers(2, 4))]}


@st.composite
def _windows(draw: DrawFn, kinds: tuple[str, ...] = ("hourly", "daily", "daily", "weekly", "monthly", "cron")) -> Spec:
    kind = draw(st.sampled_from(kinds))
    if kind == "monthly":
        month = draw(st.integers(1, 4))
        return {"kind": kind, "start": f"2023-{month:02d}-01", "end": f"2024-{draw(st.integers(1, 3)):02d}-01"}
    first, end = _days(draw)
    if kind == "hourly":
        end = first + timedelta(days=1)
        return {"kind": kind, "start": f"{first}-00:00", "end": f"{end}-{draw(st.integers(0, 5)):02d}:00"}
    if kind == "weekly":
        end = first + timedelta(weeks=draw(st.integers(3, 5)))
        return {"kind": kind, "start": str(first), "end": str(end), "more": {"day_offset": draw(st.integers(0, 6))}}
    if kind == "cron":
        end = max(end, first + timedelta(days=4))
        cron = draw(st.sampled_from(["0 0 * * 1-5", "0 */6 * * *", "30 2 * * *"]))
        # Every key says its hour and minute, so that no two windows have the same.
        return {"kind": kind, "cron": cron, "start": f"{first}-00:00", "end": f"{end}-00:00", "fmt": "%Y-%m-%d-%H:%M"}
    told: Spec = {"kind": kind, "start": str(first), "end": str(end)}
    more: Spec = {}
    # Where not even one window ends before the end, Dagster has one that does not: see docs/differences.md.
    if (end - first).days > 1 and draw(st.integers(0, 4)) == 0:
        more["hour_offset"] = draw(st.integers(1, 5))
    return told | ({"more": more} if more else {})


@st.composite
def _multis(draw: DrawFn) -> Spec:
    names = draw(st.sampled_from([["colour", "day"], ["size", "day"], ["day", "zone"]]))
    return {"kind": "multi", "by": {name: draw(_windows(("daily",)) if name == "day" else _static()) for name in names}}


def keys_of(told: Spec | None) -> list[str]:
    """Return some keys of a definition, and for windows some that it may not have."""
    if told is None:
        return []
    match told["kind"]:
        case "static":
            return list(told["keys"])
        case "multi":
            by = {name: keys_of(each) for name, each in sorted(told["by"].items())}
            first, second = by.values()
            return [f"{one}|{two}" for one in first[:3] for two in second[:3]]
        case "hourly":
            return [told["start"][:11] + f"{hour:02d}:00" for hour in range(6)]
        case "monthly":
            return ["2023-04-01", "2023-05-01", "2023-12-01", "2024-01-01"]
        case "weekly":
            first = date.fromisoformat(told["start"])
            # Days of the week count from Sunday.
            ahead = (told["more"]["day_offset"] - first.isoweekday()) % 7
            return [str(first + timedelta(days=ahead, weeks=weeks)) for weeks in range(2)]
        case "cron":
            hours = {"0 0 * * 1-5": ("00:00",), "0 */6 * * *": ("00:00", "06:00"), "30 2 * * *": ("02:30",)}[
                told["cron"]
            ]
            first = date.fromisoformat(told["start"][:10])
            days = [first + timedelta(days=days) for days in range(4)]
            return [
                f"{day}-{hour}"
                for day in days
                for hour in hours
                if day.isoweekday() < 6 or not told["cron"].endswith("1-5")
            ]
    first = date.fromisoformat(told["start"])
    # The window of the last day ends after the end, where days begin later.
    count = (date.fromisoformat(told["end"]) - first).days - ("hour_offset" in told.get("more", {}))
    return [str(first + timedelta(days=days)) for days in range(count)]


def _are_alike(one: Spec, other: Spec) -> bool:
    return one["kind"] == other["kind"] and one.get("more") == other.get("more")


def _in_one_zone(draw: DrawFn, *definitions: Spec | None) -> None:
    """Put all windows of a spec into one time zone: Dagster maps none between two (docs/differences.md)."""
    zone = draw(st.sampled_from([None, None, "America/New_York", "Europe/Berlin", "Asia/Kolkata"]))
    if any(told is not None and told.get("cron") == "30 2 * * *" for told in definitions):
        # Half past two is skipped once a year there, and Dagster's key is then another one.
        zone = None
    for told in definitions:
        if zone is None or told is None or told["kind"] == "static":
            continue
        if told["kind"] == "multi":
            for each in told["by"].values():
                if each["kind"] != "static":
                    each["more"] = {**each.get("more", {}), "timezone": zone}
        else:
            told["more"] = {**told.get("more", {}), "timezone": zone}


def _mapping(draw: DrawFn, upstream: Spec, downstream: Spec | None) -> Spec | None:
    """Return a mapping that is likely to join two definitions."""
    kinds: list[Spec | None] = [None, {"kind": "all"}, {"kind": "last"}]
    up, down = upstream["kind"], downstream["kind"] if downstream else None
    known = keys_of(upstream)
    if up != "multi":
        # Of several dimensions, Dagster finds no values of the keys that are written as text.
        kinds.append(
            {"kind": "specific", "keys": sorted(draw(st.sets(st.sampled_from(known), min_size=1, max_size=2)))}
        )
    if up == down:
        kinds.append({"kind": "identity"})
    if up == "static" and down == "static":
        assert downstream is not None
        to = {
            key: draw(st.lists(st.sampled_from(downstream["keys"]), min_size=1, max_size=2, unique=True))
            for key in upstream["keys"]
        }
        kinds += [{"kind": "static", "to": to}] * 2
    windows = ("hourly", "daily", "weekly", "monthly", "cron")
    if up in windows and down in windows:
        start = draw(st.integers(-2, 1))
        kinds += [
            {"kind": "window", "start": start, "end": draw(st.integers(start, 1)), "lenient": draw(st.booleans())}
        ] * 4
    if "multi" in (up, down) and up != down and down is not None:
        assert downstream is not None
        several, single = (upstream, downstream) if up == "multi" else (downstream, upstream)
        fitting = [name for name, each in several["by"].items() if each["kind"] == single["kind"]]
        kinds += [{"kind": "one of several", "dimension": name} for name in fitting] * 2
    if up == down == "multi":
        assert downstream is not None
        by = {}
        for name, each in upstream["by"].items():
            same = [other for other, its in downstream["by"].items() if _are_alike(its, each)]
            if same:
                by[name] = {
                    "dimension": draw(st.sampled_from(same)),
                    "mapping": draw(st.sampled_from([{"kind": "all"}, {"kind": "identity"}])),
                }
        if len({each["dimension"] for each in by.values()}) == len(by):
            kinds += [{"kind": "multi", "by": by}] * 2
    return draw(st.sampled_from(kinds))


_DEFINITIONS = st.one_of(_static(), _windows(), _windows(), _multis())


@st.composite
def mappings(draw: DrawFn) -> Spec:
    """Draw two definitions, a mapping between them, and keys to map in both directions."""
    upstream = draw(_DEFINITIONS)
    downstream = draw(st.one_of(_DEFINITIONS, st.just(upstream)))
    mapping = _mapping(draw, upstream, downstream) or {"kind": "all"}

    def subsets(told: Spec) -> list[list[str]]:
        some = st.lists(st.sampled_from(keys_of(told)), min_size=1, max_size=3, unique=True)
        return [sorted(each) for each in draw(st.lists(some, min_size=1, max_size=3))]

    _in_one_zone(draw, upstream, downstream)
    return {
        "upstream": upstream,
        "downstream": downstream,
        "mapping": mapping,
        "downstream keys": subsets(downstream),
        "upstream keys": subsets(upstream),
    }


@st.composite
def partitions(draw: DrawFn) -> Spec:
    """Draw up to four assets that are partitioned or not, and requests for their partitions."""
    assets: list[Spec] = []
    for number in range(draw(st.integers(2, 4))):
        near = [each["partitions"] for each in assets if each["partitions"] is not None]
        told = draw(st.one_of(_DEFINITIONS, *(st.just(each) for each in near), *([st.none()] if number else [])))
        node: Spec = {"key": f"p{number}", "deps": [], "partitions": told, "single run": False}
        node["single run"] = told is not None and told["kind"] != "multi" and draw(st.integers(0, 3)) == 0
        for on, other in enumerate(assets):
            if draw(st.booleans()):
                mapping = _mapping(draw, other["partitions"], told) if other["partitions"] is not None else None
                via = "order" if other["single run"] else draw(st.sampled_from(["value", "value", "order"]))
                node["deps"].append({"on": on, "via": via, "mapping": mapping, "lenient": draw(st.booleans())})
        assets.append(node)
    requests: list[Spec] = []
    for number, node in enumerate(assets):
        keys = keys_of(node["partitions"])
        if not keys:
            requests.append({"asset": number})
        elif node["single run"] and len(keys) > 1:
            last = draw(st.integers(1, len(keys) - 1))
            requests.append({"asset": number, "range": [keys[draw(st.integers(0, last - 1))], keys[last]]})
        else:
            wanted = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=4, unique=True))
            requests += [{"asset": number, "key": key} for key in wanted]
    if draw(st.integers(0, 3)) == 0:
        requests.append({"asset": 0, "key": draw(st.sampled_from(["nowhere", "2031-01-01"]))})
    _in_one_zone(draw, *(node["partitions"] for node in assets))
    return {"assets": assets, "requests": requests}
