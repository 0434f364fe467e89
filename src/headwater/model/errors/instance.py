"""Errors of asking an instance for what it cannot answer."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import CheckError
from headwater.model.errors.root import HeadwaterError, did_you_mean, kind_of


class RunNotFound(HeadwaterError):
    """No run of this id is recorded."""

    code = "run-not-found"

    def __init__(self, run_id: str, known: Iterable[str] = ()) -> None:
        self.run_id = run_id
        super().__init__(
            what=f'There is no run "{run_id}" in this instance.',
            why="It was deleted, or is recorded in another one.",
            fix=f"{did_you_mean(run_id, known)}See `headwater run list`.",
        )


class InvalidCursor(CheckError):
    """A cursor is not one that a page of events gave."""

    code = "invalid-cursor"

    def __init__(self, cursor: object) -> None:
        super().__init__(
            what=f"{cursor!r} is not a cursor of events.",
            why="Where to go on reading could not be told from it.",
            fix="Give the cursor of the page before, or None to begin.",
        )


class NotAnAssetEvent(CheckError):
    """Something else than an asset's event was reported."""

    code = "not-an-asset-event"

    def __init__(self, given: object) -> None:
        super().__init__(
            what=f"report_runless_asset_event got {given!r}, {kind_of(given)}.",
            why="What is recorded outside of a run is about an asset or a check of one.",
            fix="Give an AssetMaterialization, an AssetObservation or an AssetCheckEvaluation.",
        )
