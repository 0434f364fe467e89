"""What lies beside a stored value: earlier files of the same value in other formats, which a new one replaces.

Looking for each possible file by name costs a system call each, so a directory is listed once and remembered. What another
process writes meanwhile is not seen; of two files for one value the newest counts, so that does no harm.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from headwater.io.atomic_files import remove_if_there

_MOST_NAMES = 5_000


class Listings:
    """The names in the directories into which values were stored."""

    def __init__(self, endings: Sequence[str]) -> None:
        self._endings = endings
        # None stands for a directory that is too large to be listed.
        self._names_by_directory: dict[str, set[str] | None] = {}

    def keep_only(self, place: str, ending: str) -> None:
        """Remove the files of a value that have another ending than the one just written."""
        directory, _, name = place.rpartition("/")
        names = self._names(directory)
        for other in self._endings:
            if other == ending:
                continue
            if (os.access(place + other, os.F_OK)) if names is None else (name + other in names):
                remove_if_there(place + other)
                if names is not None:
                    names.discard(name + other)
        if names is not None:
            names.add(name + ending)
            if len(names) > _MOST_NAMES:
                self._names_by_directory[directory] = None

    def _names(self, directory: str) -> set[str] | None:
        try:
            return self._names_by_directory[directory]
        except KeyError:
            pass
        names: set[str] | None = set()
        with os.scandir(directory or ".") as entries:
            for entry in entries:
                assert names is not None
                names.add(entry.name)
                if len(names) > _MOST_NAMES:
                    names = None
                    break
        self._names_by_directory[directory] = names
        return names
