"""Time limits for code that runs in this process: the main thread is interrupted by a signal, others by an exception."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TimeIsUp(BaseException):
    """Raised inside the code whose time is up. Not an Exception, so that `except Exception` does not swallow it."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeIsUp inside the block after so many seconds, and at its end when the block swallowed it; no limit for None.

    In the main thread blocking calls are interrupted too; in others the exception comes with the next line of Python.
    """
    if seconds is None:
        yield
        return
    ends_at = time.monotonic() + seconds
    if threading.current_thread() is threading.main_thread():
        yield from _by_signal(seconds)
    else:
        yield from _by_exception(seconds)
    if time.monotonic() > ends_at:
        raise TimeIsUp


def _by_signal(seconds: float) -> Iterator[None]:
    def expire(_number: int, _frame: FrameType | None) -> None:
        raise TimeIsUp

    before: Callable[[int, FrameType | None], Any] | int | None = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.000001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _by_exception(seconds: float) -> Iterator[None]:
    import ctypes

    thread_id = threading.get_ident()
    is_over = threading.Event()
    lock = threading.Lock()

    def expire() -> None:
        with lock:
            if not is_over.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(TimeIsUp))

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_over.set()
        timer.cancel()
