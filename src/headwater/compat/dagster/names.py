"""Which of Dagster's public names means what here: the same name, one of ours without the brand, or nothing yet."""

from __future__ import annotations

from typing import Final

# Dagster's name -> ours, where the brand is all that differs.
RENAMED: Final[dict[str, str]] = {
    "DagsterAssetMetadataValue": "AssetMetadataValue",
    "DagsterEvent": "Event",
    "DagsterEventType": "EventType",
    "DagsterInstance": "Instance",
    "DagsterJobMetadataValue": "JobMetadataValue",
    "DagsterLogManager": "Log",
    "DagsterRun": "Run",
    "DagsterRunMetadataValue": "RunMetadataValue",
    "DagsterRunStatus": "RunStatus",
    "DagsterType": "HeadwaterType",
    "DagsterTypeLoader": "HeadwaterTypeLoader",
    "DagsterTypeLoaderContext": "OpExecutionContext",
    "PythonObjectDagsterType": "PythonObjectHeadwaterType",
    "check_dagster_type": "check_headwater_type",
    "dagster_type_loader": "headwater_type_loader",
    "get_dagster_logger": "get_logger",
    "make_python_type_usable_as_dagster_type": "make_python_type_usable_as_headwater_type",
    "usable_as_dagster_type": "usable_as_headwater_type",
}

# Names that have a meaning of their own here, by the module of this package that gives them.
OWN: Final[dict[str, str]] = {
    name: module
    for module, names in {
        "late_definitions": "Definitions",
        "metadata_sets": "TableMetadataSet",
        "standard_names": (
            "BetaWarning Callable ConfigArgumentWarning Final Mapping PreviewWarning Sequence SupersessionWarning "
            "TypingAny TypingTuple deprecation_warning AssetOrCheckKey"
        ),
        "errors": (
            "DagsterConfigMappingFunctionError DagsterError DagsterEventLogInvalidForRun "
            "DagsterExecutionInterruptedError DagsterExecutionStepExecutionError DagsterExecutionStepNotFoundError "
            "DagsterInvalidConfigDefinitionError DagsterInvalidConfigError DagsterInvalidDefinitionError "
            "DagsterInvalidInvocationError DagsterInvalidSubsetError DagsterInvariantViolationError "
            "DagsterResourceFunctionError DagsterRunNotFoundError DagsterStepOutputNotFoundError "
            "DagsterSubprocessError DagsterTypeCheckDidNotPass DagsterTypeCheckError DagsterUnknownPartitionError "
            "DagsterUnknownResourceError DagsterUnmetExecutorRequirementsError DagsterUserCodeExecutionError"
        ),
    }.items()
    for name in names.split()
}

# Can be imported, subclassed and declared; an error names the thing where it would have to act.
_COMPONENTS: Final = (
    "AssetAttributesModel Component ComponentFormConfig ComponentLoadContext ComponentTree ComponentTypeSpec "
    "DefinitionsComponent DefsFolderComponent FunctionComponent Injected Model PythonScriptComponent ResolutionContext "
    "Resolvable ResolvedAssetCheckSpec ResolvedAssetKey ResolvedAssetSpec Resolver ScaffoldRequest Scaffolder "
    "SqlComponent StateBackedComponent TemplatedSqlComponent UPathDefsStateStorage UvRunComponent "
    "build_component_defs build_defs_for_component component_defs component_instance "
    "get_all_components_defs_within_project get_component_defs_within_project load_defs load_from_defs_folder "
    "scaffold_component scaffold_with template_var"
)
_AUTO_MATERIALIZE: Final = "AutoMaterializeAssetPartitionsFilter AutoMaterializePolicy AutoMaterializeRule"
_DEPLOYMENT: Final = (
    "DagsterLibraryRegistry DefaultRunLauncher QueuedRunCoordinator StepExecutionContext StepLauncher StepRunRef "
    "SubmitRunContext external_instance_from_step_run_ref raise_execution_interrupts run_step_from_ref "
    "step_context_to_step_run_ref step_run_ref_to_step_context"
)
_INNER: Final = (
    "AssetJobKey ConfigSchema HookExecutionResult IAttachDifferentObjectToOpContext Partition PendingNodeInvocation "
    "build_reconstructable_job"
)
_STORED_STATE: Final = "MigrateIOStorageResult migrate_io_storage RepositoryData resources"

OWN.update(dict.fromkeys(_COMPONENTS.split(), "components"))

# Names of Dagster's public API that mean nothing here yet -> (what they belong to, what to do meanwhile).
UNCOVERED: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(
        _AUTO_MATERIALIZE.split(),
        ("policies that came before automation conditions", "Use AutomationCondition, for example .eager()."),
    ),
    "LegacyFreshnessPolicy": ("policies that came before freshness checks", "Use FreshnessPolicy.time_window(...)."),
    **dict.fromkeys(
        _DEPLOYMENT.split(),
        ("how Dagster's own processes are deployed", "Headwater runs in one process; leave it out."),
    ),
    **dict.fromkeys(
        _INNER.split(),
        ("what Dagster uses within itself", "Programs seldom need it; say in an issue what yours does with it."),
    ),
    **dict.fromkeys(
        _STORED_STATE.split(),
        ("how Dagster keeps its own state", "Ask the instance: Instance.get_status_by_partition and the like."),
    ),
}

# Packages that Dagster is made of, beside the one that programs import.
OWN_PACKAGES: Final = frozenset(
    {
        *(
            "dagster_cloud",
            "dagster_cloud_cli",
            "dagster_daemon",
            "dagster_dg_cli",
            "dagster_dg_core",
            "dagster_graphql",
        ),
        *("dagster_rest_resources", "dagster_shared", "dagster_test", "dagster_webserver"),
    }
)

_OTHER_INTEGRATIONS: Final = (
    "airbyte airlift aws azure celery celery_docker celery_k8s census dask databricks datadog datahub dbt deltalake "
    "deltalake_pandas deltalake_polars dlt docker duckdb_pyspark embedded_elt fivetran gcp gcp_pandas gcp_pyspark ge github "
    "hightouch iceberg k8s looker mlflow msteams mysql openai pagerduty pandas pandera papertrail polars postgres powerbi "
    "prometheus pyspark sigma slack sling snowflake snowflake_pandas snowflake_polars snowflake_pyspark spark ssh tableau "
    "twilio wandb"
)
OTHER_INTEGRATIONS: Final = frozenset(f"dagster_{name}" for name in _OTHER_INTEGRATIONS.split())
"""Integration packages of Dagster that are not covered here."""
