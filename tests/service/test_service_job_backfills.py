"""Backfills of jobs of ops at a server: a run for each partition, through a kill of the server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.model.backfills import BACKFILL_TAG, Backfill, BackfillRequest
from headwater.model.runs import RunsFilter, RunStatus
from headwater.service.control import LaunchBackfill
from tests.service.running import RunningService

SOURCE = """
import time
from pathlib import Path

import headwater as hw


@hw.op
def work(context):
    if Path("slow").exists():
        time.sleep(0.2)
    if (Path("bad") / context.partition_key).exists():
        raise ValueError("broken")


@hw.job(partitions_def=hw.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01"))
def nightly():
    work()


defs = hw.Definitions(jobs=[nightly])
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    with RunningService(tmp_path / "project", SOURCE, "[tool.headwater.service]\nworkers = 2\n") as running:
        yield running


def launched(service: RunningService, request: BackfillRequest) -> str:
    answer = service.ask(LaunchBackfill(request))
    return str(answer["backfill_id"])


def ended(service: RunningService, backfill_id: str) -> Backfill:
    def found() -> Backfill:
        with service.instance() as instance:
            record = instance.get_backfill(backfill_id)
            assert record is not None
            return record

    service.wait_until(lambda: found().is_finished, "the backfill to end", 60.0)
    return found()


def test_a_job_of_ops_is_run_for_each_partition_and_goes_on_after_a_kill(service):
    bad = service.folder / "bad"
    bad.mkdir()
    (bad / "2013-01-03").touch()
    (service.folder / "slow").touch()
    backfill_id = launched(service, BackfillRequest(job_name="nightly", partitions="2013-01-01...2013-01-20"))
    time.sleep(1.0)
    service.kill()
    service.start()
    (service.folder / "slow").unlink()
    record = ended(service, backfill_id)
    assert record.counts == {"job:nightly": {"MATERIALIZED": 19, "FAILED": 1}}
    with service.instance() as instance:
        runs = instance.get_runs(RunsFilter(tags={BACKFILL_TAG: backfill_id}))
    assert Counter(run.status for run in runs) == {RunStatus.SUCCESS: 19, RunStatus.FAILURE: 1}
    assert len({run.tags["headwater/partition"] for run in runs}) == 20
