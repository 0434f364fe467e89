"""Dagster's errors, as the classes of Headwater that are raised in their place.

`except DagsterInvalidDefinitionError` catches what Headwater raises for such a mistake. Classes that belong to Dagster's own
processes are declared, so that programs that name them load, and are never raised.
"""

from __future__ import annotations

from headwater.model.errors import (
    AssetCheckFailedError as DagsterAssetCheckFailedError,
    CheckError as CheckError,
    ConfigFunctionError as DagsterConfigMappingFunctionError,
    HandleOutputError as DagsterExecutionHandleOutputError,
    HeadwaterError as DagsterError,
    InvalidAssetKey as DagsterInvalidAssetKey,
    InvalidConfigDefinitionError as DagsterInvalidConfigDefinitionError,
    InvalidConfigError as DagsterInvalidConfigError,
    InvalidDefinitionError as DagsterInvalidDefinitionError,
    InvalidInvocationError as DagsterInvalidInvocationError,
    InvalidMetadata as DagsterInvalidMetadata,
    InvalidPropertyError as DagsterInvalidPropertyError,
    InvalidSubsetError as DagsterInvalidSubsetError,
    InvariantViolationError as DagsterInvariantViolationError,
    LoadInputError as DagsterExecutionLoadInputError,
    ResourceSetupError as DagsterResourceFunctionError,
    RunAlreadyExists as DagsterRunAlreadyExists,
    RunNotFound as DagsterRunNotFoundError,
    StepExecutionError as DagsterExecutionStepExecutionError,
    StepOutputNotFoundError as DagsterStepOutputNotFoundError,
    TypeCheckDidNotPass as DagsterTypeCheckDidNotPass,
    UnknownPartitionError as DagsterUnknownPartitionError,
    UnknownResourceError as DagsterUnknownResourceError,
    UnloadableInput as DagsterTypeLoadingError,
    UserCodeExecutionError as DagsterUserCodeExecutionError,
)
from headwater.model.errors.execution import StepNotFound
from headwater.model.errors.triggers import ScheduleExecutionError as ScheduleExecutionError

DagsterExecutionStepNotFoundError = StepNotFound
DagsterExecutionInterruptedError = KeyboardInterrupt
DagsterInvalidPythonicConfigDefinitionError = DagsterInvalidConfigDefinitionError


class DagsterEventLogInvalidForRun(DagsterError):
    """Never raised: Headwater's events and state are written together."""


class DagsterSubprocessError(DagsterError):
    """Never raised: steps run in the process of their run."""


class DagsterTypeCheckError(DagsterUserCodeExecutionError):
    """Never raised: what the function that checks a type raises is raised as it is."""


class DagsterUnmetExecutorRequirementsError(DagsterError):
    """Never raised: every job can run under every executor that Headwater has."""


class DagsterHomeNotSetError(DagsterError):
    """Never raised: state lives in .headwater beside the project where nothing else is set."""


class DagsterMaxRetriesExceededError(DagsterError):
    """Never raised: after the last retry, what the step's function raised is raised as it is."""


class DagsterCodeLocationLoadError(DagsterError):
    """Never raised: a module that cannot be imported is told of by the command line."""


class SensorExecutionError(DagsterUserCodeExecutionError):
    """Never raised: what a sensor's function raises is raised as it is."""


class HookExecutionError(DagsterUserCodeExecutionError):
    """Never raised: what a hook's function raises is recorded with the run."""


ParameterCheckError = CheckError

__all__ = [
    "CheckError",
    "DagsterAssetCheckFailedError",
    "DagsterCodeLocationLoadError",
    "DagsterConfigMappingFunctionError",
    "DagsterError",
    "DagsterEventLogInvalidForRun",
    "DagsterExecutionHandleOutputError",
    "DagsterExecutionInterruptedError",
    "DagsterExecutionLoadInputError",
    "DagsterExecutionStepExecutionError",
    "DagsterExecutionStepNotFoundError",
    "DagsterHomeNotSetError",
    "DagsterInvalidAssetKey",
    "DagsterInvalidConfigDefinitionError",
    "DagsterInvalidConfigError",
    "DagsterInvalidDefinitionError",
    "DagsterInvalidInvocationError",
    "DagsterInvalidMetadata",
    "DagsterInvalidPropertyError",
    "DagsterInvalidPythonicConfigDefinitionError",
    "DagsterInvalidSubsetError",
    "DagsterInvariantViolationError",
    "DagsterMaxRetriesExceededError",
    "DagsterResourceFunctionError",
    "DagsterRunAlreadyExists",
    "DagsterRunNotFoundError",
    "DagsterStepOutputNotFoundError",
    "DagsterSubprocessError",
    "DagsterTypeCheckDidNotPass",
    "DagsterTypeCheckError",
    "DagsterTypeLoadingError",
    "DagsterUnknownPartitionError",
    "DagsterUnknownResourceError",
    "DagsterUnmetExecutorRequirementsError",
    "DagsterUserCodeExecutionError",
    "HookExecutionError",
    "ParameterCheckError",
    "ScheduleExecutionError",
    "SensorExecutionError",
]
