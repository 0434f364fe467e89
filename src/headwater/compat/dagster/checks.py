"""`dagster._check`: the checks of arguments that programs for Dagster write at the top of their functions.

Each returns what it was given, or raises CheckError, which names the parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of

T = TypeVar("T")
Kind = type[Any] | tuple[type[Any], ...]


def _named(kind: Kind) -> str:
    return " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))


def inst_param(obj: T, param_name: str, ttype: Kind, additional_message: str | None = None) -> T:
    """Return `obj`, which is an instance of `ttype`."""
    if not isinstance(obj, ttype):
        raise CheckError(
            what=f"{param_name} was given {obj!r}, {kind_of(obj)}.",
            why=additional_message or f"It is to be of {_named(ttype)}.",
            fix=f"Give one of {_named(ttype)}.",
        )
    return obj


def opt_inst_param(obj: T, param_name: str, ttype: Kind, default: Any = None) -> T:
    """Return `obj`, which is an instance of `ttype`; `default` for None."""
    return default if obj is None else inst_param(obj, param_name, ttype)


def str_param(obj: Any, param_name: str) -> str:
    """Return `obj`, which is text."""
    return inst_param(obj, param_name, str)  # type: ignore[no-any-return]


def opt_str_param(obj: Any, param_name: str, default: str | None = None) -> str | None:
    """Return `obj`, which is text; `default` for None."""
    return default if obj is None else str_param(obj, param_name)


def bool_param(obj: Any, param_name: str) -> bool:
    """Return `obj`, which is True or False."""
    return inst_param(obj, param_name, bool)  # type: ignore[no-any-return]


def opt_bool_param(obj: Any, param_name: str, default: bool | None = None) -> bool | None:
    """Return `obj`, which is True or False; `default` for None."""
    return default if obj is None else bool_param(obj, param_name)


def int_param(obj: Any, param_name: str) -> int:
    """Return `obj`, which is a whole number."""
    return inst_param(obj, param_name, int)  # type: ignore[no-any-return]


def opt_int_param(obj: Any, param_name: str, default: int | None = None) -> int | None:
    """Return `obj`, which is a whole number; `default` for None."""
    return default if obj is None else int_param(obj, param_name)


def list_param(obj: Any, param_name: str, of_type: Kind | None = None) -> list[Any]:
    """Return `obj`, which is a list, of `of_type` alone where that is given."""
    listed: list[Any] = inst_param(obj, param_name, list)
    return list(sequence_param(listed, param_name, of_type)) if of_type is not None else listed


def opt_list_param(obj: Any, param_name: str, of_type: Kind | None = None) -> list[Any]:
    """Return `obj`, which is a list; an empty one for None."""
    return [] if obj is None else list_param(obj, param_name, of_type)


def sequence_param(obj: Any, param_name: str, of_type: Kind | None = None) -> Sequence[Any]:
    """Return `obj`, which is a sequence and no text, of `of_type` alone where that is given."""
    if isinstance(obj, str):
        raise CheckError(
            what=f"{param_name} was given the text {obj!r}.", why="It takes several.", fix=f"Write [{obj!r}]."
        )
    several: Sequence[Any] = inst_param(obj, param_name, Sequence)
    if of_type is not None:
        for number, each in enumerate(several):
            inst_param(each, f"{param_name}[{number}]", of_type)
    return several


def dict_param(
    obj: Any, param_name: str, key_type: Kind | None = None, value_type: Kind | None = None
) -> dict[Any, Any]:
    """Return `obj`, which is a dict, with keys and values of these types where they are given."""
    found: dict[Any, Any] = inst_param(obj, param_name, dict)
    _check_items(found, param_name, key_type, value_type)
    return found


def opt_dict_param(
    obj: Any, param_name: str, key_type: Kind | None = None, value_type: Kind | None = None
) -> dict[Any, Any]:
    """Return `obj`, which is a dict; an empty one for None."""
    return {} if obj is None else dict_param(obj, param_name, key_type, value_type)


def mapping_param(
    obj: Any, param_name: str, key_type: Kind | None = None, value_type: Kind | None = None
) -> Mapping[Any, Any]:
    """Return `obj`, which is a mapping, with keys and values of these types where they are given."""
    found: Mapping[Any, Any] = inst_param(obj, param_name, Mapping)
    _check_items(found, param_name, key_type, value_type)
    return found


def _check_items(found: Mapping[Any, Any], name: str, key_type: Kind | None, value_type: Kind | None) -> None:
    for key, value in found.items():
        if key_type is not None:
            inst_param(key, f"a key of {name}", key_type)
        if value_type is not None:
            inst_param(value, f"{name}[{key!r}]", value_type)


def callable_param(obj: T, param_name: str) -> T:
    """Return `obj`, which can be called."""
    if not callable(obj):
        raise CheckError(
            what=f"{param_name} was given {obj!r}, {kind_of(obj)}.", why="It is to be called.", fix="Give a function."
        )
    return obj


def invariant(condition: Any, desc: str | None = None) -> bool:
    """Return True where the condition holds."""
    if not condition:
        raise CheckError(what=desc or "A condition does not hold.", why="What follows relies on it.", fix="See above.")
    return True


def not_none(value: T | None, additional_message: str | None = None) -> T:
    """Return `value`, which is not None."""
    if value is None:
        raise CheckError(
            what="None was given.", why=additional_message or "There is to be a value.", fix="Give a value."
        )
    return value


def failed(desc: str) -> NoReturn:
    """Raise CheckError with this text."""
    raise CheckError(what=desc, why="The program says so.", fix="See where it was raised.")
