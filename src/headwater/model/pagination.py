"""Pages of a long list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from headwater.model.errors import CheckError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PaginatedResults(Generic[T]):
    """One page. `cursor` asks for the next one, and stays good when there is none yet."""

    results: Sequence[T]
    cursor: str
    has_more: bool

    @staticmethod
    def create_from_sequence(
        seq: Sequence[T], limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults[T]:
        """Return one page of a list of different plain values, from its front, or from its back when not `ascending`.

        The cursor names the last value of the page, so that what is added to the list later moves nothing. Raises
        CheckError for a limit below 1, and for a cursor whose value is not in the list.
        """
        if limit < 1:
            raise CheckError(
                what=f"A page of {limit} was asked for.", why="It could hold nothing.", fix="Give limit=1."
            )
        ordered = list(seq) if ascending else list(seq)[::-1]
        start = 0
        if cursor:
            try:
                start = ordered.index(json.loads(cursor)) + 1
            except ValueError:
                raise CheckError(
                    what=f"{cursor!r} is not a cursor of this list.",
                    why="Where to go on reading could not be told from it.",
                    fix="Give the cursor of the page before, or None to begin.",
                ) from None
        page = ordered[start : start + limit]
        return PaginatedResults(
            page, json.dumps(page[-1]) if page else cursor or "", has_more=start + limit < len(ordered)
        )
