"""The config of runs: given, preset, mapped, and refused with every fault at once before anything is recorded."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw


class Limits(hw.Config):
    rows: int
    label: str = "default"


@hw.asset
def table(config: Limits) -> list[Any]:
    return [config.rows, config.label]


@hw.op(config_schema={"keep": hw.Field(int, default_value=3), "names": [str]})
def pick(context: hw.OpExecutionContext) -> Any:
    return context.op_config


def test_config_arrives_as_plain_data_or_as_objects() -> None:
    plain = hw.materialize([table], run_config={"ops": {"table": {"config": {"rows": 4}}}})
    assert plain.output_for_node("table") == [4, "default"]
    typed = hw.materialize([table], run_config=hw.RunConfig(ops={"table": Limits(rows=9, label="x")}))
    assert typed.output_for_node("table") == [9, "x"]


def test_every_fault_is_told_at_once_and_nothing_is_recorded() -> None:
    with hw.instance_for_test() as instance:
        with pytest.raises(hw.InvalidConfigError) as raised:
            hw.materialize(
                [table],
                instance=instance,
                raise_on_error=False,
                run_config={"ops": {"table": {"config": {"rows": "many", "lable": "x"}}, "tabel": {}}},
            )
        told = str(raised.value)
        assert "rows" in told
        assert "lable" in told
        assert "tabel" in told
        assert instance.get_runs() == []


def test_a_required_field_that_is_missing_is_named() -> None:
    with pytest.raises(hw.InvalidConfigError, match="rows"):
        hw.materialize([table])


def test_a_job_brings_its_config_or_makes_it_from_a_smaller_one() -> None:
    @hw.job(config={"ops": {"pick": {"config": {"names": ["preset"]}}}})
    def preset() -> None:
        pick()

    assert preset.execute_in_process().output_for_node("pick") == {"keep": 3, "names": ["preset"]}

    @hw.config_mapping(config_schema={"name": str})
    def from_name(given: Any) -> Any:
        return {"ops": {"pick": {"config": {"names": [given["name"]]}}}}

    @hw.job(config=from_name)
    def mapped() -> None:
        pick()

    result = mapped.execute_in_process(run_config={"name": "a"})
    assert result.output_for_node("pick") == {"keep": 3, "names": ["a"]}


def test_a_nested_graph_makes_the_config_of_its_ops() -> None:
    @hw.config_mapping(config_schema={"name": str})
    def from_name(given: Any) -> Any:
        return {"pick": {"config": {"names": [given["name"]]}}}

    @hw.graph(config=from_name)
    def inner() -> None:
        pick()

    @hw.job
    def work() -> None:
        inner()

    result = work.execute_in_process(run_config={"ops": {"inner": {"config": {"name": "deep"}}}})
    assert result.output_for_node("inner.pick") == {"keep": 3, "names": ["deep"]}
