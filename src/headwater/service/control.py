"""What commands ask a running service, over a socket beside the store that only its user can open."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from headwater.model.backfills import BackfillRequest
from headwater.model.errors.service import ServiceError, ServiceNotRunning
from headwater.service.protocol import Frames, LaunchRequest, Problem, decode, encode

FACTS_FILE: Final = "service.json"
SOCKET_FILE: Final = "service.sock"
_LONGEST_SOCKET_PATH: Final = 100
_CONNECT_SECONDS: Final = 5.0


class Launch(Struct, frozen=True, tag=True):
    """Launch a run; answered with its id when it is recorded."""

    request: LaunchRequest


class Cancel(Struct, frozen=True, tag=True):
    run_id: str
    reason: str = ""


class LaunchBackfill(Struct, frozen=True, tag=True):
    """Plan and begin a backfill; answered with {"backfill_id": ..., "warnings": [...]} when it is recorded."""

    request: BackfillRequest


class ChangeBackfill(Struct, frozen=True, tag=True):
    """Do what was noted in the store as wanted of a backfill at once: its id."""

    backfill_id: str


class Describe(Struct, frozen=True, tag=True):
    """Tell what the service does now: its locations, workers, what runs and what waits."""


class Reload(Struct, frozen=True, tag=True):
    location: str | None = None


class SetLimits(Struct, frozen=True, tag=True):
    """Change limits while the service runs."""

    pools: Mapping[str, int] = {}


class Shutdown(Struct, frozen=True, tag=True):
    """End the service; runs that go on are interrupted, and resumed by the next one."""


Asked = Launch | LaunchBackfill | ChangeBackfill | Cancel | Describe | Reload | SetLimits | Shutdown


class Reply(Struct, frozen=True, tag=True):
    value: Any = None
    problem: Problem | None = None


class ServiceFacts(Struct, frozen=True):
    """Where a running service is."""

    pid: int
    socket: str
    version: str
    started_at: float
    locations: tuple[str, ...] = ()


def socket_path(home: Path) -> Path:
    """Return where the service of a home listens: beside its store, or, where that path is too long for a socket, near."""
    path = home / SOCKET_FILE
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    from hashlib import blake2b
    from tempfile import gettempdir

    name = f"headwater-{os.getuid()}-{blake2b(os.fsencode(home), digest_size=8).hexdigest()}.sock"
    near = Path(gettempdir()) / name
    return near if len(os.fsencode(near)) <= _LONGEST_SOCKET_PATH else Path("/tmp") / name


def find_service(home: Path) -> ServiceFacts | None:
    """Return where the service of a home is; None when none runs."""
    try:
        facts = msgspec.json.decode((home / FACTS_FILE).read_bytes(), type=ServiceFacts)
    except (OSError, msgspec.MsgspecError):
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2.0)
            connection.connect(facts.socket)
    except OSError:
        return None
    return facts


def _is_stopped(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rfind(b")") + 2 :].split()[0] in (b"T", b"t")


class ServiceClient:
    """A connection to a running service. Use it in a with statement."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._frames = Frames()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            facts = msgspec.json.decode((home / FACTS_FILE).read_bytes(), type=ServiceFacts)
            self._connection.settimeout(_CONNECT_SECONDS)
            self._connection.connect(facts.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            self._connection.close()
            raise ServiceNotRunning(str(home)) from None
        except (OSError, msgspec.MsgspecError) as error:
            self._connection.close()
            raise ServiceNotRunning(str(home)) from error
        self.facts = facts

    def ask(self, asked: Asked, timeout_seconds: float = 20.0) -> Any:
        """Return what the service answers. Raises ServiceError with what it says is wrong."""
        self._connection.settimeout(timeout_seconds)
        try:
            self._connection.sendall(encode(asked))  # type: ignore[arg-type]
            while True:
                data = self._connection.recv(1 << 18)
                if not data:
                    raise ServiceNotRunning(str(self.home))
                for body in self._frames.take(data):
                    reply: Reply = decode(Reply, body)
                    if reply.problem is not None:
                        raise reply.problem.as_error()
                    return reply.value
        except TimeoutError as error:
            pid = self.facts.pid
            stopped = _is_stopped(pid)
            raise ServiceError(
                what=f"The service (process {pid}) has not answered within {timeout_seconds:g} s.",
                why="It is stopped, as by Ctrl-Z." if stopped else "It is busy, or hangs.",
                fix=f"Let it go on: kill -CONT {pid}." if stopped else "Look at what it says where it was started.",
            ) from error
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ServiceNotRunning(str(self.home)) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> ServiceClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
