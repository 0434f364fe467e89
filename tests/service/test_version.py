"""Servers, hosts and workers tell each other the release they are of; it is the one that is published."""

import tomllib
from pathlib import Path

import headwater


def test_the_version_in_the_code_is_the_one_that_is_published() -> None:
    published = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert headwater.__version__ == published
