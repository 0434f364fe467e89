"""What a program records about itself, in words that are the same whichever engine ran it.

Imported beside either engine, so it knows only `dagster`, which is the real one or Headwater under its name.
"""

from __future__ import annotations

import enum
import linecache
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Any

import dagster as dg

Program = Callable[["Recorder"], None]
PROGRAMS: dict[str, Program] = {}

_ERRORS = [name for name in dir(dg) if name.startswith("Dagster") and name.endswith(("Error", "DidNotPass"))]
_BRANDS = ("dagster/", "headwater/")


def program(function: Program) -> Program:
    """Register a program under the name of its function."""
    if function.__name__ in PROGRAMS:
        raise ValueError(f"two programs are called {function.__name__}, and only the second would run")
    PROGRAMS[function.__name__] = function
    return function


class Recorder:
    """Takes down what a program saw, by label."""

    def __init__(self) -> None:
        self.record: dict[str, Any] = {}

    def __call__(self, label: str, value: Any) -> None:
        """Record a value of any kind."""
        self.record[label] = plain(value)

    def run(self, label: str, result: Any, outputs: Iterable[str] = ()) -> None:
        """Record a result: success, steps in order, what was materialized, observed and checked, failures, outputs."""
        told = what_happened(result)
        for node in outputs:
            told.setdefault("outputs", {})[node] = plain(result.output_for_node(node))
        self.record[label] = told

    def error(self, label: str, action: Callable[[], Any], mentions: Iterable[str] = ()) -> None:
        """Record what kind of error an action raises, and which of the names it says."""
        try:
            answer = action()
        except Exception as error:
            text = in_full(error)
            said = [name for name in mentions if name in text]
            self.record[label] = {"raises": error_kind(error), "mentions": said} | other_kinds(error)
            if not said and is_slip(error):
                self.record[label] = {FAULT: f"{error_kind(error)}: {error}"}
        else:
            self.record[label] = {"raises": None, "gives": plain(answer)}


# A program that slips records the same on both engines and has shown nothing, so what it records says that it slipped.
FAULT = "a fault of the program"
_SLIPS = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "AttributeError", "TypeError")


def is_slip(error: BaseException) -> bool:
    """Return whether an error is of the kinds that slips are, and comes from a line that does not raise it on purpose.

    Such a line stands in a program itself: an engine that refuses a call raises from a line of its own. What an action
    was to refuse with such an error names what it should mention.
    """
    line = _last_line(error.__traceback__)
    return type(error).__name__ in _SLIPS and line is not None and not line.strip().startswith("raise ")


def _last_line(frames: TracebackType | None) -> str | None:
    """Return the line that an error comes from, where that is a program's."""
    # A name that a module does not have is told by a function of that module.
    while frames is not None and frames.tb_next is not None and frames.tb_next.tb_frame.f_code.co_name != "__getattr__":
        frames = frames.tb_next
    if frames is None or "/differential/programs/" not in frames.tb_frame.f_code.co_filename:
        return None
    return linecache.getline(frames.tb_frame.f_code.co_filename, frames.tb_lineno)


def in_full(error: BaseException | None) -> str:
    """Return the text of an error and of its causes."""
    words = []
    while error is not None and len(words) < 10:
        words.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(words)


def other_kinds(error: BaseException) -> dict[str, list[str]]:
    """Return as what else Headwater's error is caught: a program written for Dagster may wait for any of these."""
    if not type(error).__module__.startswith("headwater."):
        return {}
    kinds = {error_kind_of_class(kind) for kind in type(error).__mro__[1:] if issubclass(kind, Exception)}
    others = sorted(kinds - {error_kind(error), "Exception"})
    return {"also": others} if others else {}


def error_kind(error: BaseException) -> str:
    """Return the public name of an error's class, or of the nearest of its bases that has one."""
    return error_kind_of_class(type(error))


def error_kind_of_class(of: type[BaseException]) -> str:
    """Return the public name of a class of errors, or of the nearest of its bases that has one."""
    for kind in of.__mro__:
        for name in _ERRORS:
            if getattr(dg, name, None) is kind:
                return name
        if kind.__name__ in ("CheckError", "ValidationError"):
            return kind.__name__
        if kind.__module__ == "builtins":
            return kind.__name__
        if kind.__module__.partition(".")[0] not in ("dagster", "headwater", "dagster_shared"):
            return kind.__name__
    return of.__name__


# ------------------------------------------------------------------------------------------------------- in plain data


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, without brands."""
    if value is None or isinstance(value, bool | int | str):
        return unbranded(value) if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, dg.AssetKey):
        return value.to_user_string()
    if isinstance(value, dg.AssetCheckKey):
        return f"{value.asset_key.to_user_string()}:{value.name}"
    if isinstance(value, dg.MetadataValue):
        inner = getattr(value, "value", None)
        kind = type(value).__name__.removeprefix("Dagster")
        return {"kind": kind, "value": fields_of(value) if type(inner) is type(value) else plain(inner)}
    if isinstance(value, dg.TableSchema | dg.TableColumnLineage | dg.TableRecord):
        return fields_of(value)
    if isinstance(value, dg.PartitionKeyRange):
        return [value.start, value.end]
    if isinstance(value, dg.TimeWindow):
        return [plain(value.start), plain(value.end)]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | timedelta):
        return str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    return unbranded(repr(value)) if isinstance(value, bytes) else type(value).__name__.removeprefix("Dagster")


_FIELDS: dict[type, tuple[str, ...]] = {
    dg.PythonArtifactMetadataValue: ("module", "name"),
    dg.TableMetadataValue: ("records", "schema"),
    dg.TableRecord: ("data",),
    dg.TableSchema: ("columns",),
    dg.TableColumn: ("name", "type", "description", "constraints"),
    dg.TableColumnConstraints: ("nullable", "unique", "other"),
    dg.TableColumnLineage: ("deps_by_column",),
    dg.TableColumnDep: ("asset_key", "column_name"),
}


def fields_of(value: Any) -> Any:
    """Return the fields of a value that says what is in a table, and of those in it."""
    for kind, names in _FIELDS.items():
        if isinstance(value, kind):
            return {name: fields_of(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(name): fields_of(each) for name, each in sorted(value.items())}
    return [fields_of(each) for each in value] if isinstance(value, list | tuple) else plain(value)


def unbranded(text: str) -> str:
    """Return a text whose keys are under no brand: "~/partition" for "dagster/partition"."""
    for brand in _BRANDS:
        text = text.replace(brand, "~/")
    return text


def what_happened(result: Any) -> dict[str, Any]:
    """Return what a run recorded: see Recorder.run."""
    told: dict[str, Any] = {"success": result.success}
    told["steps"] = [event.step_key for event in result.all_events if event.event_type_value == "STEP_START"]
    told["failed"] = {
        event.step_key: slip_of_step(event.step_failure_data.error) or kind_of_failure(event.step_failure_data.error)
        for event in result.all_events
        if event.event_type_value == "STEP_FAILURE"
    }
    told["skipped"] = sorted(e.step_key for e in result.all_events if e.event_type_value == "STEP_SKIPPED")
    told["retried"] = [e.step_key for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    told["materialized"] = [
        {
            "key": plain(materialization.asset_key),
            "partition": materialization.partition,
            "metadata": metadata_of(materialization.metadata),
        }
        for event in result.get_asset_materialization_events()
        for materialization in [event.step_materialization_data.materialization]
    ]
    told["observed"] = [
        {"key": plain(seen.asset_key), "partition": seen.partition, "metadata": metadata_of(seen.metadata)}
        for event in result.get_asset_observation_events()
        for seen in [event.asset_observation_data.asset_observation]
    ]
    told["checks"] = [
        {
            "check": f"{evaluation.asset_key.to_user_string()}:{evaluation.check_name}",
            "passed": evaluation.passed,
            "severity": evaluation.severity.value,
            "metadata": metadata_of(evaluation.metadata),
        }
        for evaluation in result.get_asset_check_evaluations()
    ]
    return {name: value for name, value in told.items() if value not in ([], {})}


_NAME_OF_CLASS = {getattr(dg, name).__name__: name for name in _ERRORS}
_NAME_OF_CLASS |= {"AssetCheckFailedError": "DagsterAssetCheckFailedError"}
# How a step's failure names what raised it: these are found in `dagster.errors` alone.
_NAME_OF_CLASS |= {
    "HandleOutputError": "DagsterExecutionHandleOutputError",
    "LoadInputError": "DagsterExecutionLoadInputError",
    "StepExecutionError": "DagsterExecutionStepExecutionError",
}
# What is recorded of an error has a name and no bases: these are what their bases are.
_NAME_OF_CLASS |= {"ValueNotFound": "FileNotFoundError", "MissingUpstreamPartition": "DagsterInvariantViolationError"}


def kind_of_failure(error: Any) -> str:
    """Return the public name of the class of an error that was recorded, or of its first cause."""
    while error.cause is not None:
        error = error.cause
    return kind_of_class(error.cls_name)


def kind_of_class(name: str) -> str:
    """Return the public name of the class of an error, which was recorded by the name that its engine gives it."""
    return _NAME_OF_CLASS.get(name, name)


def slip_of_step(error: Any) -> str | None:
    """Return what to say of a step that failed by a slip of the program, and None of any other failure."""
    while error.cause is not None:
        error = error.cause
    where, _, line = "".join(error.stack[-1:]).strip().partition("\n")
    is_own = "/differential/programs/" in where and not line.strip().startswith("raise ")
    return f"{FAULT}: {error.message.strip()}" if is_own and error.cls_name in _SLIPS else None


# What an engine adds by itself to a materialization; what they add differs on purpose (docs/differences.md).
_ADDED = frozenset({"path", "size", "format", "~/row_count", "~/column_schema", "content_hash", "~/code_references"})


def metadata_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata in plain words, without what the engines add by themselves."""
    told = {unbranded(name): plain(value) for name, value in sorted(metadata.items())}
    return {name: value for name, value in told.items() if name not in _ADDED}
