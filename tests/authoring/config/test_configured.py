"""Run configurations, config mappings and configured definitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from headwater.authoring.config import (
    NO_VALUE,
    Config,
    ConfigFunctionError,
    ConfigMapping,
    ConfigSchema,
    ConfigStage,
    EnvVar,
    Field,
    InvalidConfigError,
    NamedConfigurable,
    RunConfig,
    config_mapping,
    configured,
    resolve_through,
    run_config_dict,
    schema_of,
)


@dataclass(frozen=True)
class Op(NamedConfigurable):
    name: str
    schema: ConfigSchema
    stages: tuple[ConfigStage, ...] = ()

    @property
    def config_schema(self) -> ConfigSchema:
        return self.stages[0].schema if self.stages else self.schema

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Op:
        return replace(self, name=name or self.name, stages=(stage, *self.stages))

    def config(self, given: Any = NO_VALUE) -> Any:
        return resolve_through(self.stages, self.schema, given, f"ops.{self.name}.config")


LOAD = Op("load", schema_of({"size": int, "name": Field(str, default_value="n")}))


class Half(Config):
    half: int


def test_a_configured_op_has_its_configuration_already() -> None:
    five = LOAD.configured({"size": 5}, name="five")
    assert five.name == "five"
    assert five.config() == {"size": 5, "name": "n"}
    with pytest.raises(InvalidConfigError, match="there is no such field"):
        five.config({"size": 6})


def test_a_config_function_makes_it_from_a_smaller_one() -> None:
    @configured(LOAD, config_schema={"half": int})
    def double(config: Any) -> Any:
        return {"size": config["half"] * 2}

    assert double.name == "double"
    assert double.config({"half": 2}) == {"size": 4, "name": "n"}
    assert double.configured({"half": 3}, name="six").config() == {"size": 6, "name": "n"}
    with pytest.raises(InvalidConfigError, match=r"ops\.double\.config\.half"):
        double.config({})


def test_a_config_function_may_take_a_config_object() -> None:
    @configured(LOAD)
    def double(config: Half) -> Any:
        return {"size": config.half * 2}

    assert list(double.config_schema.fields) == ["half"]
    assert double.config({"half": 2})["size"] == 4


def test_a_config_function_that_makes_nonsense_or_raises_is_named() -> None:
    wrong = LOAD.configured(lambda config: {"sise": 1}, name="wrong", config_schema={})
    with pytest.raises(InvalidConfigError, match="It was made by <lambda>"):
        wrong.config()

    def broken(config: Any) -> Any:
        raise KeyError("x")

    with pytest.raises(ConfigFunctionError, match="broken raised KeyError") as caught:
        LOAD.configured(broken).config({})
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_configuration_that_does_not_fit_is_refused_when_it_is_given() -> None:
    with pytest.raises(InvalidConfigError, match=r"configured\.size: must be an integer"):
        LOAD.configured({"size": "x"}, name="wrong")
    LOAD.configured({"size": EnvVar.int("HW_NOT_SET")}, name="late")


def test_a_config_mapping_makes_a_run_configuration() -> None:
    @config_mapping(config_schema={"size": int, "name": Field(str, default_value="n")})
    def simple(config: Any) -> Any:
        return {"ops": {"load": {"config": {"size": config["size"], "name": config["name"]}}}}

    assert isinstance(simple, ConfigMapping)
    assert simple.resolve({"size": 1}) == {"ops": {"load": {"config": {"size": 1, "name": "n"}}}}
    with pytest.raises(InvalidConfigError, match=r"config\.size"):
        simple.resolve({})


def test_a_config_mapping_may_take_and_make_config_objects() -> None:
    @config_mapping
    def simple(config: Half) -> RunConfig:
        return RunConfig(ops={"load": Half(half=config.half)})

    assert simple.resolve({"half": 3})["ops"] == {"load": {"config": {"half": 3}}}


def test_a_config_mapping_may_ask_for_what_was_given_as_it_was() -> None:
    seen: list[Any] = []

    @config_mapping(config_schema={"n": Field(int, default_value=1)}, receive_processed_config_values=False)
    def simple(config: Any) -> Any:
        seen.append(config)
        return {}

    simple.resolve({})
    assert seen == [{}]


def test_a_config_mapping_returns_a_mapping() -> None:
    with pytest.raises(ConfigFunctionError, match="TypeError"):
        ConfigMapping(lambda config: 3).resolve({})


def test_a_run_config_takes_objects_and_mappings_and_becomes_plain() -> None:
    given = RunConfig(
        ops={
            "a": Half(half=1),
            "b": {"config": {"x": EnvVar("HW_X")}},
            "g": {"ops": {"inner": {"config": Half(half=2)}}},
        },
        resources={"db": {"config": {"n": 1}}},
        execution={"config": {"in_process": {}}},
        inputs={"start": 3},
    )
    assert run_config_dict(given) == {
        "ops": {
            "a": {"config": {"half": 1}},
            "b": {"config": {"x": {"env": "HW_X"}}},
            "g": {"ops": {"inner": {"config": {"half": 2}}}},
        },
        "resources": {"db": {"config": {"n": 1}}},
        "execution": {"config": {"in_process": {}}},
        "loggers": {},
        "inputs": {"start": 3},
    }
    assert run_config_dict(None) == {}
    assert RunConfig() == RunConfig(ops={})
