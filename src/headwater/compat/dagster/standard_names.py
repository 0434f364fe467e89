"""Names that Dagster's package happens to hand on, or that only warn: kept so that imports of them go on working."""

from __future__ import annotations

import warnings
from collections.abc import Callable as Callable, Mapping as Mapping, Sequence as Sequence
from typing import Any as TypingAny, Final as Final, Tuple as TypingTuple  # noqa: UP035

from headwater.model.keys import AssetCheckKey, AssetKey

AssetOrCheckKey = AssetKey | AssetCheckKey


class PreviewWarning(Warning):
    """Dagster's warning about previews; Headwater never gives it, filters for it go on working."""


class BetaWarning(Warning):
    """Dagster's warning about betas; Headwater never gives it, filters for it go on working."""


class SupersessionWarning(FutureWarning):
    """Dagster's warning about superseded names; Headwater never gives it, filters for it go on working."""


class ConfigArgumentWarning(SyntaxWarning):
    """Dagster's warning about config parameters; Headwater never gives it, filters for it go on working."""


def deprecation_warning(
    subject: str,
    breaking_version: str,
    additional_warn_text: str | None = None,
    stacklevel: int = 3,
) -> None:
    """Warn that something of the caller's is deprecated and goes with a version."""
    rest = f" {additional_warn_text}" if additional_warn_text else ""
    warnings.warn(
        f"{subject} is deprecated and will be removed in {breaking_version}.{rest}",
        category=DeprecationWarning,
        stacklevel=stacklevel,
    )


__all__ = [
    "AssetOrCheckKey",
    "BetaWarning",
    "Callable",
    "ConfigArgumentWarning",
    "Final",
    "Mapping",
    "PreviewWarning",
    "Sequence",
    "SupersessionWarning",
    "TypingAny",
    "TypingTuple",
    "deprecation_warning",
]
