"""How a service ends what is to end: canceled runs, time limits, code that does not want to, and what dies by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from headwater.model.events import Event, RunCanceled, StepFailed, StepStarted
from headwater.model.runs import RunStatus
from headwater.service.control import Cancel
from tests.service.running import RunningService

GRACE_SECONDS = 1.0
SOURCE = '''
import asyncio
import ctypes
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import headwater as hw

HERE = Path(__file__).parent


def tell(name, *pids):
    """Say which processes are at work."""
    scratch = HERE / f"{name}.part"
    scratch.write_text(" ".join(map(str, (os.getpid(), *pids))))
    scratch.rename(HERE / f"{name}.pids")


def pids_of(name, count):
    """Wait for grandchildren to have said who they are."""
    while len(found := sorted(HERE.glob(f"{name}.*.child"))) < count or not all(each.read_text() for each in found):
        time.sleep(0.01)
    return [int(each.read_text()) for each in found]


CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
name, here = sys.argv[1:3]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(f"{here}/{name}.inner.child", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
open(f"{here}/{name}.outer.child", "w").write(str(os.getpid()))
time.sleep(600)
"""


def behave(name, kind):
    if kind == "polite":
        tell(name)
        time.sleep(600)
    elif kind == "ignores_term":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        tell(name)
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
    elif kind == "holds_gil":
        tell(name)
        sum(itertools.repeat(1))  # a loop in C that looks at no signal
    elif kind == "waits_in_c":
        tell(name)
        while True:
            ctypes.PyDLL(None).sleep(600)
    elif kind == "grandchildren":
        environment = {key: value for key, value in os.environ.items() if key == "PATH"}
        subprocess.Popen([sys.executable, "-c", CHILD, name, str(HERE)], env=environment, start_new_session=True)
        tell(name, *pids_of(name, 2))
        time.sleep(600)


KINDS = ["polite", "ignores_term", "holds_gil", "waits_in_c", "grandchildren"]


def misbehaving(kind, timeout):
    name = f"{kind}_limited" if timeout else kind

    @hw.asset(name=name, timeout=timeout)
    def step() -> None:
        behave(name, kind)

    return step


@hw.asset
async def waits_async() -> None:
    tell("waits_async")
    await asyncio.sleep(600)


@hw.asset
async def waits_beside() -> int:
    await asyncio.sleep(1.0)
    return os.getpid()


@hw.asset
def tidy(context, cleaned) -> None:
    tell("tidy")
    time.sleep(600)


@hw.resource
def cleaned():
    try:
        yield "in use"
    finally:
        (HERE / "cleaned").touch()


@hw.asset(required_resource_keys={"cleaned"})
def uses_resource() -> None:
    tell("uses_resource")
    time.sleep(600)


@hw.asset(tags={"headwater/infrastructure": "no"})
def exits() -> None:
    with (HERE / "exits").open("a") as said:
        said.write("x")
    os._exit(3)


@hw.asset
def dies_once() -> int:
    if not (HERE / "died").exists():
        (HERE / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@hw.asset
def segfaults() -> None:
    ctypes.string_at(0)


@hw.failure_hook
def mourn(context):
    (HERE / "mourned").touch()


@hw.op
def lost():
    os.kill(os.getpid(), signal.SIGKILL)


@hw.job(hooks={mourn}, tags={"headwater/infrastructure_retries": "0"})
def loses():
    lost()


@hw.op
def forks():
    """Go on in two processes, as code does that forgets to end its child."""
    pid = os.fork()
    (HERE / f"forked.{'parent' if pid else 'child'}").write_text(str(pid or os.getpid()))
    return 1


@hw.job
def forking():
    forks()


@hw.op
def leaves_behind():
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (HERE / "left").write_text(str(child.pid))


@hw.job
def leaving():
    leaves_behind()


@hw.asset
def fine() -> int:
    return os.getpid()


defs = hw.Definitions(
    assets=[
        *[misbehaving(kind, timeout) for kind in KINDS for timeout in (None, 0.5)],
        waits_async, waits_beside, uses_resource, exits, dies_once, segfaults, fine,
    ],
    jobs=[loses, forking, leaving],
    resources={"cleaned": cleaned},
)
'''
SETTINGS = f"""
[tool.headwater.service]
workers = 3
grace_seconds = {GRACE_SECONDS}
"""
KINDS = ["polite", "ignores_term", "holds_gil", "waits_in_c", "grandchildren"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("endings"), SOURCE, SETTINGS) as running:
        yield running


def pids_at_work(service: RunningService, name: str) -> list[int]:
    """Wait until a step has said which processes it is; return them, and let it say so anew."""
    file: Path = service.folder / f"{name}.pids"
    service.wait_until(file.exists, f"{name} to be at work", 20)
    pids = [int(word) for word in file.read_text().split()]
    file.unlink()
    for child in service.folder.glob(f"{name}.*.child"):
        child.unlink()
    return pids


def is_there(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def seconds_until_gone(service: RunningService, pids: Sequence[int], since: float) -> float:
    service.wait_until(lambda: not any(map(is_there, pids)), f"{pids} to be gone", 20)
    return time.monotonic() - since


def failures(events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, StepFailed)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_canceled_step_is_gone_with_all_it_started_within_the_grace_period(service: RunningService, kind: str):
    run_id = service.launch(selection=kind)
    pids = pids_at_work(service, kind)
    assert len(pids) == (3 if kind == "grandchildren" else 1)
    canceled_at = time.monotonic()
    service.ask(Cancel(run_id, "enough"))
    took = seconds_until_gone(service, pids, canceled_at)
    print(f"{kind}: gone {took:.2f} s after the cancel")
    assert took < GRACE_SECONDS + 1.0
    run = service.ended(run_id, 5)
    assert run.status is RunStatus.CANCELED
    events = service.events(run_id)
    assert [event.cause for event in failures(events)] == ["canceled"]
    assert sum(isinstance(event, RunCanceled) for event in events) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_over_its_time_limit_is_gone_within_the_grace_period(service: RunningService, kind: str):
    name = f"{kind}_limited"
    run_id = service.launch(selection=name)
    pids = pids_at_work(service, name)
    run = service.ended(run_id, 20)
    assert not any(map(is_there, pids[1:]))
    assert run.status is RunStatus.FAILURE
    events = service.events(run_id)
    (failed,) = failures(events)
    assert failed.cause == "timeout"
    started = next(event for event in events if isinstance(event, StepStarted))
    took = failed.timestamp - started.timestamp - 0.5
    print(f"{kind}: over {took:.2f} s after the time limit")
    assert took < GRACE_SECONDS + 1.0
    if kind in ("ignores_term", "holds_gil"):
        seconds_until_gone(service, pids, 0.0)


def test_a_canceled_async_step_leaves_the_others_of_its_worker_alone(service: RunningService):
    beside = service.launch(selection="waits_beside")
    run_id = service.launch(selection="waits_async")
    (pid,) = pids_at_work(service, "waits_async")
    service.ask(Cancel(run_id, "enough"))
    assert service.ended(run_id, 5).status is RunStatus.CANCELED
    assert service.ended(beside, 10).is_success
    assert [event.cause for event in failures(service.events(run_id))] == ["canceled"]
    assert is_there(pid)


def test_resources_of_a_canceled_step_are_torn_down(service: RunningService):
    run_id = service.launch(selection="uses_resource")
    pids = pids_at_work(service, "uses_resource")
    service.ask(Cancel(run_id, "enough"))
    assert service.ended(run_id, 5).status is RunStatus.CANCELED
    seconds_until_gone(service, pids, 0.0)
    assert (service.folder / "cleaned").exists()


def test_a_step_whose_process_dies_is_tried_again_from_the_budget_of_lost_attempts(service: RunningService):
    run = service.ended(service.launch(selection="dies_once"), 20)
    assert run.is_success
    (failed,) = failures(service.events(run.run_id))
    assert failed.cause == "lost"
    assert "SIGKILL" in failed.error.message


@pytest.mark.parametrize(("asset", "word"), [("exits", "exit code 3"), ("segfaults", "SIGSEGV")])
def test_a_step_that_ends_its_process_each_time_fails_with_what_ended_it(
    service: RunningService, asset: str, word: str
):
    run = service.ended(service.launch(selection=asset, tags={"headwater/infrastructure_retries": "1"}), 20)
    assert run.status is RunStatus.FAILURE
    found = failures(service.events(run.run_id))
    assert [event.cause for event in found] == ["lost", "lost"]
    assert word in found[-1].error.message


def test_failure_hooks_run_where_the_step_ran_so_not_for_one_whose_process_is_gone(service: RunningService):
    assert service.ended(service.launch(job_name="loses"), 20).status is RunStatus.FAILURE
    assert not (service.folder / "mourned").exists()


def test_a_child_that_a_step_forked_and_forgot_says_nothing_and_ends(service: RunningService):
    run = service.ended(service.launch(job_name="forking"), 20)
    assert run.is_success
    assert len(service.events(run.run_id)) == len({repr(event) for event in service.events(run.run_id)})
    pid = int((service.folder / "forked.parent").read_text())
    service.wait_until(lambda: not is_there(pid), "the forked child to be gone", 5)


def test_what_a_step_leaves_behind_does_not_hold_up_its_run_and_ends_with_the_worker(service: RunningService):
    run = service.ended(service.launch(job_name="leaving"), 10)
    assert run.is_success
    pid = int((service.folder / "left").read_text())
    assert is_there(pid)
    for worker in service.workers:
        os.kill(worker, signal.SIGKILL)
    seconds_until_gone(service, [pid], 0.0)
    assert service.ended(service.launch(selection="fine"), 20).is_success
