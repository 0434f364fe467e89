"""Ops hand files to each other by handles; a file manager keeps them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import headwater as hw
from headwater.model.errors import CheckError


def test_bytes_and_text_are_kept_in_files_of_their_own(tmp_path: Path):
    manager = hw.LocalFileManager(tmp_path / "files")
    first = manager.write_data(b"abc", ext="bin")
    second = manager.write(io.StringIO("h\u00e9"), mode="w", ext="txt")
    assert first != second
    assert first.path.endswith(".bin")
    assert first.path_desc == first.path
    assert manager.read_data(first) == b"abc"
    with manager.read(second, "r") as opened:
        assert opened.read() == "h\u00e9"
    with manager.read(second) as opened:
        assert opened.read() == "h\u00e9".encode()
    assert manager.read_data(manager.write(io.BytesIO(b"xyz"))) == b"xyz"


def test_a_copy_is_there_until_copies_are_deleted(tmp_path: Path):
    manager = hw.LocalFileManager(tmp_path)
    handle = manager.write_data(b"abc")
    copy = Path(manager.copy_handle_to_local_temp(handle))
    assert copy.read_bytes() == b"abc"
    assert str(copy) != handle.path
    manager.delete_local_temp()
    assert not copy.exists()
    assert Path(handle.path).exists()


def test_what_cannot_be_kept_is_refused(tmp_path: Path):
    manager = hw.LocalFileManager(tmp_path)
    with pytest.raises(CheckError, match="keeps bytes"):
        manager.write_data("abc")  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="mode="):
        manager.write(io.BytesIO(), mode="x")
    with pytest.raises(CheckError, match="LocalFileHandle"):
        manager.read_data("abc")  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="ext="):
        manager.write_data(b"", ext="../away")


def test_the_resource_keeps_files_beside_the_values_of_the_instance(tmp_path: Path):
    copies: list[str] = []

    @hw.op(required_resource_keys={"file_manager"})
    def write(context: hw.OpExecutionContext) -> str:
        handle = context.resources.file_manager.write_data(b"abc")
        copies.append(context.resources.file_manager.copy_handle_to_local_temp(handle))
        return str(handle.path)

    @hw.job(resource_defs={"file_manager": hw.local_file_manager})
    def writing() -> None:
        write()

    with hw.instance_for_test() as instance:
        path = Path(writing.execute_in_process(instance=instance).output_for_node("write"))
        assert path.parent == Path(instance.storage_directory()) / "file_manager"
        assert path.read_bytes() == b"abc"
    assert not Path(copies[0]).exists()
    config = {"resources": {"file_manager": {"config": {"base_dir": str(tmp_path)}}}}
    assert Path(writing.execute_in_process(run_config=config).output_for_node("write")).parent == tmp_path


def test_values_are_pickled_where_their_outputs_say(tmp_path: Path):
    @hw.op(out=hw.Out(metadata={"path": "daily/orders"}))
    def load() -> dict[str, int]:
        return {"rows": 3}

    @hw.op(out=hw.Out(metadata={"path": "count"}))
    def count(orders: dict[str, int]) -> int:
        return orders["rows"]

    @hw.job(resource_defs={"io_manager": hw.custom_path_fs_io_manager})
    def counting() -> None:
        count(load())

    config = {"resources": {"io_manager": {"config": {"base_dir": str(tmp_path)}}}}
    assert counting.execute_in_process(run_config=config).output_for_node("count") == 3
    assert (tmp_path / "daily" / "orders").is_file()
    with pytest.raises(hw.InvalidConfigError, match="base_dir"):
        counting.execute_in_process()

    @hw.op
    def nowhere() -> int:
        return 1

    @hw.job(resource_defs={"io_manager": hw.custom_path_fs_io_manager})
    def lost() -> None:
        nowhere()

    with pytest.raises(hw.InvariantViolationError, match='"result" of "nowhere" has no path'):
        lost.execute_in_process(run_config=config)
