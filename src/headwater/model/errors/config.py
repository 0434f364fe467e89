"""Errors in configuration: what was given does not fit what was declared.

Every fault of one configuration is reported at once, so a person mends it in one go. A message never holds the value of
an environment variable, only its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headwater.model.errors.definition import (
    InvalidDefinitionError,
    InvalidInvocationError,
    InvariantViolationError,
)
from headwater.model.errors.root import HeadwaterError
from headwater.model.errors.user_code import UserCodeExecutionError


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong, and where: `location` is written as a path such as `ops.load.config.tables[2].name`."""

    location: str
    problem: str
    fix: str = ""
    missing_env_var: str | None = None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.problem}" + (f" {self.fix}" if self.fix else "")


class InvalidConfigError(HeadwaterError):
    """A configuration does not fit its schema. `faults` holds every fault, in the order in which they were found."""

    code = "invalid-config"

    def __init__(self, faults: Sequence[ConfigFault], *, example: str = "", why: str = "") -> None:
        self.faults = tuple(faults)
        self.example = example
        lines = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(self.faults, start=1))
        count = "1 fault was" if len(self.faults) == 1 else f"{len(self.faults)} faults were"
        super().__init__(
            what=f"{count} found in the configuration:\n{lines}\n",
            why=why or "Nothing was started with it.",
            fix=f"A valid example: {example}" if example else "",
        )


class MissingEnvVar(InvalidConfigError):
    """The only thing wrong with a configuration is that environment variables it names are not set."""

    code = "missing-env-var"

    def __init__(self, faults: Sequence[ConfigFault], *, example: str = "", why: str = "") -> None:
        self.variables = tuple(fault.missing_env_var for fault in faults if fault.missing_env_var)
        super().__init__(faults, example=example, why=why)


def config_error(faults: Sequence[ConfigFault], *, example: str = "", why: str = "") -> InvalidConfigError:
    """Return the error that says these faults best: MissingEnvVar when unset variables are all that is wrong."""
    if all(fault.missing_env_var for fault in faults):
        return MissingEnvVar(faults, why=why)
    return InvalidConfigError(faults, example=example, why=why)


class InvalidConfigDefinitionError(InvalidDefinitionError):
    """Something was given as a config schema that cannot be one."""

    code = "invalid-config-definition"

    def __init__(self, thing: object, where: Iterable[str] = (), reason: str = "") -> None:
        path = ".".join(where)
        at = f" at {path}" if path else ""
        super().__init__(
            what=f"{thing!r}{at} cannot be a config type." + (f" {reason}" if reason else ""),
            why="The configuration that users give could not be checked against it.",
            fix=(
                "Use int, float, bool, str, dict, list, Field(...), Noneable(int), Enum, Selector, Shape, Permissive, "
                "Map, "
                "[int] for a list, {'name': str} for named fields, {str: int} for a mapping, or a Config class."
            ),
        )


class EnvVarReadError(InvariantViolationError, RuntimeError):
    """An EnvVar was used as if it were the value of its variable, which it does not hold."""

    code = "env-var-read"

    def __init__(self, constructor: str, name: str) -> None:
        super().__init__(
            what=f'{constructor}("{name}") was read as if it were the value of {name}.',
            why="It only names the variable; the value is looked up when a run starts, and is never stored.",
            fix=f'Hand it on as it is to a resource or config field, or call .get_value() or os.getenv("{name}").',
        )


class FrozenConfigError(InvalidInvocationError):
    """A field of a config object or a resource was assigned to."""

    code = "frozen-config"

    def __init__(self, class_name: str, field: str, *, is_resource: bool) -> None:
        super().__init__(
            what=f'"{field}" of {class_name} was assigned to.',
            why="Its fields are settings, fixed when it is made, so that what a run recorded stays true.",
            fix=(
                f"Keep what changes in a private attribute ({class_name} may declare `_client = PrivateAttr()` and set "
                "it in setup_for_execution), or let a method build a separate client."
                if is_resource
                else "Make a changed copy with .model_copy(update={...})."
            ),
        )


class ConfigFunctionError(UserCodeExecutionError):
    """The user's function that maps one configuration to another raised; its error is the cause."""

    code = "config-function"

    def __init__(self, name: str, error: BaseException) -> None:
        super().__init__(
            what=f"The config function {name} raised {type(error).__name__}.",
            why="The configuration that it should have made is not known.",
            fix="Its traceback is shown above as the cause.",
        )
