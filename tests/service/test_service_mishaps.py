"""What a service does when the world is not as it should be: full disks, wrong settings, stopped servers, unfit values."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.model.errors.root import HeadwaterError
from headwater.model.errors.service import ServiceError, ServiceNotRunning
from headwater.model.events import AssetMaterialized, StepFailed
from headwater.model.runs import RunStatus
from headwater.runtime.project import find_definitions, find_settings
from headwater.service.control import FACTS_FILE, Describe, ServiceClient, find_service, socket_path
from headwater.service.options import _LOCATION, _SERVICE, _TAG_LIMIT, options_from
from tests.docs.code_blocks import blocks_of
from tests.service.running import RunningService

SOURCE = """
import os, time
from pathlib import Path

import headwater as hw

HERE = Path(__file__).parent


@hw.asset
def small() -> int:
    return 1


@hw.asset
def unserializable():
    return (number for number in range(3)).__iter__, lambda: 1, open(__file__)


@hw.asset
def large_metadata() -> hw.MaterializeResult:
    return hw.MaterializeResult(metadata={"text": "x" * (70 << 20)})


@hw.asset
def asks_too_much(context) -> str:
    try:
        context.instance.add_dynamic_partitions("big", ["x" * (70 << 20)])
    except Exception as error:
        return type(error).__name__
    return "it was taken"


@hw.asset
def hears_too_much(context) -> str:
    for number in range(2):
        context.instance.add_dynamic_partitions("large", [f"{number}{'x' * (34 << 20)}"])
    try:
        context.instance.get_dynamic_partitions("large")
    except Exception as error:
        return str(error)
    return "it was given"


@hw.asset
def waits() -> int:
    (HERE / "begun").touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return 5


@hw.asset(partitions_def=hw.StaticPartitionsDefinition([f"p{number}" for number in range(50)]))
def part(context) -> hw.MaterializeResult:
    return hw.MaterializeResult(metadata={"text": "y" * 20_000})


@hw.asset
def unsound_output() -> hw.MaterializeResult:
    class Odd:
        pass

    return hw.MaterializeResult(metadata={"odd": Odd()})


defs = hw.Definitions(assets=[small, unserializable, large_metadata, asks_too_much, hears_too_much, waits, part, unsound_output])
"""
SETTINGS = "\n[tool.headwater.service]\nworkers = 2\ngrace_seconds = 0.5\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("mishaps"), SOURCE, SETTINGS) as running:
        yield running


def failure_of(service: RunningService, asset: str) -> str:
    """Return what the one failed attempt of an asset says."""
    run = service.ended(service.launch(selection=asset), 30)
    assert run.status is RunStatus.FAILURE
    (failed,) = [event for event in service.events(run.run_id) if isinstance(event, StepFailed)]
    assert failed.cause == "user"
    return f"{failed.error.class_name}: {failed.error.message}" if failed.error is not None else ""


# ------------------------------------------------------------------------------------------------------- unfit values


def test_a_value_that_cannot_be_stored_fails_its_step_and_says_why(service: RunningService):
    assert "pickle" in failure_of(service, "unserializable")
    assert service.ended(service.launch(selection="small"), 10).is_success


def test_metadata_of_no_kind_fails_its_step(service: RunningService):
    assert "odd" in failure_of(service, "unsound_output")


def test_a_fact_that_is_too_large_fails_its_step_and_not_its_worker(service: RunningService):
    workers = set(service.workers)
    assert "EventTooLarge" in failure_of(service, "large_metadata")
    assert workers & set(service.workers)


def test_a_question_that_is_too_large_is_an_error_where_it_was_asked(service: RunningService):
    run = service.ended(service.launch(selection="asks_too_much,hears_too_much"), 30)
    assert run.is_success, run.cause
    found = find_definitions(file=service.folder / "definitions.py").definitions
    with service.instance() as instance:
        assert found.load_asset_value("asks_too_much", instance=instance) == "MessageTooLarge"
        assert "64 MiB is the most" in found.load_asset_value("hears_too_much", instance=instance)


# ------------------------------------------------------------------------------------------- services that are not there


def test_a_second_service_for_the_same_state_is_refused(service: RunningService):
    told = service.command("serve", code=2)
    assert f"process {service.process.pid}" in told
    assert service.ended(service.launch(selection="small"), 10).is_success


def test_what_needs_a_service_says_how_to_start_one(tmp_path: Path):
    alone = RunningService(tmp_path, SOURCE)
    for command in (("run", "launch", "small"), ("queue",), ("worker", "list"), ("worker", "reload")):
        told = alone.command(*command, code=2)
        assert "No service runs for" in told
        assert "headwater serve" in told
        assert "FileNotFoundError" not in told
    document = alone.command("queue", "--json", code=2)
    assert json.loads(document[: document.rindex("}") + 1])["error"]["code"] == "service-not-running"


def test_what_a_killed_service_has_left_does_not_pass_for_one(tmp_path: Path):
    service = RunningService(tmp_path, SOURCE, SETTINGS).start()
    service.kill()
    assert (service.home / FACTS_FILE).exists()
    assert find_service(service.home) is None
    with pytest.raises(ServiceNotRunning):
        ServiceClient(service.home)
    # What can be done without one is done without one.
    service.command("materialize", "small")
    with service.start():
        assert service.ended(service.launch(selection="small"), 20).is_success
    (service.home / FACTS_FILE).write_text("not json")
    assert find_service(service.home) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[tool.headwater.service]\nworker = 3\n", ("service.worker", 'Did you mean "service.workers"')),
        ("[tool.headwater.service]\nworkers = 0\n", ("workers", "at least 1")),
        ('[tool.headwater.service]\nresume = "no"\n', ("resume", "true or false")),
        ("[tool.headwater.service]\nshare_by = 3\n", ("share_by", "text")),
        ("[tool.headwater.service]\ngrace_seconds = -1\n", ("grace_seconds", "not negative")),
        ("[tool.headwater.pools]\ndb = -1\n", ("db", "at least 0")),
        ("pools = 3\n", ("pools", "a table")),
        ('[[tool.headwater.tag_limits]]\nkey = "team"\nof = "jobs"\n', ("tag_limits", "runs")),
        ('[[tool.headwater.locations]]\nname = "a"\n', ("locations", "a module or a file")),
        ('[[tool.headwater.locations]]\nmodule = "a"\n[[tool.headwater.locations]]\nmodule = "a"\n', ("another name",)),
        ('locations = ["a"]\n', ("[[tool.headwater.locations]]",)),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_starts(tmp_path: Path, settings: str, words: tuple[str, ...]):
    RunningService(tmp_path, SOURCE, settings)
    with pytest.raises(HeadwaterError) as refused:
        options_from(find_settings(start=tmp_path))
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_the_settings_that_the_page_shows_are_settings(tmp_path: Path):
    page = Path(__file__).parents[2] / "docs" / "service.md"
    shown = [block for block in blocks_of(page) if block.language == "toml"]
    assert len(shown) == 3
    for number, block in enumerate(shown):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "pyproject.toml").write_text(block.text)
        assert options_from(find_settings(start=folder)).locations
    documented = set(re.findall(r"`(\w+)`", page.read_text()))
    assert documented >= {*_SERVICE, *_LOCATION, *_TAG_LIMIT} - {"key", "limit", "name", "module", "file"}


def test_a_wrong_setting_ends_the_command_with_words(tmp_path: Path):
    service = RunningService(tmp_path, SOURCE, "[tool.headwater.service]\nworker = 3\n")
    assert 'Did you mean "service.workers"' in service.command("serve", code=2)


def test_a_folder_whose_path_is_too_long_for_a_socket_is_served_all_the_same(tmp_path: Path):
    folder = tmp_path / ("ä" * 60) / "deep"
    with RunningService(folder, SOURCE, SETTINGS) as service:
        assert len(os.fsencode(service.home / "service.sock")) > 107
        path = socket_path(service.home)
        assert len(os.fsencode(path)) <= 107
        assert path.exists()
        assert path.stat().st_mode & 0o777 == 0o600
        assert service.ended(service.launch(selection="small"), 20).is_success
    assert not path.exists()


def test_only_its_user_can_speak_to_a_service(service: RunningService):
    assert socket_path(service.home).stat().st_mode & 0o777 == 0o600


def test_a_server_that_is_stopped_is_told_of_and_goes_on_when_it_is_continued(service: RunningService):
    assert service.process is not None
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        with ServiceClient(service.home) as client, pytest.raises(ServiceError) as refused:
            client.ask(Describe(), timeout_seconds=0.3)
        assert f"kill -CONT {service.process.pid}" in refused.value.fix
    finally:
        os.kill(service.process.pid, signal.SIGCONT)
    assert service.ended(service.launch(selection="small"), 20).is_success


def test_a_client_that_speaks_nonsense_disturbs_nobody(service: RunningService):
    import socket

    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x03abc", b"\xff" * 100):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(socket_path(service.home)))
            connection.sendall(data)
            connection.settimeout(0.5)
            with contextlib.suppress(OSError):
                connection.recv(1_000)
    assert service.ended(service.launch(selection="small"), 20).is_success


def test_a_client_that_leaves_before_its_answer_disturbs_nobody(service: RunningService):
    from headwater.service.control import Launch
    from headwater.service.protocol import LaunchRequest, encode

    client = ServiceClient(service.home)
    client._connection.sendall(encode(Launch(LaunchRequest("", selection="small"))))  # type: ignore[arg-type]
    client.close()
    assert service.ended(service.launch(selection="small"), 20).is_success


# ------------------------------------------------------------------------------------------------------------ full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that 8 MB fill."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs to mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_server_whose_disk_is_full_ends_with_words_and_goes_on_when_there_is_room(tmp_path: Path, small_disk: Path):
    service = RunningService(tmp_path / "project", SOURCE, f'home = "{small_disk}/state"\n{SETTINGS}')
    service.home = small_disk / "state"
    service.start()
    waiting = service.launch(selection="waits")
    service.wait_until((service.folder / "begun").exists, "the step to run", 20)
    with (small_disk / "filler").open("wb") as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"\0" * 65536)
            filler.flush()
    launched = []
    for number in range(50):
        with contextlib.suppress(ServiceError):
            launched.append(service.launch(selection="part", partition_key=f"p{number}"))
    (service.folder / "go").touch()
    assert service.process is not None
    assert service.process.wait(timeout=30) == 4
    said = service.said.read_text()
    assert "full" in said
    assert "Traceback" not in said
    (small_disk / "filler").unlink()
    (service.folder / "begun").unlink()
    with service.start():
        run = service.ended(waiting, 30)
        assert run.is_success, run.cause
        made = [event for event in service.events(waiting) if isinstance(event, AssetMaterialized)]
        assert len(made) == 1
        for run_id in launched:
            assert service.ended(run_id, 30).is_finished
        assert service.ended(service.launch(selection="small"), 20).is_success


def test_a_state_that_cannot_be_written_keeps_the_service_from_starting(tmp_path: Path):
    (tmp_path / ".headwater").write_text("a file where the folder should be")
    service = RunningService(tmp_path, SOURCE, SETTINGS)
    began = time.monotonic()
    assert ".headwater" in service.command("serve", code=4)
    assert time.monotonic() - began < 20
