"""Which annotations stand for a resource rather than a setting, told without importing pydantic."""

from __future__ import annotations

import types
import typing
from typing import Any, Final

RESOURCE_MARK: Final = "headwater.resource"


def is_resource_class(thing: object) -> bool:
    """Return whether `thing` is a class whose instances are given as resources: ConfigurableResource and the like."""
    origin = typing.get_origin(thing) or thing
    return isinstance(origin, type) and getattr(origin, "__headwater_resource__", False) is True


def is_resource_annotation(annotation: Any) -> bool:
    """Return whether a parameter or field with this annotation receives a resource.

    True for ResourceParam[T], ResourceDependency[T], classes such as ConfigurableResource, and unions of any of them
    with each other or None.
    """
    if is_resource_class(annotation):
        return True
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return RESOURCE_MARK in arguments[1:] or is_resource_annotation(arguments[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        present = [argument for argument in arguments if argument is not type(None)]
        return all(is_resource_annotation(argument) for argument in present)
    return False
