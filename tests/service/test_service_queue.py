"""What waits at a service and why: priorities, pools, slots, limits of tags, locations and runs; and what is told of it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.model.errors.service import ServiceError
from headwater.model.events import StepStarted
from headwater.model.runs import RunStatus
from headwater.service.control import Cancel, SetLimits
from tests.service.running import RunningService

SOURCE = '''
import time
from pathlib import Path

import headwater as hw

HERE = Path(__file__).parent


def hold(name):
    """Go on until the test says that it is enough."""
    while not (HERE / f"{name}.enough").exists():
        time.sleep(0.005)
    (HERE / f"{name}.enough").unlink()


def holding(name, **given):
    @hw.asset(name=name, **given)
    def step() -> None:
        hold(name)

    return step


def quick(name, **given):
    @hw.asset(name=name, **given)
    def step() -> None: ...

    return step


retried = hw.RetryPolicy(max_retries=1, delay=30)


@hw.asset(retry_policy=retried)
def comes_back() -> None:
    raise ValueError("again")


defs = hw.Definitions(
    assets=[
        holding("a"), holding("b"), holding("c"), quick("free"),
        holding("in_pool", pool="narrow"), quick("in_pool_too", pool="narrow"),
        holding("heavy", pool="wide", op_tags={"headwater/slots": "2"}),
        quick("heavier", pool="wide", op_tags={"headwater/slots": "3"}),
        quick("light", pool="wide"),
        holding("loud", op_tags={"noise": "high"}), quick("loud_too", op_tags={"noise": "high"}),
        quick("low"), quick("high"), quick("claimed"), comes_back,
        hw.AssetSpec("unbuilt"),
    ],
)
'''
SETTINGS = """
[tool.headwater.service]
workers = 3
max_runs = 4
grace_seconds = 0.5
[tool.headwater.pools]
narrow = 1
wide = 3
[[tool.headwater.tag_limits]]
key = "team"
limit = 1
each_value = true
[[tool.headwater.tag_limits]]
key = "noise"
value = "high"
limit = 1
of = "steps"
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("queue"), SOURCE, SETTINGS) as running:
        yield running


@pytest.fixture
def service(shared: RunningService) -> Iterator[RunningService]:
    """The service, with nothing left to do afterwards."""
    yield shared
    told = shared.described()
    for run_id in {step["run_id"] for worker in told["workers"] for step in worker["steps"]} | {
        waiting["run_id"] for key in ("waiting_runs", "waiting_steps", "delayed_steps") for waiting in told[key]
    }:
        with contextlib.suppress(ServiceError):  # it may have ended by now
            shared.ask(Cancel(run_id))
        shared.ended(run_id, 10)
    for file in shared.folder.glob("*.enough"):
        file.unlink()


def start(service: RunningService, asset: str, **asked: Any) -> str:
    """Launch a run and wait for its step to run."""
    run_id = service.launch(selection=asset, **asked)

    def runs() -> bool:
        steps = [step for worker in service.described()["workers"] for step in worker["steps"]]
        return any(step["run_id"] == run_id for step in steps)

    service.wait_until(runs, f"{asset} to run", 20)
    return run_id


def enough(service: RunningService, asset: str) -> None:
    (service.folder / f"{asset}.enough").touch()


def reason(service: RunningService, run_id: str) -> str:
    """Return what a run, or its one step, waits for."""
    found: list[str] = []

    def waits() -> bool:
        told = json.loads(service.command("queue", "--json"))
        found[:] = [
            each["waits_for"]
            for key in ("waiting_runs", "waiting_steps")
            for each in told[key]
            if each["run_id"] == run_id
        ]
        return bool(found)

    service.wait_until(waits, f"{run_id} to wait", 20)
    return found[0]


def test_a_full_pool_holds_up_its_own_alone_and_says_so(service: RunningService):
    holder = start(service, "in_pool")
    waiting = service.launch(selection="in_pool_too")
    assert reason(service, waiting) == 'a slot of the pool "narrow": 1 of 1 taken'
    assert service.ended(service.launch(selection="free"), 10).is_success
    enough(service, "in_pool")
    assert service.ended(waiting, 10).is_success
    assert service.ended(holder, 10).is_success


def test_a_freed_slot_is_handed_over_at_once(service: RunningService):
    holder = start(service, "in_pool")
    waiting = service.launch(selection="in_pool_too")
    enough(service, "in_pool")
    assert service.ended(waiting, 10).is_success
    ended = service.ended(holder, 10).ended_at or 0.0
    started = next(event.timestamp for event in service.events(waiting) if isinstance(event, StepStarted))
    assert started - ended < 0.2


def test_a_step_that_weighs_several_slots_waits_for_all_of_them(service: RunningService):
    start(service, "heavy")
    waiting = service.launch(selection="heavier")
    assert reason(service, waiting) == 'a slot of the pool "wide": 2 of 3 taken, 3 needed'
    light = service.launch(selection="light")
    # The one slot that is left is kept, or the heavier one would never come.
    assert "kept" in reason(service, light)
    enough(service, "heavy")
    assert service.ended(waiting, 10).is_success
    assert service.ended(light, 10).is_success


def test_steps_with_a_tag_are_limited(service: RunningService):
    start(service, "loud")
    waiting = service.launch(selection="loud_too")
    assert reason(service, waiting) == "the limit of the tag noise=high: 1 of 1 taken"
    enough(service, "loud")
    assert service.ended(waiting, 10).is_success


def test_runs_with_the_same_value_of_a_tag_are_limited(service: RunningService):
    start(service, "a", tags={"team": "red"})
    same = service.launch(selection="free", tags={"team": "red"})
    assert reason(service, same) == "the limit of the tag team=red: 1 of 1 taken"
    assert service.run(same).status is RunStatus.QUEUED
    assert service.ended(service.launch(selection="free", tags={"team": "blue"}), 10).is_success
    enough(service, "a")
    assert service.ended(same, 10).is_success


def test_when_all_workers_are_busy_the_highest_priority_goes_first(service: RunningService):
    for asset in ("a", "b", "c"):
        start(service, asset)
    low = service.launch(selection="low", tags={"headwater/priority": "-1"})
    assert reason(service, low) == "a free worker"
    with_priority = service.command("run", "launch", "high", "--priority", "5").strip()
    # No more than four runs go on at a time.
    assert reason(service, with_priority) == "a free place: 4 of 4 taken in all"
    service.ask(Cancel(low))
    assert service.ended(low, 10).status is RunStatus.CANCELED
    again = service.launch(selection="low", tags={"dagster/priority": "-1"})
    for asset in ("a", "b", "c"):
        enough(service, asset)
    assert service.ended(with_priority, 10).is_success
    assert service.ended(again, 10).is_success
    first, second = (
        next(event.timestamp for event in service.events(run_id) if isinstance(event, StepStarted))
        for run_id in (with_priority, again)
    )
    assert first < second


def test_a_run_that_waits_in_the_queue_is_canceled_there(service: RunningService):
    start(service, "a", tags={"team": "red"})
    queued = service.launch(selection="free", tags={"team": "red"})
    assert service.run(queued).status is RunStatus.QUEUED
    service.command("run", "cancel", queued)
    run = service.ended(queued, 5)
    assert run.status is RunStatus.CANCELED
    assert not any(isinstance(event, StepStarted) for event in service.events(queued))
    assert json.loads(service.command("queue", "--json"))["waiting_runs"] == []


def test_one_run_at_a_time_builds_an_asset_and_the_other_says_which_it_waits_for(service: RunningService):
    builder = start(service, "a")
    waiting = service.launch(selection="a")
    assert reason(service, waiting) == f"run {builder[:8]}, which builds the same"
    enough(service, "a")
    assert service.ended(builder, 10).is_success
    enough(service, "a")
    assert service.ended(waiting, 10).is_success


def test_a_step_that_will_be_tried_again_says_when(service: RunningService):
    service.launch(selection="comes_back")

    def delayed() -> list[dict[str, Any]]:
        return list(service.described()["delayed_steps"])

    service.wait_until(lambda: bool(delayed()), "the retry to be planned", 10)
    (step,) = delayed()
    assert step["attempt"] == 2
    assert 20 < step["starts_in_seconds"] <= 30
    assert "its retry in" in service.command("queue")


def test_a_limit_that_is_raised_while_the_service_runs_lets_more_start(service: RunningService):
    holder = start(service, "in_pool")
    waiting = service.launch(selection="in_pool_too")
    reason(service, waiting)
    service.ask(SetLimits({"narrow": 2}))
    assert service.ended(waiting, 10).is_success
    assert not service.run(holder).is_finished
    service.ask(SetLimits({"narrow": 1}))


def test_the_queue_and_the_workers_are_told_of_in_words(service: RunningService):
    assert "Nothing runs, and nothing waits." in service.command("queue")
    start(service, "in_pool")
    service.launch(selection="in_pool_too")
    told = service.command("queue")
    assert 'a slot of the pool "narrow"' in told
    assert "narrow" in told.split("Pools")[1]
    workers = service.command("worker", "list")
    assert "busy" in workers
    assert "in_pool" in workers
    described = json.loads(service.command("worker", "list", "--json"))
    assert described["locations"][0]["is_loaded"]
    assert all(worker["pid"] for worker in described["workers"] if worker["state"] == "busy")


def test_nothing_is_held_when_nothing_runs(service: RunningService):
    told = service.described()
    assert not any(pool["taken"] for pool in told["pools"].values())
    time.sleep(0.05)
    assert told["waiting_runs"] == told["waiting_steps"] == told["delayed_steps"] == []


def test_workers_are_shared_out_fairly_by_a_tag(tmp_path: Path):
    settings = '[tool.headwater.service]\nworkers = 2\nshare_by = "team"\n'
    source = "import headwater as hw\nimport os\nimport time\n" + "\n".join(
        f"@hw.asset\ndef {team}{number}():\n    while not os.path.exists('go'): time.sleep(0.01)\n"
        for team in "xy"
        for number in range(6)
    )
    with RunningService(tmp_path, source, settings) as service:
        many = [service.launch(selection=f"x{number}", tags={"team": "x"}) for number in range(6)]
        few = [service.launch(selection=f"y{number}", tags={"team": "y"}) for number in range(2)]
        (tmp_path / "go").touch()
        for run_id in (*many, *few):
            service.ended(run_id, 20)
        starts = sorted(
            (event.timestamp, run_id in few)
            for run_id in (*many, *few)
            for event in service.events(run_id)
            if isinstance(event, StepStarted)
        )
        # The first that came last goes next: the others have both workers.
        assert starts[2][1]
