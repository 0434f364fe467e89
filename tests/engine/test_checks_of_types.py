"""What the check of a type of one's own is given in a run, and how a failed one is told."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw

Known = hw.HeadwaterType(
    name="Known",
    type_check_fn=lambda context, value: value in context.resources.names,
    required_resource_keys={"names"},
)


@hw.op(out=hw.Out(Known))
def name() -> str:
    return "ada"


@hw.op(ins={"given": hw.In(Known)})
def greet(given: Any) -> str:
    return f"hello {given}"


@hw.job
def greeting() -> None:
    greet(name())


def test_the_check_of_a_type_is_given_the_resources_that_it_asks_for():
    assert greeting.execute_in_process(resources={"names": ["ada"]}).output_for_node("greet") == "hello ada"
    with pytest.raises(hw.TypeCheckDidNotPass, match="Known"):
        greeting.execute_in_process(resources={"names": ["bob"]})
    with pytest.raises(hw.InvalidDefinitionError, match="names"):
        greeting.execute_in_process()


def test_what_the_engine_refuses_is_the_failure_itself_and_what_user_code_raises_its_cause():
    @hw.op
    def broken() -> None:
        raise ValueError("no such table")

    @hw.job
    def breaking() -> None:
        broken()

    def failure(result: hw.ExecuteInProcessResult, step: str) -> Any:
        return result.failure_data_for_node(step).error

    refused = failure(greeting.execute_in_process(resources={"names": []}, raise_on_error=False), "name")
    assert (refused.cls_name, refused.cause) == ("TypeCheckDidNotPass", None)
    raised = failure(breaking.execute_in_process(raise_on_error=False), "broken")
    assert (raised.cls_name, raised.cause.cls_name) == ("StepExecutionError", "ValueError")
