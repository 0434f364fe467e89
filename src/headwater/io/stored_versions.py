"""The data version of what is on the disk: the hash that FilesystemIOManager records when it stores a value.

A record and its value are two writes. When a process dies between them, the file tells which value there is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b

from headwater.authoring.io_contexts import InputContext
from headwater.io.filesystem import PARQUET, _find
from headwater.io.frames import stored_kind
from headwater.io.places import places_of
from headwater.model.keys import AssetKey

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file that holds a value. `stored_at` is in seconds since 1970, by the clock of the file system."""

    path: str
    ending: str
    stored_at: float

    def data_version(self) -> str | None:
        """Return the hash of the content, as it is recorded; None when the file is gone or cannot be read."""
        try:
            if self.ending == PARQUET:
                digest = blake2b(f"{PARQUET}{stored_kind(self.path)}".encode(), digest_size=16)
            else:
                digest = blake2b(digest_size=16, person=self.ending.encode())
            with open(self.path, "rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
        except (OSError, ValueError, ImportError):
            return None
        return digest.hexdigest()


def find_stored_file(storage_dir: str, asset_key: AssetKey, partition_key: str | None = None) -> StoredFile | None:
    """Return the file that holds the value of an asset, or of one partition of it, below a storage directory."""
    partitions = None if partition_key is None else (partition_key,)
    (place,) = places_of(InputContext(asset_key=asset_key), partitions)
    place = f"{storage_dir}/{place}"
    ending = _find(place)
    if ending is None:
        return None
    try:
        stored_at = os.stat(place + ending).st_mtime
    except OSError:
        return None
    return StoredFile(place + ending, ending, stored_at)
