"""HeadwaterType: what a value of an input or output must be, checked when a step gives or receives it.

A check answers with a TypeCheck and never changes the value. Types that come from plain annotations are made in
`annotations.py`; this module holds what an author may make by hand.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from types import FunctionType, MappingProxyType, MethodType
from typing import Any, Final, Literal

from headwater.model.errors.types import (
    InvalidTypeCheckAnswer,
    InvalidTypeDefinition,
    TypeCheckDidNotPass,
)

_NOTHING_SAID: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TypeCheck:
    """The answer of a type's check: whether the value is fine, and if not, why.

    `where` is the place inside the value that is wrong, such as "[2]"; `expected` and `actual` name the types at that
    place. They are filled in by the checks of annotations and may stay empty in one's own.
    """

    success: bool
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
    where: str = field(default="", kw_only=True)
    expected: str = field(default="", kw_only=True)
    actual: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if self.metadata is None:
            object.__setattr__(self, "metadata", _NOTHING_SAID)
        elif self.metadata:
            object.__setattr__(self, "metadata", _normalized(self.metadata))


def _normalized(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    from headwater.model.metadata import normalize_metadata

    return normalize_metadata(metadata)


PASSED: Final = TypeCheck(True)


class HeadwaterTypeKind(enum.Enum):
    """The shapes that a type can have."""

    ANY = "ANY"
    SCALAR = "SCALAR"
    LIST = "LIST"
    NOTHING = "NOTHING"
    NULLABLE = "NULLABLE"
    REGULAR = "REGULAR"


class TypeCheckContext:
    """What a type's check may ask about the step that it is called for. Outside a run there is only a log."""

    __slots__ = ("_log", "resources", "run_id")

    def __init__(self, run_id: str = "", log: Any = None, resources: Any = None) -> None:
        self.run_id = run_id
        self.resources = resources
        self._log = log

    @property
    def log(self) -> Any:
        if self._log is None:
            from headwater.authoring.log import Log

            self._log = Log()
        return self._log


class HeadwaterType:
    """What a value of an input or an output must be.

    `type_check_fn` is called with (context, value), or with (value) if it takes one argument, and returns a bool or a
    TypeCheck. `loader` makes a value from configuration for an input that nothing is connected to. `typing_type` is the
    Python type that stands for this one where a value is loaded. Raises InvalidTypeDefinition without a key or name.
    """

    # Values of exactly these classes always pass; lets a container be checked by the set of its elements' classes.
    exact_classes: frozenset[type] = frozenset()

    def __init__(
        self,
        type_check_fn: Callable[..., TypeCheck | bool],
        key: str | None = None,
        name: str | None = None,
        is_builtin: bool = False,
        description: str | None = None,
        loader: HeadwaterTypeLoader | None = None,
        required_resource_keys: Set[str] | None = None,
        kind: HeadwaterTypeKind = HeadwaterTypeKind.REGULAR,
        typing_type: Any = typing.Any,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if not (key or name):
            raise InvalidTypeDefinition(
                what="A HeadwaterType was made without a name.",
                why="Messages and pages could not say which type is meant.",
                fix='Write HeadwaterType(name="PositiveInt", ...).',
            )
        if not callable(type_check_fn):
            raise InvalidTypeDefinition(
                what=f'The check of the type "{name or key}" is {type_check_fn!r}, which cannot be called.',
                why="No value could be checked.",
                fix="Write type_check_fn=lambda context, value: ... with a bool or a TypeCheck as its result.",
            )
        if loader is not None and not isinstance(loader, HeadwaterTypeLoader):
            raise InvalidTypeDefinition(
                what=f'The loader of the type "{name or key}" is {loader!r}.',
                why="It must say which configuration it takes.",
                fix="Decorate the function with @headwater_type_loader(config_schema=...).",
            )
        self.key = str(key or name)
        self.given_name = name
        self.is_builtin = is_builtin
        self.description = description
        self.loader = loader
        self.kind = kind
        self.typing_type = typing_type
        self.metadata: Mapping[str, Any] = _normalized(metadata) if metadata else {}
        self.type_check_fn = type_check_fn
        self._required_resource_keys = frozenset(required_resource_keys or ())
        self._takes_context = _takes_context(type_check_fn, str(name or key))

    @property
    def display_name(self) -> str:
        return self.given_name or self.key

    @property
    def unique_name(self) -> str:
        return self.display_name

    @property
    def has_unique_name(self) -> bool:
        """Whether it was given a name, rather than a key alone."""
        return self.given_name is not None

    @property
    def spelling(self) -> str:
        """The type as its author wrote it: "list[int]" for an annotation, otherwise its name."""
        return self.display_name

    @property
    def is_annotation(self) -> bool:
        """Whether this came from a plain annotation."""
        return False

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """The resources that the check and the loader need."""
        if self.loader is None:
            return self._required_resource_keys
        return self._required_resource_keys | frozenset(self.loader.required_resource_keys())

    @property
    def check_resource_keys(self) -> frozenset[str]:
        """The resources that the check needs: `context.resources` has them."""
        return self._required_resource_keys

    @property
    def is_any(self) -> bool:
        return self.kind is HeadwaterTypeKind.ANY

    @property
    def is_nothing(self) -> bool:
        return self.kind is HeadwaterTypeKind.NOTHING

    @property
    def supports_fan_in(self) -> bool:
        """Whether several outputs may be connected to one input of this type."""
        return self.is_any or self.is_nothing or self.kind is HeadwaterTypeKind.LIST

    @property
    def inner_types(self) -> tuple[HeadwaterType, ...]:
        return ()

    @property
    def type_param_keys(self) -> tuple[str, ...]:
        return tuple(inner.key for inner in self.inner_types)

    def inner_type_for_fan_in(self) -> HeadwaterType:
        """The type of each of the outputs that are connected to one input of this type."""
        if self.kind is HeadwaterTypeKind.LIST and self.inner_types:
            return self.inner_types[0]
        return self

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        """Return whether a value is of this type. Called as type_check(value) or type_check(context, value).

        An error that the author's check raises is passed on, with a note of the type. Raises InvalidTypeCheckAnswer if
        it returns neither a bool nor a TypeCheck.
        """
        if not arguments and set(value_by_name) == {"value"}:
            arguments = (value_by_name.pop("value"),)
        if len(arguments) == 2:
            context = arguments[0]
        if len(arguments) not in (1, 2) or value_by_name:
            count = len(arguments) + len(value_by_name)
            raise TypeError(f"type_check takes (value) or (context, value), and got {count} arguments")
        value = arguments[-1]
        try:
            if self._takes_context:
                answer = self.type_check_fn(TypeCheckContext() if context is None else context, value)
            else:
                answer = self.type_check_fn(value)
        except Exception as error:
            error.add_note(f'Raised by the check of the type "{self.display_name}".')
            raise
        if isinstance(answer, TypeCheck):
            return answer
        if isinstance(answer, bool) or type(answer).__name__ in ("bool_", "bool"):
            return PASSED if answer else TypeCheck(False, expected=self.spelling, actual=type_name_of(value))
        raise InvalidTypeCheckAnswer(self.display_name, type_name_of(answer))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.spelling}>"


class PythonObjectHeadwaterType(HeadwaterType):
    """The instances of a Python class, or of any of a tuple of classes.

    A class whose metaclass refuses isinstance is not checked.
    """

    def __init__(
        self,
        python_type: type | tuple[type, ...],
        key: str | None = None,
        name: str | None = None,
        **settings: Any,
    ) -> None:
        classes = python_type if isinstance(python_type, tuple) else (python_type,)
        for each in classes:
            if not isinstance(each, type):
                raise InvalidTypeDefinition(
                    what=f"PythonObjectHeadwaterType was made of {each!r}, which is not a class.",
                    why="Only instances of classes can be told apart.",
                    fix="Give a class or a tuple of classes, or write a HeadwaterType with a check of its own.",
                )
        names = " | ".join(each.__name__ for each in classes)
        settings.setdefault("typing_type", python_type if isinstance(python_type, type) else typing.Union[classes])  # noqa: UP007
        self.python_type = python_type
        super().__init__(self._is_instance, key=key, name=name or (None if key else names), **settings)
        self.exact_classes = frozenset(classes)

    def _is_instance(self, value: Any) -> TypeCheck:
        return check_instance(value, self.python_type, self.spelling)


class HeadwaterTypeLoader:
    """How a value of a type is made from configuration. Subclass it, or use @headwater_type_loader."""

    @property
    def schema_type(self) -> Any:
        """What the configuration must look like, in any form that `config_schema` takes."""
        return None

    def required_resource_keys(self) -> Set[str]:
        return frozenset()

    def construct_from_config_value(self, context: Any, config_value: Any) -> Any:
        """Return the value that this configuration stands for."""
        raise NotImplementedError(f"{type(self).__name__} does not define construct_from_config_value")


class FunctionTypeLoader(HeadwaterTypeLoader):
    """A loader made of a function of (context, config)."""

    def __init__(
        self, function: Callable[[Any, Any], Any], config_schema: Any, required_resource_keys: Set[str] | None = None
    ) -> None:
        self.function = function
        self._config_schema = config_schema
        self._required_resource_keys = frozenset(required_resource_keys or ())

    @property
    def schema_type(self) -> Any:
        return self._config_schema

    def required_resource_keys(self) -> Set[str]:
        return self._required_resource_keys

    def construct_from_config_value(self, context: Any, config_value: Any) -> Any:
        return self.function(context, config_value)


def headwater_type_loader(
    config_schema: Any, required_resource_keys: Set[str] | None = None
) -> Callable[[Callable[[Any, Any], Any]], FunctionTypeLoader]:
    """Return a decorator that makes a function of (context, config) into the loader of a type."""

    def decorate(function: Callable[[Any, Any], Any]) -> FunctionTypeLoader:
        return FunctionTypeLoader(function, config_schema, required_resource_keys)

    return decorate


def require_type(
    declared: HeadwaterType,
    value: Any,
    *,
    owner: str,
    direction: Literal["output", "input"],
    name: str,
    context: Any = None,
) -> TypeCheck:
    """Return the check of `value`, which passed. Raises TypeCheckDidNotPass otherwise.

    `owner` is in words, such as 'asset "orders"'; `name` is that of the output or input.
    """
    check = declared.type_check(value, context=context)
    if check.success:
        return check
    raise TypeCheckDidNotPass(
        owner,
        direction,
        name,
        declared.spelling if check.where or not check.expected else check.expected,
        check.actual or type_name_of(value),
        where=check.where,
        expected_there=check.expected,
        description=check.description,
        metadata=check.metadata,
        is_annotation=declared.is_annotation,
    )


def check_instance(value: Any, classes: type | tuple[type, ...], spelling: str) -> TypeCheck:
    """Return whether `value` is an instance. Two classes of one name are told apart by their packages."""
    try:
        if isinstance(value, classes):
            return PASSED
    except TypeError:
        return PASSED
    actual = type_name_of(value)
    if actual == spelling and isinstance(classes, type):
        actual, spelling = _with_package(type(value)), _with_package(classes)
    return TypeCheck(
        False, f"The value is of the type {actual}, and should be {spelling}.", expected=spelling, actual=actual
    )


def type_name_of(value: Any) -> str:
    """Return the name of the value's class as a message says it."""
    return "None" if value is None else type(value).__name__


def _with_package(cls: type) -> str:
    return f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"


def _takes_context(function: Callable[..., Any], type_name: str) -> bool:
    """Return whether a check is called with (context, value) rather than (value)."""
    bound = isinstance(function, MethodType)
    plain = function.__func__ if isinstance(function, MethodType) else function
    if isinstance(plain, FunctionType):
        code = plain.__code__
        has_varargs = bool(code.co_flags & 0x04)
        count = code.co_argcount - bound
        required = count - len(plain.__defaults__ or ())
        if count >= 2 and required <= 2:
            return True
        if count == 1 or (required <= 1 and has_varargs):
            return has_varargs
        if has_varargs and required <= 2:
            return True
        raise InvalidTypeDefinition(
            what=f'The check of the type "{type_name}" takes {count} arguments.',
            why="It is called with (context, value), or with (value).",
            fix="Write type_check_fn=lambda context, value: ...",
        )
    if isinstance(function, type):
        return False
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    return len(positional) >= 2 or any(p.kind is p.VAR_POSITIONAL for p in positional)
