"""Config classes: pydantic models as configuration."""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from hypothesis import given, strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field as Setting,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from headwater.authoring.config import (
    Config,
    EnvVar,
    FrozenConfigError,
    InvalidConfigError,
    MissingEnvVar,
    PermissiveConfig,
    RunConfig,
    build_config_object,
    config_json_schema,
    resolve_config,
    run_config_dict,
    schema_of,
)


class Level(enum.Enum):
    LOW = "low"
    HIGH = 2


class Column(Config):
    name: str
    width: int = 1


class Cat(Config):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(Config):
    kind: Literal["dog"] = "dog"
    tricks: int


class Load(Config):
    table: str
    limit: int = Setting(default=3, ge=1, le=100, description="rows at most")
    level: Level = Level.LOW
    columns: list[Column] = []
    weights: dict[str, float] = {}
    pet: Union[Cat, Dog] = Setting(default=Cat(), discriminator="kind")  # noqa: UP007
    note: Optional[str] = None  # noqa: UP045
    mode: Literal["fast", "safe"] = "safe"
    aliased: int = Setting(default=0, alias="given-as")


def built(given: Any, cls: type[Any] = Load) -> Any:
    return build_config_object(cls, given, "ops.load.config")


def refused(given: Any, cls: type[Any] = Load) -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        built(given, cls)
    return [str(fault) for fault in caught.value.faults]


def test_a_config_is_a_frozen_pydantic_model_that_refuses_unknown_fields() -> None:
    column = Column(name="a")
    assert (column.name, column.width) == ("a", 1)
    with pytest.raises(FrozenConfigError, match="model_copy"):
        column.name = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Column(name="a", widht=2)  # type: ignore[call-arg]


def test_a_plain_mapping_becomes_an_object_with_everything_in_it() -> None:
    made = built(
        {
            "table": "t",
            "level": "HIGH",
            "columns": [{"name": "a"}],
            "weights": {"x": 1},
            "pet": {"dog": {"tricks": 2}},
            "mode": "fast",
            "given-as": 7,
        }
    )
    assert made == Load(
        table="t",
        level=Level.HIGH,
        columns=[Column(name="a")],
        weights={"x": 1.0},
        pet=Dog(tricks=2),
        mode="fast",
        **{"given-as": 7},
    )


def test_a_union_may_be_written_flat_and_an_enum_by_its_value() -> None:
    made = built({"table": "t", "pet": {"kind": "dog", "tricks": 1}, "level": "low"})
    assert (made.pet, made.level) == (Dog(tricks=1), Level.LOW)


def test_all_faults_are_told_at_once_in_the_same_words_as_for_other_configuration() -> None:
    assert refused(
        {
            "tabel": "t",
            "limit": "many",
            "level": "LOWW",
            "columns": [{"nam": "x"}],
            "pet": {"dog": {"tricks": "x"}},
            "mode": "sloppy",
        }
    ) == [
        'ops.load.config.limit: must be an integer, but is "many" (a string).',
        'ops.load.config.pet.dog.tricks: must be an integer, but is "x" (a string).',
        "ops.load.config.table: is missing; it must be a string.",
        'ops.load.config.level: must be one of "LOW", "HIGH", but is "LOWW" (a string). Did you mean "LOW"?',
        "ops.load.config.columns[0].name: is missing; it must be a string.",
        'ops.load.config.columns[0].nam: there is no such field. Did you mean "name"? The fields are: "name", "width".',
        'ops.load.config.mode: must be one of "fast", "safe", but is "sloppy" (a string).',
        'ops.load.config.tabel: there is no such field. Did you mean "table"? The fields are: "table", "limit", '
        '"level", "columns", "weights", "pet", "note", "mode", "given-as".',
    ]


def test_limits_and_validators_of_the_class_hold() -> None:
    class Window(Config):
        start: int
        end: int
        name: str = "x"

        @field_validator("name")
        @classmethod
        def _lower(cls, name: str) -> str:
            if not name.islower():
                raise ValueError("names are lower case")
            return name

        @model_validator(mode="after")
        def _ordered(self) -> Window:
            if self.start > self.end:
                raise ValueError("start lies after end")
            return self

    assert refused({"table": "t", "limit": 101}) == [
        "ops.load.config.limit: input should be less than or equal to 100, but is 101 (an integer)."
    ]
    assert refused({"start": 1, "end": 2, "name": "X"}, Window) == ["ops.load.config.name: names are lower case."]
    assert refused({"start": 2, "end": 1}, Window) == ["ops.load.config: start lies after end."]


def test_a_field_that_converts_by_itself_is_given_what_was_written() -> None:
    class Sizes(Config):
        size: Annotated[int, BeforeValidator(lambda text: int(str(text).replace("_", "")))]
        day: date
        number_or_text: int | str

    made = built({"size": "1_000", "day": "2013-01-01", "number_or_text": "a"}, Sizes)
    assert (made.size, made.day, made.number_or_text) == (1000, date(2013, 1, 1), "a")


def test_an_optional_field_without_a_default_and_one_whose_fields_all_have_may_be_left_out() -> None:
    class Outer(Config):
        maybe: Optional[int]  # noqa: UP045
        inner: Cat

    assert built({}, Outer) == Outer(inner=Cat())  # type: ignore[call-arg]
    assert built(None, Outer).maybe is None


def test_a_permissive_config_keeps_what_it_does_not_declare() -> None:
    class Loose(PermissiveConfig):
        a: int

    made = built({"a": 1, "b": [2]}, Loose)
    assert made.b == [2]
    assert run_config_dict({"ops": {"x": made}}) == {"ops": {"x": {"config": {"a": 1, "b": [2]}}}}


def test_a_class_can_be_a_config_schema_alone_and_inside_another() -> None:
    assert resolve_config(schema_of(Column), {"name": "a"}) == {"name": "a", "width": 1}
    with pytest.raises(InvalidConfigError) as caught:
        resolve_config(schema_of({"column": Column, "n": int}), {"column": {"name": 1}})
    assert [fault.location for fault in caught.value.faults] == ["config.column.name", "config.n"]


def test_any_pydantic_class_will_do() -> None:
    class Plain(BaseModel):
        n: int
        word: str = "w"

    assert built({"n": 1}, Plain) == Plain(n=1)
    assert refused({"n": "x", "word": 3}, Plain) == [
        'ops.load.config.n: must be an integer, but is "x" (a string).',
        "ops.load.config.word: must be a string, but is 3 (an integer).",
    ]


def test_variables_stand_for_any_field_and_are_looked_up_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Secrets(Config):
        password: str = Setting(min_length=2)
        size: int
        hidden: SecretStr
        headers: dict[str, str] = {}
        note: Optional[str] = None  # noqa: UP045

    written = Secrets(
        password=EnvVar("HW_P"),
        size=EnvVar.int("HW_N"),
        hidden=EnvVar("HW_P"),  # type: ignore[arg-type]
        headers={"auth": EnvVar("HW_P")},
        note=EnvVar("HW_P"),
    )
    plain = RunConfig(ops={"x": written}).to_config_dict()["ops"]["x"]["config"]
    assert plain["password"] == {"env": "HW_P"}
    with pytest.raises(MissingEnvVar) as missing:
        built(plain, Secrets)
    assert missing.value.variables == ("HW_P", "HW_N", "HW_P", "HW_P", "HW_P")
    monkeypatch.setenv("HW_P", "s3cret")
    monkeypatch.setenv("HW_N", "4")
    for given_as in (written, plain):
        made = built(given_as, Secrets)
        assert (made.password, made.size, made.hidden.get_secret_value()) == ("s3cret", 4, "s3cret")
        assert (made.headers, made.note) == ({"auth": "s3cret"}, "s3cret")
        assert "s3cret" not in repr(made)
        assert "s3cret" not in str(made)


def test_a_refused_value_of_a_variable_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Checked(Config):
        token: str = Setting(pattern="^tok_")
        other: str = "x"

        @model_validator(mode="after")
        def _never(self) -> Checked:
            raise ValueError(f"no {self.token}")

    monkeypatch.setenv("HW_T", "s3cret")
    monkeypatch.setenv("HW_OK", "tok_s3cret")
    for name in ("HW_T", "HW_OK"):
        with pytest.raises(InvalidConfigError) as caught:
            built({"token": {"env": name}}, Checked)
        assert "s3cret" not in str(caught.value)
        assert name in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_class_is_drawn_as_json_schema() -> None:
    drawn = config_json_schema(schema_of(Load))
    assert drawn["title"] == "Load"
    assert drawn["required"] == ["table"]
    assert drawn["properties"]["limit"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert drawn["properties"]["limit"]["description"] == "rows at most"
    assert drawn["properties"]["level"]["default"] == "LOW"
    assert [branch["required"] for branch in drawn["properties"]["pet"]["oneOf"]] == [["cat"], ["dog"]]
    assert drawn["properties"]["columns"]["items"]["required"] == ["name"]


def test_values_that_json_lacks_become_text_and_secrets_are_marked() -> None:
    class Odd(Config):
        day: date = date(2013, 1, 1)
        folder: Path = Path("x")
        price: Decimal = Decimal("1.50")
        password: SecretStr = SecretStr("s3cret")
        level: Optional[Level] = None  # noqa: UP045

    made = Odd(folder=Path("y"), level=Level.HIGH)
    plain = RunConfig(ops={"x": made}).to_config_dict()["ops"]["x"]["config"]
    del plain["password"]
    assert plain == {"day": "2013-01-01", "folder": "y", "price": "1.50", "level": "HIGH"}
    assert built(plain, Odd) == made
    drawn = config_json_schema(schema_of(Odd))
    assert drawn["properties"]["password"] == {"writeOnly": True}
    assert "s3cret" not in str(drawn)
    assert refused({"level": "LOWW"}, Odd) == [
        'ops.load.config.level: must be one of "LOW", "HIGH", but is "LOWW" (a string). Did you mean "LOW"?'
    ]


def test_a_class_within_itself_can_be_configured() -> None:
    made = built({"name": "a", "children": [{"name": "b"}]}, Tree)
    assert made.children[0].name == "b"


class Tree(Config):
    name: str
    children: list[Tree] = []


@given(
    st.builds(
        Load,
        table=st.text(),
        limit=st.integers(1, 100),
        level=st.sampled_from(Level),
        columns=st.lists(st.builds(Column, name=st.text(), width=st.integers()), max_size=3),
        weights=st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=3),
        pet=st.builds(Cat, lives=st.integers()) | st.builds(Dog, tricks=st.integers()),
        note=st.none() | st.text(),
        mode=st.sampled_from(["fast", "safe"]),
    )
)
def test_an_object_read_back_from_its_plain_form_is_equal(written: Load) -> None:
    plain = RunConfig(ops={"x": written}).to_config_dict()["ops"]["x"]["config"]
    assert built(plain) == written
