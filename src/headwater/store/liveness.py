"""Is the process that holds a lease still there? Answered by host, boot, process id and the process's start time.

A process id alone lies: it is used again after a while, and means nothing on another host or in another container.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, told apart from all others. `boot_id` and `started` are empty where the system does not tell them."""

    host: str
    boot_id: str
    pid: int
    started: str


def this_process() -> ProcessIdentity:
    """Return who we are (asked anew, since a fork makes another)."""
    host, boot_id = _this_machine()
    pid = os.getpid()
    return ProcessIdentity(host, boot_id, pid, _started_at(pid) or "")


def is_surely_gone(process: ProcessIdentity) -> bool:
    """Whether the process is known to be dead. False also when that cannot be known: then its lease decides."""
    host, boot_id = _this_machine()
    if not boot_id or process.host != host:
        return False
    if process.boot_id != boot_id:
        # The same host name with another boot id may be another container: only its lease can tell.
        return False
    started = _started_at(process.pid)
    if started is None:
        return not _exists_unseen(process.pid)
    return bool(process.started) and started != process.started


def is_surely_alive(process: ProcessIdentity) -> bool:
    """Whether the process is known to live, on this machine. It may be stopped, or slow: it is there all the same."""
    host, boot_id = _this_machine()
    if not boot_id or process.host != host or process.boot_id != boot_id or not process.started:
        return False
    if process.pid == os.getpid():
        return False  # another store of this process: only its lease can tell whether anyone still holds it
    return _started_at(process.pid) == process.started


def _exists_unseen(pid: int) -> bool:
    """Whether a process exists although /proc does not show it to us (mounted with hidepid)."""
    if Path(f"/proc/{pid}").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _this_machine() -> tuple[str, str]:
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", ""), ""
    boot_id = _read("/proc/sys/kernel/random/boot_id").strip()
    if boot_id:
        # Containers on one kernel share its boot id, but not their process ids.
        try:
            boot_id = f"{boot_id} {os.readlink('/proc/self/ns/pid')}"
        except OSError:
            boot_id = ""
    return os.uname().nodename, boot_id


def _started_at(pid: int) -> str | None:
    """Return when a process of this machine began, in the system's own unit; None when there is no such process."""
    stat = _read(f"/proc/{pid}/stat")
    if not stat:
        return None
    # The second field, the name, may hold spaces and brackets: count from its end.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X", "x") else fields[19]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
