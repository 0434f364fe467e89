"""What programs import from Dagster's private modules, since its public ones do not give it."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.compat.dagster import aliases, checks, private_names
from headwater.model.errors import CheckError


@pytest.mark.parametrize("name", sorted(private_names.GIVEN))
def test_names_of_private_modules_are_given_by_any_of_them(name: str) -> None:
    assert aliases._name_in("dagster._core.anything", name) is getattr(private_names, name)


def test_tags_have_the_spelling_of_programs_for_dagster() -> None:
    assert aliases._name_in("dagster._core.storage.tags", "PARTITION_NAME_TAG") == "dagster/partition"


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (checks.str_param, "a", 1),
        (checks.opt_str_param, None, 1),
        (checks.bool_param, True, "yes"),
        (checks.int_param, 3, "3"),
        (checks.list_param, [1], (1,)),
        (checks.dict_param, {"a": 1}, [1]),
        (checks.callable_param, len, 3),
    ],
)
def test_checks_return_what_fits_and_name_the_parameter_of_what_does_not(check: Any, good: Any, bad: Any) -> None:
    assert check(good, "amount") == good
    with pytest.raises(CheckError, match="amount was given"):
        check(bad, "amount")


def test_parts_of_what_is_checked_are_named() -> None:
    with pytest.raises(CheckError, match=r"keys\[1\] was given 2"):
        checks.list_param(["a", 2], "keys", of_type=str)
    with pytest.raises(CheckError, match=r"sizes\['a'\] was given"):
        checks.dict_param({"a": "b"}, "sizes", value_type=int)


def test_conditions_and_values_are_checked() -> None:
    assert checks.invariant(True)
    assert checks.not_none(0) == 0
    assert checks.opt_inst_param(None, "x", str, "d") == "d"
    with pytest.raises(CheckError, match="why not"):
        checks.invariant(False, "why not")
    with pytest.raises(CheckError, match="why not"):
        checks.failed("why not")
    with pytest.raises(CheckError, match="None was given"):
        checks.not_none(None)


def test_a_package_of_no_near_name_gets_no_guess() -> None:
    assert "Did you mean" not in aliases.missing_package("dagster_nonsense")
    assert 'Did you mean "dagster_postgres"?' in aliases.missing_package("dagster_postgers")
