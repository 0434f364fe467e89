"""What a run's config gives for the inputs of ops, graphs and jobs."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors.config import InvalidConfigError


@hw.op
def add(x: int = 1, y: int = 10) -> int:
    return x + y


@hw.graph
def one_more(x: int) -> Any:
    return add(x)


@hw.job
def adding() -> None:
    add()


@hw.job
def nested() -> None:
    one_more()


def _inputs(**values: Any) -> dict[str, Any]:
    return {"ops": {"add": {"inputs": values}}}


@pytest.mark.parametrize("given", [5, {"value": 5}])
def test_what_the_config_gives_an_input_wins_over_its_default(given: object) -> None:
    assert adding.execute_in_process(run_config=_inputs(x=given)).output_for_node("add") == 15
    assert adding.execute_in_process().output_for_node("add") == 11


def test_an_input_of_a_graph_and_of_a_job_is_given_where_it_stands() -> None:
    job = one_more.to_job()
    assert job.execute_in_process(run_config={"inputs": {"x": 5}}).output_for_node("add") == 15
    assert job.execute_in_process(run_config=_inputs(y=5)).output_for_node("add") == 6
    given = {"ops": {"one_more": {"inputs": {"x": 5}, **_inputs(y=0)}}}
    assert nested.execute_in_process(run_config=given).output_for_node("one_more.add") == 5


def test_a_default_of_in_gives_way_to_config() -> None:
    @hw.op(ins={"x": hw.In(int, default_value=4)})
    def told(x):  # type: ignore[no-untyped-def]
        return x

    @hw.job
    def telling() -> None:
        told()

    assert telling.execute_in_process().output_for_node("told") == 4
    given = {"ops": {"told": {"inputs": {"x": 6}}}}
    assert telling.execute_in_process(run_config=given).output_for_node("told") == 6


def test_every_input_that_does_not_fit_is_named_before_anything_runs() -> None:
    given = {"ops": {"one_more": {"inputs": {"x": "five"}, "ops": {"add": {"inputs": {"x": 1, "z": 2, "y": [1]}}}}}}
    with pytest.raises(InvalidConfigError) as raised:
        nested.execute_in_process(run_config=given)
    locations = {fault.location for fault in raised.value.faults}
    assert locations == {
        "ops.one_more.inputs.x",
        "ops.one_more.ops.add.inputs.x",
        "ops.one_more.ops.add.inputs.y",
        "ops.one_more.ops.add.inputs.z",
    }
    assert "something else in the job gives this input its value" in str(raised.value)


def test_an_input_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "five.json").write_text(json.dumps({"value": 5}), encoding="utf-8")
    (tmp_path / "six.pickle").write_bytes(pickle.dumps(6))
    given = _inputs(
        x={"json": {"path": str(tmp_path / "five.json")}}, y={"pickle": {"path": str(tmp_path / "six.pickle")}}
    )
    assert adding.execute_in_process(run_config=given).output_for_node("add") == 11


def test_lists_are_given_part_by_part_and_mappings_as_they_are() -> None:
    @hw.op
    def taken(numbers: list[int], settings: dict[str, Any]) -> list[Any]:
        return [numbers, settings]

    @hw.job
    def taking() -> None:
        taken()

    given = {"ops": {"taken": {"inputs": {"numbers": [1, {"value": 2}], "settings": {"value": {"a": 1}}}}}}
    result = taking.execute_in_process(run_config=given)
    assert result.output_for_node("taken") == [[1, 2], {"value": {"a": 1}}]


def test_the_loader_of_a_type_gets_config_with_its_defaults_and_its_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    @hw.headwater_type_loader(
        {"size": hw.Field(int, default_value=3), "unit": hw.StringSource}, required_resource_keys={"scale"}
    )
    def load(context: hw.OpExecutionContext, config: dict[str, Any]) -> list[Any]:
        return [config["size"] * context.resources.scale, config["unit"], context.op_def.name]

    measure = hw.HeadwaterType(lambda _, value: isinstance(value, list), name="Measure", loader=load)

    @hw.op(ins={"measure": hw.In(measure)})
    def measured(measure):  # type: ignore[no-untyped-def]
        return measure

    @hw.job(resource_defs={"scale": hw.ResourceDefinition.hardcoded_resource(10)})
    def measuring() -> None:
        measured()

    def run(given: object) -> Any:
        config = {"ops": {"measured": {"inputs": {"measure": given}}}}
        return measuring.execute_in_process(run_config=config).output_for_node("measured")

    monkeypatch.setenv("UNIT", "kg")
    assert run({"unit": {"env": "UNIT"}}) == [30, "kg", "measured"]
    with pytest.raises(InvalidConfigError) as raised:
        run({"size": "big", "unti": "m"})
    assert {fault.location for fault in raised.value.faults} == {
        f"ops.measured.inputs.measure.{name}" for name in ("size", "unit", "unti")
    }
