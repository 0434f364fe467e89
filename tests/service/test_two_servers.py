"""Several servers share one PostgreSQL: each run belongs to one of them, and another takes over what it leaves behind."""

from __future__ import annotations

import time
from pathlib import Path

from headwater.model.events import AssetMaterialized, RunResumed
from headwater.model.runs import RunStatus
from headwater.service.control import Cancel
from tests.service.running import RunningService

SOURCE = """
import time
import headwater as hw

@hw.asset
def first() -> int:
    return 1

@hw.asset
def second(first: int) -> int:
    time.sleep(1.5)
    return first + 1

@hw.asset
def third(second: int) -> int:
    return second + 1

@hw.op
def forever():
    time.sleep(600)

@hw.job
def endless():
    forever()
"""


def test_a_run_of_a_server_that_died_is_taken_over_by_another(tmp_path: Path, postgres_url: str) -> None:
    settings = f'storage = "{tmp_path / "values"}"\n'
    environment = {"HEADWATER_DATABASE": postgres_url}
    one = RunningService(tmp_path / "one", SOURCE, settings, environment)
    other = RunningService(tmp_path / "other", SOURCE, settings, environment)
    with one, other:
        run_id = one.launch(selection="first second third")
        one.wait_until(lambda: any(event.step_key == "second" for event in one.events(run_id)), "the second step")
        one.kill()

        def is_done() -> bool:
            return other.run(run_id).status is RunStatus.SUCCESS

        other.wait_until(is_done, "the other server to finish the run", 40)
        events = other.events(run_id)
        made = [event.asset for event in events if isinstance(event, AssetMaterialized)]
        assert sorted(made) == ["first", "second", "third"]
        assert any(isinstance(event, RunResumed) for event in events)


def test_a_run_is_canceled_through_a_server_that_does_not_carry_it_out(tmp_path: Path, postgres_url: str) -> None:
    environment = {"HEADWATER_DATABASE": postgres_url}
    one = RunningService(tmp_path / "one", SOURCE, "", environment)
    other = RunningService(tmp_path / "other", SOURCE, "", environment)
    with one, other:
        run_id = one.launch(job_name="endless")
        one.wait_until(lambda: any(event.step_key == "forever" for event in one.events(run_id)), "the step to start")
        began = time.monotonic()
        other.ask(Cancel(run_id, "asked of the other one"))
        run = one.ended(run_id)
        assert run.status is RunStatus.CANCELED
        assert time.monotonic() - began < 20
