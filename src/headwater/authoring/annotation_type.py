"""The types that annotations become: one class for each shape, each with its check.

A failed check of a container says where inside it the wrong value is. No library is ever imported for a check.
"""

from __future__ import annotations

import collections.abc
import sys
import typing
from itertools import islice
from typing import Any, Final

from headwater.authoring.runtime_type import (
    PASSED,
    HeadwaterType,
    HeadwaterTypeKind,
    TypeCheck,
    check_instance,
    type_name_of,
)

# Elements of one container that are looked at; a longer one is trusted after its first 10,000.
MAX_CHECKED_ELEMENTS: Final = 10_000
_NoneType = type(None)


class AnnotationType(HeadwaterType):
    """A type that was made of an annotation. `spelling` is the annotation as one would write it."""

    def __init__(
        self,
        spelling: str,
        display_name: str,
        annotation: Any,
        kind: HeadwaterTypeKind = HeadwaterTypeKind.REGULAR,
        inner: tuple[HeadwaterType, ...] = (),
        exact_classes: frozenset[type] = frozenset(),
    ) -> None:
        self._spelling = spelling
        self._inner = inner
        self.key = display_name
        self.given_name = display_name
        self.is_builtin = kind is not HeadwaterTypeKind.REGULAR
        self.description = None
        self.loader = None
        self.kind = kind
        self.typing_type = annotation
        self.metadata = {}
        self.type_check_fn = self._examine
        self._required_resource_keys = frozenset()
        self._takes_context = False
        self.exact_classes = exact_classes

    @property
    def spelling(self) -> str:
        return self._spelling

    @property
    def is_annotation(self) -> bool:
        return True

    @property
    def inner_types(self) -> tuple[HeadwaterType, ...]:
        return self._inner

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        value = arguments[-1] if arguments else value_by_name["value"]
        if type(value) in self.exact_classes:
            return PASSED
        return self._examine(value)

    def _examine(self, value: Any) -> TypeCheck:
        raise NotImplementedError

    def _refused(self, value: Any) -> TypeCheck:
        actual = type_name_of(value)
        return TypeCheck(
            False,
            f"The value is of the type {actual}, and should be {self._spelling}.",
            expected=self._spelling,
            actual=actual,
        )


class AnyType(AnnotationType):
    """Every value passes."""

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        return PASSED

    def _examine(self, value: Any) -> TypeCheck:
        return PASSED


class NothingType(AnnotationType):
    """Only None passes: an output that is an order of events and no value."""

    def _examine(self, value: Any) -> TypeCheck:
        return PASSED if value is None else self._refused(value)


class ClassType(AnnotationType):
    """The instances of a class."""

    def __init__(self, cls: type, spelling: str, display_name: str, kind: HeadwaterTypeKind, annotation: Any) -> None:
        super().__init__(spelling, display_name, annotation, kind, exact_classes=frozenset((cls,)))
        self.cls = cls

    def _examine(self, value: Any) -> TypeCheck:
        return check_instance(value, self.cls, self._spelling)


class NumberType(AnnotationType):
    """A number, accepted where Python accepts it: an int where a float is declared, and numpy's scalars of the kind."""

    def __init__(self, cls: type, display_name: str, accepted: frozenset[type], numpy_classes: tuple[str, ...]) -> None:
        super().__init__(cls.__name__, display_name, cls, HeadwaterTypeKind.SCALAR, exact_classes=accepted)
        self._classes = tuple(accepted)
        self._numpy_classes = numpy_classes

    def _examine(self, value: Any) -> TypeCheck:
        if isinstance(value, self._classes):
            return PASSED
        # A numpy scalar can only exist where numpy was already imported.
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            for name in self._numpy_classes:
                numpy_class = getattr(numpy, name, None)
                if isinstance(numpy_class, type) and isinstance(value, numpy_class):
                    return PASSED
        return self._refused(value)


class LiteralType(AnnotationType):
    """One of a few values, of the same class as written (so True is not 1)."""

    def __init__(self, choices: tuple[Any, ...], spelling: str, annotation: Any) -> None:
        super().__init__(spelling, spelling, annotation)
        self.choices = choices

    def _examine(self, value: Any) -> TypeCheck:
        for choice in self.choices:
            if isinstance(value, type(choice)) and isinstance(value, bool) == isinstance(choice, bool):
                if value is choice or value == choice:
                    return PASSED
        shown = _shown(value)
        return TypeCheck(
            False,
            f"The value is {shown}, and should be one of {self._spelling}.",
            expected=self._spelling,
            actual=shown,
        )


class UnionType(AnnotationType):
    """Any of several types."""

    def __init__(self, members: tuple[HeadwaterType, ...], annotation: Any) -> None:
        values = [member for member in members if not member.is_nothing]
        spelling = " | ".join(member.spelling for member in members)
        is_nullable = len(values) == 1 and len(members) == 2
        super().__init__(
            spelling,
            f"{values[0].display_name}?" if is_nullable else spelling,
            annotation,
            HeadwaterTypeKind.NULLABLE if is_nullable else HeadwaterTypeKind.REGULAR,
            tuple(values) if is_nullable else members,
            frozenset().union(*(member.exact_classes for member in members)),
        )
        self.members = members

    @property
    def required_resource_keys(self) -> frozenset[str]:
        return frozenset().union(*(member.required_resource_keys for member in self.members))

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        value = arguments[-1] if arguments else value_by_name["value"]
        if type(value) in self.exact_classes:
            return PASSED
        deeper: TypeCheck | None = None
        for member in self.members:
            check = member.type_check(value, context=context)
            if check.success:
                return check
            if check.where and deeper is None:
                deeper = check
        return deeper or self._refused(value)

    def _examine(self, value: Any) -> TypeCheck:
        return self.type_check(value)


class NullableType(UnionType):
    """None, or a value of a type."""

    def __init__(self, inner: HeadwaterType) -> None:
        super().__init__((inner, NOTHING_TYPE), typing.Any)

    @property
    def is_annotation(self) -> bool:
        return False


class ElementsType(AnnotationType):
    """A collection whose elements are all of one type. `places` names an element's place by its position."""

    def __init__(self, cls: type, element: HeadwaterType, spelling: str, display_name: str, annotation: Any) -> None:
        is_list = cls is list
        super().__init__(
            spelling,
            display_name,
            annotation,
            HeadwaterTypeKind.LIST if is_list else HeadwaterTypeKind.REGULAR,
            (element,),
        )
        self.cls = cls
        self.element = element
        self._is_ordered = issubclass(cls, collections.abc.Sequence)
        # An iterator or a generator would be used up by looking at it.
        self._is_examined = not element.is_any and issubclass(cls, collections.abc.Collection)

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        value = arguments[-1] if arguments else value_by_name["value"]
        outer = check_instance(value, self.cls, self._spelling)
        if not outer.success or not self._is_examined or isinstance(value, str | bytes):
            return outer
        if self.element.exact_classes.issuperset(map(type, islice(value, MAX_CHECKED_ELEMENTS))):
            return PASSED
        is_ordered = self._is_ordered or isinstance(value, collections.abc.Sequence)
        for position, element in enumerate(islice(value, MAX_CHECKED_ELEMENTS)):
            check = self.element.type_check(element, context=context)
            if not check.success:
                place = f"[{position}]" if is_ordered else f"element {_shown(element)}"
                return _inside(place, check, self.element, element)
        return PASSED

    def _examine(self, value: Any) -> TypeCheck:
        return self.type_check(value)


class FixedTupleType(AnnotationType):
    """A tuple of a fixed length, with a type for each place."""

    def __init__(self, elements: tuple[HeadwaterType, ...], spelling: str, display_name: str, annotation: Any) -> None:
        super().__init__(spelling, display_name, annotation, inner=elements)
        self.elements = elements

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        value = arguments[-1] if arguments else value_by_name["value"]
        if not isinstance(value, tuple):
            return self._refused(value)
        if len(value) != len(self.elements):
            actual = f"tuple of {len(value)}"
            return TypeCheck(
                False,
                f"The value is a {actual}, and should be {self._spelling}.",
                expected=self._spelling,
                actual=actual,
            )
        for position, (declared, element) in enumerate(zip(self.elements, value, strict=True)):
            check = declared.type_check(element, context=context)
            if not check.success:
                return _inside(f"[{position}]", check, declared, element)
        return PASSED

    def _examine(self, value: Any) -> TypeCheck:
        return self.type_check(value)


class MappingType(AnnotationType):
    """A mapping with a type for its keys and one for its values."""

    def __init__(
        self, cls: type, key: HeadwaterType, value: HeadwaterType, spelling: str, display_name: str, annotation: Any
    ) -> None:
        super().__init__(spelling, display_name, annotation, inner=(key, value))
        self.cls = cls
        self.key_type = key
        self.value_type = value

    def type_check(self, *arguments: Any, context: Any = None, **value_by_name: Any) -> TypeCheck:
        value = arguments[-1] if arguments else value_by_name["value"]
        outer = check_instance(value, self.cls, self._spelling)
        if not outer.success:
            return outer
        keys, values = self.key_type, self.value_type
        if not keys.is_any and not keys.exact_classes.issuperset(map(type, islice(value, MAX_CHECKED_ELEMENTS))):
            for each in islice(value, MAX_CHECKED_ELEMENTS):
                check = keys.type_check(each, context=context)
                if not check.success:
                    return _inside(f"the key {_shown(each)}", check, keys, each)
        if values.is_any or values.exact_classes.issuperset(
            map(type, islice(value.values(), MAX_CHECKED_ELEMENTS)),
        ):
            return PASSED
        for each, held in islice(value.items(), MAX_CHECKED_ELEMENTS):
            check = values.type_check(held, context=context)
            if not check.success:
                return _inside(f"[{_shown(each)}]", check, values, held)
        return PASSED

    def _examine(self, value: Any) -> TypeCheck:
        return self.type_check(value)


class SubclassType(AnnotationType):
    """A class that is a given class or derives from it, as in type[Model]."""

    def __init__(self, cls: type, spelling: str, annotation: Any) -> None:
        super().__init__(spelling, spelling, annotation)
        self.cls = cls

    def _examine(self, value: Any) -> TypeCheck:
        return PASSED if isinstance(value, type) and issubclass(value, self.cls) else self._refused(value)


class CallableType(AnnotationType):
    """Anything that can be called; its signature is not looked at."""

    def _examine(self, value: Any) -> TypeCheck:
        return PASSED if callable(value) else self._refused(value)


def _inside(place: str, check: TypeCheck, declared: HeadwaterType, value: Any) -> TypeCheck:
    """Return the failed check of an element as that of its container, with the place where it is."""
    joint = "" if not check.where or check.where.startswith("[") else ", "
    where = place + joint + check.where
    expected = check.expected or declared.spelling
    actual = check.actual or type_name_of(value)
    reason = f" {check.description}" if check.description and not declared.is_annotation else ""
    return TypeCheck(
        False,
        f"The value at {where} is of the type {actual}, and should be {expected}.{reason}",
        check.metadata,
        where=where,
        expected=expected,
        actual=actual,
    )


def _shown(value: Any) -> str:
    import reprlib

    try:
        return reprlib.repr(value)
    except Exception:
        return type_name_of(value)


ANY_TYPE: Final = AnyType("Any", "Any", typing.Any, HeadwaterTypeKind.ANY)
NOTHING_TYPE: Final = NothingType(
    "None", "Nothing", _NoneType, HeadwaterTypeKind.NOTHING, exact_classes=frozenset((_NoneType,))
)
INT_TYPE: Final = NumberType(int, "Int", frozenset((int, bool)), ("integer",))
FLOAT_TYPE: Final = NumberType(float, "Float", frozenset((float, int, bool)), ("floating", "integer"))
COMPLEX_TYPE: Final = NumberType(complex, "complex", frozenset((complex, float, int, bool)), ("number",))
BOOL_TYPE: Final = NumberType(bool, "Bool", frozenset((bool,)), ("bool_",))
STRING_TYPE: Final = ClassType(str, "str", "String", HeadwaterTypeKind.SCALAR, str)
