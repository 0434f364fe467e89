"""The one door from a definition up to the runtime that executes it, found by name so that imports still run one way."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def runtime_function(name: str) -> Any:
    """Return a function of the runtime package's public face."""
    return getattr(import_module("headwater.runtime"), name)
