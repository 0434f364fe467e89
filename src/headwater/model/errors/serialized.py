"""Errors of values as text."""

from __future__ import annotations

from headwater.model.errors.root import HeadwaterError


class SerializationError(HeadwaterError):
    """A value has no form as text."""

    code = "serialization"


class DeserializationError(HeadwaterError):
    """A text does not hold the value that was asked for."""

    code = "deserialization"
