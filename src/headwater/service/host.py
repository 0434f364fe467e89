"""A host: imports the user's module and makes workers by forking itself. It runs none of the user's functions.

So a fork of it is sound: no thread runs in it and no library has begun to work. It is the parent of the workers, and the
only one that signals and reaps them: a process id means what it says until its parent has asked for it.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import platform
import select
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater import __version__
from headwater.service.processes import adopt_orphans, die_with_parent, kill_children, signal_tree
from headwater.service.protocol import (
    PROTOCOL,
    ForkWorker,
    Frames,
    HostReady,
    Message,
    Problem,
    SignalWorker,
    ToHost,
    WorkerEnded,
    WorkerForked,
    decode,
    encode,
)

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.runtime.project import LoadedProject


class Host:
    """The process beside the server for one snapshot of one code location."""

    def __init__(self, control: socket.socket, arguments: argparse.Namespace) -> None:
        self.control = control
        self.arguments = arguments
        self.definitions: Definitions | None = None
        self.path: str | None = None
        self.former_keys: tuple[tuple[str, str, bool], ...] = ()
        self.can_fork = False
        self.pid_by_worker: dict[int, int] = {}
        self._frames = Frames()
        self._descriptors: deque[int] = deque()

    def run(self) -> None:
        adopt_orphans()
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        problem = self._load()
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._send(
            HostReady(
                PROTOCOL,
                __version__,
                platform.python_version(),
                os.getpid(),
                problem,
                self.can_fork,
                self.path,
                self.former_keys,
            )
        )
        try:
            self._serve(wake_read, wake_write)
        finally:
            for pid in self.pid_by_worker.values():
                signal_tree(pid, signal.SIGKILL)
            kill_children(but=set())

    def _load(self) -> Problem | None:
        try:
            project = load_project(self.arguments)
            self.definitions = project.definitions
            self.path = None if project.path is None else os.path.realpath(project.path)
            self.former_keys = _former_keys(project.definitions)
            from headwater.service.worker import prime

            prime()
            self.can_fork = hasattr(os, "fork") and threading.active_count() == 1 and not self.arguments.spawn
        except BaseException as error:
            if isinstance(error, SystemExit):
                error = RuntimeError(f"The module called sys.exit({error.code!r}) while it was imported.")
            return Problem.of(error)
        return None

    def _serve(self, wake_read: int, wake_write: int) -> None:
        while True:
            ready, _, _ = select.select([self.control.fileno(), wake_read], [], [])
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    told = os.read(wake_read, 4096)
                    if signal.SIGTERM in told:
                        return
                self._reap()
            if self.control.fileno() in ready:
                try:
                    data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 16)
                except OSError:
                    return
                if not data:
                    return
                self._descriptors.extend(descriptors)
                for body in self._frames.take(data):
                    self._take(decode(ToHost, body), (wake_read, wake_write))

    def _take(self, message: ForkWorker | SignalWorker, own: tuple[int, int]) -> None:
        if isinstance(message, SignalWorker):
            pid = self.pid_by_worker.get(message.worker_id)
            if pid is not None:
                signal_tree(pid, signal.SIGKILL if message.kills else signal.SIGTERM)
            return
        descriptor = self._descriptors.popleft()
        try:
            pid = self._fork(descriptor, own) if self.can_fork else self._spawn(descriptor)
        except OSError as error:
            sys.stderr.write(f"headwater: a worker could not be started: {error}\n")
            self._send(WorkerEnded(message.worker_id, 0, -errno.EAGAIN))
            return
        finally:
            os.close(descriptor)
        self.pid_by_worker[message.worker_id] = pid
        self._send(WorkerForked(message.worker_id, pid))

    def _fork(self, descriptor: int, own: tuple[int, int]) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            for each in own:
                os.close(each)
            definitions = self.definitions
            assert definitions is not None
            _be_worker(descriptor, parent, lambda: definitions)
        finally:
            os._exit(1)

    def _spawn(self, descriptor: int) -> int:
        command = [sys.executable, "-m", "headwater.service.host", *sys.argv[1:], "--worker", str(descriptor)]
        # Not subprocess: whatever is reaped must be reaped here.
        os.set_inheritable(descriptor, True)
        return os.posix_spawn(sys.executable, command, os.environ)

    def _reap(self) -> None:
        ended: list[WorkerEnded] = []
        for worker_id, pid in list(self.pid_by_worker.items()):
            # The group is ended before the process is reaped, while its id is still its own.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            del self.pid_by_worker[worker_id]
            ended.append(WorkerEnded(worker_id, pid, os.waitstatus_to_exitcode(status)))
        if ended:
            kill_children(but=set(self.pid_by_worker.values()))
        for message in ended:
            self._send(message)

    def _send(self, message: Message) -> None:
        with contextlib.suppress(OSError):
            self.control.sendall(encode(message))


def _former_keys(definitions: Definitions) -> tuple[tuple[str, str, bool], ...]:
    from headwater.runtime.instance_repairs import declares_former_keys

    index = definitions.index
    if not declares_former_keys(index):
        return ()
    from headwater.runtime.moves import former_keys_in

    given = definitions.global_asset_job.resource_defs if index.definitions else {}
    return tuple(
        (str(former), str(key), (manager := index.io_manager_key_of(key)) == "io_manager" and manager not in given)
        for former, key in former_keys_in(index)
    )


def _be_worker(descriptor: int, parent: int, load: object) -> None:
    """Become a worker, in a process group of its own, which ends when its host does."""
    os.setsid()
    die_with_parent(signal.SIGKILL, parent)
    adopt_orphans()
    connection = socket.socket(fileno=os.dup(descriptor))
    os.close(descriptor)
    import random

    from headwater.service.worker import work

    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    work(connection, load)  # type: ignore[arg-type]


def load_project(arguments: argparse.Namespace) -> LoadedProject:
    """Import the user's module; what imports `dagster` gets Headwater where the real one is not installed."""
    from headwater.compat.dagster.aliases import install, install_where_missing
    from headwater.runtime.project import find_definitions

    if os.environ.get("HEADWATER_AS_DAGSTER") == "1":
        install()
    else:
        install_where_missing(lambda: None)
    project = find_definitions(arguments.module, arguments.file)
    definitions = project.definitions
    definitions.index.graph  # noqa: B018 - made before the fork, for all workers
    if definitions.index.definitions:
        definitions.global_asset_job  # noqa: B018
    return project


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="headwater.service.host")
    parser.add_argument("--module")
    parser.add_argument("--file")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--spawn", action="store_true")
    parser.add_argument("--worker", type=int)
    arguments = parser.parse_args(given)
    if arguments.worker is not None:
        _be_worker(arguments.worker, os.getppid(), lambda: load_project(arguments).definitions)
    die_with_parent(signal.SIGTERM, arguments.parent)
    os.setsid()
    Host(socket.socket(fileno=arguments.control), arguments).run()


if __name__ == "__main__":
    main()
