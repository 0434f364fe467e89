"""Mocks stand in for resources and values: what they would answer to any question is not taken for an answer."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import headwater as hw


class Api(hw.ConfigurableResource):
    url: str

    def get(self, path: str) -> object:
        raise RuntimeError(f"{self.url}/{path} was asked")


@hw.asset
def fetched(api: Api) -> object:
    return api.get("orders")


@hw.op(required_resource_keys={"api"})
def fetch(context: hw.OpExecutionContext) -> object:
    return context.resources.api.get("orders")


@hw.job
def fetching() -> None:
    fetch()


def test_a_mock_is_the_resource_in_runs() -> None:
    for api in (mock.MagicMock(), mock.MagicMock(spec=Api)):
        api.get.return_value = 5
        assert hw.materialize([fetched], resources={"api": api}).output_for_node("fetched") == 5
        assert fetching.execute_in_process(resources={"api": api}).output_for_node("fetch") == 5
        assert [call.args for call in api.get.call_args_list] == [("orders",), ("orders",)]


def test_a_mock_is_the_resource_in_direct_calls() -> None:
    for api in (mock.MagicMock(), mock.Mock(), mock.MagicMock(spec=Api)):
        api.get.return_value = 5
        assert fetched(api) == 5
        assert fetched(api=api) == 5
        assert fetch(hw.build_op_context(resources={"api": api})) == 5
        with hw.build_resources({"api": api}) as built:
            assert built.api is api


def test_a_mock_that_is_returned_is_a_value() -> None:
    answer = mock.MagicMock()

    @hw.op
    def ask() -> object:
        return answer

    @hw.job
    def asking() -> None:
        ask()

    assert ask() is answer
    in_memory = {"io_manager": hw.mem_io_manager}
    assert asking.execute_in_process(resources=in_memory).output_for_node("ask") is answer


def test_an_iterator_that_is_returned_is_a_value_and_a_generator_gives_outputs() -> None:
    @hw.op
    def listed() -> Iterator[int]:
        return iter([1, 2])

    @hw.op
    def given() -> Iterator[hw.Output[int]]:
        return (hw.Output(number) for number in [3])

    @hw.job
    def both() -> None:
        listed()
        given()

    result = both.execute_in_process()
    assert list(result.output_for_node("listed")) == [1, 2]
    assert result.output_for_node("given") == 3
