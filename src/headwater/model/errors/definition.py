"""Errors in what the author declared: found when it is declared, or when `Definitions` is built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.model.errors.root import HeadwaterError, did_you_mean


class CheckError(HeadwaterError):
    """A value of the wrong kind was handed to a public function."""

    code = "wrong-argument"


class InvariantViolationError(HeadwaterError):
    """Something was asked for that cannot be answered in this situation."""

    code = "invariant"


class InvalidPropertyError(HeadwaterError):
    """A property was read that this context does not have, such as a resource outside a run."""

    code = "invalid-property"


class InvalidInvocationError(HeadwaterError):
    """A definition was called directly with arguments that do not fit it."""

    code = "invalid-invocation"


class DefinitionError(HeadwaterError):
    """The root of all mistakes in declarations."""

    code = "definition"


class InvalidDefinitionError(DefinitionError):
    """A declaration cannot mean anything sound as it stands."""

    code = "invalid-definition"


class InvalidSubsetError(DefinitionError):
    """A selection names assets, checks or ops that cannot be run together or do not exist."""

    code = "invalid-subset"


class DefinitionErrors(InvalidDefinitionError):
    """Several mistakes found together. `errors` holds each one, in the order in which they were found."""

    code = "definitions"

    def __init__(self, errors: Sequence[DefinitionError]) -> None:
        self.errors = tuple(errors)
        lines = "\n".join(f"  {number}. {error}" for number, error in enumerate(self.errors, start=1))
        super().__init__(
            what=f"{len(self.errors)} mistakes were found in the definitions:\n{lines}\n",
            why="Nothing was loaded.",
            fix="Mend them and load again.",
        )


class WrongArgument(InvalidDefinitionError, CheckError):
    """A definition was given an argument that cannot be what is asked for there; a CheckError, too."""

    code = "wrong-argument-of-definition"


class NothingToAnswer(InvariantViolationError, CheckError):
    """A definition or a context was asked for what it does not have; a CheckError, too."""

    code = "nothing-to-answer"


class InvalidAssetKey(InvalidDefinitionError, CheckError):
    """An asset key is empty or has an empty part."""

    code = "invalid-asset-key"

    def __init__(self, path: object) -> None:
        super().__init__(
            what=f"{path!r} is not an asset key.",
            why='A key is one or more parts, none of them empty and none with a "/" in it.',
            fix=f"Write AssetKey({path.strip('/').split('/')!r})."
            if isinstance(path, str) and path.strip("/")
            else 'Write AssetKey("orders") or AssetKey(["sales", "orders"]).',
        )


class UnresolvedSelection(InvalidDefinitionError, InvalidSubsetError):
    """A job, or a run, selects what the definitions do not have."""

    code = "unresolved-selection"

    def __init__(self, job: str | None, error: HeadwaterError) -> None:
        whose = "" if job is None else f'Job "{job}": '
        super().__init__(what=f"{whose}{error.what}", why=error.why, fix=error.fix)
        # What is wrong is told by its own code.
        self.code = error.code


class ConflictingDependencies(InvariantViolationError, InvalidDefinitionError):
    """One upstream is named twice, with two partition mappings."""

    code = "conflicting-dependencies"


class UnknownArgument(InvalidDefinitionError, TypeError):
    """A decorator or a definition was given an argument that it does not have; a TypeError, too, as Python has it."""

    code = "unknown-argument"

    def __init__(self, of: str, name: str, known: Iterable[str]) -> None:
        names = [each for each in known if each != "self"]
        super().__init__(
            what=f'{of}() was given "{name}", which is none of its arguments.',
            why="It would have no effect.",
            fix=did_you_mean(name, names).rstrip() or f"Its arguments are: {', '.join(names)}.",
        )
