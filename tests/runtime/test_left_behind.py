"""A value that a killed run had stored without recording it is recorded when the run is ended, and its leftovers removed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import headwater as hw
from headwater.io.abandoned_files import remove_abandoned_files
from headwater.io.stored_versions import find_stored_file
from headwater.model.runs import RunStatus

PROGRAM = """
import os, sys
import headwater as hw

class Deadly(hw.FilesystemIOManager):
    def handle_output(self, context, obj):
        super().handle_output(context, obj)
        if sys.argv[2] == "dies":
            os._exit(9)

@hw.asset
def number(context):
    return {"run": context.run_id}

home = sys.argv[1]
with hw.Instance.open(home) as instance:
    hw.materialize([number], instance=instance, resources={"io_manager": Deadly(instance.storage_dir)})
"""


def run(home: Path, how: str) -> int:
    return subprocess.run([sys.executable, "-c", PROGRAM, str(home), how], timeout=60).returncode


def test_a_value_that_took_the_place_of_another_is_recorded_with_the_interrupted_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run(home, "lives") == 0
    assert run(home, "dies") == 9
    with hw.Instance.open(home) as instance:
        (interrupted,) = instance.recovered_runs
        assert interrupted.status is RunStatus.INTERRUPTED
        records = instance.fetch_materializations(hw.AssetKey("number"), limit=10).records
        assert len(records) == 2
        latest = records[0].event
        assert latest.run_id == interrupted.run_id
        file = find_stored_file(str(instance.storage_dir), hw.AssetKey("number"))
        assert file is not None
        assert latest.data_version == file.data_version() != records[1].event.data_version


def test_a_first_value_that_was_not_recorded_stays_missing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run(home, "dies") == 9
    with hw.Instance.open(home) as instance:
        assert len(instance.recovered_runs) == 1
        assert instance.get_latest_materialization_event(hw.AssetKey("number")) is None
    assert run(home, "lives") == 0


def test_temporary_files_of_processes_that_are_gone_are_removed_and_others_left(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f".tmp-{ended.pid:x}-aa-1", f".tmp-{os.getpid():x}-aa-1", ".tmp-other", "value.json"):
        (tmp_path / name).write_text("half")
    assert remove_abandoned_files([str(tmp_path), str(tmp_path / "nowhere")]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f".tmp-{os.getpid():x}-aa-1", ".tmp-other", "value.json"]
    )
