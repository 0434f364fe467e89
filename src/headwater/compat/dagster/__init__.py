"""Dagster's public names on Headwater's engine.

    from headwater.compat import dagster as dg          # typed, nothing installed
    headwater.compat.dagster.install()                  # from now on `import dagster` means this
    python -m headwater.compat.dagster program.py       # runs a program so, unchanged

The alias is a thin mapping of names; what they do is Headwater's. docs/dagster.md says what is covered.
"""

from __future__ import annotations

from headwater.compat.dagster.aliases import (
    DAGSTER_VERSION,
    NotCovered as NotCovered,
    find_name,
    install as install,
    install_where_missing as install_where_missing,
    is_installed as is_installed,
    names as _names,
    uninstall as uninstall,
)

TYPE_CHECKING = False

if TYPE_CHECKING:
    from headwater import *  # noqa: F403
    from headwater.compat.dagster.components import *  # noqa: F403
    from headwater.compat.dagster.errors import *  # noqa: F403
    from headwater.compat.dagster.late_definitions import Definitions as Definitions
    from headwater.compat.dagster.metadata_sets import TableMetadataSet as TableMetadataSet
    from headwater.compat.dagster.renamed import *  # noqa: F403
    from headwater.compat.dagster.standard_names import *  # noqa: F403

__version__ = DAGSTER_VERSION


# Type checkers know the names by their imports, and would take every other name for an object.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=None)
        try:
            value: object = find_name(name)
        except NotCovered as error:
            raise AttributeError(str(error), name=name, obj=None) from None
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return _names()
