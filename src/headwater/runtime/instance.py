"""An instance: the memory of runs and assets, with the directories of step logs and of stored values.

The promise: what an instance shows as running is running. Runs whose process is gone are ended when it is opened.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from headwater.model.clock import utc_now
from headwater.model.errors import CheckError
from headwater.model.events import Event
from headwater.model.partitions.static import check_keys
from headwater.model.runs import Run
from headwater.runtime.asset_history import AssetHistory
from headwater.runtime.backfill_history import BackfillHistory
from headwater.runtime.home import STORE_FILE, prepare_home
from headwater.runtime.instance_repairs import Repairs
from headwater.runtime.run_history import RunHistory
from headwater.runtime.run_reports import RunReports
from headwater.store import open_postgres, open_store
from headwater.store.interface import CursorStore, Store

if TYPE_CHECKING:
    from headwater.model.pagination import PaginatedResults
    from headwater.runtime.settings import Settings

_DAY_SECONDS = 86_400
_PRUNED_AT = "headwater/history_pruned_at"
# What a move of an asset has still to remove from storage (see runtime/moves.py).
LEFT_VALUES = "headwater/moved_values"


class Instance(RunHistory, RunReports, AssetHistory, BackfillHistory, Repairs):
    """Runs, materializations, checks, dynamic partitions and cursors, kept in one place. Use it in a with statement.

    Make one with `Instance.get()` (the project's), `Instance.open(home)`, `Instance.local_temp()` or
    `Instance.ephemeral()`.
    """

    _of_this_worker: ClassVar[Instance | None] = None

    def __init__(
        self,
        store: Store,
        home: Path | None,
        *,
        storage_dir: Path | None = None,
        retention_days: int | None = None,
        scratch: Scratch | None = None,
    ) -> None:
        self.store = store
        self._home = home
        self._storage_dir = storage_dir
        self._scratch = scratch or Scratch()
        # Holds the store, so that it is closed before the directory that it is in goes.
        self._closing = weakref.finalize(self, _close, store, self._scratch)
        try:
            self._recovered_runs = tuple(store.recover(self._values_left_behind))
            self._remove_unfinished_files()
            if retention_days is not None:
                self._prune_when_due(retention_days)
        except BaseException:
            with contextlib.suppress(Exception):
                self.close()
            raise

    # ---------------------------------------------------------------------------------------------------------- opening

    @classmethod
    def ephemeral(
        cls,
        tempdir: str | os.PathLike[str] | None = None,
        preload: Sequence[Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Instance:
        """Return an instance in memory, gone when it is closed. `preload` and `settings` must be empty.

        Values and step logs go to `tempdir`, which stays, or else to a directory that is removed with the instance.
        """
        if preload:
            raise CheckError(
                what="Instance.ephemeral was given runs to preload.",
                why="Runs that another tool wrote down cannot be read.",
                fix="Leave out preload=.",
            )
        _warn_of_no_effect(settings)
        return cls(open_store(None), None, scratch=Scratch(None if tempdir is None else Path(tempdir)))

    @classmethod
    def local_temp(
        cls, tempdir: str | os.PathLike[str] | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Instance:
        """Return an instance on disk: in `tempdir`, which stays, or in a directory that is removed at the close.

        `overrides` are settings of services, which have no effect here: it warns of them.
        """
        _warn_of_no_effect(overrides)
        scratch = Scratch(None if tempdir is None else Path(tempdir))
        try:
            home = scratch.directory()
            prepare_home(home)
            return cls(open_store(home / STORE_FILE), home, scratch=scratch)
        except BaseException:
            scratch.remove()
            raise

    @classmethod
    def get(cls) -> Instance:
        """Return the instance of the project that the current directory is in (see `Settings.load`).

        In a worker of the service: the instance that the service keeps, which answers over the worker's channel.
        """
        if cls._of_this_worker is not None:
            return cls._of_this_worker
        from headwater.runtime.settings import Settings

        return cls.from_settings(Settings.load())

    @classmethod
    def of_worker(cls, store: Any, home: str, storage_dir: str) -> Instance:
        """Return the instance of a worker process, whose store asks the server; `get` returns it from now on."""
        cls._of_this_worker = cls(store, Path(home), storage_dir=Path(storage_dir))
        cls._of_this_worker.adopts_former_keys = False  # the server did, before anything was built
        return cls._of_this_worker

    @classmethod
    def from_settings(cls, settings: Settings) -> Instance:
        """Return the instance that these settings describe."""
        return cls.open(
            settings.home,
            storage_dir=settings.storage_dir,
            durability=settings.durability,
            retention_days=settings.retention_days,
            database=None if settings.database is None else settings.database.url,
            database_direct=None if settings.database_direct is None else settings.database_direct.url,
        )

    @classmethod
    def open(
        cls,
        home: Path | str,
        *,
        storage_dir: Path | str | None = None,
        durability: Literal["normal", "full"] = "normal",
        retention_days: int | None = 90,
        database: str | None = None,
        database_direct: str | None = None,
    ) -> Instance:
        """Return the instance kept in the directory `home`, which is made if it is not there.

        With `database`, a URL such as "postgresql://user:password@host/name", runs and assets are recorded there, and
        `home` holds what steps said and stored values. Where that leads to a pooler, `database_direct` leads past it.
        Events of successful runs older than `retention_days` are trimmed, at most once a day; None keeps them all.
        Raises what keeps the store from being opened: NotAStore, StoreTooNew, StoreNotWritable, StoreUnreachable, ...
        """
        # Absolute, so that it stays the same when the program changes its directory.
        directory = Path(home).expanduser().absolute()
        prepare_home(directory)
        return cls(
            open_store(directory / STORE_FILE, durability=durability)
            if database is None
            else open_postgres(database, durability=durability, direct_url=database_direct),
            directory,
            storage_dir=None if storage_dir is None else Path(storage_dir).expanduser().absolute(),
            retention_days=retention_days,
        )

    # ------------------------------------------------------------------------------------------------------------ parts

    @property
    def home(self) -> Path | None:
        """The directory of the store; None for an instance in memory."""
        return self._home

    @property
    def root_directory(self) -> str:
        """The directory under which everything is, as text."""
        return str(self._home or self._scratch.directory())

    @property
    def logs_dir(self) -> Path:
        """Where what steps said is kept, a directory for each run."""
        return (self._home or self._scratch.directory()) / "logs"

    @property
    def storage_dir(self) -> Path:
        """Where the default IO manager keeps values. That of an instance in memory is removed when it is closed."""
        return self._storage_dir or (self._home or self._scratch.directory()) / "storage"

    def storage_directory(self) -> str:
        """Return `storage_dir` as text."""
        return str(self.storage_dir)

    @property
    def is_ephemeral(self) -> bool:
        """Whether all is gone when the instance is closed because it is in memory."""
        return self._home is None

    @property
    def is_persistent(self) -> bool:
        """Whether another process that opens the same home sees the same state."""
        return not self.is_ephemeral

    @property
    def run_storage(self) -> Instance:
        """The instance, as that which keeps runs and small values: `get_cursor_values`, `set_cursor_values`."""
        return self

    @property
    def event_log_storage(self) -> Instance:
        """The instance, as that which keeps events and what follows from them."""
        return self

    def file_manager_directory(self, run_id: str) -> str:
        """Return a directory for files of a run, as text."""
        return str(self.storage_dir / run_id / "files")

    def info_dict(self) -> Mapping[str, object]:
        """Return where the instance keeps what."""
        return {
            "home": None if self._home is None else str(self._home),
            "database": getattr(self.store, "name", None),
            "storage_dir": str(self.storage_dir),
            "logs_dir": str(self.logs_dir),
        }

    def info_str(self) -> str:
        """Return where the instance keeps what, as lines of text."""
        return "".join(f"{name}: {value}\n" for name, value in self.info_dict().items())

    @property
    def recovered_runs(self) -> Sequence[Run]:
        """The runs that were found without their process, and marked as interrupted, when the instance was opened."""
        return self._recovered_runs

    def delete_run(self, run_id: str) -> None:
        """Forget the run, its events and what its steps said; what it made of assets stays. Raises RunInProgress."""
        from headwater.engine.step_log_files import run_log_directory

        self.store.delete_run(run_id)
        if self._home is not None or self._scratch.is_made:
            shutil.rmtree(run_log_directory(self.logs_dir, run_id), ignore_errors=True)

    def close(self) -> None:
        """Make all that was recorded durable and close. Runs of this process that are unfinished become interrupted."""
        self._closing()

    dispose = close

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Instance({str(self._home)!r})" if self._home else "Instance.ephemeral()"

    def __reduce__(self) -> Any:
        raise CheckError(
            what=f"{self!r} was to be pickled.",
            why="It holds an open store, which one process writes.",
            fix="Hand on its home, and open it there with Instance.open(home).",
        )

    def _values_left_behind(self, run: Run) -> Sequence[Event]:
        from headwater.runtime.left_behind import values_left_behind

        return values_left_behind(self.store, str(self.storage_dir), run)

    def _remove_unfinished_files(self) -> None:
        for run in self._recovered_runs:
            from headwater.runtime.left_behind import remove_unfinished_files

            remove_unfinished_files(str(self.storage_dir), run)

    def _prune_when_due(self, retention_days: int) -> None:
        now = utc_now().timestamp()
        noted = self.store.get_cursor_values([_PRUNED_AT, LEFT_VALUES])
        if LEFT_VALUES in noted:
            from headwater.runtime.moves import remove_left_values

            remove_left_values(self, noted[LEFT_VALUES])
        last = noted.get(_PRUNED_AT)
        if last is None or now - float(last) >= _DAY_SECONDS:
            self.store.prune(now - retention_days * _DAY_SECONDS)
            self.store.set_cursor_values({_PRUNED_AT: repr(now)})

    # ----------------------------------------------------------------------------------------------- dynamic partitions

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Return the keys of a DynamicPartitionsDefinition, in the order in which they were added."""
        return self.store.get_dynamic_partitions(partitions_def_name)

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        """Add keys; those that are there already stay as they are."""
        if isinstance(partition_keys, str):
            raise CheckError(
                what=f"add_dynamic_partitions got the text {partition_keys!r} for partition_keys.",
                why="Each of its letters would become a partition.",
                fix=f"Write [{partition_keys!r}].",
            )
        keys = list(dict.fromkeys(partition_keys))
        check_keys(keys)
        self.store.add_dynamic_partitions(partitions_def_name, keys)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether a dynamic partitions definition has this key."""
        return self.store.has_dynamic_partition(partitions_def_name, partition_key)

    def get_existing_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> set[str]:
        """Return those of these keys that a dynamic partitions definition has."""
        return set(partition_keys) & set(self.store.get_dynamic_partitions(partitions_def_name))

    def get_paginated_dynamic_partitions(
        self, partitions_def_name: str, limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults[str]:
        """Return one page of the keys of a dynamic partitions definition, in the order in which they were added."""
        from headwater.model.pagination import PaginatedResults

        keys = self.store.get_dynamic_partitions(partitions_def_name)
        return PaginatedResults.create_from_sequence(keys, limit, ascending, cursor)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Remove a key; what is recorded of its partitions stays. Does nothing when it is not there."""
        self.store.delete_dynamic_partition(partitions_def_name, partition_key)

    # ---------------------------------------------------------------------------------------------------------- cursors

    @property
    def daemon_cursor_storage(self) -> CursorStore:
        """Small named values that outlive a process: `get_cursor_values` and `set_cursor_values`."""
        return self.store

    def get_cursor_values(self, keys: Iterable[str]) -> Mapping[str, str]:
        """Return the values of these keys; one without a value is left out."""
        return self.store.get_cursor_values(keys)

    def set_cursor_values(self, pairs: Mapping[str, str]) -> None:
        """Keep values by key, all of them at once."""
        self.store.set_cursor_values(pairs)


@contextlib.contextmanager
def instance_for_test(
    overrides: Mapping[str, Any] | None = None,
    set_home: bool = True,
    temp_dir: str | os.PathLike[str] | None = None,
    *,
    set_dagster_home: bool | None = None,
) -> Iterator[Instance]:
    """Give an instance on disk that is removed after the block; inside it, `Instance.get()` opens the same state.

    With `temp_dir` it is made there and left there. `set_home=False`, which may also be written as
    `set_dagster_home=False`, leaves HEADWATER_HOME as it is. `overrides` have no effect: it warns of them.
    """
    if set_dagster_home is not None:
        set_home = set_dagster_home
    _warn_of_no_effect(overrides)
    with Instance.local_temp(temp_dir) as instance:
        before = os.environ.get("HEADWATER_HOME")
        if set_home:
            os.environ["HEADWATER_HOME"] = str(instance.home)
        try:
            yield instance
        finally:
            if set_home and before is None:
                os.environ.pop("HEADWATER_HOME", None)
            elif set_home and before is not None:
                os.environ["HEADWATER_HOME"] = before


class Scratch:
    """A directory that is made when first asked for and removed at the end, unless it was given."""

    def __init__(self, given: Path | None = None) -> None:
        self._given = None if given is None else given.expanduser().absolute()
        self._made: Path | None = None
        self._made_by_pid = 0
        self._lock = threading.Lock()

    def directory(self) -> Path:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._made is None:
                self._made = Path(tempfile.mkdtemp(prefix="headwater-"))
                self._made_by_pid = os.getpid()
            return self._made

    @property
    def is_made(self) -> bool:
        return self._given is not None or self._made is not None

    def remove(self) -> None:
        # A forked child that ends leaves the directory to its parent.
        if self._made is not None and self._made_by_pid == os.getpid():
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None


def _warn_of_no_effect(settings: Mapping[str, Any] | None) -> None:
    """Say which settings change nothing. There is no telemetry, so that turning it off has the effect that is wanted."""
    without_effect = sorted(name for name in settings or {} if name != "telemetry")
    if without_effect:
        import warnings

        warnings.warn(
            f"These settings of the instance have no effect in Headwater: {', '.join(without_effect)}. "
            "What it does have is set in pyproject.toml, under [tool.headwater].",
            UserWarning,
            stacklevel=4,
        )


def _close(store: Store, scratch: Scratch) -> None:
    try:
        store.close()
    finally:
        scratch.remove()
