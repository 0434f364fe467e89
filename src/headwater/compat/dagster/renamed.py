"""The names of which only the brand differs, for type checkers; at run time names.py is read."""

from __future__ import annotations

from headwater import (
    AssetMetadataValue as DagsterAssetMetadataValue,
    Event as DagsterEvent,
    EventType as DagsterEventType,
    HeadwaterType as DagsterType,
    HeadwaterTypeLoader as DagsterTypeLoader,
    Instance as DagsterInstance,
    JobMetadataValue as DagsterJobMetadataValue,
    Log as DagsterLogManager,
    OpExecutionContext as DagsterTypeLoaderContext,
    PythonObjectHeadwaterType as PythonObjectDagsterType,
    Run as DagsterRun,
    RunMetadataValue as DagsterRunMetadataValue,
    RunStatus as DagsterRunStatus,
    check_headwater_type as check_dagster_type,
    get_logger as get_dagster_logger,
    headwater_type_loader as dagster_type_loader,
    make_python_type_usable_as_headwater_type as make_python_type_usable_as_dagster_type,
    usable_as_headwater_type as usable_as_dagster_type,
)

__all__ = [
    "DagsterAssetMetadataValue",
    "DagsterEvent",
    "DagsterEventType",
    "DagsterInstance",
    "DagsterJobMetadataValue",
    "DagsterLogManager",
    "DagsterRun",
    "DagsterRunMetadataValue",
    "DagsterRunStatus",
    "DagsterType",
    "DagsterTypeLoader",
    "DagsterTypeLoaderContext",
    "PythonObjectDagsterType",
    "check_dagster_type",
    "dagster_type_loader",
    "get_dagster_logger",
    "make_python_type_usable_as_dagster_type",
    "usable_as_dagster_type",
]
