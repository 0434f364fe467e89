"""EnvVar: the name of an environment variable in place of its value.

The promise: an EnvVar never holds the value. It is looked up when a run needs it, and what is stored, printed or sent
between processes is the name alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeGuard

from headwater.model.errors.config import EnvVarReadError


class EnvVar(str):
    """The environment variable `name`, looked up when a run starts.

    It stands wherever a string setting does: `MyResource(password=EnvVar("DB_PASSWORD"))`. It counts as a `str` for
    type checkers, yet reading it as text raises EnvVarReadError: the value is not here.
    """

    __slots__ = ()

    @classmethod
    def int(cls, name: str) -> IntEnvVar:
        """Return the variable `name` for a setting that is an integer."""
        return IntEnvVar(name)

    @property
    def env_var_name(self) -> str:
        """The name of the variable."""
        return str.__str__(self)

    def get_value(self, default: str | None = None) -> str | None:
        """Return what the variable holds now, or `default` when it is not set."""
        return os.environ.get(self.env_var_name, default)

    def __str__(self) -> str:
        raise EnvVarReadError("EnvVar", str.__str__(self))

    def __format__(self, spec: str) -> str:
        raise EnvVarReadError("EnvVar", str.__str__(self))

    def __repr__(self) -> str:
        return f'EnvVar("{str.__str__(self)}")'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvVar) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __reduce__(self) -> tuple[type[EnvVar], tuple[str]]:
        return (EnvVar, (str.__str__(self),))


class IntEnvVar(int):
    """The environment variable `name`, looked up when a run starts and read as an integer. Made by `EnvVar.int`."""

    name: str

    def __new__(cls, name: str) -> IntEnvVar:
        variable = super().__new__(cls, 0)
        variable.name = name
        return variable

    @property
    def env_var_name(self) -> str:
        """The name of the variable."""
        return self.name

    def get_value(self, default: int | None = None) -> int | None:
        """Return what the variable holds now as an integer, or `default` when it is not set."""
        text = os.environ.get(self.name)
        return default if text is None else int(text)

    def __int__(self) -> int:
        raise EnvVarReadError("EnvVar.int", self.name)

    def __index__(self) -> int:
        raise EnvVarReadError("EnvVar.int", self.name)

    def __str__(self) -> str:
        raise EnvVarReadError("EnvVar.int", self.name)

    def __format__(self, spec: str) -> str:
        raise EnvVarReadError("EnvVar.int", self.name)

    def __repr__(self) -> str:
        return f'EnvVar.int("{self.name}")'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntEnvVar) and self.name == other.name

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("EnvVar.int", self.name))

    def __bool__(self) -> bool:
        return True

    def __reduce__(self) -> tuple[type[IntEnvVar], tuple[str]]:
        return (IntEnvVar, (self.name,))


def is_env_var(value: object) -> TypeGuard[EnvVar | IntEnvVar]:
    """Return whether `value` names an environment variable."""
    return isinstance(value, (EnvVar, IntEnvVar))


def env_var_name_in(value: object) -> str | None:
    """Return the variable that `value` names, as an EnvVar or written {"env": "NAME"}; None when it names none."""
    if isinstance(value, (EnvVar, IntEnvVar)):
        return value.env_var_name
    if isinstance(value, Mapping) and len(value) == 1 and type(name := value.get("env")) is str:
        return name
    return None


def holds_env_var(value: object) -> bool:
    """Return whether an EnvVar stands anywhere in `value`: a list, tuple, set, mapping, config object, or itself."""
    if is_env_var(value):
        return True
    if isinstance(value, str | bytes | int | float) or value is None:
        return False
    if isinstance(value, Mapping):
        return any(holds_env_var(item) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds_env_var(item) for item in value)
    fields: Any = getattr(type(value), "__pydantic_fields__", None)
    if fields is not None:
        return any(holds_env_var(item) for item in vars(value).values())
    return False
