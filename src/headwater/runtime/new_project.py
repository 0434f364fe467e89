"""Making a new project that runs, from the templates beside this file."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from headwater.model.errors.project import InvalidProjectName, ProjectNotWritten

_SUFFIX: Final = ".template"
# Names that stand otherwise in a project than they do among the templates.
_NAMES: Final = {"gitignore": ".gitignore"}


def create_project(directory: Path | str, name: str | None = None) -> list[Path]:
    """Write a new project into `directory` and return its files, in order. Without a name it is called as the folder.

    Either all is written or nothing: raises ProjectNotWritten when one of the files is there already or cannot be
    written, and InvalidProjectName when no Python package can be called so.
    """
    target = Path(directory).expanduser().absolute()
    name = (target.resolve().name if name is None else name).strip()
    package = _package_name(name)
    text_by_path = {
        target.joinpath(*(package if part == "package" else part for part in parts)): text.replace(
            "{{name}}", name
        ).replace("{{package}}", package)
        for parts, text in _templates(resources.files("headwater.runtime").joinpath("templates", "project"), ())
    }
    present = [
        path.relative_to(target).as_posix() for path in sorted(text_by_path) if path.exists() or path.is_symlink()
    ]
    if present:
        reason = f"{', '.join(present)} {'is' if len(present) == 1 else 'are'} there already"
        raise ProjectNotWritten(str(target), reason, "Name a folder that does not exist yet.")
    written: list[Path] = []
    made: list[Path] = []
    try:
        for path, text in sorted(text_by_path.items()):
            made += [each for each in (path.parent, *path.parent.parents) if not each.exists()][::-1]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        reason = error.strerror or str(error)
        raise ProjectNotWritten(str(target), reason, "Name a folder that this user can write to.") from error
    return written


def _templates(folder: Traversable, inside: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, (*inside, entry.name))
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            yield (*inside, _NAMES.get(name, name)), entry.read_text(encoding="utf-8")


def _package_name(name: str) -> str:
    """Return the name of the project's package. Raises InvalidProjectName."""
    package = re.sub(r"[-. ]+", "_", name.lower())
    reason = None
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._ -]*[A-Za-z0-9])?", name):
        reason = "a name is letters and digits, with - or _ between them"
    elif " " in name:
        reason = "a package that others install has no space in its name"
    elif not package.isidentifier():
        reason = "the name of a Python package does not begin with a digit"
    elif keyword.iskeyword(package):
        reason = "that is a word of the Python language"
    elif package in sys.stdlib_module_names:
        reason = "a module of Python's own has that name"
    elif package in ("headwater", "tests"):
        reason = "that name is taken"
    if reason is not None:
        raise InvalidProjectName(name, reason, _suggestion(name))
    return package


def _suggestion(name: str) -> str:
    sound = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return f"my_{sound}" if sound else "my_project"
