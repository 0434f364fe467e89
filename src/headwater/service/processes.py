"""Processes of this machine: who started whom, ending all that one started, and ending with one's parent. Linux, mostly.

Elsewhere there is no /proc to read: the process group is what is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(number: int, parent: int) -> None:
    """Have the kernel send this process a signal when the thread that started it ends. Ends now if it has already."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of what one's children leave behind, so that it can be found and ended."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children_by_parent() -> dict[int, list[int]]:
    """Return the running processes by the process that started, or adopted, them."""
    found: dict[int, list[int]] = {}
    if not Path("/proc/self/stat").exists():
        return found
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_bytes()
            except OSError:
                continue
            fields = stat[stat.rfind(b")") + 2 :].split()
            if fields[0] not in (b"Z", b"X"):
                found.setdefault(int(fields[1]), []).append(int(name))
    return found


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that these did; nearest first."""
    children = children_by_parent()
    found: list[int] = []
    waiting = list(children.get(pid, ()))
    while waiting:
        each = waiting.pop(0)
        found.append(each)
        waiting += children.get(each, ())
    return found


def signal_tree(pid: int, number: int) -> None:
    """Send a signal to a process, its group, and all that it started, also what has left the group."""
    started = descendants(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
    for each in (pid, *started):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, number)


def kill_children(but: set[int]) -> None:
    """Kill every child of this process, and what they started, but these: what dead workers have left behind."""
    for _ in range(20):
        left = [pid for pid in children_by_parent().get(os.getpid(), ()) if pid not in but]
        if not left:
            return
        for pid in left:
            signal_tree(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
