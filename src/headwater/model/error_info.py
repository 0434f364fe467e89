"""Exceptions as data: what was raised, where, and from what."""

from __future__ import annotations

from msgspec import Struct


class ErrorFrame(Struct, frozen=True, array_like=True):
    """One line of a traceback. `is_user_code` is false for frames of Headwater and of the libraries it calls."""

    path: str
    line: int
    function: str
    source: str
    is_user_code: bool


class ErrorInfo(Struct, frozen=True, omit_defaults=True):
    """An exception as data: outermost frame first, `cause` is what it was raised from."""

    class_name: str
    message: str
    frames: tuple[ErrorFrame, ...] = ()
    cause: ErrorInfo | None = None
    code: str | None = None

    @property
    def root(self) -> ErrorInfo:
        """The innermost cause."""
        error = self
        while error.cause is not None:
            error = error.cause
        return error

    @property
    def cls_name(self) -> str:
        return self.class_name

    @property
    def stack(self) -> list[str]:
        return [f'  File "{f.path}", line {f.line}, in {f.function}\n    {f.source}\n' for f in self.frames]

    def to_string(self) -> str:
        """Return the error as Python would print it."""
        head = f"{self.cause.to_string()}\nThe above exception was the cause of this one:\n\n" if self.cause else ""
        return f"{head}{''.join(self.stack)}{self.class_name}: {self.message}"
