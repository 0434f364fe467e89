"""Errors about values: metadata that cannot be recorded, and data that cannot be stored or loaded."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.model.errors.definition import CheckError, InvariantViolationError
from headwater.model.errors.root import HeadwaterError, kind_of
from headwater.model.errors.types import with_article


class InvalidMetadata(CheckError):
    """A metadata value is of a kind that cannot be written down."""

    code = "invalid-metadata"

    def __init__(self, key: str, type_name: str, reason: str = "", fix: str = "") -> None:
        super().__init__(
            what=f'The metadata value "{key}" is {with_article(type_name)}, which cannot be recorded.',
            why=reason or "Metadata is numbers, text, times, tables and what JSON can hold.",
            fix=fix or "Wrap it in one of MetadataValue.json, .text, .md or .table, or write str(value).",
        )


class InvalidMetadataKey(CheckError):
    """A metadata key is not a string."""

    code = "invalid-metadata-key"

    def __init__(self, key: object) -> None:
        super().__init__(
            what=f"The metadata key {key!r} is {kind_of(key)}, not a string.",
            why="Metadata is found again by its name.",
            fix=f'Write "{key}" as the key.',
        )


class InputOutputError(HeadwaterError):
    """The root of errors in storing and loading the values of assets and ops."""

    code = "io"


class ValueNotFound(InputOutputError, FileNotFoundError):
    """A value was asked for that is not in storage: a FileNotFoundError, whatever the storage."""

    code = "value-not-found"

    def __init__(
        self, owner: str, places: Sequence[str], partitions: Sequence[str] = (), fix: str | None = None
    ) -> None:
        self.partitions = tuple(partitions)
        self.places = tuple(places)
        which = f" for {_partitions_in_words(partitions)}" if partitions else ""
        flag = ""
        if len(partitions) == 1:
            flag = f' --partition "{partitions[0]}"'
        elif partitions:
            flag = f' --partition-range "{partitions[0]}...{partitions[-1]}"'
        place = (
            f" at {places[0]}" + (f" and {len(places) - 1} more places" if len(places) > 1 else "") if places else ""
        )
        super().__init__(
            what=f"No stored value was found of {owner}{which}.",
            why=f"It was looked for{place}: it was never materialized here, or its file was removed.",
            fix=fix if fix is not None else f"Type: headwater materialize {_bare(owner)}{flag}",
        )


class UnstorableValue(InputOutputError):
    """A value is of a kind that no format can hold."""

    code = "unstorable-value"

    def __init__(self, owner: str, type_name: str, cause: str, hint: str = "") -> None:
        super().__init__(
            what=f"The value of {owner} cannot be stored: it is a {type_name}.",
            why=f"{cause}.",
            fix=hint
            or "Return plain data (a data frame, a list, a dict), or give the asset an io_manager_key "
            "whose IO manager knows how to store it.",
        )


class UnreadableValue(InputOutputError):
    """A stored value could not be read back."""

    code = "unreadable-value"

    def __init__(self, owner: str, place: str, cause: str, fix: str = "") -> None:
        super().__init__(
            what=f"The stored value of {owner} at {place} could not be read.",
            why=f"{cause}.",
            fix=fix or f"Materialize it again: headwater materialize {_bare(owner)}",
        )


class WrongStoredType(InputOutputError):
    """A value was asked for as a type that what is stored cannot become."""

    code = "wrong-stored-type"

    def __init__(self, owner: str, stored: str, asked: str, parameter: str | None = None, fix: str = "") -> None:
        where = f' by the parameter "{parameter}"' if parameter else ""
        super().__init__(
            what=f"The value of {owner} is asked for as {asked}{where}, but what is stored is a {stored}.",
            why=f"There is no way to make a {asked} of it without guessing.",
            fix=fix or f"Annotate the parameter with the type that is stored, or let {_bare(owner)} return a {asked}.",
        )


class PartitionedValueExpected(InputOutputError):
    """One run made several partitions, and what was returned does not say which value belongs to which."""

    code = "partitioned-value-expected"

    def __init__(self, owner: str, partitions: Sequence[str], problem: str) -> None:
        first = partitions[0] if partitions else "key"
        super().__init__(
            what=f"{owner} was run for {_partitions_in_words(partitions)} at once, and {problem}.",
            why="Each partition is stored on its own, so each needs a value of its own.",
            fix=f'Return a dict with one value for each partition key: {{"{first}": ..., ...}}. The keys are '
            "context.partition_keys. To be run once for each partition instead, set "
            "backfill_policy=BackfillPolicy.multi_run().",
        )


class StorageError(InputOutputError):
    """The place where values are kept refused a write. The value that was there before is still there."""

    code = "storage"

    def __init__(self, owner: str, place: str, cause: str, fix: str) -> None:
        self.place = place
        super().__init__(
            what=f"The value of {owner} could not be written to {place}.",
            why=f"{cause}. What was stored before is untouched.",
            fix=fix,
        )


class StorageFull(StorageError):
    """The disk, or the quota on it, is full."""

    code = "storage-full"

    def __init__(self, owner: str, place: str, cause: str) -> None:
        super().__init__(owner, place, cause, "Free some space there, or set the storage directory to a larger disk.")


class StorageNotWritable(StorageError):
    """The storage directory may not be written to."""

    code = "storage-not-writable"

    def __init__(self, owner: str, place: str, cause: str) -> None:
        super().__init__(
            owner,
            place,
            cause,
            "Give this user the right to write there (chmod, chown), or set HEADWATER_HOME to a directory of your own.",
        )


class MissingContextValue(InvariantViolationError, CheckError):
    """An IO context was asked for something it was not given."""

    code = "missing-context-value"

    def __init__(self, context: str, attribute: str, builder: str, why: str = "", fix: str = "") -> None:
        super().__init__(
            what=f"This {context} has no {attribute}.",
            why=why or "It was made without one.",
            fix=fix or f"In a test, pass it: {builder}({attribute}=...).",
        )


def _partitions_in_words(partitions: Sequence[str]) -> str:
    if len(partitions) == 1:
        return f'the partition "{partitions[0]}"'
    shown = ", ".join(f'"{key}"' for key in partitions[:5])
    more = f" and {len(partitions) - 5} more" if len(partitions) > 5 else ""
    return f"{len(partitions)} partitions ({shown}{more})"


def _bare(owner: str) -> str:
    """Return the name alone of an owner such as 'asset "sales/orders"'."""
    return owner.split('"')[1] if '"' in owner else owner
