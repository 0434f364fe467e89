"""The annotations that ask for a resource, without pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar, overload

from headwater.authoring.config.settings_of_class import RESOURCE_MARK

T = TypeVar("T")

ResourceParam = Annotated[T, RESOURCE_MARK]
"""A parameter annotated `ResourceParam[T]` receives the resource of its name, which is a T."""


class ResourceDependency(Generic[T]):
    """A field of a resource class annotated so is given a resource, and reads as the T that it makes."""

    __headwater_resource__: ClassVar[bool] = True

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type[Any]) -> ResourceDependency[T]: ...
        @overload
        def __get__(self, instance: object, owner: type[Any]) -> T: ...
        def __get__(self, instance: object, owner: type[Any]) -> Any: ...
        def __set__(self, instance: object, value: Any) -> None: ...

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.any_schema()
