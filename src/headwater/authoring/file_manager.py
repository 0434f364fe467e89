"""Files that ops hand to each other by a handle: written by one, read by another, wherever they are kept."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from headwater.authoring.config import Field, StringSource
from headwater.authoring.resources.definition import ResourceDefinition
from headwater.model.errors.definition import CheckError

if TYPE_CHECKING:
    from headwater.authoring.resources.init_context import InitResourceContext
    from headwater.runtime.instance import Instance


class FileHandle(ABC):
    """Names a file that a file manager keeps."""

    @property
    @abstractmethod
    def path_desc(self) -> str:
        """Where the file is, for readers."""


@dataclass(frozen=True, slots=True)
class LocalFileHandle(FileHandle):
    """A file on this machine, by its path."""

    path: str

    @property
    def path_desc(self) -> str:
        """The path."""
        return self.path


class FileManager(ABC):
    """Keeps files and hands out handles of them. What it holds for itself is given back by `delete_local_temp`."""

    @abstractmethod
    def copy_handle_to_local_temp(self, file_handle: FileHandle) -> str:
        """Return the path of a copy on this machine, which is there until `delete_local_temp`."""

    @abstractmethod
    def delete_local_temp(self) -> None:
        """Delete all copies that `copy_handle_to_local_temp` made."""

    @abstractmethod
    def read(self, file_handle: FileHandle, mode: str = "rb") -> AbstractContextManager[IO[Any]]:
        """Return the open file, for a with statement: bytes, or text (UTF-8) with mode "r"."""

    @abstractmethod
    def read_data(self, file_handle: FileHandle) -> bytes:
        """Return the content of a file."""

    @abstractmethod
    def write(self, file_obj: IO[Any], mode: str = "wb", ext: str | None = None) -> FileHandle:
        """Keep what is left to read in an open file, bytes or with mode "w" text, as a new file ending in `.ext`."""

    @abstractmethod
    def write_data(self, data: bytes, ext: str | None = None) -> FileHandle:
        """Keep these bytes as a new file ending in `.ext`."""


class LocalFileManager(FileManager):
    """Keeps files in a folder on this machine, each under a name that no other has. The folder is made when needed."""

    def __init__(self, base_dir: str | os.PathLike[str]) -> None:
        self.base_dir = os.fspath(base_dir)
        self._copies: list[Path] = []

    @staticmethod
    def for_instance(instance: Instance, run_id: str) -> LocalFileManager:
        """Return one that keeps files beside the values of an instance, in a folder for one run."""
        return LocalFileManager(Path(instance.storage_directory()) / "file_manager" / run_id)

    def ensure_base_dir_exists(self) -> None:
        """Make the folder, where it is not there."""
        Path(self.base_dir).mkdir(parents=True, exist_ok=True)

    def copy_handle_to_local_temp(self, file_handle: FileHandle) -> str:
        source = _local(file_handle)
        copy = Path(tempfile.mkdtemp(prefix="headwater-file-")) / Path(source.path).name
        self._copies.append(copy.parent)
        shutil.copyfile(source.path, copy)
        return str(copy)

    def delete_local_temp(self) -> None:
        for folder in self._copies:
            shutil.rmtree(folder, ignore_errors=True)
        self._copies.clear()

    @contextmanager
    def read(self, file_handle: FileHandle, mode: str = "rb") -> Iterator[IO[Any]]:
        _check_mode(mode, ("r", "rb"))
        with open(_local(file_handle).path, mode, encoding="utf-8" if mode == "r" else None) as opened:
            yield opened

    def read_data(self, file_handle: FileHandle) -> bytes:
        return Path(_local(file_handle).path).read_bytes()

    def write(self, file_obj: IO[Any], mode: str = "wb", ext: str | None = None) -> LocalFileHandle:
        _check_mode(mode, ("w", "wb"))
        handle = self._new_handle(ext)
        with open(handle.path, mode, encoding="utf-8" if mode == "w" else None) as kept:
            shutil.copyfileobj(file_obj, kept)
        return handle

    def write_data(self, data: bytes, ext: str | None = None) -> LocalFileHandle:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise CheckError(
                what=f"write_data was given {data!r}, of the type {type(data).__name__}.",
                why="It keeps bytes.",
                fix='Encode text with .encode(), or write it with write(file, mode="w").',
            )
        handle = self._new_handle(ext)
        Path(handle.path).write_bytes(data)
        return handle

    def _new_handle(self, ext: str | None) -> LocalFileHandle:
        if ext is not None and (not isinstance(ext, str) or "/" in ext or os.sep in ext):
            raise CheckError(what=f"ext= was given {ext!r}.", why="A file's name ends with it.", fix='Write ext="csv".')
        self.ensure_base_dir_exists()
        name = str(uuid.uuid4()) if not ext else f"{uuid.uuid4()}.{ext}"
        return LocalFileHandle(os.path.join(self.base_dir, name))

    def __repr__(self) -> str:
        return f"LocalFileManager({self.base_dir!r})"


def _local(handle: FileHandle) -> LocalFileHandle:
    if not isinstance(handle, LocalFileHandle):
        raise CheckError(
            what=f"{handle!r} was given as a handle.",
            why="Files on this machine are named by a LocalFileHandle.",
            fix="Give what write() or write_data() returned, or LocalFileHandle(path).",
        )
    return handle


def _check_mode(mode: str, known: tuple[str, ...]) -> None:
    if mode not in known:
        raise CheckError(
            what=f"mode= was given {mode!r}.",
            why="A file is kept, and read, whole.",
            fix=f'Use "{known[0]}" for text or "{known[1]}" for bytes.',
        )


def _open_local_file_manager(context: InitResourceContext) -> Iterator[LocalFileManager]:
    base_dir = (context.resource_config or {}).get("base_dir")
    if base_dir is None:
        storage = context.instance.storage_directory() if context.instance is not None else tempfile.gettempdir()
        base_dir = os.path.join(storage, "file_manager")
    manager = LocalFileManager(base_dir)
    try:
        yield manager
    finally:
        manager.delete_local_temp()


local_file_manager = ResourceDefinition(
    _open_local_file_manager,
    config_schema={"base_dir": Field(StringSource, is_required=False)},
    description="Keeps files that ops hand to each other in base_dir, by default beside the values of the instance.",
)
"""Keeps files in `base_dir`, by default in "file_manager" of the instance's storage directory."""
