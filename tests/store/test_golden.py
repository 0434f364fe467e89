"""Stores that earlier releases wrote are read by this one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.model.events import EVENT_KINDS, AssetMoved
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import EventRecordsFilter, Run, RunStatus, StepStatus
from headwater.store.schema import SCHEMA_VERSION
from headwater.store.sql_store import SqlStore
from tests.golden.write_store import EVENTS, EVENTS_SINCE_2, EVENTS_SINCE_6, MOVED, RUNS
from tests.store.naive_fold import fold, told_by
from tests.store_places import open_at

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = sorted(GOLDEN.glob("store_v*.sqlite"))
DUMPS = sorted(GOLDEN.glob("store_v*.postgres.sql"))


@pytest.fixture(params=[*FILES, *DUMPS], ids=lambda file: file.name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param in DUMPS:
        import psycopg

        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url) as connection:
            connection.execute(request.param.read_text(encoding="utf-8"))
        store = open_at(url)
    else:
        copy = tmp_path / "store.sqlite"
        shutil.copy(request.param, copy)
        store = open_at(str(copy))
    yield store
    store.close()


def test_each_schema_version_has_a_golden_file_and_each_kind_of_event_is_in_them() -> None:
    assert [file.name for file in FILES] == [f"store_v{number}.sqlite" for number in range(1, SCHEMA_VERSION + 1)]
    assert [file.name for file in DUMPS] == [f"store_v{number}.postgres.sql" for number in range(1, SCHEMA_VERSION + 1)]
    assert {type(event) for event in (*EVENTS, *EVENTS_SINCE_2, *EVENTS_SINCE_6)} | {AssetMoved} == set(EVENT_KINDS)


def test_every_event_of_an_earlier_release_is_read_as_it_was(store: SqlStore, request: pytest.FixtureRequest) -> None:
    (version,) = (number for number in range(1, 100) if f"store_v{number}." in request.node.name)
    written = [*EVENTS, *(EVENTS_SINCE_2 if version >= 2 else ()), *(EVENTS_SINCE_6 if version >= 6 else ())]
    read = [record.event for record in store.events(EventRecordsFilter(), ascending=True)]
    if version >= 6:
        *read, there, back = read
        former, key = MOVED
        assert (there, back) == (
            AssetMoved(timestamp=0.0, asset=str(former), former_key=str(former)),
            AssetMoved(timestamp=0.0, asset=str(former), former_key=str(key)),
        )
    assert read == written


def test_the_state_that_an_earlier_release_kept_is_still_the_answer(store: SqlStore) -> None:
    assert [run.status for run in store.runs()] == [
        RunStatus.INTERRUPTED,
        RunStatus.CANCELED,
        RunStatus.SUCCESS,
        RunStatus.FAILURE,
    ]
    first = store.find_run("r1")
    assert isinstance(first, Run)
    assert first.tags == {"team": "sales"}
    assert (first.run_config, first.plan, first.step_keys) == (RUNS[0].run_config, RUNS[0].plan, RUNS[0].step_keys)
    assert (first.asset_selection, first.check_selection) == (RUNS[0].asset_selection, RUNS[0].check_selection)
    assert first.cause == "ValueError: no rows"
    assert [(step.step_key, step.status, step.attempt) for step in store.steps_of("r1")] == [
        ("orders", StepStatus.SUCCEEDED, 2),
        ("sales__daily", StepStatus.FAILED, 1),
        ("skipped", StepStatus.SKIPPED, 1),
        ("blocked", StepStatus.BLOCKED, 1),
    ]
    assert [str(key) for key in store.asset_keys()] == ["orders", "sales/daily"]
    assert store.partition_outcomes(AssetKey(["sales", "daily"])) == {
        "a": "materialized",
        "b": "failed",
        "c": "failed",
    }
    assert set(store.latest_checks()) == {
        AssetCheckKey("orders", "no_nulls"),
        AssetCheckKey(["sales", "daily"], "unique"),
    }
    told = told_by(store, ["r2", "r3", "r4"])
    told_again = fold(["r2", "r3", "r4"], store.events(EventRecordsFilter(), ascending=True))
    assert (told.assets, told.partitions, told.checks) == (
        told_again.assets,
        told_again.partitions,
        told_again.checks,
    )
    assert store.get_dynamic_partitions("regions") == ["eu", "asia"]
    assert store.get_cursor_values(["sensor"]) == {"sensor": "17"}


def test_a_store_of_an_earlier_release_goes_on_being_written(store: SqlStore) -> None:
    store.create_run(Run("r5", "nightly"))
    store.add_dynamic_partitions("regions", ["us"])
    assert [run.run_id for run in store.runs(limit=2)] == ["r5", "r4"]
    assert store.get_dynamic_partitions("regions") == ["eu", "us", "asia"]
    store.close()
