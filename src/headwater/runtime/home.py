"""The directory that holds a project's state: the store, what steps said, and the values of the default IO manager."""

from __future__ import annotations

from pathlib import Path

from headwater.model.errors.store import StoreError, StoreNotWritable

HOME_NAME = ".headwater"
STORE_FILE = "store.sqlite"


class StateNotFound(StoreError):
    """The directory that was named holds no state: it is not there."""

    code = "state-not-found"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            what=f"There is no state at {path} yet: there is no such folder.",
            why="--home names it, and a command that only looks makes none.",
            fix="Name the folder in which something ran, or leave --home out: the state is that of the project.",
        )


def prepare_home(home: Path) -> None:
    """Make the directory, and have git ignore all of it. Raises StoreNotWritable.

    A directory of another name that holds other things is left without the .gitignore: those are not ours to hide.
    """
    ignore = home / ".gitignore"
    try:
        if (home / STORE_FILE).exists():
            return
        home.mkdir(parents=True, exist_ok=True)
        if not ignore.exists() and (home.name == HOME_NAME or next(home.iterdir(), None) is None):
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StoreNotWritable(str(home / STORE_FILE), error.strerror or str(error)) from error
