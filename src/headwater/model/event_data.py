"""What an event tells beside its kind, in the shapes in which programs ask for it. Built from facts when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.model.events import ErrorInfo, Event
    from headwater.model.metadata import MetadataValue
    from headwater.model.results import AssetMaterialization, AssetObservation, ExpectationResult


@dataclass(frozen=True, slots=True)
class SerializableErrorInfo:
    """An exception as text. `message` is what Python prints last, with the class; `stack` are its frames, as printed."""

    message: str
    stack: Sequence[str] = ()
    cls_name: str | None = None
    cause: SerializableErrorInfo | None = None
    context: SerializableErrorInfo | None = None

    @classmethod
    def of(cls, error: ErrorInfo) -> SerializableErrorInfo:
        """Return a recorded exception in this form."""
        cause = None if error.cause is None else cls.of(error.cause)
        said = f"{error.class_name}: {error.message}" if error.message else error.class_name
        return cls(f"{said}\n", error.stack, error.class_name, cause)

    def to_string(self) -> str:
        """Return the exception, its frames and its causes as text."""
        own = f"{self.message}\nStack Trace:\n{''.join(self.stack)}" if self.stack else self.message
        if self.cause is None:
            return own
        return f"{own}\nThe above exception was caused by the following exception:\n{self.cause.to_string()}"

    def to_exception_message_only(self) -> SerializableErrorInfo:
        """Return the same without frames and causes."""
        return SerializableErrorInfo(self.message, (), self.cls_name)

    def __str__(self) -> str:
        return self.to_string()


class ErrorSource(Enum):
    """Where a step's failure came from."""

    FRAMEWORK_ERROR = "FRAMEWORK_ERROR"
    USER_CODE_ERROR = "USER_CODE_ERROR"
    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"
    INTERRUPT = "INTERRUPT"


class RunFailureReason(Enum):
    """Why a run failed: by a step, by an exception outside of any step, or because its process was gone."""

    STEP_FAILURE = "STEP_FAILURE"
    RUN_EXCEPTION = "RUN_EXCEPTION"
    UNEXPECTED_TERMINATION = "UNEXPECTED_TERMINATION"


@dataclass(frozen=True, slots=True)
class UserFailureData:
    """What a `Failure` said."""

    label: str
    description: str | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepFailureData:
    """How a step failed. What the user's code raised is the cause of `error`, and `error` itself for a `Failure`."""

    error: SerializableErrorInfo | None
    user_failure_data: UserFailureData | None = None
    error_source: ErrorSource = ErrorSource.UNEXPECTED_ERROR

    @property
    def error_display_string(self) -> str:
        """The failure as text: what a `Failure` said, or the exception with its frames."""
        if self.error is None:
            return ""
        if self.user_failure_data is None:
            return self.error.to_string()
        said = self.user_failure_data
        return f"{said.label}: {said.description}" if said.description else said.label


@dataclass(frozen=True, slots=True)
class StepRetryData:
    """Why a step is tried again, and after how many seconds."""

    error: SerializableErrorInfo | None
    seconds_to_wait: float | None = None


@dataclass(frozen=True, slots=True)
class StepSuccessData:
    """How long a step took."""

    duration_ms: float


@dataclass(frozen=True, slots=True)
class TypeCheckData:
    """Whether a value had the type that was declared, and what the type's check said; one that has not fails its step."""

    success: bool
    label: str
    description: str | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepOutputHandle:
    """One output of one step, with its mapping key when it is dynamic."""

    step_key: str
    output_name: str = "result"
    mapping_key: str | None = None


@dataclass(frozen=True, slots=True)
class StepOutputData:
    """Which output a step gave, and what the check of its type said."""

    step_output_handle: StepOutputHandle
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    type_check_data: TypeCheckData = TypeCheckData(True, "result")

    @property
    def output_name(self) -> str:
        """The name of the output."""
        return self.step_output_handle.output_name

    @property
    def mapping_key(self) -> str | None:
        """The mapping key of a dynamic output."""
        return self.step_output_handle.mapping_key


@dataclass(frozen=True, slots=True)
class StepInputData:
    """Which parameter of a step got its value, and what the check of its type said."""

    input_name: str
    type_check_data: TypeCheckData


@dataclass(frozen=True, slots=True)
class LoadedInputData:
    """Which parameter was loaded, by which IO or input manager, and which step gave the value in this run."""

    input_name: str
    manager_key: str
    upstream_output_name: str | None = None
    upstream_step_key: str | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandledOutputData:
    """Which output was stored, by which IO manager."""

    output_name: str
    manager_key: str
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepMaterializationData:
    """What was materialized."""

    materialization: AssetMaterialization


@dataclass(frozen=True, slots=True)
class AssetObservationData:
    """What was observed."""

    asset_observation: AssetObservation


@dataclass(frozen=True, slots=True)
class StepExpectationResultData:
    """What an op expected, and whether it held."""

    expectation_result: ExpectationResult


@dataclass(frozen=True, slots=True)
class HookErroredData:
    """How a hook failed."""

    error: SerializableErrorInfo | None


@dataclass(frozen=True, slots=True)
class JobFailureData:
    """Why a run failed. `error` is for what went wrong outside of any step."""

    error: SerializableErrorInfo | None
    failure_reason: RunFailureReason | None = None
    first_step_failure_event: Event | None = None


@dataclass(frozen=True, slots=True)
class JobCanceledData:
    """Why a run was stopped."""

    error: SerializableErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class EngineEventData:
    """What was reported of a run from outside of its steps."""

    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    error: SerializableErrorInfo | None = None
