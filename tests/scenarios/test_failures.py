"""What goes wrong in a run: retries, hooks, resources, listeners; what is recorded and what is raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import headwater as hw
from headwater.model.events import AssetNotMaterialized, Event, HookRan, RunFailed, StepRetryScheduled, StepStarted
from headwater.model.runs import StepStatus
from headwater.runtime.execute import launch


def kinds(events: list[Event]) -> list[str]:
    return [event.event_type_value for event in events]


def test_with_raise_on_error_the_users_exception_is_raised_after_it_is_recorded() -> None:
    @hw.asset
    def broken() -> int:
        raise KeyError("no such column")

    @hw.asset
    def sibling() -> int:
        return 1

    with hw.instance_for_test() as instance:
        with pytest.raises(KeyError, match="no such column"):
            hw.materialize([broken, sibling], instance=instance)
        (run,) = instance.get_runs()
        assert run.status is hw.RunStatus.FAILURE
        assert run.cause == "KeyError: 'no such column'"
        assert instance.get_latest_materialization_event(hw.AssetKey("sibling")) is None


def test_without_it_siblings_go_on_and_descendants_are_blocked_with_the_cause() -> None:
    @hw.asset
    def broken() -> int:
        raise KeyError("x")

    @hw.asset
    def child(broken: int) -> int:
        return broken

    @hw.asset
    def grandchild(child: int) -> int:
        return child

    @hw.asset
    def sibling() -> int:
        return 1

    result = hw.materialize([broken, child, grandchild, sibling], raise_on_error=False)
    assert result.get_failed_step_keys() == {"broken"}
    assert result.is_node_success("sibling")
    assert result.is_node_untouched("grandchild")
    told = {e.asset: (e.outcome, e.cause) for e in result.all_events if isinstance(e, AssetNotMaterialized)}
    assert told == {
        "broken": ("failed", "KeyError: 'x'"),
        "child": ("blocked", '"broken" failed'),
        "grandchild": ("blocked", '"broken" failed'),
    }


def test_retries_are_recorded_and_seen_by_the_step() -> None:
    seen: list[int] = []

    @hw.asset(retry_policy=hw.RetryPolicy(max_retries=2))
    def flaky(context: hw.AssetExecutionContext) -> int:
        seen.append(context.retry_number)
        if context.retry_number < 2:
            raise ValueError("again")
        return 1

    result = hw.materialize([flaky])
    assert seen == [0, 1, 2]
    assert kinds(result.all_node_events) == [
        "STEP_START",
        "STEP_UP_FOR_RETRY",
        "STEP_RESTARTED",
        "STEP_UP_FOR_RETRY",
        "STEP_RESTARTED",
        "STEP_OUTPUT",
        "ASSET_MATERIALIZATION",
        "HANDLED_OUTPUT",
        "STEP_SUCCESS",
    ]
    assert [e.attempt for e in result.all_events if isinstance(e, (StepStarted, StepRetryScheduled))] == [1, 2, 2, 3, 3]
    assert result.get_failed_step_keys() == set()


def test_a_failure_that_forbids_retries_is_final_and_keeps_its_metadata() -> None:
    @hw.asset(retry_policy=hw.RetryPolicy(max_retries=5))
    def hopeless() -> int:
        raise hw.Failure("schema changed", metadata={"columns": 3}, allow_retries=False)

    result = hw.materialize([hopeless], raise_on_error=False)
    (failed,) = result.get_step_failure_events()
    assert failed.attempt == 1
    assert list(failed.metadata) == ["columns"]


def test_a_policy_of_the_job_holds_for_ops_that_have_none() -> None:
    attempts = []

    @hw.op
    def flaky() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("again")

    @hw.job(op_retry_policy=hw.RetryPolicy(max_retries=2))
    def work() -> None:
        flaky()

    assert work.execute_in_process().success
    assert len(attempts) == 3


# --------------------------------------------------------------------------------------------------------------- hooks


def test_hooks_see_values_errors_and_resources_and_are_told_before_the_run_ends() -> None:
    seen: list[Any] = []

    @hw.success_hook(required_resource_keys={"pager"})
    def glad(context: hw.HookContext) -> None:
        seen.append((context.op.name, context.op_output_values, context.resources.pager))

    @hw.failure_hook
    def sorry(context: hw.HookContext) -> None:
        seen.append((context.op.name, repr(context.op_exception)))

    @hw.op
    def one() -> int:
        return 1

    @hw.op
    def breaks(value: int) -> int:
        raise ValueError("z")

    @hw.job(hooks={glad, sorry}, resource_defs={"pager": hw.ResourceDefinition.hardcoded_resource("beep")})
    def work() -> None:
        breaks(one())

    result = work.execute_in_process(raise_on_error=False)
    assert seen == [("one", {"result": 1}, "beep"), ("breaks", "ValueError('z')")]
    assert kinds(result.all_events)[-3:] == ["STEP_FAILURE", "HOOK_COMPLETED", "RUN_FAILURE"]


def test_a_hook_that_fails_changes_nothing_of_the_outcome() -> None:
    @hw.success_hook
    def clumsy(context: hw.HookContext) -> None:
        raise RuntimeError("no network")

    @hw.op
    def one() -> int:
        return 1

    @hw.job(hooks={clumsy})
    def work() -> None:
        one()

    result = work.execute_in_process()
    assert result.success
    (told,) = [event for event in result.all_events if isinstance(event, HookRan)]
    assert told.outcome == "errored"
    assert told.error is not None
    assert told.error.message == "no network"


def test_a_failure_hook_is_not_called_for_an_attempt_that_is_tried_again() -> None:
    called = []

    @hw.failure_hook
    def sorry(context: hw.HookContext) -> None:
        called.append(1)

    @hw.op(retry_policy=hw.RetryPolicy(max_retries=2))
    def hopeless() -> None:
        raise ValueError("z")

    @hw.job(hooks={sorry})
    def work() -> None:
        hopeless()

    work.execute_in_process(raise_on_error=False)
    assert called == [1]


# ----------------------------------------------------------------------------------------------------------- resources


def test_resources_are_torn_down_in_reverse_also_when_a_step_fails() -> None:
    log: list[str] = []

    @hw.resource
    @contextmanager
    def connection(_: Any) -> Iterator[str]:
        log.append("connect")
        try:
            yield "connection"
        finally:
            log.append("disconnect")

    class Table(hw.ConfigurableResource):
        name: str

        def setup_for_execution(self, context: Any) -> None:
            log.append(f"lock {self.name}")

        def teardown_after_execution(self, context: Any) -> None:
            log.append(f"unlock {self.name}")

    @hw.asset(required_resource_keys={"connection"})
    def broken(table: Table) -> None:
        log.append("work")
        raise ValueError("x")

    resources = {"connection": connection, "table": Table(name="orders")}
    with pytest.raises(ValueError, match="x"):
        hw.materialize([broken], resources=resources)
    assert sorted(log[:2]) == ["connect", "lock orders"]
    assert log[2] == "work"
    assert [word.replace("un", "").replace("dis", "") for word in reversed(log[3:])] == log[:2]


def test_a_resource_that_cannot_be_set_up_fails_the_run_with_the_cause_and_takes_the_others_down() -> None:
    log: list[str] = []

    @hw.resource
    def first(_: Any) -> Iterator[int]:
        log.append("up")
        yield 1
        log.append("down")

    @hw.resource(required_resource_keys={"first"})
    def second(_: Any) -> int:
        raise ConnectionError("no route to host")

    @hw.asset(required_resource_keys={"second"})
    def table() -> int:
        return 1

    with hw.instance_for_test() as instance:
        resources = {"first": first, "second": second}
        result = hw.materialize([table], instance=instance, resources=resources, raise_on_error=False)
        assert not result.success
        assert log == ["up", "down"]
        ended = result.all_events[-1]
        assert isinstance(ended, RunFailed)
        assert ended.error is not None
        assert ended.error.root.message == "no route to host"
        (run,) = instance.get_runs()
        assert run.status is hw.RunStatus.FAILURE


# ------------------------------------------------------------------------------------------------------------ listeners


def test_a_listener_that_raises_ends_the_run_as_failed_and_no_step_stays_running() -> None:
    @hw.asset
    def table() -> int:
        return 1

    def on_event(event: Event) -> None:
        if isinstance(event, StepStarted):
            raise BrokenPipeError("the terminal is gone")

    with hw.instance_for_test() as instance:
        with pytest.raises(BrokenPipeError):
            launch(hw.Definitions([table]), instance=instance, on_event=on_event, raise_on_error=True)
        (run,) = instance.get_runs()
        assert run.status is hw.RunStatus.FAILURE
        assert run.cause == "BrokenPipeError: the terminal is gone"
        assert all(step.status is not StepStatus.RUNNING for step in instance.store.steps_of(run.run_id))


def test_an_io_manager_that_fails_to_store_or_load_fails_the_step() -> None:
    class Clumsy(hw.IOManager):
        def handle_output(self, context: hw.OutputContext, obj: Any) -> None:
            if obj == "unwritable":
                raise OSError("read-only")

        def load_input(self, context: hw.InputContext) -> Any:
            raise OSError("unreadable")

    @hw.asset
    def unwritable() -> str:
        return "unwritable"

    @hw.asset
    def fine() -> str:
        return "fine"

    @hw.asset
    def reader(fine: str) -> str:
        return fine

    result = hw.materialize([unwritable, fine, reader], resources={"io_manager": Clumsy()}, raise_on_error=False)
    assert result.get_failed_step_keys() == {"unwritable", "reader"}
    assert [event.asset for event in result.get_asset_materialization_events()] == ["fine"]
