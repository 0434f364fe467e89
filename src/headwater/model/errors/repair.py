"""Errors of repairing what is recorded: moves, wipes, marks and reports that cannot be meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.model.errors.definition import CheckError
from headwater.model.errors.graph import UnknownAsset
from headwater.model.errors.root import HeadwaterError, did_you_mean


class RepairError(HeadwaterError):
    """The root of what keeps a repair from being done. Nothing was changed."""

    code = "repair"


class NothingRecorded(RepairError):
    """Nothing is recorded of an asset that was to be moved or marked."""

    code = "nothing-recorded"

    def __init__(self, key: str, known: Iterable[str], now_called: str | None = None) -> None:
        self.key = key
        super().__init__(
            what=f'Nothing is recorded of "{key}".' + (f' It is called "{now_called}" now.' if now_called else ""),
            why="There is no history that could be kept or repaired.",
            fix=did_you_mean(key, known) + "See: headwater asset list",
        )


class AssetHasHistory(RepairError):
    """An asset was to be moved to a key under which there is history already."""

    code = "asset-has-history"

    def __init__(self, former: str, key: str) -> None:
        self.key = key
        super().__init__(
            what=f'"{former}" cannot become "{key}": there is history of "{key}" already.',
            why="Two histories are never mixed: it would not be known which value counts.",
            fix=f"Wipe what is not wanted (headwater asset wipe {key}), or move it away first "
            f"(headwater asset mv {key} ANOTHER).",
        )


class AssetInUse(RepairError):
    """An unfinished run, or backfill, builds or reads an asset that was to be changed."""

    code = "asset-in-use"

    def __init__(self, what: str, run_ids: Sequence[str], kind: str = "run") -> None:
        self.run_ids = tuple(run_ids)
        named = ", ".join(run_id[:8] for run_id in self.run_ids[:5])
        super().__init__(
            what=f"{what} while {kind} {named} builds or reads it.",
            why=f"The {kind} would store its value where nobody looks, or lose what it reads.",
            fix=f"Wait for it, or stop it: headwater {kind} cancel {self.run_ids[0][:8]}",
        )


class ChangedMeanwhile(RepairError):
    """An asset was built while its values were being prepared; whoever moves it begins again."""

    code = "changed-meanwhile"

    def __init__(self, key: str) -> None:
        super().__init__(
            what=f'"{key}" was built again and again while it was being moved.',
            why="The value that was made last could be lost.",
            fix="Try again when nothing builds it.",
        )


class StillDeclared(RepairError):
    """An asset was to be moved whose key the definitions still declare."""

    code = "still-declared"

    def __init__(self, former: str, key: str) -> None:
        super().__init__(
            what=f'"{former}" cannot become "{key}": the definitions still declare "{former}".',
            why="It would have no history any more, and be built anew under its old key.",
            fix="Rename it in the code first, and where it is named in deps=, then move its history.",
        )


class UnknownMaterialization(RepairError):
    """No materialization of the asset has the id that was given."""

    code = "unknown-materialization"

    def __init__(self, key: str, storage_id: int, known: Sequence[int]) -> None:
        listed = ", ".join(map(str, known))
        super().__init__(
            what=f'No materialization of "{key}" has the id {storage_id}.',
            why="It was wiped before, belongs to another asset, or is no materialization.",
            fix=f"The latest are: {listed}." if known else f'"{key}" has none.',
        )


class NotThere(RepairError):
    """Partitions, or an asset, were to be marked of which nothing is materialized."""

    code = "not-there"

    def __init__(self, key: str, partitions: Sequence[str] = ()) -> None:
        named = f"{key} [{', '.join(partitions[:3])}{', ...' if len(partitions) > 3 else ''}]" if partitions else key
        super().__init__(
            what=f'"{named}" was never materialized.',
            why="What is not there is missing, and cannot be wrong.",
            fix=f"See what is there: headwater asset show {key}",
        )


class MadeElsewhere(RepairError):
    """An asset that nothing here builds was to be marked as wrong."""

    code = "made-elsewhere"

    def __init__(self, key: str) -> None:
        super().__init__(
            what=f'"{key}" is made elsewhere: nothing here builds it.',
            why="A mark holds until the asset is built again, which would never be.",
            fix=f"Report its new version when there is one: headwater asset report {key} --data-version V",
        )


class RenamedAsset(UnknownAsset):
    """An asset was asked for by a key that it no longer has."""

    code = "renamed-asset"

    def __init__(self, name: str, key: str, since: str) -> None:
        super().__init__(name, (), "")
        self.key = key
        HeadwaterError.__init__(
            self,
            what=f'There is no asset "{name}": it is "{key}" now.',
            why=f"It was renamed on {since}, and its history with it.",
            fix=f'Write "{key}".',
        )


class BadMove(CheckError):
    """A move that names no two different keys."""

    code = "bad-move"
