"""Error classes: each is handed on by `headwater.model.errors`, and tells what, why and how to mend it."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from headwater.model import errors
from headwater.model.errors import HeadwaterError
from headwater.model.errors.root import kind_of

MODULES = [each.name for each in pkgutil.iter_modules(errors.__path__)]


@pytest.mark.parametrize("module_name", MODULES)
def test_every_error_of_a_part_is_handed_on(module_name: str) -> None:
    module = importlib.import_module(f"{errors.__name__}.{module_name}")
    own = [
        name
        for name, thing in vars(module).items()
        if isinstance(thing, type) and issubclass(thing, HeadwaterError) and thing.__module__ == module.__name__
    ]
    assert [name for name in own if getattr(errors, name, None) is not getattr(module, name)] == []


@pytest.mark.parametrize(("value", "words"), [(1, "an int"), ("a", "a str"), ([], "a list"), (object(), "an object")])
def test_a_message_says_what_a_value_is_with_its_article(value: object, words: str) -> None:
    assert kind_of(value) == words
