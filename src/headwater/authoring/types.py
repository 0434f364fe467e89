"""The run-time types that authors use, and how any annotation becomes one.

`Int`, `String`, `List[Int]` and the like are plain Python types, so they serve as annotations for a type checker too.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from headwater.authoring.annotations import (
    ANY_TYPE,
    MAX_CHECKED_ELEMENTS,
    MISSING,
    NOTHING_TYPE,
    NullableType,
    annotations_by_output,
    register_type,
    resolve_type,
    unwrap_return,
)
from headwater.authoring.runtime_type import (
    FunctionTypeLoader,
    HeadwaterType,
    HeadwaterTypeKind,
    HeadwaterTypeLoader,
    PythonObjectHeadwaterType,
    TypeCheck,
    TypeCheckContext,
    headwater_type_loader,
    require_type,
)
from headwater.model.errors.types import InvalidTypeDefinition

C = TypeVar("C", bound=type)

Int = int
Float = float
String = str
Bool = bool
Nothing = type(None)
List = list
Dict = dict
Set = set
Tuple = tuple  # type: ignore[type-arg]

if TYPE_CHECKING:
    from typing import Optional
else:

    class _OptionalOf:
        """`Optional[T]`: like typing.Optional, and also of a HeadwaterType."""

        def __getitem__(self, item: Any) -> Any:
            return NullableType(item) if isinstance(item, HeadwaterType) else typing.Optional[item]  # noqa: UP045

        def __repr__(self) -> str:
            return "Optional"

    Optional = _OptionalOf()


def check_headwater_type(dagster_type: Any, value: Any) -> TypeCheck:
    """Return whether `value` is of a type, which is a HeadwaterType or any annotation. For tests of one's types."""
    return resolve_type(dagster_type).type_check(value)


def make_python_type_usable_as_headwater_type(python_type: type, dagster_type: HeadwaterType) -> None:
    """Make `dagster_type` what the annotation `python_type` means, in everything declared from now on.

    Raises InvalidTypeDefinition if the class already stands for another HeadwaterType.
    """
    if not isinstance(python_type, type):
        raise InvalidTypeDefinition(
            what=f"{python_type!r} is not a class.",
            why="Only a class can be made to stand for a HeadwaterType.",
            fix="Give the class whose annotations should mean the type.",
        )
    register_type(python_type, dagster_type)


@overload
def usable_as_headwater_type(name: C) -> C: ...


@overload
def usable_as_headwater_type(
    name: str | None = None, description: str | None = None, loader: HeadwaterTypeLoader | None = None
) -> Callable[[C], C]: ...


def usable_as_headwater_type(
    name: Any = None, description: str | None = None, loader: HeadwaterTypeLoader | None = None
) -> Any:
    """Decorate a class so that it has a name, a description and a loader as a type of inputs and outputs.

    Works with and without arguments; the class itself is returned unchanged.
    """

    def decorate(cls: C, type_name: str | None = None) -> C:
        made = PythonObjectHeadwaterType(
            cls, name=type_name or cls.__name__, description=description or cls.__doc__, loader=loader
        )
        register_type(cls, made)
        return cls

    if isinstance(name, type):
        return decorate(name)
    return lambda cls: decorate(cls, name)


__all__ = [
    "ANY_TYPE",
    "MAX_CHECKED_ELEMENTS",
    "MISSING",
    "NOTHING_TYPE",
    "Any",
    "Bool",
    "Dict",
    "Float",
    "FunctionTypeLoader",
    "HeadwaterType",
    "HeadwaterTypeKind",
    "HeadwaterTypeLoader",
    "Int",
    "List",
    "Nothing",
    "Optional",
    "PythonObjectHeadwaterType",
    "Set",
    "String",
    "Tuple",
    "TypeCheck",
    "TypeCheckContext",
    "annotations_by_output",
    "check_headwater_type",
    "headwater_type_loader",
    "make_python_type_usable_as_headwater_type",
    "require_type",
    "resolve_type",
    "unwrap_return",
    "usable_as_headwater_type",
]
