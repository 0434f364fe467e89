"""Multi-assets by specs whose functions tell of some of their assets, of none, or of all of them."""

from collections.abc import Callable
from typing import Any

import dagster as dg
from recorder import Recorder, program


def both(function: Callable[[], Any], *, can_subset: bool = False, skippable: bool = False) -> dg.AssetsDefinition:
    specs = [dg.AssetSpec("orders", skippable=skippable), dg.AssetSpec("customers", skippable=skippable)]
    return dg.multi_asset(name="both", specs=specs, can_subset=can_subset)(function)


def built(assets: dg.AssetsDefinition) -> list[str]:
    result = dg.materialize([assets])
    return sorted(event.asset_key.to_user_string() for event in result.get_asset_materialization_events())


def nothing():
    return None


def one():
    return dg.MaterializeResult(asset_key="orders")


def tuple_of_one():
    return (dg.MaterializeResult(asset_key="orders"),)


def tuple_of_both():
    return dg.MaterializeResult(asset_key="customers"), dg.MaterializeResult(asset_key="orders")


def empty():
    return ()


def yields_one():
    yield dg.MaterializeResult(asset_key="orders")


def yields_none():
    yield from ()


@program
def what_must_be_built(note: Recorder) -> None:
    for function in (nothing, yields_one, yields_none, tuple_of_both):
        note(function.__name__, built(both(function)))
    for function in (one, tuple_of_one, empty):
        note.error(function.__name__, lambda function=function: built(both(function)), mentions=["both"])


@program
def what_may_be_left_out(note: Recorder) -> None:
    for label, parts in {"in parts": {"can_subset": True}, "skippable": {"skippable": True}}.items():
        for function in (yields_one, yields_none, tuple_of_both):
            note(f"{label}: {function.__name__}", built(both(function, **parts)))
        for function in (nothing, empty):
            action = lambda function=function, parts=parts: built(both(function, **parts))  # noqa: E731
            note.error(f"{label}: {function.__name__}", action, mentions=["both"])


@program
def returned_results_of_some_that_may_be_left_out(note: Recorder) -> None:
    note.error("one", lambda: built(both(one, can_subset=True)))


@program
def a_value_that_might_have_been_left_out(note: Recorder) -> None:
    @dg.asset(output_required=False)
    def note_of_day():
        return None

    note("none", built(note_of_day))


@program
def resources_that_are_missing(note: Recorder) -> None:
    @dg.op(required_resource_keys={"warehouse"})
    def load(context: dg.OpExecutionContext):
        return 1

    @dg.job
    def nightly():
        load()

    @dg.success_hook(required_resource_keys={"mail"})
    def tell(context: dg.HookContext): ...

    @dg.op
    def plain(): ...

    @dg.job(hooks={tell})
    def told():
        plain()

    note.error("job", nightly.execute_in_process, mentions=["warehouse", "load"])
    note.error("hook", told.execute_in_process, mentions=["mail"])
    note.error("direct call", lambda: load(dg.build_op_context()), mentions=["warehouse", "load"])


@program
def what_is_not_there(note: Recorder) -> None:
    @dg.asset
    def orders():
        return 1

    definitions = dg.Definitions(assets=[orders])
    note.error("load", lambda: definitions.load_asset_value("elsewhere"), mentions=["elsewhere"])
    note.error("value", lambda: dg.materialize([orders]).asset_value("elsewhere"), mentions=["elsewhere"])
    note.error("partition", lambda: dg.materialize([orders], partition_key="north"))


@program
def hooks_of_ops_jobs_and_graphs(note: Recorder) -> None:
    called: list[tuple[str, str]] = []

    def hook(name: str, make: Any = dg.success_hook, *, fails: bool = False) -> Any:
        def call(context: dg.HookContext) -> None:
            called.append((name, context.op.name))
            if fails:
                raise ValueError(name)

        return make(name=name)(call)

    @dg.op
    def good():
        return 1

    @dg.op
    def bad():
        raise KeyError("x")

    @dg.op(out=dg.Out(is_required=False))
    def silent():
        yield from ()

    @dg.op
    def after(value):
        return value

    @dg.graph
    def inner():
        return after(good())

    shared = hook("shared")

    @dg.job(hooks={hook("of_job"), hook("of_failures", dg.failure_hook), shared})
    def mixed():
        good.with_hooks({hook("of_op"), shared})()
        bad()
        inner.with_hooks({hook("of_graph")})()
        after.alias("never")(silent())

    @dg.job(hooks={hook("breaks", fails=True)})
    def breaking():
        after(good())

    note("mixed", mixed.execute_in_process(raise_on_error=False).success)
    note("called", sorted(called))
    called.clear()
    note("a hook that raises", breaking.execute_in_process().success)
    note("is called again", sorted(called))
