"""Standing in for sys.stdout, sys.stderr and the root logger while a run lasts, and giving them back afterwards.

Several captures at a time, in any order and in any threads, share one stand-in; the last to stop takes it away. Whoever
replaces sys.stdout meanwhile (a test, a redirect) is left alone.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from headwater.authoring.log import USER_LOGGER_NAME, forward


class Listener(Protocol):
    """Whoever takes what is said in the current context."""

    @property
    def passes_through(self) -> bool:
        """Whether text also goes where it would have gone."""

    @property
    def loggers(self) -> Any:
        """The user's loggers, to which records of user code are handed on."""

    def take_text(self, source: str, text: str) -> None: ...

    def take_record(self, record: logging.LogRecord) -> None: ...


FindListener = Callable[[], "Listener | None"]

_lock: Final = threading.RLock()


class OutputCapture:
    """Captures what is said in contexts that have a listener, from start() to stop()."""

    __slots__ = ("_find_listener", "_streams")

    def __init__(self, find_listener: FindListener) -> None:
        self._find_listener = find_listener
        self._streams: list[CapturedStream] = []

    def start(self) -> None:
        with _lock:
            self._streams = [
                stream for name in ("stdout", "stderr") if (stream := _stand_in(name, self._find_listener)) is not None
            ]
            _root.start(self._find_listener)

    def stop(self) -> None:
        with _lock:
            for stream in self._streams:
                stream.uses -= 1
                if stream.uses == 0 and getattr(sys, stream.source) is stream:
                    setattr(sys, stream.source, stream.original)
            self._streams = []
            _root.stop()


def _stand_in(name: str, find_listener: FindListener) -> CapturedStream | None:
    current = getattr(sys, name)
    if current is None:
        return None
    if not isinstance(current, CapturedStream):
        current = CapturedStream(name, current, find_listener)
        setattr(sys, name, current)
    current.uses += 1
    return current


class CapturedStream:
    """Stands in for a text stream: what is written in a listener's context goes to it, all else to the original.

    Everything that is not writing (isatty, fileno, encoding, ...) is the original's.
    """

    def __init__(self, source: str, original: Any, find_listener: FindListener) -> None:
        self.source = source
        self.original = original
        self.uses = 0
        self._find_listener = find_listener

    def write(self, text: str) -> int:
        listener = self._find_listener() if isinstance(text, str) else None
        if listener is None:
            return self.original.write(text)  # type: ignore[no-any-return]
        listener.take_text(self.source, text)
        if listener.passes_through:
            self.original.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self.original.flush()

    def close(self) -> None:
        """Flush when a step closes it: the stream is the whole program's. Outside of steps, close it."""
        if self._find_listener() is None:
            self.original.close()
        else:
            self.original.flush()

    @property
    def uncaptured(self) -> Any:
        """Where to write what should reach the terminal and no step's log."""
        return self.original

    @property
    def buffer(self) -> Any:
        """The bytes below the text. What is written to them is captured too."""
        below = self.original.buffer
        return below if self._find_listener() is None else _CapturedBytes(self, below)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __enter__(self) -> CapturedStream:
        return self

    def __exit__(self, *error: object) -> None:
        self.flush()

    def __repr__(self) -> str:
        return f"<captured {self.source} over {self.original!r}>"


class _CapturedBytes:
    def __init__(self, stream: CapturedStream, below: Any) -> None:
        self._stream = stream
        self._below = below

    def write(self, data: Any) -> int:
        listener = self._stream._find_listener()
        if listener is not None:
            listener.take_text(self._stream.source, bytes(data).decode("utf-8", "replace"))
            if not listener.passes_through:
                return len(data)
        return self._below.write(data)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


class _RootHandler(logging.Handler):
    """Takes the records that reach the root logger in a listener's context.

    While the root logger is as Python left it, records from INFO upward are taken, and what no one hears goes to
    logging's last resort (warnings to stderr), as it would without this handler.
    """

    def __init__(self) -> None:
        super().__init__()
        self._uses = 0
        self._lowered = False
        self._find_listener: FindListener = lambda: None

    def start(self, find_listener: FindListener) -> None:
        self._uses += 1
        if self._uses > 1:
            return
        root = logging.getLogger()
        self._find_listener = find_listener
        self._lowered = root.level == logging.WARNING and not root.handlers
        if self._lowered:
            root.setLevel(logging.INFO)
        root.addHandler(self)

    def stop(self) -> None:
        self._uses -= 1
        if self._uses:
            return
        root = logging.getLogger()
        root.removeHandler(self)
        if self._lowered and root.level == logging.INFO:
            root.setLevel(logging.WARNING)

    def createLock(self) -> None:
        # Listeners guard themselves; a lock here would make all steps wait for one.
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        if getattr(record, "headwater_kept", False):
            return True
        listener = self._find_listener()
        if listener is not None:
            listener.take_record(record)
            if record.name.startswith(USER_LOGGER_NAME):
                record.headwater_kept = True
                forward(record, listener.loggers)
        elif (
            logging.lastResort is not None and record.levelno >= logging.lastResort.level and not self._is_heard(record)
        ):
            logging.lastResort.handle(record)
        return True

    def _is_heard(self, record: logging.LogRecord) -> bool:
        """Whether any other handler gets this record."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False


_root: Final = _RootHandler()
