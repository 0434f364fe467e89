"""Events that are told of a run and not recorded, since they follow from what is: inputs, outputs, and retries with why."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from headwater.model.error_info import ErrorInfo
from headwater.model.events import Event, StepRetryScheduled, TypeCheckTold

if TYPE_CHECKING:
    from headwater.model.event_data import HandledOutputData, LoadedInputData, StepInputData, StepRetryData


class InputLoaded(Event, frozen=True, kw_only=True):
    """A parameter was loaded; `upstream_step` gave the value in this run."""

    type_name: ClassVar[str] = "LOADED_INPUT"
    input: str = ""
    manager_key: str = "io_manager"
    upstream_step: str | None = None
    upstream_output: str | None = None

    @property
    def message(self) -> str:
        source = f', from output "{self.upstream_output}" of step "{self.upstream_step}"' if self.upstream_step else ""
        return f'Loaded input "{self.input}" using input manager "{self.manager_key}"{source}'

    @property
    def event_specific_data(self) -> LoadedInputData:
        from headwater.model.event_data import LoadedInputData

        return LoadedInputData(self.input, self.manager_key, self.upstream_output, self.upstream_step)


class InputTaken(Event, frozen=True, kw_only=True):
    """A parameter has its value, which is of the declared type, or fails the step."""

    type_name: ClassVar[str] = "STEP_INPUT"
    input: str = ""
    type_check: TypeCheckTold | None = None

    @property
    def message(self) -> str:
        outcome = "failed" if self.type_check is not None and not self.type_check.success else "passed"
        return f'Got input "{self.input}". (Type check {outcome}).'

    @property
    def event_specific_data(self) -> StepInputData:
        from headwater.model.event_data import StepInputData

        return StepInputData(self.input, (self.type_check or TypeCheckTold()).data(self.input))


class OutputStored(Event, frozen=True, kw_only=True):
    """The value of an output was handed to its IO manager."""

    type_name: ClassVar[str] = "HANDLED_OUTPUT"
    output: str = "result"
    mapping_key: str | None = None
    manager_key: str = "io_manager"

    @property
    def message(self) -> str:
        return f'Handled output "{self.output}" using IO manager "{self.manager_key}"'

    @property
    def event_specific_data(self) -> HandledOutputData:
        from headwater.model.event_data import HandledOutputData

        return HandledOutputData(self.output, self.manager_key)


class StepUpForRetry(StepRetryScheduled, frozen=True, kw_only=True, tag="step_up_for_retry"):
    """A step failed and is tried again: a StepFailed and its StepRetryScheduled in one."""

    error: ErrorInfo | None = None

    @property
    def event_specific_data(self) -> StepRetryData:
        from headwater.model.event_data import SerializableErrorInfo, StepRetryData

        wait = max(0.0, self.not_before - self.timestamp)
        return StepRetryData(None if self.error is None else SerializableErrorInfo.of(self.error), wait)
