"""Errors of the evaluation of automation conditions."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import InvalidDefinitionError
from headwater.model.errors.root import HeadwaterError, did_you_mean_or


class AutomationConditionError(HeadwaterError):
    """A condition that a user wrote raised, or gave back something that is no result."""

    code = "automation-condition"

    def __init__(self, of: str, condition: str, reason: str, fix: str) -> None:
        super().__init__(
            what=f'The automation condition {condition} of "{of}" could not be evaluated: {reason}.',
            why="It is not known whether anything should be built, so nothing was asked for.",
            fix=fix,
        )


class UnknownAssetInCondition(InvalidDefinitionError):
    """A condition asks about an asset that is not there."""

    code = "unknown-asset-in-condition"

    def __init__(self, of: str, named: str, known: Iterable[str]) -> None:
        super().__init__(
            what=f'The automation condition of "{of}" asks about "{named}", which no definition provides.',
            why="Nothing is known that could answer.",
            fix=did_you_mean_or(named, known, f'declare it: AssetSpec("{named}").'),
        )
