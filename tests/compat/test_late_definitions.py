"""Definitions of the alias are checked when they are used, but an argument of the wrong kind is refused at once."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.compat.dagster.errors import CheckError
from headwater.compat.dagster.late_definitions import Definitions


@hw.asset(deps=["missing"])
def orders() -> None: ...


@pytest.mark.parametrize("given", [{"assets": orders}, {"jobs": "daily"}, {"resources": [1]}])
def test_one_where_several_are_wanted_is_refused_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match=f"{next(iter(given))}= was given"):
        Definitions(**given)


def test_mistakes_between_definitions_are_told_when_they_are_loaded() -> None:
    @hw.asset(name="orders")
    def others() -> None: ...

    twice = Definitions(assets=[orders, others])
    with pytest.raises(hw.InvalidDefinitionError):
        Definitions.validate_loadable(twice)
