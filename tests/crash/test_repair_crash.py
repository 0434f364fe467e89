"""A process that moves or wipes assets is killed at random calls: what is there then is all of before, or all of after.

A failure names its seed: HEADWATER_SOAK_FIRST=<seed> HEADWATER_SOAK_SEEDS=1 repeats it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.runs import AssetState
from headwater.runtime.instance import Instance
from tests.crash import repaired_project
from tests.crash.repaired_project import PREFIXES, project

SEEDS = int(os.environ.get("HEADWATER_SOAK_SEEDS", "25"))
POSTGRES_SEEDS = int(os.environ.get("HEADWATER_SOAK_POSTGRES_SEEDS", "3"))
FIRST_SEED = int(os.environ.get("HEADWATER_SOAK_FIRST", "0"))
ROOT = Path(__file__).parents[2]
OPERATIONS = ("move", "wipe one", "wipe with values")


class Repairer:
    """A process that has everything imported, and forks a child for each operation."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self.process = subprocess.Popen(
            [sys.executable, repaired_project.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def perform(self, home: Path, database: str | None, operation: str, calls: int = 0) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = {"home": str(home), "database": database, "operation": operation, "calls": calls}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def repairer() -> Iterator[Repairer]:
    repairer = Repairer()
    yield repairer
    repairer.close()


def build(home: Path, database: str | None) -> None:
    """Build everything twice, so that there is a materialization before the last."""
    assets = list(project(PREFIXES[0]).assets or ())
    with Instance.open(home, database=database) as instance:
        for _ in range(2):
            assert hw.materialize([each for each in assets if not each.partitions_def], instance=instance).success
            for letter in "abcd":
                of_letter = [each for each in assets if each.partitions_def]
                assert hw.materialize(of_letter, instance=instance, partition_key=letter).success


def told(instance: Instance) -> dict[str, Any]:
    """Return all that counts: state by asset and partition, and the values that are loaded."""
    found: dict[str, Any] = {}
    for key in instance.get_asset_keys():
        state = instance.store.asset_state(key)
        assert state is not None
        of_parts: list[tuple[str | None, AssetState]] = [(None, state), *instance.store.partition_states(key).items()]
        for part, one in of_parts:
            found[f"{key.parts[-1]} {part}"] = (
                one.materialization and one.materialization.data_version,
                one.materialization_storage_id,
                one.materialization_count,
                one.last_attempt_run_id,
            )
    marks = instance.store.invalidations()
    found["marks"] = {key.parts[-1]: set(of) for key, of in marks.items()}
    return found


def check_values(instance: Instance, prefix: str) -> None:
    """What is recorded to have a value has the one that is recorded."""
    defs = project(prefix)
    for key in instance.get_asset_keys():
        states: list[tuple[str | None, AssetState | None]] = [*instance.store.partition_states(key).items()]
        for part, state in states or [(None, instance.store.asset_state(key))]:
            if state is None or state.materialization is None:
                continue
            value = defs.load_asset_value(key, instance=instance, partition_key=part)
            run_id = state.materialization.run_id
            if key.parts[-1] == "parts" and not instance.store.invalidations().get(key):
                assert value == f"{part} {run_id}"
            if key.parts[-1] == "orders":
                assert value == [run_id]


def check_killed(home: Path, database: str | None, repairer: Repairer, operation: str, seed: int) -> None:
    build(home, database)
    with Instance.open(home, database=database) as instance:
        before = told(instance)
    # What it is without being killed, on a copy; of a server's database there is none, so that is not compared.
    after: dict[str, Any] | None = None
    calls = 4_000
    if database is None:
        copy = home.with_name("copy")
        shutil.copytree(home, copy)
        calls = int(repairer.perform(copy, None, operation)["said"])
        with Instance.open(copy) as instance:
            after = told(instance)
        shutil.rmtree(copy)
    generator = random.Random(f"{operation} {seed}")
    ended = repairer.perform(home, database, operation, generator.randrange(1, calls))
    assert ended["exit"] in (0, -9)
    with Instance.open(home, database=database) as instance:
        now = told(instance)
        assert now in (before, after) or after is None
        if operation == "wipe with values":
            known = [f"parts {letter}" in now for letter in "abcd"]
            assert known in ([True] * 4, [False, False, True, True])
        is_moved = hw.AssetKey([PREFIXES[1], "orders"]) in instance.get_asset_keys()
        prefixes = {key.parts[0] for key in instance.get_asset_keys()} & set(PREFIXES)
        assert prefixes == {PREFIXES[1 if is_moved else 0]}
        prefix = PREFIXES[1] if is_moved else PREFIXES[0]
        check_values(instance, prefix)
        if operation == "move":
            assert hw.stale_assets(project(prefix), instance=instance) == set()
            if is_moved:
                assert not list((instance.storage_dir / PREFIXES[0]).rglob("*.*"))
    if operation == "move" and not is_moved:
        assert repairer.perform(home, database, operation)["exit"] == 0
        with Instance.open(home, database=database) as instance:
            assert told(instance) == before
            check_values(instance, PREFIXES[1])
            assert not list((instance.storage_dir / PREFIXES[0]).rglob("*.*"))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_repair_that_is_killed_is_done_or_was_never_begun(tmp_path: Path, repairer: Repairer, operation: str) -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + max(1, SEEDS // len(OPERATIONS))):
        home = tmp_path / str(seed) / "home"
        home.parent.mkdir()
        try:
            check_killed(home, None, repairer, operation, seed)
        except BaseException as error:
            error.add_note(f"{operation}, seed {seed}")
            raise
        shutil.rmtree(home.parent)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + POSTGRES_SEEDS))
def test_a_repair_on_postgresql_that_is_killed_is_done_or_was_never_begun(
    tmp_path: Path, postgres_url: str, repairer: Repairer, seed: int
) -> None:
    check_killed(tmp_path / "home", postgres_url, repairer, OPERATIONS[seed % len(OPERATIONS)], seed)
