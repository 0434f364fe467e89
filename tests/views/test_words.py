"""Numbers as people read them."""

from __future__ import annotations

import pytest

from headwater.views.metadata import metadata_in_words
from headwater.views.words import ago, counted, duration_in_words, first_line, listed, size_in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0, "<1 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (1.24, "1.2 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3_600, "1 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, words: str):
    assert duration_in_words(seconds) == words


def test_an_instant_is_told_by_how_long_ago_it_was():
    assert ago(None, 0) == "never"
    assert ago(100, 103) == "just now"
    assert ago(100, 145) == "45 seconds ago"
    assert ago(0, 60) == "1 minute ago"
    assert ago(0, 7_300) == "2 hours ago"
    assert ago(0, 3 * 86_400) == "3 days ago"


def test_counts_sizes_and_lists():
    assert [counted(0, "asset"), counted(1, "asset"), counted(1200, "asset")] == ["0 assets", "1 asset", "1,200 assets"]
    assert [size_in_words(12), size_in_words(3_400), size_in_words(5_600_000)] == ["12 bytes", "3 kB", "5.6 MB"]
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg"), most=2) == "a, b, ... (7 in all)"
    assert first_line("\n  two\nlines") == "two"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "int", "value": 336776}, "336,776"),
        ({"kind": "float", "value": 0.25}, "0.25"),
        ({"kind": "bool", "value": True}, "yes"),
        ({"kind": "text", "value": "one\ntwo"}, "one (+1 lines)"),
        ({"kind": "asset", "value": ["raw", "orders"]}, "raw/orders"),
        ({"kind": "json", "value": {"a": [1]}}, '{"a": [1]}'),
        ({"kind": "table", "value": {"records": [{}, {}], "schema": {}}}, "a table of 2 rows"),
        ({"kind": "null", "value": None}, "-"),
        ("bare", "bare"),
    ],
)
def test_metadata_is_told_in_one_line(entry: object, words: str):
    assert metadata_in_words(entry) == words
