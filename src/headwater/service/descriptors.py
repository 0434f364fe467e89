"""What child processes and C code write straight to stdout and stderr, brought into the log of the step that runs.

The worker's descriptors 1 and 2 are pipes that a thread of it reads. They are put back before each step, because a step may
have closed them. C code that writes while it holds the interpreter keeps that thread from reading: the pipes take a good
deal, and beyond that it waits until its step is stopped.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from headwater.engine.step_logs import StepAttemptLog, StepLogs

_READ_BYTES = 1 << 18
_PIPE_BYTES = 1 << 20
_WAIT_SECONDS = 1.0
_STREAMS = {1: "stdout", 2: "stderr"}


class Descriptors:
    """Stands behind stdout and stderr of this process."""

    def __init__(self) -> None:
        self._log: StepAttemptLog | None = None
        self._original = os.dup(2)
        self._ends: dict[int, int] = {}
        self._marks: dict[int, threading.Event] = {}
        # By stream, the beginning of a letter whose other bytes are still to come.
        self._decoders = {number: codecs.getincrementaldecoder("utf-8")("replace") for number in _STREAMS}
        self._flush, self._c_streams = _c_streams()
        self._marker = f"\0end-{os.urandom(8).hex()}\0".encode()
        for number in _STREAMS:
            read_end, write_end = os.pipe()
            # The most that the kernel grants to everyone; where it grants less, what it has.
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            self._ends[number] = write_end
            os.dup2(write_end, number)
            reader = threading.Thread(target=self._read, args=(number, read_end), name="headwater-output", daemon=True)
            reader.start()

    def start(self, log: StepAttemptLog) -> None:
        """What is written from now on is the attempt's."""
        for number, end in self._ends.items():
            os.dup2(end, number)
        self._log = log

    def stop(self) -> None:
        """Return when all that was written is in the attempt's log. What comes later, from children, is no one's."""
        for stream in self._c_streams:
            self._flush(stream)
        for number, end in self._ends.items():
            mark = self._marks[number] = threading.Event()
            try:
                os.set_blocking(end, False)
                os.write(end, self._marker)
            except OSError:
                continue  # a child has filled the pipe: what it says is being read
            finally:
                os.set_blocking(end, True)
            mark.wait(_WAIT_SECONDS)
        self._log = None

    def _read(self, number: int, read_end: int) -> None:
        rest = b""
        while data := os.read(read_end, _READ_BYTES):
            data = rest + data
            rest = b""
            while (at := data.find(self._marker)) >= 0:
                self._take(number, data[:at])
                data = data[at + len(self._marker) :]
                mark = self._marks.get(number)
                if mark is not None:
                    mark.set()
            cut = data.rfind(b"\0")
            if cut >= 0 and self._marker.startswith(data[cut:]):
                data, rest = data[:cut], data[cut:]
            self._take(number, data)

    def _take(self, number: int, data: bytes) -> None:
        if not data:
            return
        log = self._log
        if log is not None and log.is_open:
            log.take_text(_STREAMS[number], self._decoders[number].decode(data))
        else:
            self._decoders[number].reset()
            os.write(self._original, data)


def _c_streams() -> tuple[Callable[[Any], object], list[Any]]:
    """Return what flushes a stream of the C library, and its stdout and stderr: to a pipe it writes only what fills a block."""
    import ctypes

    try:
        libc = ctypes.CDLL(None)
        return libc.fflush, [ctypes.c_void_p.in_dll(libc, name) for name in ("stdout", "stderr")]
    except (OSError, AttributeError, ValueError):
        return (lambda stream: None), []


class WorkerLogs(StepLogs):
    """Step logs that also hold what is written to the descriptors, for steps that run one at a time."""

    def __init__(self, logs_dir: str, max_bytes: int) -> None:
        super().__init__(logs_dir, pass_through=False, max_bytes=max_bytes)
        self.descriptors: Descriptors | None = None
        self.takes_descriptors = False

    def attempt(self, run_id: str, step_key: str, attempt: int = 1, loggers: object = ()) -> StepAttemptLog:
        return _WorkerAttemptLog(self, run_id, step_key, attempt, loggers)  # type: ignore[arg-type]


class _WorkerAttemptLog(StepAttemptLog):
    __slots__ = ()

    def __enter__(self):  # type: ignore[no-untyped-def]
        entered = super().__enter__()
        logs = self.logs
        if isinstance(logs, WorkerLogs) and logs.takes_descriptors and logs.descriptors is not None:
            logs.descriptors.start(self)
        return entered

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        logs = self.logs
        if isinstance(logs, WorkerLogs) and logs.takes_descriptors and logs.descriptors is not None:
            logs.descriptors.stop()
        super().__exit__(kind, error, at)
