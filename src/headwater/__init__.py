"""Headwater: declare the data you want to exist; it is planned, built, recorded and explained.

The public names, handed on lazily: importing the package costs next to nothing, and a name brings in what it needs.
"""

from __future__ import annotations

import sys
from types import ModuleType

# Type checkers know it by name, and typing is half of what a bare import would cost.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from headwater.authoring.asset_decorators import (
        asset as asset,
    )
    from headwater.authoring.assets import (
        AssetsDefinition as AssetsDefinition,
    )
    from headwater.authoring.assets import (
        external_asset as external_asset,
    )
    from headwater.authoring.assets import (
        external_assets_from_specs as external_assets_from_specs,
    )
    from headwater.authoring.assets import (
        map_asset_specs as map_asset_specs,
    )
    from headwater.authoring.build_context import (
        build_asset_check_context as build_asset_check_context,
    )
    from headwater.authoring.build_context import (
        build_asset_context as build_asset_context,
    )
    from headwater.authoring.build_context import (
        build_hook_context as build_hook_context,
    )
    from headwater.authoring.build_context import (
        build_op_context as build_op_context,
    )
    from headwater.authoring.checks import (
        AssetChecksDefinition as AssetChecksDefinition,
    )
    from headwater.authoring.checks import (
        asset_check as asset_check,
    )
    from headwater.authoring.checks import (
        multi_asset_check as multi_asset_check,
    )
    from headwater.authoring.config import (
        Array as Array,
    )
    from headwater.authoring.config import (
        BoolSource as BoolSource,
    )
    from headwater.authoring.config import (
        Config as Config,
    )
    from headwater.authoring.config import (
        ConfigMapping as ConfigMapping,
    )
    from headwater.authoring.config import (
        Enum as Enum,
    )
    from headwater.authoring.config import (
        EnumValue as EnumValue,
    )
    from headwater.authoring.config import (
        EnvVar as EnvVar,
    )
    from headwater.authoring.config import (
        Field as Field,
    )
    from headwater.authoring.config import (
        IntSource as IntSource,
    )
    from headwater.authoring.config import (
        Map as Map,
    )
    from headwater.authoring.config import (
        Noneable as Noneable,
    )
    from headwater.authoring.config import (
        Permissive as Permissive,
    )
    from headwater.authoring.config import (
        PermissiveConfig as PermissiveConfig,
    )
    from headwater.authoring.config import (
        RunConfig as RunConfig,
    )
    from headwater.authoring.config import (
        ScalarUnion as ScalarUnion,
    )
    from headwater.authoring.config import (
        Selector as Selector,
    )
    from headwater.authoring.config import (
        Shape as Shape,
    )
    from headwater.authoring.config import (
        StringSource as StringSource,
    )
    from headwater.authoring.config import (
        config_mapping as config_mapping,
    )
    from headwater.authoring.config import (
        configured as configured,
    )
    from headwater.authoring.contexts import (
        AssetCheckExecutionContext as AssetCheckExecutionContext,
    )
    from headwater.authoring.contexts import (
        AssetExecutionContext as AssetExecutionContext,
    )
    from headwater.authoring.contexts import (
        OpExecutionContext as OpExecutionContext,
    )
    from headwater.authoring.definitions import (
        Definitions as Definitions,
    )
    from headwater.authoring.executors import (
        ExecutorDefinition as ExecutorDefinition,
    )
    from headwater.authoring.executors import (
        in_process_executor as in_process_executor,
    )
    from headwater.authoring.executors import (
        multi_or_in_process_executor as multi_or_in_process_executor,
    )
    from headwater.authoring.executors import (
        multiprocess_executor as multiprocess_executor,
    )
    from headwater.authoring.graph_assets import (
        graph_asset as graph_asset,
    )
    from headwater.authoring.graph_assets import (
        graph_multi_asset as graph_multi_asset,
    )
    from headwater.authoring.graph_definition import (
        DependencyDefinition as DependencyDefinition,
    )
    from headwater.authoring.graph_definition import (
        DynamicCollectDependencyDefinition as DynamicCollectDependencyDefinition,
    )
    from headwater.authoring.graph_definition import (
        GraphDefinition as GraphDefinition,
    )
    from headwater.authoring.graph_definition import (
        InputMapping as InputMapping,
    )
    from headwater.authoring.graph_definition import (
        MultiDependencyDefinition as MultiDependencyDefinition,
    )
    from headwater.authoring.graph_definition import (
        NodeInvocation as NodeInvocation,
    )
    from headwater.authoring.graph_definition import (
        OutputMapping as OutputMapping,
    )
    from headwater.authoring.graph_definition import (
        graph as graph,
    )
    from headwater.authoring.hook_context import (
        HookContext as HookContext,
    )
    from headwater.authoring.hooks import (
        HookDefinition as HookDefinition,
    )
    from headwater.authoring.hooks import (
        failure_hook as failure_hook,
    )
    from headwater.authoring.hooks import (
        success_hook as success_hook,
    )
    from headwater.authoring.io_contexts import (
        InputContext as InputContext,
    )
    from headwater.authoring.io_contexts import (
        OutputContext as OutputContext,
    )
    from headwater.authoring.io_contexts import (
        build_input_context as build_input_context,
    )
    from headwater.authoring.io_contexts import (
        build_output_context as build_output_context,
    )
    from headwater.authoring.io_manager import (
        InputManager as InputManager,
    )
    from headwater.authoring.io_manager import (
        IOManager as IOManager,
    )
    from headwater.authoring.job import (
        JobDefinition as JobDefinition,
    )
    from headwater.authoring.job import (
        define_asset_job as define_asset_job,
    )
    from headwater.authoring.job import (
        job as job,
    )
    from headwater.authoring.lazy_definitions import (
        definitions as definitions,
    )
    from headwater.authoring.loading import (
        load_asset_checks_from_current_module as load_asset_checks_from_current_module,
    )
    from headwater.authoring.loading import (
        load_asset_checks_from_modules as load_asset_checks_from_modules,
    )
    from headwater.authoring.loading import (
        load_asset_checks_from_package_module as load_asset_checks_from_package_module,
    )
    from headwater.authoring.loading import (
        load_asset_checks_from_package_name as load_asset_checks_from_package_name,
    )
    from headwater.authoring.loading import (
        load_assets_from_current_module as load_assets_from_current_module,
    )
    from headwater.authoring.loading import (
        load_assets_from_modules as load_assets_from_modules,
    )
    from headwater.authoring.loading import (
        load_assets_from_package_module as load_assets_from_package_module,
    )
    from headwater.authoring.loading import (
        load_assets_from_package_name as load_assets_from_package_name,
    )
    from headwater.authoring.loading import (
        load_definitions_from_current_module as load_definitions_from_current_module,
    )
    from headwater.authoring.loading import (
        load_definitions_from_module as load_definitions_from_module,
    )
    from headwater.authoring.loading import (
        load_definitions_from_modules as load_definitions_from_modules,
    )
    from headwater.authoring.loading import (
        load_definitions_from_package_module as load_definitions_from_package_module,
    )
    from headwater.authoring.loading import (
        load_definitions_from_package_name as load_definitions_from_package_name,
    )
    from headwater.authoring.log import (
        Log as Log,
    )
    from headwater.authoring.log import (
        get_logger as get_logger,
    )
    from headwater.authoring.loggers import (
        InitLoggerContext as InitLoggerContext,
    )
    from headwater.authoring.loggers import (
        LoggerDefinition as LoggerDefinition,
    )
    from headwater.authoring.loggers import (
        build_init_logger_context as build_init_logger_context,
    )
    from headwater.authoring.loggers import (
        colored_console_logger as colored_console_logger,
    )
    from headwater.authoring.loggers import (
        json_console_logger as json_console_logger,
    )
    from headwater.authoring.loggers import (
        logger as logger,
    )
    from headwater.authoring.multi_assets import (
        multi_asset as multi_asset,
    )
    from headwater.authoring.op import (
        OpDefinition as OpDefinition,
    )
    from headwater.authoring.op import (
        op as op,
    )
    from headwater.authoring.partitioned_config import (
        PartitionedConfig as PartitionedConfig,
    )
    from headwater.authoring.partitioned_config import (
        daily_partitioned_config as daily_partitioned_config,
    )
    from headwater.authoring.partitioned_config import (
        dynamic_partitioned_config as dynamic_partitioned_config,
    )
    from headwater.authoring.partitioned_config import (
        hourly_partitioned_config as hourly_partitioned_config,
    )
    from headwater.authoring.partitioned_config import (
        monthly_partitioned_config as monthly_partitioned_config,
    )
    from headwater.authoring.partitioned_config import (
        static_partitioned_config as static_partitioned_config,
    )
    from headwater.authoring.partitioned_config import (
        weekly_partitioned_config as weekly_partitioned_config,
    )
    from headwater.authoring.paths import (
        file_relative_path as file_relative_path,
    )
    from headwater.authoring.ports import (
        AssetIn as AssetIn,
    )
    from headwater.authoring.ports import (
        AssetOut as AssetOut,
    )
    from headwater.authoring.ports import (
        DynamicOut as DynamicOut,
    )
    from headwater.authoring.ports import (
        GraphIn as GraphIn,
    )
    from headwater.authoring.ports import (
        GraphOut as GraphOut,
    )
    from headwater.authoring.ports import (
        In as In,
    )
    from headwater.authoring.ports import (
        Out as Out,
    )
    from headwater.authoring.resources import (
        ConfigurableIOManager as ConfigurableIOManager,
    )
    from headwater.authoring.resources import (
        ConfigurableIOManagerFactory as ConfigurableIOManagerFactory,
    )
    from headwater.authoring.resources import (
        ConfigurableLegacyIOManagerAdapter as ConfigurableLegacyIOManagerAdapter,
    )
    from headwater.authoring.resources import (
        ConfigurableLegacyResourceAdapter as ConfigurableLegacyResourceAdapter,
    )
    from headwater.authoring.resources import (
        ConfigurableResource as ConfigurableResource,
    )
    from headwater.authoring.resources import (
        ConfigurableResourceFactory as ConfigurableResourceFactory,
    )
    from headwater.authoring.resources import (
        InitResourceContext as InitResourceContext,
    )
    from headwater.authoring.resources import (
        InputManagerDefinition as InputManagerDefinition,
    )
    from headwater.authoring.resources import (
        IOManagerDefinition as IOManagerDefinition,
    )
    from headwater.authoring.resources import (
        ResourceDefinition as ResourceDefinition,
    )
    from headwater.authoring.resources import (
        ResourceDependency as ResourceDependency,
    )
    from headwater.authoring.resources import (
        ResourceParam as ResourceParam,
    )
    from headwater.authoring.resources import (
        build_init_resource_context as build_init_resource_context,
    )
    from headwater.authoring.resources import (
        build_resources as build_resources,
    )
    from headwater.authoring.resources import (
        input_manager as input_manager,
    )
    from headwater.authoring.resources import (
        io_manager as io_manager,
    )
    from headwater.authoring.resources import (
        make_values_resource as make_values_resource,
    )
    from headwater.authoring.resources import (
        resource as resource,
    )
    from headwater.authoring.run_request import (
        RunRequest as RunRequest,
    )
    from headwater.authoring.run_request import (
        SkipReason as SkipReason,
    )
    from headwater.authoring.schedules import (
        DefaultScheduleStatus as DefaultScheduleStatus,
    )
    from headwater.authoring.schedules import (
        ScheduleDefinition as ScheduleDefinition,
    )
    from headwater.authoring.schedules import (
        ScheduleEvaluationContext as ScheduleEvaluationContext,
    )
    from headwater.authoring.schedules import (
        build_schedule_context as build_schedule_context,
    )
    from headwater.authoring.schedules import (
        build_schedule_from_partitioned_job as build_schedule_from_partitioned_job,
    )
    from headwater.authoring.schedules import (
        schedule as schedule,
    )
    from headwater.authoring.sensors import (
        AssetSensorDefinition as AssetSensorDefinition,
    )
    from headwater.authoring.sensors import (
        DefaultSensorStatus as DefaultSensorStatus,
    )
    from headwater.authoring.sensors import (
        SensorDefinition as SensorDefinition,
    )
    from headwater.authoring.sensors import (
        SensorEvaluationContext as SensorEvaluationContext,
    )
    from headwater.authoring.sensors import (
        SensorResult as SensorResult,
    )
    from headwater.authoring.sensors import (
        asset_sensor as asset_sensor,
    )
    from headwater.authoring.sensors import (
        build_sensor_context as build_sensor_context,
    )
    from headwater.authoring.sensors import (
        sensor as sensor,
    )
    from headwater.authoring.source_asset import (
        SourceAsset as SourceAsset,
    )
    from headwater.authoring.source_asset import (
        multi_observable_source_asset as multi_observable_source_asset,
    )
    from headwater.authoring.source_asset import (
        observable_source_asset as observable_source_asset,
    )
    from headwater.authoring.types import (
        Any as Any,
    )
    from headwater.authoring.types import (
        Bool as Bool,
    )
    from headwater.authoring.types import (
        Dict as Dict,
    )
    from headwater.authoring.types import (
        Float as Float,
    )
    from headwater.authoring.types import (
        HeadwaterType as HeadwaterType,
    )
    from headwater.authoring.types import (
        HeadwaterTypeLoader as HeadwaterTypeLoader,
    )
    from headwater.authoring.types import (
        Int as Int,
    )
    from headwater.authoring.types import (
        List as List,
    )
    from headwater.authoring.types import (
        Nothing as Nothing,
    )
    from headwater.authoring.types import (
        Optional as Optional,
    )
    from headwater.authoring.types import (
        PythonObjectHeadwaterType as PythonObjectHeadwaterType,
    )
    from headwater.authoring.types import (
        Set as Set,
    )
    from headwater.authoring.types import (
        String as String,
    )
    from headwater.authoring.types import (
        Tuple as Tuple,
    )
    from headwater.authoring.types import (
        TypeCheck as TypeCheck,
    )
    from headwater.authoring.types import (
        check_headwater_type as check_headwater_type,
    )
    from headwater.authoring.types import (
        headwater_type_loader as headwater_type_loader,
    )
    from headwater.authoring.types import (
        make_python_type_usable_as_headwater_type as make_python_type_usable_as_headwater_type,
    )
    from headwater.authoring.types import (
        usable_as_headwater_type as usable_as_headwater_type,
    )
    from headwater.graph.selection import (
        AssetSelection as AssetSelection,
    )
    from headwater.io.definitions import (
        fs_io_manager as fs_io_manager,
    )
    from headwater.io.definitions import (
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
    from headwater.model.code_references import (
        LocalFileCodeReference as LocalFileCodeReference,
    )
    from headwater.model.code_references import (
        UrlCodeReference as UrlCodeReference,
    )
    from headwater.model.conditions import (
        AutomationCondition as AutomationCondition,
    )
    from headwater.model.errors import (
        AssetCheckFailedError as AssetCheckFailedError,
    )
    from headwater.model.errors import (
        CheckError as CheckError,
    )
    from headwater.model.errors import (
        DefinitionError as DefinitionError,
    )
    from headwater.model.errors import (
        DefinitionErrors as DefinitionErrors,
    )
    from headwater.model.errors import (
        HeadwaterError as HeadwaterError,
    )
    from headwater.model.errors import (
        InvalidConfigError as InvalidConfigError,
    )
    from headwater.model.errors import (
        InvalidDefinitionError as InvalidDefinitionError,
    )
    from headwater.model.errors import (
        InvalidInvocationError as InvalidInvocationError,
    )
    from headwater.model.errors import (
        InvalidPropertyError as InvalidPropertyError,
    )
    from headwater.model.errors import (
        InvalidSubsetError as InvalidSubsetError,
    )
    from headwater.model.errors import (
        InvariantViolationError as InvariantViolationError,
    )
    from headwater.model.errors import (
        StepOutputNotFoundError as StepOutputNotFoundError,
    )
    from headwater.model.errors import (
        StepTimeoutError as StepTimeoutError,
    )
    from headwater.model.errors import (
        TypeCheckDidNotPass as TypeCheckDidNotPass,
    )
    from headwater.model.errors import (
        UnknownPartitionError as UnknownPartitionError,
    )
    from headwater.model.errors import (
        UnknownResourceError as UnknownResourceError,
    )
    from headwater.model.freshness import (
        FreshnessPolicy as FreshnessPolicy,
    )
    from headwater.model.keys import (
        AssetCheckKey as AssetCheckKey,
    )
    from headwater.model.keys import (
        AssetKey as AssetKey,
    )
    from headwater.model.metadata import (
        MetadataValue as MetadataValue,
    )
    from headwater.model.metadata_kinds import (
        CodeReferencesMetadataValue as CodeReferencesMetadataValue,
    )
    from headwater.model.metadata_sets import (
        TableMetadataSet as TableMetadataSet,
    )
    from headwater.model.partitions import (
        AddDynamicPartitionsRequest as AddDynamicPartitionsRequest,
    )
    from headwater.model.partitions import (
        AllPartitionMapping as AllPartitionMapping,
    )
    from headwater.model.partitions import (
        DailyPartitionsDefinition as DailyPartitionsDefinition,
    )
    from headwater.model.partitions import (
        DeleteDynamicPartitionsRequest as DeleteDynamicPartitionsRequest,
    )
    from headwater.model.partitions import (
        DimensionPartitionMapping as DimensionPartitionMapping,
    )
    from headwater.model.partitions import (
        DynamicPartitionsDefinition as DynamicPartitionsDefinition,
    )
    from headwater.model.partitions import (
        HourlyPartitionsDefinition as HourlyPartitionsDefinition,
    )
    from headwater.model.partitions import (
        IdentityPartitionMapping as IdentityPartitionMapping,
    )
    from headwater.model.partitions import (
        LastPartitionMapping as LastPartitionMapping,
    )
    from headwater.model.partitions import (
        MonthlyPartitionsDefinition as MonthlyPartitionsDefinition,
    )
    from headwater.model.partitions import (
        MultiPartitionKey as MultiPartitionKey,
    )
    from headwater.model.partitions import (
        MultiPartitionMapping as MultiPartitionMapping,
    )
    from headwater.model.partitions import (
        MultiPartitionsDefinition as MultiPartitionsDefinition,
    )
    from headwater.model.partitions import (
        MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping,
    )
    from headwater.model.partitions import (
        PartitionKeyRange as PartitionKeyRange,
    )
    from headwater.model.partitions import (
        PartitionMapping as PartitionMapping,
    )
    from headwater.model.partitions import (
        PartitionsDefinition as PartitionsDefinition,
    )
    from headwater.model.partitions import (
        PartitionsSubset as PartitionsSubset,
    )
    from headwater.model.partitions import (
        SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping,
    )
    from headwater.model.partitions import (
        StaticPartitionMapping as StaticPartitionMapping,
    )
    from headwater.model.partitions import (
        StaticPartitionsDefinition as StaticPartitionsDefinition,
    )
    from headwater.model.partitions import (
        TimeWindow as TimeWindow,
    )
    from headwater.model.partitions import (
        TimeWindowPartitionMapping as TimeWindowPartitionMapping,
    )
    from headwater.model.partitions import (
        TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition,
    )
    from headwater.model.partitions import (
        WeeklyPartitionsDefinition as WeeklyPartitionsDefinition,
    )
    from headwater.model.policies import (
        AssetCheckSeverity as AssetCheckSeverity,
    )
    from headwater.model.policies import (
        BackfillPolicy as BackfillPolicy,
    )
    from headwater.model.policies import (
        Backoff as Backoff,
    )
    from headwater.model.policies import (
        Jitter as Jitter,
    )
    from headwater.model.policies import (
        RetryPolicy as RetryPolicy,
    )
    from headwater.model.results import (
        AssetCheckEvaluation as AssetCheckEvaluation,
    )
    from headwater.model.results import (
        AssetCheckResult as AssetCheckResult,
    )
    from headwater.model.results import (
        AssetMaterialization as AssetMaterialization,
    )
    from headwater.model.results import (
        AssetObservation as AssetObservation,
    )
    from headwater.model.results import (
        DataVersion as DataVersion,
    )
    from headwater.model.results import (
        DynamicOutput as DynamicOutput,
    )
    from headwater.model.results import (
        ExpectationResult as ExpectationResult,
    )
    from headwater.model.results import (
        Failure as Failure,
    )
    from headwater.model.results import (
        MaterializeResult as MaterializeResult,
    )
    from headwater.model.results import (
        ObserveResult as ObserveResult,
    )
    from headwater.model.results import (
        Output as Output,
    )
    from headwater.model.results import (
        RetryRequested as RetryRequested,
    )
    from headwater.model.results import (
        Skip as Skip,
    )
    from headwater.model.results import (
        Unchanged as Unchanged,
    )
    from headwater.model.runs import (
        AssetRecordsFilter as AssetRecordsFilter,
    )
    from headwater.model.runs import (
        EventRecord as EventRecord,
    )
    from headwater.model.runs import (
        EventRecordsFilter as EventRecordsFilter,
    )
    from headwater.model.runs import (
        EventType as EventType,
    )
    from headwater.model.runs import (
        Run as Run,
    )
    from headwater.model.runs import (
        RunRecord as RunRecord,
    )
    from headwater.model.runs import (
        RunsFilter as RunsFilter,
    )
    from headwater.model.runs import (
        RunStatus as RunStatus,
    )
    from headwater.model.specs import (
        AssetCheckSpec as AssetCheckSpec,
    )
    from headwater.model.specs import (
        AssetDep as AssetDep,
    )
    from headwater.model.specs import (
        AssetExecutionType as AssetExecutionType,
    )
    from headwater.model.specs import (
        AssetSpec as AssetSpec,
    )
    from headwater.model.tables import (
        TableColumn as TableColumn,
    )
    from headwater.model.tables import (
        TableColumnConstraints as TableColumnConstraints,
    )
    from headwater.model.tables import (
        TableColumnDep as TableColumnDep,
    )
    from headwater.model.tables import (
        TableColumnLineage as TableColumnLineage,
    )
    from headwater.model.tables import (
        TableConstraints as TableConstraints,
    )
    from headwater.model.tables import (
        TableRecord as TableRecord,
    )
    from headwater.model.tables import (
        TableSchema as TableSchema,
    )
    from headwater.runtime.execute import (
        materialize as materialize,
    )
    from headwater.runtime.execute import (
        materialize_to_memory as materialize_to_memory,
    )
    from headwater.runtime.execute import (
        observe as observe,
    )
    from headwater.runtime.instance import (
        Instance as Instance,
    )
    from headwater.runtime.instance import (
        instance_for_test as instance_for_test,
    )
    from headwater.runtime.jobs import (
        ReexecutionOptions as ReexecutionOptions,
    )
    from headwater.runtime.jobs import (
        execute_job as execute_job,
    )
    from headwater.runtime.jobs import (
        reconstructable as reconstructable,
    )
    from headwater.runtime.jobs import (
        validate_run_config as validate_run_config,
    )
    from headwater.runtime.results import (
        ExecuteInProcessResult as ExecuteInProcessResult,
    )
    from headwater.runtime.values import (
        AssetValueLoader as AssetValueLoader,
    )
    from headwater.runtime.values import (
        load_asset_value as load_asset_value,
    )

__version__ = "0.1.0"

_NAMES_BY_MODULE = {
    "authoring.asset_decorators": ("asset"),
    "authoring.graph_assets": ("graph_asset graph_multi_asset"),
    "authoring.multi_assets": ("multi_asset"),
    "authoring.assets": ("AssetsDefinition external_asset external_assets_from_specs map_asset_specs"),
    "authoring.checks": ("AssetChecksDefinition asset_check multi_asset_check"),
    "authoring.source_asset": ("SourceAsset multi_observable_source_asset observable_source_asset"),
    "authoring.op": ("OpDefinition op"),
    "authoring.graph_definition": (
        "DependencyDefinition DynamicCollectDependencyDefinition GraphDefinition InputMapping "
        "MultiDependencyDefinition NodeInvocation OutputMapping graph"
    ),
    "authoring.job": ("JobDefinition define_asset_job job"),
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
    "authoring.executors": (
        "ExecutorDefinition in_process_executor multi_or_in_process_executor multiprocess_executor"
    ),
    "authoring.run_request": ("RunRequest SkipReason"),
    "authoring.schedules": (
        "DefaultScheduleStatus ScheduleDefinition ScheduleEvaluationContext build_schedule_context "
        "build_schedule_from_partitioned_job schedule"
    ),
    "authoring.sensors": (
        "AssetSensorDefinition DefaultSensorStatus SensorDefinition SensorEvaluationContext SensorResult "
        "asset_sensor build_sensor_context sensor"
    ),
    "authoring.partitioned_config": (
        "PartitionedConfig daily_partitioned_config dynamic_partitioned_config hourly_partitioned_config "
        "monthly_partitioned_config static_partitioned_config weekly_partitioned_config"
    ),
    "authoring.loggers": (
        "InitLoggerContext LoggerDefinition build_init_logger_context colored_console_logger json_console_logger logger"
    ),
    "authoring.log": ("Log get_logger"),
    "authoring.types": (
        "Any Bool Dict Float HeadwaterType HeadwaterTypeLoader Int List Nothing Optional "
        "PythonObjectHeadwaterType Set String Tuple TypeCheck check_headwater_type headwater_type_loader "
        "make_python_type_usable_as_headwater_type usable_as_headwater_type"
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
    "io.definitions": ("fs_io_manager mem_io_manager"),
    "graph.selection": ("AssetSelection"),
    "model.keys": ("AssetCheckKey AssetKey"),
    "model.specs": ("AssetCheckSpec AssetDep AssetExecutionType AssetSpec"),
    "model.policies": ("AssetCheckSeverity BackfillPolicy Backoff Jitter RetryPolicy"),
    "model.results": (
        "AssetCheckEvaluation AssetCheckResult AssetMaterialization AssetObservation DataVersion "
        "DynamicOutput ExpectationResult Failure MaterializeResult ObserveResult Output RetryRequested Skip "
        "Unchanged"
    ),
    "model.metadata": ("MetadataValue"),
    "model.metadata_sets": ("TableMetadataSet"),
    "model.tables": (
        "TableColumn TableColumnConstraints TableColumnDep TableColumnLineage TableConstraints TableRecord TableSchema"
    ),
    "model.metadata_kinds": ("CodeReferencesMetadataValue"),
    "model.code_references": ("LocalFileCodeReference UrlCodeReference"),
    "model.partitions": (
        "AddDynamicPartitionsRequest AllPartitionMapping DailyPartitionsDefinition "
        "DeleteDynamicPartitionsRequest DimensionPartitionMapping DynamicPartitionsDefinition "
        "HourlyPartitionsDefinition IdentityPartitionMapping LastPartitionMapping MonthlyPartitionsDefinition "
        "MultiPartitionKey MultiPartitionMapping MultiPartitionsDefinition "
        "MultiToSingleDimensionPartitionMapping PartitionKeyRange PartitionMapping PartitionsDefinition "
        "PartitionsSubset SpecificPartitionsPartitionMapping StaticPartitionMapping "
        "StaticPartitionsDefinition TimeWindow TimeWindowPartitionMapping TimeWindowPartitionsDefinition "
        "WeeklyPartitionsDefinition"
    ),
    "model.conditions": ("AutomationCondition"),
    "model.freshness": ("FreshnessPolicy"),
    "model.runs": ("AssetRecordsFilter EventRecord EventRecordsFilter EventType Run RunRecord RunStatus RunsFilter"),
    "model.errors": (
        "AssetCheckFailedError CheckError DefinitionError DefinitionErrors HeadwaterError InvalidConfigError "
        "InvalidDefinitionError InvalidInvocationError InvalidPropertyError InvalidSubsetError "
        "InvariantViolationError StepOutputNotFoundError StepTimeoutError TypeCheckDidNotPass "
        "UnknownPartitionError UnknownResourceError"
    ),
    "runtime.execute": ("materialize materialize_to_memory observe"),
    "runtime.instance": ("Instance instance_for_test"),
    "runtime.results": ("ExecuteInProcessResult"),
    "runtime.values": ("AssetValueLoader load_asset_value"),
    "runtime.jobs": ("ReexecutionOptions execute_job reconstructable validate_run_config"),
}

_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__all__ = sorted((*_MODULE_BY_NAME, "__version__"))  # pyright: ignore[reportUnsupportedDunderAll]


# Of Dagster's public API, what this release does not have; docs/differences.md lists the same names.
_NOT_THERE_YET = frozenset(
    {
        "run_failure_sensor",
        "run_status_sensor",
        "multi_asset_sensor",
        "repository",
        "RunFailureSensorContext",
        "RunStatusSensorContext",
        "RunStatusSensorDefinition",
        "MultiAssetSensorDefinition",
        "MultiAssetSensorEvaluationContext",
        "RepositoryDefinition",
        "build_last_update_freshness_checks",
        "build_time_partition_freshness_checks",
        "build_column_schema_change_checks",
        "build_metadata_bounds_checks",
        "build_sensor_for_freshness_checks",
        "open_pipes_session",
        "Component",
        "ComponentLoadContext",
        "load_from_defs_folder",
        "with_source_code_references",
        "link_code_references_to_git",
        "executor",
        "Executor",
    }
)


def _without_brand(name: str) -> str | None:
    """Return the public name that is written like this one but for the brand, None when there is none."""
    for brand, ours in (("Dagster", "Headwater"), ("dagster_", "headwater_")):
        for plain in (name.replace(brand, ""), name.replace(brand, ours)):
            if plain != name and plain in _MODULE_BY_NAME:
                return plain
    return None


def __getattr__(name: str) -> object:
    module = _MODULE_BY_NAME.get(name)
    if module is None:
        if name in _NOT_THERE_YET or name.startswith(("Pipes", "AutoMaterialize")):
            instead = " Use AutomationCondition." if name.startswith("AutoMaterialize") else ""
            raise AttributeError(
                f"module 'headwater' has no attribute {name!r}: it is not there yet, see docs/differences.md.{instead}",
                name=name,
                obj=None,
            )
        from difflib import get_close_matches

        if (plain := _without_brand(name)) is not None:
            raise AttributeError(f"module 'headwater' has no attribute {name!r}. Use {plain!r}.", name=name, obj=None)
        near = get_close_matches(name, __all__, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'headwater' has no attribute {name!r}.{hint}", name=name, obj=None)
    from importlib import import_module

    value: object = getattr(import_module(f"headwater.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """Keeps a folder from hiding the public name that is written like it: the decorator `graph`, and the folder graph/."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _MODULE_BY_NAME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
