from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from headwater.graph.selection import AssetSelection, SelectionSyntaxError


def test_an_error_shows_the_text_with_a_caret_under_the_place_and_an_example():
    with pytest.raises(SelectionSyntaxError) as raised:
        AssetSelection.from_string("group:silver and )")
    assert raised.value.what == (
        '")" is not expected here; a name or a clause should follow.\n  group:silver and )\n                   ^\n'
    )
    assert raised.value.fix == 'An example: group:silver and not key:"sales/orders"+'
    assert raised.value.position == 17


@pytest.mark.parametrize(
    ("text", "carets", "problem"),
    [
        ("", "^", "The selection is empty."),
        ("()", "^", "There is nothing between these parentheses."),
        ("(b", "^", "This parenthesis is never closed."),
        ("b)", " ^", "This parenthesis closes none that was opened."),
        ("and b", "^^^", '"and" is not expected here; a name or a clause should follow.'),
        ("b or", "    ^", "The selection ends where a name or a clause should follow."),
        ("b not c", "  ^^^", '"not" follows a selection, and it is not said how.'),
        ("b && c", "  ^^", '"&&" has no meaning in a selection. Write "and".'),
        ('a "b', "  ^^", 'This quote (") is never closed.'),
        ('""', "^^", "These quotes are empty, and a name should be in them."),
        ("b + c", "  ^", "This + could belong to what is before it or to what is after it."),
        ("b+c", " ^", "This + could belong to what is before it or to what is after it."),
        ("++b", " ^", "A number says how many steps to go up."),
        ("b++", "  ^", "A number says how many steps to go down."),
        ("b+2+", "   ^", "There is one + too many here."),
        ("+*b", " ^^", "A * and a + at one name mean the same; write one of them."),
        ("12", "^^", "The number 12 should be followed or preceded by a + and a name, without spaces."),
        ("raw/*/x", "^^^^^^^", "Wildcards are for keys: write key: before it."),
        ("group:raw*", "      ^^^^", "Wildcards are for keys, not for group; quote the * if it is part of the value."),
        ("grup:silver", "^^^^", 'Assets cannot be selected by "grup". Did you mean "group"?'),
        ("sink(b)", "^^^^", 'There is no function "sink". Did you mean "sinks"?'),
        ("key:", "    ^", 'A value should follow "key:".'),
        ("key:a//b", "    ^^^^", "This is no asset key: it has an empty part."),
        ("tag:layer=", "         ^", "A value should follow this =."),
        ("group:<null>", "      ^^^^^^", "<null> is for kind and owner, not for group."),
        ("check:orders", "      ^^^^^^", "A check is named by its asset and its own name."),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text, carets, problem):
    with pytest.raises(SelectionSyntaxError) as raised:
        AssetSelection.from_string(text)
    assert raised.value.what == f"{problem}\n  {text}\n  {carets}\n"


def test_endless_nesting_is_refused_rather_than_overflowing():
    for text in ("(" * 5000 + "a" + ")" * 5000, "not " * 5000 + "a"):
        with pytest.raises(SelectionSyntaxError, match="nested more than"):
            AssetSelection.from_string(text)


@given(st.text("ab12+*()\"' :=,/<>\\|", max_size=20))
def test_any_text_is_either_read_or_refused_with_its_place(text):
    try:
        selection = AssetSelection.from_string(text)
    except SelectionSyntaxError as error:
        refused_at = error.position
    else:
        assert AssetSelection.from_string(str(selection)) == selection
        return
    assert 0 <= refused_at <= len(text)
