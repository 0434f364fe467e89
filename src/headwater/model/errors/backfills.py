"""Errors of backfills."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.root import HeadwaterError, did_you_mean

_ENDED_WORDS = {"SUCCESS": "succeeded", "FAILURE": "failed"}


class BackfillError(HeadwaterError):
    """The root of the errors of backfills."""

    code = "backfill"


class UnknownBackfill(BackfillError, LookupError):
    """There is no backfill of this id."""

    code = "unknown-backfill"

    def __init__(self, backfill_id: str, known: Iterable[str] = ()) -> None:
        self.backfill_id = backfill_id
        super().__init__(
            what=f'There is no backfill "{backfill_id}".',
            why="Nothing is recorded under this id here.",
            fix=f"{did_you_mean(backfill_id, known)}`headwater backfill list` shows them.",
        )


class BackfillNotOurs(BackfillError):
    """Another process carries the backfill out."""

    code = "backfill-not-ours"

    def __init__(self, backfill_id: str) -> None:
        self.backfill_id = backfill_id
        super().__init__(
            what=f"Backfill {backfill_id} is carried out by another process now.",
            why="What this one knew of it may be out of date, so nothing was recorded.",
            fix=f"Look at it with `headwater backfill show {backfill_id[:8]}`.",
        )


class BackfillAlreadyExists(BackfillError):
    """A backfill of this id is recorded already."""

    code = "backfill-exists"

    def __init__(self, backfill_id: str) -> None:
        self.backfill_id = backfill_id
        super().__init__(
            what=f"Backfill {backfill_id} is recorded already.",
            why="Recording it again would lose what became of it.",
            fix="Use another id, or none and one is made.",
        )


class BackfillHasEnded(BackfillError):
    """What was asked for cannot be done with a backfill that has ended."""

    code = "backfill-ended"

    def __init__(self, backfill_id: str, status: str, wish: str) -> None:
        self.backfill_id = backfill_id
        super().__init__(
            what=f"Backfill {backfill_id[:8]} has ended ({_ENDED_WORDS.get(status, status.lower())}): there is nothing "
            f"to {wish}.",
            why="Nothing of it runs or waits.",
            fix="Nothing of it is left to be made. To make it again, launch another: headwater backfill SELECTION."
            if status == "SUCCESS"
            else f"`headwater backfill retry {backfill_id[:8]}` makes what was not materialized.",
        )
