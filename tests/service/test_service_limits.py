"""What a step may not do, and what may happen around it: it is told so where it happens, and the service goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.model.errors.store import RunInProgress
from headwater.model.events import RunFailed, StepFailed
from headwater.model.runs import RunStatus
from headwater.service.control import Cancel
from tests.service.running import RunningService

SOURCE = """
import multiprocessing
import headwater as hw

@hw.asset
def fine() -> int:
    return 1

@hw.asset
def asks_in_a_child(context: hw.AssetExecutionContext) -> None:
    child = multiprocessing.get_context("fork").Process(target=context.instance.get_dynamic_partitions, args=("none",))
    child.start()
    child.join(30)
    assert child.exitcode == 1, child.exitcode

@hw.asset
def ends_its_own_run(context: hw.AssetExecutionContext) -> None:
    context.instance.report_run_failed(context.instance.get_run_by_id(context.run_id), "enough")
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("limits"), SOURCE) as running:
        yield running


def failure_of(service: RunningService, run_id: str) -> str:
    """Return what the step of a run said that failed."""
    failed = next(event for event in service.events(run_id) if isinstance(event, StepFailed))
    assert failed.error is not None
    return failed.error.root.message


def test_a_forked_child_that_asks_the_server_is_told_that_it_cannot(service: RunningService) -> None:
    assert service.ended(service.launch(selection="asks_in_a_child")).status is RunStatus.SUCCESS


def test_a_step_cannot_end_its_run_behind_the_servers_back(service: RunningService) -> None:
    run_id = service.launch(selection="ends_its_own_run")
    assert service.ended(run_id).status is RunStatus.FAILURE
    assert "RunFailed" in failure_of(service, run_id)
    assert sum(isinstance(event, RunFailed) for event in service.events(run_id)) == 1


def test_a_run_that_waits_at_a_service_is_not_deleted_under_it(tmp_path: Path) -> None:
    settings = '[[tool.headwater.tag_limits]]\nkey = "held"\nlimit = 0\nof = "runs"\n'
    with RunningService(tmp_path, SOURCE, settings) as service:
        run_id = service.launch(selection="fine", tags={"held": "yes"})
        with service.instance() as instance, pytest.raises(RunInProgress):
            instance.delete_run(run_id)
        service.ask(Cancel(run_id))
        assert service.ended(run_id).status is RunStatus.CANCELED
        with service.instance() as instance:
            instance.delete_run(run_id)


def test_steps_run_although_the_directory_of_their_location_was_removed(tmp_path: Path) -> None:
    service = RunningService(tmp_path, SOURCE)
    (tmp_path / "code").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.headwater]\n[[tool.headwater.locations]]\nname = "code"\nfile = "../definitions.py"\ndirectory = "code"\n'
    )
    with service.start():
        shutil.rmtree(tmp_path / "code")
        assert service.ended(service.launch(selection="fine")).status is RunStatus.SUCCESS
