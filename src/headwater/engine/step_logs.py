"""Step logs: what a step says by `context.log`, logging, stdout or stderr, kept as it happens, a file for each attempt.

Which attempt a line belongs to is known from a context variable, so steps that are interleaved in one event loop, or
run in several threads, each write to their own file. Every whole line is handed to the operating system at once: a
process that is killed loses at most the line that it was in the middle of. A fault of the log never fails the step.

Not captured: what C code and child processes write straight to the file descriptors.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import Final
from weakref import WeakSet

from headwater.authoring.log import Log
from headwater.engine.output_capture import OutputCapture
from headwater.engine.step_log_files import (
    LogLine,
    encode_lines,
    iterate_run_log,
    list_step_logs,
    read_run_log,
    read_step_log,
    run_log_directory,
    step_log_path,
)

# A longer line is kept in pieces of this many characters, so that no line has to be held in memory.
MAX_LINE_CHARACTERS: Final = 1 << 16
DEFAULT_MAX_BYTES: Final = 256 << 20
_BATCH_LINES: Final = 256
_formatter: Final = logging.Formatter()


class StepLogs:
    """The step logs below one directory. One object serves any number of runs, also at the same time.

    `on_line` is called with each line as it comes (outside of any capture, so it may print). With `pass_through`, what
    steps write to stdout and stderr also goes where it would have gone. An attempt's file holds at most about
    `max_bytes`; a line then says that the rest was dropped.
    """

    def __init__(
        self,
        logs_dir: str | Path,
        *,
        on_line: Callable[[LogLine], object] | None = None,
        pass_through: bool = True,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        self.logs_dir = Path(logs_dir).absolute()
        self.on_line = on_line
        self.pass_through = pass_through
        self.max_bytes = max_bytes
        # Threads that were there before a run are not started by its steps.
        self.outside_threads: WeakSet[threading.Thread] = WeakSet()

    def capturing(self) -> _Capturing:
        """Return a context in which what steps print and log is captured. Any number may be open, in any threads."""
        return _Capturing(self)

    def attempt(
        self, run_id: str, step_key: str, attempt: int = 1, loggers: Sequence[logging.Logger] = ()
    ) -> StepAttemptLog:
        """Return the context of one attempt: within it, this thread or task speaks for the attempt.

        Entering it gives the Log that is the step's `context.log`. `loggers` are those that the user defined.
        """
        return StepAttemptLog(self, run_id, step_key, attempt, loggers)


class _Capturing:
    __slots__ = ("_capture", "_logs")

    def __init__(self, logs: StepLogs) -> None:
        self._logs = logs
        self._capture = OutputCapture(current_attempt)

    def __enter__(self) -> StepLogs:
        self._logs.outside_threads.update(threading.enumerate())
        self._capture.start()
        return self._logs

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._capture.stop()


class StepAttemptLog:
    """The log of one attempt, while it is open. `problem` says why lines could not be written, if so."""

    __slots__ = (
        "_descriptor",
        "_is_open",
        "_lock",
        "_partials",
        "_size_bytes",
        "_token",
        "attempt",
        "is_full",
        "loggers",
        "logs",
        "problem",
        "run_id",
        "step_key",
    )

    def __init__(
        self, logs: StepLogs, run_id: str, step_key: str, attempt: int, loggers: Sequence[logging.Logger]
    ) -> None:
        self.logs = logs
        self.run_id = run_id
        self.step_key = step_key
        self.attempt = attempt
        self.loggers = loggers
        self.problem: str | None = None
        self.is_full = False
        self._descriptor = -1
        self._size_bytes = 0
        self._is_open = False
        self._partials: dict[str, _Partial] | None = None
        self._token: Token[StepAttemptLog | None] | None = None
        # Reentrant: a signal handler or a finalizer may print while this thread is writing a line.
        self._lock = threading.RLock()

    def __enter__(self) -> Log:
        self._is_open = True
        _open_attempts[id(self)] = self
        self._token = _current.set(self)
        return Log(self, self.loggers)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:
                # Left in another context than it was entered in, as a generator can be.
                _current.set(None)
            self._token = None
        _open_attempts.pop(id(self), None)
        with self._lock:
            lines = self._take_partials() if self._partials else []
            self._is_open = False
            self._write(lines)
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
        self._tell(lines)

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def passes_through(self) -> bool:
        return self.logs.pass_through

    @property
    def path(self) -> Path:
        return step_log_path(self.logs.logs_dir, self.run_id, self.step_key, self.attempt)

    def take_text(self, source: str, text: str) -> None:
        """Keep text that was written to stdout or stderr; the lines that it completes are written at once."""
        for batch in self._lines_completed_by(source, text):
            self._tell(batch)

    def take_record(self, record: logging.LogRecord) -> None:
        """Keep a log record, with the traceback that it carries."""
        record.headwater_meta = {"run_id": self.run_id, "step_key": self.step_key, "attempt": self.attempt}
        text = message_of(record)
        pieces = [text]
        if len(text) > MAX_LINE_CHARACTERS:
            pieces = [text[at : at + MAX_LINE_CHARACTERS] for at in range(0, len(text), MAX_LINE_CHARACTERS)]
        lines = [LogLine(record.created, "log", piece, record.levelname, record.name) for piece in pieces]
        with self._lock:
            self._write(lines)
        self._tell(lines)

    def _lines_completed_by(self, source: str, text: str) -> Iterator[list[LogLine]]:
        now = time.time()
        batch: list[LogLine] = []
        start = 0
        end = len(text)
        while start < end and not self.is_full:
            with self._lock:
                if self._partials is None:
                    self._partials = {}
                partial = self._partials.get(source)
                if partial is None:
                    partial = self._partials[source] = _Partial(now)
                while start < end and len(batch) < _BATCH_LINES:
                    room = start + MAX_LINE_CHARACTERS - partial.length
                    newline = text.find("\n", start, room)
                    if newline < 0 and end < room:
                        partial.add(text[start:], now)
                        start = end
                        break
                    cut = newline if newline >= 0 else room
                    partial.add(text[start:cut], now)
                    batch.append(LogLine(partial.started_at, source, partial.take()))
                    start = cut + 1 if newline >= 0 else cut
                self._write(batch)
            yield batch
            batch = []

    def _take_partials(self) -> list[LogLine]:
        partials = self._partials or {}
        self._partials = None
        return [
            LogLine(partial.started_at, source, partial.take())
            for source, partial in partials.items()
            if partial.length
        ]

    def _write(self, lines: list[LogLine]) -> None:
        if not lines or self.is_full:
            return
        try:
            data = encode_lines(lines)
            if self._descriptor < 0:
                self._open_file()
            if self._size_bytes + len(data) > self.logs.max_bytes:
                data = self._what_fits(lines)
            self._size_bytes += len(data)
            _write_all(self._descriptor, data)
        except OSError as error:
            self.is_full = True
            self.problem = f"The log of this attempt could not be written to {self.path}: {error.strerror or error}."

    def _what_fits(self, lines: list[LogLine]) -> bytes:
        """Return those of the lines for which there is room, and the one that says that the rest was dropped."""
        self.is_full = True
        kept: list[bytes] = []
        room = self.logs.max_bytes - self._size_bytes
        for line in lines:
            data = encode_lines([line])
            room -= len(data)
            if room < 0:
                break
            kept.append(data)
        limit = self.logs.max_bytes
        size = f"{limit / (1 << 20):.0f} MiB" if limit >= 1 << 20 else f"{limit} bytes"
        notice = f"The log of this attempt reached its limit of {size}: what was said after this line was dropped."
        return b"".join(kept) + encode_lines([LogLine(time.time(), "log", notice, "WARNING", "headwater")])

    def _open_file(self) -> None:
        path = self.path
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o644)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, flags, 0o644)
        self._descriptor = descriptor
        self._size_bytes = os.fstat(descriptor).st_size
        if self._size_bytes:
            # An earlier writer of the same attempt may have been killed within a line.
            os.lseek(descriptor, -1, os.SEEK_END)
            if os.read(descriptor, 1) != b"\n":
                self._size_bytes += _write_all(descriptor, b"\n")

    def _tell(self, lines: list[LogLine]) -> None:
        on_line = self.logs.on_line
        if on_line is None or not lines:
            return
        token = _current.set(_OUTSIDE)
        try:
            for line in lines:
                on_line(
                    LogLine(
                        line.timestamp,
                        line.source,
                        line.message,
                        line.level,
                        line.logger,
                        self.run_id,
                        self.step_key,
                        self.attempt,
                    )
                )
        finally:
            _current.reset(token)


class _Partial:
    """The beginning of a line that has not ended yet."""

    __slots__ = ("length", "pieces", "started_at")

    def __init__(self, now: float) -> None:
        self.started_at = now
        self.pieces: list[str] = []
        self.length = 0

    def add(self, text: str, now: float) -> None:
        if not self.length:
            self.started_at = now
        if text.startswith("\r") and len(text) > 1:
            # A progress bar that draws itself anew: what it covers would not be seen on a terminal either.
            self.pieces.clear()
            self.length = 0
        self.pieces.append(text)
        self.length += len(text)

    def take(self) -> str:
        text = "".join(self.pieces).rstrip("\r")
        self.pieces.clear()
        self.length = 0
        return text.rpartition("\r")[2] if "\r" in text else text


def _write_all(descriptor: int, data: bytes) -> int:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])
    return written


def message_of(record: logging.LogRecord) -> str:
    """Return what a record says, with its traceback. A record that cannot be formatted says so."""
    try:
        text = record.getMessage()
    except Exception as error:
        text = f"{record.msg!r} with {record.args!r} (could not be formatted: {error})"
    if record.exc_info and not record.exc_text:
        record.exc_text = _formatter.formatException(record.exc_info)
    if record.exc_text:
        text = f"{text}\n{record.exc_text}"
    if record.stack_info:
        text = f"{text}\n{record.stack_info}"
    return text


_current: ContextVar[StepAttemptLog | None] = ContextVar("headwater_step_attempt", default=None)
_open_attempts: dict[int, StepAttemptLog] = {}
# Stands for "no attempt" where a thread without a context would be given the only open one.
_OUTSIDE: Final = StepAttemptLog(StepLogs("."), "", "", 0, ())


def current_attempt() -> StepAttemptLog | None:
    """Return the attempt for which this thread or task speaks.

    A thread that a step started has no context of its own; it speaks for the only open attempt, if there is just one.
    """
    attempt = _current.get()
    if attempt is not None:
        return attempt if attempt._is_open else None
    if len(_open_attempts) != 1:
        return None
    only = next(iter(_open_attempts.copy().values()), None)
    if only is None or threading.current_thread() in only.logs.outside_threads:
        return None
    return only


def _renew_locks() -> None:
    # A child that a step forks goes on in the step's log; the thread that held a lock did not come along.
    for attempt in _open_attempts.values():
        attempt._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


__all__ = [
    "DEFAULT_MAX_BYTES",
    "MAX_LINE_CHARACTERS",
    "LogLine",
    "StepAttemptLog",
    "StepLogs",
    "current_attempt",
    "iterate_run_log",
    "list_step_logs",
    "read_run_log",
    "read_step_log",
    "run_log_directory",
    "step_log_path",
]
