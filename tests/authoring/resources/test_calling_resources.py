"""Resource functions called directly, as tests do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import headwater as hw


@hw.resource
def five(init: hw.InitResourceContext) -> int:
    return 5


@hw.resource
def six() -> int:
    return 6


def test_a_resource_is_called_as_its_function_is() -> None:
    context = hw.build_init_resource_context()
    assert five(context) == five(init=context) == five(None) == 5
    assert six() == 6


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: five(), "no context"),
        (lambda: five(1, 2), "2 arguments"),
        (lambda: five(context=None), "five\\(init=...\\)"),
        (lambda: six(None), "six\\(\\)"),
    ],
)
def test_other_arguments_are_refused_in_words(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(hw.InvalidInvocationError, match=says):
        call()


def test_what_is_no_context_is_refused() -> None:
    with pytest.raises(hw.CheckError, match="takes a context"):
        five(5)


def test_an_input_manager_that_exists_already_loads_as_a_hardcoded_resource() -> None:
    class Loader(hw.InputManager):
        def load_input(self, context: hw.InputContext) -> int:
            return 42

    @hw.op(ins={"x": hw.In(int, input_manager_key="loader")})
    def taken(x):  # type: ignore[no-untyped-def]
        return x

    @hw.job(resource_defs={"loader": hw.ResourceDefinition.hardcoded_resource(Loader())})
    def taking() -> None:
        taken()

    assert taking.execute_in_process().output_for_node("taken") == 42
