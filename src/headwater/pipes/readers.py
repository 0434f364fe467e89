"""Message readers: how what an external process says gets here, while it runs.

Each reads in a thread of its own. The end is clean: when the session's block is left, whatever was written before is
still read, and only then the thread ends and the place is cleared away.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from contextvars import copy_context
from typing import Any, Final

from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of
from headwater.pipes.log_readers import LogReaders, PipesLogReader
from headwater.pipes.message_handler import PipesMessageHandler
from headwater.pipes.protocol import (
    COMPOSITE_WRITERS_KEY,
    INCLUDE_STDIO_KEY,
    PATH_KEY,
    PipesLaunchedData,
    PipesOpenedData,
    PipesParams,
)

# How soon a message is seen that was written while nobody looked.
_LOOK_EVERY_SECONDS: Final = 0.02
_CHUNK_BYTES: Final = 1 << 20


class PipesMessageReader(ABC):
    """Reads what an external process says, and tells that process where to say it."""

    @abstractmethod
    def read_messages(self, handler: PipesMessageHandler) -> AbstractContextManager[PipesParams]:
        """Return a context manager: messages go to `handler` while it is open, and all of them when it is left.

        It gives the parameters by which the process finds out where to write.
        """

    def on_opened(self, opened_payload: PipesOpenedData) -> None:  # noqa: B027  # most readers need not know
        """Take what the process told when it opened its session."""

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:  # noqa: B027  # most readers need not know
        """Take what is known of the process once it has started, where the launching code tells it."""

    @property
    def expected_writer_count(self) -> int:
        """How many processes write to this reader, each with a session of its own."""
        return 1

    @abstractmethod
    def no_messages_debug_text(self) -> str:
        """Return one sentence on where messages were looked for, shown when the process says nothing."""


class PipesFileMessageReader(PipesMessageReader):
    """Reads messages from the file at `path`, one on each line, as they are written.

    What the file held before is left alone. It is deleted when the session ends, unless `cleanup_file=False`. With
    `include_stdio_in_messages` the process sends its stdout and stderr as messages, too.
    """

    def __init__(
        self, path: str | os.PathLike[str], include_stdio_in_messages: bool = False, cleanup_file: bool = True
    ) -> None:
        self._path = os.fspath(path)
        self._include_stdio = include_stdio_in_messages
        self._cleanup_file = cleanup_file

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        # A writer may only append, and some cannot create.
        with open(self._path, "ab") as file:
            start = file.seek(0, os.SEEK_END)
        tail = _FileTail(self._path, start, handler)
        try:
            with _thread(f"pipes messages of {self._path}", tail.read_until, handler):
                yield {PATH_KEY: self._path, INCLUDE_STDIO_KEY: self._include_stdio}
        finally:
            if self._cleanup_file:
                with suppress(FileNotFoundError):
                    os.remove(self._path)

    def no_messages_debug_text(self) -> str:
        return f"They were looked for in the file {self._path}."


class PipesTempFileMessageReader(PipesMessageReader):
    """Reads messages from a file in a temporary folder of this machine, as they are written.

    With `include_stdio_in_messages` the process sends its stdout and stderr as messages, too.
    """

    def __init__(self, include_stdio_in_messages: bool = False) -> None:
        self._include_stdio = include_stdio_in_messages

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        with tempfile.TemporaryDirectory(prefix="headwater-pipes-", ignore_cleanup_errors=True) as folder:
            reader = PipesFileMessageReader(os.path.join(folder, "messages"), self._include_stdio)
            with reader.read_messages(handler) as params:
                yield params

    def no_messages_debug_text(self) -> str:
        return "They were looked for in a temporary file of this machine."


class PipesThreadedMessageReader(PipesMessageReader):
    """Reads messages that are fetched piece by piece from somewhere, every `interval` seconds.

    A subclass says how with `get_params`, `messages_are_readable` and `download_messages`. Each of `log_readers` is
    started when what it reads is there, and stopped when the session ends.
    """

    def __init__(self, interval: float = 10, log_readers: Sequence[PipesLogReader] | None = None) -> None:
        self.interval = interval
        self.opened_payload: PipesOpenedData | None = None
        self.launched_payload: PipesLaunchedData | None = None
        self._log_readers = list(log_readers or ())
        for reader in self._log_readers:
            if not isinstance(reader, PipesLogReader):
                raise CheckError(
                    what=f"log_readers holds {reader!r}, {kind_of(reader)}.",
                    why="It could not be started and stopped with the session.",
                    fix="Give objects of a subclass of PipesLogReader.",
                )

    @abstractmethod
    def get_params(self) -> AbstractContextManager[PipesParams]:
        """Return a context manager that gives the parameters by which the process finds out where to write."""

    @abstractmethod
    def messages_are_readable(self, params: PipesParams) -> bool:
        """Return whether there is something to fetch from by now."""

    @abstractmethod
    def download_messages(self, cursor: Any, params: PipesParams) -> tuple[Any, str] | None:
        """Return what was written after `cursor` (None at first), one message on each line, with the cursor that
        follows it; None when there is nothing new."""

    def add_log_reader(self, log_reader: PipesLogReader) -> None:
        """Have one more log reader started and stopped with the session."""
        self._log_readers.append(log_reader)

    def on_opened(self, opened_payload: PipesOpenedData) -> None:
        self.opened_payload = opened_payload

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        self.launched_payload = launched_payload

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        with self.get_params() as params, ExitStack() as stack:
            if self._log_readers:
                logs = LogReaders(self._log_readers, params, handler, min(self.interval, 1.0))
                stack.enter_context(_thread("pipes log readers", logs.run_until, handler))

            def read(is_over: threading.Event) -> None:
                self._read_until(is_over, params, handler)

            stack.enter_context(_thread("pipes messages", read, handler))
            yield params

    def _read_until(self, is_over: threading.Event, params: PipesParams, handler: PipesMessageHandler) -> None:
        cursor: Any = None
        is_readable = False
        failures = 0
        while True:
            # Asked before looking, so that what was written before the end is seen after it.
            is_last = is_over.is_set()
            found: tuple[Any, str] | None = None
            try:
                is_readable = is_readable or self.messages_are_readable(params)
                found = self.download_messages(cursor, params) if is_readable else None
                failures = 0
            except Exception:
                # A store that cannot be reached for a moment loses nothing: the next look begins at the same cursor.
                failures += 1
                if is_last or failures >= 3:
                    raise
            if found is not None:
                cursor, text = found
                for line in text.splitlines():
                    handler.handle_line(line)
            elif is_last:
                return
            else:
                is_over.wait(self.interval)


class PipesBlobStoreMessageReader(PipesThreadedMessageReader):
    """Reads messages that a process writes to a blob store in chunks numbered from 1, looking every `interval` seconds.

    A subclass says how with `get_params` and `download_messages_chunk`.
    """

    def messages_are_readable(self, params: PipesParams) -> bool:
        return True

    @abstractmethod
    def download_messages_chunk(self, index: int, params: PipesParams) -> str | None:
        """Return the text of the chunk of this number, one message on each line; None when it is not there yet."""

    def download_messages(self, cursor: int | None, params: PipesParams) -> tuple[int, str] | None:
        index = 1 if cursor is None else cursor
        chunk = self.download_messages_chunk(index, params)
        return None if chunk is None else (index + 1, chunk)

    def no_messages_debug_text(self) -> str:
        return f"They were looked for by {type(self).__name__}, in chunks numbered from 1."


class PipesCompositeMessageReader(PipesMessageReader):
    """Reads the messages of several processes that work for one step, each through a reader of its own.

    Give each process the variables of its reader: `session.get_per_writer_bootstrap_env_vars()`, in the same order.
    """

    def __init__(self, readers: Sequence[PipesMessageReader]) -> None:
        if not readers or any(reader.expected_writer_count != 1 for reader in readers):
            raise CheckError(
                what=f"PipesCompositeMessageReader was given {len(readers)} readers"
                + (", one of which reads of several processes itself." if readers else "."),
                why="It needs one reader for each process.",
                fix="Give a list such as [PipesTempFileMessageReader(), PipesTempFileMessageReader()].",
            )
        self._readers = tuple(readers)

    @property
    def expected_writer_count(self) -> int:
        return len(self._readers)

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        with ExitStack() as stack:
            yield {COMPOSITE_WRITERS_KEY: [stack.enter_context(each.read_messages(handler)) for each in self._readers]}

    def on_opened(self, opened_payload: PipesOpenedData) -> None:
        for reader in self._readers:
            reader.on_opened(opened_payload)

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        for reader in self._readers:
            reader.on_launched(launched_payload)

    def no_messages_debug_text(self) -> str:
        return " ".join(
            f"Process {number}: {reader.no_messages_debug_text()}"
            for number, reader in enumerate(self._readers, start=1)
        )


class _FileTail:
    """Hands on each line that is appended to a file. A file that became shorter is read from its beginning."""

    def __init__(self, path: str, start: int, handler: PipesMessageHandler) -> None:
        self._path = path
        self._position = start
        self._handler = handler
        self._rest: list[bytes] = []

    def read_until(self, is_over: threading.Event) -> None:
        while True:
            # Asked before looking, so that what was written before the end is seen after it.
            is_last = is_over.is_set()
            while self._read_some():
                continue
            if is_last:
                break
            is_over.wait(_LOOK_EVERY_SECONDS)
        if self._rest:
            self._handler.handle_line(b"".join(self._rest), is_cut=True)

    def _read_some(self) -> bool:
        try:
            size = os.stat(self._path).st_size
        except FileNotFoundError:
            return False
        if size < self._position:
            self._position = 0
            self._rest = []
        if size == self._position:
            return False
        with open(self._path, "rb") as file:
            file.seek(self._position)
            data = file.read(_CHUNK_BYTES)
        self._position += len(data)
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._rest, lines[0]])
            self._rest = []
            for line in lines:
                self._handler.handle_line(line)
        if rest:
            self._rest.append(rest)
        return True


@contextmanager
def _thread(
    name: str, work: Callable[[threading.Event], None], handler: PipesMessageHandler
) -> Iterator[threading.Event]:
    """Do `work` in a thread while the block lasts; leaving it tells the work to end, and waits until it has.

    The thread speaks for the step that started it. What the work raises becomes a fault of the session.
    """
    is_over = threading.Event()

    def run() -> None:
        try:
            work(is_over)
        except Exception:
            handler.report_pipes_framework_exception(f"The thread that reads the {name}", sys.exc_info())

    thread = threading.Thread(target=copy_context().run, args=(run,), name=f"headwater {name}", daemon=True)
    thread.start()
    try:
        yield is_over
    finally:
        is_over.set()
        thread.join()
