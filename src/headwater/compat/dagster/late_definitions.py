"""Definitions that are checked when they are used, as Dagster's are, not when they are built."""

from __future__ import annotations

from typing import ClassVar

from headwater.authoring import definitions as authoring


class Definitions(authoring.Definitions):
    """As headwater.Definitions, but mistakes between definitions are raised when they are loaded or a job is resolved."""

    checks_when_built: ClassVar[bool] = False
