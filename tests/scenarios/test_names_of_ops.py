"""What an op is called where it stands in a job, as its own context and its hooks are told."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import CheckError, InvalidInvocationError

told: list[tuple[str, str, str]] = []


@hw.op
def base(context: hw.OpExecutionContext) -> int:
    told.append((context.op.name, context.op_def.name, str(context.op_handle)))
    return 1


@hw.success_hook
def tell(context: hw.HookContext) -> None:
    assert context.op is not None
    told.append((context.op.name, context.op.definition.name, context.step_key))


def test_an_op_and_its_hooks_know_it_by_its_name_in_the_job() -> None:
    @hw.graph
    def inside() -> Any:
        return base.alias("renamed")()

    @hw.job(hooks={tell})
    def j() -> None:
        base()
        base()
        inside.alias("around")()

    told.clear()
    j.execute_in_process()
    expected = [("base", "base", "base"), ("base_2", "base", "base_2"), ("renamed", "base", "around.renamed")]
    assert told == [name for name in expected for _ in ("in the op", "in the hook")]


def test_the_way_to_an_op_goes_through_the_graphs_around_it() -> None:
    handles: list[Any] = []

    @hw.op
    def look(context: hw.OpExecutionContext) -> None:
        handles.append(context.op_handle)

    @hw.graph
    def outer() -> None:
        look()

    @hw.job
    def j() -> None:
        outer()

    j.execute_in_process()
    (handle,) = handles
    assert (handle.name, str(handle.parent), handle.parent.parent) == ("look", "outer", None)


def test_a_hook_is_called_with_a_hook_context_and_nothing_else() -> None:
    assert hw.build_hook_context(op=base).op.name == "base"  # type: ignore[union-attr]
    assert hw.build_hook_context(op=base.alias("b")).op.name == "b"  # type: ignore[union-attr]
    for given in ((), (None,), (5,)):
        with pytest.raises(InvalidInvocationError, match="build_hook_context"):
            tell(*given)


def test_a_context_is_about_one_partition_or_a_range_and_keys_are_text() -> None:
    with pytest.raises(CheckError, match="a range of keys"):
        hw.build_op_context(partition_key="a", partition_key_range=hw.PartitionKeyRange("a", "b"))
    with pytest.raises(CheckError, match='partition_key="5"'):
        hw.build_asset_context(partition_key=5)  # type: ignore[arg-type]
