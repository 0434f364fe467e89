"""What can be asked of any event: of which kind it is, what it is about, and what it tells.

Asking an event for what another kind tells raises WrongKindOfEvent; being asked never changes what is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.model.event_types import EventType

if TYPE_CHECKING:
    from headwater.model.event_data import (
        AssetObservationData,
        EngineEventData,
        HandledOutputData,
        HookErroredData,
        JobCanceledData,
        JobFailureData,
        LoadedInputData,
        StepExpectationResultData,
        StepFailureData,
        StepInputData,
        StepMaterializationData,
        StepOutputData,
        StepRetryData,
        StepSuccessData,
    )
    from headwater.model.results import AssetCheckEvaluation

_RUN_TYPES = frozenset(kind.value for kind in EventType if kind.value.startswith("RUN_"))
_HOOK_TYPES = frozenset(kind.value for kind in EventType if kind.value.startswith("HOOK_"))
_FAILURE_TYPES = frozenset({"RUN_FAILURE", "RUN_INTERRUPTED", "STEP_FAILURE"})


class EventQuestions:
    """The properties that all events have; a kind overrides those that it can answer."""

    __slots__ = ()

    if TYPE_CHECKING:
        run_id: str
        step_key: str | None

        @property
        def event_type_value(self) -> str: ...

    # ---------------------------------------------------------------------------------------------------- of which kind

    @property
    def event_type(self) -> EventType:
        """The kind of the event, as a member of EventType."""
        return EventType(self.event_type_value)

    @property
    def is_step_event(self) -> bool:
        """Whether it is about a step, or told by one."""
        return self.step_key is not None

    @property
    def is_job_event(self) -> bool:
        """Whether it is about the run as a whole."""
        return self.event_type_value in _RUN_TYPES

    @property
    def is_hook_event(self) -> bool:
        """Whether it tells how a hook went."""
        return self.event_type_value in _HOOK_TYPES

    @property
    def is_engine_event(self) -> bool:
        """Whether it was reported from outside of the steps."""
        return self.event_type_value == "ENGINE_EVENT"

    @property
    def is_failure(self) -> bool:
        """Whether a step or the run failed."""
        return self.event_type_value in _FAILURE_TYPES

    @property
    def is_run_failure(self) -> bool:
        """Whether the run failed."""
        return self.event_type_value in ("RUN_FAILURE", "RUN_INTERRUPTED")

    is_job_failure = is_run_failure

    @property
    def is_job_success(self) -> bool:
        """Whether the run ended well."""
        return self.event_type_value == "RUN_SUCCESS"

    @property
    def is_step_start(self) -> bool:
        """Whether the first attempt of a step began."""
        return self.event_type_value == "STEP_START"

    @property
    def is_step_restarted(self) -> bool:
        """Whether a later attempt of a step began."""
        return self.event_type_value == "STEP_RESTARTED"

    @property
    def is_step_success(self) -> bool:
        """Whether a step ended well."""
        return self.event_type_value == "STEP_SUCCESS"

    @property
    def is_step_failure(self) -> bool:
        """Whether a step failed."""
        return self.event_type_value == "STEP_FAILURE"

    @property
    def is_step_skipped(self) -> bool:
        """Whether a step was not needed."""
        return self.event_type_value == "STEP_SKIPPED"

    @property
    def is_step_up_for_retry(self) -> bool:
        """Whether a step failed and is tried again."""
        return self.event_type_value == "STEP_UP_FOR_RETRY"

    @property
    def is_successful_output(self) -> bool:
        """Whether a step gave an output."""
        return self.event_type_value == "STEP_OUTPUT"

    @property
    def is_handled_output(self) -> bool:
        """Whether an output was stored."""
        return self.event_type_value == "HANDLED_OUTPUT"

    @property
    def is_loaded_input(self) -> bool:
        """Whether an input was loaded."""
        return self.event_type_value == "LOADED_INPUT"

    @property
    def is_step_materialization(self) -> bool:
        """Whether an asset, or a partition of one, was materialized."""
        return self.event_type_value == "ASSET_MATERIALIZATION"

    @property
    def is_asset_observation(self) -> bool:
        """Whether an asset was observed."""
        return self.event_type_value == "ASSET_OBSERVATION"

    @property
    def is_asset_materialization_planned(self) -> bool:
        """Whether it tells what a run is to materialize. Plans are kept with the run, so none does."""
        return self.event_type_value == "ASSET_MATERIALIZATION_PLANNED"

    @property
    def is_asset_failed_to_materialize(self) -> bool:
        """Whether a planned materialization did not come about."""
        return self.event_type_value == "ASSET_FAILED_TO_MATERIALIZE"

    @property
    def is_expectation_result(self) -> bool:
        """Whether an op told what it expected."""
        return self.event_type_value == "STEP_EXPECTATION_RESULT"

    @property
    def is_resource_init_failure(self) -> bool:
        """Whether a resource could not be set up. That is told by the failure of the run, so it is always False."""
        return self.event_type_value == "RESOURCE_INIT_FAILURE"

    # ------------------------------------------------------------------------------------------------------- about what

    @property
    def partition(self) -> str | None:
        """The partition that it is about; None for an event about none."""
        return None

    @property
    def node_name(self) -> str | None:
        """The name of the op or asset function whose step it is about; None for an event of the run."""
        if self.step_key is None:
            return None
        return self.step_key.partition("[")[0].rpartition(".")[2]

    @property
    def logging_tags(self) -> Mapping[str, str]:
        """Run, step and op as text by name, for a line of a log."""
        tags = {"run_id": self.run_id}
        if self.step_key is not None:
            tags |= {"step_key": self.step_key, "op_name": self.node_name or ""}
        return tags

    @property
    def event_specific_data(self) -> Any:
        """What this kind of event tells beside what all tell; None when that is nothing."""
        return None

    def _told(self, kind: str, name: str) -> Any:
        # By the name of the class, so that the shapes are imported by those only who ask for one.
        data = self.event_specific_data
        if type(data).__name__ != kind:
            from headwater.model.errors.events import WrongKindOfEvent

            raise WrongKindOfEvent(name, self.event_type_value)
        return data

    # ---------------------------------------------------------------------------------------------------- what is told

    @property
    def step_materialization_data(self) -> StepMaterializationData:
        """What was materialized."""
        return self._told("StepMaterializationData", "step_materialization_data")  # type: ignore[no-any-return]

    @property
    def asset_observation_data(self) -> AssetObservationData:
        """What was observed."""
        return self._told("AssetObservationData", "asset_observation_data")  # type: ignore[no-any-return]

    @property
    def asset_check_evaluation_data(self) -> AssetCheckEvaluation:
        """What a check found."""
        return self._told("AssetCheckEvaluation", "asset_check_evaluation_data")  # type: ignore[no-any-return]

    @property
    def step_output_data(self) -> StepOutputData:
        """Which output a step gave."""
        return self._told("StepOutputData", "step_output_data")  # type: ignore[no-any-return]

    @property
    def step_input_data(self) -> StepInputData:
        """Which parameter of a step got its value."""
        return self._told("StepInputData", "step_input_data")  # type: ignore[no-any-return]

    @property
    def loaded_input_data(self) -> LoadedInputData:
        """Which parameter was loaded, and from where."""
        return self._told("LoadedInputData", "loaded_input_data")  # type: ignore[no-any-return]

    @property
    def handled_output_data(self) -> HandledOutputData:
        """Which output was stored, and by what."""
        return self._told("HandledOutputData", "handled_output_data")  # type: ignore[no-any-return]

    @property
    def step_success_data(self) -> StepSuccessData:
        """How long a step took."""
        return self._told("StepSuccessData", "step_success_data")  # type: ignore[no-any-return]

    @property
    def step_failure_data(self) -> StepFailureData:
        """How a step failed."""
        return self._told("StepFailureData", "step_failure_data")  # type: ignore[no-any-return]

    @property
    def step_retry_data(self) -> StepRetryData:
        """Why a step is tried again, and when."""
        return self._told("StepRetryData", "step_retry_data")  # type: ignore[no-any-return]

    @property
    def step_expectation_result_data(self) -> StepExpectationResultData:
        """What an op expected, and whether it held."""
        return self._told("StepExpectationResultData", "step_expectation_result_data")  # type: ignore[no-any-return]

    @property
    def hook_errored_data(self) -> HookErroredData:
        """How a hook failed."""
        return self._told("HookErroredData", "hook_errored_data")  # type: ignore[no-any-return]

    @property
    def job_failure_data(self) -> JobFailureData:
        """Why the run failed."""
        return self._told("JobFailureData", "job_failure_data")  # type: ignore[no-any-return]

    @property
    def job_canceled_data(self) -> JobCanceledData:
        """Why the run was stopped."""
        return self._told("JobCanceledData", "job_canceled_data")  # type: ignore[no-any-return]

    @property
    def engine_event_data(self) -> EngineEventData:
        """What was reported from outside of the steps."""
        return self._told("EngineEventData", "engine_event_data")  # type: ignore[no-any-return]
