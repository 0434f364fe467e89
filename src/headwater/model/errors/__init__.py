"""Every error class, by the part of the field that it belongs to; import them from here."""

from headwater.model.errors.base import HeadwaterError, did_you_mean, nearest
from headwater.model.errors.definition import (
    CheckError,
    DefinitionError,
    DefinitionErrors,
    InvalidAssetKey,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidPropertyError,
    InvalidSubsetError,
    InvariantViolationError,
)

__all__ = [
    "CheckError",
    "DefinitionError",
    "DefinitionErrors",
    "HeadwaterError",
    "InvalidAssetKey",
    "InvalidDefinitionError",
    "InvalidInvocationError",
    "InvalidPropertyError",
    "InvalidSubsetError",
    "InvariantViolationError",
    "did_you_mean",
    "nearest",
]
