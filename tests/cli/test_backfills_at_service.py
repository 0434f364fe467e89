"""Backfills that a running service carries out, as commands launch, watch and change them."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.backfill_project import source
from tests.service.running import COMMAND, RunningService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with RunningService(tmp_path_factory.mktemp("backfills"), source()) as running:
        yield running


def latest(service: RunningService) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(service.command("backfill", "show", "latest", "--json"))
    return found


def slowly(service: RunningService, seconds: float) -> None:
    """Let each day of `slow` take so long from now on."""
    (service.folder / "slowness").write_text(str(seconds))
    (service.folder / "slow.log").unlink(missing_ok=True)


def begun(service: RunningService, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=service.folder,
        env=service.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told_at(service: RunningService, *arguments: str) -> str:
    process = begun(service, "backfill", *arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    return out + err


def test_a_backfill_is_carried_out_at_the_service_and_watched(service: RunningService):
    document = json.loads(service.command("backfill", "sales+", "--json"))
    told = document["backfill"]
    assert (told["status"], told["ended"], told["total"]) == ("succeeded", 65, 65)
    assert told["location"] is not None
    assert "2 of 2" in service.command("backfill", "countries", "region", "--partition", "north")


def test_what_failed_is_told_and_retried(service: RunningService):
    broken = service.folder / "broken"
    broken.write_text("2024-01-03")
    said = service.command("backfill", "sales", "clean", "--to", "2024-01-05", code=1)
    assert "failed  sales [2024-01-03]  ValueError: no data, of all days, on 2024-01-03" in said
    assert [each["asset"] for each in latest(service)["blocked"]] == ["clean"]
    broken.unlink()
    document = json.loads(service.command("backfill", "retry", "latest", "--here", "--json"))["backfill"]
    assert (document["location"], document["materialized"]) == (None, 2)
    broken.write_text("2024-01-03")
    service.command("backfill", "sales", "clean", "--to", "2024-01-05", code=1)
    broken.unlink()
    assert "2 of 2" in service.command("backfill", "retry", "latest")


def test_one_that_is_detached_goes_on_by_itself(service: RunningService):
    slowly(service, 1.0)
    printed = service.command("backfill", "slow", "--to", "2024-01-08", "--detach").split()
    assert len(printed) == 1
    assert json.loads(service.command("backfill", "show", printed[0], "--json"))["backfill"]["status"] == "running"
    slowly(service, 0.0)
    assert "8 of 8" in service.command("backfill", "watch", printed[0])
    document = json.loads(service.command("backfill", "region", "--detach", "--json"))
    assert document["backfill"]["backfill_id"]
    service.command("backfill", "watch", "latest")


def test_ctrl_c_stops_the_watching_and_not_the_backfill(service: RunningService):
    slowly(service, 0.5)
    watching = begun(service, "backfill", "slow", "--to", "2024-01-25")
    service.wait_until((service.folder / "slow.log").exists, "the first day")
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=30)
    assert watching.returncode == 130, out + err
    assert "the backfill goes on" in err
    assert "headwater backfill watch " in err
    assert latest(service)["backfill"]["status"] == "running"
    slowly(service, 0.0)
    assert "25 of 25" in service.command("backfill", "watch", "latest")


def test_it_is_paused_changed_resumed_and_canceled(service: RunningService):
    slowly(service, 0.5)
    service.command("backfill", "slow", "--detach", "--title", "all days", "--max-concurrent", "1")
    assert "(all days) is paused: " in service.command("backfill", "pause", "latest")
    # What ran when it was paused comes to its end.
    service.wait_until(lambda: latest(service)["backfill"]["running"] == 0, "what runs to end")
    before = latest(service)["backfill"]["materialized"]
    time.sleep(1.0)
    assert latest(service)["backfill"]["materialized"] == before < 31
    service.command("backfill", "set", "latest", "--max-concurrent", "3", "--priority", "7")
    told = latest(service)["backfill"]
    assert (told["max_concurrent_runs"], told["priority"], told["status"]) == (3, 7.0, "paused")
    assert "is running: " in service.command("backfill", "resume", "latest", "--detach")
    watching = begun(service, "backfill", "watch", "latest", "--json")
    assert watching.stderr is not None
    assert "is running: " in watching.stderr.readline()
    assert "was canceled" in service.command("backfill", "cancel", "latest")
    out, _ = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert json.loads(out)["backfill"]["status"] == "canceled"
    assert json.loads(out)["canceled"][0]["asset"] == "slow"


def test_runs_that_cannot_be_planned_pause_it_and_who_watches_is_told_why(service: RunningService):
    config = '{"ops": {"scaled": {"config": {"factor": "many"}}}}'
    said = service.command("backfill", "scaled", "--config", config, code=130)
    assert "is paused: 0 of 31" in said
    assert "factor" in said
    assert "headwater backfill resume" in said
    service.command("backfill", "cancel", "latest")


def test_here_is_here_and_an_unknown_location_is_refused(service: RunningService):
    document = json.loads(service.command("backfill", "region", "--here", "--json"))
    assert document["backfill"]["location"] is None
    assert "nonesuch" in service.command("backfill", "region", "--location", "nonesuch", code=2)
    name = json.loads(service.command("worker", "list", "--json"))["locations"][0]["name"]
    assert json.loads(service.command("backfill", "region", "--location", name, "--json"))["backfill"]["ended"] == 3
    assert "Nothing to do." in service.command("backfill", "region", "--missing", "--location", name)


def test_it_goes_on_after_the_service_was_killed(tmp_path: Path):
    with RunningService(tmp_path, source()) as running:
        slowly(running, 0.2)
        running.command("backfill", "slow", "--to", "2024-01-20", "--detach", "--max-concurrent", "2")
        running.wait_until((tmp_path / "slow.log").exists, "the first day")
        running.kill()
        assert latest(running)["backfill"]["status"] in ("interrupted", "running")
        refused = running.command("backfill", "resume", "latest", code=2)
        assert "headwater serve" in refused
        assert "--here" in refused
        assert "the next one does it" in told_at(running, "pause", "latest")
        running.start()
        running.wait_until(
            lambda: bool(latest(running)["backfill"]["status"] == "paused"), "the new service to pause it"
        )
        running.command("backfill", "resume", "latest", "--detach")
        assert "20 of 20" in running.command("backfill", "watch", "latest")
        assert len(set((tmp_path / "slow.log").read_text().split())) == 20
