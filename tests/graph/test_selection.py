from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from headwater.graph.asset_graph import AssetGraph
from headwater.graph.selection import AssetSelection, NothingSelected, UnknownInSelection
from headwater.model.errors.definition import CheckError
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.specs import AssetCheckSpec, AssetSpec

from .pipelines import key, lake, written

LAKE = lake()
BUILT = "basket orders orders_eu orders_us raw/orders report test train"


def selected(text: str) -> str:
    return written(AssetSelection.from_string(text).resolve(LAKE))


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("orders", "orders"),
        ("raw/orders", "raw/orders"),
        ('"raw/orders"', "raw/orders"),
        ('key:"raw/orders"', "raw/orders"),
        ("*", BUILT),
        ("include_sources(*)", f"{BUILT} landing/files clicks prices"),
        ("key:orders_*", "orders_eu orders_us"),
        ("key:*orders", "orders raw/orders"),
        ('key:"raw/*"', "raw/orders"),
        ("key:*", f"{BUILT} landing/files clicks prices"),
        ("group:silver", "orders"),
        ("group:bronze", "raw/orders"),
        ("include_sources(group:bronze)", "landing/files raw/orders"),
        ("tag:layer=bronze", "raw/orders"),
        ('tag:"layer"="bronze"', "raw/orders"),
        ("tag:layer", "raw/orders"),
        ("tag:pii", "raw/orders"),
        ("kind:dbt", "raw/orders"),
        ("kind:<null>", "basket orders orders_eu orders_us report test train"),
        ("owner:ana@example.com", "raw/orders"),
        ("owner:team:data", "landing/files raw/orders"),
        ("code_location:sales", "orders"),
        ("key_prefix:raw", "raw/orders"),
        ("key_substring:eu", "orders_eu"),
        ("split", "orders_eu orders_us"),
        ("split+1", "orders_eu orders_us train"),
    ],
)
def test_a_clause_selects_the_assets_that_match(text, assets):
    assert selected(text).split() == sorted(assets.split())


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("orders+", "orders orders_eu orders_us report test train"),
        ("+report", "orders orders_eu raw/orders report test train"),
        ("2+report", "report test train"),
        ("orders+1", "orders orders_eu orders_us"),
        ("1+orders+1", "orders orders_eu orders_us raw/orders"),
        ("0+orders", "orders"),
        ("+orders_us+", "orders orders_us raw/orders"),
        ("orders_eu +orders_us", "orders orders_eu orders_us raw/orders"),
        ("train+ basket", "basket report test train"),
        ("landing/files+1", "landing/files raw/orders"),
        ("+landing/files", ""),
        ("*test", "orders orders_eu raw/orders test train"),
        ("test*", "report test"),
        ("sinks(*)", "basket orders_us report"),
        ("roots(*)", "basket raw/orders"),
        ("sinks(orders or report)", "report"),
        ("roots(orders or report)", "orders"),
        ("+sinks(key:orders*)", "orders orders_eu orders_us raw/orders"),
        ("required_multi_asset_neighbors(orders_us or train)", "orders_eu orders_us train"),
        ("upstream_source_assets(report)", "landing/files"),
        ("materializable(key:*)", BUILT),
    ],
)
def test_plus_signs_and_functions_walk_the_graph(text, assets):
    assert selected(text).split() == sorted(assets.split())


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("orders or report", "orders report"),
        ("orders report", "orders report"),
        ("orders,report", "orders report"),
        ("orders OR report", "orders report"),
        ("orders+ and +report", "orders orders_eu report test train"),
        ("not orders+", "basket raw/orders"),
        ("NOT orders+ AND NOT basket", "raw/orders"),
        ("orders or orders+ and +orders_us", "orders orders_us"),
        ("(orders or orders+) and +orders_us", "orders orders_us"),
        ("orders+ and not (split or report)", "orders test train"),
        ("orders+ and not split and not report", "orders test train"),
        ("not not orders", "orders"),
        ("not *", ""),
        ("key:landing/* and not orders", "landing/files"),
    ],
)
def test_and_binds_tighter_than_or_and_not_tighter_than_and(text, assets):
    assert selected(text).split() == sorted(assets.split())


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("orders+", "orders+"),
        ("group:silver", 'group:"silver"'),
        ("((key:a)) or (key:b and (key:c))", 'key:"a" or key:"b" and key:"c"'),
        ("(a or b) and c", "(a or b) and c"),
        ("+x or x+", "+x+"),
        ("2+x+3", "2+x+3"),
        ("not (a b)", "not (a or b)"),
        ("(not a) and b", "not a and b"),
        ("a and (not b)", "a and (not b)"),
        ("(+x)+", "(+x)+"),
        ('"two words"', '"two words"'),
        ('"and"', '"and"'),
        ("tag:a=b", 'tag:"a"="b"'),
        ("tag:a", 'tag:"a"'),
        ("*a*", "+a+"),
        (r'key:"a\*"', r'key:"a\*"'),
        ("key:a**b*", 'key:"a*b*"'),
        ("include_sources(not group:a)", 'include_sources(*) and not include_sources(group:"a")'),
    ],
)
def test_a_selection_has_one_written_form_with_the_fewest_parentheses(text, canonical):
    assert str(AssetSelection.from_string(text)) == canonical
    assert AssetSelection.from_string(canonical) == AssetSelection.from_string(text)


def test_python_and_text_say_the_same():
    python = (AssetSelection.groups("bronze", "silver") - AssetSelection.keys("raw/orders")) | AssetSelection.keys(
        "orders"
    ).upstream(depth=2)
    text = '(group:bronze or group:silver) and not key:"raw/orders" or 2+key:orders'
    assert AssetSelection.from_string(text) == python
    assert len({python, AssetSelection.from_string(text)}) == 1
    assert repr(AssetSelection.from_string("a+")) == "AssetSelection.from_string('a+')"


@pytest.mark.parametrize(
    ("selection", "assets"),
    [
        (AssetSelection.all(), BUILT),
        (AssetSelection.all(include_sources=True), f"{BUILT} landing/files clicks prices"),
        (AssetSelection.assets("orders", AssetKey("report")), "orders report"),
        (AssetSelection.keys(["raw", "orders"], "landing/files"), "landing/files raw/orders"),
        (AssetSelection.keys(), ""),
        (AssetSelection.groups("nosuch"), ""),
        (AssetSelection.tag("pii", ""), "raw/orders"),
        (AssetSelection.tag("layer", ""), ""),
        (AssetSelection.tag_string("layer=bronze", include_sources=True), "landing/files raw/orders"),
        (AssetSelection.kind("dbt", include_sources=True), "landing/files raw/orders"),
        (AssetSelection.key_prefixes(["raw", "orders"], "landing", include_sources=True), "landing/files raw/orders"),
        (AssetSelection.key_substring("s_e"), "orders_eu"),
        (AssetSelection.keys("report").upstream(depth=1, include_self=False), "test"),
        (AssetSelection.keys("orders", "test").upstream(include_self=False), "orders_eu raw/orders train"),
        (AssetSelection.keys("orders").downstream(depth=1, include_self=False), "orders_eu orders_us"),
        (AssetSelection.keys("orders").downstream(depth=0), "orders"),
        (AssetSelection.all(include_sources=True).sources(), "clicks landing/files prices"),
        (AssetSelection.all().upstream_source_assets(), "clicks landing/files prices"),
        (AssetSelection.keys("orders") & AssetSelection.all(), "orders"),
        (AssetSelection.all() - AssetSelection.keys("orders").downstream(), "basket raw/orders"),
        (AssetSelection.checks_for_assets("orders"), ""),
    ],
)
def test_the_methods_select_what_the_field_knows_them_to(selection, assets):
    assert written(selection.resolve(LAKE)).split() == sorted(assets.split())


@pytest.mark.parametrize(
    ("selection", "checks"),
    [
        (AssetSelection.all(), "orders:no_nulls raw/orders:unique report:sums"),
        (AssetSelection.keys("orders"), "orders:no_nulls"),
        (AssetSelection.keys("orders").without_checks(), ""),
        (AssetSelection.keys("orders").without_checks().downstream(), "orders:no_nulls report:sums"),
        (AssetSelection.all_asset_checks(), "orders:no_nulls raw/orders:unique report:sums"),
        (AssetSelection.checks(AssetCheckKey("report", "sums")), "report:sums"),
        (AssetSelection.checks_for_assets("raw/orders", "basket"), "raw/orders:unique"),
        (AssetSelection.all() - AssetSelection.checks_for_assets("orders"), "raw/orders:unique report:sums"),
        (AssetSelection.keys("orders") | AssetSelection.checks_for_assets("report"), "orders:no_nulls report:sums"),
        (AssetSelection.from_string('check:"raw/orders:unique" or orders'), "orders:no_nulls raw/orders:unique"),
        (AssetSelection.from_string("check:* and not checks_for:orders"), "raw/orders:unique report:sums"),
    ],
)
def test_checks_follow_their_assets_unless_something_else_is_said(selection, checks):
    assert written(selection.resolve_checks(LAKE)) == checks


class Definition:
    """What a definition of assets shows to a selection."""

    def __init__(self, name, *specs, check_specs=(), can_subset=False):
        self.computation_name, self.specs, self.check_specs, self.can_subset = name, specs, check_specs, can_subset

    @property
    def keys(self):
        return [spec.key for spec in self.specs]


def test_a_selection_is_read_from_text_keys_definitions_and_sequences_of_them():
    read = AssetSelection.from_coercible
    split = Definition("split", AssetSpec("eu"), AssetSpec("us"))
    assert read("a+") == AssetSelection.from_string("a+")
    assert read(["a", "b+"]) == AssetSelection.from_string("a or b+")
    assert read(AssetKey(["a", "b"])) == AssetSelection.keys("a/b")
    assert read(split) == AssetSelection.keys("eu", "us")
    assert read([split, AssetKey("a"), AssetSelection.groups("g")]) == (
        AssetSelection.keys("eu", "us", "a") | AssetSelection.groups("g")
    )
    assert read([]).resolve(LAKE) == frozenset()
    with pytest.raises(CheckError, match="3 is not a selection of assets"):
        read(3)


def test_a_selection_resolves_against_a_list_of_definitions():
    definitions = [
        Definition("split", AssetSpec("eu", deps=["raw"]), AssetSpec("us", deps=["raw"])),
        Definition("report", AssetSpec("report", deps=["eu"]), check_specs=[AssetCheckSpec("sums", asset="report")]),
        AssetSpec("raw"),
    ]
    assert written(AssetSelection.from_string("split+").resolve(definitions)) == "eu report us"
    assert written(AssetSelection.all().resolve(definitions)) == "eu report us"
    assert written(AssetSelection.keys("eu").required_multi_asset_neighbors().resolve(definitions)) == "eu us"
    assert written(AssetSelection.keys("report").resolve_checks(definitions)) == "report:sums"
    with pytest.raises(CheckError, match="not a definition of assets"):
        AssetSelection.all().resolve([object()])


def test_a_key_comes_before_a_multi_asset_of_the_same_name():
    graph = AssetGraph.build([AssetSpec("split"), AssetSpec("eu")], multi_assets={"split": [AssetKey("eu")]})
    assert written(AssetSelection.from_string("split").resolve(graph)) == "split"


def test_an_unknown_name_is_an_error_that_offers_the_nearest():
    with pytest.raises(UnknownInSelection) as raised:
        AssetSelection.from_string("basket or 2+raw/order").resolve(LAKE)
    assert str(raised.value).startswith('The selection names "raw/order" (in the clause raw/order), which does not')
    assert 'Did you mean "raw/orders"?' in str(raised.value)
    with pytest.raises(UnknownInSelection, match='in the clause key:"reports"'):
        AssetSelection.keys("reports").resolve(LAKE)
    with pytest.raises(UnknownInSelection, match='Did you mean "orders:no_nulls"'):
        AssetSelection.checks(AssetCheckKey("orders", "no_null")).resolve(LAKE)
    with pytest.raises(UnknownInSelection, match='write key:"ord\\*"'):
        AssetSelection.from_string("ord*").resolve(LAKE)


def test_an_unknown_name_selects_nothing_where_missing_ones_are_allowed():
    selection = AssetSelection.keys("nosuch", "orders") | AssetSelection.from_string("neither")
    assert written(selection.resolve(LAKE, allow_missing=True)) == "orders"


def test_selecting_nothing_names_the_clauses_at_fault():
    def message(text: str) -> str:
        with pytest.raises(NothingSelected) as raised:
            AssetSelection.from_string(text).resolve_nonempty(LAKE)
        return str(raised.value)

    assert message("group:silvr and kind:dbt") == (
        'The selection group:"silvr" and kind:"dbt" matches no asset. The clause group:"silvr" matches nothing. '
        'Did you mean group:"silver"?'
    )
    assert 'Did you mean tag:"layer"="bronze"?' in message("tag:layer=bronz")
    assert 'Did you mean owner:"team:data"?' in message("owner:team:dta")
    assert "together they leave nothing" in message("orders and report")
    assert AssetSelection.from_string("orders").resolve_nonempty(LAKE) == {key("orders")}


def test_a_clause_that_matches_only_external_assets_says_how_to_have_them():
    graph = AssetGraph.build([AssetSpec("a", deps=["b"])])
    with pytest.raises(NothingSelected, match=r'write include_sources\(key_substring:"b"\) to have them'):
        AssetSelection.from_string("key_substring:b").resolve_nonempty(graph)


def test_clauses_that_match_nothing_are_listed_even_where_others_match():
    empty = AssetSelection.from_string("orders or group:silvr or nosuch or checks_for:orders").empty_clauses(LAKE)
    assert [one.clause for one in empty] == ['group:"silvr"', "nosuch"]


names = st.one_of(
    st.sampled_from(["orders", "a.b", "x-y", "and", "Not", "2", "*", "a/b", "sinks", "+x"]),
    st.text("a\"\\*' é:/=\n", min_size=1),
)
keys = names.filter(lambda name: all(name.split("/"))).map(AssetKey.parse)
flags = st.booleans()
clauses = st.one_of(
    st.builds(AssetSelection.all, flags),
    st.just(AssetSelection.all_asset_checks()),
    st.builds(AssetSelection.tag, names, st.one_of(names, st.just("")), flags),
    st.builds(AssetSelection.tag_string, st.sampled_from(["layer", "team/layer"]), flags),
    st.builds(AssetSelection.kind, st.one_of(st.none(), names), flags),
    st.builds(AssetSelection.owner, st.one_of(st.none(), names)),
    st.builds(AssetSelection.key_substring, names, flags),
    st.lists(keys, max_size=3).map(lambda some: AssetSelection.keys(*some)),
    st.lists(keys, max_size=3).map(lambda some: AssetSelection.checks_for_assets(*some)),
    st.builds(
        lambda some, flag: AssetSelection.groups(*some, include_sources=flag), st.lists(names, max_size=3), flags
    ),
    st.builds(lambda one, flag: AssetSelection.key_prefixes(one.path, include_sources=flag), keys, flags),
    st.builds(lambda asset, check: AssetSelection.checks(AssetCheckKey(asset, check)), keys, st.just("unique")),
    st.sampled_from(["orders", '"two words"', "key:a*b", "key:*", r'key:"*\**"', "code_location:x"]).map(
        AssetSelection.from_string
    ),
)


def larger(some: st.SearchStrategy[AssetSelection]) -> st.SearchStrategy[AssetSelection]:
    depths = st.one_of(st.none(), st.integers(0, 12))
    return st.one_of(
        st.builds(lambda a, b: a | b, some, some),
        st.builds(lambda a, b: a & b, some, some),
        st.builds(lambda a, b: a - b, some, some),
        st.builds(lambda a: AssetSelection.all() - a, some),
        st.builds(lambda a, up, down: a.upstream(up) | a.downstream(down), some, depths, depths),
        st.builds(lambda a, depth, own: a.upstream(depth, own), some, depths, flags),
        st.builds(lambda a, depth, own: a.downstream(depth, own), some, depths, flags),
        st.builds(
            lambda a, method: getattr(a, method)(),
            some,
            st.sampled_from(
                [
                    "roots",
                    "sinks",
                    "materializable",
                    "without_checks",
                    "required_multi_asset_neighbors",
                    "upstream_source_assets",
                ]
            ),
        ),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(clauses, larger, max_leaves=12))
def test_every_selection_is_read_back_from_its_written_form(selection):
    text = str(selection)
    assert AssetSelection.from_string(text) == selection
    assert str(AssetSelection.from_string(text)) == text


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["orders", "*", "group:bronze", "split", "key:*"]).map(AssetSelection.from_string),
        larger,
        max_leaves=8,
    )
)
def test_what_is_read_back_selects_the_same(selection):
    again = AssetSelection.from_string(str(selection))
    assert again.resolve(LAKE) == selection.resolve(LAKE)
    assert again.resolve_checks(LAKE) == selection.resolve_checks(LAKE)


def test_thousands_of_keys_make_one_clause_quickly():
    keys = [AssetKey(f"a{n}") for n in range(5000)]
    began = time.process_time()
    selection = AssetSelection.from_coercible(keys)
    assert selection == AssetSelection.keys(*keys)
    assert AssetSelection.from_string(str(selection)) == selection
    assert time.process_time() - began < 2


def test_long_chains_of_differences_are_written_read_and_resolved():
    selection = AssetSelection.all()
    for number in range(200):
        selection = selection - AssetSelection.keys(f"a{number}")
    graph = AssetGraph.build(AssetSpec(f"a{number}") for number in range(201))
    assert written(selection.resolve(graph)) == "a200"
    assert AssetSelection.from_string(str(selection)) == selection


def test_a_selection_on_five_thousand_assets_takes_milliseconds():
    graph = AssetGraph.build(
        AssetSpec(f"a{n}", deps=[f"a{n - 1}", f"a{n // 2}"] if n > 1 else None) for n in range(5000)
    )
    selection = AssetSelection.from_string("+a2500+")
    assert len(selection.resolve(graph)) == 4999
    times = []
    for _ in range(5):
        began = time.process_time()
        selection.resolve(graph)
        times.append(time.process_time() - began)
    # Three milliseconds on a quiet machine; the margin is for busy ones.
    assert min(times) < 0.05
