"""Code locations as the server holds them: the host process of each snapshot of the code, and its workers' sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.model.errors.service import MessageTooLarge, UnreadableMessage
from headwater.runtime.settings import DATABASE_VARIABLES
from headwater.service.protocol import (
    ForkWorker,
    Frames,
    FromHost,
    FromWorker,
    HostReady,
    Message,
    Problem,
    SignalWorker,
    WorkerEnded,
    decode,
    encode,
    in_parts,
)


@dataclass(frozen=True, slots=True)
class LocationSettings:
    """Where the code of a location is, and the Python that imports it. `python` None is the server's own."""

    name: str
    module: str | None = None
    file: Path | None = None
    python: str | None = None
    directory: Path | None = None
    spawns_workers: bool = False


class Peer(asyncio.Protocol):
    """The server's end of one worker's socket."""

    def __init__(self, took: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._took = took
        self._lost = lost
        self._frames = Frames()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for body in self._frames.take(data):
                self._took(decode(FromWorker, body))
        except (MessageTooLarge, UnreadableMessage):
            self.close()

    def connection_lost(self, error: BaseException | None) -> None:
        self._lost()

    def send(self, message: Message) -> None:
        """Send without waiting: what does not fit now is kept."""
        if self._transport is not None and not self._transport.is_closing():
            for each in in_parts(message):
                self._transport.write(encode(each))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass(slots=True)
class Snapshot:
    """One state of a location's code, imported by one host."""

    unit: str
    location: LocationSettings
    control: socket.socket
    process: subprocess.Popen[bytes]
    frames: Frames = field(default_factory=Frames)
    ready: HostReady | None = None
    peers: dict[int, Peer] = field(default_factory=dict)
    is_gone: bool = False

    @property
    def problem(self) -> Problem | None:
        return self.ready.problem if self.ready is not None else None

    def fork(self, worker_id: int, descriptor: int) -> None:
        """Ask the host for a worker at the other end of a socket. Raises OSError when the host is gone."""
        socket.send_fds(self.control, [encode(ForkWorker(worker_id))], [descriptor])

    def signal(self, worker_id: int, *, kills: bool) -> None:
        """Have the host signal a worker with all that it started; does nothing when the host is gone."""
        try:
            self.control.sendall(encode(SignalWorker(worker_id, kills)))
        except BlockingIOError:
            # A host that is stopped has not read the ones before. It is asked again until the worker is gone.
            return
        except OSError:
            self.is_gone = True

    def read(self) -> list[HostReady | WorkerEnded | Any] | None:
        """Return what the host has said since; None when it is gone."""
        try:
            data = self.control.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        return [decode(FromHost, body) for body in self.frames.take(data)]


def _without_credentials() -> dict[str, str]:
    """Return the environment of hosts and workers: they ask the server, and need no database of their own."""
    return {name: value for name, value in os.environ.items() if name not in DATABASE_VARIABLES.values()}


def start_snapshot(location: LocationSettings, unit: str) -> Snapshot:
    """Start a host that imports the location's code as it is now. Raises OSError when its Python cannot be started."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [
            location.python or sys.executable,
            "-m",
            "headwater.service.host",
            "--control",
            str(theirs.fileno()),
            "--parent",
            str(os.getpid()),
        ]
        if location.module is not None:
            command += ["--module", location.module]
        if location.file is not None:
            command += ["--file", str(location.file)]
        if location.spawns_workers:
            command.append("--spawn")
        try:
            process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                cwd=location.directory,
                env=_without_credentials(),
                stdin=subprocess.DEVNULL,
            )
        except OSError:
            ours.close()
            raise
    ours.setblocking(False)
    return Snapshot(unit, location, ours, process)
