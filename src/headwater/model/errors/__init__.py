"""Every error class, by the part of the field that it belongs to; import them from here.

Those of single parts are handed on lazily, so that a small import stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.model.errors.definition import (
    CheckError as CheckError,
    DefinitionError as DefinitionError,
    DefinitionErrors as DefinitionErrors,
    InvalidAssetKey as InvalidAssetKey,
    InvalidDefinitionError as InvalidDefinitionError,
    InvalidInvocationError as InvalidInvocationError,
    InvalidPropertyError as InvalidPropertyError,
    InvalidSubsetError as InvalidSubsetError,
    InvariantViolationError as InvariantViolationError,
)
from headwater.model.errors.root import (
    HeadwaterError as HeadwaterError,
    did_you_mean as did_you_mean,
    did_you_mean_or as did_you_mean_or,
    nearest as nearest,
)

if TYPE_CHECKING:
    from headwater.model.errors.config import (
        ConfigFault as ConfigFault,
        ConfigFunctionError as ConfigFunctionError,
        EnvVarReadError as EnvVarReadError,
        FrozenConfigError as FrozenConfigError,
        InvalidConfigDefinitionError as InvalidConfigDefinitionError,
        InvalidConfigError as InvalidConfigError,
        MissingEnvVar as MissingEnvVar,
    )
    from headwater.model.errors.execution import (
        AssetCheckFailedError as AssetCheckFailedError,
        CheckResultNotFound as CheckResultNotFound,
        ExecutionError as ExecutionError,
        InputNotGiven as InputNotGiven,
        JobNotFound as JobNotFound,
        MissingUpstreamPartition as MissingUpstreamPartition,
        NothingToKeep as NothingToKeep,
        RunFailedError as RunFailedError,
        RunTimeoutError as RunTimeoutError,
        StepOutputNotFoundError as StepOutputNotFoundError,
        StepTimeoutError as StepTimeoutError,
        UnknownOutput as UnknownOutput,
        UnusableResult as UnusableResult,
    )
    from headwater.model.errors.graph import (
        AssetCycle as AssetCycle,
        CheckOnUnknownAsset as CheckOnUnknownAsset,
        DuplicateAssetCheck as DuplicateAssetCheck,
        DuplicateAssetKey as DuplicateAssetKey,
        InvalidAssetSelectionError as InvalidAssetSelectionError,
        NothingSelected as NothingSelected,
        PartitionsDoNotMap as PartitionsDoNotMap,
        SelectionSyntaxError as SelectionSyntaxError,
        UnknownAsset as UnknownAsset,
        UnknownInSelection as UnknownInSelection,
        UnknownUpstream as UnknownUpstream,
    )
    from headwater.model.errors.instance import (
        InvalidCursor as InvalidCursor,
        NotAnAssetEvent as NotAnAssetEvent,
        RunNotFound as RunNotFound,
    )
    from headwater.model.errors.io import (
        InputOutputError as InputOutputError,
        InvalidMetadata as InvalidMetadata,
        InvalidMetadataKey as InvalidMetadataKey,
        MissingContextValue as MissingContextValue,
        PartitionedValueExpected as PartitionedValueExpected,
        StorageError as StorageError,
        StorageFull as StorageFull,
        StorageNotWritable as StorageNotWritable,
        UnreadableValue as UnreadableValue,
        UnstorableValue as UnstorableValue,
        ValueNotFound as ValueNotFound,
        WrongStoredType as WrongStoredType,
    )
    from headwater.model.errors.loading import (
        ModuleLoadError as ModuleLoadError,
    )
    from headwater.model.errors.partitions import (
        InvalidPartitionsDefinitionError as InvalidPartitionsDefinitionError,
        MissingDynamicPartitionsStoreError as MissingDynamicPartitionsStoreError,
        PartitionsMismatchError as PartitionsMismatchError,
        UnknownPartitionError as UnknownPartitionError,
        UnreadablePartitionsError as UnreadablePartitionsError,
    )
    from headwater.model.errors.project import (
        AttributeNotFound as AttributeNotFound,
        ConflictingSettings as ConflictingSettings,
        InvalidProjectName as InvalidProjectName,
        InvalidSetting as InvalidSetting,
        NoProjectFound as NoProjectFound,
        NotDefinitions as NotDefinitions,
        NothingDeclared as NothingDeclared,
        ProjectError as ProjectError,
        ProjectFileNotFound as ProjectFileNotFound,
        ProjectImportFailed as ProjectImportFailed,
        ProjectModuleNotFound as ProjectModuleNotFound,
        ProjectNotWritten as ProjectNotWritten,
        SettingsError as SettingsError,
        SeveralDefinitions as SeveralDefinitions,
        SeveralProjectsFound as SeveralProjectsFound,
        UnknownSetting as UnknownSetting,
        UnreadableSettings as UnreadableSettings,
    )
    from headwater.model.errors.resources import (
        MissingResourceError as MissingResourceError,
        NestedResourceError as NestedResourceError,
        ResourceContextError as ResourceContextError,
        ResourceCycleError as ResourceCycleError,
        ResourceNotGiven as ResourceNotGiven,
        ResourceSetupError as ResourceSetupError,
        ResourceTeardownError as ResourceTeardownError,
        UnknownResourceError as UnknownResourceError,
    )
    from headwater.model.errors.store import (
        EventTooLarge as EventTooLarge,
        LeaseLost as LeaseLost,
        NotAStore as NotAStore,
        RunAlreadyExists as RunAlreadyExists,
        RunInProgress as RunInProgress,
        StoreBusy as StoreBusy,
        StoreClosed as StoreClosed,
        StoreDamaged as StoreDamaged,
        StoreError as StoreError,
        StoreForked as StoreForked,
        StoreFull as StoreFull,
        StoreNotWritable as StoreNotWritable,
        StoreTooNew as StoreTooNew,
        UnknownEventType as UnknownEventType,
        UnknownRun as UnknownRun,
    )
    from headwater.model.errors.triggers import (
        InvalidCronError as InvalidCronError,
        MissingTriggerContextValue as MissingTriggerContextValue,
        TriggerResultError as TriggerResultError,
        UnknownTimezoneError as UnknownTimezoneError,
    )
    from headwater.model.errors.types import (
        InvalidTypeCheckAnswer as InvalidTypeCheckAnswer,
        InvalidTypeDefinition as InvalidTypeDefinition,
        TypeCheckDidNotPass as TypeCheckDidNotPass,
        UnloadableInput as UnloadableInput,
    )
    from headwater.model.errors.user_code import (
        UserCodeExecutionError as UserCodeExecutionError,
    )

_MODULE_BY_NAME = {
    "UserCodeExecutionError": "user_code",
    "ConfigFault": "config",
    "ConfigFunctionError": "config",
    "EnvVarReadError": "config",
    "FrozenConfigError": "config",
    "InvalidConfigDefinitionError": "config",
    "InvalidConfigError": "config",
    "MissingEnvVar": "config",
    "AssetCheckFailedError": "execution",
    "CheckResultNotFound": "execution",
    "ExecutionError": "execution",
    "InputNotGiven": "execution",
    "JobNotFound": "execution",
    "MissingUpstreamPartition": "execution",
    "NothingToKeep": "execution",
    "RunFailedError": "execution",
    "RunTimeoutError": "execution",
    "StepOutputNotFoundError": "execution",
    "StepTimeoutError": "execution",
    "UnknownOutput": "execution",
    "UnusableResult": "execution",
    "AssetCycle": "graph",
    "CheckOnUnknownAsset": "graph",
    "DuplicateAssetCheck": "graph",
    "DuplicateAssetKey": "graph",
    "InvalidAssetSelectionError": "graph",
    "NothingSelected": "graph",
    "PartitionsDoNotMap": "graph",
    "SelectionSyntaxError": "graph",
    "UnknownAsset": "graph",
    "UnknownInSelection": "graph",
    "UnknownUpstream": "graph",
    "InvalidCursor": "instance",
    "NotAnAssetEvent": "instance",
    "RunNotFound": "instance",
    "InputOutputError": "io",
    "InvalidMetadata": "io",
    "InvalidMetadataKey": "io",
    "MissingContextValue": "io",
    "PartitionedValueExpected": "io",
    "StorageError": "io",
    "StorageFull": "io",
    "StorageNotWritable": "io",
    "UnreadableValue": "io",
    "UnstorableValue": "io",
    "ValueNotFound": "io",
    "WrongStoredType": "io",
    "ModuleLoadError": "loading",
    "InvalidPartitionsDefinitionError": "partitions",
    "MissingDynamicPartitionsStoreError": "partitions",
    "PartitionsMismatchError": "partitions",
    "UnknownPartitionError": "partitions",
    "UnreadablePartitionsError": "partitions",
    "AttributeNotFound": "project",
    "ConflictingSettings": "project",
    "InvalidProjectName": "project",
    "InvalidSetting": "project",
    "NoProjectFound": "project",
    "NotDefinitions": "project",
    "NothingDeclared": "project",
    "ProjectError": "project",
    "ProjectFileNotFound": "project",
    "ProjectImportFailed": "project",
    "ProjectModuleNotFound": "project",
    "ProjectNotWritten": "project",
    "SettingsError": "project",
    "SeveralDefinitions": "project",
    "SeveralProjectsFound": "project",
    "UnknownSetting": "project",
    "UnreadableSettings": "project",
    "MissingResourceError": "resources",
    "NestedResourceError": "resources",
    "ResourceContextError": "resources",
    "ResourceCycleError": "resources",
    "ResourceNotGiven": "resources",
    "ResourceSetupError": "resources",
    "ResourceTeardownError": "resources",
    "UnknownResourceError": "resources",
    "EventTooLarge": "store",
    "LeaseLost": "store",
    "NotAStore": "store",
    "RunAlreadyExists": "store",
    "RunInProgress": "store",
    "StoreBusy": "store",
    "StoreClosed": "store",
    "StoreDamaged": "store",
    "StoreError": "store",
    "StoreForked": "store",
    "StoreFull": "store",
    "StoreNotWritable": "store",
    "StoreTooNew": "store",
    "UnknownEventType": "store",
    "UnknownRun": "store",
    "InvalidCronError": "triggers",
    "MissingTriggerContextValue": "triggers",
    "TriggerResultError": "triggers",
    "UnknownTimezoneError": "triggers",
    "InvalidTypeCheckAnswer": "types",
    "InvalidTypeDefinition": "types",
    "TypeCheckDidNotPass": "types",
    "UnloadableInput": "types",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_MODULE_BY_NAME[name]}"), name)
    globals()[name] = value
    return value
