"""From any Python annotation to the HeadwaterType that checks it.

What an annotation cannot promise at run time (protocols, type variables, unknown forms) passes every value. Containers
are checked element by element up to MAX_CHECKED_ELEMENTS; of longer ones the first that many are. No library is ever
imported for a check.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Iterable
from typing import Any, Final

from headwater.authoring.annotation_type import (
    ANY_TYPE,
    BOOL_TYPE,
    COMPLEX_TYPE,
    FLOAT_TYPE,
    INT_TYPE,
    MAX_CHECKED_ELEMENTS,
    NOTHING_TYPE,
    STRING_TYPE,
    CallableType,
    ClassType,
    ElementsType,
    FixedTupleType,
    LiteralType,
    MappingType,
    NullableType,
    SubclassType,
    UnionType,
)
from headwater.authoring.runtime_type import HeadwaterType, HeadwaterTypeKind
from headwater.model.errors.types import InvalidTypeDefinition

_MAX_CACHED: Final = 20_000
_NoneType = type(None)


class _Missing:
    """Stands for an annotation that was not written."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


_resolved: dict[Any, HeadwaterType] = {}
_registered: dict[type, HeadwaterType] = {}


def _well_known() -> dict[Any, HeadwaterType]:
    return {
        MISSING: ANY_TYPE,
        None: NOTHING_TYPE,
        _NoneType: NOTHING_TYPE,
        typing.Any: ANY_TYPE,
        object: ANY_TYPE,
        int: INT_TYPE,
        float: FLOAT_TYPE,
        complex: COMPLEX_TYPE,
        bool: BOOL_TYPE,
        str: STRING_TYPE,
    }


_resolved.update(_well_known())


def resolve_type(annotation: Any = MISSING) -> HeadwaterType:
    """Return the type that an annotation stands for; the same object each time for the same annotation.

    A HeadwaterType stands for itself. None, type(None) and Nothing are the Nothing type. What is missing, is a string
    that was never resolved, or cannot be checked, is the Any type, which passes everything.
    """
    try:
        found = _resolved.get(annotation)
    except TypeError:
        return annotation if isinstance(annotation, HeadwaterType) else _build(annotation)
    if found is not None:
        return found
    if isinstance(annotation, HeadwaterType):
        return annotation
    built = _build(annotation)
    if len(_resolved) >= _MAX_CACHED:
        _forget_resolved()
    _resolved[annotation] = built
    return built


def register_type(python_type: type, headwater_type: HeadwaterType) -> None:
    """Make a class stand for `headwater_type` wherever it is an annotation. Once for each class."""
    if not isinstance(headwater_type, HeadwaterType):
        raise InvalidTypeDefinition(
            what=f"{python_type.__name__} was to stand for {headwater_type!r}, which is not a HeadwaterType.",
            why="It has no check.",
            fix='Give a HeadwaterType, such as PythonObjectHeadwaterType(MyClass, name="MyClass").',
        )
    known = _registered.get(python_type)
    if known is not None and known is not headwater_type:
        raise InvalidTypeDefinition(
            what=f"{python_type.__name__} stands for the type {known.display_name} already.",
            why=f"Annotations with it would change their meaning to {headwater_type.display_name}.",
            fix="Use the HeadwaterType itself as the annotation or type of the one output that differs.",
        )
    _registered[python_type] = headwater_type
    _forget_resolved()


def _forget_resolved() -> None:
    _resolved.clear()
    _resolved.update(_well_known())
    _resolved.update(_registered)


def _build(annotation: Any) -> HeadwaterType:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return _of_class(annotation)
    origin = typing.get_origin(annotation)
    if origin is None:
        return _of_special_form(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return _of_union(annotation, arguments)
    if origin is typing.Literal:
        return LiteralType(arguments, f"Literal[{', '.join(map(repr, arguments))}]", annotation)
    if origin is typing.Annotated or getattr(origin, "_name", None) in _WRAPPERS:
        return resolve_type(arguments[0])
    if isinstance(origin, type):
        return _of_generic(annotation, origin, arguments)
    value = getattr(origin, "__value__", None)
    return resolve_type(value) if value is not None else ANY_TYPE


_WRAPPERS: Final = frozenset({"Final", "ClassVar", "Required", "NotRequired", "ReadOnly"})
_OPEN_NAMES: Final[dict[type, str]] = {list: "[Any]", dict: "dict", set: "set", tuple: "tuple"}


def _of_class(cls: type) -> HeadwaterType:
    if cls.__module__ == "inspect" and cls.__name__ == "_empty":
        return ANY_TYPE
    if getattr(cls, "_is_protocol", False):
        return ANY_TYPE
    if typing.is_typeddict(cls):
        return ClassType(dict, cls.__name__, cls.__name__, HeadwaterTypeKind.REGULAR, cls)
    if cls is list:
        return ElementsType(list, ANY_TYPE, "list", "[Any]", list)
    return ClassType(cls, cls.__name__, _OPEN_NAMES.get(cls, cls.__name__), HeadwaterTypeKind.REGULAR, cls)


def _of_special_form(form: Any) -> HeadwaterType:
    supertype = getattr(form, "__supertype__", None)
    if supertype is not None:
        return resolve_type(supertype)
    if isinstance(form, typing.TypeVar):
        if form.__constraints__:
            return _of_union(form, form.__constraints__)
        bound = form.__bound__
        return ANY_TYPE if bound is None else resolve_type(bound)
    if type(form).__name__ == "TypeAliasType":
        return resolve_type(form.__value__)
    if getattr(form, "_name", None) == "LiteralString":
        return STRING_TYPE
    return ANY_TYPE


def _of_union(annotation: Any, arguments: Iterable[Any]) -> HeadwaterType:
    members = tuple(dict.fromkeys(resolve_type(each) for each in arguments))
    if any(member.is_any for member in members):
        return ANY_TYPE
    return members[0] if len(members) == 1 else UnionType(members, annotation)


def _of_generic(annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> HeadwaterType:
    if origin is collections.abc.Callable:
        return CallableType("Callable", "Callable", annotation)
    if origin is type:
        wanted = arguments[0]
        is_checkable = isinstance(wanted, type) and not isinstance(wanted, types.GenericAlias)
        return SubclassType(wanted, f"type[{wanted.__name__}]", annotation) if is_checkable else resolve_type(type)
    if origin is tuple:
        return _of_tuple(annotation, arguments)
    if not arguments:
        # typing.List and its kind, without brackets.
        return resolve_type(origin)
    if issubclass(origin, collections.abc.Mapping) and origin.__module__ in _STANDARD_MODULES:
        key, value = (resolve_type(each) for each in (arguments if len(arguments) == 2 else (arguments[0], int)))
        name = _generic_name(annotation, origin)
        spelling = f"{name}[{', '.join(resolve_type(each).spelling for each in arguments)}]"
        display = f"Dict[{key.display_name},{value.display_name}]" if origin is dict else spelling
        return MappingType(origin, key, value, spelling, display, annotation)
    if len(arguments) == 1 and origin.__module__ in _STANDARD_MODULES and issubclass(origin, collections.abc.Iterable):
        element = resolve_type(arguments[0])
        spelling = f"{_generic_name(annotation, origin)}[{element.spelling}]"
        display = {list: f"[{element.display_name}]", set: f"Set[{element.display_name}]"}.get(origin, spelling)
        return ElementsType(origin, element, spelling, display, annotation)
    if origin.__module__.partition(".")[0] == "pandera":
        # pandera.typing.DataFrame[Schema] stands for a plain data frame that fits the schema.
        return ANY_TYPE
    return resolve_type(origin)


_STANDARD_MODULES: Final = frozenset({"builtins", "collections", "collections.abc", "typing", "types"})


def _of_tuple(annotation: Any, arguments: tuple[Any, ...]) -> HeadwaterType:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        element = resolve_type(arguments[0])
        return ElementsType(
            tuple, element, f"tuple[{element.spelling}, ...]", f"Tuple[{element.display_name},...]", annotation
        )
    if not arguments and not isinstance(annotation, types.GenericAlias):
        # typing.Tuple without brackets; tuple[()] is the empty one.
        return resolve_type(tuple)
    if any(typing.get_origin(each) is typing.Unpack or isinstance(each, typing.TypeVarTuple) for each in arguments):
        return resolve_type(tuple)
    elements = tuple(resolve_type(each) for each in arguments)
    spelling = f"tuple[{', '.join(each.spelling for each in elements) or '()'}]"
    return FixedTupleType(elements, spelling, f"Tuple[{','.join(each.display_name for each in elements)}]", annotation)


def _generic_name(annotation: Any, origin: type) -> str:
    return str(getattr(annotation, "_name", None) or origin.__name__)


# ------------------------------------------------------------------------------------------ what a function gives

# Classes of headwater.model.results and their like, told by name so that reading an annotation imports nothing.
_WITH_A_VALUE: Final = frozenset({"Output", "DynamicOutput", "MaterializeResult"})
_WITHOUT_A_VALUE: Final = frozenset(
    {
        "AssetCheckEvaluation",
        "AssetCheckResult",
        "AssetMaterialization",
        "AssetObservation",
        "DataVersion",
        "ExpectationResult",
        "ObserveResult",
        "Skip",
        "Unchanged",
    }
)
_STREAMS: Final = frozenset(
    {
        collections.abc.Generator,
        collections.abc.Iterator,
        collections.abc.Iterable,
        collections.abc.AsyncGenerator,
        collections.abc.AsyncIterator,
        collections.abc.AsyncIterable,
        collections.abc.Coroutine,
        collections.abc.Awaitable,
    }
)
_LISTS: Final = frozenset({list, collections.abc.Sequence, collections.abc.Collection})


def unwrap_return(annotation: Any = MISSING, *, is_generator: bool = False) -> Any:
    """Return the annotation of the value that a function gives, whatever result objects wrap it.

    `Output[T]`, `DynamicOutput[T]` and `MaterializeResult[T]`, and generators, iterators, awaitables and lists of them,
    become T. A tuple of them becomes a Python tuple with one annotation for each output. Without [T], and for results
    that carry no value, it is MISSING. What wraps nothing is returned as it is, save that what a generator function
    yields plainly is MISSING, as only results can be yielded.
    """
    unwrapped = _unwrapped(annotation)
    if unwrapped is not _PLAIN:
        return unwrapped
    return MISSING if is_generator else annotation


def annotations_by_output(annotation: Any, output_count: int, *, is_generator: bool = False) -> tuple[Any, ...]:
    """Return one annotation for each of a function's outputs, in order; MISSING where nothing is known."""
    unwrapped = unwrap_return(annotation, is_generator=is_generator)
    if output_count == 1 and not isinstance(unwrapped, tuple):
        return (unwrapped,)
    if not isinstance(unwrapped, tuple) and typing.get_origin(unwrapped) is tuple:
        unwrapped = typing.get_args(unwrapped)
    if isinstance(unwrapped, tuple) and len(unwrapped) == output_count and Ellipsis not in unwrapped:
        return unwrapped
    return (MISSING,) * output_count


_PLAIN: Final = object()


def _unwrapped(annotation: Any) -> Any:
    """Return what is left when the result classes are taken off, or _PLAIN when there are none."""
    name = _result_name(annotation)
    if name in _WITHOUT_A_VALUE:
        return MISSING
    if name in _WITH_A_VALUE:
        arguments = typing.get_args(annotation)
        return arguments[0] if arguments and not isinstance(arguments[0], typing.TypeVar) else MISSING
    origin = typing.get_origin(annotation)
    if origin is None:
        return _PLAIN
    arguments = typing.get_args(annotation)
    if not arguments:
        return _PLAIN
    if origin in _STREAMS:
        return _unwrapped(arguments[-1] if origin is collections.abc.Coroutine else arguments[0])
    if origin in _LISTS:
        return _unwrapped(arguments[0])
    if origin is tuple:
        return _unwrapped_tuple(arguments)
    if origin is typing.Union or origin is types.UnionType:
        return _unwrapped_union(arguments)
    if origin is typing.Annotated:
        return _unwrapped(arguments[0])
    return _PLAIN


def _unwrapped_tuple(arguments: tuple[Any, ...]) -> Any:
    places = [_unwrapped(each) for each in arguments if each is not Ellipsis]
    if all(each is _PLAIN for each in places):
        return _PLAIN
    if Ellipsis in arguments:
        return places[0]
    return tuple(plain if each is _PLAIN else each for plain, each in zip(arguments, places, strict=True))


def _unwrapped_union(arguments: tuple[Any, ...]) -> Any:
    members = [_unwrapped(each) for each in arguments]
    if all(each is _PLAIN for each in members):
        return _PLAIN
    values: list[Any] = []
    for plain, each in zip(arguments, members, strict=True):
        if _result_name(plain) in _WITHOUT_A_VALUE:
            continue
        if each is MISSING or isinstance(each, tuple):
            return MISSING
        values.append(plain if each is _PLAIN else each)
    return _union_of(values) if values else MISSING


def _union_of(annotations: list[Any]) -> Any:
    if any(isinstance(each, HeadwaterType) for each in annotations):
        return annotations[0] if len(set(annotations)) == 1 else MISSING
    return typing.Union[tuple(annotations)]  # noqa: UP007


def _result_name(annotation: Any) -> str:
    """Return the name of the result class that an annotation is or is made of, or an empty string."""
    cls = annotation if isinstance(annotation, type) else typing.get_origin(annotation)
    if isinstance(cls, type):
        # A subclass of a result is as good as the result itself.
        for each in cls.__mro__:
            if each.__module__.startswith("headwater."):
                if each.__name__ in _WITH_A_VALUE or each.__name__ in _WITHOUT_A_VALUE:
                    return each.__name__
    return ""


__all__ = [
    "ANY_TYPE",
    "MAX_CHECKED_ELEMENTS",
    "MISSING",
    "NOTHING_TYPE",
    "NullableType",
    "annotations_by_output",
    "register_type",
    "resolve_type",
    "unwrap_return",
]
