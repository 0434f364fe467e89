"""What run-time types accept, and what they say of a value that they refuse."""

from __future__ import annotations

import collections
import collections.abc
import enum
import subprocess
import sys
import types
import typing
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, NewType, Protocol, TypedDict, TypeVar

import pytest
from hypothesis import given, strategies as st

import headwater.authoring.types as hw
from headwater.authoring.types import (
    MISSING,
    HeadwaterType,
    PythonObjectHeadwaterType,
    TypeCheck,
    annotations_by_output,
    check_headwater_type,
    headwater_type_loader,
    make_python_type_usable_as_headwater_type,
    require_type,
    resolve_type,
    unwrap_return,
    usable_as_headwater_type,
)
from headwater.model.errors.types import InvalidTypeCheckAnswer, InvalidTypeDefinition, TypeCheckDidNotPass
from headwater.model.metadata import IntMetadataValue

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"


class Row(TypedDict):
    id: int


class HasName(Protocol):
    name: str


class Box(Generic[T]):
    pass


class Plain:
    pass


UserId = NewType("UserId", int)


def passes(annotation: Any, value: Any) -> bool:
    return check_headwater_type(annotation, value).success


def message_of(annotation: Any, value: Any, direction: Any = "output") -> str:
    with pytest.raises(TypeCheckDidNotPass) as caught:
        require_type(resolve_type(annotation), value, owner='asset "orders"', direction=direction, name="result")
    return str(caught.value)


ACCEPTED = [
    (int, 1),
    (int, True),
    (float, 1.5),
    (float, 2),
    (complex, 2),
    (bool, False),
    (str, "x"),
    (bytes, b""),
    (None, None),
    (type(None), None),
    (hw.Nothing, None),
    (Any, object()),
    (object, object()),
    (int | None, None),
    (int | str, "x"),
    (typing.Optional[int], 3),  # noqa: UP045
    (Literal["a", 1], "a"),
    (Literal["a", 1], 1),
    (list, [1, "a"]),
    (list[int], []),
    (list[int], [1, 2]),
    (list[float], [1, 2.0]),
    (typing.List[int], [1]),  # noqa: UP006
    (typing.List, [object()]),  # noqa: UP006
    (dict, {}),
    (dict[str, int], {"a": 1}),
    (dict[str, list[int]], {"a": [1]}),
    (Mapping[str, Any], {"a": object()}),
    (collections.Counter[str], collections.Counter("aab")),
    (collections.defaultdict[str, int], collections.defaultdict(int, a=1)),
    (set[str], {"a"}),
    (frozenset[str], frozenset("a")),
    (collections.deque[int], collections.deque([1])),
    (tuple, (1, "a")),
    (tuple[int, str], (1, "a")),
    (tuple[int, ...], (1, 2, 3)),
    (tuple[()], ()),
    (typing.Tuple, (1,)),  # noqa: UP006
    (Sequence[int], (1, 2)),
    (Sequence[str], "abc"),
    (Iterator[int], iter([1])),
    (Row, {"id": 1}),
    (HasName, 5),
    (UserId, 5),
    (T, object()),
    (typing.Annotated[int, "rows"], 5),
    (Colour, Colour.RED),
    (Box[int], Box()),
    (type[Exception], ValueError),
    (collections.abc.Callable[[int], int], len),
    ("a string that was never resolved", 1),
    (typing.Self, 1),
    (typing.LiteralString, "x"),
    (hw.List[hw.Optional[hw.Int]], [1, None]),
    (hw.Dict[hw.String, hw.Float], {"a": 1}),
    (hw.Set[hw.Int], {1}),
    (hw.Tuple[hw.Int, hw.Bool], (1, True)),
]

REFUSED = [
    (int, "a"),
    (int, 1.0),
    (float, "1.0"),
    (str, 1),
    (bool, 1),
    (None, 5),
    (int | None, "a"),
    (Literal["a", 1], "b"),
    (Literal[1], True),
    (list[int], (1,)),
    (list[int], ["a"]),
    (dict[str, int], {1: 1}),
    (dict[str, int], {"a": "b"}),
    (set[int], {"a"}),
    (tuple[int, str], (1,)),
    (tuple[int, str], ("a", 1)),
    (tuple[int, ...], (1, "a")),
    (tuple[()], (1,)),
    (Sequence[int], 5),
    (Row, [1]),
    (UserId, "a"),
    (typing.Annotated[int, "rows"], "a"),
    (Colour, "red"),
    (Box[int], Plain()),
    (type[Exception], int),
    (collections.abc.Callable[[int], int], 5),
    (hw.List[hw.Optional[hw.Int]], ["a"]),
]


@pytest.mark.parametrize(("annotation", "value"), ACCEPTED)
def test_a_value_of_the_declared_type_passes(annotation, value):
    assert passes(annotation, value)


@pytest.mark.parametrize(("annotation", "value"), REFUSED)
def test_a_value_of_another_type_does_not_pass_and_the_reason_is_said(annotation, value):
    check = check_headwater_type(annotation, value)
    assert not check.success
    assert check.description


def test_a_missing_annotation_is_the_shared_type_that_passes_everything():
    import inspect

    assert resolve_type() is resolve_type(MISSING) is resolve_type(Any) is resolve_type(inspect.Parameter.empty)


def test_one_annotation_resolves_to_one_object():
    assert resolve_type(dict[str, int]) is resolve_type(dict[str, int])
    assert resolve_type(resolve_type(int)) is resolve_type(int)


def test_an_unhashable_annotation_is_resolved_all_the_same():
    assert not passes(typing.Annotated[int, ["unhashable"]], "a")


def test_numpy_numbers_pass_where_python_numbers_are_declared():
    numpy = pytest.importorskip("numpy")
    assert passes(int, numpy.int64(3))
    assert passes(float, numpy.float32(3))
    assert passes(float, numpy.int8(3))
    assert passes(bool, numpy.bool_(True))
    assert passes(list[int], [numpy.int64(1), 2])
    assert passes(complex, numpy.float64(1))
    assert not passes(int, numpy.float64(3.0))


def test_the_message_names_the_asset_the_output_and_both_types():
    assert message_of(int, "a").startswith('Output "result" of asset "orders" is a str, but its annotation says int.')
    assert message_of(str, 1, "input").startswith(
        'Input "result" of asset "orders" is an int, but its annotation says str.'
    )
    assert "Return an int, or change the annotation." in message_of(int, "a")


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (list[int], [1, 2, "a"], "has a str at [2], but its annotation list[int] says int there."),
        (list[int] | None, [1, "a"], "has a str at [1], but its annotation list[int] | None says int there."),
        (
            dict[str, list[int]],
            {"a": [1], "b": [1, None]},
            "has None at ['b'][1], but its annotation dict[str, list[int]] says int there.",
        ),
        (dict[str, int], {5: 1}, "has an int at the key 5, but its annotation dict[str, int] says str there."),
        (set[int], {"x"}, "has a str at element 'x', but its annotation set[int] says int there."),
        (tuple[int, str], (1, 2), "has an int at [1], but its annotation tuple[int, str] says str there."),
        (tuple[int, str], (1,), "is a tuple of 1, but its annotation says tuple[int, str]."),
        (list[int], {}, "is a dict, but its annotation says list[int]."),
        (int | str, 1.5, "is a float, but its annotation says int | str."),
        (None, 5, "is an int, but its annotation says None."),
    ],
)
def test_the_message_says_where_inside_a_container_the_wrong_value_is(annotation, value, expected):
    assert expected in message_of(annotation, value)


def test_two_classes_of_one_name_are_told_apart_by_their_packages():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    message = message_of(pandas.DataFrame, polars.DataFrame())
    assert "is a polars.DataFrame, but its annotation says pandas.DataFrame." in message


def test_only_the_first_ten_thousand_elements_are_looked_at():
    assert not passes(list[int], [0] * 9_999 + ["a"])
    assert passes(list[int], [0] * 10_000 + ["a"])


def test_an_iterator_is_not_used_up_by_its_check():
    numbers = iter([1, 2])
    assert passes(Iterator[str], numbers)
    assert list(numbers) == [1, 2]


def test_no_library_is_imported_by_a_check():
    program = (
        "import sys\n"
        "from headwater.authoring.types import check_headwater_type as check\n"
        "assert not check(float, 'x').success and not check(list[int], ['x']).success\n"
        "print(sorted({'numpy', 'pandas', 'pydantic', 'inspect', 'typing_extensions'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['inspect']")


def test_a_check_may_take_the_value_or_the_context_and_the_value():
    assert passes(HeadwaterType(lambda value: value > 0, name="Positive"), 1)
    assert not passes(HeadwaterType(lambda _, value: value > 0, name="Positive"), -1)
    assert passes(HeadwaterType(lambda context, value: context.log is not None, name="Logged"), -1)
    assert passes(HeadwaterType(str.isdigit, name="Digits"), "12")
    assert passes(HeadwaterType(callable, name="Callable"), len)

    class Limits:
        def check(self, context: Any, value: Any) -> bool:
            return bool(value < 10)

    limited = HeadwaterType(Limits().check, name="Limited")
    assert passes(limited, 5)
    assert not passes(limited, 50)
    assert limited.type_check(None, 5).success
    assert limited.type_check(5).success


def test_a_check_that_gives_a_description_is_quoted():
    positive = HeadwaterType(
        lambda _, value: TypeCheck(value > 0, description="it must be above zero.", metadata={"value": value}),
        name="Positive",
    )
    message = message_of(positive, -1)
    assert message.startswith(
        'Output "result" of asset "orders" is an int that is not Positive: it must be above zero.'
    )
    assert "[1]" in message_of(list[positive], [1, -1])
    with pytest.raises(TypeCheckDidNotPass) as caught:
        require_type(positive, -1, owner='op "load"', direction="output", name="result")
    assert caught.value.metadata == {"value": IntMetadataValue(-1)}
    assert caught.value.description == "it must be above zero."


def test_an_optional_custom_type_takes_none():
    positive = HeadwaterType(lambda value: value > 0, name="Positive")
    assert passes(hw.Optional[positive], None)
    assert passes(hw.Optional[positive], 1)
    assert not passes(hw.Optional[positive], -1)
    assert hw.Optional[positive].display_name == "Positive?"


def test_a_check_that_answers_neither_yes_nor_no_is_an_error():
    with pytest.raises(InvalidTypeCheckAnswer, match='The check of the type "Odd" returned a str'):
        check_headwater_type(HeadwaterType(lambda value: "yes", name="Odd"), 1)


def test_the_error_of_a_check_carries_a_note_of_its_type():
    with pytest.raises(ZeroDivisionError) as caught:
        check_headwater_type(HeadwaterType(lambda value: 1 / 0, name="Odd"), 1)
    assert caught.value.__notes__ == ['Raised by the check of the type "Odd".']


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeadwaterType(lambda value: True),
        lambda: HeadwaterType(5, name="x"),
        lambda: HeadwaterType(lambda a, b, c: True, name="x"),
        lambda: HeadwaterType(lambda: True, name="x"),
        lambda: HeadwaterType(lambda value: True, name="x", loader=len),
        lambda: PythonObjectHeadwaterType("int"),
    ],
)
def test_a_type_that_cannot_work_is_refused_when_it_is_made(make):
    with pytest.raises(InvalidTypeDefinition):
        make()


def test_the_instances_of_a_class_or_of_several_make_a_type():
    number = PythonObjectHeadwaterType((int, str))
    assert number.display_name == "int | str"
    assert passes(number, "a")
    assert not passes(number, 1.5)
    assert PythonObjectHeadwaterType(Plain, description="plain").description == "plain"


def test_a_class_can_be_made_to_stand_for_a_type():
    class Even(int):
        pass

    even = HeadwaterType(lambda _, value: value % 2 == 0, name="Even")
    assert passes(Even, Even(3))
    make_python_type_usable_as_headwater_type(Even, even)
    assert resolve_type(Even) is even
    assert not passes(list[Even], [Even(2), Even(3)])
    with pytest.raises(InvalidTypeDefinition, match="stands for the type Even already"):
        make_python_type_usable_as_headwater_type(Even, HeadwaterType(lambda value: True, name="Other"))


def test_a_decorated_class_is_a_named_type_with_a_loader():
    @headwater_type_loader(config_schema={"size": int}, required_resource_keys={"db"})
    def load(context: Any, config: Any) -> Any:
        return Named()

    @usable_as_headwater_type(name="TheName", description="what it is", loader=load)
    class Named:
        pass

    @usable_as_headwater_type
    class Bare:
        """Bare of it all."""

    named = resolve_type(Named)
    assert (named.display_name, named.description, named.loader) == ("TheName", "what it is", load)
    assert named.required_resource_keys == {"db"}
    assert named.loader.schema_type == {"size": int}
    assert isinstance(named.loader.construct_from_config_value(None, {"size": 1}), Named)
    assert (resolve_type(Bare).display_name, resolve_type(Bare).description) == ("Bare", "Bare of it all.")
    assert not passes(Bare, Named())


def test_display_names_are_those_of_the_field():
    names = [resolve_type(each).display_name for each in (int, str, float, bool, Any, None, list, list[int])]
    assert names == ["Int", "String", "Float", "Bool", "Any", "Nothing", "[Any]", "[Int]"]
    assert resolve_type(int | None).display_name == "Int?"
    assert resolve_type(dict[str, int]).display_name == "Dict[String,Int]"


def test_lists_nothing_and_anything_take_several_outputs_at_one_input():
    assert resolve_type(list[int]).supports_fan_in
    assert resolve_type(None).supports_fan_in
    assert resolve_type().supports_fan_in
    assert not resolve_type(int).supports_fan_in
    assert resolve_type(list[int]).inner_type_for_fan_in() is resolve_type(int)


# The result classes as headwater.model.results has them: told by their module and name alone.
def _result_class(name: str) -> Any:
    return types.new_class(
        name, (Generic[T],), exec_body=lambda body: body.update(__module__="headwater.model.results")
    )


Output, DynamicOutput, MaterializeResult = map(_result_class, ("Output", "DynamicOutput", "MaterializeResult"))
AssetCheckResult = type("AssetCheckResult", (), {"__module__": "headwater.model.results"})


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (MISSING, MISSING),
        (int, int),
        (None, None),
        (Output[int], int),
        (Output, MISSING),
        (MaterializeResult[list[int]], list[int]),
        (MaterializeResult, MISSING),
        (list[DynamicOutput[int]], int),
        (Iterator[Output[int]], int),
        (Generator[DynamicOutput[int], None, None], int),
        (collections.abc.AsyncIterator[Output[int]], int),
        (collections.abc.Coroutine[Any, Any, Output[int]], int),
        (tuple[Output[int], Output[str]], (int, str)),
        (tuple[Output[int], str], (int, str)),
        (tuple[MaterializeResult, ...], MISSING),
        (Iterator[Output[int] | AssetCheckResult], int),
        (Output[int] | None, int | None),
        (list[int], list[int]),
        (tuple[int, str], tuple[int, str]),
        (Iterator[int], Iterator[int]),
        (AssetCheckResult, MISSING),
    ],
)
def test_result_classes_are_taken_off_a_return_annotation(annotation, expected):
    assert unwrap_return(annotation) == expected


def test_what_a_generator_function_yields_plainly_says_nothing_of_its_outputs():
    assert unwrap_return(Iterator[Any], is_generator=True) is MISSING
    assert unwrap_return(Iterator[Output[int]], is_generator=True) is int


def test_each_output_gets_its_own_annotation():
    assert annotations_by_output(tuple[Output[int], Output[str]], 2) == (int, str)
    assert annotations_by_output(tuple[int, str], 2) == (int, str)
    assert annotations_by_output(tuple[int, str], 1) == (tuple[int, str],)
    assert annotations_by_output(tuple[int, ...], 2) == (MISSING, MISSING)
    assert annotations_by_output(int, 2) == (MISSING, MISSING)


SCALARS = {int: st.integers(), str: st.text(), bool: st.booleans(), type(None): st.none(), bytes: st.binary()}


@st.composite
def annotations_with_values(draw: st.DrawFn, depth: int = 3) -> tuple[Any, Any]:
    shape = draw(st.sampled_from(["scalar", "list", "dict", "tuple", "union"] if depth else ["scalar"]))
    if shape == "scalar":
        scalar = draw(st.sampled_from(list(SCALARS)))
        return scalar, draw(SCALARS[scalar])
    inner, value = draw(annotations_with_values(depth - 1))
    if shape == "list":
        return list[inner], [value] * draw(st.integers(0, 3))
    if shape == "dict":
        return dict[str, inner], {str(n): value for n in range(draw(st.integers(0, 3)))}
    if shape == "tuple":
        return tuple[inner, int], (value, draw(st.integers()))
    return typing.Union[inner, float], value  # noqa: UP007


@given(annotations_with_values())
def test_a_value_made_after_an_annotation_passes_it(pair):
    annotation, value = pair
    assert passes(annotation, value)


@given(annotations_with_values())
def test_a_foreign_value_at_the_end_of_a_list_is_found_there(pair):
    annotation, value = pair
    check = check_headwater_type(list[annotation], [value, value, Plain()])
    assert not check.success
    assert check.where.startswith("[2]")
    assert check.actual == "Plain"
