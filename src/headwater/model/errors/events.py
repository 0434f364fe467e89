"""Errors of asking an event for what it does not tell."""

from __future__ import annotations

from headwater.model.errors.definition import CheckError


class WrongKindOfEvent(CheckError):
    """An event was asked for what only another kind tells."""

    code = "wrong-kind-of-event"

    def __init__(self, name: str, event_type: str) -> None:
        super().__init__(
            what=f"An event of type {event_type} was asked for its {name}.",
            why="Events of that type do not tell it.",
            fix="Look at event.event_type, or at event.is_step_materialization and the like, first.",
        )
