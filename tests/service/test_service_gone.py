"""What commands say of runs whose service was killed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from headwater.model.runs import RunStatus
from tests.service.running import COMMAND, RunningService

SOURCE = """
import time
import headwater as hw

@hw.op
def slow():
    time.sleep(60)

@hw.job
def waiting():
    slow()
"""


def test_a_command_that_watches_says_when_the_service_is_gone(tmp_path: Path) -> None:
    with RunningService(tmp_path, SOURCE) as service:
        watching = subprocess.Popen(
            [*COMMAND, "job", "execute", "waiting"], cwd=service.folder, env=service.environment, stdout=subprocess.PIPE
        )
        service.wait_until(
            lambda: bool([each for each in service.described()["workers"] if each["steps"]]), "the step to start"
        )
        service.kill()
        out, _ = watching.communicate(timeout=30)
        assert watching.returncode == 1
        assert b"interrupted" in out


def test_a_run_that_was_left_behind_can_be_canceled(tmp_path: Path) -> None:
    with RunningService(tmp_path, SOURCE) as service:
        run_id = service.launch(job_name="waiting")
        service.wait_until(
            lambda: any(worker["steps"] for worker in service.described()["workers"]), "the step to start"
        )
        service.kill()
        service.start("--no-resume")
        assert service.run(run_id).status is RunStatus.INTERRUPTED
        service.command("run", "cancel", run_id)
        assert service.run(run_id).status is RunStatus.CANCELED
