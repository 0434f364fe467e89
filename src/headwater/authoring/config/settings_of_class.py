"""Which annotations stand for a resource rather than a setting, told without importing pydantic."""

from __future__ import annotations

import typing
from typing import Any, Final

RESOURCE_MARK: Final = "headwater.resource"


def is_resource_class(thing: object) -> bool:
    """Return whether `thing` is a class whose instances are given as resources: ConfigurableResource and the like."""
    origin = typing.get_origin(thing) or thing
    return isinstance(origin, type) and getattr(origin, "__headwater_resource__", False) is True


def is_resource_annotation(annotation: Any) -> bool:
    """Return whether a parameter or field with this annotation receives a resource.

    True for ResourceParam[T], ResourceDependency[T], classes such as ConfigurableResource, and Optional of any of them.
    """
    if is_resource_class(annotation):
        return True
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return RESOURCE_MARK in arguments[1:] or is_resource_annotation(arguments[0])
    if type(None) in arguments and len(arguments) == 2:
        return any(is_resource_annotation(argument) for argument in arguments)
    return False
