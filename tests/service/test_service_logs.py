"""What steps say in workers: by print, logging, child processes and C code; however much it is, and wherever it goes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.engine.step_log_files import read_step_log
from headwater.model.runs import RunStatus
from tests.service.running import RunningService

SOURCE = '''
import asyncio
import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import headwater as hw

HERE = Path(__file__).parent


@hw.asset
def speaks(context) -> None:
    print("printed")
    print("to stderr", file=sys.stderr)
    logging.getLogger("mine").warning("logged")
    context.log.info("told")
    sys.stdout.buffer.write(b"as bytes\\n")
    sys.stdout.flush()


@hw.asset
def below() -> None:
    os.write(1, b"by the system call\\n")
    os.write(2, b"on the other one\\n")
    subprocess.run(["echo", "by a child"], check=True)
    subprocess.run(["sh", "-c", "echo by a shell > /dev/stderr"], check=True)
    ctypes.CDLL(None).puts(b"by the C library")
    os.write(1, "h\\u00e4lftig".encode()[:2])
    time.sleep(0.2)
    os.write(1, "h\\u00e4lftig\\n".encode()[2:])


@hw.asset
def holds_the_gil() -> None:
    """Write more than a pipe takes while no other thread of this process can run."""
    text = b"x" * 99 + b"\\n"
    write = ctypes.PyDLL(None).write
    assert write(1, text * 5_000, len(text) * 5_000) == len(text) * 5_000
    print("came through")


@hw.asset
def prints_much() -> None:
    line = "y" * 49_999
    for _ in range(20_000):
        print(line)


@hw.asset
def child_prints_much() -> None:
    subprocess.run(f"yes {'z' * 4_999} | head -c 1000000000", shell=True, check=True)


@hw.asset
def closes_stdout() -> None:
    print("before")
    sys.stdout.close()
    os.close(1)
    os.close(2)
    print("after")


@hw.asset
def replaces_stdout() -> None:
    sys.stdout = sys.stderr = None


@hw.asset
def points_elsewhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@hw.asset
def leaves_a_thread() -> None:
    def go_on():
        for _ in range(300):
            time.sleep(0.01)

    threading.Thread(target=go_on).start()
    print("the step is over")


@hw.asset
def leaves_a_child_that_speaks() -> None:
    subprocess.Popen(["sh", "-c", "sleep 0.5; echo of nobody; sleep 600"])
    print("the step is over")


@hw.asset
def is_killed() -> None:
    for number in range(2_000):
        print("line", number)
    (HERE / "killed.pid").write_text(str(os.getpid()))
    time.sleep(600)


@hw.asset
async def one() -> None:
    for number in range(5):
        print("one", number)
        await asyncio.sleep(0.01)


@hw.asset
async def other() -> None:
    for number in range(5):
        print("other", number)
        await asyncio.sleep(0.01)


@hw.asset
def reads_stdin() -> str:
    return sys.stdin.read()


@hw.asset
def fails() -> None:
    print("on the way")
    raise ValueError("there")


defs = hw.Definitions(
    assets=[
        speaks, below, holds_the_gil, prints_much, child_prints_much, closes_stdout, replaces_stdout, points_elsewhere,
        leaves_a_thread, leaves_a_child_that_speaks, is_killed, one, other, reads_stdin, fails,
    ]
)
'''
SETTINGS = "\n[tool.headwater.service]\nworkers = 1\ngrace_seconds = 0.5\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("logs"), SOURCE, SETTINGS) as running:
        yield running


def said(service: RunningService, asset: str, seconds: float = 30, **asked: Any) -> list[tuple[str, str]]:
    """Run an asset; return what it said, with where it said it. It must succeed."""
    run = service.ended(service.launch(selection=asset, **asked), seconds)
    assert run.is_success, run.cause
    return lines(service, run.run_id, asset)


def lines(service: RunningService, run_id: str, step: str) -> list[tuple[str, str]]:
    with service.instance() as instance:
        return [(line.source, line.message) for line in read_step_log(instance.logs_dir, run_id, step)]


def test_what_a_step_prints_and_logs_is_in_its_log(service: RunningService):
    found = said(service, "speaks")
    assert ("stdout", "printed") in found
    assert ("stderr", "to stderr") in found
    assert ("log", "logged") in found
    assert ("log", "told") in found
    assert ("stdout", "as bytes") in found


def test_what_child_processes_and_c_code_write_is_in_the_log_too(service: RunningService):
    found = said(service, "below")
    assert ("stdout", "by the system call") in found
    assert ("stderr", "on the other one") in found
    assert ("stdout", "by a child") in found
    assert ("stderr", "by a shell") in found
    assert ("stdout", "by the C library") in found
    # A letter of two bytes that came in two pieces.
    assert ("stdout", "hälftig") in found


def test_c_code_that_writes_while_it_holds_the_interpreter_does_not_wait_for_it(service: RunningService):
    found = said(service, "holds_the_gil", seconds=10)
    assert sum(message == "x" * 99 for _, message in found) == 5_000
    assert ("stdout", "came through") in found


@pytest.mark.parametrize("asset", ["prints_much", "child_prints_much"])
def test_a_step_that_prints_a_gigabyte_succeeds_and_its_log_is_cut(service: RunningService, asset: str):
    run = service.ended(service.launch(selection=asset), 60)
    assert run.is_success, run.cause
    with service.instance() as instance:
        files = list((Path(instance.logs_dir) / run.run_id).iterdir())
    assert sum(file.stat().st_size for file in files) < 300 << 20
    with files[0].open("rb") as file:
        file.seek(-1_000, os.SEEK_END)
        last = json.loads(file.read().splitlines()[-1])
    assert "what was said after this line was dropped" in last["m"]
    files[0].unlink()


@pytest.mark.parametrize("asset", ["closes_stdout", "replaces_stdout", "points_elsewhere"])
def test_a_step_that_closes_its_stdout_takes_it_from_nobody_else(service: RunningService, asset: str):
    found = said(service, asset)
    if asset == "closes_stdout":
        assert ("stdout", "before") in found
    below = said(service, "below")
    assert ("stdout", "by a child") in below
    assert ("stdout", "printed") in said(service, "speaks")


def test_a_thread_that_a_step_leaves_does_not_hold_it_up(service: RunningService):
    assert said(service, "leaves_a_thread") == [("stdout", "the step is over")]


def test_a_child_that_a_step_leaves_does_not_hold_it_up(service: RunningService):
    found = said(service, "leaves_a_child_that_speaks", seconds=5)
    assert found == [("stdout", "the step is over")]
    service.wait_until(lambda: "of nobody" in service.said.read_text(), "the child to have spoken", 5)


def test_the_log_of_a_step_whose_worker_is_killed_is_whole(service: RunningService):
    run_id = service.launch(selection="is_killed", tags={"headwater/infrastructure_retries": "0"})
    file = service.folder / "killed.pid"
    service.wait_until(file.exists, "the step to have spoken", 10)
    os.kill(int(file.read_text()), signal.SIGKILL)
    assert service.ended(run_id, 10).status is RunStatus.FAILURE
    assert [message for _, message in lines(service, run_id, "is_killed")] == [f"line {n}" for n in range(2_000)]


def test_async_steps_beside_each_other_each_have_their_own_log(service: RunningService):
    run = service.ended(service.launch(selection="one,other"), 10)
    assert run.is_success
    assert lines(service, run.run_id, "one") == [("stdout", f"one {number}") for number in range(5)]
    assert lines(service, run.run_id, "other") == [("stdout", f"other {number}") for number in range(5)]


def test_stdin_is_empty(service: RunningService):
    assert said(service, "reads_stdin") == []


def test_logs_are_shown_by_the_command_line_with_the_error_of_the_step(service: RunningService):
    run_id = service.launch(selection="fails")
    service.ended(run_id, 10)
    assert "on the way" in service.command("run", "logs", run_id)
    assert "there" in service.command("run", "show", run_id)


def test_nobody_heard_anything_that_a_step_said_but_its_log(service: RunningService):
    assert "printed" not in service.said.read_text()
