"""Temporary files whose writer was killed before it could give them their name. Nothing reads them; they only take room."""

from __future__ import annotations

import os
from collections.abc import Iterable

from headwater.io.atomic_files import TEMPORARY_PREFIX, remove_if_there


def remove_abandoned_files(directories: Iterable[str]) -> int:
    """Remove temporary files right in these directories whose process is gone from this machine; return how many."""
    removed = 0
    for directory in directories:
        try:
            names = [entry.name for entry in os.scandir(directory) if entry.name.startswith(TEMPORARY_PREFIX)]
        except OSError:
            continue
        for name in names:
            if _is_abandoned(name):
                try:
                    remove_if_there(os.path.join(directory, name))
                except OSError:
                    continue
                removed += 1
    return removed


def _is_abandoned(name: str) -> bool:
    try:
        pid = int(name.removeprefix(TEMPORARY_PREFIX).partition("-")[0], 16)
    except ValueError:
        return False
    if os.name == "nt":
        return False  # there, asking for a process by signal 0 would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
