"""Making `import dagster` mean Headwater: modules under Dagster's names, found before or after the real ones.

A name is looked for when it is asked for, and the tables of names are read then too: putting the alias in costs nothing
that a program would notice. So this module imports nothing at its top beside sys; importlib.abc alone brings eighty modules.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.abc import Loader, MetaPathFinder
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType
    from typing import Any, Final
else:
    Loader = MetaPathFinder = object
    ModuleType = type(sys)

HERE: Final = "headwater.compat.dagster"
DAGSTER_VERSION: Final = "1.13.28"
"""The release of Dagster whose public API the names are taken from."""

# The integration packages that are covered: module -> (where the names are, their name -> ours where it differs).
INTEGRATIONS: Final[dict[str, str]] = {
    "dagster_duckdb": "headwater.integrations.duckdb",
    "dagster_duckdb_pandas": "headwater.integrations.duckdb",
    "dagster_duckdb_polars": "headwater.integrations.duckdb",
}


# The one private module that programs with IO managers of their own for databases import by its name.
_DATABASES: Final = "dagster._core.storage.db_io_manager"


# Checks of arguments, which programs write at the top of their functions.
_CHECKS: Final = "dagster._check"


class NotCovered(ImportError):
    """A module or name of Dagster's that means nothing here, or that Dagster does not have either."""


class ModuleNotCovered(NotCovered, ModuleNotFoundError):
    """A module that is not there: programs that can do without it catch ModuleNotFoundError."""


# ----------------------------------------------------------------------------------------------------------- names


def find_name(name: str, module: str = "dagster") -> Any:
    """Return what a name of Dagster's public API means here. Raises NotCovered, which says what to do instead.

    `module` is where it was looked for, in words of an error.
    """
    from importlib import import_module

    from headwater.compat.dagster.names import OWN, RENAMED, UNCOVERED

    if name in OWN:
        return getattr(import_module(f"{HERE}.{OWN[name]}"), name)
    if name in UNCOVERED:
        raise NotCovered(missing_name(name, module), name=f"{module}.{name}")
    import headwater

    ours = RENAMED.get(name, name)
    if not name.startswith("_") and ours in public_names():
        return getattr(headwater, ours)
    raise NotCovered(missing_name(name, module), name=f"{module}.{name}")


def public_names() -> Iterable[str]:
    """Return Headwater's public names."""
    import headwater

    return dir(headwater)


def names() -> list[str]:
    """Return every name of Dagster's that can be imported here, sorted."""
    from headwater.compat.dagster.names import OWN, RENAMED, UNCOVERED

    # A name that Dagster has, too, stays, though another name of Dagster's means the same here.
    branded = set(RENAMED.values()) - {"OpExecutionContext"}
    ours = set(public_names()) - branded
    return sorted({*OWN, *RENAMED, *ours} - {"__version__"} - set(UNCOVERED))


def missing_name(name: str, module: str = "dagster") -> str:
    """Return in words why a name cannot be imported: Dagster has it and Headwater does not, or neither has."""
    from headwater.compat.dagster.names import UNCOVERED
    from headwater.model.errors import did_you_mean

    # Where a module was asked for it, its path may be part of the name.
    inner, _, name = name.rpartition(".")
    module = f"{module}.{inner}" if inner else module
    if name in UNCOVERED:
        belongs_to, fix = UNCOVERED[name]
        return (
            f'"{module}.{name}" is part of Dagster\'s public API that Headwater does not cover: it belongs to '
            f"{belongs_to}. {fix} docs/dagster.md lists what is covered."
        )
    if name.startswith("_"):
        return (
            f'"{module}.{name}" is private to Dagster, so Headwater has nothing of that name. Import the public name from '
            '"dagster" itself.'
        )
    if "._" in module:
        return (
            f'"{module}" is private to Dagster. Here it gives Dagster\'s public names, and "{name}" is none of them. '
            f"{did_you_mean(name, names())}"
        ).rstrip()
    return (
        f'There is no "{name}" in "{module}": neither Dagster {DAGSTER_VERSION} nor Headwater, which stands in for it here, '
        f"has such a public name. {did_you_mean(name, [*names(), *UNCOVERED])}"
    ).rstrip()


def missing_module(module: str) -> str:
    """Return in words why a module cannot be imported."""
    if module.partition(".")[2].startswith("_"):
        return (
            f'The module "{module}" is private to Dagster, so Headwater has nothing of that name. Import what is public from '
            '"dagster" itself.'
        )
    return (
        f'There is no module "{module}": Headwater, which stands in for Dagster here, gives its public names in "dagster" '
        f"itself. Beside it there are {', '.join(f'dagster.{name}' for name in _PUBLIC_MODULES)}."
    )


def _near_package(package: str) -> str:
    """Return the question whether another package is meant, by what comes after "dagster_"; nothing where none is near."""
    from headwater.compat.dagster.names import OTHER_INTEGRATIONS
    from headwater.model.errors import nearest

    near = nearest(
        package.removeprefix("dagster_"),
        [name.removeprefix("dagster_") for name in (*INTEGRATIONS, *OTHER_INTEGRATIONS)],
    )
    return f'Did you mean "dagster_{near}"?' if near else ""


def missing_package(package: str) -> str:
    """Return in words why a package whose name begins as those of Dagster do cannot be imported."""
    from headwater.compat.dagster.names import OTHER_INTEGRATIONS, OWN_PACKAGES

    covered = f"Covered are {', '.join(sorted(INTEGRATIONS))}."
    if package in OWN_PACKAGES:
        return (
            f'"{package}" is a part of Dagster\'s own processes, which Headwater does without. Import what is public from '
            '"dagster" itself, or leave it out.'
        )
    if package in OTHER_INTEGRATIONS:
        return (
            f'"{package}" is an integration of Dagster that Headwater does not cover. {covered} A resource of your own around '
            "the library it is made for does the same."
        )
    return (
        f'There is no package "{package}" here, and no integration of Dagster of that name is known. {covered} '
        f"{_near_package(package)}"
    ).rstrip()


# --------------------------------------------------------------------------------------------------------- modules


class AliasModule(ModuleType):
    """A module of Dagster's name whose names are looked for in Headwater when they are asked for."""

    __path__: list[str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        if self.__name__ == "dagster" and name == "components":
            from importlib import import_module

            return import_module("dagster.components")
        try:
            value = _name_in(self.__name__, name)
        except NotCovered as error:
            # Without the object: Python would add a guess of its own to ours.
            raise AttributeError(str(error), name=name, obj=None) from None
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        if self.__name__ == "dagster":
            return names()
        if self.__name__ in INTEGRATIONS:
            from importlib import import_module

            return sorted(dir(import_module(INTEGRATIONS[self.__name__])))
        return sorted(super().__dir__())


def _name_in(module: str, name: str) -> Any:
    from importlib import import_module

    package = module.partition(".")[0]
    if package in INTEGRATIONS:
        where = import_module(INTEGRATIONS[package])
        try:
            return getattr(where, name)
        except AttributeError:
            from headwater.model.errors import did_you_mean

            hint = did_you_mean(name, getattr(where, "__all__", dir(where)))
            raise NotCovered(
                f'Headwater has no "{name}" for "{package}". {hint}It gives what "{where.__name__}" has.',
                name=f"{module}.{name}",
            ) from None
    if module == "dagster.components" or module.startswith("dagster.components."):
        from headwater.compat.dagster import components

        if name in components.__all__:
            return getattr(components, name)
    if module == _DATABASES and not name.startswith("_"):
        databases = import_module("headwater.integrations.database")
        if hasattr(databases, name):
            return getattr(databases, name)
    if module == _CHECKS:
        checks = import_module(f"{HERE}.checks")
        if not name.startswith("_") and hasattr(checks, name):
            return getattr(checks, name)
    if "._" in module:
        private = import_module(f"{HERE}.private_names")
        if name in private.GIVEN:
            return getattr(private, name)
    try:
        return find_name(name, module)
    except NotCovered:
        from headwater.compat.dagster import errors

        # Errors that are not among the public names are imported from a private module, by everyone.
        if module != "dagster" and name in errors.__all__:
            return getattr(errors, name)
        raise


class _AliasLoader(Loader):
    def __init__(self, finder: AliasFinder) -> None:
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = AliasModule(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "dagster":
            module.__doc__ = "Headwater, under the names of Dagster's public API."
            vars(module)["__version__"] = DAGSTER_VERSION
            self._finder.tell()
        elif module.__name__ == "dagster.version":
            vars(module)["__version__"] = DAGSTER_VERSION


class AliasFinder(MetaPathFinder):
    """Finds `dagster`, its modules and the integrations that are covered, and gives Headwater for them.

    `is_fallback` says that it stands behind the real ones; `tell` is called once, with the first import.
    """

    def __init__(self, is_fallback: bool = False, on_first_import: Callable[[], None] | None = None) -> None:
        self.is_fallback = is_fallback
        self._on_first_import = on_first_import

    def tell(self) -> None:
        """Tell whoever wants to know that a program imported `dagster` and got Headwater."""
        if self._on_first_import is not None:
            self._on_first_import()

    def _stands_for_dagster(self) -> bool:
        return not self.is_fallback or isinstance(sys.modules.get("dagster"), AliasModule) or _is_missing("dagster")

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        if package != "dagster" and package not in INTEGRATIONS:
            # Behind a real Dagster, a package that is missing is one to install.
            is_needed = package.startswith("dagster_") and not _is_only_looked_for()
            if is_needed and _is_missing(fullname) and self._stands_for_dagster():
                raise ModuleNotCovered(missing_package(package), name=fullname)
            return None
        parent = sys.modules.get(package)
        if rest and parent is not None and not isinstance(parent, AliasModule):
            return None
        if rest and not self._is_module(package, rest):
            # `from dagster import name` comes here when the module has no such name: the place to say why.
            if _is_only_looked_for():
                return None
            kind = NotCovered if _is_asked_for_a_name() else ModuleNotCovered
            raise kind(_missing(package, rest), name=fullname)
        from importlib.machinery import ModuleSpec

        return ModuleSpec(fullname, _AliasLoader(self), origin=HERE, is_package=True)

    @staticmethod
    def _is_module(package: str, rest: str) -> bool:
        first = rest.partition(".")[0]
        if package in INTEGRATIONS:
            return first[0] == "_" or first in _INTEGRATION_MODULES
        # Programs import public names through private modules too: any of those is a door to the public names.
        if f"{package}.{rest}" == _CHECKS:
            return True
        if first in _PRIVATE_DOORS:
            return not _is_asked_for_a_name()
        return rest in _PUBLIC_MODULES


_INTEGRATION_MODULES: Final = frozenset(
    {"io_manager", "resource", "resources", "duckdb_pandas_type_handler", "duckdb_polars_type_handler"}
)


def _is_only_looked_for() -> bool:
    """Tell whether a program asks importlib.util.find_spec if there is a module, which is no reason to raise."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if "importlib" not in code.co_filename and code.co_filename != __file__:
            return False
        if code.co_name == "find_spec" and "util" in code.co_filename:
            return True
        frame = frame.f_back
    return False


def _is_asked_for_a_name() -> bool:
    """Tell whether `from module import name` looks here for a name that the module does not have."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "_handle_fromlist":
            return True
        if "importlib" not in frame.f_code.co_filename and frame.f_code.co_filename != __file__:
            return False
        frame = frame.f_back
    return False


_PUBLIC_MODULES: Final = ("components", "deprecated", "preview", "version")
_PRIVATE_DOORS: Final = frozenset(
    {"_core", "_config", "_utils", "_loggers", "_record", "_serdes", "_time", "_builtins"}
)


def _missing(package: str, rest: str) -> str:
    if package in INTEGRATIONS:
        try:
            _name_in(package, rest)
        except NotCovered as error:
            return str(error)
    return missing_name(rest, package) if _is_asked_for_a_name() else missing_module(f"{package}.{rest}")


def _is_missing(fullname: str) -> bool:
    return all(
        finder.find_spec(fullname, None) is None
        for finder in sys.meta_path
        if not isinstance(finder, AliasFinder) and hasattr(finder, "find_spec")
    )


# ----------------------------------------------------------------------------------------------------- putting in


def install() -> None:
    """Make `import dagster` mean Headwater in this process from now on, whether or not the real one is installed.

    Doing it twice is as doing it once. Raises RuntimeError when the real Dagster has been imported already: a process that
    has both would hold definitions of which each knows only half.
    """
    real = sys.modules.get("dagster")
    if real is not None and not isinstance(real, AliasModule):
        raise RuntimeError(
            "The real Dagster is imported in this process already, so Headwater cannot stand in for it. Call "
            "headwater.compat.dagster.install() before the first `import dagster`, or run the program with "
            "`python -m headwater.compat.dagster PROGRAM`."
        )
    _remove_finders()
    sys.meta_path.insert(0, AliasFinder())


def install_where_missing(on_first_import: Callable[[], None] | None = None) -> None:
    """Make `import dagster` mean Headwater where the real one is not installed; `on_first_import` is told when it does."""
    if any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        return
    sys.meta_path.append(AliasFinder(is_fallback=True, on_first_import=on_first_import))


def uninstall() -> None:
    """Take back what `install` did: the next `import dagster` finds the real one, if there is one."""
    _remove_finders()
    for name, module in list(sys.modules.items()):
        if isinstance(module, AliasModule):
            del sys.modules[name]


def is_installed() -> bool:
    """Tell whether `import dagster` means Headwater in this process."""
    return any(isinstance(finder, AliasFinder) and not finder.is_fallback for finder in sys.meta_path)


def _remove_finders() -> None:
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, AliasFinder)]
