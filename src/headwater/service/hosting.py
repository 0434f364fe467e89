"""The processes of a service: a host for each snapshot of the code of a location, and the workers that it forks.

They are started, watched, told to end and ended here; what they are for is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater import __version__
from headwater.model.errors.service import UnknownLocation, VersionDiffers
from headwater.service.active import Policy
from headwater.service.dispatcher import Dispatcher
from headwater.service.location import LocationSettings, Peer, Snapshot, start_snapshot
from headwater.service.processes import kill_children
from headwater.service.protocol import PROTOCOL, HostReady, Problem, Surroundings, WorkerEnded, WorkerForked
from headwater.service.waiting import Limits

if TYPE_CHECKING:
    from headwater.model.keys import AssetKey
    from headwater.runtime.instance import Instance

_KILL_AGAIN_SECONDS: Final = 0.5
HOST_START_SECONDS: Final = 120.0
_MOST_HOST_DEATHS: Final = 6
_WORKER_START_SECONDS: Final = 60.0
_MOST_START_WAIT_SECONDS: Final = 5.0
_LAST_WORDS_SECONDS: Final = 0.5
_LOG_BYTES_LIMIT: Final = 256 << 20


@dataclass(slots=True)
class ServiceOptions:
    """How a service runs. `share_tag` names the tag by whose values workers are shared out fairly."""

    locations: Sequence[LocationSettings]
    policy: Policy = field(default_factory=Policy)
    run_limits: Limits = field(default_factory=Limits)
    step_limits: Limits = field(default_factory=Limits)
    share_tag: str | None = None
    warm_workers: int = 2
    # What to do with runs that a server left unfinished: go on with them, or leave them interrupted.
    resumes: bool = True
    # Whether code is imported anew when a file of it changes.
    reloads: bool = False
    # Told each time a location has been imported again, and when one does not import.
    on_loaded: Callable[[str, Problem | None], None] = lambda name, problem: None


class Hosting(ABC):
    """The half of the server that has processes."""

    def __init__(self, instance: Instance, options: ServiceOptions) -> None:
        self.instance = instance
        self.options = options
        self.dispatcher = Dispatcher(options.policy, run_limits=options.run_limits, step_limits=options.step_limits)
        self.current: dict[str, Snapshot] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.broken: dict[str, Problem] = {}
        self.snapshot_of_worker: dict[int, Snapshot] = {}
        self.is_ready = asyncio.Event()
        self._deaths: dict[str, int] = {}
        # By location: the keys that assets had before and have now, where the history is not moved yet.
        self._former_keys: dict[str, list[tuple[AssetKey, AssetKey]]] = {}
        # By snapshot of code, how many workers in a row have ended before they were ready, and when to try again.
        self._failed_starts: dict[str, int] = {}
        self._starts_at: dict[str, float] = {}
        self._worker_numbers = itertools.count(1)
        self._unit_numbers = itertools.count(1)
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop

    @abstractmethod
    def _take(self, worker_id: int, message: Any) -> None:
        """Take in what a worker says."""

    @abstractmethod
    def _act_soon(self) -> None:
        """Do what was decided, in this turn of the loop."""

    @abstractmethod
    def _adopt_runs(self, location: str) -> None:
        """Go on with what a server before left of a location that is loaded now."""

    def _end_processes(self) -> None:
        for snapshot in self.snapshots.values():
            snapshot.control.close()
            if snapshot.ready is None:  # it imports, and hears nothing
                snapshot.process.kill()
        for snapshot in self.snapshots.values():
            try:
                snapshot.process.wait(timeout=5.0)
            except Exception:
                snapshot.process.kill()
                snapshot.process.wait()
        kill_children(but=set())

    def _start_snapshot(self, location: LocationSettings) -> Snapshot | None:
        unit = f"{location.name}#{next(self._unit_numbers)}"
        try:
            snapshot = start_snapshot(location, unit)
        except OSError as error:
            self.broken[location.name] = Problem(
                what=f'The Python of the code location "{location.name}" could not be started: {error}.',
                fix=f"Check its setting python: {location.python}.",
            )
            return None
        self.snapshots[unit] = snapshot
        self._loop.add_reader(snapshot.control, self._read_host, snapshot)
        return snapshot

    async def _first_snapshots(self) -> None:
        """Wait until every location has loaded, or not."""
        waiting_until = time.monotonic() + HOST_START_SECONDS
        while time.monotonic() < waiting_until and not self._stopping.is_set():
            if all(name.name in self.current or name.name in self.broken for name in self.options.locations):
                return
            await asyncio.sleep(0.005)

    def _read_host(self, snapshot: Snapshot) -> None:
        messages = snapshot.read()
        if messages is None:
            self._host_lost(snapshot)
            return
        for message in messages:
            match message:
                case HostReady():
                    self._host_ready(snapshot, message)
                case WorkerEnded():
                    self._worker_ended(message.worker_id, _how(message.exit_code))
                case WorkerForked():
                    pass

    def _host_ready(self, snapshot: Snapshot, message: HostReady) -> None:
        name = snapshot.location.name
        snapshot.ready = message
        problem = message.problem
        if message.protocol != PROTOCOL or message.version != __version__:
            python = snapshot.location.python or "python"
            problem = Problem.of(VersionDiffers(name, message.version, __version__, python))
        if problem is not None:
            # The last good snapshot stays, and shows the error beside it.
            self.broken[name] = problem
            self.options.on_loaded(name, problem)
            self._drop(snapshot)
            return
        self.broken.pop(name, None)
        self._deaths.pop(name, None)
        before = self.current.get(name)
        if before is not None and _number_of(before) > _number_of(snapshot):
            # It read the code before the one that is there already, and took longer to import it.
            self._drop(snapshot)
            return
        self._take_former_keys(name, message)
        self.current[name] = snapshot
        if self.is_ready.is_set():
            self.options.on_loaded(name, None)
        self.dispatcher.keep(snapshot.unit, self.options.warm_workers, time.time())
        if before is not None:
            self.dispatcher.keep(before.unit, 0, time.time())
            self.dispatcher.retire(before.unit, time.time())
        self._repin(name, snapshot.unit)
        self._adopt_runs(name)
        self._act_soon()

    def _take_former_keys(self, name: str, message: HostReady) -> None:
        """Assets that were renamed in the code take their history along before anything is built under the new keys."""
        self._former_keys.pop(name, None)
        if not message.former_keys:
            return
        from headwater.model.keys import AssetKey

        pairs = [(AssetKey.parse(former), AssetKey.parse(key)) for former, key, _ in message.former_keys]
        is_default = {AssetKey.parse(key): default for _, key, default in message.former_keys}
        self._former_keys[name] = [pair for pair in pairs if is_default[pair[1]]]
        self.adopt_former_keys(name)
        elsewhere = [pair for pair in pairs if not is_default[pair[1]]]
        for former, key in self._not_moved(elsewhere):
            logging.getLogger("headwater").warning(
                'The history of "%s" was not moved to "%s", as only your code knows where its values are: '
                "headwater asset mv %s %s",
                *(former, key, former, key),
            )

    def adopt_former_keys(self, name: str) -> None:
        """Move the history of assets that were renamed; where a run or a backfill was in the way, it is tried again."""
        pairs = self._former_keys.get(name)
        if not pairs:
            return
        from headwater.runtime.moves import adopt_keys

        try:
            adopt_keys(self.instance, pairs)
        except OSError as error:
            logging.getLogger("headwater").warning("Values of renamed assets could not be moved: %s", error)
        self._former_keys[name] = self._not_moved(pairs)

    def _not_moved(self, pairs: list[tuple[AssetKey, AssetKey]]) -> list[tuple[AssetKey, AssetKey]]:
        known = self.instance.store.latest_facts([key for pair in pairs for key in pair])
        return [(former, key) for former, key in pairs if former in known and key not in known]

    def _host_lost(self, snapshot: Snapshot) -> None:
        """A host is gone, and with it all of its workers: the kernel ends them."""
        with contextlib.suppress(ValueError, OSError):
            self._loop.remove_reader(snapshot.control)
        snapshot.is_gone = True
        self.snapshots.pop(snapshot.unit, None)
        lost = [worker_id for worker_id, each in self.snapshot_of_worker.items() if each is snapshot]
        _reap(snapshot.process)  # before its children, among whom it would be reaped without its exit code
        kill_children(but={each.process.pid for each in self.snapshots.values()})
        for worker_id in lost:
            self._worker_ended(worker_id, "the host process of its code location is gone")
        name = snapshot.location.name
        if self.current.get(name) is snapshot:
            del self.current[name]
            self.dispatcher.keep(snapshot.unit, 0, time.time())
            if not self._stopping.is_set():
                self._start_snapshot(snapshot.location)
        elif snapshot.ready is None and not self._stopping.is_set():
            self._died_loading(snapshot)
        elif name in self.current:
            self._repin(name, self.current[name].unit)
        self._act_soon()

    def _died_loading(self, snapshot: Snapshot) -> None:
        """A host ended while it imported the code: where it was killed, it is tried again a few times."""
        location = snapshot.location
        deaths = self._deaths[location.name] = self._deaths.get(location.name, 0) + 1
        code = snapshot.process.wait()
        if code < 0 and deaths < _MOST_HOST_DEATHS:
            self._loop.call_later(0.1 * 2**deaths, self._start_snapshot, location)
            return
        hint = f" Does {location.python} have Headwater {__version__}?" if location.python and code == 1 else ""
        self.broken[location.name] = Problem(
            what=f'The process that imports the code location "{location.name}" ended while it did so: {_how(code)}.{hint}',
            fix="What it wrote is where the service was started; mend it, then `headwater worker reload`.",
        )

    def _repin(self, name: str, unit: str) -> None:
        """What waits for a host that is gone goes on with the one that has taken its place."""
        for used in self.dispatcher.units():
            if used.rpartition("#")[0] == name and used not in self.snapshots:
                self.dispatcher.move_runs(used, unit, time.time())

    def reload(self, name: str | None = None) -> None:
        """Import the code of a location, or of all, anew; the old host serves until the new one is sound.

        Raises UnknownLocation.
        """
        names = tuple(location.name for location in self.options.locations)
        if name is not None and name not in names:
            raise UnknownLocation(name, names)
        for location in self.options.locations:
            if name is None or location.name == name:
                self._start_snapshot(location)

    async def _watch_files(self) -> None:
        """Import code anew when a file of it changes."""
        from watchfiles import PythonFilter, awatch

        folder_by_location = {
            location.name: (location.directory or Path.cwd()).absolute() for location in self.options.locations
        }
        looks_at = PythonFilter(extra_extensions=(".toml", ".yaml", ".yml", ".sql"))
        async for changes in awatch(*set(folder_by_location.values()), watch_filter=looks_at, step=50, debounce=200):
            changed = [Path(path) for _, path in changes]
            for name, folder in folder_by_location.items():
                if any(self._is_code(path, folder) for path in changed):
                    self.reload(name)

    def _is_code(self, path: Path, folder: Path) -> bool:
        """Whether a changed file is of the code below a folder, and not of the state or of what is installed."""
        home = self.instance.home
        if not path.is_relative_to(folder) or (home is not None and path.is_relative_to(home)):
            return False
        return not any(part.startswith(".") or part == "site-packages" for part in path.relative_to(folder).parts)

    def _start_worker(self, unit: str) -> None:
        snapshot = self.snapshots.get(unit)
        if snapshot is None or snapshot.is_gone or snapshot.ready is None:
            return
        waits_seconds = self._starts_at.get(unit, 0.0) - time.monotonic()
        if waits_seconds > 0:
            self._loop.call_later(waits_seconds, self._act_soon)  # it is asked for again then
            return
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            # No descriptor is free: asked for again when some may be.
            self._loop.call_later(_KILL_AGAIN_SECONDS, self._act_soon)
            return
        worker_id = next(self._worker_numbers)
        peer = Peer(lambda message: self._take(worker_id, message), lambda: self._peer_lost(worker_id))
        self.snapshot_of_worker[worker_id] = snapshot
        self.dispatcher.worker_started(worker_id, unit, time.time())
        with theirs:
            try:
                snapshot.fork(worker_id, theirs.fileno())
            except OSError:
                ours.close()
                self._worker_ended(worker_id, "the host process of its code location is gone")
                return
        snapshot.peers[worker_id] = peer
        self._loop.create_task(self._connect(ours, peer))
        self._loop.call_later(_WORKER_START_SECONDS, self._end_if_unready, worker_id)

    def _end_if_unready(self, worker_id: int) -> None:
        """End a worker that should have been ready long ago: a fork of it hangs, or its import does."""
        worker = self.dispatcher.workers.get(worker_id)
        if worker is not None and not worker.is_ready:
            self._kill_worker(worker_id)

    def _note_start(self, unit: str, *, was_ready: bool) -> None:
        """Let workers that end before they are ready be started ever more slowly."""
        if was_ready:
            self._failed_starts.pop(unit, None)
            return
        failed = self._failed_starts[unit] = self._failed_starts.get(unit, 0) + 1
        self._starts_at[unit] = time.monotonic() + min(_MOST_START_WAIT_SECONDS, 0.05 * 2**failed)

    async def _connect(self, connection: socket.socket, peer: Peer) -> None:
        connection.setblocking(False)
        await self._loop.create_connection(lambda: peer, sock=connection)
        home = self.instance.home
        peer.send(
            Surroundings(str(home), str(self.instance.storage_dir), str(self.instance.logs_dir), _LOG_BYTES_LIMIT)
        )

    def _peer_lost(self, worker_id: int) -> None:
        """A worker's socket is closed. Its host says when the process is gone; it is told to see to that."""
        snapshot = self.snapshot_of_worker.get(worker_id)
        if snapshot is not None and not snapshot.is_gone:
            snapshot.signal(worker_id, kills=True)

    def _worker_ended(self, worker_id: int, how: str) -> None:
        snapshot = self.snapshot_of_worker.pop(worker_id, None)
        if snapshot is None:
            return
        peer = snapshot.peers.pop(worker_id, None)
        if peer is not None:
            peer.close()
        worker = self.dispatcher.workers.get(worker_id)
        self._note_start(snapshot.unit, was_ready=worker is not None and worker.is_ready)
        self.dispatcher.worker_lost(worker_id, how, time.time())
        self._end_if_drained(snapshot)
        self._act_soon()

    def _end_if_drained(self, snapshot: Snapshot) -> None:
        """End the host of code that another has taken the place of, when nothing is pinned to it any more."""
        if snapshot.ready is None or snapshot in self.current.values():
            return  # it is being imported, or is the newest
        used = any(run.unit == snapshot.unit for run in self.dispatcher.runs.values())
        if not used and snapshot not in self.snapshot_of_worker.values():
            self._drop(snapshot)

    def _send(self, worker_id: int, message: Any) -> None:
        snapshot = self.snapshot_of_worker.get(worker_id)
        peer = snapshot.peers.get(worker_id) if snapshot is not None else None
        if peer is not None:
            peer.send(message)

    def _stop_worker(self, worker_id: int, grace_seconds: float) -> None:
        snapshot = self.snapshot_of_worker.get(worker_id)
        if snapshot is None:
            return
        if grace_seconds > 0:
            snapshot.signal(worker_id, kills=False)
        self._loop.call_later(grace_seconds, self._kill_worker, worker_id)

    def _kill_worker(self, worker_id: int) -> None:
        snapshot = self.snapshot_of_worker.get(worker_id)
        if snapshot is not None:
            snapshot.signal(worker_id, kills=True)
            self._loop.call_later(_KILL_AGAIN_SECONDS, self._kill_worker, worker_id)

    def _drop(self, snapshot: Snapshot) -> None:
        """Have a host end that has no workers."""
        with contextlib.suppress(ValueError, OSError):
            self._loop.remove_reader(snapshot.control)
        snapshot.control.close()
        self.snapshots.pop(snapshot.unit, None)


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that has closed its socket, as the kernel does for one that ends, and end one that lingers."""
    try:
        process.wait(_LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return f"it ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
    return f"it was ended by {name}{hint}"


def _number_of(snapshot: Snapshot) -> int:
    """Return where a snapshot stands among those that were started."""
    return int(snapshot.unit.rpartition("#")[2])
