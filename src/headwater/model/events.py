"""Facts: what happened in runs and to assets, as frozen values that are recorded for good.

Every event knows its run and step where it has one, and when it happened. Old events stay readable: fields are only ever
added, with a default, and a kind is never given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from headwater.model.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from headwater.model.results import AssetCheckEvaluation, AssetMaterialization, AssetObservation


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


class InputVersion(Struct, frozen=True, array_like=True):
    """Which version of which upstream partition was really read."""

    asset: str
    partition: str | None
    data_version: str | None


class OutputRef(Struct, frozen=True, array_like=True):
    """One output that a step gave: its name, and its mapping key when it is dynamic."""

    name: str
    mapping_key: str | None = None


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact. `timestamp` is seconds since 1970 in UTC; `run_id` is empty for what happened outside any run."""

    run_id: str = ""
    timestamp: float = 0.0
    step_key: str | None = None

    type_name: ClassVar[str] = "ENGINE_EVENT"

    @property
    def event_type_value(self) -> str:
        """The field's name for this kind of event, such as "STEP_SUCCESS"."""
        return self.type_name

    @property
    def asset_key(self) -> AssetKey | None:
        asset = getattr(self, "asset", None)
        return None if asset is None else AssetKey.parse(asset)

    @property
    def message(self) -> str:
        return self.type_name

    @property
    def is_step_event(self) -> bool:
        return self.step_key is not None


# ---------------------------------------------------------------------------------------------------------------- runs


class RunCreated(Event, frozen=True, kw_only=True, tag="run_created"):
    type_name: ClassVar[str] = "RUN_CREATED"
    job_name: str = ""


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    type_name: ClassVar[str] = "RUN_START"


class RunSucceeded(Event, frozen=True, kw_only=True, tag="run_succeeded"):
    type_name: ClassVar[str] = "RUN_SUCCESS"


class RunFailed(Event, frozen=True, kw_only=True, tag="run_failed", omit_defaults=True):
    """`failed_steps` are those whose own code failed; steps that were blocked by them are not named here."""

    type_name: ClassVar[str] = "RUN_FAILURE"
    failed_steps: tuple[str, ...] = ()
    error: ErrorInfo | None = None


class RunCanceled(Event, frozen=True, kw_only=True, tag="run_canceled"):
    type_name: ClassVar[str] = "RUN_CANCELED"
    reason: str = ""


class RunInterrupted(Event, frozen=True, kw_only=True, tag="run_interrupted"):
    """The process that owned the run is gone; written by whoever found it so."""

    type_name: ClassVar[str] = "RUN_INTERRUPTED"
    reason: str = ""


# --------------------------------------------------------------------------------------------------------------- steps


class StepStarted(Event, frozen=True, kw_only=True, tag="step_started"):
    type_name: ClassVar[str] = "STEP_START"
    attempt: int = 1


class StepSucceeded(Event, frozen=True, kw_only=True, tag="step_succeeded"):
    """`outputs` are those that the step gave, in the order in which it gave them."""

    type_name: ClassVar[str] = "STEP_SUCCESS"
    attempt: int = 1
    duration_seconds: float = 0.0
    outputs: tuple[OutputRef, ...] = ()


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


class StepRetryScheduled(Event, frozen=True, kw_only=True, tag="step_retry_scheduled"):
    """Attempt number `attempt` is to start at `not_before` (seconds since 1970)."""

    type_name: ClassVar[str] = "STEP_UP_FOR_RETRY"
    attempt: int = 2
    not_before: float = 0.0


class StepSkipped(Event, frozen=True, kw_only=True, tag="step_skipped"):
    """The step did not run (or ended at once) because it was not needed: an optional input never came, or `Skip`."""

    type_name: ClassVar[str] = "STEP_SKIPPED"
    reason: str = ""


class StepBlocked(Event, frozen=True, kw_only=True, tag="step_blocked"):
    """The step was never attempted: `cause` is the step (or "step: check") that stands in its way."""

    type_name: ClassVar[str] = "STEP_BLOCKED"
    cause: str = ""


class OutputProduced(Event, frozen=True, kw_only=True, tag="output_produced"):
    """An op gave an output that is not an asset."""

    type_name: ClassVar[str] = "STEP_OUTPUT"
    output: str = "result"
    mapping_key: str | None = None
    metadata: Mapping[str, Any] = {}


class HookRan(Event, frozen=True, kw_only=True, tag="hook_ran"):
    """A success or failure hook was called. `error` says how it failed, which never changes the step's outcome."""

    type_name: ClassVar[str] = "HOOK_COMPLETED"
    hook: str = ""
    outcome: str = "completed"  # completed | skipped | errored
    error: ErrorInfo | None = None

    @property
    def event_type_value(self) -> str:
        return f"HOOK_{self.outcome.upper()}"


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

    @property
    def partition_key(self) -> str | None:
        return self.partition

    @property
    def materialization(self) -> AssetMaterialization:
        from headwater.model.results import materialization_of

        return materialization_of(self)

    asset_materialization = materialization

    @property
    def message(self) -> str:
        at = f" [{self.partition}]" if self.partition is not None else ""
        return f"Materialized {self.asset}{at}."


class AssetObserved(Event, frozen=True, kw_only=True, tag="asset_observed"):
    type_name: ClassVar[str] = "ASSET_OBSERVATION"
    asset: str = ""
    partition: str | None = None
    description: str | None = None
    metadata: Mapping[str, Any] = {}
    tags: Mapping[str, str] = {}
    data_version: str | None = None

    @property
    def partition_key(self) -> str | None:
        return self.partition

    @property
    def asset_observation(self) -> AssetObservation:
        from headwater.model.results import observation_of

        return observation_of(self)


class AssetUnchanged(Event, frozen=True, kw_only=True, tag="asset_unchanged"):
    """The asset's code ran and found nothing new: the last materialization still holds."""

    type_name: ClassVar[str] = "ASSET_UNCHANGED"
    asset: str = ""
    partition: str | None = None
    metadata: Mapping[str, Any] = {}


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
    def blocks(self) -> bool:
        """Whether what stands downstream must not run."""
        return self.blocking and not self.passed and self.severity == "ERROR"


class AssetWiped(Event, frozen=True, kw_only=True, tag="asset_wiped"):
    """What was known of the asset (or of these partitions) counts no longer; its history stays readable."""

    type_name: ClassVar[str] = "ASSET_WIPED"
    asset: str = ""
    partitions: tuple[str, ...] = ()


AnyEvent = (
    RunCreated
    | RunStarted
    | RunSucceeded
    | RunFailed
    | RunCanceled
    | RunInterrupted
    | StepStarted
    | StepSucceeded
    | StepFailed
    | StepRetryScheduled
    | StepSkipped
    | StepBlocked
    | OutputProduced
    | HookRan
    | AssetMaterialized
    | AssetObserved
    | AssetUnchanged
    | AssetNotMaterialized
    | CheckEvaluated
    | AssetWiped
)

EVENT_KINDS: tuple[type[Event], ...] = AnyEvent.__args__


def kind_of(event: Event) -> str:
    """Return the stable short name under which this kind of event is stored, such as "step_succeeded"."""
    return str(type(event).__struct_config__.tag)
