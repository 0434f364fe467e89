"""What a question needs of a backend: rows for an SQL text, with all that this process appended in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from headwater.store.database import Dialect


class Reading(ABC):
    """The part of a store that its questions are asked of."""

    _dialect: Dialect

    @abstractmethod
    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return all rows, after what this process appended has been committed."""
