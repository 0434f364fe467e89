"""Finding a project's definitions: by module, by file, by settings, or by looking around.

What is found is imported the way Python would import it, so that classes in it can be pickled and its parts can import
each other.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from headwater.authoring.definitions import Definitions
from headwater.authoring.lazy_definitions import LazyDefinitions
from headwater.authoring.repository import RepositoryDefinition
from headwater.model.errors import CheckError
from headwater.model.errors.project import (
    AttributeNotFound,
    NoProjectFound,
    NotDefinitions,
    NothingDeclared,
    ProjectFileNotFound,
    ProjectImportFailed,
    ProjectModuleNotFound,
    SeveralDefinitions,
    SeveralProjectsFound,
)
from headwater.model.errors.root import HeadwaterError
from headwater.runtime.settings import Settings

_FILES: Final = ("definitions.py", "defs.py")
# Folders in which nobody keeps a project's package.
_PASSED_OVER: Final = frozenset(
    {"tests", "test", "docs", "build", "dist", "node_modules", "site-packages", "venv", "env"}
)


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project that was found and imported. `path` is the file of its module, `module` the name that it has now."""

    definitions: Definitions
    name: str
    module: str
    path: Path | None
    settings: Settings
    # What named it: "-m", "-f", the file with the settings, or "looking around".
    found_by: str


def find_definitions(
    module: str | None = None,
    file: str | Path | None = None,
    attribute: str | None = None,
    start: Path | str | None = None,
) -> LoadedProject:
    """Return the project that is named, or else the one that the directory `start` (the current one) is in.

    A module may be written `package.module:attribute`. In order: the file or module given here, that of
    `[tool.headwater]`, else definitions.py or defs.py in `start`, in the project's folder, or in a package of one of
    them. The module holds one Definitions object (or the one named by `attribute`), a function with @definitions above
    it, a repository, or loose assets, checks, jobs, schedules and sensors.

    State belongs to the project, wherever the command was typed: see `find_settings`.

    Raises a ProjectError when it is not found or not to be told, ProjectImportFailed when its code fails, and what is
    wrong with the definitions as it is.
    """
    begin = Path(start or Path.cwd()).expanduser().absolute()
    settings = find_settings(module, file, begin)
    found_by = "-m" if module is not None else "-f"
    roots = [settings.project_dir, begin] if file is not None else [begin, settings.project_dir]
    if module is None and file is None:
        module, file, found_by = settings.module, settings.file, str(settings.path)
    if module is None and file is None:
        file, found_by = _look_around(_unique(roots)), "looking around"
    places = _places(roots)
    if module is not None:
        module, _, named = module.partition(":")
        loaded = _import_named(module, places)
    else:
        path, named = _file_and_attribute(str(file))
        loaded = _import_file(Path(os.path.abspath(begin / path.expanduser())), places)
    defined_in = getattr(loaded, "__file__", None)
    return LoadedProject(
        definitions=_definitions_in(loaded, attribute or named or None),
        name=loaded.__name__ if not loaded.__name__.startswith(_SYNTHETIC) else Path(str(defined_in)).stem,
        module=loaded.__name__,
        path=None if defined_in is None else Path(defined_in),
        settings=settings,
        found_by=found_by,
    )


def find_settings(
    module: str | None = None, file: str | Path | None = None, start: Path | str | None = None
) -> Settings:
    """Return the settings of the project that is named, or else of the one that `start` is in; none of it is imported.

    The project of a file or module is told by the nearest pyproject.toml at or above the folder it is imported from;
    without one it is that folder. A module that is installed among the libraries is taken for part of the project here.
    """
    if module is not None and file is not None:
        raise CheckError(
            what=f'Both the module "{module}" and the file "{file}" were given.',
            why="Definitions come from one of them.",
            fix="Leave one of them out.",
        )
    begin = Path(start or Path.cwd()).expanduser().absolute()
    if file is not None:
        path, _ = _file_and_attribute(str(file))
        folder, _ = _import_root(Path(os.path.abspath(begin / path.expanduser())))
        return Settings.load(folder, looks_for_state=False)
    settings = Settings.load(begin)
    if module is None:
        return settings
    places = _places([begin, settings.project_dir])
    found = _folder_of_module(module, places)
    if found is None or found in places or _LIBRARIES & set(found.parts):
        return settings
    return Settings.load(found, looks_for_state=False)


def _places(roots: Iterable[Path]) -> list[Path]:
    return [place for root in _unique(roots) for place in (root, root / "src") if place.is_dir()]


# ------------------------------------------------------------------------------------------------------- where it is

_LIBRARIES: Final = frozenset({"site-packages", "dist-packages"})


def _folder_of_module(module: str, places: list[Path]) -> Path | None:
    """Return the folder from which Python would import the module. Only its topmost package is looked up."""
    top = module.partition(":")[0].partition(".")[0]
    _put_on_path(places)
    importlib.invalidate_caches()
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        # That it cannot be imported is told when it is.
        return None
    if spec is None or not spec.has_location or spec.origin is None:
        inside = list(spec.submodule_search_locations or ()) if spec is not None else []
        return Path(inside[0]).absolute().parent if inside else None
    path = Path(spec.origin).absolute()
    return path.parents[1] if spec.submodule_search_locations is not None else path.parent


def _import_root(path: Path) -> tuple[Path, list[str]]:
    """Return the folder from which a file is imported, and the parts of the name that it has there."""
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").is_file() and root.name.isidentifier():
        root, parts = root.parent, [root.name, *parts]
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return root, parts


def _look_around(directories: Iterable[Path]) -> Path:
    """Return the one file that looks like a project's definitions, in the first of these folders that has any."""
    searched = list(directories)
    for directory in searched:
        found = sorted(_candidates(directory))
        if len(found) > 1:
            raise SeveralProjectsFound(str(directory), [path.relative_to(directory).as_posix() for path in found])
        if found:
            return found[0]
    files = [path.name for directory in searched[:1] for path in sorted(directory.glob("*.py"))]
    raise NoProjectFound([str(directory) for directory in searched], _telling_of_headwater(searched[0], files))


def _candidates(directory: Path) -> Iterator[Path]:
    for place in (directory, directory / "src"):
        folders = [place]
        try:
            folders += [entry for entry in place.iterdir() if _may_be_a_package(entry)]
        except OSError:
            continue
        yield from (folder / name for folder in folders for name in _FILES if (folder / name).is_file())


def _may_be_a_package(entry: Path) -> bool:
    # "src" is looked into by itself; as a package of that name its files would be found twice.
    return entry.name.isidentifier() and entry.name not in _PASSED_OVER and entry.name != "src" and entry.is_dir()


def _telling_of_headwater(directory: Path, files: Iterable[str]) -> list[str]:
    """Return those of the files that import headwater, which are what the reader may have meant."""
    named: list[str] = []
    for name in files:
        try:
            text = (directory / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if "import headwater" in text or "from headwater" in text or "import dagster" in text:
            named.append(name)
    return named


def _file_and_attribute(text: str) -> tuple[Path, str]:
    """Read "shop.py:defs"; a colon elsewhere, as after a drive's letter, belongs to the path."""
    path, colon, attribute = text.rpartition(":")
    if colon and path.endswith(".py") and attribute.isidentifier():
        return Path(path), attribute
    return Path(text), ""


# ----------------------------------------------------------------------------------------------------------- importing

_SYNTHETIC: Final = "headwater_project_"


def _import_named(module: str, places: list[Path]) -> ModuleType:
    _put_on_path(places)
    try:
        return _imported(module)
    except _ModuleMissing:
        known = _modules_like(module, places)
        raise ProjectModuleNotFound(module, known, [str(place) for place in places]) from None


def _import_file(path: Path, places: list[Path]) -> ModuleType:
    if not path.is_file() or path.suffix != ".py":
        reason = "there is no such file" if not path.exists() else "it is a folder" if path.is_dir() else "it is no .py"
        beside = [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise ProjectFileNotFound(str(path), reason, sorted(beside))
    root, parts = _import_root(path)
    _put_on_path(_unique([root, *places]))
    name = ".".join(parts)
    if all(part.isidentifier() for part in parts) and _python_finds(parts, root, path):
        try:
            return _imported(name)
        except _ModuleMissing as missing:
            raise _import_failure(name, missing.error) from missing.error
    # Another module has that name, or it is none: this one gets a name of its own, the same in every process.
    return _imported_from(path, f"{_SYNTHETIC}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}")


def _python_finds(parts: list[str], root: Path, path: Path) -> bool:
    """Whether an import by this name gives this file. Only the topmost name is looked up: that runs no code."""
    held = sys.modules.get(".".join(parts))
    if held is not None:
        return _is_same_file(getattr(held, "__file__", None), path)
    top = sys.modules.get(parts[0])
    if top is not None:
        return _is_same_file(getattr(top, "__file__", None), root / parts[0] / "__init__.py")
    importlib.invalidate_caches()
    spec: ModuleSpec | None = importlib.util.find_spec(parts[0])
    return spec is not None and _is_same_file(
        spec.origin, path if len(parts) == 1 and path.stem == parts[0] else root / parts[0] / "__init__.py"
    )


def _is_same_file(one: str | None, other: Path) -> bool:
    return one is not None and os.path.realpath(one) == os.path.realpath(other)


class _ModuleMissing(Exception):
    """What was to be imported is not there (rather than something that it imports)."""

    def __init__(self, error: ModuleNotFoundError) -> None:
        self.error = error


def _imported(name: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if (name == missing or name.startswith(f"{missing}.")) and not _passed_through_user_code(error):
            raise _ModuleMissing(error) from None
        raise _import_failure(name, error) from error
    except HeadwaterError:
        # It says what, why and what to type by itself.
        raise
    except (ValueError, TypeError) as error:
        if not _passed_through_user_code(error):
            # import_module itself refuses "", ".x" and "a..b".
            raise _ModuleMissing(ModuleNotFoundError(str(error), name=name)) from None
        raise _import_failure(name, error) from error
    except (Exception, SystemExit) as error:
        raise _import_failure(name, error) from error


def _imported_from(path: Path, name: str) -> ModuleType:
    if (held := sys.modules.get(name)) is not None:
        return held
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, HeadwaterError) or not isinstance(error, (Exception, SystemExit)):
            raise
        raise _import_failure(path.name, error) from error
    return module


def _passed_through_user_code(error: BaseException) -> bool:
    from headwater.engine.error_info import is_user_code

    traceback = error.__traceback__
    while traceback is not None:
        if is_user_code(traceback.tb_frame.f_code.co_filename):
            return True
        traceback = traceback.tb_next
    return False


def _import_failure(module: str, error: BaseException) -> ProjectImportFailed:
    from headwater.engine.error_info import error_info_from, format_error

    report = format_error(error_info_from(error))
    fix = ""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        source = (error.text or "").strip()
        report += f'\n  File "{error.filename}", line {error.lineno}' + (f"\n    {source}" if source else "")
    if isinstance(error, ModuleNotFoundError) and error.name:
        near = _nearest_module(error.name)
        install = f'install it into this environment: "{sys.executable}" -m pip install {error.name.partition(".")[0]}'
        fix = f'Did you mean "{near}"? Otherwise {install}' if near else install[0].upper() + install[1:]
    if isinstance(error, SystemExit):
        fix = 'Put what the program does under: if __name__ == "__main__":'
    return ProjectImportFailed(module, report, fix)


def _nearest_module(name: str) -> str | None:
    from headwater.model.errors.root import nearest

    parent, _, _ = name.rpartition(".")
    beside = _modules_like(name, [Path(place) for place in sys.path if place])
    candidates = beside if parent else {*beside, *sys.stdlib_module_names}
    return nearest(name, sorted(candidates - {name}))


def _modules_like(name: str, places: Iterable[Path]) -> set[str]:
    """Return the modules that stand where the named one would: at the top, or in the package that it names."""
    *packages, _ = name.split(".")
    folders = [place.joinpath(*packages) for place in places]
    prefix = "".join(f"{package}." for package in packages)
    inside = {prefix + info.name for info in pkgutil.iter_modules([str(folder) for folder in folders])}
    # A mistyped package is as likely as a mistyped module in it.
    if not inside and packages:
        for place in places:
            for info in pkgutil.iter_modules([str(place)]):
                inside.add(info.name)
                if info.ispkg:
                    below = pkgutil.iter_modules([str(place / info.name)])
                    inside |= {f"{info.name}.{each.name}" for each in below}
    return inside


def _put_on_path(places: Iterable[Path]) -> None:
    """Have modules found in these folders before all others, in this order."""
    wanted = [str(place) for place in places]
    present = set(sys.path)
    sys.path[:0] = [place for place in wanted if place not in present]


def _unique(paths: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(paths))


# -------------------------------------------------------------------------------------------------------- what is in it


def _definitions_in(module: ModuleType, attribute: str | None) -> Definitions:
    name = module.__name__ if not module.__name__.startswith(_SYNTHETIC) else Path(str(module.__file__)).name
    scope = vars(module)
    if attribute is not None:
        if attribute not in scope:
            raise AttributeNotFound(name, attribute, list(_whole_by_name(scope)))
        given = scope[attribute]
        if not isinstance(given, Whole):
            raise NotDefinitions(name, attribute, type(given).__name__)
        return _checked(_called(given, name))
    whole = _whole_by_name(scope)
    # Parts that the module merges into its one whole stand beside it under names of their own.
    complete = {each: thing for each, thing in whole.items() if not (isinstance(thing, Definitions) and thing.is_part)}
    chosen = complete or whole
    if len(chosen) > 1:
        raise SeveralDefinitions(name, list(chosen))
    for thing in chosen.values():
        return _checked(_called(thing, name))
    from headwater.authoring.loading import load_definitions_from_module

    loose = load_definitions_from_module(module)
    if not (loose.assets or loose.asset_checks or loose.jobs or loose.schedules or loose.sensors):
        raise NothingDeclared(name)
    return _checked(loose)


# A module that is a project holds one of these.
Whole = Definitions | LazyDefinitions | RepositoryDefinition


def _whole_by_name(scope: dict[str, Any]) -> dict[str, Whole]:
    """Return what is whole in a module, each once, under the first of its names."""
    found: dict[int, tuple[str, Whole]] = {}
    for name, thing in list(scope.items()):
        if isinstance(thing, Whole):
            found.setdefault(id(thing), (name, thing))
    return dict(found.values())


def _called(given: Whole, module: str) -> Definitions:
    if isinstance(given, Definitions):
        return given
    try:
        return given.definitions if isinstance(given, RepositoryDefinition) else given()
    except HeadwaterError:
        raise
    except (Exception, SystemExit) as error:
        raise _import_failure(module, error) from error


def _checked(definitions: Definitions) -> Definitions:
    """Return the definitions, sound as a whole."""
    if definitions.is_part or not definitions.checks_when_built:
        definitions.validate()
    return definitions
