"""Errors while definitions are gathered from modules."""

from __future__ import annotations

from headwater.model.errors.definition import DefinitionError


class ModuleLoadError(DefinitionError):
    """A module that was to be searched for definitions could not be imported; its own error is the cause."""

    code = "module-load"

    def __init__(self, module: str, error: BaseException) -> None:
        self.module = module
        missing = isinstance(error, ModuleNotFoundError) and error.name == module
        super().__init__(
            what=f'There is no module "{module}".'
            if missing
            else f'Module "{module}" raised {type(error).__name__} while it was imported: {error}',
            why="What it defines is not known, so nothing was loaded.",
            fix="Check its spelling, and that its folder is on the Python path."
            if missing
            else "Mend it; the traceback above ends where it failed.",
        )


class NoSuchModule(ModuleNotFoundError, ModuleLoadError):
    """A module that was to be searched for definitions is not there."""

    def __init__(self, module: str, error: ModuleNotFoundError) -> None:
        ModuleLoadError.__init__(self, module, error)
        self.name = module
