"""How errors end a command: in words (what, why, and what to type next) and in one of the documented exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from headwater.cli.screen import Screen
from headwater.model.errors import DefinitionErrors, HeadwaterError

RUN_FAILED = 1
WRONG_COMMAND = 2
DEFINITIONS_DO_NOT_LOAD = 3
STATE_UNUSABLE = 4
INTERRUPTED = 130


class DefinitionsNotLoaded(Exception):
    """What came of loading a project. It was raised from the error that tells why."""


class CommandRefused(HeadwaterError):
    """The command cannot be done as it was typed."""

    code = "wrong-command"


def report_error(error: Exception, given: Sequence[str]) -> int:
    """Tell of the error and return the exit code. `given` is what was typed after `headwater`."""
    screen = Screen(as_json="--json" in given)
    full = "--full-traceback" in given or "--verbose" in given
    if isinstance(error, click.exceptions.Abort):
        screen.say("Interrupted.")
        return _document(screen, INTERRUPTED, {"code": "interrupted", "what": "Interrupted.", "why": "", "fix": ""})
    if isinstance(error, click.ClickException):
        return _report_usage(screen, error)
    exit_code = exit_code_of(error)
    if isinstance(error, DefinitionsNotLoaded) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    for single in error.errors if isinstance(error, DefinitionErrors) else (error,):
        _tell(screen, single, full)
    if isinstance(error, DefinitionErrors):
        screen.say(f"{len(error.errors)} mistakes were found in the definitions; nothing was loaded.")
    return _document(screen, exit_code, error_document(error))


def exit_code_of(error: BaseException) -> int:
    from headwater.model.errors.store import StoreError

    match error:
        case DefinitionsNotLoaded():
            # The state is what stands in the way when a settings file or a folder cannot be read.
            return STATE_UNUSABLE if isinstance(error.__cause__, StoreError) else DEFINITIONS_DO_NOT_LOAD
        case StoreError():
            return STATE_UNUSABLE
        case HeadwaterError():
            return WRONG_COMMAND
        case OSError():
            return STATE_UNUSABLE
    return RUN_FAILED


def error_document(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON values."""
    if not isinstance(error, HeadwaterError):
        return {"code": "unexpected", "what": f"{type(error).__name__}: {error}", "why": "", "fix": ""}
    document: dict[str, Any] = {"code": error.code, "what": error.what.strip(), "why": error.why, "fix": error.fix}
    if isinstance(error, DefinitionErrors):
        document["errors"] = [error_document(single) for single in error.errors]
    return document


def _document(screen: Screen, exit_code: int, error: dict[str, Any]) -> int:
    if screen.as_json:
        screen.document({"error": {**error, "exit_code": exit_code}})
    return exit_code


def _report_usage(screen: Screen, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    what = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        screen.say(what)
    else:
        screen.say(f"{screen.styled('Error:', 'red bold', screen.err)} {what}")
        if context is not None:
            screen.say(f"  fix: {context.command_path} --help")
    return _document(screen, WRONG_COMMAND, {"code": "usage", "what": what, "why": "", "fix": ""})


def _tell(screen: Screen, error: BaseException, full: bool) -> None:
    from headwater.engine.error_info import error_info_from, format_error

    label = screen.styled("Error:", "red bold", screen.err)
    if isinstance(error, OSError):
        screen.say(f"{label} {error}")
        screen.say("  why: a file or folder that Headwater keeps its state in could not be read or written.")
        screen.say("  fix: headwater doctor")
        return
    if not isinstance(error, HeadwaterError):
        screen.say(f"{label} Headwater met something that it did not expect.")
        screen.say(format_error(error_info_from(error), full=True))
        screen.say("  why: this is a fault of Headwater's, or of something it relies on.")
        screen.say("  fix: please report it, with the lines above and the output of: headwater doctor")
        return
    screen.say(f"{label} {error.what.rstrip()}")
    if error.__cause__ is not None and (full or not hasattr(error, "report")):
        screen.say(format_error(error_info_from(error.__cause__), full=full))
    elif place := _place_of(error):
        screen.say(f"  at:  {place}")
    if error.why:
        screen.say(f"  why: {error.why}")
    if error.fix:
        screen.say(f"  fix: {error.fix}")


def _place_of(error: BaseException) -> str | None:
    """Return where in the user's own code the error came up, if it did there."""
    from headwater.engine.error_info import error_info_from

    frames = [frame for frame in error_info_from(error).frames if frame.is_user_code and frame.path]
    return f"{frames[-1].path}:{frames[-1].line}" if frames else None
