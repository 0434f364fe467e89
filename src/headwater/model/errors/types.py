"""Errors about run-time types: a value that is not what was declared, and checks that do not answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from headwater.model.errors.definition import InvalidDefinitionError, InvariantViolationError
from headwater.model.errors.root import HeadwaterError


class TypeCheckDidNotPass(HeadwaterError):
    """A value that went into or came out of a step is not of its declared type.

    `owner` is in words, such as 'asset "orders"'. `where` is the place inside the value that is wrong ("[2]['id']"),
    and empty when the value as a whole is; `expected_there` and `actual` are what was declared for that place and what
    was found. `is_annotation` is false for a type that was declared by other means than an annotation.
    """

    code = "wrong-type"

    def __init__(
        self,
        owner: str,
        direction: Literal["output", "input"],
        name: str,
        expected: str,
        actual: str,
        *,
        where: str = "",
        expected_there: str = "",
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        is_annotation: bool = True,
    ) -> None:
        self.owner = owner
        self.direction = direction
        self.name = name
        self.expected = expected
        self.actual = actual
        self.where = where
        self.description = description
        self.metadata = dict(metadata or {})
        subject = f'{direction.capitalize()} "{name}" of {owner}'
        declared = "its annotation" if is_annotation else "its type"
        if where:
            found = f"{subject} has {with_article(actual)} at {where}"
            what = f"{found}, but {declared} {expected} says {expected_there} there."
        elif description and not is_annotation:
            what = f"{subject} is {with_article(actual)} that is not {expected}: {description.rstrip('.')}."
        elif not is_annotation and actual == expected:
            what = f"{subject} is {with_article(actual)}, but the check of its type {expected} did not pass."
        else:
            what = f"{subject} is {with_article(actual)}, but {declared} says {expected}."
        if direction == "output":
            why = "It was not stored, because what is downstream relies on the declared type."
            fix = (
                f"Return {_in_words(expected)}, or change the annotation." if is_annotation else _FIX_OF_A_DECLARED_TYPE
            )
        else:
            why = "The function was not called with it."
            fix = "Change the annotation, or what is upstream." if is_annotation else _FIX_OF_A_DECLARED_TYPE
        super().__init__(what=what, why=why, fix=fix)


_FIX_OF_A_DECLARED_TYPE = "Change the value, or the declared type."


class InvalidTypeCheckAnswer(InvariantViolationError):
    """The function that checks a type returned something that is no answer."""

    code = "invalid-type-check-answer"

    def __init__(self, type_name: str, answer: str) -> None:
        super().__init__(
            what=f'The check of the type "{type_name}" returned {with_article(answer)}.',
            why="Whether the value is fine cannot be told from it.",
            fix="Return True, False or TypeCheck(success=..., description=...).",
        )


class InvalidTypeDefinition(InvalidDefinitionError):
    """A run-time type was declared in a way that cannot work."""

    code = "invalid-type-definition"


class UnloadableInput(HeadwaterError):
    """An input was given by configuration, but its type does not say how to make a value of it."""

    code = "unloadable-input"

    def __init__(self, owner: str, name: str, type_name: str) -> None:
        super().__init__(
            what=f'Input "{name}" of {owner} was given in the configuration, but the type {type_name} has no loader.',
            why="There is no rule by which the configuration becomes a value.",
            fix="Give the type a loader made with @headwater_type_loader, or connect the input to an output.",
        )


def with_article(noun: str) -> str:
    """Return "an int" for "int" and "a str" for "str"; None stays as it is."""
    if noun in ("None", "nothing"):
        return noun
    return f"an {noun}" if noun[:1] in "aeioAEIO" else f"a {noun}"


def _in_words(expected: str) -> str:
    return expected if expected in ("None", "nothing") or not expected.isidentifier() else with_article(expected)
