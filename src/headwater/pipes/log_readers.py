"""Log readers: how output of an external process that is kept elsewhere gets into the step's log."""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.pipes.protocol import PipesParams

if TYPE_CHECKING:
    from headwater.pipes.message_handler import PipesMessageHandler


class PipesLogReader(ABC):
    """Reads logs of an external process from where it leaves them, in a thread of its own, and writes them to stdout."""

    @abstractmethod
    def start(self, params: PipesParams, is_session_closed: threading.Event) -> None:
        """Begin to read; go on until `is_session_closed` is set and all is read, or until stop()."""

    @abstractmethod
    def stop(self) -> None:
        """Read what is there by now, and end."""

    @abstractmethod
    def is_running(self) -> bool:
        """Return whether it was started and has not ended."""

    @abstractmethod
    def target_is_readable(self, params: PipesParams) -> bool:
        """Return whether there is something to read from by now."""

    @property
    def name(self) -> str:
        """How messages about it name it."""
        return type(self).__name__

    @property
    def debug_info(self) -> str | None:
        """What helps to find out why it did not work; None when there is nothing to say."""
        return None

    def with_debug_info(self, message: str) -> str:
        """Return the message with what helps to find out why."""
        return message if self.debug_info is None else f"{message}\nDebug info: {self.debug_info}"


class LogReaders:
    """Starts each log reader as soon as what it reads is there, and stops all of them when the session is over."""

    def __init__(
        self,
        readers: Sequence[PipesLogReader],
        params: PipesParams,
        handler: PipesMessageHandler,
        interval_seconds: float,
    ) -> None:
        self._waiting = list(readers)
        self._started: list[PipesLogReader] = []
        self._params = params
        self._handler = handler
        self._interval_seconds = interval_seconds

    def run_until(self, is_over: threading.Event) -> None:
        while True:
            is_last = is_over.is_set()
            self._start_those_that_can(is_over)
            if is_last:
                break
            is_over.wait(self._interval_seconds if self._waiting else None)
        for reader in self._started:
            try:
                reader.stop()
            except Exception:
                self._report(reader)
        for reader in self._waiting:
            self._handler.warn(reader.with_debug_info(f"The log reader {reader.name} found nothing to read."))

    def _start_those_that_can(self, is_over: threading.Event) -> None:
        for reader in list(self._waiting):
            try:
                if not reader.target_is_readable(self._params):
                    continue
                self._waiting.remove(reader)
                reader.start(self._params, is_over)
                self._started.append(reader)
            except Exception:
                if reader in self._waiting:
                    self._waiting.remove(reader)
                self._report(reader)

    def _report(self, reader: PipesLogReader) -> None:
        # Lines of a log are lost, and nothing of the record.
        error = sys.exc_info()[1]
        raised = f"The log reader {reader.name} raised {type(error).__name__}: {error}"
        self._handler.warn(reader.with_debug_info(raised), error)
