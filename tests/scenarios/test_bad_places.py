"""Places that fail: full disks, directories that cannot be written, files that are no database, two runs in one home, odd names.

Each is told in words; what was recorded stays, and what is shown afterwards is what is there.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import HeadwaterError
from headwater.model.errors.io import StorageFull
from headwater.model.errors.store import NotAStore, StoreFull, StoreNotWritable
from headwater.model.events import AssetMaterialized
from headwater.model.runs import EventRecordsFilter, RunStatus, StepStatus

NOBODY = 65534
HEADWATER = str(Path(sys.executable).with_name("headwater"))
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def materialized(instance: hw.Instance) -> list[tuple[str, str | None]]:
    records = instance.store.events(EventRecordsFilter(), ascending=True)
    return [(each.event.asset, each.event.partition) for each in records if isinstance(each.event, AssetMaterialized)]


def python(body: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    code = "import os, sys\nimport headwater as hw\n" + textwrap.dedent(body)
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, **options)


# ------------------------------------------------------------------------------------------------------- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") is not None and (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True).returncode
        == 0
    )
    if not mounted:
        pytest.skip("a small file system can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], capture_output=True)


@hw.asset
def small() -> int:
    return 1


@hw.asset
def large() -> bytes:
    return os.urandom(8_000_000)


@hw.asset
def after(small: int) -> int:
    return small + 1


def test_a_value_for_which_there_is_no_room_fails_its_step_only(small_disk: Path) -> None:
    with hw.Instance.open(small_disk / "home") as instance:
        result = hw.materialize([small, large, after], instance=instance, raise_on_error=False)
        assert not result.success
        (run,) = instance.get_runs()
        assert run.status is RunStatus.FAILURE
        assert run.cause is not None
        assert 'asset "large"' in run.cause
        assert "No space left" in run.cause
        assert sorted(materialized(instance)) == [("after", None), ("small", None)]
        with pytest.raises(StorageFull):
            hw.materialize([large], instance=instance)
    assert list((small_disk / "home").rglob(".tmp-*")) == []


def fill(place: Path, leaving_bytes: int = 0) -> Path:
    filler = place / "filler"
    filler.write_bytes(b"x" * max(0, shutil.disk_usage(place).free - leaving_bytes))
    return filler


def test_a_store_for_which_there_is_no_room_says_so_and_keeps_what_was_acknowledged(small_disk: Path) -> None:
    home = small_disk / "home"
    with hw.Instance.open(home) as instance:
        assert hw.materialize([small], instance=instance).success
    ended = python(
        """
        @hw.asset
        def fills():
            room = os.statvfs(sys.argv[1])
            with open(sys.argv[1] + "/filler", "wb") as file:
                try:
                    for _ in range(room.f_bavail + 1):
                        file.write(b"x" * room.f_bsize)
                        file.flush()
                except OSError as error:
                    print(error)
            return hw.MaterializeResult(metadata={"note": "x" * 500_000})
        instance = hw.Instance.open(sys.argv[1] + "/home")
        try:
            hw.materialize([fills], instance=instance, raise_on_error=False)
        except hw.HeadwaterError as error:
            print(type(error).__name__, error)
        try:
            instance.close()
        except hw.HeadwaterError as error:
            print(type(error).__name__)
        """,
        str(small_disk),
    )
    assert ended.returncode == 0, ended.stderr
    assert "StoreFull" in ended.stdout
    assert "the disk is full" in ended.stdout
    assert "headwater db prune" in ended.stdout
    # There may be just enough room to end the run, or not; either is true.
    with contextlib.suppress(StoreFull), hw.Instance.open(home) as instance:
        assert instance.get_runs(limit=1)[0].status is RunStatus.INTERRUPTED
    (small_disk / "filler").unlink()
    with hw.Instance.open(home) as instance:
        last, first = instance.get_runs()
        assert first.status is RunStatus.SUCCESS
        assert last.status is RunStatus.INTERRUPTED
        assert materialized(instance) == [("small", None)]
        assert hw.materialize([small, after], instance=instance).success
        assert instance.store._rows("PRAGMA integrity_check") == [("ok",)]  # type: ignore[attr-defined]


def test_a_store_that_was_full_is_closed_without_a_run_that_claims_to_be_running(small_disk: Path) -> None:
    @hw.asset
    def fills() -> hw.MaterializeResult[Any]:
        filler = small_disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        return hw.MaterializeResult(metadata={"note": "x" * 500_000})

    instance = hw.Instance.open(small_disk / "home")
    with pytest.raises(StoreFull):
        hw.materialize([fills], instance=instance)
    (small_disk / "filler").unlink()
    with pytest.raises(StoreFull):
        instance.close()
    with hw.Instance.open(small_disk / "home") as again:
        (run,) = again.get_runs()
        assert run.status is RunStatus.INTERRUPTED
        assert run.cause is not None
        assert "the disk is full" in run.cause
        assert [step.status for step in again.get_run_step_stats(run.run_id)] in ([], [StepStatus.FAILED])


def test_a_command_on_a_full_disk_ends_with_the_code_for_it(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "definitions.py").write_text("import headwater as hw\n@hw.asset\ndef small(): return 1\n")
    fill(small_disk)
    command = [HEADWATER, "materialize", "small", "--home", str(small_disk / "home")]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "No space left" in ended.stderr or "disk is full" in ended.stderr


def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(tmp_path: Path) -> None:
    ended = python(
        """
        @hw.asset
        def large(): return b"x" * 3_000_000
        with hw.Instance.open(sys.argv[1]) as instance:
            result = hw.materialize([large], instance=instance, raise_on_error=False)
            print(instance.get_runs()[0].cause)
        """,
        str(tmp_path / "home"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert ended.returncode == 0, ended.stderr
    assert 'asset "large"' in ended.stdout
    assert "File too large" in ended.stdout


# ------------------------------------------------------------------------------------- places that cannot be written


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_directory_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path, mode: int) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(mode)
    for part in (tmp_path, *tmp_path.parents):
        if part.stat().st_uid == 0 and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o055)
    (tmp_path / "definitions.py").write_text("import headwater as hw\n@hw.asset\ndef a(): return 1\n")
    home = locked / "home"
    told = as_nobody(lambda: open_and_tell(home))
    assert told.startswith("StoreNotWritable")
    assert str(home) in told
    assert "HEADWATER_HOME" in told


def open_and_tell(home: Path) -> str:
    try:
        with hw.Instance.open(home):
            return "opened"
    except StoreNotWritable as error:
        return f"StoreNotWritable {error}"


def as_nobody(tell: Callable[[], str]) -> str:
    """Return what a forked child says that has no rights."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, tell().encode())
            code = 0
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as file:
        told = file.read()
    os.waitpid(child, 0)
    return told


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_a_home_of_another_user_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with hw.Instance.open(home) as instance:
        assert hw.materialize([small], instance=instance).success
    for part in (home, tmp_path, *tmp_path.parents):
        if part.stat().st_uid == 0 and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o055)
    told = as_nobody(lambda: open_and_tell(home))
    assert told.startswith("StoreNotWritable"), told
    with hw.Instance.open(home) as instance:
        assert materialized(instance) == [("small", None)]


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_a_storage_directory_that_cannot_be_written_fails_the_step_with_its_name(tmp_path: Path) -> None:
    home, storage = tmp_path / "home", tmp_path / "storage"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    storage.mkdir(mode=0o555)
    for part in (tmp_path, *tmp_path.parents):
        if part.stat().st_uid == 0 and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o055)

    def run() -> str:
        with hw.Instance.open(home, storage_dir=storage) as instance:
            result = hw.materialize([small, after], instance=instance, raise_on_error=False)
            steps = {step.step_key: step.status.name for step in instance.get_run_step_stats(result.run_id)}
            return f"{result.success} {steps} {instance.get_runs()[0].cause}"

    told = as_nobody(run)
    assert told.startswith("False {'small': 'FAILED', 'after': 'BLOCKED'}"), told
    assert 'asset "small"' in told
    assert str(storage) in told


@pytest.mark.parametrize("content", [b"dear diary\n" * 100, b"SQLite format 3\x00 and then nothing sound" * 50])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "store.sqlite").write_bytes(content)
    with pytest.raises(NotAStore, match="is not a Headwater store"):
        hw.Instance.open(home)
    assert (home / "store.sqlite").read_bytes() == content
    (tmp_path / "definitions.py").write_text("import headwater as hw\n@hw.asset\ndef a(): return 1\n")
    command = [HEADWATER, "materialize", "a", "--home", str(home)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4, ended.stderr
    assert "is not a Headwater store" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    import sqlite3

    home = tmp_path / "home"
    home.mkdir()
    other = sqlite3.connect(home / "store.sqlite")
    other.execute("CREATE TABLE runs (name TEXT)")
    other.commit()
    other.close()
    with pytest.raises(NotAStore):
        hw.Instance.open(home)
    other = sqlite3.connect(home / "store.sqlite")
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    other.close()


# ------------------------------------------------------------------------------------------------- two at once


TWO = """
import time
@hw.asset
def first(context):
    time.sleep(0.05)
    return context.run_id
@hw.asset(partitions_def=hw.StaticPartitionsDefinition([str(n) for n in range(30)]))
def parts(context):
    return {key: context.run_id for key in context.partition_keys}
tags = {"headwater/asset_partition_range_start": "0", "headwater/asset_partition_range_end": "29"}
with hw.Instance.open(sys.argv[1]) as instance:
    for _ in range(3):
        hw.materialize([first, parts], instance=instance, tags=tags)
"""


def test_two_processes_that_run_the_same_assets_in_one_home_both_succeed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = "import os, sys\nimport headwater as hw\n" + TWO
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(home)], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert (child.returncode, errors) == (0, "")
    with hw.Instance.open(home) as instance:
        assert instance.recovered_runs == ()
        assert [run.status for run in instance.get_runs()] == [RunStatus.SUCCESS] * 6
        counts = Counter(materialized(instance))
        assert set(counts.values()) == {6}
        for (asset, partition), count in counts.items():
            state = instance.store.asset_state(hw.AssetKey(asset), partition)
            assert state is not None
            assert state.materialization_count == count
    assert list(home.rglob(".tmp-*")) == []


# ------------------------------------------------------------------------------------------------------------ names


ODD = [
    "with space",
    "täglich ✓ 🚀",
    "../../etc/passwd",
    "a.b",
    "..",
    "%41",
    "CON",
    "line\nbreak",
    "quote'\"",
    "x" * 300,
    "é" * 300,
    "[]*?",
]

# Names of assets are letters, digits and underscores, and dots.
ACCEPTED = ["a.b", "..", "CON", "x" * 300]


def odd_asset(path: list[str], value: int) -> hw.AssetsDefinition:
    @hw.asset(key=path)
    def odd() -> int:
        print("said")
        return value

    return odd


@pytest.mark.parametrize("name", [name for name in ODD if name not in ACCEPTED])
def test_an_odd_name_of_an_asset_is_refused_by_name(name: str) -> None:
    with pytest.raises(HeadwaterError) as told:
        odd_asset(["odd", name], 1)
    assert repr(name)[1:-1] in str(told.value) or name in str(told.value)


def test_assets_with_names_that_are_odd_for_files_are_stored_inside_the_home_and_found_again(tmp_path: Path) -> None:
    keys = [*([name] for name in ACCEPTED), *(["odd", name] for name in ACCEPTED), ["x" * 299 + "y"], ["a", "b"]]
    with hw.Instance.open(tmp_path / "home") as instance:
        for number, key in enumerate(keys):
            asset = odd_asset(key, number)
            assert hw.materialize([asset], instance=instance).success
        for number, key in enumerate(keys):
            definitions = hw.Definitions(assets=[odd_asset(key, number)])
            assert definitions.load_asset_value(hw.AssetKey(key), instance=instance) == number
        assert sorted(instance.get_asset_keys()) == sorted(hw.AssetKey(key) for key in keys)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_odd_partition_keys_are_stored_inside_the_home_and_found_again(tmp_path: Path) -> None:
    keys = [key for key in ODD if "\n" not in key and "..." not in key]

    @hw.asset(partitions_def=hw.DynamicPartitionsDefinition(name="odd"))
    def odd(context: hw.AssetExecutionContext) -> str:
        return f"value of {context.partition_key}"

    with hw.Instance.open(tmp_path / "home") as instance:
        instance.add_dynamic_partitions("odd", keys)
        for key in keys:
            assert hw.materialize([odd], instance=instance, partition_key=key).success
        definitions = hw.Definitions(assets=[odd])
        for key in keys:
            loaded = definitions.load_asset_value("odd", instance=instance, partition_key=key)
            assert loaded == f"value of {key}"
        assert instance.get_materialized_partitions(hw.AssetKey("odd")) == set(keys)
        statuses = [step.status for run in instance.get_runs() for step in instance.get_run_step_stats(run.run_id)]
        assert set(statuses) == {StepStatus.SUCCEEDED}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
