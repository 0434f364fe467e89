"""Paths beside source files."""

from __future__ import annotations

import os


def file_relative_path(dunderfile: str, relative_path: str) -> str:
    """Return the path of something that lies at `relative_path` from a source file: pass `__file__`."""
    return os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(dunderfile)), relative_path))
