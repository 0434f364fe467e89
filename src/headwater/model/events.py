"""Facts: what happened in runs and to assets, as frozen values that are recorded for good.

Every event knows its run and step where it has one, and when it happened. Old events stay readable: fields are only ever
added, with a default, and a kind is never given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from headwater.model.error_info import ErrorFrame as ErrorFrame, ErrorInfo as ErrorInfo
from headwater.model.event_questions import EventQuestions
from headwater.model.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from headwater.model.event_data import (
        AssetObservationData,
        EngineEventData,
        HookErroredData,
        JobCanceledData,
        JobFailureData,
        SerializableErrorInfo,
        StepExpectationResultData,
        StepFailureData,
        StepMaterializationData,
        StepOutputData,
        StepRetryData,
        StepSuccessData,
        TypeCheckData,
    )
    from headwater.model.metadata import MetadataValue
    from headwater.model.results import (
        AssetCheckEvaluation,
        AssetMaterialization,
        AssetObservation,
        ExpectationResult,
    )


class InputVersion(Struct, frozen=True, array_like=True):
    """Which version of which upstream partition was really read."""

    asset: str
    partition: str | None
    data_version: str | None


class OutputRef(Struct, frozen=True, array_like=True):
    """One output that a step gave: its name, and its mapping key when it is dynamic."""

    name: str
    mapping_key: str | None = None


class TypeCheckTold(Struct, frozen=True, omit_defaults=True):
    """What the check of a type said of a value, beside that it is fine. `metadata` is plain data."""

    success: bool = True
    description: str | None = None
    metadata: Mapping[str, Any] = {}

    def data(self, name: str) -> TypeCheckData:
        """Return it in the shape in which programs ask for it, for the output or input of this name."""
        from headwater.model.event_data import TypeCheckData

        return TypeCheckData(self.success, name, self.description, _read(self.metadata))


class Event(EventQuestions, Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact. `timestamp` is seconds since 1970 in UTC; `run_id` is empty for what happened outside any run.

    `job_name` is that of the run. It is recorded once, with the run, and filled in where a result or a record tells it.
    """

    run_id: str = ""
    timestamp: float = 0.0
    step_key: str | None = None
    job_name: str | None = None

    type_name: ClassVar[str] = "ENGINE_EVENT"

    @property
    def event_type_value(self) -> str:
        """The field's name for this kind of event, such as "STEP_SUCCESS"."""
        return self.type_name

    @property
    def asset_key(self) -> AssetKey | None:
        """The asset that it is about; None for an event about none."""
        asset = getattr(self, "asset", None)
        return None if asset is None else AssetKey.parse(asset)

    @property
    def partition_key(self) -> str | None:
        """The partition that it is about; None for an event about none."""
        return self.partition

    @property
    def materialization(self) -> AssetMaterialization:
        """What was materialized. Raises WrongKindOfEvent for another kind of event."""
        return self.step_materialization_data.materialization

    @property
    def message(self) -> str:
        """The fact in words."""
        return self.type_name


# ---------------------------------------------------------------------------------------------------------------- runs


class RunCreated(Event, frozen=True, kw_only=True, tag="run_created"):
    type_name: ClassVar[str] = "RUN_CREATED"


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    type_name: ClassVar[str] = "RUN_START"

    @property
    def message(self) -> str:
        return f"Started execution of run {self.run_id}."


class RunSucceeded(Event, frozen=True, kw_only=True, tag="run_succeeded"):
    type_name: ClassVar[str] = "RUN_SUCCESS"

    @property
    def message(self) -> str:
        return f"Finished execution of run {self.run_id}."


class RunFailed(Event, frozen=True, kw_only=True, tag="run_failed", omit_defaults=True):
    """`failed_steps` are those whose own code failed; steps that were blocked by them are not named here."""

    type_name: ClassVar[str] = "RUN_FAILURE"
    failed_steps: tuple[str, ...] = ()
    error: ErrorInfo | None = None

    @property
    def message(self) -> str:
        if self.failed_steps:
            return f"Execution of run {self.run_id} failed. Steps failed: {list(self.failed_steps)}."
        said = f" {self.error.class_name}: {self.error.message}" if self.error is not None else ""
        return f"Execution of run {self.run_id} failed.{said}"

    @property
    def event_specific_data(self) -> JobFailureData:
        from headwater.model.event_data import JobFailureData, RunFailureReason

        reason = RunFailureReason.STEP_FAILURE if self.failed_steps else RunFailureReason.RUN_EXCEPTION
        return JobFailureData(_reported(self.error), reason)


class RunCanceled(Event, frozen=True, kw_only=True, tag="run_canceled"):
    type_name: ClassVar[str] = "RUN_CANCELED"
    reason: str = ""

    @property
    def message(self) -> str:
        return f"Execution of run {self.run_id} was canceled{f': {self.reason}' if self.reason else ''}."

    @property
    def event_specific_data(self) -> JobCanceledData:
        from headwater.model.event_data import JobCanceledData

        return JobCanceledData()


class RunCancelRequested(Event, frozen=True, kw_only=True, tag="run_cancel_requested"):
    """Someone asked for the run to be stopped; what runs is being ended."""

    type_name: ClassVar[str] = "RUN_CANCELING"
    reason: str = ""
    # What makes the run a failed one although nobody asked for its end: its time limit was over.
    error: ErrorInfo | None = None

    @property
    def message(self) -> str:
        return f"Canceling run {self.run_id}{f': {self.reason}' if self.reason else ''}."


class RunInterrupted(Event, frozen=True, kw_only=True, tag="run_interrupted"):
    """The process that owned the run is gone; written by whoever found it so."""

    type_name: ClassVar[str] = "RUN_INTERRUPTED"
    reason: str = ""

    @property
    def message(self) -> str:
        return f"Execution of run {self.run_id} was interrupted{f': {self.reason}' if self.reason else ''}."

    @property
    def event_specific_data(self) -> JobFailureData:
        from headwater.model.event_data import JobFailureData, RunFailureReason

        return JobFailureData(None, RunFailureReason.UNEXPECTED_TERMINATION)


class RunResumed(Event, frozen=True, kw_only=True, tag="run_resumed"):
    """A run that was interrupted goes on from its recorded steps."""

    type_name: ClassVar[str] = "ENGINE_EVENT"

    @property
    def message(self) -> str:
        return f"Execution of run {self.run_id} goes on from its recorded steps."


class EngineReport(Event, frozen=True, kw_only=True, tag="engine_report"):
    """What was reported of a run, or of none, from outside of its steps."""

    text: str = ""
    metadata: Mapping[str, Any] = {}
    error: ErrorInfo | None = None

    @property
    def message(self) -> str:
        return self.text

    @property
    def event_specific_data(self) -> EngineEventData:
        from headwater.model.event_data import EngineEventData

        return EngineEventData(_read(self.metadata), _reported(self.error))


# --------------------------------------------------------------------------------------------------------------- steps


class StepStarted(Event, frozen=True, kw_only=True, tag="step_started"):
    """An attempt began. The first is a STEP_START, each later one a STEP_RESTARTED."""

    type_name: ClassVar[str] = "STEP_START"
    attempt: int = 1

    @property
    def event_type_value(self) -> str:
        return "STEP_START" if self.attempt == 1 else "STEP_RESTARTED"

    @property
    def message(self) -> str:
        if self.attempt == 1:
            return f'Started execution of step "{self.step_key}".'
        return f'Started re-execution (attempt # {self.attempt}) of step "{self.step_key}".'


class StepSucceeded(Event, frozen=True, kw_only=True, tag="step_succeeded"):
    """`outputs` are those that the step gave, in the order in which it gave them."""

    type_name: ClassVar[str] = "STEP_SUCCESS"
    attempt: int = 1
    duration_seconds: float = 0.0
    outputs: tuple[OutputRef, ...] = ()

    @property
    def message(self) -> str:
        return f'Finished execution of step "{self.step_key}" in {self.duration_seconds * 1_000:.3g}ms.'

    @property
    def event_specific_data(self) -> StepSuccessData:
        from headwater.model.event_data import StepSuccessData

        return StepSuccessData(self.duration_seconds * 1_000)


class StepFailed(Event, frozen=True, kw_only=True, tag="step_failed"):
    """One attempt failed. Whether another follows is said by the StepRetryScheduled that comes after it, or its lack."""

    type_name: ClassVar[str] = "STEP_FAILURE"
    attempt: int = 1
    duration_seconds: float = 0.0
    error: ErrorInfo | None = None
    allow_retries: bool = True
    requested_retries: int | None = None
    requested_delay_seconds: float | None = None
    metadata: Mapping[str, Any] = {}
    outputs: tuple[OutputRef, ...] = ()
    # "user" for an exception, "timeout", "canceled", "lost" when its process died.
    cause: str = "user"
    # Which input was loaded, or which output was handed to its IO manager, when that raised.
    loading_input: str | None = None
    storing_output: str | None = None

    @property
    def message(self) -> str:
        return f'Execution of step "{self.step_key}" failed.'

    @property
    def event_specific_data(self) -> StepFailureData:
        from headwater.model.event_data import ErrorSource, StepFailureData, UserFailureData

        error = _reported(self.error)
        if self.error is not None and self.error.class_name == "Failure":
            said = UserFailureData("intentional-failure", self.error.message or None, _read(self.metadata))
            return StepFailureData(error, said, ErrorSource.USER_CODE_ERROR)
        sources = {"user": ErrorSource.USER_CODE_ERROR, "canceled": ErrorSource.INTERRUPT}
        source = sources.get(self.cause, ErrorSource.UNEXPECTED_ERROR)
        in_io = self.loading_input is not None or self.storing_output is not None
        if self.error is not None and self.error.code is not None and not in_io:
            return StepFailureData(error, None, source)  # the engine refused what the step gave or asked for
        return StepFailureData(_raised_in_step(self, error), None, source)


class StepRetryScheduled(Event, frozen=True, kw_only=True, tag="step_retry_scheduled"):
    """Attempt number `attempt` is to start at `not_before` (seconds since 1970)."""

    type_name: ClassVar[str] = "STEP_UP_FOR_RETRY"
    attempt: int = 2
    not_before: float = 0.0

    @property
    def message(self) -> str:
        return f'Execution of step "{self.step_key}" failed and has requested a retry.'

    @property
    def event_specific_data(self) -> StepRetryData:
        from headwater.model.event_data import StepRetryData

        return StepRetryData(None, max(0.0, self.not_before - self.timestamp))


class StepSkipped(Event, frozen=True, kw_only=True, tag="step_skipped"):
    """The step did not run (or ended at once) because it was not needed: an optional input never came, or `Skip`."""

    type_name: ClassVar[str] = "STEP_SKIPPED"
    reason: str = ""

    @property
    def message(self) -> str:
        return f'Skipped execution of step "{self.step_key}"{f": {self.reason}" if self.reason else ""}.'


class StepBlocked(Event, frozen=True, kw_only=True, tag="step_blocked"):
    """The step was never attempted: `cause` is the step (or "step: check") that stands in its way."""

    type_name: ClassVar[str] = "STEP_BLOCKED"
    cause: str = ""

    @property
    def message(self) -> str:
        return f'Step "{self.step_key}" was not attempted: "{self.cause}" stands in its way.'


class OutputProduced(Event, frozen=True, kw_only=True, tag="output_produced"):
    """An op gave an output that is not an asset."""

    type_name: ClassVar[str] = "STEP_OUTPUT"
    output: str = "result"
    mapping_key: str | None = None
    metadata: Mapping[str, Any] = {}
    type_check: TypeCheckTold | None = None

    @property
    def message(self) -> str:
        key = f' mapping key "{self.mapping_key}"' if self.mapping_key is not None else ""
        outcome = "failed" if self.type_check is not None and not self.type_check.success else "passed"
        return f'Yielded output "{self.output}"{key}. (Type check {outcome}).'

    @property
    def event_specific_data(self) -> StepOutputData:
        from headwater.model.event_data import StepOutputData, StepOutputHandle

        handle = StepOutputHandle(self.step_key or "", self.output, self.mapping_key)
        check = (self.type_check or TypeCheckTold()).data(self.output)
        return StepOutputData(handle, _read(self.metadata), check)


class ExpectationTold(Event, frozen=True, kw_only=True, tag="expectation_told"):
    """An op told what it expected, and whether it held."""

    type_name: ClassVar[str] = "STEP_EXPECTATION_RESULT"
    label: str = "result"
    success: bool = True
    description: str | None = None
    metadata: Mapping[str, Any] = {}

    @property
    def expectation_result(self) -> ExpectationResult:
        """What was told, as it was given."""
        from headwater.model.results import ExpectationResult

        return ExpectationResult(self.success, self.label, self.description, _read(self.metadata))

    @property
    def message(self) -> str:
        return f"Expectation {self.label} {'passed' if self.success else 'failed'}"

    @property
    def event_specific_data(self) -> StepExpectationResultData:
        from headwater.model.event_data import StepExpectationResultData

        return StepExpectationResultData(self.expectation_result)


class HookRan(Event, frozen=True, kw_only=True, tag="hook_ran"):
    """A success or failure hook was called. `error` says how it failed, which never changes the step's outcome."""

    type_name: ClassVar[str] = "HOOK_COMPLETED"
    hook: str = ""
    outcome: str = "completed"  # completed | skipped | errored
    error: ErrorInfo | None = None

    @property
    def event_type_value(self) -> str:
        return f"HOOK_{self.outcome.upper()}"

    @property
    def message(self) -> str:
        return f'Hook "{self.hook}" of "{self.node_name}" {self.outcome}.'

    @property
    def event_specific_data(self) -> HookErroredData | None:
        from headwater.model.event_data import HookErroredData

        return HookErroredData(_reported(self.error)) if self.outcome == "errored" else None


# -------------------------------------------------------------------------------------------------------------- assets


class AssetMaterialized(Event, frozen=True, kw_only=True, tag="asset_materialized"):
    """Asset `asset` (written form), or one partition of it, now has a new value."""

    type_name: ClassVar[str] = "ASSET_MATERIALIZATION"
    asset: str = ""
    partition: str | None = None
    description: str | None = None
    metadata: Mapping[str, Any] = {}
    tags: Mapping[str, str] = {}
    data_version: str | None = None
    code_version: str | None = None
    config_hash: str | None = None
    inputs: tuple[InputVersion, ...] = ()
    # Whether a value was stored that a downstream asset can load; false for MaterializeResult without a value and None.
    has_value: bool = False
    # What it depends on, as it was declared; None where that is not known, as for what is reported from outside.
    deps: tuple[str, ...] | None = None
    # A name for the config that its code declares: what it gets when a run gives none.
    declared_config_hash: str | None = None

    @property
    def materialization(self) -> AssetMaterialization:
        from headwater.model.results import materialization_of

        return materialization_of(self)

    asset_materialization = materialization

    @property
    def message(self) -> str:
        at = f" [{self.partition}]" if self.partition is not None else ""
        return f"Materialized value {self.asset}{at}."

    @property
    def event_specific_data(self) -> StepMaterializationData:
        from headwater.model.event_data import StepMaterializationData

        return StepMaterializationData(self.materialization)


class AssetObserved(Event, frozen=True, kw_only=True, tag="asset_observed"):
    type_name: ClassVar[str] = "ASSET_OBSERVATION"
    asset: str = ""
    partition: str | None = None
    description: str | None = None
    metadata: Mapping[str, Any] = {}
    tags: Mapping[str, str] = {}
    data_version: str | None = None

    @property
    def asset_observation(self) -> AssetObservation:
        from headwater.model.results import observation_of

        return observation_of(self)

    @property
    def message(self) -> str:
        at = f" [{self.partition}]" if self.partition is not None else ""
        return f"Observed {self.asset}{at}."

    @property
    def event_specific_data(self) -> AssetObservationData:
        from headwater.model.event_data import AssetObservationData

        return AssetObservationData(self.asset_observation)


class AssetUnchanged(Event, frozen=True, kw_only=True, tag="asset_unchanged"):
    """The asset's code ran and found nothing new: the last materialization still holds, for the inputs that are told.

    `data_version` is the version that holds.
    """

    type_name: ClassVar[str] = "ASSET_UNCHANGED"
    asset: str = ""
    partition: str | None = None
    metadata: Mapping[str, Any] = {}
    data_version: str | None = None
    code_version: str | None = None
    config_hash: str | None = None
    inputs: tuple[InputVersion, ...] = ()
    deps: tuple[str, ...] | None = None
    declared_config_hash: str | None = None


class AssetNotMaterialized(Event, frozen=True, kw_only=True, tag="asset_not_materialized"):
    """A planned materialization did not come about. `outcome` is failed, blocked, skipped or canceled; `cause` says why.

    `partitions` lists the partition keys; it is empty for an unpartitioned asset.
    """

    type_name: ClassVar[str] = "ASSET_FAILED_TO_MATERIALIZE"
    asset: str = ""
    partitions: tuple[str, ...] = ()
    outcome: str = "failed"
    cause: str = ""


class CheckEvaluated(Event, frozen=True, kw_only=True, tag="check_evaluated"):
    type_name: ClassVar[str] = "ASSET_CHECK_EVALUATION"
    asset: str = ""
    check: str = ""
    partition: str | None = None
    passed: bool = True
    severity: str = "ERROR"
    blocking: bool = False
    description: str | None = None
    metadata: Mapping[str, Any] = {}

    @property
    def check_key(self) -> AssetCheckKey:
        return AssetCheckKey(AssetKey.parse(self.asset), self.check)

    @property
    def asset_check_evaluation(self) -> AssetCheckEvaluation:
        from headwater.model.results import check_evaluation_of

        return check_evaluation_of(self)

    @property
    def message(self) -> str:
        return f"Asset check '{self.check}' on '{self.asset}' {'passed' if self.passed else 'did not pass'}."

    @property
    def event_specific_data(self) -> AssetCheckEvaluation:
        return self.asset_check_evaluation

    @property
    def blocks(self) -> bool:
        """Whether what stands downstream must not run."""
        return self.blocking and not self.passed and self.severity == "ERROR"


class AssetWiped(Event, frozen=True, kw_only=True, tag="asset_wiped"):
    """What was known of the asset (or of these partitions) counts no longer; its history stays readable.

    With `materialization_id` only that one materialization never was; it is taken out of the history.
    """

    type_name: ClassVar[str] = "ASSET_WIPED"
    asset: str = ""
    partitions: tuple[str, ...] = ()
    materialization_id: int | None = None


class AssetInvalidated(Event, frozen=True, kw_only=True, tag="asset_invalidated"):
    """Someone marked the value of the asset (or of these partitions) as wrong; with `is_undone` took the mark back."""

    type_name: ClassVar[str] = "ASSET_INVALIDATED"
    asset: str = ""
    partitions: tuple[str, ...] = ()
    reason: str = ""
    is_undone: bool = False


class AssetMoved(Event, frozen=True, kw_only=True, tag="asset_moved"):
    """The asset `asset` was called `former_key` until now."""

    type_name: ClassVar[str] = "ASSET_MOVED"
    asset: str = ""
    former_key: str = ""


AnyEvent = (
    RunCreated
    | RunStarted
    | RunSucceeded
    | RunFailed
    | RunCanceled
    | RunCancelRequested
    | RunResumed
    | RunInterrupted
    | EngineReport
    | StepStarted
    | StepSucceeded
    | StepFailed
    | StepRetryScheduled
    | StepSkipped
    | StepBlocked
    | OutputProduced
    | ExpectationTold
    | HookRan
    | AssetMaterialized
    | AssetObserved
    | AssetUnchanged
    | AssetNotMaterialized
    | CheckEvaluated
    | AssetWiped
    | AssetInvalidated
    | AssetMoved
)

EVENT_KINDS: tuple[type[Event], ...] = AnyEvent.__args__


def kind_of(event: Event) -> str:
    """Return the stable short name under which this kind of event is stored, such as "step_succeeded"."""
    return str(type(event).__struct_config__.tag)


def _reported(error: ErrorInfo | None) -> SerializableErrorInfo | None:
    from headwater.model.event_data import SerializableErrorInfo

    return None if error is None else SerializableErrorInfo.of(error)


def _raised_in_step(event: StepFailed, error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """Return what a step's code, or an IO manager, raised as the cause of the failure of its step."""
    if error is None:
        return None
    from headwater.model.event_data import SerializableErrorInfo

    name, doing = "StepExecutionError", f'executing op "{event.node_name}"'
    if event.loading_input is not None:
        name, doing = "LoadInputError", f'loading input "{event.loading_input}" of step "{event.step_key}"'
    elif event.storing_output is not None:
        name, doing = "HandleOutputError", f'handling output "{event.storing_output}" of step "{event.step_key}"'
    return SerializableErrorInfo(f"{name}: Error occurred while {doing}:\n", error.stack, name, error)


def _read(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    from headwater.model.metadata import metadata_from_data
    from headwater.model.tags import Metadata

    return Metadata((name, metadata_from_data(value)) for name, value in metadata.items())
