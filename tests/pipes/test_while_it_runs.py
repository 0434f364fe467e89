"""What is seen of a process while it runs, and how it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from tests.pipes.programs import Programs, asset_of, run


def test_what_the_process_logs_is_in_the_step_log_before_it_ends(programs: Programs, tmp_path: Path) -> None:
    go_on = tmp_path / "go_on"
    command = programs.reporting(
        f"""
        import os, time
        context.log.warning("first")
        print("printed")
        for _ in range(500):
            if os.path.exists({str(go_on)!r}):
                break
            time.sleep(0.02)
        else:
            raise AssertionError("nobody saw the first line")
        """
    )
    instance = hw.Instance.local_temp(str(tmp_path / "state"))
    seen: list[str] = []

    def watch() -> None:
        for _ in range(500):
            text = "".join(path.read_text() for path in instance.logs_dir.rglob("*.jsonl"))
            if "first" in text and "printed" in text:
                seen.append(text)
                go_on.touch()
                return
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    outcome = run(asset_of(command), instance=instance)
    watcher.join()
    assert outcome.result.success, outcome.message
    assert seen


def test_levels_streams_and_odd_bytes_land_in_the_log_of_the_step(programs: Programs) -> None:
    command = programs.reporting(
        """
        import sys
        context.log.debug("d"); context.log.info("i"); context.log.error("e")
        print("out"); print("err", file=sys.stderr)
        sys.stdout.buffer.write("größe".encode()[:-3]); sys.stdout.flush()
        sys.stdout.buffer.write("größe\\n".encode()[-4:]); sys.stdout.flush()
        sys.stdout.buffer.write(b"\\xff\\n")
        context.log_external_stream("stdout", "streamed\\n")
        context.log_external_stream("stderr", "streamed err\\n", {"node": 1})
        context.log_external_stream("driver", "of the driver\\n")
        """
    )
    outcome = run(asset_of(command))
    levels = {(line.message, line.level) for line in outcome.lines if line.source == "log"}
    assert {("d", "DEBUG"), ("i", "INFO"), ("e", "ERROR"), ("[driver] of the driver", "INFO")} <= levels
    assert sorted(outcome.said("stdout")) == sorted(["out", "größe", "\ufffd", "streamed"])
    assert sorted(outcome.said("stderr")) == ["err", "streamed err"]


def test_output_that_is_sent_as_messages_arrives_once(programs: Programs) -> None:
    client = hw.PipesSubprocessClient(
        message_reader=hw.PipesTempFileMessageReader(include_stdio_in_messages=True), forward_stdio=False
    )
    command = programs.plain(
        """
        from dagster_pipes import PipesStdioLogWriterChannel, open_dagster_pipes
        PipesStdioLogWriterChannel.WAIT_FOR_TEE_SECONDS = 0.1
        with open_dagster_pipes():
            print("hello")
        """
    )
    outcome = run(asset_of(command), resources={"pipes": client})
    assert outcome.result.success
    assert outcome.said("stdout").count("hello") == 1


def test_output_that_is_not_forwarded_is_still_told_with_a_failure(programs: Programs) -> None:
    client = hw.PipesSubprocessClient(forward_stdio=False)
    outcome = run(asset_of(programs.plain("print('out'); raise SystemExit('why')")), resources={"pipes": client})
    assert outcome.said("stdout") == outcome.said("stderr") == []
    assert "  why" in outcome.message


def test_a_lot_of_output_and_many_messages_all_arrive(programs: Programs) -> None:
    command = programs.reporting(
        """
        for number in range(2000):
            print(number)
            if number % 10 == 0:
                context.report_custom_message(number)
        """
    )

    @hw.asset
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        done = pipes.run(command=command, context=context)
        assert list(done.get_custom_messages()) == list(range(0, 2000, 10))
        return done.get_results()

    outcome = run(orders)
    assert outcome.result.success
    assert outcome.said("stdout") == [str(number) for number in range(2000)]


def test_what_a_process_leaves_running_does_not_hold_the_step_up(programs: Programs) -> None:
    command = programs.plain("import subprocess; print(subprocess.Popen(['sleep', '30']).pid)")
    began = time.perf_counter()
    outcome = run(asset_of(command))
    assert time.perf_counter() - began < 10
    assert outcome.result.success
    (pid,) = outcome.said("stdout")
    os.kill(int(pid), signal.SIGKILL)


def test_variables_and_folders_of_a_command_go_before_those_of_the_client(programs: Programs, tmp_path: Path) -> None:
    command = programs.plain("import os; print(os.environ['A'], os.environ['B'], os.getcwd(), 'PATH' in os.environ)")
    client = hw.PipesSubprocessClient(env={"A": "1", "B": "1"}, cwd="/")

    @hw.asset
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        pipes.run(command=command, context=context)
        return pipes.run(command=command, context=context, env={"B": "2"}, cwd=str(tmp_path)).get_results()

    outcome = run(orders, resources={"pipes": client})
    assert outcome.said("stdout") == ["1 1 / True", f"1 2 {tmp_path} True"]


def test_a_command_in_one_string_is_split(programs: Programs) -> None:
    executable, program = programs.plain("import sys; print(sys.argv[1:])")
    assert run(asset_of(f"{executable} '{program}' 'a b' c")).said("stdout") == ["['a b', 'c']"]


WAITING = """
import signal, sys, time
try:
    print("waiting")
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped gently")
    sys.exit(1)
"""


def test_a_process_is_stopped_when_the_time_of_its_step_is_up(programs: Programs) -> None:
    began = time.perf_counter()
    outcome = run(asset_of(programs.plain(WAITING), timeout=0.6))
    assert time.perf_counter() - began < 10
    assert outcome.failure.cause == "timeout"
    assert outcome.said("stdout") == ["waiting", "stopped gently"]


def test_a_process_that_does_not_heed_is_killed_with_all_that_it_started(programs: Programs, tmp_path: Path) -> None:
    child = tmp_path / "child"
    command = programs.plain(
        f"""
        import signal, subprocess, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        open({str(child)!r}, "w").write(str(subprocess.Popen(["sleep", "60"]).pid))
        time.sleep(60)
        """
    )
    began = time.perf_counter()
    client = hw.PipesSubprocessClient(termination_timeout_seconds=0.2)
    outcome = run(asset_of(command, timeout=0.8), resources={"pipes": client})
    assert time.perf_counter() - began < 10
    assert outcome.failure.cause == "timeout"
    assert not is_running(int(child.read_text()))


def test_a_process_whose_termination_is_not_forwarded_goes_on(programs: Programs, tmp_path: Path) -> None:
    done = tmp_path / "done"
    command = programs.plain(f"import time; time.sleep(1); open({str(done)!r}, 'w').close()")
    client = hw.PipesSubprocessClient(forward_termination=False)
    outcome = run(asset_of(command, timeout=0.3), resources={"pipes": client})
    assert outcome.failure.cause == "timeout"
    assert not done.exists()
    for _ in range(300):
        if done.exists():
            break
        time.sleep(0.02)
    assert done.exists()


def test_ctrl_c_stops_the_process_and_then_the_run(programs: Programs, tmp_path: Path) -> None:
    command = programs.plain(WAITING)
    (tmp_path / "defs.py").write_text(
        textwrap.dedent(
            f"""
            import headwater as hw

            @hw.asset
            def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient):
                return pipes.run(command={command!r}, context=context).get_results()

            if __name__ == "__main__":
                hw.materialize([orders], resources={{"pipes": hw.PipesSubprocessClient()}}, instance=hw.Instance.ephemeral())
            """
        )
    )
    with subprocess.Popen(
        [sys.executable, "-u", "defs.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(timeout=20) != 0
    assert "stopped gently" in said


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs a signal for one thread")
def test_a_wait_in_another_thread_is_interrupted_as_well(programs: Programs) -> None:
    began = time.perf_counter()
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(run(asset_of(programs.plain(WAITING), timeout=0.6))))
    thread.start()
    thread.join()
    assert time.perf_counter() - began < 10
    assert outcomes[0].failure.cause == "timeout"


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
