"""Headwater: declare the data you want to exist; it is planned, built, recorded and explained.

The public names, handed on lazily: importing the package costs next to nothing, and a name brings in what it needs.
"""

from __future__ import annotations

import sys

# Type checkers know it by name, and typing is half of what a bare import would cost.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import ModuleType

    from headwater.authoring.asset_decorators import (
        asset as asset,
    )
    from headwater.authoring.asset_job import (
        define_asset_job as define_asset_job,
    )
    from headwater.authoring.asset_sensor import (
        AssetSensorDefinition as AssetSensorDefinition,
        asset_sensor as asset_sensor,
    )
    from headwater.authoring.assets import AssetsDefinition as AssetsDefinition
    from headwater.authoring.automation_condition_sensor import (
        AutomationConditionSensorDefinition as AutomationConditionSensorDefinition,
    )
    from headwater.authoring.build_context import (
        build_asset_check_context as build_asset_check_context,
        build_asset_context as build_asset_context,
        build_hook_context as build_hook_context,
        build_op_context as build_op_context,
    )
    from headwater.authoring.checks import (
        AssetChecksDefinition as AssetChecksDefinition,
        asset_check as asset_check,
        multi_asset_check as multi_asset_check,
    )
    from headwater.authoring.code_references import (
        AnchorBasedFilePathMapping as AnchorBasedFilePathMapping,
        FilePathMapping as FilePathMapping,
        link_code_references_to_git as link_code_references_to_git,
        with_source_code_references as with_source_code_references,
    )
    from headwater.authoring.column_schema_checks import (
        build_column_schema_change_checks as build_column_schema_change_checks,
    )
    from headwater.authoring.config import (
        Array as Array,
        BoolSource as BoolSource,
        Config as Config,
        ConfigMapping as ConfigMapping,
        Enum as Enum,
        EnumValue as EnumValue,
        EnvVar as EnvVar,
        Field as Field,
        IntSource as IntSource,
        Map as Map,
        Noneable as Noneable,
        Permissive as Permissive,
        PermissiveConfig as PermissiveConfig,
        RunConfig as RunConfig,
        ScalarUnion as ScalarUnion,
        Selector as Selector,
        Shape as Shape,
        StringSource as StringSource,
        config_mapping as config_mapping,
        configured as configured,
    )
    from headwater.authoring.config_files import (
        config_from_files as config_from_files,
        config_from_pkg_resources as config_from_pkg_resources,
        config_from_yaml_strings as config_from_yaml_strings,
    )
    from headwater.authoring.contexts import (
        AssetCheckExecutionContext as AssetCheckExecutionContext,
        AssetExecutionContext as AssetExecutionContext,
        OpExecutionContext as OpExecutionContext,
    )
    from headwater.authoring.definitions import (
        Definitions as Definitions,
    )
    from headwater.authoring.executors import (
        Executor as Executor,
        ExecutorDefinition as ExecutorDefinition,
        ExecutorRequirement as ExecutorRequirement,
        InitExecutorContext as InitExecutorContext,
        executor as executor,
        in_process_executor as in_process_executor,
        multi_or_in_process_executor as multi_or_in_process_executor,
        multiple_process_executor_requirements as multiple_process_executor_requirements,
        multiprocess_executor as multiprocess_executor,
    )
    from headwater.authoring.external_assets import (
        external_asset as external_asset,
        external_assets_from_specs as external_assets_from_specs,
        map_asset_specs as map_asset_specs,
    )
    from headwater.authoring.failure_email import (
        make_email_on_run_failure_sensor as make_email_on_run_failure_sensor,
    )
    from headwater.authoring.file_manager import (
        FileHandle as FileHandle,
        FileManager as FileManager,
        LocalFileHandle as LocalFileHandle,
        LocalFileManager as LocalFileManager,
        local_file_manager as local_file_manager,
    )
    from headwater.authoring.freshness_checks import (
        build_last_update_freshness_checks as build_last_update_freshness_checks,
        build_sensor_for_freshness_checks as build_sensor_for_freshness_checks,
        build_time_partition_freshness_checks as build_time_partition_freshness_checks,
    )
    from headwater.authoring.graph_assets import (
        graph_asset as graph_asset,
        graph_multi_asset as graph_multi_asset,
    )
    from headwater.authoring.graph_definition import (
        DependencyDefinition as DependencyDefinition,
        DynamicCollectDependencyDefinition as DynamicCollectDependencyDefinition,
        GraphDefinition as GraphDefinition,
        InputMapping as InputMapping,
        MultiDependencyDefinition as MultiDependencyDefinition,
        NodeInvocation as NodeInvocation,
        OutputMapping as OutputMapping,
        graph as graph,
    )
    from headwater.authoring.hook_context import (
        HookContext as HookContext,
    )
    from headwater.authoring.hooks import (
        HookDefinition as HookDefinition,
        failure_hook as failure_hook,
        success_hook as success_hook,
    )
    from headwater.authoring.io_contexts import (
        InputContext as InputContext,
        OutputContext as OutputContext,
        build_input_context as build_input_context,
        build_output_context as build_output_context,
    )
    from headwater.authoring.io_manager import (
        InputManager as InputManager,
        IOManager as IOManager,
    )
    from headwater.authoring.job import (
        JobDefinition as JobDefinition,
        job as job,
    )
    from headwater.authoring.job_selectors import (
        CodeLocationSelector as CodeLocationSelector,
        JobSelector as JobSelector,
        RepositorySelector as RepositorySelector,
    )
    from headwater.authoring.lazy_definitions import (
        definitions as definitions,
    )
    from headwater.authoring.loading import (
        load_asset_checks_from_current_module as load_asset_checks_from_current_module,
        load_asset_checks_from_modules as load_asset_checks_from_modules,
        load_asset_checks_from_package_module as load_asset_checks_from_package_module,
        load_asset_checks_from_package_name as load_asset_checks_from_package_name,
        load_assets_from_current_module as load_assets_from_current_module,
        load_assets_from_modules as load_assets_from_modules,
        load_assets_from_package_module as load_assets_from_package_module,
        load_assets_from_package_name as load_assets_from_package_name,
        load_definitions_from_current_module as load_definitions_from_current_module,
        load_definitions_from_module as load_definitions_from_module,
        load_definitions_from_modules as load_definitions_from_modules,
        load_definitions_from_package_module as load_definitions_from_package_module,
        load_definitions_from_package_name as load_definitions_from_package_name,
    )
    from headwater.authoring.log import (
        Log as Log,
        get_logger as get_logger,
    )
    from headwater.authoring.loggers import (
        InitLoggerContext as InitLoggerContext,
        JsonLogFormatter as JsonLogFormatter,
        LoggerDefinition as LoggerDefinition,
        build_init_logger_context as build_init_logger_context,
        colored_console_logger as colored_console_logger,
        default_loggers as default_loggers,
        default_system_loggers as default_system_loggers,
        json_console_logger as json_console_logger,
        logger as logger,
    )
    from headwater.authoring.metadata_bounds_checks import (
        build_metadata_bounds_checks as build_metadata_bounds_checks,
    )
    from headwater.authoring.multi_asset_sensor import (
        MultiAssetSensorDefinition as MultiAssetSensorDefinition,
        multi_asset_sensor as multi_asset_sensor,
    )
    from headwater.authoring.multi_asset_sensor_context import (
        MultiAssetSensorEvaluationContext as MultiAssetSensorEvaluationContext,
        build_multi_asset_sensor_context as build_multi_asset_sensor_context,
    )
    from headwater.authoring.multi_assets import (
        multi_asset as multi_asset,
    )
    from headwater.authoring.op import (
        OpDefinition as OpDefinition,
        op as op,
    )
    from headwater.authoring.partitioned_config import (
        Partition as Partition,
        PartitionedConfig as PartitionedConfig,
        daily_partitioned_config as daily_partitioned_config,
        dynamic_partitioned_config as dynamic_partitioned_config,
        hourly_partitioned_config as hourly_partitioned_config,
        monthly_partitioned_config as monthly_partitioned_config,
        partitioned_config as partitioned_config,
        static_partitioned_config as static_partitioned_config,
        weekly_partitioned_config as weekly_partitioned_config,
    )
    from headwater.authoring.paths import (
        file_relative_path as file_relative_path,
    )
    from headwater.authoring.ports import (
        AssetIn as AssetIn,
        AssetOut as AssetOut,
        DynamicOut as DynamicOut,
        GraphIn as GraphIn,
        GraphOut as GraphOut,
        In as In,
        Out as Out,
    )
    from headwater.authoring.repository import (
        RepositoryData as RepositoryData,
        RepositoryDefinition as RepositoryDefinition,
        create_repository_using_definitions_args as create_repository_using_definitions_args,
        repository as repository,
    )
    from headwater.authoring.resources import (
        ConfigurableIOManager as ConfigurableIOManager,
        ConfigurableIOManagerFactory as ConfigurableIOManagerFactory,
        ConfigurableLegacyIOManagerAdapter as ConfigurableLegacyIOManagerAdapter,
        ConfigurableLegacyResourceAdapter as ConfigurableLegacyResourceAdapter,
        ConfigurableResource as ConfigurableResource,
        ConfigurableResourceFactory as ConfigurableResourceFactory,
        InitResourceContext as InitResourceContext,
        InputManagerDefinition as InputManagerDefinition,
        IOManagerDefinition as IOManagerDefinition,
        ResourceDefinition as ResourceDefinition,
        ResourceDependency as ResourceDependency,
        ResourceParam as ResourceParam,
        build_init_resource_context as build_init_resource_context,
        build_resources as build_resources,
        input_manager as input_manager,
        io_manager as io_manager,
        make_values_resource as make_values_resource,
        resource as resource,
    )
    from headwater.authoring.run_request import (
        RunRequest as RunRequest,
        SkipReason as SkipReason,
    )
    from headwater.authoring.run_status_sensor import (
        RunStatusSensorDefinition as RunStatusSensorDefinition,
        run_failure_sensor as run_failure_sensor,
        run_status_sensor as run_status_sensor,
    )
    from headwater.authoring.run_status_sensor_context import (
        RunFailureSensorContext as RunFailureSensorContext,
        RunStatusSensorContext as RunStatusSensorContext,
        build_run_status_sensor_context as build_run_status_sensor_context,
    )
    from headwater.authoring.schedules import (
        DefaultScheduleStatus as DefaultScheduleStatus,
        ScheduleDefinition as ScheduleDefinition,
        ScheduleEvaluationContext as ScheduleEvaluationContext,
        build_schedule_context as build_schedule_context,
        build_schedule_from_partitioned_job as build_schedule_from_partitioned_job,
        schedule as schedule,
    )
    from headwater.authoring.sensors import (
        DefaultSensorStatus as DefaultSensorStatus,
        SensorDefinition as SensorDefinition,
        SensorEvaluationContext as SensorEvaluationContext,
        SensorResult as SensorResult,
        SensorReturnTypesUnion as SensorReturnTypesUnion,
        build_sensor_context as build_sensor_context,
        sensor as sensor,
    )
    from headwater.authoring.serialized import (
        deserialize_value as deserialize_value,
        serialize_value as serialize_value,
    )
    from headwater.authoring.source_asset import (
        SourceAsset as SourceAsset,
        multi_observable_source_asset as multi_observable_source_asset,
        observable_source_asset as observable_source_asset,
    )
    from headwater.authoring.types import (
        Any as Any,
        Bool as Bool,
        Dict as Dict,
        Float as Float,
        HeadwaterType as HeadwaterType,
        HeadwaterTypeLoader as HeadwaterTypeLoader,
        Int as Int,
        List as List,
        Nothing as Nothing,
        Optional as Optional,
        PythonObjectHeadwaterType as PythonObjectHeadwaterType,
        Set as Set,
        String as String,
        Tuple as Tuple,
        TypeCheck as TypeCheck,
        TypeCheckContext as TypeCheckContext,
        check_headwater_type as check_headwater_type,
        headwater_type_loader as headwater_type_loader,
        make_python_type_usable_as_headwater_type as make_python_type_usable_as_headwater_type,
        usable_as_headwater_type as usable_as_headwater_type,
    )
    from headwater.authoring.with_resources import (
        BindResourcesToJobs as BindResourcesToJobs,
        with_resources as with_resources,
    )
    from headwater.automation import (
        AutomationContext as AutomationContext,
        AutomationResult as AutomationResult,
        EvaluateAutomationConditionsResult as EvaluateAutomationConditionsResult,
        evaluate_automation_conditions as evaluate_automation_conditions,
    )
    from headwater.graph.selection import (
        AssetSelection as AssetSelection,
    )
    from headwater.io.definitions import (
        custom_path_fs_io_manager as custom_path_fs_io_manager,
        fs_io_manager as fs_io_manager,
        mem_io_manager as mem_io_manager,
    )
    from headwater.io.filesystem import (
        FilesystemIOManager as FilesystemIOManager,
    )
    from headwater.io.memory import (
        InMemoryIOManager as InMemoryIOManager,
    )
    from headwater.io.upath import (
        UPathIOManager as UPathIOManager,
    )
    from headwater.model.backfills import (
        Backfill as Backfill,
        BackfillOptions as BackfillOptions,
        BackfillRequest as BackfillRequest,
        BackfillStatus as BackfillStatus,
    )
    from headwater.model.code_references import (
        LocalFileCodeReference as LocalFileCodeReference,
        UrlCodeReference as UrlCodeReference,
    )
    from headwater.model.conditions import (
        AutomationCondition as AutomationCondition,
    )
    from headwater.model.data_versions import (
        DataProvenance as DataProvenance,
        DataVersionsByPartition as DataVersionsByPartition,
    )
    from headwater.model.errors import (
        AssetCheckFailedError as AssetCheckFailedError,
        CheckError as CheckError,
        DefinitionError as DefinitionError,
        DefinitionErrors as DefinitionErrors,
        HeadwaterError as HeadwaterError,
        InvalidConfigError as InvalidConfigError,
        InvalidDefinitionError as InvalidDefinitionError,
        InvalidInvocationError as InvalidInvocationError,
        InvalidPropertyError as InvalidPropertyError,
        InvalidSubsetError as InvalidSubsetError,
        InvariantViolationError as InvariantViolationError,
        StepOutputNotFoundError as StepOutputNotFoundError,
        StepTimeoutError as StepTimeoutError,
        TypeCheckDidNotPass as TypeCheckDidNotPass,
        UnknownPartitionError as UnknownPartitionError,
        UnknownResourceError as UnknownResourceError,
    )
    from headwater.model.events import (
        Event as Event,
    )
    from headwater.model.freshness import (
        FreshnessPolicy as FreshnessPolicy,
        apply_freshness_policy as apply_freshness_policy,
    )
    from headwater.model.keys import (
        AssetCheckKey as AssetCheckKey,
        AssetKey as AssetKey,
    )
    from headwater.model.metadata import (
        AssetMetadataValue as AssetMetadataValue,
        BoolMetadataValue as BoolMetadataValue,
        FloatMetadataValue as FloatMetadataValue,
        IntMetadataValue as IntMetadataValue,
        JobMetadataValue as JobMetadataValue,
        JsonMetadataValue as JsonMetadataValue,
        MarkdownMetadataValue as MarkdownMetadataValue,
        MetadataValue as MetadataValue,
        NotebookMetadataValue as NotebookMetadataValue,
        NullMetadataValue as NullMetadataValue,
        PathMetadataValue as PathMetadataValue,
        PoolMetadataValue as PoolMetadataValue,
        PythonArtifactMetadataValue as PythonArtifactMetadataValue,
        RunMetadataValue as RunMetadataValue,
        TableColumnLineageMetadataValue as TableColumnLineageMetadataValue,
        TableMetadataValue as TableMetadataValue,
        TableSchemaMetadataValue as TableSchemaMetadataValue,
        TextMetadataValue as TextMetadataValue,
        TimestampMetadataValue as TimestampMetadataValue,
        UrlMetadataValue as UrlMetadataValue,
    )
    from headwater.model.metadata_entry import (
        MetadataEntry as MetadataEntry,
    )
    from headwater.model.metadata_kinds import (
        CodeReferencesMetadataValue as CodeReferencesMetadataValue,
    )
    from headwater.model.metadata_sets import (
        CodeReferencesMetadataSet as CodeReferencesMetadataSet,
        TableMetadataSet as TableMetadataSet,
    )
    from headwater.model.pagination import (
        PaginatedResults as PaginatedResults,
    )
    from headwater.model.partitions import (
        AddDynamicPartitionsRequest as AddDynamicPartitionsRequest,
        AllEarlierPartitionMapping as AllEarlierPartitionMapping,
        AllPartitionMapping as AllPartitionMapping,
        ChainedPartitionMapping as ChainedPartitionMapping,
        DailyPartitionsDefinition as DailyPartitionsDefinition,
        DeleteDynamicPartitionsRequest as DeleteDynamicPartitionsRequest,
        DimensionPartitionMapping as DimensionPartitionMapping,
        DynamicPartitionsDefinition as DynamicPartitionsDefinition,
        HourlyPartitionsDefinition as HourlyPartitionsDefinition,
        IdentityPartitionMapping as IdentityPartitionMapping,
        LastNPartitionMapping as LastNPartitionMapping,
        LastPartitionMapping as LastPartitionMapping,
        MonthlyPartitionsDefinition as MonthlyPartitionsDefinition,
        MultiPartitionKey as MultiPartitionKey,
        MultiPartitionMapping as MultiPartitionMapping,
        MultiPartitionsDefinition as MultiPartitionsDefinition,
        MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping,
        PartitionKeyRange as PartitionKeyRange,
        PartitionLoadingContext as PartitionLoadingContext,
        PartitionMapping as PartitionMapping,
        PartitionsDefinition as PartitionsDefinition,
        PartitionsSubset as PartitionsSubset,
        SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping,
        StaticPartitionMapping as StaticPartitionMapping,
        StaticPartitionsDefinition as StaticPartitionsDefinition,
        TimeWindow as TimeWindow,
        TimeWindowPartitionMapping as TimeWindowPartitionMapping,
        TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition,
        UnionPartitionMapping as UnionPartitionMapping,
        UpstreamPartitionsResult as UpstreamPartitionsResult,
        WeeklyPartitionsDefinition as WeeklyPartitionsDefinition,
        partition_loading_context as partition_loading_context,
    )
    from headwater.model.policies import (
        AssetCheckSeverity as AssetCheckSeverity,
        BackfillPolicy as BackfillPolicy,
        Backoff as Backoff,
        Jitter as Jitter,
        RetryPolicy as RetryPolicy,
    )
    from headwater.model.results import (
        AssetCheckEvaluation as AssetCheckEvaluation,
        AssetCheckResult as AssetCheckResult,
        AssetMaterialization as AssetMaterialization,
        AssetObservation as AssetObservation,
        DataVersion as DataVersion,
        DynamicOutput as DynamicOutput,
        ExpectationResult as ExpectationResult,
        Failure as Failure,
        MaterializeResult as MaterializeResult,
        ObserveResult as ObserveResult,
        Output as Output,
        RetryRequested as RetryRequested,
        Skip as Skip,
        Unchanged as Unchanged,
    )
    from headwater.model.run_status_changes import (
        RunStatusChangeRecordsFilter as RunStatusChangeRecordsFilter,
    )
    from headwater.model.runs import (
        AssetRecordsFilter as AssetRecordsFilter,
        EventLogEntry as EventLogEntry,
        EventLogRecord as EventLogRecord,
        EventRecord as EventRecord,
        EventRecordsFilter as EventRecordsFilter,
        EventType as EventType,
        Run as Run,
        RunRecord as RunRecord,
        RunsFilter as RunsFilter,
        RunShardedEventsCursor as RunShardedEventsCursor,
        RunStatus as RunStatus,
    )
    from headwater.model.specs import (
        AssetCheckSpec as AssetCheckSpec,
        AssetDep as AssetDep,
        AssetExecutionType as AssetExecutionType,
        AssetSpec as AssetSpec,
    )
    from headwater.model.tables import (
        TableColumn as TableColumn,
        TableColumnConstraints as TableColumnConstraints,
        TableColumnDep as TableColumnDep,
        TableColumnLineage as TableColumnLineage,
        TableConstraints as TableConstraints,
        TableRecord as TableRecord,
        TableSchema as TableSchema,
    )
    from headwater.model.tags import (
        MAX_RUNTIME_SECONDS_TAG as MAX_RUNTIME_SECONDS_TAG,
    )
    from headwater.pipes import (
        PipesBlobStoreMessageReader as PipesBlobStoreMessageReader,
        PipesClient as PipesClient,
        PipesClientCompletedInvocation as PipesClientCompletedInvocation,
        PipesCompositeMessageReader as PipesCompositeMessageReader,
        PipesContextInjector as PipesContextInjector,
        PipesEnvContextInjector as PipesEnvContextInjector,
        PipesExecutionError as PipesExecutionError,
        PipesExecutionResult as PipesExecutionResult,
        PipesFileContextInjector as PipesFileContextInjector,
        PipesFileMessageReader as PipesFileMessageReader,
        PipesLaunchedData as PipesLaunchedData,
        PipesLaunchError as PipesLaunchError,
        PipesLogReader as PipesLogReader,
        PipesMessageError as PipesMessageError,
        PipesMessageHandler as PipesMessageHandler,
        PipesMessageReader as PipesMessageReader,
        PipesProcessFailed as PipesProcessFailed,
        PipesResultError as PipesResultError,
        PipesSession as PipesSession,
        PipesSubprocessClient as PipesSubprocessClient,
        PipesTempFileContextInjector as PipesTempFileContextInjector,
        PipesTempFileMessageReader as PipesTempFileMessageReader,
        open_pipes_session as open_pipes_session,
    )
    from headwater.runtime.backfills import backfill as backfill
    from headwater.runtime.execute import (
        materialize as materialize,
        materialize_to_memory as materialize_to_memory,
        observe as observe,
    )
    from headwater.runtime.instance import (
        Instance as Instance,
        instance_for_test as instance_for_test,
    )
    from headwater.runtime.instance_records import (
        AssetPartitionStatus as AssetPartitionStatus,
        EventRecordsResult as EventRecordsResult,
    )
    from headwater.runtime.jobs import (
        ReexecutionOptions as ReexecutionOptions,
        execute_job as execute_job,
        validate_run_config as validate_run_config,
    )
    from headwater.runtime.partition_status import partition_status as partition_status
    from headwater.runtime.plans import plan as plan
    from headwater.runtime.reconstructable import reconstructable as reconstructable
    from headwater.runtime.results import (
        ExecuteInProcessResult as ExecuteInProcessResult,
        JobExecutionResult as JobExecutionResult,
    )
    from headwater.runtime.staleness import stale_assets as stale_assets
    from headwater.runtime.values import (
        AssetValueLoader as AssetValueLoader,
        load_asset_value as load_asset_value,
    )
    from headwater.views.materialization_plan import (
        MaterializationPlan as MaterializationPlan,
        PlannedStep as PlannedStep,
    )
    from headwater.views.partition_status import (
        PartitionCounts as PartitionCounts,
        PartitionStatus as PartitionStatus,
        UnreachablePartitions as UnreachablePartitions,
    )

__version__ = "0.1.0"

_NAMES_BY_MODULE = {
    "authoring.asset_decorators": ("asset"),
    "authoring.graph_assets": ("graph_asset graph_multi_asset"),
    "authoring.multi_assets": ("multi_asset"),
    "authoring.assets": "AssetsDefinition",
    "authoring.external_assets": "external_asset external_assets_from_specs map_asset_specs",
    "authoring.checks": ("AssetChecksDefinition asset_check multi_asset_check"),
    "authoring.freshness_checks": (
        "build_last_update_freshness_checks build_sensor_for_freshness_checks build_time_partition_freshness_checks"
    ),
    "authoring.column_schema_checks": ("build_column_schema_change_checks"),
    "authoring.metadata_bounds_checks": ("build_metadata_bounds_checks"),
    "authoring.source_asset": ("SourceAsset multi_observable_source_asset observable_source_asset"),
    "authoring.op": ("OpDefinition op"),
    "authoring.graph_definition": (
        "DependencyDefinition DynamicCollectDependencyDefinition GraphDefinition InputMapping "
        "MultiDependencyDefinition NodeInvocation OutputMapping graph"
    ),
    "authoring.job": ("JobDefinition job"),
    "authoring.asset_job": ("define_asset_job"),
    "authoring.ports": ("AssetIn AssetOut DynamicOut GraphIn GraphOut In Out"),
    "authoring.hooks": ("HookDefinition failure_hook success_hook"),
    "authoring.contexts": ("AssetCheckExecutionContext AssetExecutionContext OpExecutionContext"),
    "authoring.hook_context": ("HookContext"),
    "authoring.build_context": ("build_asset_check_context build_asset_context build_hook_context build_op_context"),
    "authoring.definitions": ("Definitions"),
    "authoring.lazy_definitions": ("definitions"),
    "authoring.loading": (
        "load_asset_checks_from_current_module load_asset_checks_from_modules "
        "load_asset_checks_from_package_module load_asset_checks_from_package_name "
        "load_assets_from_current_module load_assets_from_modules load_assets_from_package_module "
        "load_assets_from_package_name load_definitions_from_current_module load_definitions_from_module "
        "load_definitions_from_modules load_definitions_from_package_module "
        "load_definitions_from_package_name"
    ),
    "authoring.config_files": ("config_from_files config_from_pkg_resources config_from_yaml_strings"),
    "authoring.file_manager": ("FileHandle FileManager LocalFileHandle LocalFileManager local_file_manager"),
    "authoring.serialized": ("deserialize_value serialize_value"),
    "authoring.with_resources": ("BindResourcesToJobs with_resources"),
    "authoring.repository": ("RepositoryData RepositoryDefinition create_repository_using_definitions_args repository"),
    "authoring.executors": (
        "Executor ExecutorDefinition ExecutorRequirement InitExecutorContext executor in_process_executor "
        "multi_or_in_process_executor multiple_process_executor_requirements multiprocess_executor"
    ),
    "authoring.run_request": ("RunRequest SkipReason"),
    "authoring.schedules": (
        "DefaultScheduleStatus ScheduleDefinition ScheduleEvaluationContext build_schedule_context "
        "build_schedule_from_partitioned_job schedule"
    ),
    "authoring.asset_sensor": ("AssetSensorDefinition asset_sensor"),
    "authoring.automation_condition_sensor": ("AutomationConditionSensorDefinition"),
    "authoring.failure_email": ("make_email_on_run_failure_sensor"),
    "authoring.job_selectors": ("CodeLocationSelector JobSelector RepositorySelector"),
    "authoring.multi_asset_sensor": ("MultiAssetSensorDefinition multi_asset_sensor"),
    "authoring.multi_asset_sensor_context": ("MultiAssetSensorEvaluationContext build_multi_asset_sensor_context"),
    "authoring.run_status_sensor": ("RunStatusSensorDefinition run_failure_sensor run_status_sensor"),
    "authoring.run_status_sensor_context": (
        "RunFailureSensorContext RunStatusSensorContext build_run_status_sensor_context"
    ),
    "authoring.sensors": (
        "DefaultSensorStatus SensorDefinition SensorEvaluationContext SensorResult SensorReturnTypesUnion "
        "build_sensor_context sensor"
    ),
    "authoring.partitioned_config": (
        "Partition PartitionedConfig daily_partitioned_config dynamic_partitioned_config hourly_partitioned_config "
        "monthly_partitioned_config partitioned_config static_partitioned_config weekly_partitioned_config"
    ),
    "authoring.loggers": (
        "InitLoggerContext JsonLogFormatter LoggerDefinition build_init_logger_context colored_console_logger "
        "default_loggers default_system_loggers json_console_logger logger"
    ),
    "authoring.log": ("Log get_logger"),
    "authoring.types": (
        "Any Bool Dict Float HeadwaterType HeadwaterTypeLoader Int List Nothing Optional "
        "PythonObjectHeadwaterType Set String Tuple TypeCheck TypeCheckContext check_headwater_type headwater_type_loader "
        "make_python_type_usable_as_headwater_type usable_as_headwater_type"
    ),
    "authoring.code_references": (
        "AnchorBasedFilePathMapping FilePathMapping link_code_references_to_git with_source_code_references"
    ),
    "authoring.config": (
        "Array BoolSource Config ConfigMapping Enum EnumValue EnvVar Field IntSource Map Noneable Permissive "
        "PermissiveConfig RunConfig ScalarUnion Selector Shape StringSource config_mapping configured"
    ),
    "authoring.resources": (
        "ConfigurableIOManager ConfigurableIOManagerFactory ConfigurableLegacyIOManagerAdapter "
        "ConfigurableLegacyResourceAdapter ConfigurableResource ConfigurableResourceFactory "
        "IOManagerDefinition InitResourceContext InputManagerDefinition ResourceDefinition ResourceDependency "
        "ResourceParam build_init_resource_context build_resources input_manager io_manager "
        "make_values_resource resource"
    ),
    "authoring.io_manager": ("IOManager InputManager"),
    "authoring.io_contexts": ("InputContext OutputContext build_input_context build_output_context"),
    "authoring.paths": ("file_relative_path"),
    "io.filesystem": ("FilesystemIOManager"),
    "io.memory": ("InMemoryIOManager"),
    "io.upath": ("UPathIOManager"),
    "io.definitions": ("custom_path_fs_io_manager fs_io_manager mem_io_manager"),
    "graph.selection": ("AssetSelection"),
    "model.keys": ("AssetCheckKey AssetKey"),
    "model.specs": ("AssetCheckSpec AssetDep AssetExecutionType AssetSpec"),
    "model.backfills": ("Backfill BackfillOptions BackfillRequest BackfillStatus"),
    "model.policies": ("AssetCheckSeverity BackfillPolicy Backoff Jitter RetryPolicy"),
    "model.results": (
        "AssetCheckEvaluation AssetCheckResult AssetMaterialization AssetObservation DataVersion "
        "DynamicOutput ExpectationResult Failure MaterializeResult ObserveResult Output RetryRequested Skip "
        "Unchanged"
    ),
    "model.metadata": (
        "AssetMetadataValue BoolMetadataValue FloatMetadataValue IntMetadataValue JobMetadataValue "
        "JsonMetadataValue MarkdownMetadataValue MetadataValue NotebookMetadataValue NullMetadataValue "
        "PathMetadataValue PoolMetadataValue PythonArtifactMetadataValue RunMetadataValue "
        "TableColumnLineageMetadataValue TableMetadataValue TableSchemaMetadataValue TextMetadataValue "
        "TimestampMetadataValue UrlMetadataValue"
    ),
    "model.metadata_sets": ("CodeReferencesMetadataSet TableMetadataSet"),
    "model.tables": (
        "TableColumn TableColumnConstraints TableColumnDep TableColumnLineage TableConstraints TableRecord TableSchema"
    ),
    "model.metadata_kinds": ("CodeReferencesMetadataValue"),
    "model.code_references": ("LocalFileCodeReference UrlCodeReference"),
    "model.partitions": (
        "AddDynamicPartitionsRequest AllEarlierPartitionMapping AllPartitionMapping ChainedPartitionMapping "
        "DailyPartitionsDefinition "
        "DeleteDynamicPartitionsRequest DimensionPartitionMapping DynamicPartitionsDefinition "
        "HourlyPartitionsDefinition IdentityPartitionMapping LastNPartitionMapping LastPartitionMapping "
        "MonthlyPartitionsDefinition "
        "MultiPartitionKey MultiPartitionMapping MultiPartitionsDefinition "
        "MultiToSingleDimensionPartitionMapping PartitionKeyRange PartitionLoadingContext PartitionMapping "
        "PartitionsDefinition "
        "PartitionsSubset SpecificPartitionsPartitionMapping StaticPartitionMapping "
        "StaticPartitionsDefinition TimeWindow TimeWindowPartitionMapping TimeWindowPartitionsDefinition "
        "UnionPartitionMapping UpstreamPartitionsResult WeeklyPartitionsDefinition partition_loading_context"
    ),
    "model.conditions": ("AutomationCondition"),
    "automation.context": ("AutomationContext"),
    "automation.result": ("AutomationResult"),
    "automation.evaluate": ("EvaluateAutomationConditionsResult evaluate_automation_conditions"),
    "model.freshness": ("FreshnessPolicy apply_freshness_policy"),
    "model.runs": (
        "AssetRecordsFilter EventLogEntry EventLogRecord EventRecord EventRecordsFilter EventType Run RunRecord "
        "RunShardedEventsCursor RunStatus RunsFilter"
    ),
    "model.run_status_changes": ("RunStatusChangeRecordsFilter"),
    "model.errors": (
        "AssetCheckFailedError CheckError DefinitionError DefinitionErrors HeadwaterError InvalidConfigError "
        "InvalidDefinitionError InvalidInvocationError InvalidPropertyError InvalidSubsetError "
        "InvariantViolationError StepOutputNotFoundError StepTimeoutError TypeCheckDidNotPass "
        "UnknownPartitionError UnknownResourceError"
    ),
    "model.events": ("Event"),
    "model.metadata_entry": ("MetadataEntry"),
    "model.pagination": ("PaginatedResults"),
    "model.data_versions": ("DataProvenance DataVersionsByPartition"),
    "pipes": (
        "PipesBlobStoreMessageReader PipesClient PipesClientCompletedInvocation PipesCompositeMessageReader "
        "PipesContextInjector PipesEnvContextInjector PipesExecutionError PipesExecutionResult "
        "PipesFileContextInjector PipesFileMessageReader PipesLaunchError PipesLaunchedData PipesLogReader "
        "PipesMessageError PipesMessageHandler PipesMessageReader PipesProcessFailed PipesResultError PipesSession "
        "PipesSubprocessClient PipesTempFileContextInjector PipesTempFileMessageReader open_pipes_session"
    ),
    "model.tags": ("MAX_RUNTIME_SECONDS_TAG"),
    "runtime.execute": ("materialize materialize_to_memory observe"),
    "runtime.instance": ("Instance instance_for_test"),
    "runtime.backfills": "backfill",
    "runtime.partition_status": "partition_status",
    "runtime.plans": "plan",
    "runtime.staleness": "stale_assets",
    "views.materialization_plan": "MaterializationPlan PlannedStep",
    "views.partition_status": "PartitionCounts PartitionStatus UnreachablePartitions",
    "runtime.results": ("ExecuteInProcessResult JobExecutionResult"),
    "runtime.values": ("AssetValueLoader load_asset_value"),
    "runtime.jobs": "ReexecutionOptions execute_job validate_run_config",
    "runtime.reconstructable": "reconstructable",
    "runtime.instance_records": ("AssetPartitionStatus EventRecordsResult"),
}

_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

_PUBLIC_NAMES = sorted((*_MODULE_BY_NAME, "__version__"))

# Type checkers know the names by their imports, and could not read this list.
if not TYPE_CHECKING:
    __all__ = _PUBLIC_NAMES
    ModuleType = type(sys)


# Of Dagster's public API, what this release does not have; docs/differences.md lists the same names.
_NOT_THERE_YET = frozenset(
    {
        "Component",
        "ComponentLoadContext",
        "load_from_defs_folder",
    }
)


def _without_brand(name: str) -> str | None:
    """Return the public name that is written like this one but for the brand, None when there is none."""
    for brand, ours in (("Dagster", "Headwater"), ("dagster_", "headwater_")):
        for plain in (name.replace(brand, ""), name.replace(brand, ours)):
            if plain != name and plain in _MODULE_BY_NAME:
                return plain
    return None


def _find_name(name: str) -> object:
    module = _MODULE_BY_NAME.get(name)
    if module is None:
        if name in _NOT_THERE_YET or name.startswith("AutoMaterialize"):
            instead = " Use AutomationCondition." if name.startswith("AutoMaterialize") else ""
            raise AttributeError(
                f"module 'headwater' has no attribute {name!r}: it is not there yet, see docs/differences.md.{instead}",
                name=name,
                obj=None,
            )
        from difflib import get_close_matches

        if (plain := _without_brand(name)) is not None:
            raise AttributeError(f"module 'headwater' has no attribute {name!r}. Use {plain!r}.", name=name, obj=None)
        near = get_close_matches(name, _PUBLIC_NAMES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'headwater' has no attribute {name!r}.{hint}", name=name, obj=None)
    from importlib import import_module

    value: object = getattr(import_module(f"headwater.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return _PUBLIC_NAMES


# Type checkers would take a name that is not there for an object.
if not TYPE_CHECKING:
    __getattr__ = _find_name


class _Package(ModuleType):
    """Keeps a folder from hiding the public name that is written like it: the decorator `graph`, and the folder graph/."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _MODULE_BY_NAME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
