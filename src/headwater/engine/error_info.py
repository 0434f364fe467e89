"""Exceptions as data, and as text that begins with what the reader can mend: the frames of their own code.

Whatever an exception holds, its description is bounded: a message of at most 64 kB, at most 200 frames (the middle is
cut, as in a runaway recursion) and at most 20 causes.
"""

from __future__ import annotations

import linecache
import os
from types import TracebackType
from typing import Final

import headwater
from headwater.model.errors.root import HeadwaterError
from headwater.model.events import ErrorFrame, ErrorInfo

MAX_MESSAGE_BYTES: Final = 64_000
MAX_FRAMES: Final = 200
MAX_CAUSES: Final = 20
_MAX_MEMBERS: Final = 20
_MAX_SOURCE: Final = 500

_OUR_OWN: Final = os.path.dirname(os.path.abspath(headwater.__file__)) + os.sep
_STANDARD_LIBRARY: Final = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# Code without a file that a person typed; other such names are of generated code.
_TYPED_BY_HAND: Final = ("<stdin>", "<string>", "<ipython", "<console>", "<doctest", "<cell", "<python-input")


def error_info_from(error: BaseException) -> ErrorInfo:
    """Return an exception as data, with what it was raised from; outermost frame first in each.

    The cause is `__cause__`, else `__context__` unless it is suppressed, else the first member of an exception group,
    whose members are all listed in its message.
    """
    chain: list[BaseException] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < MAX_CAUSES:
        chain.append(current)
        seen.add(id(current))
        current = _cause_of(current)
    info: ErrorInfo | None = None
    for each in reversed(chain):
        info = ErrorInfo(
            type(each).__name__,
            _message_of(each),
            _frames_of(each.__traceback__),
            info,
            each.code if isinstance(each, HeadwaterError) else None,
        )
    assert info is not None
    return info


def format_error(info: ErrorInfo, full: bool = False) -> str:
    """Return an error as text: its message, the frames of the user's code, then the same of what caused it.

    A last line says how many frames of Headwater and of libraries were left out; with `full` there are none.
    """
    lines: list[str] = []
    hidden = 0
    current: ErrorInfo | None = info
    while current is not None:
        headline = f"{current.class_name}: {current.message}" if current.message else current.class_name
        lines.append(f"Caused by {headline}" if current is not info else headline)
        frames = current.frames if full else tuple(frame for frame in current.frames if frame.is_user_code)
        hidden += sum(1 for frame in current.frames if frame.path) - sum(1 for frame in frames if frame.path)
        for frame in frames:
            if not frame.path:
                lines.append(f"  {frame.function}")
                continue
            lines.append(f'  File "{frame.path}", line {frame.line}, in {frame.function}')
            if frame.source:
                lines.append(f"    {frame.source}")
        current = current.cause
    if hidden:
        lines.append(f"({hidden} frame{'s' if hidden > 1 else ''} of Headwater and libraries not shown.)")
    return "\n".join(lines)


def is_user_code(path: str) -> bool:
    """Return whether a file is the user's: not Headwater's, not the standard library's, not an installed package's."""
    known = _is_user_code_by_path.get(path)
    if known is None:
        known = _is_user_code_by_path[path] = _judge(path)
    return known


_is_user_code_by_path: dict[str, bool] = {}


def _judge(path: str) -> bool:
    if path.startswith("<"):
        return path.startswith(_TYPED_BY_HAND)
    if any(part in path for part in _INSTALLED):
        return False
    absolute = os.path.abspath(path)
    return not absolute.startswith((_OUR_OWN, _STANDARD_LIBRARY))


def _cause_of(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    if error.__context__ is not None and not error.__suppress_context__:
        return error.__context__
    return error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None


def _frames_of(traceback: TracebackType | None) -> tuple[ErrorFrame, ...]:
    steps: list[TracebackType] = []
    while traceback is not None:
        steps.append(traceback)
        traceback = traceback.tb_next
    if len(steps) <= MAX_FRAMES:
        return tuple(map(_frame, steps))
    # One place is for the line that says how many are missing.
    first, last = MAX_FRAMES // 2, MAX_FRAMES - MAX_FRAMES // 2 - 1
    left_out = len(steps) - first - last
    gap = ErrorFrame("", 0, f"... {left_out} frames left out ...", "", True)
    return (*map(_frame, steps[:first]), gap, *map(_frame, steps[-last:]))


def _frame(step: TracebackType) -> ErrorFrame:
    code = step.tb_frame.f_code
    path = code.co_filename
    # The line is unknown in code that was optimized away from its source.
    line = step.tb_lineno or 0
    source = linecache.getline(path, line, step.tb_frame.f_globals).strip()
    return ErrorFrame(_sound(path), line, _sound(code.co_name), _sound(source[:_MAX_SOURCE]), is_user_code(path))


def _message_of(error: BaseException) -> str:
    try:
        message = str(error)
        if isinstance(error, BaseExceptionGroup):
            message = "\n".join([message, *_members_of(error, "  ")])
        notes = getattr(error, "__notes__", None)
        if notes:
            message = "\n".join([message, *map(str, notes)])
    except Exception as fault:
        message = f"(its message could not be read: __str__ raised {type(fault).__name__})"
    return _bounded(message)


def _members_of(group: BaseExceptionGroup[BaseException], indent: str) -> list[str]:
    lines: list[str] = []
    for number, member in enumerate(group.exceptions, start=1):
        if number > _MAX_MEMBERS:
            lines.append(f"{indent}... and {len(group.exceptions) - _MAX_MEMBERS} more")
            break
        try:
            said = _bounded(str(member), MAX_MESSAGE_BYTES // _MAX_MEMBERS)
        except Exception as fault:
            said = f"(its message could not be read: __str__ raised {type(fault).__name__})"
        lines.append(f"{indent}{number}. {type(member).__name__}: {said}")
        if isinstance(member, BaseExceptionGroup) and len(indent) < 8:
            lines.extend(_members_of(member, indent + "   "))
    return lines


def _bounded(message: str, limit: int = MAX_MESSAGE_BYTES) -> str:
    """Return a message that UTF-8 can hold in `limit` bytes, its middle left out where it is longer."""
    if len(message) > 2 * limit:
        # Not all of a gigantic message need be encoded to know that it is too long.
        left_out = len(message) - 2 * limit
        message = message[:limit] + message[-limit:]
    else:
        left_out = 0
    data = message.encode("utf-8", "backslashreplace")
    if len(data) <= limit and not left_out:
        return data.decode("utf-8") if not message.isascii() else message
    half = (limit - 80) // 2
    head = data[:half].decode("utf-8", "ignore")
    tail = data[-half:].decode("utf-8", "ignore")
    left_out += max(0, len(message) - len(head) - len(tail))
    return f"{head}\n... {left_out} characters left out ...\n{tail}"


def _sound(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
