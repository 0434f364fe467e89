"""Where values are kept: names of assets, partitions and outputs as names of files, which they cannot break out of.

`unescape(escape(name)) == name` for names that fit into a file name; longer ones end in a hash, so no two names share a
file. In a tree, an asset "a" is a file `a.*`, its partitions are `a/@KEY.*`, the asset "a/b" is `a/b.*`, and outputs of
ops are below `@runs/`: directories hold no dot and only those begin with "@", so none of these meet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.model.keys import AssetKey

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext

LONGEST_NAME = 150
"""The longest escaped name that is kept whole; file systems allow 255 bytes, and endings need some."""

PARTITION_MARK = "@"
RUNS_DIRECTORY = "@runs"

_PLAIN = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*").fullmatch
_ODD_BYTE = re.compile(rb"[^A-Za-z0-9._=-]")
_EMPTY = "%_"
_HASH_MARK = "%~"


def escape(name: str) -> str:
    """Return a file name for any text: letters, digits, "_", "=", "-" and inner dots as they are, the rest as %XX."""
    if _PLAIN(name) and len(name) <= LONGEST_NAME:
        return name
    return _fitted(name, _escaped(name))


def escape_directory(name: str) -> str:
    """Return a directory name for any text: as escape, but with every dot escaped too."""
    if _PLAIN(name) and "." not in name and len(name) <= LONGEST_NAME:
        return name
    return _fitted(name, _escaped(name).replace(".", "%2E"))


def unescape(escaped: str) -> str:
    """Return the text that was escaped. Raises ValueError when it was too long to be kept in the name."""
    if escaped == _EMPTY:
        return ""
    if _HASH_MARK in escaped:
        raise ValueError(f"{escaped!r} holds the hash of a name, not the name.")
    if "%" not in escaped:
        return escaped
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(escaped).decode("utf-8", "surrogatepass")


def places_of(context: InputContext | OutputContext, partition_keys: Sequence[str] | None) -> list[str]:
    """Return where the value is, or that of each partition, relative to the storage directory and without ending."""
    if not context.has_asset_key:
        *directories, name = context.get_identifier()
        return ["/".join((RUNS_DIRECTORY, *map(escape_directory, directories), escape(name)))]
    key = context.asset_key
    if partition_keys is None:
        return [asset_place(key)]
    directory = asset_directory(key)
    return [f"{directory}/{PARTITION_MARK}{escape(partition)}" for partition in partition_keys]


def asset_place(key: AssetKey) -> str:
    """Return where the value of an asset without partitions is."""
    path = key.parts
    if len(path) == 1:
        return escape(path[0])
    return "/".join((*map(escape_directory, path[:-1]), escape(path[-1])))


def asset_directory(key: AssetKey) -> str:
    """Return the directory of an asset's partitions; assets whose keys begin with this one's are in it too."""
    return "/".join(map(escape_directory, key.parts))


def run_directory(run_id: str) -> str:
    """Return the directory of what the ops of a run returned."""
    return f"{RUNS_DIRECTORY}/{escape_directory(run_id)}"


def owner_of(context: InputContext | OutputContext) -> str:
    """Return in words whose value it is, for messages."""
    if context.has_asset_key:
        return f'asset "{context.asset_key}"'
    return f'output "{"/".join(context.get_identifier()[1:])}"'


def _escaped(name: str) -> str:
    if not name:
        return _EMPTY
    escaped = _ODD_BYTE.sub(lambda odd: b"%%%02X" % odd[0][0], name.encode("utf-8", "surrogatepass")).decode("ascii")
    return f"%2E{escaped[1:]}" if escaped[0] == "." else escaped


def _fitted(name: str, escaped: str) -> str:
    if len(escaped) <= LONGEST_NAME:
        return escaped
    from hashlib import blake2b

    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{escaped[:100]}{_HASH_MARK}{digest}"
