"""The older way to declare configuration: what each type takes, what it becomes, and what is said of the rest."""

from __future__ import annotations

import enum
import subprocess
import sys
from typing import Any as AnyValue

import numpy
import pytest
from hypothesis import given, strategies as st

from headwater.authoring.config import (
    NO_VALUE,
    Any,
    Array,
    Bool,
    BoolSource,
    Enum,
    EnumValue,
    EnvVar,
    EnvVarReadError,
    Field,
    Float,
    Int,
    IntSource,
    InvalidConfigDefinitionError,
    InvalidConfigError,
    Map,
    MissingEnvVar,
    Noneable,
    Permissive,
    ScalarUnion,
    Selector,
    Shape,
    String,
    StringSource,
    config_json_schema,
    examine_config,
    resolve_config,
    schema_of,
)
from headwater.authoring.config.example import example_of
from headwater.model.errors.definition import CheckError


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


def resolved(declared: AnyValue, value: AnyValue = NO_VALUE) -> AnyValue:
    return resolve_config(schema_of(declared), value, "ops.load.config")


def refused(declared: AnyValue, value: AnyValue = NO_VALUE) -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        resolved(declared, value)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        (int, 1, 1),
        (Int, 1, 1),
        (float, 1, 1.0),
        (Float, 1.5, 1.5),
        (str, "a", "a"),
        (String, "a", "a"),
        (bool, True, True),
        (Bool, False, False),
        (Any, {"any": [1]}, {"any": [1]}),
        (dict, {"a": [1]}, {"a": [1]}),
        (list, [1, "a"], [1, "a"]),
        ([int], [1, 2], [1, 2]),
        (Array(str), ["a"], ["a"]),
        (Noneable(int), None, None),
        (Noneable(int), 1, 1),
        ({"a": int}, {"a": 1}, {"a": 1}),
        (Shape({"a": int}), {"a": 1}, {"a": 1}),
        (Shape({"a": int}, field_aliases={"a": "first"}), {"first": 1}, {"a": 1}),
        (Shape({"a": int}, field_aliases={"a": "first"}), {"a": 1}, {"a": 1}),
        (Permissive({"a": int}), {"a": 1, "b": 2}, {"a": 1, "b": 2}),
        (Selector({"a": int, "b": str}), {"b": "x"}, {"b": "x"}),
        ({str: int}, {"x": 1, "y": 2}, {"x": 1, "y": 2}),
        (Map(int, str, "year"), {2013: "a"}, {2013: "a"}),
        (Enum.from_python_enum(Color), "RED", Color.RED),
        (Enum.from_python_enum_direct_values(Color), "RED", "r"),
        (Enum("E", [EnumValue("A", 1), EnumValue("B")]), "B", "B"),
        (Color, "BLUE", Color.BLUE),
        (ScalarUnion(int, {"a": int}), 1, 1),
        (ScalarUnion(int, {"a": int}), {"a": 1}, {"a": 1}),
        (StringSource, "a", "a"),
        (IntSource, 1, 1),
        (BoolSource, True, True),
        (list[int], [1], [1]),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (int | None, None, None),
        (None, {"whatever": 1}, {"whatever": 1}),
        (int, numpy.int64(3), 3),
        (float, numpy.float32(0.5), 0.5),
    ],
)
def test_a_value_that_fits_is_taken(declared: AnyValue, value: AnyValue, expected: AnyValue) -> None:
    taken = resolved(declared, value)
    assert taken == expected
    assert type(taken) is type(expected)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"a": Field(int, default_value=3), "b": Field(str, is_required=False)}, {"a": 3}),
        ({"n": {"m": Field(int, default_value=3)}}, {"n": {"m": 3}}),
        ({"n": Field({"m": int}, default_value={"m": 4})}, {"n": {"m": 4}}),
        (Field(int, default_value=3), 3),
        (Field(str, is_required=False), None),
        ({"a": Noneable(int)}, {"a": None}),
        (Selector({"a": Field(int, default_value=3)}), {"a": 3}),
        (dict, {}),
        (Permissive(), {}),
        (Noneable(int), None),
        (None, None),
        ({"c": Field(Color, default_value=Color.RED)}, {"c": Color.RED}),
        ({"c": Field(Enum.from_python_enum(Color), default_value="BLUE")}, {"c": Color.BLUE}),
    ],
)
def test_what_is_not_given_takes_its_default(declared: AnyValue, expected: AnyValue) -> None:
    assert resolved(declared) == expected
    assert resolved(declared, None) == expected


def test_all_faults_are_told_at_once_each_with_its_place_and_then_a_valid_example() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        resolved(
            {"limit": int, "table": {"name": str, "rows": [int]}, "mode": Color},
            {"limit": "many", "tabel": {}, "table": {"rows": [1, "x"]}, "mode": "RED"},
        )
    assert [str(fault) for fault in caught.value.faults] == [
        'ops.load.config.limit: must be an integer, but is "many" (a string).',
        "ops.load.config.table.name: is missing; it must be a string.",
        'ops.load.config.table.rows[1]: must be an integer, but is "x" (a string).',
        'ops.load.config.tabel: there is no such field. Did you mean "table"? The fields are: '
        '"limit", "table", "mode".',
    ]
    assert 'A valid example: {"limit": 0, "table": {"name": "...", "rows": [0]}, "mode": "RED"}' in str(caught.value)


def test_a_misspelt_field_is_offered_the_nearest_of_those_that_were_not_given() -> None:
    assert refused({"name": str}, {"nmae": "x"}) == [
        "ops.load.config.name: is missing; it must be a string.",
        'ops.load.config.nmae: there is no such field. Did you mean "name"? The fields are: "name".',
    ]


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        (int, 1.0, "must be an integer, but is 1.0 (a number)."),
        (int, True, "must be an integer, but is True (a boolean)."),
        (bool, 1, "must be true or false, but is 1 (an integer)."),
        (str, 1, "must be a string, but is 1 (an integer)."),
        (float, "1", 'must be a number, but is "1" (a string).'),
        (int, NO_VALUE, "nothing was given; it must be an integer."),
        ([int], {"a": 1}, "must be a list, but is {'a': 1} (a mapping)."),
        ({str: int}, 1, "must be a mapping, but is 1 (an integer)."),
        ({"a": Field(int, is_required=False)}, [1], 'must be a mapping, but is [1] (a list). Its fields are: "a".'),
        (Color, "REDD", 'must be one of "RED", "BLUE", but is "REDD" (a string). Did you mean "RED"?'),
        (Selector({"a": int, "b": int}), {"a": 1, "b": 2}, 'must have exactly one of "a", "b", but has "a", "b".'),
        (Selector({"a": int, "b": int}), {}, 'must have exactly one of "a", "b", but has none.'),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_it_is(declared: AnyValue, value: AnyValue, expected: str) -> None:
    assert refused(declared, value) == [f"ops.load.config: {expected}"]


def test_a_choice_that_does_not_exist_is_named_with_those_that_do() -> None:
    assert refused(Selector({"file": str, "table": str}), {"tabel": "x"}) == [
        'ops.load.config.tabel: is not one of "file", "table". Did you mean "table"?'
    ]


def test_keys_of_a_mapping_have_a_type_too() -> None:
    assert refused({int: str}, {"a": "x"}) == [
        'ops.load.config.a: has the key "a" (a string); a key must be an integer.'
    ]


def test_a_scalar_may_be_named_by_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"s": StringSource, "i": IntSource, "b": BoolSource, "f": float, "n": Noneable(str)}
    for name, text in {"HW_S": "x", "HW_I": "7", "HW_B": "true", "HW_F": "1.5"}.items():
        monkeypatch.setenv(name, text)
    value = {
        "s": {"env": "HW_S"},
        "i": EnvVar.int("HW_I"),
        "b": {"env": "HW_B"},
        "f": {"env": "HW_F"},
        "n": EnvVar("HW_S"),
    }
    assert resolved(declared, value) == {"s": "x", "i": 7, "b": True, "f": 1.5, "n": "x"}
    kept = resolve_config(schema_of(declared), value, resolve_env=False)
    assert kept == value


def test_a_variable_that_is_not_set_is_named_with_the_field() -> None:
    with pytest.raises(MissingEnvVar) as caught:
        resolved({"password": StringSource}, {"password": {"env": "HW_NOT_SET"}})
    assert caught.value.variables == ("HW_NOT_SET",)
    assert 'ops.load.config.password: the environment variable "HW_NOT_SET" is not set.' in str(caught.value)


def test_what_a_variable_holds_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW_SECRET", "s3cret")
    faults = refused({"size": IntSource}, {"size": {"env": "HW_SECRET"}})
    assert faults == ['ops.load.config.size: what the environment variable "HW_SECRET" holds is not an integer.']


def test_an_env_var_is_not_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW_SECRET", "s3cret")
    variable, number = EnvVar("HW_SECRET"), EnvVar.int("HW_SIZE")
    assert repr(variable) == 'EnvVar("HW_SECRET")'
    assert repr(number) == 'EnvVar.int("HW_SIZE")'
    for read in (lambda: str(variable), lambda: f"{variable}", lambda: str(number), lambda: int(number)):
        with pytest.raises(EnvVarReadError, match=r"get_value\(\)"):
            read()
    assert isinstance(variable, str)
    assert variable.get_value() == "s3cret"
    assert EnvVar("HW_NOT_SET").get_value("default") == "default"
    assert number.get_value(5) == 5
    assert variable == EnvVar("HW_SECRET")
    assert variable != "HW_SECRET"
    assert number != 0


def test_a_field_says_whether_it_is_required_and_its_default() -> None:
    assert Field(int).is_required
    assert not Field(Noneable(int)).is_required
    assert not Field({"b": Field(int, default_value=2)}).is_required
    assert Field({"b": Field(int, default_value=2)}).default_value == {"b": 2}
    assert not Field(int, is_required=False).default_provided
    with pytest.raises(CheckError, match="has none"):
        Field(int).default_value  # noqa: B018


def test_mistakes_in_a_schema_are_told_when_it_is_declared() -> None:
    with pytest.raises(CheckError, match="required field was given the default"):
        Field(int, default_value=1, is_required=True)
    with pytest.raises(InvalidConfigError, match="must be an integer"):
        Field(int, default_value="x")
    with pytest.raises(InvalidConfigDefinitionError, match=r"at a\.b cannot be a config type"):
        schema_of({"a": {"b": object}})
    with pytest.raises(InvalidConfigDefinitionError, match="exactly one element"):
        schema_of([int, str])
    with pytest.raises(InvalidConfigDefinitionError):
        schema_of(lambda: 1)


def test_a_schema_is_drawn_as_json_schema() -> None:
    drawn = config_json_schema(
        schema_of({"n": Field(int, description="how many", default_value=2), "c": Color, "tags": [str], "any": dict})
    )
    assert drawn["required"] == ["c", "tags"]
    assert drawn["additionalProperties"] is False
    assert drawn["properties"]["n"]["description"] == "how many"
    assert drawn["properties"]["n"]["default"] == 2
    assert drawn["properties"]["n"]["anyOf"][0] == {"type": "integer"}
    assert drawn["properties"]["c"] == {"title": "Color", "enum": ["RED", "BLUE"]}
    assert drawn["properties"]["any"]["additionalProperties"] is True


_SCALARS = st.sampled_from([int, float, str, bool, Noneable(int), Color])
_DECLARED = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        inner.map(lambda item: [item]),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3).map(Selector),
        inner.map(lambda item: Map(str, item)),
    ),
    max_leaves=8,
)


@given(_DECLARED)
def test_the_example_in_a_message_is_always_valid(declared: AnyValue) -> None:
    schema = schema_of(declared)
    resolve_config(schema, example_of(schema))


@given(_DECLARED, st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_value_is_either_taken_or_refused_with_a_reason(declared: AnyValue, value: AnyValue) -> None:
    resolved, faults = examine_config(schema_of(declared), value, "config")
    assert faults or resolve_config(schema_of(declared), value) == resolved


def test_plain_configuration_needs_no_pydantic() -> None:
    program = (
        "import sys\n"
        "from headwater.authoring.config import Field, RunConfig, EnvVar, resolve_config, schema_of, config_mapping\n"
        "resolve_config(schema_of({'a': Field(int, default_value=1)}), {})\n"
        "RunConfig(ops={'x': {'config': {'a': EnvVar('A')}}}).to_config_dict()\n"
        "config_mapping(config_schema={'a': int})(lambda config: {})\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
