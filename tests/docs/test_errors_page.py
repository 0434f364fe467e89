"""docs/errors.md tells of each mistake exactly what Headwater says of it now."""

from __future__ import annotations

import sys

import pytest

from tests.docs.errors_page import LONGEST_RECORDED, PAGE, Said, ask, page, recorded
from tests.docs.mistakes import CHAPTERS

TITLES = [mistake.title for chapter in CHAPTERS for mistake in chapter.mistakes]


@pytest.fixture(scope="module")
def said() -> Said:
    return ask(sys.executable, "headwater")


def test_every_mistake_is_told_of(said: Said):
    assert [title for title in TITLES if not said[title]] == []


def test_the_page_holds_what_headwater_says_now(said: Said):
    assert PAGE.read_text(encoding="utf-8") == page(said, recorded()), "run `python -m tests.docs.mistakes`"


def test_what_dagster_said_is_recorded_of_every_mistake():
    assert list(recorded()) == TITLES
    assert all(len(one["text"]) <= LONGEST_RECORDED for one in recorded().values() if one)
