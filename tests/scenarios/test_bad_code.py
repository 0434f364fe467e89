"""What the code of a step can do to the process that runs it: the run ends as what it was, and what was stored is recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.engine.step_logs import read_run_log
from headwater.model.events import AssetMaterialized
from headwater.model.runs import RunStatus, StepStatus

LETTERS = hw.StaticPartitionsDefinition(["a", "b", "c"])
ALL_LETTERS = {"headwater/asset_partition_range_start": "a", "headwater/asset_partition_range_end": "c"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[hw.Instance]:
    with hw.Instance.open(tmp_path / ".headwater") as opened:
        yield opened


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also in a shell's background job, which inherits that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def only_run(instance: hw.Instance) -> Any:
    (run,) = instance.get_runs()
    return run


def statuses(instance: hw.Instance) -> dict[str, StepStatus]:
    return {step.step_key: step.status for step in instance.get_run_step_stats(instance.get_runs(limit=1)[0].run_id)}


def said(instance: hw.Instance) -> list[str]:
    return [line.message for line in read_run_log(instance.logs_dir, instance.get_runs(limit=1)[0].run_id)]


def press_ctrl_c(after_seconds: float) -> None:
    threading.Timer(after_seconds, lambda: os.kill(os.getpid(), signal.SIGINT)).start()


def program(home: Path, body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that has `instance` open on this home; it ends itself as it likes."""
    head = f"""
        import os, sys, time
        import headwater as hw
        instance = hw.Instance.open({str(home)!r})
    """
    code = textwrap.dedent(head) + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)


# ------------------------------------------------------------------------------------------- exceptions of every kind


class NotAnException(BaseException):
    pass


def raising(error: BaseException) -> hw.AssetsDefinition:
    @hw.asset(name="wild")
    def wild() -> None:
        raise error

    return wild


def raising_in_async(error: BaseException) -> hw.AssetsDefinition:
    @hw.asset(name="wild")
    async def wild() -> None:
        raise error

    return wild


@pytest.mark.parametrize("made_by", [raising, raising_in_async])
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (NotAnException("odd"), "NotAnException: odd"),
        (pytest.fail.Exception("not as it should be"), "Failed: not as it should be"),
        (SystemExit(3), "RuntimeError: The step's code ended with sys.exit(3)."),
        (SystemExit(), "RuntimeError: The step's code ended with sys.exit(None)."),
        (RuntimeError(), "RuntimeError:"),
        (ExceptionGroup("both", [ValueError("one"), KeyError("two")]), "ExceptionGroup: both (2 sub-exceptions)"),
    ],
)
def test_a_step_fails_whatever_is_raised_and_what_follows_it_is_blocked(
    instance: hw.Instance, made_by: Callable[[BaseException], Any], error: BaseException, cause: str
) -> None:
    @hw.asset
    def below(wild: int) -> int:
        return wild

    @hw.asset
    def beside() -> int:
        return 1

    result = hw.materialize([made_by(error), below, beside], instance=instance, raise_on_error=False)
    assert not result.success
    run = only_run(instance)
    assert run.status is RunStatus.FAILURE
    assert run.cause.startswith(cause)
    assert statuses(instance) == {
        "wild": StepStatus.FAILED,
        "below": StepStatus.BLOCKED,
        "beside": StepStatus.SUCCEEDED,
    }


def test_what_is_no_exception_is_raised_again_when_errors_are(instance: hw.Instance) -> None:
    with pytest.raises(NotAnException, match="odd"):
        hw.materialize([raising(NotAnException("odd"))], instance=instance)
    assert only_run(instance).status is RunStatus.FAILURE


def test_endless_recursion_fails_the_step_and_is_told_in_bounded_length(instance: hw.Instance) -> None:
    @hw.asset
    def endless() -> int:
        def deeper(level: int) -> int:
            return deeper(level + 1) + 1

        return deeper(0)

    assert not hw.materialize([endless], instance=instance, raise_on_error=False).success
    assert only_run(instance).cause.startswith("RecursionError: maximum recursion depth exceeded")
    (failed,) = [record for record in instance.all_logs(only_run(instance).run_id) if record.step_key == "endless"][1:2]
    assert len(failed.event.error.frames) <= 200


def test_a_huge_message_is_shortened_and_the_failure_recorded(instance: hw.Instance) -> None:
    @hw.asset
    def loud() -> None:
        raise ValueError("x" * 20_000_000)

    assert not hw.materialize([loud], instance=instance, raise_on_error=False).success
    run = only_run(instance)
    assert run.status is RunStatus.FAILURE
    assert run.cause.startswith("ValueError: xxx")
    assert len(run.cause) <= 500
    assert (instance.home / "store.sqlite").stat().st_size < 1_000_000  # type: ignore[operator]


def test_an_exception_that_cannot_be_printed_still_fails_its_step(instance: hw.Instance) -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even this")

        __repr__ = __str__

    assert not hw.materialize([raising(Unprintable())], instance=instance, raise_on_error=False).success
    assert only_run(instance).cause.startswith("Unprintable")


# ------------------------------------------------------------------------------------------------------------- Ctrl-C


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_ends_the_run_and_its_steps_as_canceled(instance: hw.Instance) -> None:
    @hw.asset
    async def quick() -> int:
        return 1

    @hw.asset
    async def slow(quick: int) -> int:
        time.sleep(0.01)
        import asyncio

        press_ctrl_c(0.1)
        await asyncio.sleep(30)
        return 1

    @hw.asset
    def never(slow: int) -> int:
        return slow

    with pytest.raises(KeyboardInterrupt):
        hw.materialize([quick, slow, never], instance=instance)
    run = only_run(instance)
    assert (run.status, run.cause) == (RunStatus.CANCELED, "interrupted from the keyboard")
    assert statuses(instance) == {"quick": StepStatus.SUCCEEDED, "slow": StepStatus.CANCELED}
    endings = [type(record.event).__name__ for record in instance.all_logs(run.run_id)]
    assert endings.count("RunCanceled") == 1
    state = instance.store.asset_state(hw.AssetKey("never"))
    assert state is not None
    assert state.last_attempt_outcome == "canceled"


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_in_the_midst_of_a_step_leaves_what_it_has_stored_recorded(instance: hw.Instance) -> None:
    @hw.multi_asset(outs={"first": hw.AssetOut(), "second": hw.AssetOut()})
    def both() -> Iterator[hw.Output[int]]:
        yield hw.Output(1, "first")
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
        yield hw.Output(2, "second")

    with pytest.raises(KeyboardInterrupt):
        hw.materialize([both], instance=instance)
    assert statuses(instance) == {"both": StepStatus.CANCELED}
    first = instance.store.asset_state(hw.AssetKey("first"))
    second = instance.store.asset_state(hw.AssetKey("second"))
    assert first is not None
    assert (first.last_attempt_outcome, first.materialization_count) == ("materialized", 1)
    assert second is not None
    assert second.materialization is None


# -------------------------------------------------------------------------------- values that were stored before it broke


def recorded_versions(instance: hw.Instance, asset: str) -> list[tuple[str | None, str | None]]:
    records = instance.fetch_materializations(hw.AssetKey(asset), limit=100, ascending=True).records
    events = [record.event for record in records]
    assert all(isinstance(event, AssetMaterialized) for event in events)
    return [(event.partition, event.data_version) for event in events]


def test_partitions_that_were_stored_before_one_could_not_be_are_recorded(instance: hw.Instance) -> None:
    @hw.asset(partitions_def=LETTERS)
    def letters() -> dict[str, Any]:
        return {"a": 1, "b": threading.Lock(), "c": 3}

    result = hw.materialize([letters], instance=instance, tags=ALL_LETTERS, raise_on_error=False)
    assert not result.success
    assert "Lock" in only_run(instance).cause or "lock" in only_run(instance).cause
    assert [partition for partition, _ in recorded_versions(instance, "letters")] == ["a"]
    outcomes = instance.store.partition_outcomes(hw.AssetKey("letters"))
    assert outcomes == {"a": "materialized", "b": "failed", "c": "failed"}


def test_metadata_that_is_too_large_leaves_the_value_of_before(instance: hw.Instance) -> None:
    def asset_with(value: int, note: str) -> hw.AssetsDefinition:
        @hw.asset
        def noted() -> hw.Output[int]:
            return hw.Output(value, metadata={"note": note, "other": 1})

        return noted

    assert hw.materialize([asset_with(1, "short")], instance=instance).success
    result = hw.materialize([asset_with(2, "x" * 3_000_000)], instance=instance, raise_on_error=False)
    assert not result.success
    cause = instance.get_runs(limit=1)[0].cause
    assert cause is not None
    assert 'asset "noted"' in cause
    assert '"note"' in cause
    definitions = hw.Definitions(assets=[asset_with(1, "short")])
    assert definitions.load_asset_value("noted", instance=instance) == 1
    assert len(recorded_versions(instance, "noted")) == 1


def test_a_value_that_was_stored_before_its_result_was_found_wrong_is_recorded(instance: hw.Instance) -> None:
    @hw.asset
    def odd() -> hw.MaterializeResult[int]:
        return hw.MaterializeResult(value=7, check_results=[hw.AssetCheckResult(check_name="nowhere", passed=True)])

    result = hw.materialize([odd], instance=instance, raise_on_error=False)
    assert not result.success
    assert "nowhere" in str(only_run(instance).cause)
    assert hw.Definitions(assets=[odd]).load_asset_value("odd", instance=instance) == 7
    assert len(recorded_versions(instance, "odd")) == 1


# ------------------------------------------------------------------------------------------------- ending the process


def test_a_step_that_ends_the_process_leaves_an_interrupted_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ended = program(
        home,
        """
        @hw.asset
        def before(): return 1
        @hw.asset
        def gone(before):
            print("last words")
            time.sleep(0.5)  # what was recorded before is committed within milliseconds
            os._exit(7)
        hw.materialize([before, gone], instance=instance)
        """,
    )
    assert (ended.returncode, ended.stderr) == (7, "")
    with hw.Instance.open(home) as instance:
        run = only_run(instance)
        assert run.status is RunStatus.INTERRUPTED
        assert run.cause.startswith("Process ")
        assert run.cause.endswith("which ran it, is gone.")
        assert [found.run_id for found in instance.recovered_runs] == [run.run_id]
        assert statuses(instance) == {"before": StepStatus.SUCCEEDED, "gone": StepStatus.FAILED}
        assert said(instance) == ["last words"]


def test_a_program_that_ends_without_closing_leaves_no_running_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ended = program(
        home,
        """
        @hw.asset
        def a(): return 1
        hw.materialize([a], instance=instance)
        sys.exit(5)
        """,
    )
    assert (ended.returncode, ended.stderr) == (5, "")
    with hw.Instance.open(home) as instance:
        assert only_run(instance).status is RunStatus.SUCCESS
        assert instance.recovered_runs == ()


# ------------------------------------------------------------------------------------- the streams and the directory


def test_fifty_megabytes_of_print_are_kept_and_readable(instance: hw.Instance, capfd: Any) -> None:
    line = "x" * 99

    @hw.asset
    def loud() -> int:
        for _ in range(500):
            print("\n".join([line] * 1000))
        return 1

    started = time.monotonic()
    assert hw.materialize([loud], instance=instance).success
    assert time.monotonic() - started < 20
    capfd.readouterr()
    count = sum(1 for _ in said(instance))
    assert count == 500_000


def test_a_step_that_closes_its_streams_closes_nothing_of_the_program(tmp_path: Path) -> None:
    ended = program(
        tmp_path / "home",
        """
        @hw.asset
        def closes():
            print("before")
            sys.stdout.close()
            sys.stderr.close()
            print("after")
            return 1
        @hw.asset(deps=[closes])
        def then():
            print("then")
        assert hw.materialize([closes, then], instance=instance).success
        print("still here")
        instance.close()
        """,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["before", "after", "then", "still here"]


def test_a_program_whose_stdout_is_closed_goes_on(tmp_path: Path) -> None:
    ended = program(
        tmp_path / "home",
        """
        os.close(1)
        @hw.asset
        def speaks():
            print("into nothing", flush=True)
            return 1
        result = hw.materialize([speaks], instance=instance, raise_on_error=False)
        print(result.success, [step.cause for step in instance.get_run_step_stats(result.run_id)], file=sys.stderr)
        instance.close()
        """,
    )
    assert ended.stderr.startswith("False ['OSError: [Errno 9] Bad file descriptor'")


def test_a_step_that_changes_the_directory_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    @hw.asset
    def wanders() -> int:
        os.chdir(elsewhere)
        print("there")
        return 1

    @hw.asset
    def stays(wanders: int) -> int:
        return wanders + 1

    with hw.Instance.open(".headwater") as instance:
        assert hw.materialize([wanders, stays], instance=instance).success
        assert said(instance) == ["there"]
    assert list(elsewhere.iterdir()) == []
    assert (tmp_path / ".headwater" / "storage" / "stays.json").read_text() == "2"


def test_a_directory_that_vanishes_under_a_step_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(tmp_path)

    @hw.asset
    def removes() -> int:
        os.chdir(gone)
        gone.rmdir()
        return 1

    @hw.asset
    def after(removes: int) -> int:
        return removes

    with hw.Instance.open(tmp_path / ".headwater") as instance:
        assert hw.materialize([removes, after], instance=instance).success


def test_an_event_hook_that_fails_leaves_no_running_step(instance: hw.Instance) -> None:
    from headwater.runtime.execute import launch

    @hw.asset
    def a() -> int:
        return 1

    def broken(event: Any) -> None:
        if isinstance(event, AssetMaterialized):
            raise BrokenPipeError("no one listens")

    with pytest.raises(BrokenPipeError):
        launch(hw.Definitions(assets=[a]), instance=instance, on_event=broken, raise_on_error=True)
    assert only_run(instance).status is RunStatus.FAILURE
    assert all(status.is_finished for status in statuses(instance).values())
