"""What can be wrong with a request for a backfill."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headwater.model.errors.definition import CheckError, InvalidSubsetError, NothingToAnswer
from headwater.model.errors.execution import ExecutionError
from headwater.model.errors.root import did_you_mean

_WHY_NOTHING = {
    "requested": "What is selected has none of the partitions that were asked for.",
    "all": "What is selected has none of the partitions that were asked for.",
    "missing": "All that was asked for has been materialized.",
    "failed": "No last attempt of what was asked for failed.",
    "stale": "Nothing of what was asked for is stale.",
    "retry": "All of the backfill was materialized.",
}


class NothingToBackfill(NothingToAnswer):
    """A backfill was asked for that would build nothing. `mode` is the one that was asked for.

    `empty` tells of definitions that have no partitions at all now, where that is why.
    """

    code = "nothing-to-backfill"

    def __init__(self, mode: str, assets: Sequence[str], empty: str = "") -> None:
        self.mode = mode
        named = ", ".join(f'"{asset}"' for asset in assets[:3]) + (", ..." if len(assets) > 3 else "")
        super().__init__(
            what=f"There is nothing to backfill of {named}.",
            why=f"There are no partitions yet of {empty}."
            if empty
            else _WHY_NOTHING.get(mode, _WHY_NOTHING["requested"]),
            fix="Add some (of dynamic partitions: instance.add_dynamic_partitions), or wait until there are."
            if empty
            else "Ask for other partitions."
            if mode in ("requested", "all", "retry")
            else "Leave the mode out to build all that is selected again.",
        )


class UnclearBackfillRequest(CheckError):
    """A request for a backfill says one thing in two ways, or one that means nothing."""

    code = "unclear-backfill-request"


class UnknownBackfillMode(CheckError):
    """A mode was asked for that no backfill has."""

    code = "unknown-backfill-mode"

    def __init__(self, mode: str, modes: Collection[str]) -> None:
        super().__init__(
            what=f'"{mode}" is no mode of a backfill.',
            why="It would not be known what to build.",
            fix=f"{did_you_mean(mode, modes)}The modes are: {', '.join(modes)}.",
        )


class RequestDoesNotMap(CheckError, ValueError):
    """Partitions were asked for of assets whose definitions have nothing to do with one another."""

    code = "partitions-do-not-map"

    def __init__(self, asked: str, read_of: str, read_in: str, asset: str, definition: str) -> None:
        super().__init__(
            what=f'"{asked}" was asked for, which are partitions of "{read_of}" ({read_in}); '
            f'"{asset}" has {definition}.',
            why=f'No dependency leads from the one to the other, so it is not known which partitions of "{asset}" '
            "are meant.",
            fix=f'Backfill "{asset}" by itself, with partitions of its own.',
        )


class NotBuiltHere(InvalidSubsetError):
    """Assets were asked for that nothing here builds."""

    code = "not-built-here"

    def __init__(self, assets: Sequence[str]) -> None:
        named = ", ".join(f'"{asset}"' for asset in assets[:3]) + (", ..." if len(assets) > 3 else "")
        super().__init__(
            what=f"{named} cannot be backfilled.",
            why="No function of this project builds it: it is only known of.",
            fix="Select assets that are defined with @asset; `headwater asset list` shows them.",
        )


class PartitionsNeedEachOther(CheckError):
    """Partitions of an asset need one another, so that none of them could be built first."""

    code = "partitions-need-each-other"

    def __init__(self, asset: str, keys: Sequence[str]) -> None:
        super().__init__(
            what=f'Partitions of "{asset}" need one another: {", ".join(keys[:4])}{", ..." if len(keys) > 4 else ""}.',
            why="Whichever is built first reads one that is built later.",
            fix="Give its dependency on itself a mapping that reads earlier partitions only, such as "
            "TimeWindowPartitionMapping(start_offset=-1, end_offset=-1), or a backfill_policy of one run for all.",
        )


class BackfillFailedError(ExecutionError):
    """A backfill has ended, and some of it was not materialized."""

    code = "backfill-failed"

    def __init__(self, backfill_id: str, title: str, counts: str, named: Sequence[str]) -> None:
        self.backfill_id = backfill_id
        shown = ", ".join(named[:5]) + (", ..." if len(named) > 5 else "")
        super().__init__(
            what=f"Backfill {backfill_id} ({title}) has ended with {counts}: {shown}.",
            why="What needs them could not be built either.",
            fix=f"`headwater backfill show {backfill_id}` says why; `headwater backfill retry {backfill_id}` builds again "
            "what was not materialized.",
        )
