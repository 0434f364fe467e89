"""Errors of finding a project: its settings, the module that holds its definitions, and new projects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.model.errors.root import HeadwaterError, did_you_mean, nearest


class ProjectError(HeadwaterError):
    """The root of all errors that keep a project from being found, loaded or made."""

    code = "project"


# ------------------------------------------------------------------------------------------------------------ settings


class SettingsError(ProjectError):
    """The root of all errors in settings."""

    code = "settings"


class UnreadableSettings(SettingsError):
    """pyproject.toml cannot be read, or is not TOML."""

    code = "unreadable-settings"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            what=f'"{path}" could not be read: {reason}.',
            why="It says where the project's definitions and state are.",
            fix="Mend the file.",
        )


class UnknownSetting(SettingsError):
    """There is no setting of this name."""

    code = "unknown-setting"

    def __init__(self, path: str, name: str, known: Sequence[str]) -> None:
        super().__init__(
            what=f'"{name}" in [tool.headwater] of "{path}" is not a setting.',
            why="It would have no effect.",
            fix=f"{did_you_mean(name, known)}The settings are: {', '.join(known)}.",
        )


class InvalidSetting(SettingsError):
    """A setting has a value that it cannot have."""

    code = "invalid-setting"

    def __init__(self, source: str, name: str, value: object, expected: str, fix: str) -> None:
        super().__init__(what=f'The setting "{name}" ({source}) is {value!r}.', why=f"It is to be {expected}.", fix=fix)


class ConflictingSettings(SettingsError):
    """Two settings say different things about one matter."""

    code = "conflicting-settings"

    def __init__(self, source: str, first: str, second: str) -> None:
        super().__init__(
            what=f'Both "{first}" and "{second}" are given ({source}).',
            why="Each of them says where the definitions are.",
            fix="Leave one of them out.",
        )


# --------------------------------------------------------------------------------------------------------- definitions


class ProjectModuleNotFound(ProjectError):
    """The module that was named is not there."""

    code = "project-module-not-found"

    def __init__(self, module: str, known: Iterable[str], searched: Sequence[str]) -> None:
        near = nearest(module, known)
        super().__init__(
            what=f'There is no module "{module}".',
            why=f"It was looked for in {', '.join(searched)} and among the installed packages.",
            fix=f'Did you mean "{near}"?' if near else "Run this in the project's folder, or name a file with -f.",
        )


class ProjectFileNotFound(ProjectError):
    """The file that was named is not there, or is not a Python file."""

    code = "project-file-not-found"

    def __init__(self, path: str, reason: str, known: Iterable[str]) -> None:
        near = nearest(path.replace("\\", "/").rpartition("/")[2], known)
        super().__init__(
            what=f'"{path}" cannot be loaded: {reason}.',
            why="No definitions could be read.",
            fix=f'Did you mean "{near}"?' if near else "Name a Python file that holds a Definitions object.",
        )


class ProjectImportFailed(ProjectError):
    """The project's own code raised an error while it was imported. `report` is the error with the user's frames."""

    code = "project-import-failed"

    def __init__(self, module: str, report: str, fix: str = "") -> None:
        self.module = module
        self.report = report
        indented = "\n".join(f"  {line}".rstrip() for line in report.splitlines())
        super().__init__(
            what=f'"{module}" could not be imported:\n{indented}\n',
            why="Nothing of it was loaded.",
            fix=fix or "Mend it and load again.",
        )


class AttributeNotFound(ProjectError):
    """The module has nothing of the name that was asked for."""

    code = "project-attribute-not-found"

    def __init__(self, module: str, attribute: str, known: Sequence[str]) -> None:
        named = f"It holds these definitions: {', '.join(known)}." if known else "It holds no Definitions object."
        super().__init__(
            what=f'"{module}" has no "{attribute}".',
            why="That is what was to be loaded.",
            fix=f"{did_you_mean(attribute, known)}{named}",
        )


class NotDefinitions(ProjectError):
    """What was asked for by name is not a Definitions object."""

    code = "not-definitions"

    def __init__(self, module: str, attribute: str, type_name: str) -> None:
        super().__init__(
            what=f'"{attribute}" of "{module}" is of type {type_name}.',
            why="A project is loaded from a Definitions object, from a function with @definitions above it, "
            "or from a repository.",
            fix="Name one of those, or leave the name out to load everything that is declared in the module.",
        )


class SeveralDefinitions(ProjectError):
    """A module holds more than one Definitions object."""

    code = "several-definitions"

    def __init__(self, module: str, names: Sequence[str]) -> None:
        self.names = tuple(names)
        option = "-f" if module.endswith(".py") else "-m"
        super().__init__(
            what=f'"{module}" holds {len(names)} Definitions: {", ".join(names)}.',
            why="A project has one, and it cannot be told which.",
            fix=f'Name one, as in "{option} {module}:{names[-1]}", or merge them: Definitions.merge({", ".join(names)}).',
        )


class NothingDeclared(ProjectError):
    """A module holds no Definitions object and nothing that could be put into one."""

    code = "nothing-declared"

    def __init__(self, module: str) -> None:
        super().__init__(
            what=f'"{module}" declares nothing.',
            why="It holds no Definitions object, no function with @definitions above it, no asset and no job.",
            fix="Add a line such as: defs = Definitions(assets=[...]).",
        )


class NoProjectFound(ProjectError):
    """Nothing was named, and nothing was found by looking around."""

    code = "no-project-found"

    def __init__(self, directories: Sequence[str], python_files: Sequence[str] = ()) -> None:
        a_file = python_files[0] if python_files else "FILE.py"
        super().__init__(
            what=f"No definitions were found in {' or '.join(directories)}.",
            why="There is no [tool.headwater] in a pyproject.toml, no definitions.py and no defs.py, neither there nor "
            "in a package.",
            fix=f'Name them with "-f {a_file}" or "-m MODULE", or begin a new project with "headwater init NAME".',
        )


class SeveralProjectsFound(ProjectError):
    """Nothing was named, and looking around found more than one place."""

    code = "several-projects-found"

    def __init__(self, directory: str, candidates: Sequence[str]) -> None:
        self.candidates = tuple(candidates)
        super().__init__(
            what=f"{len(candidates)} files in {directory} look like the definitions: {', '.join(candidates)}.",
            why="It cannot be told which of them is the project.",
            fix=f'Name one with "-f {candidates[0]}", or in pyproject.toml: [tool.headwater] with module = "...".',
        )


# -------------------------------------------------------------------------------------------------------- new projects


class InvalidProjectName(ProjectError):
    """A project cannot be called so."""

    code = "invalid-project-name"

    def __init__(self, name: str, reason: str, suggestion: str) -> None:
        super().__init__(
            what=f'A project cannot be called "{name}": {reason}.',
            why="Its Python package gets the same name.",
            fix=f'Choose another, such as "{suggestion}".',
        )


class ProjectNotWritten(ProjectError):
    """A new project could not be written. Nothing that was there has been changed."""

    code = "project-not-written"

    def __init__(self, directory: str, reason: str, fix: str) -> None:
        super().__init__(
            what=f'The new project was not written to "{directory}": {reason}.',
            why="What is there already is never overwritten.",
            fix=fix,
        )
