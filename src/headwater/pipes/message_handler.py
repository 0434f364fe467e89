"""What becomes of each message of an external process, and how the session ended.

A message that cannot be used never stops the reading of those after it: it is kept as a fault, logged at once, and the
session raises PipesMessageError with all of them when it is over.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from headwater.authoring.contexts import OpExecutionContext
from headwater.model.errors import HeadwaterError
from headwater.model.errors.pipes import PipesMessageError, unknown_asset, unknown_check
from headwater.model.keys import AssetKey
from headwater.model.policies import AssetCheckSeverity
from headwater.model.results import AssetCheckResult, DataVersion, MaterializeResult
from headwater.pipes.external_metadata import BadMetadata, metadata_from_external
from headwater.pipes.protocol import PipesLaunchedData, PipesMessage, PipesParams, key_parts, written_key
from headwater.pipes.step_context import asset_keys_of

if TYPE_CHECKING:
    from headwater.pipes.readers import PipesMessageReader

MAX_KEPT_FAULTS: Final = 100
_SHOWN_LINE: Final = 120

PipesExecutionResult = MaterializeResult[Any] | AssetCheckResult
"""What an external process reports of assets and their checks."""


class BadMessage(ValueError):
    """A message cannot be meant; the sentence says why."""


class PipesMessageHandler:
    """Takes the messages of an external process: logs what it says, and collects what it reports.

    Messages may come from several threads. `context` is that of the step, `message_reader` where messages come from.
    """

    def __init__(self, context: OpExecutionContext, message_reader: PipesMessageReader) -> None:
        self._context = context
        self._reader = message_reader
        self._lock = threading.RLock()
        self._results: list[PipesExecutionResult] = []
        self._custom_messages: list[Any] = []
        self._materialized: set[AssetKey] = set()
        self._said_anything = False
        self._opened = 0
        self._closed = 0
        self._faults: list[str] = []
        self._faults_left_out = 0
        self._reported_exception: str | None = None
        keys = asset_keys_of(context)
        self._asset_by_name = None if keys is None else {written_key(key.parts): key for key in keys}
        checks = context.selected_asset_check_keys if context.has_assets_def else frozenset()
        self._checks = sorted(checks, key=lambda check: (str(check.asset_key), check.name))
        self._handlers: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "opened": self._take_opened,
            "closed": self._take_closed,
            "log": self._take_log,
            "report_asset_materialization": self._take_materialization,
            "report_asset_check": self._take_check,
            "report_custom_message": self._take_custom_message,
            "log_external_stream": self._take_stream,
        }

    @contextmanager
    def handle_messages(self) -> Iterator[PipesParams]:
        """Read messages for as long as the block lasts; what it gives tells the process where to write them."""
        with self._reader.read_messages(self) as params:
            yield params

    # ------------------------------------------------------------------------------------------------- what was told

    def get_reported_results(self) -> Sequence[PipesExecutionResult]:
        """Return what was reported so far, in the order in which it came."""
        with self._lock:
            return tuple(self._results)

    def get_custom_messages(self) -> Sequence[Any]:
        """Return the payloads of custom messages so far, in the order in which they came."""
        with self._lock:
            return tuple(self._custom_messages)

    @property
    def received_opened_message(self) -> bool:
        """Whether every writer that is expected has opened its session."""
        return self._opened >= self._reader.expected_writer_count

    @property
    def received_closed_message(self) -> bool:
        """Whether every writer that is expected has closed its session."""
        return self._closed >= self._reader.expected_writer_count

    @property
    def reported_exception(self) -> str | None:
        """The exception with which the process closed its session, as the last line of its traceback."""
        return self._reported_exception

    @property
    def faults(self) -> Sequence[str]:
        """A sentence for each message that could not be used."""
        with self._lock:
            return tuple(self._faults)

    # ------------------------------------------------------------------------------------------------- what is taken

    def handle_line(self, line: str | bytes, *, is_cut: bool = False) -> None:
        """Take one line of what a process wrote. `is_cut` says that it ended without a line break."""
        try:
            text = line.decode("utf-8") if isinstance(line, bytes) else line
            if not text.strip():
                return
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            shown = _shown(line)
            if is_cut:
                self.add_fault(f"Its last message was cut off, as it is when a process is killed: {shown}")
            else:
                self.add_fault(f"A line is no message ({type(error).__name__}: {_first_line(error)}): {shown}")
            return
        self.handle_message(message)

    def handle_message(self, message: PipesMessage) -> None:
        """Take one message. Never raises on account of what it holds: what cannot be used becomes a fault."""
        try:
            if not isinstance(message, Mapping) or not isinstance(message.get("method"), str):
                raise BadMessage(f'A message is not {{"method": ..., "params": ...}}: {_shown(message)}')
            take = self._handlers.get(message["method"])
            if take is None:
                raise BadMessage(f"A message is of a kind that there is not, {message['method']!r}.")
            params = message.get("params")
            if params is not None and not isinstance(params, Mapping):
                raise BadMessage(f'The params of a message "{message["method"]}" are no mapping: {_shown(params)}')
            self._said_anything = True
            take(params or {})
        except (BadMessage, BadMetadata) as error:
            self.add_fault(str(error))
        except Exception as error:
            self.report_pipes_framework_exception("a message of the external process", sys.exc_info(), error)

    def add_fault(self, sentence: str) -> None:
        """Keep a sentence about a message that could not be used; the session fails with it when it is over."""
        with self._lock:
            if len(self._faults) < MAX_KEPT_FAULTS:
                self._faults.append(sentence)
            else:
                self._faults_left_out += 1
        self._context.log.error(f"[pipes] {sentence}")

    def warn(self, sentence: str, error: BaseException | None = None) -> None:
        """Say in the step's log what is not as it should be, without failing the session."""
        self._context.log.warning(f"[pipes] {sentence}", exc_info=error)

    def report_pipes_framework_exception(
        self,
        origin: str,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
        error: BaseException | None = None,
    ) -> None:
        """Keep that a reader, or `origin` by another name, raised: messages may be lost, so the session will fail."""
        raised = error if error is not None else exc_info[1]
        self._context.log.debug("[pipes] What was raised:", exc_info=exc_info if exc_info[1] is not None else None)
        self.add_fault(f"{origin} raised {type(raised).__name__}: {raised}")

    def on_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Tell the reader what is known of the process now that it has started."""
        self._context.log.info("[pipes] More is known of the process now that it has started.")
        self._reader.on_launched(launched_payload)

    # ---------------------------------------------------------------------------------------------- kinds of messages

    def _take_opened(self, params: Mapping[str, Any]) -> None:
        with self._lock:
            self._opened += 1
        self._context.log.info("[pipes] The external process has opened its session.")
        extras = params.get("extras")
        self._reader.on_opened({"extras": extras if isinstance(extras, Mapping) else {}})

    def _take_closed(self, params: Mapping[str, Any]) -> None:
        with self._lock:
            self._closed += 1
        exception = params.get("exception")
        if not exception:
            return
        self._reported_exception = _headline(exception)
        text = "\n".join(_exception_lines(exception))
        self._context.log.error(f"[pipes] The external process closed its session with an exception.\n{text}")

    def _take_log(self, params: Mapping[str, Any]) -> None:
        message, level = params.get("message"), params.get("level")
        if message is None:
            raise BadMessage(f"A log message says nothing: {_shown(dict(params))}")
        number = _level_number(level)
        if number is None:
            self._context.log.info(f"[{level}] {message}")
        else:
            self._context.log.log(number, "%s", message)

    def _take_materialization(self, params: Mapping[str, Any]) -> None:
        key = self._asset(params.get("asset_key"), "report_asset_materialization")
        version = params.get("data_version")
        if version is not None and not isinstance(version, str):
            raise BadMessage(f'The data version of "{key}" is {version!r}, and not text.')
        metadata = self._metadata(params.get("metadata"), f'"{key}"')
        result: MaterializeResult[Any] = MaterializeResult(
            asset_key=key, metadata=metadata, data_version=None if version is None else DataVersion(version)
        )
        with self._lock:
            if key in self._materialized:
                raise BadMessage(f'It reported the asset "{key}" twice; a step builds an asset once.')
            self._materialized.add(key)
            self._results.append(result)

    def _take_check(self, params: Mapping[str, Any]) -> None:
        name, passed = params.get("check_name"), params.get("passed")
        if not isinstance(name, str):
            raise BadMessage(f"The name of a check is {name!r}, and not text.")
        key = self._asset(params.get("asset_key"), "report_asset_check", of_check=True)
        if self._checks or self._asset_by_name is not None:
            of_asset = [check.name for check in self._checks if check.asset_key == key]
            if name not in of_asset:
                raise BadMessage(unknown_check(name, str(key), of_asset))
        if not isinstance(passed, bool):
            raise BadMessage(f'Whether the check "{name}" of "{key}" passed is {passed!r}, and not true or false.')
        given = params.get("severity", "ERROR")
        severity = next((known for known in AssetCheckSeverity if known.name == given), None)
        if severity is None:
            raise BadMessage(f'The severity of the check "{name}" of "{key}" is {given!r}, and not "WARN" or "ERROR".')
        metadata = self._metadata(params.get("metadata"), f'the check "{name}" of "{key}"')
        result = AssetCheckResult(passed=passed, asset_key=key, check_name=name, severity=severity, metadata=metadata)
        with self._lock:
            self._results.append(result)

    def _take_custom_message(self, params: Mapping[str, Any]) -> None:
        if "payload" not in params:
            raise BadMessage(f"A custom message has no payload: {_shown(dict(params))}")
        with self._lock:
            self._custom_messages.append(params["payload"])

    def _take_stream(self, params: Mapping[str, Any]) -> None:
        stream, text = params.get("stream"), params.get("text")
        if not isinstance(text, str):
            raise BadMessage(f"Output of {stream!r} is {_shown(text)}, and not text.")
        if stream == "stdout":
            sys.stdout.write(text)
        elif stream == "stderr":
            sys.stderr.write(text)
        else:
            self._context.log.info(f"[{stream}] {text.rstrip()}")

    def _asset(self, written: Any, method: str, *, of_check: bool = False) -> AssetKey:
        known = self._asset_by_name
        if written is None:
            if known is not None and len(known) == 1:
                return next(iter(known.values()))
            if of_check and len({check.asset_key for check in self._checks}) == 1:
                return self._checks[0].asset_key
            raise BadMessage(f"A message {method} does not say of which asset it is.")
        if not isinstance(written, str):
            raise BadMessage(f"The asset key of a message {method} is {written!r}, and not text.")
        found = None if known is None else known.get(written)
        if found is not None:
            return found
        try:
            key = AssetKey(key_parts(written))
        except HeadwaterError as error:
            raise BadMessage(error.what) from None
        if of_check and any(check.asset_key == key for check in self._checks):
            return key
        if known is not None and key not in known.values():
            raise BadMessage(unknown_asset(written, [*known, *(str(check.asset_key) for check in self._checks)]))
        return key

    def _metadata(self, given: Any, of: str) -> dict[str, Any]:
        try:
            return dict(metadata_from_external(given))
        except BadMetadata as error:
            raise BadMessage(f"It reported {of} with metadata that cannot be meant. {error}") from None

    # ------------------------------------------------------------------------------------------------------- the end

    def tell_how_it_ended(self, how_context_was_given: str) -> None:
        """Warn in the log when the process said nothing, or did not close its session."""
        expected = self._reader.expected_writer_count
        if not self._said_anything and not self._faults:
            self._context.log.warning(
                "[pipes] The external process never opened a session, so what it did is not known. One that is to report calls "
                "open_dagster_pipes(), and is started with the variables or arguments that the session gives.\n"
                f"{how_context_was_given}\n{self._reader.no_messages_debug_text()}"
            )
        elif self._closed < max(1, min(self._opened, expected)):
            self._context.log.warning(
                "[pipes] The external process never closed its session, so messages may be missing. Write "
                "`with open_dagster_pipes() as context:`, or call context.close() before it ends."
            )

    def error_of_faults(self) -> PipesMessageError | None:
        """Return the error that tells of all messages that could not be used, None when there are none."""
        with self._lock:
            return PipesMessageError(self._faults, self._faults_left_out) if self._faults else None


def _level_number(level: Any) -> int | None:
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    if not isinstance(level, str):
        return None
    known = logging.getLevelNamesMapping().get(level.upper())
    if known is None and level.startswith("Level ") and level[6:].isdecimal():
        # What logging calls a level without a name.
        return int(level[6:])
    return known or None


def _headline(exception: Any) -> str:
    if not isinstance(exception, Mapping):
        return _shown(exception)
    message = str(exception.get("message") or "").strip()
    name = exception.get("name")
    last = message.splitlines()[-1] if message else ""
    if name and str(name) not in message:
        return f"{name}: {last}" if last else str(name)
    return last or "an exception without a message"


def _exception_lines(exception: Any, depth: int = 0) -> Iterator[str]:
    """Yield an exception as Python prints one, with what it came from first."""
    if not isinstance(exception, Mapping) or depth > 20:
        yield _shown(exception)
        return
    for origin, between in (
        ("cause", "It was the direct cause of:"),
        ("context", "While that was handled, this came:"),
    ):
        if exception.get(origin):
            yield from _exception_lines(exception[origin], depth + 1)
            yield between
            break
    stack = exception.get("stack")
    for entry in stack if isinstance(stack, Sequence) and not isinstance(stack, str) else ():
        yield str(entry).rstrip("\n")
    yield str(exception.get("message") or exception.get("name") or "an exception without a message").rstrip("\n")


def _shown(found: Any) -> str:
    text = found.decode("utf-8", "backslashreplace") if isinstance(found, bytes) else found
    shown = text.strip() if isinstance(text, str) else repr(text)
    return shown if len(shown) <= _SHOWN_LINE else f"{shown[:_SHOWN_LINE]}..."


def _first_line(error: BaseException) -> str:
    return traceback.format_exception_only(type(error), error)[-1].strip().partition(": ")[2].splitlines()[0]
