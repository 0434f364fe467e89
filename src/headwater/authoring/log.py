"""`context.log`, and the logger for functions that have no context.

Both are loggers of Python's logging module, so a library that takes a logger takes them. What they say inside a step
ends in that step's log; outside any step it goes the way of all logging.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

# Loggers of user code are below this one; its records are captured from DEBUG upward inside a step.
USER_LOGGER_NAME: Final = "headwater.log"


class LogSink(Protocol):
    """Where the records of one step attempt go."""

    def take_record(self, record: logging.LogRecord) -> None:
        """Keep a record for good. Never raises on account of what the record holds."""


class Log(logging.Logger):
    """A logger bound to a step attempt: debug, info, warning, error, critical, exception and log, as everywhere.

    Records of every level are kept in the step's log, and handed to `loggers`, those that the user defined. Without a
    `sink` (a function called directly, outside a run) they go to the ordinary logger "headwater.log" instead.
    """

    # A Log is made for every attempt, and most say nothing: what logging.Logger would set for each is set once here.
    parent = None
    propagate = False
    disabled = False

    def __init__(
        self,
        sink: LogSink | None = None,
        loggers: Sequence[logging.Logger] = (),
        name: str = "headwater",
    ) -> None:
        self.name = name
        self.level = logging.NOTSET
        self.filters = []
        self.handlers = []
        self.loggers = loggers
        self._sink = sink

    def isEnabledFor(self, level: int) -> bool:
        return level >= self.level and level > self.manager.disable

    def getEffectiveLevel(self) -> int:
        return self.level

    def hasHandlers(self) -> bool:
        return True

    def setLevel(self, level: int | str) -> None:
        """Say nothing below this level for the rest of the attempt."""
        self.level = logging._checkLevel(level)  # type: ignore[attr-defined]

    def getChild(self, suffix: str) -> Log:
        """Return a log of the same attempt whose lines carry a longer name."""
        child = Log(self._sink, self.loggers, f"{self.name}.{suffix}")
        child.level = self.level
        return child

    def handle(self, record: logging.LogRecord) -> None:
        if self.filters and not self.filter(record):
            return
        if self._sink is None:
            logger = logging.getLogger(USER_LOGGER_NAME)
            if logger.level == logging.NOTSET:
                logger.setLevel(logging.DEBUG)
            logger.handle(record)
        else:
            # Whoever reads records off the root logger knows by this that the step's log has this one already.
            record.headwater_kept = True
            self._sink.take_record(record)
        for handler in self.handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
        forward(record, self.loggers)

    def __reduce__(self) -> Any:
        # A log cannot travel: what arrives in another process speaks through that process's logging.
        return (Log, (None, (), self.name))

    def __repr__(self) -> str:
        return f"<Log {self.name}>"


def forward(record: logging.LogRecord, loggers: Sequence[logging.Logger]) -> None:
    """Hand a record to each logger whose level lets it through."""
    for logger in loggers:
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


def get_logger(name: str | None = None) -> logging.Logger:
    """Return a logger for code without a context; what it says inside a step, from DEBUG upward, is in the step's log.

    It is the logger "headwater.log", or "headwater.log.NAME", of the logging module.
    """
    parent = logging.getLogger(USER_LOGGER_NAME)
    if parent.level == logging.NOTSET:
        parent.setLevel(logging.DEBUG)
    return parent.getChild(name) if name else parent
