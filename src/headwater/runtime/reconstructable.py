"""References to jobs that can be made again elsewhere: by calling a function, or reading an attribute, of a module."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from headwater.authoring.job import JobDefinition
from headwater.model.errors import CheckError, InvariantViolationError


class ReconstructableJob:
    """A job that can be made again elsewhere, by calling the function or reading the attribute that gave it."""

    def __init__(self, target: Any) -> None:
        self._target = target

    @property
    def job_name(self) -> str:
        """The name of the job, which is made for it."""
        return self.get_definition().name

    def get_definition(self) -> JobDefinition:
        made = self._target
        if not isinstance(made, JobDefinition):
            made = made()
        if not isinstance(made, JobDefinition):
            raise CheckError(
                what=f"reconstructable() was given {self._target!r}, which returned {made!r}.",
                why="It is no job, and gives none when it is called.",
                fix="Give what @job makes, or a function that returns a job.",
            )
        return made


def reconstructable(target: JobDefinition | Callable[[], JobDefinition]) -> ReconstructableJob:
    """Return a reference to a job, for `execute_job`: one that @job made, or a function that returns one.

    Raises InvariantViolationError for what another process could not find by its name: a lambda, what is defined within a
    function, and what was made without a decorator.
    """
    if not isinstance(target, FunctionType | JobDefinition):
        raise _unfindable(f"{target!r}", f"It is of the type {type(target).__name__}.")
    name = getattr(target, "__name__", None)
    if name == "<lambda>":
        raise _unfindable("a lambda", "It has no name.")
    if name is None:
        raise _unfindable(f'the job "{target.name}"', "It was not made by a decorator.")  # type: ignore[union-attr]
    if (path := getattr(target, "__qualname__", name)) != name:
        raise _unfindable(f'"{path}"', "It is not defined at the top of its module.")
    return ReconstructableJob(target)


def _unfindable(shown: str, why: str) -> InvariantViolationError:
    return InvariantViolationError(
        what=f"reconstructable() was given {shown}.",
        why=f"{why} Another process could not make it again by its name.",
        fix="Give what @job makes, or a function that returns a job, defined at the top of a module.",
    )
