"""Stored values of whole assets as files: made loadable under another key, and removed.

Nothing here decides which key counts. Whoever moves an asset makes its values loadable under both keys, then changes what is
recorded, then removes what is under the old key: a process that is killed in between leaves at worst a file too many.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence

from headwater.io.atomic_files import _make_directory, _temporary_beside, remove_if_there
from headwater.io.places import PARTITION_MARK, asset_directory, asset_place, escape
from headwater.model.keys import AssetKey

_NO_LINKS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES}
)


def copy_files(root: str, endings: Sequence[str], from_key: AssetKey, to_key: AssetKey) -> int:
    """Make what is stored of an asset loadable under another key, too; return how many files that are.

    What was stored under that key before is replaced. Nothing is copied where files can have two names.
    """
    copied = 0
    for source, target in _pairs(root, endings, from_key, to_key):
        stem, ending = target
        _share(source, stem + ending)
        for other in endings:
            # An older value in another format must not be found in its place.
            if other != ending and not os.path.exists(source[: -len(ending)] + other):
                remove_if_there(stem + other)
        copied += 1
    return copied


def remove_files(root: str, endings: Sequence[str], key: AssetKey, partition_keys: Sequence[str] | None = None) -> int:
    """Remove what is stored of an asset, or of these partitions of it; return how many values that were."""
    if partition_keys is not None:
        directory = f"{root}/{asset_directory(key)}"
        return sum(_remove(f"{directory}/{PARTITION_MARK}{escape(each)}", endings) for each in partition_keys)
    removed = _remove(f"{root}/{asset_place(key)}", endings)
    directory = f"{root}/{asset_directory(key)}"
    removed += len({os.path.splitext(name)[0] for name in _partition_files(directory, endings)})
    for name in list(_partition_files(directory, endings)):
        remove_if_there(f"{directory}/{name}")
    # A folder that is empty now goes; assets whose keys begin with this one's are in it, too.
    with contextlib.suppress(OSError):
        os.rmdir(directory)
    return removed


def remove_copied(root: str, endings: Sequence[str], from_key: AssetKey, to_key: AssetKey) -> int:
    """Remove the files of an asset that are those of another, too, by `copy_files`; return how many.

    What was stored under the key since then is another's, and stays.
    """
    removed = 0
    for source, (stem, ending) in list(_pairs(root, endings, from_key, to_key)):
        if _is_same(source, stem + ending):
            remove_if_there(source)
            removed += 1
    with contextlib.suppress(OSError):
        os.rmdir(f"{root}/{asset_directory(from_key)}")
    return removed


def _is_same(one: str, other: str) -> bool:
    try:
        left, right = os.stat(one), os.stat(other)
    except FileNotFoundError:
        return False
    is_linked = (left.st_dev, left.st_ino) == (right.st_dev, right.st_ino)
    return is_linked or (left.st_mtime_ns, left.st_size) == (right.st_mtime_ns, right.st_size)


def _pairs(
    root: str, endings: Sequence[str], from_key: AssetKey, to_key: AssetKey
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each file of an asset with where it would be of another: without its ending, and the ending."""
    for ending in endings:
        source = f"{root}/{asset_place(from_key)}{ending}"
        if os.path.exists(source):
            yield source, (f"{root}/{asset_place(to_key)}", ending)
    from_directory, to_directory = (f"{root}/{asset_directory(key)}" for key in (from_key, to_key))
    for name in _partition_files(from_directory, endings):
        ending = next(each for each in endings if name.endswith(each))
        yield f"{from_directory}/{name}", (f"{to_directory}/{name[: -len(ending)]}", ending)


def _partition_files(directory: str, endings: Sequence[str]) -> Iterator[str]:
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return
    known = tuple(endings)
    yield from (name for name in names if name.startswith(PARTITION_MARK) and name.endswith(known))


def _share(source: str, target: str) -> None:
    """Make `target` another name of the file, or a copy of it; it appears at once and whole."""
    temporary = _temporary_beside(target)
    _make_directory(os.path.dirname(target))
    try:
        try:
            os.link(source, temporary)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # The times stay, by which the newest of several files is told.
            shutil.copy2(source, temporary)
        if os.path.exists(target) and os.path.samefile(temporary, target):
            return  # a rename would do nothing, and leave the temporary name behind
        os.replace(temporary, target)
    finally:
        remove_if_there(temporary)


def _remove(place: str, endings: Sequence[str]) -> int:
    removed = 0
    for ending in endings:
        try:
            os.unlink(place + ending)
            removed = 1
        except FileNotFoundError:
            continue
    return removed
