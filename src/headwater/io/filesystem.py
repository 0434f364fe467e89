"""The default IO manager: each value a file in the most readable format from which it comes back as it was.

Tables are Parquet, what JSON gives back exactly is JSON, text is text, bytes are bytes, and the rest is pickled; the
file's ending says which. A value takes the place of the one before in one step, so there is never half a value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headwater.authoring.io_manager import IOManager
from headwater.io.atomic_files import NewFile, read_whole, remove_if_there, storage_error, write_atomically
from headwater.io.formats import DECODERS, CannotStore, encoded, why_unreadable
from headwater.io.frames import (
    ARROW,
    LAZY,
    PANDAS,
    find_frame_kind,
    frames_asked,
    is_mapping_annotation,
    stored_kind,
    value_annotation,
)
from headwater.io.listings import Listings
from headwater.io.places import asset_directory, asset_place, owner_of, places_of, run_directory
from headwater.io.requests import (
    are_gaps_allowed,
    as_asked,
    is_by_partition,
    mapping_expected,
    values_by_partition,
)
from headwater.model.errors.io import UnreadableValue, UnstorableValue, ValueNotFound
from headwater.model.keys import AssetKey
from headwater.model.metadata_kinds import IntMetadataValue, PathMetadataValue, TableSchemaMetadataValue

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext

PARQUET = ".parquet"
_MOST_REMEMBERED = 100_000
ENDINGS: tuple[str, ...] = (*DECODERS, PARQUET)
"""Every ending that a stored value can have. None of them ends with another."""


class FilesystemIOManager(IOManager):
    """Keeps values as files below `base_dir`, by default `.headwater/storage` beside the project.

    It records where a value went ("path"), for tables their columns and number of rows, and as data version a hash of
    the content. A parameter annotated with another kind of table than the stored one (pandas, polars eager or lazy,
    Arrow) receives it as that kind. Several partitions arrive as a dict by partition key, and a run for several
    partitions returns one.

    Shape: asset ["sales", "orders"] is sales/orders.json (or .txt, .bin, .pkl, .parquet), its partitions
    are sales/orders/@2024-01-01.json; names are escaped, and cannot lead out of `base_dir`.
    Durability: "normal" survives the death of the process at any moment; "full" a power cut too, at the cost of a
    disk flush for each value.
    """

    def __init__(
        self, base_dir: str | os.PathLike[str] | None = None, *, durability: Literal["normal", "full"] = "normal"
    ) -> None:
        self._base_dir = base_dir
        self._is_synced = durability == "full"
        self._ending_by_place: dict[str, str] = {}
        self._listings = Listings(ENDINGS)

    def __repr__(self) -> str:
        return f"FilesystemIOManager({str(self._base_dir)!r})" if self._base_dir else "FilesystemIOManager()"

    @property
    def base_dir(self) -> str:
        """The directory below which values are kept when the run does not say otherwise."""
        return self._directory(None)

    # -- storing -------------------------------------------------------------------------------------------------

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj`; for several partitions, each value of the dict `obj` on its own.

        Raises UnstorableValue, PartitionedValueExpected, or a StorageError (full, not writable); what was stored
        before is then still there.
        """
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        base = self._directory(context)
        places = places_of(context, keys)
        if keys is None or (len(keys) == 1 and not is_by_partition(context, obj, keys[0])):
            version = self._store(context, f"{base}/{places[0]}", obj, is_described=True)
            context.set_data_version(version)
            return
        values = values_by_partition(context, obj, keys)
        for key, place, value in zip(keys, places, values, strict=True):
            version = self._store(context, f"{base}/{place}", value, is_described=False)
            context.set_data_version(version, partition_key=key)
        if context.has_asset_key:
            context.add_output_metadata({"path": PathMetadataValue(f"{base}/{asset_directory(context.asset_key)}")})

    def _store(self, context: OutputContext, place: str, value: Any, *, is_described: bool) -> str:
        kind = find_frame_kind(value)
        ending = PARQUET
        version: str | None = None
        facts: dict[str, Any] = {}
        try:
            if kind is not None:
                version, facts = _store_frame(place, kind, value, is_described=is_described, is_synced=self._is_synced)
            if version is None:
                ending, content = encoded(value)
                version = blake2b(content, digest_size=16, person=ending.encode()).hexdigest()
                write_atomically(place + ending, content, is_synced=self._is_synced)
            self._listings.keep_only(place, ending)
        except CannotStore as problem:
            raise UnstorableValue(owner_of(context), type(value).__name__, str(problem), problem.hint) from problem
        except OSError as error:
            raise storage_error(error, owner_of(context), place + ending) from error
        self._remember(place, ending)
        if is_described:
            facts["path"] = PathMetadataValue(place + ending)
            context.add_output_metadata(facts)
        return version

    def _remember(self, place: str, ending: str) -> None:
        """Note which file this process wrote, so that loading it in the same run need not look for it."""
        if len(self._ending_by_place) >= _MOST_REMEMBERED:
            self._ending_by_place.clear()
        self._ending_by_place[place] = ending

    def _find(self, place: str) -> str | None:
        return self._ending_by_place.get(place) or _find(place)

    # -- loading -------------------------------------------------------------------------------------------------

    def load_input(self, context: InputContext) -> Any:
        """Return the stored value, as the kind of table that the annotation asks for; for several partitions a dict.

        With metadata {"allow_missing_partitions": True} on the input, the dict lacks what is not there, and the value
        of a single partition that is not there is None. Raises ValueNotFound, UnreadableValue, WrongStoredType.
        """
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        base = self._directory(context)
        places = places_of(context, keys)
        if keys is None or len(keys) == 1:
            found = self._find(f"{base}/{places[0]}")
            if found is None:
                if keys and are_gaps_allowed(context):
                    return None
                raise ValueNotFound(owner_of(context), [f"{base}/{places[0]}.*"], keys or ())
            try:
                return _load_one(context, f"{base}/{places[0]}", found, keys)
            except ValueNotFound:
                if self._ending_by_place.pop(f"{base}/{places[0]}", None) is None:
                    raise
                return self.load_input(context)  # another process stored it in another format meanwhile
        if not is_mapping_annotation(context.annotation):
            if not keys:
                return None  # no partition maps here, as for the first one of an asset that reads its own past
            raise mapping_expected(context, len(keys))
        endings = [self._find(f"{base}/{place}") for place in places]
        missing = [at for at, ending in enumerate(endings) if ending is None]
        if missing and not are_gaps_allowed(context):
            raise ValueNotFound(
                owner_of(context),
                [f"{base}/{places[at]}.*" for at in missing],
                [keys[at] for at in missing],
            )
        asked = value_annotation(context.annotation)
        return {
            key: _load(context, f"{base}/{place}", ending, asked)
            for key, place, ending in zip(keys, places, endings, strict=True)
            if ending is not None
        }

    # -- looking and removing ------------------------------------------------------------------------------------

    def has_value(self, asset_key: AssetKey, partition_key: str | None = None, *, instance: Any = None) -> bool:
        """Whether the value of the asset, or of one partition of it, is in storage."""
        return _find(self._asset_path(asset_key, partition_key, instance)) is not None

    def remove_value(self, asset_key: AssetKey, partition_key: str | None = None, *, instance: Any = None) -> bool:
        """Remove the stored value of the asset, or of one partition of it; return whether there was one."""
        place = self._asset_path(asset_key, partition_key, instance)
        is_there = _find(place) is not None
        for ending in ENDINGS:
            remove_if_there(place + ending)
        return is_there

    def copy_values(self, from_key: AssetKey, to_key: AssetKey, *, asset_spec: Any = None, instance: Any = None) -> int:
        """Make all that is stored of an asset loadable under another key, too; return how many files that are."""
        from headwater.io.kept_values import copy_files

        return copy_files(_root_of(self._base_dir, instance), ENDINGS, from_key, to_key)

    def remove_values(
        self,
        asset_key: AssetKey,
        partition_keys: Sequence[str] | None = None,
        *,
        copied_to: AssetKey | None = None,
        asset_spec: Any = None,
        instance: Any = None,
    ) -> int:
        """Remove all that is stored of an asset, or of these partitions of it; return how many values that were.

        With `copied_to` only what `copy_values` has made loadable under that key.
        """
        from headwater.io.kept_values import remove_copied, remove_files

        self._ending_by_place.clear()
        if copied_to is not None:
            return remove_copied(_root_of(self._base_dir, instance), ENDINGS, asset_key, copied_to)
        return remove_files(_root_of(self._base_dir, instance), ENDINGS, asset_key, partition_keys)

    def remove_run(self, run_id: str, *, instance: Any = None) -> None:
        """Remove what the ops of a run returned; the values of assets stay."""
        import shutil

        shutil.rmtree(f"{_root_of(self._base_dir, instance)}/{run_directory(run_id)}", ignore_errors=True)

    def _asset_path(self, asset_key: AssetKey, partition_key: str | None, instance: Any) -> str:
        from headwater.authoring.io_contexts import InputContext

        root = _root_of(self._base_dir, instance)
        if partition_key is None:
            return f"{root}/{asset_place(asset_key)}"
        return f"{root}/{places_of(InputContext(asset_key=asset_key), (partition_key,))[0]}"

    def _directory(self, context: InputContext | OutputContext | None) -> str:
        if self._base_dir is None:
            return _root_of(None, context.instance if context is not None and context.has_instance else None)
        return _root_of(self._base_dir, None)


def default_storage_directory() -> str:
    """Return where values are kept when nothing says otherwise: HEADWATER_HOME, else `.headwater` here."""
    home = os.environ.get("HEADWATER_HOME")
    return str(Path(home).expanduser() / "storage") if home else os.path.join(os.getcwd(), ".headwater", "storage")


def _root_of(base_dir: Any, instance: Any) -> str:
    if base_dir is not None:
        # A name of an environment variable is read where it is used, so that it is never stored.
        get_value = getattr(base_dir, "get_value", None)
        return str(os.fspath(base_dir if get_value is None else get_value()))
    storage_directory: Callable[[], Any] | None = getattr(instance, "storage_directory", None)
    return default_storage_directory() if storage_directory is None else str(storage_directory())


def _store_frame(
    place: str, kind: str, frame: Any, *, is_described: bool, is_synced: bool
) -> tuple[str | None, dict[str, Any]]:
    """Write a table as Parquet; return the version and, if it is described, what is to be told of it.

    The version is None, and nothing is written, when Parquet would not give it back equal.
    """
    if kind == PANDAS:
        try:
            from headwater.io import frames_pandas
        except ImportError:
            # pandas without pyarrow has no Parquet.
            return None, {}
        facts = _table_facts(len(frame), frames_pandas.columns_of(frame)) if is_described else {}
        frame = frames_pandas.find_table(frame)
        if frame is None:
            return None, {}
        write: Callable[[Any, NewFile, str], None] = frames_pandas.write
    elif kind == ARROW:
        from headwater.io import frames_arrow

        if not frames_arrow.is_exact(frame):
            return None, {}
        facts = _table_facts(frame.num_rows, frames_arrow.columns_of(frame)) if is_described else {}
        write = frames_arrow.write
    else:
        from headwater.io import frames_polars

        frame = frames_polars.collect(frame) if kind == LAZY else frame
        if not frames_polars.is_exact(frame):
            return None, {}
        facts = _table_facts(frame.height, frames_polars.columns_of(frame)) if is_described else {}
        write = frames_polars.write
    with NewFile(place + PARQUET, f"{PARQUET}{kind}".encode(), is_synced=is_synced) as file:
        write(frame, file, kind)
    return file.digest, facts


def _table_facts(row_count: int, type_by_column: Mapping[str, str]) -> dict[str, Any]:
    from headwater.model.tables import TableSchema

    return {
        "headwater/row_count": IntMetadataValue(row_count),
        "headwater/column_schema": TableSchemaMetadataValue(TableSchema.from_name_type_dict(type_by_column)),
    }


def _find(place: str) -> str | None:
    """Return the ending of the file that holds a value; the newest, should a crash have left an older one behind."""
    found: str | None = None
    newest = -1
    for ending in ENDINGS:
        if not os.access(place + ending, os.F_OK):
            continue
        try:
            status = os.stat(place + ending)
        except FileNotFoundError:
            continue
        if status.st_mtime_ns > newest and status.st_size > 0:
            found, newest = ending, status.st_mtime_ns
    return found


def _load_one(context: InputContext, place: str, ending: str, keys: Sequence[str] | None) -> Any:
    asked = value_annotation(context.annotation)
    if keys is not None and frames_asked(asked)[0] and ending == PARQUET:
        # dict[str, DataFrame], of which only one partition maps here: still a dict, as the annotation says.
        return {keys[0]: _load(context, place, ending, asked)}
    return _load(context, place, ending, context.annotation)


def _load(context: InputContext, place: str, ending: str, annotation: Any) -> Any:
    path = place + ending
    kinds, is_only_frames = frames_asked(annotation)
    try:
        if ending == PARQUET:
            kind = kinds[0] if len(kinds) == 1 else stored_kind(path)
            return _read_frame(path, kind if not kinds or kind in kinds else kinds[0])
        value = DECODERS[ending](read_whole(path))
    except FileNotFoundError:
        keys = context.asset_partition_keys if context.has_asset_partitions else ()
        raise ValueNotFound(owner_of(context), [path], keys) from None
    except Exception as error:
        raise UnreadableValue(owner_of(context), path, *why_unreadable(error)) from error
    return as_asked(context, value, kinds, is_only_frames) if kinds else value


def _read_frame(path: str, kind: str) -> Any:
    if kind == PANDAS:
        from headwater.io import frames_pandas

        return frames_pandas.read(path)
    if kind == ARROW:
        from headwater.io import frames_arrow

        return frames_arrow.read(path)
    from headwater.io import frames_polars

    return frames_polars.scan(path) if kind == LAZY else frames_polars.read(path)
