"""A process that runs a project is killed at random moments: what is recorded is there, and nothing claims to be running.

Fifty moments, spread over the whole of a run from its first instruction to its last; `make soak` tries more. A failure names
the seed: HEADWATER_SOAK_FIRST=<seed> HEADWATER_SOAK_SEEDS=1 repeats it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.engine.step_logs import read_run_log
from headwater.io.places import asset_directory, asset_place, escape
from headwater.model.events import AssetMaterialized
from headwater.model.keys import AssetKey
from headwater.model.runs import EventRecordsFilter, RunsFilter, RunStatus, StepStatus
from headwater.store import SqliteStore
from tests.crash import killed_project
from tests.postgres_server import PostgresServer
from tests.store.naive_fold import fold, told_by

POSTGRES_SEEDS = int(os.environ.get("HEADWATER_SOAK_POSTGRES_SEEDS", "5"))
SEEDS = int(os.environ.get("HEADWATER_SOAK_SEEDS", "50"))
FIRST_SEED = int(os.environ.get("HEADWATER_SOAK_FIRST", "0"))
AT_A_TIME = 2
UNFINISHED = [RunStatus.NOT_STARTED, RunStatus.STARTING, RunStatus.STARTED]
WITHOUT_VALUE = {"without_value", "told_1", "told_2"}
ROOT = Path(__file__).parents[2]


class Runner:
    """A process that has the project imported, and forks a child for each run."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("killed_project.py")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self.process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._read() == "ready\n"

    def run(self, home: Path, kill_after_seconds: float | None = None, database: str | None = None) -> dict[str, Any]:
        """Run everything on this home, or until it is killed; return how the child ended."""
        assert self.process.stdin is not None
        order = {"home": str(home), "database": database, "kill_after_seconds": kill_after_seconds}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        ended: dict[str, Any] = json.loads(self._read())
        return ended

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def runners() -> Iterator[list[Runner]]:
    opened = [Runner() for _ in range(AT_A_TIME)]
    yield opened
    for runner in opened:
        runner.close()


def stored_file(home: Path, asset: str, partition: str | None) -> tuple[Path, str]:
    """Return the one file that holds the value, and its ending."""
    key = AssetKey.from_user_string(asset)
    place = asset_place(key) if partition is None else f"{asset_directory(key)}/@{escape(partition)}"
    found = sorted((home / "storage").glob(f"{place}.*"))
    assert len(found) == 1, f"{asset} {partition or ''}: {found}"
    return found[0], found[0].suffix


def hash_of(file: Path, ending: str) -> str:
    """Return the data version that docs/io.md promises for the content of a file."""
    content = file.read_bytes()
    if ending == ".parquet":
        return blake2b(b".parquetpandas" + content, digest_size=16).hexdigest()
    return blake2b(content, digest_size=16, person=ending.encode()).hexdigest()


def is_partial(path: Path) -> bool:
    """Whether a file holds no whole value. What ops gave a run that was killed may be empty, and counts as not there."""
    is_empty = path.is_file() and path.stat().st_size == 0 and "@runs" not in path.parts
    return is_empty or path.name.startswith(".tmp-")


def assert_all_is_true(home: Path, instance: hw.Instance) -> None:
    """What is recorded agrees with itself, and with what is on the disk."""
    store = instance.store
    records = store.events(EventRecordsFilter(), ascending=True)
    run_ids = [run.run_id for run in store.runs()]
    assert told_by(store, run_ids) == fold(run_ids, records)
    if isinstance(store, SqliteStore):
        assert store._rows("PRAGMA integrity_check") == [("ok",)]

    assert store.runs(RunsFilter(statuses=UNFINISHED)) == []
    for run in store.runs():
        steps = store.steps_of(run.run_id)
        assert all(step.status.is_finished for step in steps), steps
        if run.status is RunStatus.INTERRUPTED:
            assert run.cause is not None
            assert run.cause.startswith("Process ")
            assert run.cause.endswith("which ran it, is gone.")
            assert run.ended_at is not None
            assert all(step.cause for step in steps if step.status is StepStatus.FAILED)
        else:
            assert run.status is RunStatus.SUCCESS, run.cause
            assert all(step.status is StepStatus.SUCCEEDED for step in steps), steps

    made = [record.event for record in records if isinstance(record.event, AssetMaterialized)]
    times = Counter((event.run_id, event.asset, event.partition) for event in made)
    assert [twice for twice, count in times.items() if count > 1] == []
    counts = Counter((event.asset, event.partition) for event in made)
    latest = {(event.asset, event.partition): event for event in made}
    for (asset, partition), count in counts.items():
        state = store.asset_state(AssetKey.from_user_string(asset), partition)
        assert state is not None
        assert state.materialization_count == count
        assert state.materialization == latest[asset, partition]

    for (asset, partition), event in latest.items():
        if asset in WITHOUT_VALUE:
            continue
        file, ending = stored_file(home, asset, partition)
        assert hash_of(file, ending) == event.data_version, f"{asset} {partition or ''} of {event.run_id}"

    for run_id in run_ids:
        for line in read_run_log(instance.logs_dir, run_id):
            assert line.message


def assert_every_value_can_be_loaded(instance: hw.Instance) -> None:
    definitions = hw.Definitions(assets=killed_project.ASSETS)
    with definitions.get_asset_value_loader(instance=instance) as loader:
        for key in instance.get_asset_keys():
            if key.to_user_string() in WITHOUT_VALUE:
                continue
            partitions: list[str | None] = [*instance.get_materialized_partitions(key)] or [None]
            for partition in partitions:
                assert loader.load_asset_value(key, partition_key=partition) is not None


def kill_and_look(runner: Runner, seed: int, home: Path, run_seconds: float, database: str | None = None) -> str:
    """Kill one run, or two after each other, at moments that the seed chooses; return how the first child ended."""
    chance = random.Random(seed)
    # The moments of every fifty seeds together cover the run evenly, and a little more than the run.
    share = (seed % 50 + chance.random()) / 50
    ended = runner.run(home, share * 1.1 * run_seconds, database)
    if chance.random() < 0.3:
        # Killed again, perhaps while it ends what the first one left behind.
        runner.run(home, chance.choice([0.01, 0.05, run_seconds]) * chance.random(), database)
    with hw.Instance.open(home, database=database) as instance:
        assert_all_is_true(home, instance)
        assert_every_value_can_be_loaded(instance)
        interrupted = len(instance.get_runs(RunsFilter(statuses=[RunStatus.INTERRUPTED])))
        assert interrupted <= 2
        for run in instance.recovered_runs:
            assert run.status is RunStatus.INTERRUPTED
    assert runner.run(home, database=database)["exit_code"] == 0, (home.parent / "said.txt").read_text()
    with hw.Instance.open(home, database=database) as instance:
        assert instance.recovered_runs == ()
        assert_all_is_true(home, instance)
        assert [run.status for run in instance.get_runs(limit=2)] == [RunStatus.SUCCESS] * 2
        partial = [path for path in (home / "storage").rglob("*") if is_partial(path)]
        assert partial == []
    return f"exit code {ended['exit_code']}, {interrupted} interrupted"


@pytest.mark.timeout(60 + 5 * SEEDS)
def test_a_run_that_is_killed_leaves_nothing_lost_and_nothing_that_lies(runners: list[Runner], tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    assert runners[0].run(prepared / "home")["exit_code"] == 0, (prepared / "said.txt").read_text()
    run_seconds = runners[0].run(prepared / "home")["seconds"]
    idle = list(runners)
    failures: dict[int, str] = {}
    interrupted = Counter[str]()

    def try_seed(seed: int) -> None:
        runner = idle.pop()
        place = tmp_path / f"seed-{seed}"
        try:
            if seed % 2:
                shutil.copytree(prepared, place)  # values of an earlier run are there, to be replaced
            else:
                place.mkdir()
            interrupted[kill_and_look(runner, seed, place / "home", run_seconds)] += 1
        except BaseException as error:
            failures[seed] = f"{type(error).__name__}: {error}"
        finally:
            idle.append(runner)
        if seed not in failures:
            shutil.rmtree(place)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(try_seed, range(FIRST_SEED, FIRST_SEED + SEEDS)))
    print(f"a run takes {run_seconds:.2f} s; it ended with {dict(interrupted)}")
    assert not failures, "\n".join(f"seed {seed}: {failure}" for seed, failure in sorted(failures.items()))
    if SEEDS >= 20:
        assert sum(count for how, count in interrupted.items() if " 0 " not in how) > SEEDS / 2, interrupted


@pytest.mark.timeout(120 + 15 * POSTGRES_SEEDS)
def test_a_run_recorded_in_postgresql_that_is_killed_leaves_nothing_that_lies(
    runners: list[Runner], tmp_path: Path, postgres_server: PostgresServer
) -> None:
    (tmp_path / "first").mkdir()
    with postgres_server.schema() as url:
        runners[0].run(tmp_path / "first" / "home", database=url)
        run_seconds = runners[0].run(tmp_path / "first" / "home", database=url)["seconds"]
    for seed in range(FIRST_SEED, FIRST_SEED + POSTGRES_SEEDS):
        place = tmp_path / f"seed-{seed}"
        place.mkdir()
        with postgres_server.schema() as url:
            # As there are few seeds, they are spread over the fifty moments.
            moment = seed * 50 // POSTGRES_SEEDS if POSTGRES_SEEDS < 50 else seed
            kill_and_look(runners[0], moment, place / "home", run_seconds, url)
