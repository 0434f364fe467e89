"""What a process writes to stdout and stderr, written to this process's own as it comes, in the name of the step."""

from __future__ import annotations

import codecs
import os
import select
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import IO, Any, Final

_CHUNK_BYTES: Final = 1 << 16
_TAIL_LINES: Final = 20
_TAIL_CHARACTERS: Final = 4_000
_LOOK_EVERY_MILLISECONDS: Final = 50
# Where a pipe cannot be polled: how long what a process left behind may hold it open.
_JOIN_SECONDS: Final = 2.0


class OutputForwarding:
    """Reads both streams of a process until it has ended, shows them unless told not to, and keeps the end of stderr."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._tail: deque[str] = deque()
        self._tail_length = 0

    @property
    def stderr_tail(self) -> Sequence[str]:
        """The last lines of stderr: at most 20, and at most some 4,000 characters."""
        return "".join(self._tail)[-_TAIL_CHARACTERS:].splitlines()[-_TAIL_LINES:]

    @contextmanager
    def of(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Forward while the block lasts. When it is left, all that the process wrote has been forwarded."""
        is_over = threading.Event()
        threads = [
            threading.Thread(
                # A copy each: the context says for which step these threads speak.
                target=copy_context().run,
                args=(self._forward, stream, name, is_over),
                name=f"headwater pipes {name} of {process.pid}",
                daemon=True,
            )
            for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr"))
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join(None if hasattr(select, "poll") else _JOIN_SECONDS)

    def _forward(self, stream: IO[bytes], name: str, is_over: threading.Event) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with stream:
            for chunk in _chunks(stream.fileno(), is_over):
                self._take(decoder.decode(chunk), name)
        self._take(decoder.decode(b"", final=True), name)

    def _take(self, text: str, name: str) -> None:
        if not text:
            return
        if name == "stderr":
            self._tail.append(text[-_TAIL_CHARACTERS:])
            self._tail_length += len(self._tail[-1])
            while self._tail_length - len(self._tail[0]) >= _TAIL_CHARACTERS:
                self._tail_length -= len(self._tail.popleft())
        if self._is_shown:
            target: Any = getattr(sys, name)
            if target is not None:
                try:
                    target.write(text)
                    target.flush()
                except (OSError, ValueError):
                    # Nobody reads this process's output any more; the process outside need not stop for that.
                    self._is_shown = False


def _chunks(descriptor: int, is_over: threading.Event) -> Iterator[bytes]:
    """Yield what comes out of a pipe until it is closed; once the process is over, until it is empty.

    A process that was left running in the background holds the pipe open, so waiting for its end could take for ever.
    """
    poll = select.poll() if hasattr(select, "poll") else None
    if poll is not None:
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while True:
        if poll is not None:
            # Asked before looking, so that what was written before the end is seen after it.
            is_last = is_over.is_set()
            if not poll.poll(_LOOK_EVERY_MILLISECONDS):
                if is_last:
                    return
                continue
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if not chunk:
            return
        yield chunk
