"""Commands beside a running service: what they hand to it, what they do themselves, and what they say of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from headwater.model.errors.service import ServiceError
from headwater.model.runs import RunStatus
from tests.service.running import COMMAND, RunningService

SOURCE = """
import os, time
from pathlib import Path

import headwater as hw

HERE = Path(__file__).parent


@hw.asset(group_name="plain")
def first() -> int:
    (HERE / "ran_in").write_text(str(os.getppid()))
    print("first speaks")
    return 1


@hw.asset(group_name="plain")
def second(first: int) -> int:
    return first + 1


@hw.asset
def long() -> None:
    (HERE / "long.pid").write_text(str(os.getpid()))
    time.sleep(600)


@hw.asset
def fails() -> None:
    raise ValueError("as it should")


@hw.asset_check(asset=first)
def is_one(first: int) -> bool:
    return first == 1


@hw.asset(partitions_def=hw.StaticPartitionsDefinition(["n", "s"]))
def region(context) -> str:
    return context.partition_key


@hw.op
def greets(context):
    context.log.info("hello")


@hw.job
def greeting():
    greets()


defs = hw.Definitions(assets=[first, second, long, fails, region], asset_checks=[is_one], jobs=[greeting])
"""
SETTINGS = "\n[tool.headwater.service]\nworkers = 2\ngrace_seconds = 0.5\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("commands"), SOURCE, SETTINGS) as running:
        yield running


def parent_of_step(service: RunningService) -> int:
    return int((service.folder / "ran_in").read_text())


def test_materialize_goes_to_the_service_and_shows_what_happens(service: RunningService):
    told = json.loads(service.command("materialize", "+second", "--json"))
    assert told["run"]["status"] == "succeeded" if "run" in told else told["status"] == "succeeded"
    assert parent_of_step(service) in service.hosts


def test_materialize_here_does_it_in_its_own_process(service: RunningService):
    service.command("materialize", "first", "--here")
    assert parent_of_step(service) == os.getpid()


def test_jobs_and_checks_go_to_the_service_too(service: RunningService):
    service.command("job", "execute", "greeting")
    service.command("check", "first")
    service.command("materialize", "region", "--partition", "n")
    with service.instance() as instance:
        runs = instance.store.runs(limit=3)
    assert all(run.is_success for run in runs)


def test_a_run_that_fails_ends_the_command_that_watches_it_with_1(service: RunningService):
    assert "as it should" in service.command("materialize", "fails", code=1)
    assert "as it should" in service.command("run", "launch", "fails", "--wait", code=1)


def test_launch_prints_the_id_of_the_run_and_watch_shows_it(service: RunningService):
    run_id = service.command("run", "launch", "+second").strip()
    assert len(run_id) == 36
    service.command("run", "watch", run_id)
    assert service.run(run_id).is_success


def test_a_launch_that_cannot_be_meant_is_refused_with_the_nearest_name(service: RunningService):
    told = service.command("run", "launch", "secnd", code=2)
    assert "second" in told
    assert "greeting" in service.command("run", "launch", "--job", "greting", code=2)
    assert '"x"' in service.command("run", "launch", "region", "--partition", "x", code=2)


@pytest.mark.parametrize("command", [("materialize", "long"), ("run", "launch", "long", "--wait")])
def test_ctrl_c_of_a_command_that_watches(service: RunningService, command: tuple[str, ...]):
    """Whoever launched with `materialize` stops the run with it; `run launch --wait` only looks on."""
    file = service.folder / "long.pid"
    file.unlink(missing_ok=True)
    watching = subprocess.Popen(
        [*COMMAND, *command],
        cwd=service.folder,
        env=service.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    service.wait_until(file.exists, "the step to run", 20)
    with service.instance() as instance:
        run_id = instance.store.runs(limit=1)[0].run_id
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=20)
    assert watching.returncode in (130, -signal.SIGINT)
    if command[0] == "run":
        assert not service.run(run_id).is_finished
        service.command("run", "cancel", run_id)
    assert service.ended(run_id, 10).status is RunStatus.CANCELED


def test_what_has_ended_is_not_canceled_again(service: RunningService):
    run_id = service.command("run", "launch", "first").strip()
    service.ended(run_id)
    assert "ended already" in service.command("run", "cancel", run_id, code=2)


def test_a_run_of_another_process_is_not_the_services_to_cancel(service: RunningService):
    file = service.folder / "long.pid"
    file.unlink(missing_ok=True)
    here = subprocess.Popen(
        [*COMMAND, "materialize", "long", "--here"],
        cwd=service.folder,
        env=service.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    service.wait_until(file.exists, "the step to run", 20)
    with service.instance() as instance:
        run_id = instance.store.runs(limit=1)[0].run_id
    assert "not running here" in service.command("run", "cancel", run_id, code=2)
    here.send_signal(signal.SIGINT)
    here.communicate(timeout=20)
    assert service.run(run_id).status is RunStatus.CANCELED


def test_assets_that_the_service_does_not_know_are_refused(service: RunningService):
    with pytest.raises(ServiceError, match="elsewhere"):
        service.launch(asset_keys=("elsewhere",))


def test_definitions_of_another_file_are_made_here(service: RunningService):
    (service.folder / "other.py").write_text(
        "import headwater as hw\n\n@hw.asset\ndef elsewhere() -> int:\n    return 3\n"
    )
    done = subprocess.run(
        [*COMMAND, "materialize", "elsewhere", "-f", "other.py"],
        cwd=service.folder,
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "made in this process" in done.stderr
    assert "elsewhere" in done.stdout
