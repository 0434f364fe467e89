"""Selections of assets: every method and operator, the string language, and how they print."""

import dagster as dg
from recorder import Recorder, program

every = dg.AssetSelection


def make(name, deps=(), **settings):
    @dg.asset(name=name, deps=list(deps), **settings)
    def made():
        return None

    return made


@dg.multi_asset(
    specs=[
        dg.AssetSpec("left", deps=["orders"], group_name="pairs"),
        dg.AssetSpec("right", deps=["people"], group_name="pairs"),
    ]
)
def pair():
    yield dg.MaterializeResult("left")
    yield dg.MaterializeResult("right")


ASSETS = [
    dg.AssetSpec("outside", group_name="raw"),
    make("raw_orders", ["outside"], group_name="raw", tags={"layer": "bronze", "old": ""}, owners=["team:data"]),
    make("raw_people", group_name="raw", kinds={"python"}, owners=["me@example.org"]),
    make("orders", ["raw_orders"], group_name="clean", kinds={"sql", "dbt"}, tags={"layer": "silver"}),
    make("people", ["raw_people"], group_name="clean", code_version="2"),
    pair,
    make("report", ["left", "right"], key_prefix=["gold", "daily"], tags={"layer": "gold"}),
    make("alone", key_prefix="gold"),
]


@dg.asset_check(asset="orders")
def fine():
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset="people")
def known():
    return dg.AssetCheckResult(passed=True)


GRAPH = dg.Definitions(assets=ASSETS, asset_checks=[fine, known]).resolve_asset_graph()


def resolved(selection):
    return {key.to_user_string() for key in selection.resolve(GRAPH)}


def checked(selection):
    return set(selection.resolve_checks(GRAPH))


@program
def assets_are_chosen_by_what_they_are(note: Recorder) -> None:
    for label, selection in {
        "all": every.all(),
        "all with sources": every.all(include_sources=True),
        "keys": every.keys("orders", ["gold", "daily", "report"], "gold/alone"),
        "assets by key": every.assets("orders", dg.AssetKey(["gold", "alone"])),
        "assets": every.assets(*ASSETS[1:3]),
        "multi asset": every.assets(pair),
        "groups": every.groups("raw", "pairs"),
        "groups with sources": every.groups("raw", include_sources=True),
        "prefix": every.key_prefixes("gold"),
        "prefixes": every.key_prefixes(["gold", "daily"], "orders"),
        "tag": every.tag("layer", "bronze"),
        "empty tag": every.tag("old", ""),
        "other value": every.tag("layer", "lead"),
        "tag string": every.tag_string("layer=gold"),
        "tag without value": every.tag_string("old"),
        "owner": every.owner("team:data"),
        "person": every.owner("me@example.org"),
        "kind": every.kind("sql"),
        "key substring": every.key_substring("ord"),
        "materializable": every.all(include_sources=True).materializable(),
    }.items():
        note(label, resolved(selection))
    for label, action in {
        "unknown key": lambda: resolved(every.assets("ordres")),
        "unknown group": lambda: resolved(every.groups("rwa")),
        "unknown prefix": lambda: resolved(every.key_prefixes("bronze")),
        "not a key": lambda: resolved(every.assets(3)),
    }.items():
        note.error(label, action, ["ordres"])


@program
def assets_are_chosen_by_their_neighbours(note: Recorder) -> None:
    orders = every.assets("orders")
    for label, selection in {
        "upstream": orders.upstream(),
        "upstream one": every.assets("gold/daily/report").upstream(depth=1),
        "upstream none": orders.upstream(depth=0),
        "upstream without self": orders.upstream(include_self=False),
        "upstream of two": every.assets("left", "right").upstream(depth=1, include_self=False),
        "downstream": orders.downstream(),
        "downstream one": every.groups("raw").downstream(depth=1),
        "downstream without self": every.assets("raw_orders").downstream(include_self=False),
        "downstream one without self": every.assets("raw_orders").downstream(depth=1, include_self=False),
        "roots": every.all().roots(),
        "roots of some": every.groups("clean", "pairs").roots(),
        "sources": every.groups("clean").sources(),
        "sinks": every.all().sinks(),
        "sinks of some": every.groups("raw", "clean").sinks(),
        "upstream sources": every.assets("orders").upstream_source_assets(),
        "neighbours": every.assets("left").required_multi_asset_neighbors(),
        "no neighbours": orders.required_multi_asset_neighbors(),
    }.items():
        note(label, resolved(selection))
    note.error("depth below zero", lambda: resolved(orders.upstream(depth=-1)))


@program
def selections_are_combined(note: Recorder) -> None:
    raw, clean = every.groups("raw"), every.groups("clean")
    for label, selection in {
        "or": raw | clean,
        "and": (raw | clean) & every.kind("sql"),
        "minus": (raw | clean) - every.assets("people"),
        "several": raw | clean | every.assets("left"),
        "nested": (raw & every.owner("team:data")) | (clean - every.kind("sql")),
        "empty and": raw & clean,
        "down and up": every.assets("raw_orders").downstream() & every.assets("left").upstream(),
        "all but": every.all() - raw.downstream(),
    }.items():
        note(label, resolved(selection))
    note("equal", [raw == every.groups("raw"), raw == clean, (raw | clean) == (raw | clean)])


@program
def checks_are_chosen_with_assets(note: Recorder) -> None:
    for label, selection in {
        "all": every.all(),
        "all checks": every.all_asset_checks(),
        "of an asset": every.assets("orders"),
        "without": every.assets("orders").without_checks(),
        "checks": every.checks(fine),
        "check key": every.checks(dg.AssetCheckKey(dg.AssetKey("people"), "known")),
        "for assets": every.checks_for_assets(ASSETS[3]),
        "both": every.checks(fine) | every.assets("people").without_checks(),
        "minus": every.all() - every.checks(fine),
        "minus all": every.all() - every.all_asset_checks(),
        "downstream": every.assets("raw_people").downstream(),
    }.items():
        note(label, [resolved(selection), checked(selection)])
    note.error(
        "unknown check", lambda: checked(every.checks(dg.AssetCheckKey(dg.AssetKey("orders"), "fnie"))), ["fnie"]
    )


@program
def selections_are_written_as_text(note: Recorder) -> None:
    for text in (
        "*",
        "orders",
        "gold/alone",
        "key:orders",
        'key:"orders"',
        "key:*order*",
        'key:"gold/*"',
        "group:raw",
        'group:"clean"',
        "tag:layer=bronze",
        'tag:"layer"="silver"',
        "tag:old",
        "owner:me@example.org",
        'owner:"team:data"',
        "kind:sql",
        "kind:dbt and group:clean",
        "not group:raw",
        "NOT group:raw AND NOT group:clean",
        "group:raw or group:clean and kind:sql",
        "(group:raw or group:clean) and kind:sql",
        "+orders",
        "orders+",
        "++left",
        "raw_orders++",
        "1+left",
        "2+left",
        "raw_orders+1",
        "+left+",
        "1+left+1",
        "roots(*)",
        "sinks(group:clean)",
        "roots(group:clean or group:pairs)",
        "+(group:pairs)",
        "(kind:python)+",
        "sinks(raw_orders+) or kind:python",
        "code_version:2",
        "group:nothing",
        "key:nothing",
        "orders,people",
        "orders people",
        "group:",
        "(orders",
        "",
        "*orders",
        "orders*",
        "unknown:x",
        'key:"orders',
    ):
        note.error(text or "nothing", lambda text=text: resolved(every.from_string(text)))


@program
def selections_print_as_text(note: Recorder) -> None:
    for label, selection in {
        "all": every.all(),
        "keys": every.assets("orders"),
        "two keys": every.assets("orders", "people"),
        "long key": every.assets(["gold", "daily", "report"]),
        "groups": every.groups("raw"),
        "two groups": every.groups("raw", "clean"),
        "tag": every.tag("layer", "bronze"),
        "owner": every.owner("team:data"),
        "kind": every.kind("sql"),
        "up": every.assets("orders").upstream(),
        "up two": every.assets("orders").upstream(depth=2),
        "down": every.groups("raw").downstream(),
        "roots": every.groups("raw").roots(),
        "sinks": every.all().sinks(),
        "and": every.groups("raw") & every.kind("sql"),
        "or": every.groups("raw") | every.kind("sql"),
        "minus": every.all() - every.groups("raw"),
        "nested": (every.groups("raw") | every.kind("sql")) & every.owner("me@example.org"),
        "substring": every.key_substring("ord"),
        "prefix": every.key_prefixes("gold"),
    }.items():
        note.error(label, lambda selection=selection: str(selection))
        note.error(
            f"{label} read again",
            lambda selection=selection: resolved(every.from_string(str(selection))) == resolved(selection),
        )


@program
def selections_come_from_what_people_give(note: Recorder) -> None:
    for label, given in {
        "text": "orders",
        "texts": ["orders", "people"],
        "plus in a list": ["+orders", "kind:python"],
        "asset": [ASSETS[3]],
        "key": [dg.AssetKey("orders")],
        "selection": every.groups("raw"),
        "keys": [dg.AssetKey("orders"), dg.AssetKey("people")],
        "multi asset": [pair],
    }.items():
        note.error(label, lambda given=given: resolved(every.from_coercible(given)))
    note.error("a number", lambda: every.from_coercible(3))
    note.error("numbers", lambda: every.from_coercible([3]))


@program
def a_run_takes_a_selection(note: Recorder) -> None:
    @dg.asset_check(asset="raw_people")
    def seen():
        return dg.AssetCheckResult(passed=True)

    assets = [ASSETS[2], ASSETS[4], seen]
    for label, selection in {
        "text": "people",
        "down": "raw_people+",
        "selection": every.all() - every.assets("people"),
        "without checks": every.all().without_checks(),
        "list": ["raw_people"],
    }.items():
        note.run(label, dg.materialize(assets, selection=selection))
    note.error("unknown", lambda: dg.materialize(assets, selection="peple"), ["peple"])
    note.error("nothing", lambda: dg.materialize(assets, selection=every.groups("none")).success)
