"""Names become file names that can be read back, never meet, and never lead out of the storage directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from headwater.authoring.io_contexts import InputContext
from headwater.io.places import LONGEST_NAME, escape, escape_directory, places_of, unescape
from headwater.model.keys import AssetKey

NASTY = [
    "",
    ".",
    "..",
    "...",
    ".hidden",
    "a/b",
    "../../etc/passwd",
    "a\\b",
    "a\0b",
    "%41",
    "A",
    "%",
    "@a",
    "a@",
    "a.json",
]
NASTY += [
    "a b",
    "ü",
    "日本",
    "\ud800",
    "C:",
    "a|b",
    "~",
    "%_",
    "%~",
    "-rf",
    "a\n",
    "x" * 150,
    "CON",
    "2024-01-01T00:00+01:00",
]

text = st.one_of(st.text(), st.text(alphabet="./%@_~aA\\", max_size=6), st.sampled_from(NASTY))
any_text = st.one_of(text, st.text(st.characters(min_codepoint=0xD700, max_codepoint=0xE100), max_size=4))


@given(any_text)
@example("%_")
def test_a_name_can_be_read_back_from_its_file_name(name):
    for escaped in (escape(name), escape_directory(name)):
        if "%~" not in escaped:
            assert unescape(escaped) == name


@given(any_text)
def test_a_file_name_holds_nothing_that_a_file_system_takes_for_something_else(name):
    for escaped in (escape(name), escape_directory(name)):
        assert escaped
        assert escaped.isascii()
        assert len(escaped) <= LONGEST_NAME
        assert not escaped.startswith((".", "@"))
        assert not set(escaped) & set('/\\\0:*?"<>|@ \n')
    assert "." not in escape_directory(name)


@given(st.text(min_size=140, max_size=400), st.text(min_size=140, max_size=400))
def test_names_that_are_too_long_are_still_told_apart(one, other):
    assert (escape(one) == escape(other)) == (one == other)


def test_a_name_that_was_too_long_cannot_be_read_back():
    with pytest.raises(ValueError, match="hash"):
        unescape(escape("x" * 500))


parts = st.lists(any_text.filter(lambda part: part and "/" not in part), min_size=1, max_size=3)
endings = st.sampled_from([".json", ".txt", ".bin", ".pkl", ".parquet"])
places = st.tuples(parts, st.none() | any_text, endings)


def path_of(key: list[str], partition: str | None, ending: str) -> str:
    keys = None if partition is None else (partition,)
    return places_of(InputContext(asset_key=AssetKey(key), name="x"), keys)[0] + ending


@given(places, places)
@example((["a", "b"], None, ".json"), (["a"], "b", ".json"))
@example((["a.json", "b"], None, ".json"), (["a"], None, ".json"))
@example((["a", "@b"], None, ".json"), (["a"], "b", ".json"))
@example((["@runs", "b"], None, ".json"), (["a"], "b", ".json"))
def test_two_values_never_share_a_file_nor_is_one_the_directory_of_the_other(one, other):
    first, second = path_of(*one), path_of(*other)
    assert (first == second) == (one == other)
    assert not second.startswith(first + "/")
    assert not first.startswith(second + "/")


@given(places)
def test_no_name_leads_out_of_the_storage_directory(place):
    base = Path("/storage")
    path = base / path_of(*place)
    assert Path(*path.parts[: len(base.parts)]) == base
    assert ".." not in path.parts


def test_ordinary_names_are_kept_as_they_are():
    assert path_of(["sales", "orders_2024-01"], None, ".json") == "sales/orders_2024-01.json"
    assert path_of(["orders"], "2024-01-01", ".parquet") == "orders/@2024-01-01.parquet"
    assert path_of(["orders"], "eu|2024-01-01", ".json") == "orders/@eu%7C2024-01-01.json"
