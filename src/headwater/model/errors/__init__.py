"""Every error class, by the part of the field that it belongs to; import them from here.

Those of single parts are handed on lazily, so that a small import stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.model.errors.definition import (
    CheckError as CheckError,
)
from headwater.model.errors.definition import (
    DefinitionError as DefinitionError,
)
from headwater.model.errors.definition import (
    DefinitionErrors as DefinitionErrors,
)
from headwater.model.errors.definition import (
    InvalidAssetKey as InvalidAssetKey,
)
from headwater.model.errors.definition import (
    InvalidDefinitionError as InvalidDefinitionError,
)
from headwater.model.errors.definition import (
    InvalidInvocationError as InvalidInvocationError,
)
from headwater.model.errors.definition import (
    InvalidPropertyError as InvalidPropertyError,
)
from headwater.model.errors.definition import (
    InvalidSubsetError as InvalidSubsetError,
)
from headwater.model.errors.definition import (
    InvariantViolationError as InvariantViolationError,
)
from headwater.model.errors.root import (
    HeadwaterError as HeadwaterError,
)
from headwater.model.errors.root import (
    did_you_mean as did_you_mean,
)
from headwater.model.errors.root import (
    did_you_mean_or as did_you_mean_or,
)
from headwater.model.errors.root import (
    nearest as nearest,
)

if TYPE_CHECKING:
    from headwater.model.errors.config import (
        ConfigFault as ConfigFault,
    )
    from headwater.model.errors.config import (
        ConfigFunctionError as ConfigFunctionError,
    )
    from headwater.model.errors.config import (
        EnvVarReadError as EnvVarReadError,
    )
    from headwater.model.errors.config import (
        FrozenConfigError as FrozenConfigError,
    )
    from headwater.model.errors.config import (
        InvalidConfigDefinitionError as InvalidConfigDefinitionError,
    )
    from headwater.model.errors.config import (
        InvalidConfigError as InvalidConfigError,
    )
    from headwater.model.errors.config import (
        MissingEnvVar as MissingEnvVar,
    )
    from headwater.model.errors.execution import (
        AssetCheckFailedError as AssetCheckFailedError,
    )
    from headwater.model.errors.execution import (
        CheckResultNotFound as CheckResultNotFound,
    )
    from headwater.model.errors.execution import (
        ExecutionError as ExecutionError,
    )
    from headwater.model.errors.execution import (
        InputNotGiven as InputNotGiven,
    )
    from headwater.model.errors.execution import (
        JobNotFound as JobNotFound,
    )
    from headwater.model.errors.execution import (
        MissingUpstreamPartition as MissingUpstreamPartition,
    )
    from headwater.model.errors.execution import (
        NothingToKeep as NothingToKeep,
    )
    from headwater.model.errors.execution import (
        RunFailedError as RunFailedError,
    )
    from headwater.model.errors.execution import (
        RunTimeoutError as RunTimeoutError,
    )
    from headwater.model.errors.execution import (
        StepOutputNotFoundError as StepOutputNotFoundError,
    )
    from headwater.model.errors.execution import (
        StepTimeoutError as StepTimeoutError,
    )
    from headwater.model.errors.execution import (
        UnknownOutput as UnknownOutput,
    )
    from headwater.model.errors.execution import (
        UnusableResult as UnusableResult,
    )
    from headwater.model.errors.graph import (
        AssetCycle as AssetCycle,
    )
    from headwater.model.errors.graph import (
        CheckOnUnknownAsset as CheckOnUnknownAsset,
    )
    from headwater.model.errors.graph import (
        DuplicateAssetCheck as DuplicateAssetCheck,
    )
    from headwater.model.errors.graph import (
        DuplicateAssetKey as DuplicateAssetKey,
    )
    from headwater.model.errors.graph import (
        InvalidAssetSelectionError as InvalidAssetSelectionError,
    )
    from headwater.model.errors.graph import (
        NothingSelected as NothingSelected,
    )
    from headwater.model.errors.graph import (
        PartitionsDoNotMap as PartitionsDoNotMap,
    )
    from headwater.model.errors.graph import (
        SelectionSyntaxError as SelectionSyntaxError,
    )
    from headwater.model.errors.graph import (
        UnknownAsset as UnknownAsset,
    )
    from headwater.model.errors.graph import (
        UnknownInSelection as UnknownInSelection,
    )
    from headwater.model.errors.graph import (
        UnknownUpstream as UnknownUpstream,
    )
    from headwater.model.errors.instance import (
        InvalidCursor as InvalidCursor,
    )
    from headwater.model.errors.instance import (
        NotAnAssetEvent as NotAnAssetEvent,
    )
    from headwater.model.errors.instance import (
        RunNotFound as RunNotFound,
    )
    from headwater.model.errors.io import (
        InputOutputError as InputOutputError,
    )
    from headwater.model.errors.io import (
        InvalidMetadata as InvalidMetadata,
    )
    from headwater.model.errors.io import (
        InvalidMetadataKey as InvalidMetadataKey,
    )
    from headwater.model.errors.io import (
        MissingContextValue as MissingContextValue,
    )
    from headwater.model.errors.io import (
        PartitionedValueExpected as PartitionedValueExpected,
    )
    from headwater.model.errors.io import (
        StorageError as StorageError,
    )
    from headwater.model.errors.io import (
        StorageFull as StorageFull,
    )
    from headwater.model.errors.io import (
        StorageNotWritable as StorageNotWritable,
    )
    from headwater.model.errors.io import (
        UnreadableValue as UnreadableValue,
    )
    from headwater.model.errors.io import (
        UnstorableValue as UnstorableValue,
    )
    from headwater.model.errors.io import (
        ValueNotFound as ValueNotFound,
    )
    from headwater.model.errors.io import (
        WrongStoredType as WrongStoredType,
    )
    from headwater.model.errors.loading import (
        ModuleLoadError as ModuleLoadError,
    )
    from headwater.model.errors.partitions import (
        InvalidPartitionsDefinitionError as InvalidPartitionsDefinitionError,
    )
    from headwater.model.errors.partitions import (
        MissingDynamicPartitionsStoreError as MissingDynamicPartitionsStoreError,
    )
    from headwater.model.errors.partitions import (
        PartitionsMismatchError as PartitionsMismatchError,
    )
    from headwater.model.errors.partitions import (
        UnknownPartitionError as UnknownPartitionError,
    )
    from headwater.model.errors.partitions import (
        UnreadablePartitionsError as UnreadablePartitionsError,
    )
    from headwater.model.errors.project import (
        AttributeNotFound as AttributeNotFound,
    )
    from headwater.model.errors.project import (
        ConflictingSettings as ConflictingSettings,
    )
    from headwater.model.errors.project import (
        InvalidProjectName as InvalidProjectName,
    )
    from headwater.model.errors.project import (
        InvalidSetting as InvalidSetting,
    )
    from headwater.model.errors.project import (
        NoProjectFound as NoProjectFound,
    )
    from headwater.model.errors.project import (
        NotDefinitions as NotDefinitions,
    )
    from headwater.model.errors.project import (
        NothingDeclared as NothingDeclared,
    )
    from headwater.model.errors.project import (
        ProjectError as ProjectError,
    )
    from headwater.model.errors.project import (
        ProjectFileNotFound as ProjectFileNotFound,
    )
    from headwater.model.errors.project import (
        ProjectImportFailed as ProjectImportFailed,
    )
    from headwater.model.errors.project import (
        ProjectModuleNotFound as ProjectModuleNotFound,
    )
    from headwater.model.errors.project import (
        ProjectNotWritten as ProjectNotWritten,
    )
    from headwater.model.errors.project import (
        SettingsError as SettingsError,
    )
    from headwater.model.errors.project import (
        SeveralDefinitions as SeveralDefinitions,
    )
    from headwater.model.errors.project import (
        SeveralProjectsFound as SeveralProjectsFound,
    )
    from headwater.model.errors.project import (
        UnknownSetting as UnknownSetting,
    )
    from headwater.model.errors.project import (
        UnreadableSettings as UnreadableSettings,
    )
    from headwater.model.errors.resources import (
        MissingResourceError as MissingResourceError,
    )
    from headwater.model.errors.resources import (
        NestedResourceError as NestedResourceError,
    )
    from headwater.model.errors.resources import (
        ResourceContextError as ResourceContextError,
    )
    from headwater.model.errors.resources import (
        ResourceCycleError as ResourceCycleError,
    )
    from headwater.model.errors.resources import (
        ResourceSetupError as ResourceSetupError,
    )
    from headwater.model.errors.resources import (
        ResourceTeardownError as ResourceTeardownError,
    )
    from headwater.model.errors.resources import (
        UnknownResourceError as UnknownResourceError,
    )
    from headwater.model.errors.store import (
        EventTooLarge as EventTooLarge,
    )
    from headwater.model.errors.store import (
        LeaseLost as LeaseLost,
    )
    from headwater.model.errors.store import (
        NotAStore as NotAStore,
    )
    from headwater.model.errors.store import (
        RunAlreadyExists as RunAlreadyExists,
    )
    from headwater.model.errors.store import (
        RunInProgress as RunInProgress,
    )
    from headwater.model.errors.store import (
        StoreBusy as StoreBusy,
    )
    from headwater.model.errors.store import (
        StoreClosed as StoreClosed,
    )
    from headwater.model.errors.store import (
        StoreDamaged as StoreDamaged,
    )
    from headwater.model.errors.store import (
        StoreError as StoreError,
    )
    from headwater.model.errors.store import (
        StoreForked as StoreForked,
    )
    from headwater.model.errors.store import (
        StoreFull as StoreFull,
    )
    from headwater.model.errors.store import (
        StoreNotWritable as StoreNotWritable,
    )
    from headwater.model.errors.store import (
        StoreTooNew as StoreTooNew,
    )
    from headwater.model.errors.store import (
        UnknownEventType as UnknownEventType,
    )
    from headwater.model.errors.store import (
        UnknownRun as UnknownRun,
    )
    from headwater.model.errors.triggers import (
        InvalidCronError as InvalidCronError,
    )
    from headwater.model.errors.triggers import (
        MissingTriggerContextValue as MissingTriggerContextValue,
    )
    from headwater.model.errors.triggers import (
        TriggerResultError as TriggerResultError,
    )
    from headwater.model.errors.triggers import (
        UnknownTimezoneError as UnknownTimezoneError,
    )
    from headwater.model.errors.types import (
        InvalidTypeCheckAnswer as InvalidTypeCheckAnswer,
    )
    from headwater.model.errors.types import (
        InvalidTypeDefinition as InvalidTypeDefinition,
    )
    from headwater.model.errors.types import (
        TypeCheckDidNotPass as TypeCheckDidNotPass,
    )
    from headwater.model.errors.types import (
        UnloadableInput as UnloadableInput,
    )

_MODULE_BY_NAME = {
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
