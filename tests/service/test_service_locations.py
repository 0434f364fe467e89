"""Code locations of a service: several beside each other, broken ones, other Pythons, and code that is imported anew."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.model.errors.service import ServiceError
from headwater.model.runs import RunStatus
from tests.service.running import RunningService

ONE = """
import os, sys, time
from pathlib import Path

import headwater as hw

VERSION = "first"
HERE = Path(__file__).parent


@hw.asset
def made() -> str:
    return f"{VERSION} {sys.executable} {os.environ.get('MARK', '')}"


@hw.asset
def begins() -> str:
    (HERE / "begun").touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return VERSION


@hw.asset
def ends(begins: str) -> str:
    (HERE / f"ended.{begins}.{VERSION}").touch()
    return VERSION


defs = hw.Definitions(assets=[made, begins, ends])
"""
TWO = """
import headwater as hw


@hw.asset
def second() -> int:
    return 2


defs = hw.Definitions(assets=[second])
"""
# A Python whose packages are those of this one, with a difference.
PYTHON = f"""#!/bin/sh
here=$(dirname "$0")
PYTHONPATH="$here/{{folder}}:$PYTHONPATH" MARK={{folder}} exec {sys.executable} "$@"
"""
OTHER_VERSION = """
import headwater

headwater.__version__ = "0.0.1"
"""
WITHOUT_HEADWATER = """
import sys


class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "headwater":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Gone())
"""
SETTINGS = """
[tool.headwater.service]
workers = 1
grace_seconds = 0.5

[[tool.headwater.locations]]
name = "one"
file = "definitions.py"

[[tool.headwater.locations]]
name = "two"
file = "two.py"
python = "own/python"

[[tool.headwater.locations]]
name = "syntax"
file = "syntax.py"

[[tool.headwater.locations]]
name = "exits"
file = "exits.py"

[[tool.headwater.locations]]
name = "older"
file = "two.py"
python = "older/python"

[[tool.headwater.locations]]
name = "bare"
file = "two.py"
python = "bare/python"

[[tool.headwater.locations]]
name = "nowhere"
file = "two.py"
python = "nowhere/python"

[[tool.headwater.locations]]
name = "spawned"
file = "two.py"
spawn_workers = true

[[tool.headwater.locations]]
name = "threads"
file = "threads.py"
max_steps = 1
"""
THREADS = (
    """
import os, threading, time

threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
    + TWO
)


HOLDING = """

@hw.asset
def held() -> None:
    while not os.path.exists("let_go"):
        time.sleep(0.01)


defs = hw.Definitions(assets=[second, held])
"""


def write_python(folder: Path, name: str, customized: str) -> None:
    inner = folder / name / name
    inner.mkdir(parents=True)
    (inner / "sitecustomize.py").write_text(customized)
    python = folder / name / "python"
    python.write_text(PYTHON.format(folder=name))
    python.chmod(0o755)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("locations")
    (folder / "two.py").write_text(TWO)
    (folder / "threads.py").write_text(THREADS + HOLDING)
    (folder / "syntax.py").write_text("import headwater as hw\ndef (:\n")
    (folder / "exits.py").write_text("import os\nos._exit(7)\n")
    write_python(folder, "own", "")
    write_python(folder, "older", OTHER_VERSION)
    write_python(folder, "bare", WITHOUT_HEADWATER)
    running = RunningService(folder, ONE, SETTINGS)
    (folder / "pyproject.toml").write_text(f"[tool.headwater]\n{SETTINGS}")
    with running:
        yield running


def location(service: RunningService, name: str) -> dict[str, Any]:
    return next(each for each in service.described()["locations"] if each["name"] == name)


def problem(service: RunningService, name: str) -> str:
    service.wait_until(lambda: location(service, name)["problem"] is not None, f"{name} to have a problem", 20)
    return str(location(service, name)["problem"])


def reload(service: RunningService, name: str) -> None:
    """Have a location imported anew, and wait until it is, or cannot be."""
    before = location(service, name)
    service.command("worker", "reload", name)
    service.wait_until(lambda: location(service, name) != before, f"{name} to be loaded anew", 20)


@pytest.mark.parametrize("name", ["one", "two", "spawned", "threads"])
def test_each_sound_location_runs_beside_broken_ones(service: RunningService, name: str):
    assert service.ended(service.launch(selection="made" if name == "one" else "second", location=name), 30).is_success


def test_a_location_takes_no_more_steps_than_it_may_and_holds_up_no_other(service: RunningService):
    held = service.launch(selection="held", location="threads")
    service.wait_until(lambda: any(each["steps"] for each in service.described()["workers"]), "the step to run", 20)
    waiting = service.launch(selection="second", location="threads")
    (step,) = service.described()["waiting_steps"]
    assert step["run_id"] == waiting
    assert step["waits_for"] == 'a free place in the code location "threads": 1 of 1 taken'
    assert service.ended(service.launch(selection="second", location="two"), 20).is_success
    (service.folder / "let_go").touch()
    assert service.ended(held, 20).is_success
    assert service.ended(waiting, 20).is_success


def test_a_location_with_a_python_of_its_own_is_run_by_it(service: RunningService):
    pid = location(service, "two")["host_pid"]
    assert b"MARK=own" in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_module_that_does_not_import_says_why(service: RunningService):
    assert "SyntaxError" in problem(service, "syntax")
    with pytest.raises(ServiceError) as refused:
        service.launch(selection="*", location="syntax")
    assert "syntax" in refused.value.what
    assert "SyntaxError" in refused.value.what


def test_a_module_that_ends_its_process_says_so(service: RunningService):
    assert "exit code 7" in problem(service, "exits")


def test_a_python_with_another_release_is_told_of_with_what_to_install(service: RunningService):
    assert 'The environment of the code location "older" has Headwater 0.0.1' in problem(service, "older")


def test_a_python_without_headwater_is_told_of(service: RunningService):
    assert "have Headwater" in problem(service, "bare")


def test_a_python_that_is_not_there_is_told_of(service: RunningService):
    assert "nowhere/python" in problem(service, "nowhere") or "could not be started" in problem(service, "nowhere")


def test_a_launch_must_say_which_location_is_meant(service: RunningService):
    told = service.command("run", "launch", "made", code=2)
    assert "more than one code location" in told
    assert "one, two" in told
    assert 'no code location "thre"' in service.command("run", "launch", "made", "--location", "thre", code=2)


def test_the_command_that_lists_workers_tells_of_broken_locations(service: RunningService):
    told = service.command("worker", "list", code=None)
    assert "two" in told
    described = json.loads(service.command("worker", "list", "--json"))
    assert {each["name"] for each in described["locations"] if not each["is_loaded"]} == {
        "syntax",
        "exits",
        "older",
        "bare",
        "nowhere",
    }


def test_a_location_that_is_not_there_is_not_reloaded(service: RunningService):
    assert "nonesuch" in service.command("worker", "reload", "nonesuch", code=2)


def test_runs_end_with_the_code_with_which_they_began_and_new_ones_have_the_new(service: RunningService):
    began = service.launch(selection="begins,ends", location="one")
    service.wait_until((service.folder / "begun").exists, "the run to begin", 20)
    file = service.folder / "definitions.py"
    file.write_text(ONE.replace('"first"', '"second"'))
    reload(service, "one")
    made = service.ended(service.launch(selection="made", location="one"), 20)
    assert made.is_success
    (service.folder / "go").touch()
    assert service.ended(began, 20).is_success
    assert (service.folder / "ended.first.first").exists()
    assert service.ended(service.launch(selection="begins,ends", location="one"), 20).is_success
    assert (service.folder / "ended.second.second").exists()
    hosts = len(service.hosts)
    service.wait_until(lambda: len(service.hosts) <= hosts, "the old host to end", 10)


def test_code_that_breaks_leaves_the_last_good_in_place_and_shows_the_error(service: RunningService):
    file = service.folder / "two.py"
    file.write_text(TWO + "\nraise RuntimeError('half done')\n")
    reload(service, "two")
    told = location(service, "two")
    assert told["is_loaded"]
    assert "half done" in told["problem"]
    assert service.ended(service.launch(selection="second", location="two"), 20).is_success
    file.write_text(TWO)
    reload(service, "two")
    assert location(service, "two")["problem"] is None


def test_a_broken_location_that_is_mended_is_there_after_a_reload(service: RunningService):
    (service.folder / "syntax.py").write_text(TWO)
    reload(service, "syntax")
    assert service.ended(service.launch(selection="second", location="syntax"), 20).is_success


def test_a_host_that_dies_is_started_again(service: RunningService):
    pid = location(service, "one")["host_pid"]
    os.kill(pid, 9)
    service.wait_until(lambda: location(service, "one")["host_pid"] not in (pid, None), "a new host", 20)
    run = service.ended(service.launch(selection="made", location="one"), 20)
    assert run.status is RunStatus.SUCCESS
