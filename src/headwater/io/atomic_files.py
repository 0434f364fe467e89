"""Files that are there whole or not at all: written under a name of their own, then renamed.

Until the rename the earlier file is untouched, whatever happens; an abandoned temporary file begins with ".tmp-", and
an empty file counts as none.
"""

from __future__ import annotations

import errno
import os
import sys
from hashlib import blake2b
from itertools import count
from types import TracebackType

from headwater.model.errors.io import StorageError, StorageFull, StorageNotWritable

TEMPORARY_PREFIX = ".tmp-"

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_ONE_PAGE = 4096
# A write of one page is done whole or not at all, even when the process is killed in the midst of it; it saves the
# rename, which is half the cost of a small file. Elsewhere that is not known, so it is not relied upon.
_IS_WRITTEN_AT_ONCE = sys.platform == "linux"
_READ_BYTES = 1 << 16
_serial = count()
_process_mark = os.urandom(4).hex()


class NewFile:
    """A file being written, to take the place of `path` when the block ends without an error.

    It is a binary file for writing, and keeps the hash of what was written. With `is_synced` the content is on the disk
    before it takes its place (it then survives a power cut, not only a killed process).
    """

    def __init__(self, path: str, hashed_first: bytes = b"", *, is_synced: bool = False) -> None:
        self.path = path
        self.is_synced = is_synced
        self.size_bytes = 0
        self._hash = blake2b(hashed_first, digest_size=16)
        self._problem: OSError | None = None
        self._temporary = _temporary_beside(path)
        self._descriptor = _open_new(self._temporary)

    @property
    def digest(self) -> str:
        """The hash of all that was written so far, and of `hashed_first` before it."""
        return self._hash.hexdigest()

    def write(self, content: bytes | bytearray | memoryview) -> int:
        """Write all of it and return how many bytes that were."""
        view = memoryview(content).cast("B")
        self._hash.update(view)
        try:
            _write_all(self._descriptor, view)
        except OSError as problem:
            self._problem = problem
            raise
        self.size_bytes += len(view)
        return len(view)

    def tell(self) -> int:
        return self.size_bytes

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """Do nothing: what was written is with the operating system already."""

    def close(self) -> None:
        """Do nothing: libraries close what they write to, but the end of the block decides what becomes of it."""

    @property
    def closed(self) -> bool:
        return self._descriptor < 0

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        _finish(
            descriptor,
            self._temporary,
            self.path,
            is_kept=kind is None and self._problem is None,
            is_synced=self.is_synced,
        )
        if self._problem is not None and not isinstance(error, OSError):
            # Some libraries wrap what went wrong in an error of their own, or swallow it.
            raise self._problem from error


def write_atomically(path: str, content: bytes, *, is_synced: bool = False) -> None:
    """Make `content` (at least one byte) what the file holds, making its directory if need be.

    A reader must take an empty file for none: a small new file on Linux is written in place, and a process that is
    killed at that moment leaves it empty.
    """
    if _IS_WRITTEN_AT_ONCE and not is_synced and len(content) <= _ONE_PAGE and _create(path, content):
        return
    temporary = _temporary_beside(path)
    descriptor = _open_new(temporary)
    is_written = False
    try:
        _write_all(descriptor, content)
        is_written = True
    finally:
        _finish(descriptor, temporary, path, is_kept=is_written, is_synced=is_synced)


def _create(path: str, content: bytes) -> bool:
    """Write a file that is not there yet; return False, having done nothing, when there is one."""
    try:
        descriptor = _open_new(path)
    except FileExistsError:
        return False
    try:
        try:
            _write_all(descriptor, content)
        finally:
            os.close(descriptor)
    except BaseException:
        remove_if_there(path)
        raise
    return True


def read_whole(path: str) -> bytes:
    """Return what the file holds. Small files, which most values are, take three system calls."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        content = os.read(descriptor, _READ_BYTES)
        if len(content) < _READ_BYTES:
            return content
        parts = [content]
        while part := os.read(descriptor, 1 << 24):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def remove_if_there(path: str) -> None:
    """Remove the file, if there is one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def storage_error(error: OSError, owner: str, place: str) -> StorageError:
    """Return what an operating system error in writing means for the user."""
    cause = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(owner, place, cause)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageNotWritable(owner, place, cause)
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        fix = "Something else has this name: move it away, or set the storage directory to an empty one."
        return StorageError(owner, place, cause, fix)
    return StorageError(owner, place, cause, "Look at that place: headwater doctor tells whether it can be written to.")


def _temporary_beside(path: str) -> str:
    # The process id is read each time: a forked child must not share names with its parent.
    name = f"{TEMPORARY_PREFIX}{os.getpid():x}-{_process_mark}-{next(_serial):x}"
    directory = os.path.dirname(path)
    return f"{directory}/{name}" if directory else name


def _open_new(temporary: str) -> int:
    try:
        return os.open(temporary, _FLAGS, 0o666)
    except FileNotFoundError:
        _make_directory(os.path.dirname(temporary))
        return os.open(temporary, _FLAGS, 0o666)


def _make_directory(directory: str) -> None:
    """Make a directory, with those above it; mostly they are there, and one system call is enough."""
    try:
        os.mkdir(directory)
    except OSError:  # another process was first, or those above it are missing, or it tells below what is in the way
        os.makedirs(directory, exist_ok=True)


def _write_all(descriptor: int, content: bytes | memoryview) -> None:
    written = os.write(descriptor, content)
    if written < len(content):
        rest = memoryview(content)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _finish(descriptor: int, temporary: str, path: str, *, is_kept: bool, is_synced: bool) -> None:
    try:
        try:
            if is_kept and is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_kept:
            os.replace(temporary, path)
            if is_synced:
                _sync_directory(os.path.dirname(path) or ".")
            return
    except BaseException:
        remove_if_there(temporary)
        raise
    remove_if_there(temporary)


def _sync_directory(directory: str) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
