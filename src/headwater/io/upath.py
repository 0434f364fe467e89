"""A base class for IO managers that keep one object for each value, in files or in an object store.

A subclass says how a value is written to a path and read from one; this class knows the path of each asset, partition
and output. Paths are `pathlib.Path`s for local directories; for other URLs `UPath`s if universal_pathlib is installed,
and else `ObjectPath`s over fsspec.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, ClassVar

from headwater.authoring.io_manager import IOManager
from headwater.io.filesystem import default_storage_directory
from headwater.io.frames import is_mapping_annotation
from headwater.io.places import PARTITION_MARK, asset_directory, asset_place, escape, owner_of, places_of
from headwater.io.requests import are_gaps_allowed, is_by_partition, mapping_expected, values_by_partition
from headwater.model.errors.io import UnreadableValue, ValueNotFound

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.model.keys import AssetKey
    from headwater.model.metadata import RawMetadataMapping


class ObjectPath:
    """A place in an object store, with the part of `pathlib.Path` that reading and writing needs."""

    __slots__ = ("fs", "path", "protocol")

    def __init__(self, fs: Any, path: str, protocol: str) -> None:
        self.fs = fs
        self.path = path
        self.protocol = protocol

    @classmethod
    def from_url(cls, url: str, **storage_options: Any) -> ObjectPath:
        """Return the place that a URL such as "s3://bucket/folder" or "memory://folder" names."""
        import fsspec

        fs, path = fsspec.core.url_to_fs(url, **storage_options)
        return cls(fs, str(path), url.partition("://")[0] or "file")

    def __truediv__(self, part: str | os.PathLike[str]) -> ObjectPath:
        return ObjectPath(self.fs, f"{self.path.rstrip('/')}/{os.fspath(part)}", self.protocol)

    def joinpath(self, *parts: str) -> ObjectPath:
        return self / "/".join(parts)

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.path)

    @property
    def name(self) -> str:
        return self._pure.name

    @property
    def stem(self) -> str:
        return self._pure.stem

    @property
    def suffix(self) -> str:
        return self._pure.suffix

    @property
    def parent(self) -> ObjectPath:
        return ObjectPath(self.fs, str(self._pure.parent), self.protocol)

    def with_name(self, name: str) -> ObjectPath:
        return self.parent / name

    def with_suffix(self, suffix: str) -> ObjectPath:
        return self.with_name(self._pure.with_suffix(suffix).name)

    @contextmanager
    def open(self, mode: str = "r", **options: Any) -> Iterator[IO[Any]]:
        """Open the object; what is written is there when the block ends, and not before."""
        with self.fs.open(self.path, mode, **options) as file:
            yield file

    def read_bytes(self) -> bytes:
        return bytes(self.fs.cat_file(self.path))

    def write_bytes(self, content: bytes) -> int:
        self.fs.pipe_file(self.path, content)
        return len(content)

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_text(self, text: str, encoding: str = "utf-8") -> int:
        return self.write_bytes(text.encode(encoding))

    def exists(self) -> bool:
        return bool(self.fs.exists(self.path))

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            self.fs.rm_file(self.path)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        self.fs.makedirs(self.path, exist_ok=exist_ok or parents)

    def as_posix(self) -> str:
        return self.path

    def __str__(self) -> str:
        return str(self.fs.unstrip_protocol(self.path))

    def __repr__(self) -> str:
        return f"ObjectPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectPath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class UPathIOManager(IOManager):
    """Keeps each value at a path below `base_path`, as a subclass writes it.

    Implement `dump_to_path(context, obj, path)` and `load_from_path(context, path)`, and set `extension`, its dot
    included. Several partitions are loaded as a dict by partition key, and a run for several partitions returns one.
    """

    extension: ClassVar[str | None] = None
    """The ending of every path, such as ".csv"; None for none."""

    def __init__(self, base_path: Any = None, *, storage_options: Mapping[str, Any] | None = None) -> None:
        """Keep where values go: a local path, a URL that fsspec knows, or a UPath; by default `.headwater/storage`."""
        extension = self.extension
        if extension is not None and not extension.startswith("."):
            from headwater.model.errors import CheckError

            raise CheckError(
                what=f"{type(self).__name__}.extension is {extension!r}.",
                why="It is put behind the name as it is.",
                fix=f'Write extension = ".{extension}".',
            )
        self.storage_options: dict[str, Any] = dict(storage_options or {})
        self._base_path = _as_path(default_storage_directory() if base_path is None else base_path, storage_options)

    # -- for subclasses ------------------------------------------------------------------------------------------

    @abstractmethod
    def dump_to_path(self, context: OutputContext, obj: Any, path: Any) -> None:
        """Write the value to the path. Its directory is there."""

    @abstractmethod
    def load_from_path(self, context: InputContext, path: Any) -> Any:
        """Return the value at the path; `context.annotation` is the type as which it is asked for."""

    def get_metadata(self, context: OutputContext, obj: Any) -> RawMetadataMapping:
        """Return metadata to record with the materialization, beside "path"."""
        return {}

    def get_path_for_partition(self, context: InputContext | OutputContext, path: Any, partition: str) -> Any:
        """Return where the value of a partition is, without ending; `path` is the directory of the asset."""
        return path / f"{PARTITION_MARK}{escape(partition)}"

    def make_directory(self, path: Any) -> None:
        """Make a directory, and those above it, if it is not there. Object stores have none to make."""
        path.mkdir(parents=True, exist_ok=True)

    def path_exists(self, path: Any) -> bool:
        return bool(path.exists())

    def unlink(self, path: Any) -> None:
        """Remove what is at the path."""
        path.unlink()

    # -- storing and loading -------------------------------------------------------------------------------------

    @property
    def base_path(self) -> Any:
        return self._base_path

    @property
    def fs(self) -> Any:
        """The file system of the base path, as fsspec has it."""
        known = getattr(self._base_path, "fs", None)
        if known is not None:
            return known
        import fsspec

        return fsspec.filesystem("file")

    def make_safe_partition_path(self, base_path: Any, partition: str) -> Any:
        """Return the path of a partition below a directory; what its key holds cannot lead out of it."""
        return base_path / f"{PARTITION_MARK}{escape(partition)}"

    def get_writing_output_log_message(self, path: Any) -> str:
        """Return what is said when a value is written, for a subclass or a test to use."""
        return f"Writing file at: {path}"

    def get_loading_input_log_message(self, path: Any) -> str:
        """Return what is said when a value is read, for a subclass or a test to use."""
        return f"Loading file from: {path}"

    def load_partitions(self, context: InputContext) -> dict[str, Any]:
        """Return the values of the partitions that the context asks for, by key. Raises ValueNotFound."""
        keys = context.asset_partition_keys
        may_lack = are_gaps_allowed(context)
        return {
            key: self._load(context, path, (key,))
            for key, path in zip(keys, self.paths_of(context), strict=True)
            if not may_lack or self.path_exists(path)
        }

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Write `obj`; for several partitions, each value of the dict `obj` to its own path."""
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        if keys is None or (len(keys) == 1 and not is_by_partition(context, obj, keys[0])):
            values = [obj]
        else:
            values = values_by_partition(context, obj, keys)
        paths = self.paths_of(context)
        for path, value in zip(paths, values, strict=True):
            self.make_directory(path.parent)
            self.dump_to_path(context, value, path)
        if not paths:
            return
        metadata = {} if len(values) > 1 else dict(self.get_metadata(context, obj))
        context.add_output_metadata({**metadata, "path": str(paths[0] if len(paths) == 1 else paths[0].parent)})

    def load_input(self, context: InputContext) -> Any:
        """Return the value; for several partitions a dict by partition key.

        With metadata {"allow_missing_partitions": True} on the input, the dict lacks what is not there, and the value
        of a single partition that is not there is None. Raises ValueNotFound.
        """
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        paths = self.paths_of(context)
        if keys is None or len(keys) == 1:
            if keys and are_gaps_allowed(context) and not self.path_exists(paths[0]):
                return None
            return self._load(context, paths[0], keys or ())
        if not is_mapping_annotation(context.annotation):
            raise mapping_expected(context, len(keys))
        there = [self.path_exists(path) for path in paths]
        missing = [at for at, is_there in enumerate(there) if not is_there]
        if missing and not are_gaps_allowed(context):
            raise ValueNotFound(owner_of(context), [str(paths[at]) for at in missing], [keys[at] for at in missing])
        return {
            key: self._load(context, path, (key,))
            for key, path, is_there in zip(keys, paths, there, strict=True)
            if is_there
        }

    def has_output(self, context: OutputContext) -> bool:
        """Whether every value that the context is about is there."""
        return all(self.path_exists(path) for path in self.paths_of(context))

    def copy_values(self, from_key: AssetKey, to_key: AssetKey, *, asset_spec: Any = None, instance: Any = None) -> int:
        """Make all that is stored of an asset loadable under another key, too; return how many values that are.

        A subclass that keeps partitions elsewhere than this class, by `get_path_for_partition`, must do it by itself.
        """
        copied = 0
        for source, target in self._kept(from_key, to_key):
            self.make_directory(target.parent)
            if isinstance(source, ObjectPath):
                source.fs.copy(source.path, target.path, recursive=bool(source.fs.isdir(source.path)))
            elif source.is_dir():
                for part in source.rglob("*"):
                    if part.is_file():
                        copied_part = target / part.relative_to(source)
                        copied_part.parent.mkdir(parents=True, exist_ok=True)
                        copied_part.write_bytes(part.read_bytes())
            else:
                target.write_bytes(source.read_bytes())
            copied += 1
        return copied

    def remove_values(
        self,
        asset_key: AssetKey,
        partition_keys: Sequence[str] | None = None,
        *,
        copied_to: AssetKey | None = None,
        asset_spec: Any = None,
        instance: Any = None,
    ) -> int:
        """Remove all that is stored of an asset, or of these partitions of it; return how many values that were."""
        wanted = None if partition_keys is None else {f"{PARTITION_MARK}{escape(key)}" for key in partition_keys}
        extension = self.extension or ""
        removed = 0
        for path, _ in list(self._kept(asset_key, asset_key)):
            stem = path.name.removesuffix(extension)
            if wanted is not None and stem not in wanted:
                continue
            if isinstance(path, Path) and path.is_dir():
                import shutil

                shutil.rmtree(path)
            else:
                self.unlink(path)
            removed += 1
        return removed

    def _kept(self, from_key: AssetKey, to_key: AssetKey) -> Iterator[tuple[Any, Any]]:
        """Yield where each value of an asset is, with where it would be of another."""
        extension = self.extension or ""
        whole, target = (self._base_path / f"{asset_place(key)}{extension}" for key in (from_key, to_key))
        if self.path_exists(whole) and (extension or not self._is_folder(whole)):
            yield whole, target
        directory, other = (self._base_path / asset_directory(key) for key in (from_key, to_key))
        for name in self._names_in(directory):
            if name.startswith(PARTITION_MARK) and name.endswith(extension):
                yield directory / name, other / name

    def _is_folder(self, path: Any) -> bool:
        return bool(path.fs.isdir(path.path)) if isinstance(path, ObjectPath) else bool(path.is_dir())

    def _names_in(self, directory: Any) -> list[str]:
        if isinstance(directory, ObjectPath):
            try:
                listed = directory.fs.ls(directory.path, detail=False)
            except FileNotFoundError:
                return []
            return [str(each).rstrip("/").rpartition("/")[2] for each in listed]
        try:
            return [each.name for each in directory.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def paths_of(self, context: InputContext | OutputContext) -> list[Any]:
        """Return the path of the value, or of each partition's."""
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        if keys is not None and context.has_asset_key:
            directory = self._base_path / asset_directory(context.asset_key)
            paths = [self.get_path_for_partition(context, directory, key) for key in keys]
        else:
            paths = [self._base_path / place for place in places_of(context, keys)]
        extension = self.extension or ""
        return [path.parent / f"{path.name}{extension}" for path in paths]

    def _load(self, context: InputContext, path: Any, partitions: Any) -> Any:
        try:
            return self.load_from_path(context, path)
        except FileNotFoundError as error:
            if not self.path_exists(path):
                raise ValueNotFound(owner_of(context), [str(path)], partitions) from error
            cause = f"Something beside it was not found: {error}"
            raise UnreadableValue(owner_of(context), str(path), cause) from error


def _as_path(base: Any, storage_options: Mapping[str, Any] | None) -> Any:
    get_value = getattr(base, "get_value", None)
    base = base if get_value is None else get_value()
    if not isinstance(base, str):
        return base
    if "://" not in base:
        return Path(base)
    try:
        from upath import UPath
    except ImportError:
        return ObjectPath.from_url(base, **(storage_options or {}))
    return UPath(base, **(storage_options or {}))
