"""Contexts: what a user's function is told about the step that it runs in, and what it can tell in return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, cast

from headwater.authoring.running import runtime_function
from headwater.model.errors import InvalidPropertyError, InvariantViolationError, did_you_mean
from headwater.model.errors.definition import NothingToAnswer
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    import logging
    from typing import Self

    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.op import OpDefinition
    from headwater.model.data_versions import DataProvenance
    from headwater.model.partitions import MultiPartitionKey, PartitionKeyRange, TimeWindow
    from headwater.model.runs import Run
    from headwater.model.specs import AssetCheckSpec
    from headwater.runtime.instance import Instance
from headwater.authoring.op_node import NodeHandle, OpNode
from headwater.authoring.step_scope import StepScope, current_step_scope


class OpExecutionContext:
    """What an op is told: its config, resources, partition, log, and the run that it is part of."""

    __slots__ = ("_scope",)

    def __init__(self, scope: StepScope) -> None:
        self._scope = scope

    @classmethod
    def get(cls) -> Self:
        """Return the context of the step whose function runs here, for code that was not handed one.

        Raises InvariantViolationError outside of a step.
        """
        scope = current_step_scope()
        if scope is None:
            raise InvariantViolationError(
                what=f"{cls.__name__}.get() was called outside of a step.",
                why="There is a context while the function of an op or asset runs in a run.",
                fix="Call it from there, or hand the context over as an argument.",
            )
        return cls(scope)

    # ------------------------------------------------------------------------------------------------------- the run

    @property
    def run(self) -> Run:
        """The run as it is recorded: id, tags, config, status."""
        if self._scope.run is None:
            raise self._outside_a_run("run")
        return self._scope.run

    dagster_run = run

    @property
    def run_id(self) -> str:
        """The id of the run; "EPHEMERAL" outside of one."""
        return self._scope.run.run_id if self._scope.run is not None else "EPHEMERAL"

    @property
    def run_config(self) -> Mapping[str, Any]:
        """The config of the whole run, as plain data."""
        return self._scope.run_config

    @property
    def run_tags(self) -> Mapping[str, str]:
        """The tags of the run; empty outside of one."""
        return self._scope.run.tags if self._scope.run is not None else {}

    @property
    def job_def(self) -> Any:
        """The job that runs. Raises InvalidPropertyError outside of a run."""
        if self._scope.job_def is None:
            raise self._outside_a_run("job_def")
        return self._scope.job_def

    @property
    def job_name(self) -> str:
        """The name of the job that runs."""
        return cast(str, self.job_def.name)

    @property
    def instance(self) -> Instance:
        """The instance that keeps the record of everything: runs, materializations, dynamic partitions."""
        if self._scope.instance is None:
            if self._scope.is_bound:
                raise self._outside_a_run("instance")
            # A context for direct calls that was given none brings an empty one, which forgets all when it is gone.
            self._scope.instance = runtime_function("Instance").ephemeral()
        return cast("Instance", self._scope.instance)

    def has_tag(self, key: str) -> bool:
        """Whether the run has a tag of this key."""
        return key in self.run_tags

    def get_tag(self, key: str) -> str | None:
        """Return the value of a tag of the run, None when there is no such tag."""
        return self.run_tags.get(key)

    @property
    def retry_number(self) -> int:
        """How many attempts have failed before this one: 0 in the first."""
        return self._scope.attempt - 1

    # ------------------------------------------------------------------------------------------------------ the step

    @property
    def step_key(self) -> str:
        """The step's name in the run: the node's path in nested graphs, with the mapping key of a mapped step."""
        return self._scope.step_key

    @property
    def op_def(self) -> OpDefinition:
        """The op that this step runs; an asset has one, too."""
        if self._scope.op_def is None:
            raise self._outside_a_run("op_def")
        return self._scope.op_def

    @property
    def op(self) -> OpNode:
        """The op where it stands in its job; `.name` is its alias if it was given one."""
        return OpNode.of_step(self._scope.step_key, self.op_def, self._scope.job_def)

    @property
    def op_handle(self) -> NodeHandle:
        """The way to the op through the graphs around it; as text, "load.clean"."""
        return NodeHandle.of_step(self._scope.step_key)

    node_handle = op_handle

    @property
    def alias(self) -> str:
        """The name of the node in its job, which is the op's own unless it was given an alias."""
        return NodeHandle.of_step(self._scope.step_key).name

    @property
    def op_config(self) -> Any:
        """The op's config as plain values, with defaults filled in."""
        return self._scope.op_config

    @property
    def log(self) -> logging.Logger:
        """The log of this step. Lines are kept with the run and can be read by `headwater run logs`."""
        if self._scope.log is None:
            from headwater.authoring.log import Log

            self._scope.log = Log()
        return cast("logging.Logger", self._scope.log)

    @property
    def resources(self) -> Any:
        """The resources that the op requires, as attributes."""
        if self._scope.resources is None:
            from headwater.authoring.resources import ScopedResources

            self._scope.resources = ScopedResources({})
        return self._scope.resources

    def get_mapping_key(self) -> str | None:
        """Return the mapping key for which this step runs, None when it is not mapped over a dynamic output."""
        return self._scope.mapping_key

    def describe_op(self) -> str:
        """Return how messages name this step."""
        return f'op "{self._scope.step_key}"'

    @property
    def pdb(self) -> Any:
        """A debugger: `context.pdb.set_trace()`. Works when the step runs in the process of the terminal."""
        import pdb

        return pdb.Pdb()

    # ---------------------------------------------------------------------------------------------------- what is said

    def log_event(self, event: Any) -> None:
        """Record a materialization, observation or check evaluation of any asset, beside what the step gives itself."""
        from headwater.model.results import (
            AssetCheckEvaluation,
            AssetMaterialization,
            AssetObservation,
            ExpectationResult,
        )

        if not isinstance(event, (AssetMaterialization, AssetObservation, AssetCheckEvaluation, ExpectationResult)):
            raise InvariantViolationError(
                what=f"context.log_event() was given {event!r}, {kind_of(event)}.",
                why="Only what happened to assets can be recorded with it.",
                fix="Give an AssetMaterialization, AssetObservation or AssetCheckEvaluation; use context.log for text.",
            )
        self._scope.logged_events.append(event)

    def add_output_metadata(
        self, metadata: Mapping[str, Any], output_name: str | None = None, mapping_key: str | None = None
    ) -> None:
        """Record metadata with an output of this step; the only one when no name is given."""
        names = list(self.op_def.outs)
        if output_name is None:
            if len(names) != 1:
                raise InvariantViolationError(
                    what=f"context.add_output_metadata() was called without output_name in {self.describe_op()}.",
                    why=f"It has {len(names)} outputs: {', '.join(names)}.",
                    fix="Say which one: output_name=...",
                )
            output_name = names[0]
        if output_name not in names:
            raise InvariantViolationError(
                what=f'context.add_output_metadata() names the output "{output_name}", which {self.describe_op()} lacks.',
                why="The metadata would belong to nothing.",
                fix=f"{did_you_mean(output_name, names)}Its outputs are: {', '.join(names)}.",
            )
        self._scope.output_metadata.setdefault((output_name, mapping_key), {}).update(metadata)

    def get_output_metadata(self, output_name: str, mapping_key: str | None = None) -> Mapping[str, Any] | None:
        """Return the metadata that was added to an output so far, None when there is none."""
        return self._scope.output_metadata.get((output_name, mapping_key))

    def add_asset_metadata(
        self,
        metadata: Mapping[str, Any],
        asset_key: CoercibleToAssetKey | None = None,
        partition_key: str | None = None,
    ) -> None:
        """Record metadata with the materialization of an asset of this step, or of one of its partitions."""
        if asset_key is None:
            key = self.asset_key
        else:
            key = AssetKey.from_coercible(asset_key)
            known = self.assets_def.specs_by_key
            if key not in known:
                raise InvariantViolationError(
                    what=f'context.add_asset_metadata() names "{key}", which this step does not build.',
                    why="The metadata would belong to nothing.",
                    fix=did_you_mean(str(key), map(str, known)) or f"It builds: {', '.join(map(str, known))}.",
                )
        if partition_key is not None and partition_key not in (self._scope.partition_keys_by_asset.get(key) or ()):
            raise InvariantViolationError(
                what=f'context.add_asset_metadata() names the partition "{partition_key}" of "{key}".',
                why="This step does not build that partition.",
                fix="Give one of context.partition_keys.",
            )
        self._scope.asset_metadata.setdefault((key, partition_key), {}).update(metadata)

    def set_data_version(self, asset_key: AssetKey, data_version: Any) -> None:
        """Say which version the content of an asset of this step has."""
        self._scope.data_versions[asset_key] = getattr(data_version, "value", data_version)

    # ---------------------------------------------------------------------------------------------------- the assets

    @property
    def has_assets_def(self) -> bool:
        """Whether this step builds or checks assets."""
        return self._scope.assets_def is not None

    @property
    def assets_def(self) -> AssetsDefinition:
        """The definition of the assets that this step builds. Raises InvalidPropertyError in a step without any."""
        if self._scope.assets_def is None:
            raise InvalidPropertyError(
                what=f"context.assets_def was read in {self.describe_op()}, which builds no asset.",
                why="Only a step that builds assets has their definition.",
                fix="Use @asset, or read context.op_def.",
            )
        return self._scope.assets_def

    @property
    def has_asset_checks_def(self) -> bool:
        """Whether this step may evaluate checks."""
        return self._scope.assets_def is not None and bool(self._scope.assets_def.check_specs)

    @property
    def asset_key(self) -> AssetKey:
        """The asset that this step builds, where there is just one."""
        keys = list(self.assets_def.specs_by_key) or [spec.asset_key for spec in self.assets_def.check_specs][:1]
        if len(keys) != 1:
            raise InvariantViolationError(
                what=f"context.asset_key was read in {self.describe_op()}, which builds {len(keys)} assets.",
                why="There is no single answer.",
                fix="Use context.selected_asset_keys.",
            )
        return keys[0]

    @property
    def selected_asset_keys(self) -> Set[AssetKey]:
        """The assets that this run wants of this step."""
        return self._scope.selected_asset_keys

    @property
    def selected_asset_check_keys(self) -> Set[AssetCheckKey]:
        """The checks that this run wants of this step."""
        return self._scope.selected_check_keys

    @property
    def selected_output_names(self) -> Set[str]:
        """The outputs that this run wants of this step."""
        definition = self._scope.assets_def
        if definition is None:
            return set(self.op_def.outs)
        return {name for name, key in definition.keys_by_output_name.items() if key in self._scope.selected_asset_keys}

    @property
    def is_subset(self) -> bool:
        """Whether this run wants only some of the step's assets."""
        definition = self._scope.assets_def
        return definition is not None and len(self._scope.selected_asset_keys) < len(definition.specs_by_key)

    def asset_key_for_output(self, output_name: str = "result") -> AssetKey:
        """Return the asset that an output stores."""
        return self.assets_def.keys_by_output_name[output_name]

    def asset_key_for_input(self, input_name: str) -> AssetKey:
        """Return the asset that a parameter loads. Raises InvariantViolationError for another name."""
        return self._input_key(input_name)

    def output_for_asset_key(self, asset_key: AssetKey) -> str:
        """Return the name of the output that stores an asset."""
        return self.assets_def.get_output_name_for_asset_key(asset_key)

    def get_asset_provenance(self, asset_key: AssetKey) -> DataProvenance | None:
        """Return the code version and input versions of the asset's last materialization, None when there is none."""
        return self._scope.provenance(asset_key) if self._scope.provenance is not None else None

    def load_asset_value(
        self, asset_key: CoercibleToAssetKey, *, python_type: Any = None, partition_key: str | None = None
    ) -> Any:
        """Load the stored value of any asset of the project, as `python_type` when that is given."""
        if self._scope.load_value is None:
            raise self._outside_a_run("load_asset_value")
        return self._scope.load_value(AssetKey.from_coercible(asset_key), python_type, partition_key)

    # ------------------------------------------------------------------------------------------------ its partitions

    @property
    def has_partition_key(self) -> bool:
        """Whether this run is for one partition."""
        return self._scope.run_partition_keys is not None and len(self._scope.run_partition_keys) == 1

    @property
    def has_partition_key_range(self) -> bool:
        """Whether this run is for several partitions."""
        return self._scope.run_partition_keys is not None and len(self._scope.run_partition_keys) > 1

    @property
    def has_partitions(self) -> bool:
        """Whether this run is for partitions, one or several."""
        return self._scope.run_partition_keys is not None

    @property
    def partition_key(self) -> str:
        """The partition for which this run is: a MultiPartitionKey where there are several dimensions.

        Raises InvariantViolationError when this run has no partition, or several.
        """
        keys = self._scope.run_partition_keys
        if keys is None:
            raise NothingToAnswer(
                what=f"context.partition_key was read in {self._described()}, but this run has no partition.",
                why=self._why_unpartitioned(),
                fix="Check context.has_partition_key first, or run it for a partition: materialize(..., partition_key=...), "
                "or `--partition KEY` on the command line.",
            )
        if len(keys) != 1:
            raise InvariantViolationError(
                what=f"context.partition_key was read in {self._described()}, but this run is for {len(keys)} partitions.",
                why="There is no single key.",
                fix="Use context.partition_keys or context.partition_key_range.",
            )
        return self._typed_keys(keys)[0]

    @property
    def partition_keys(self) -> Sequence[str]:
        """The partitions for which this run is, in the order of the definition."""
        if self._scope.run_partition_keys is None:
            raise InvariantViolationError(
                what=f"context.partition_keys was read in {self._described()}, but this run has no partition.",
                why=self._why_unpartitioned(),
                fix="Check context.has_partition_key first, or run it for a partition.",
            )
        return self._typed_keys(self._scope.run_partition_keys)

    def _typed_keys(self, keys: Sequence[str]) -> list[str]:
        # Requests, tags and tables hold plain text; the dimensions of a key are known to the definition.
        read = getattr(self._scope.partitions_def, "get_partition_key_from_str", None)
        return list(keys) if read is None else [read(key) for key in keys]

    @property
    def partition_key_range(self) -> PartitionKeyRange:
        """The first and the last partition for which this run is."""
        from headwater.model.partitions import PartitionKeyRange

        keys = self.partition_keys
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """The same as `partition_key_range`."""
        return self.partition_key_range

    @property
    def multi_partition_key(self) -> MultiPartitionKey:
        """The partition for which this run is, of several dimensions. Raises InvariantViolationError when it has one."""
        from headwater.model.partitions import MultiPartitionKey

        key = self.partition_key
        if not isinstance(key, MultiPartitionKey):
            raise InvariantViolationError(
                what=f"context.multi_partition_key was read in {self._described()}, whose partition is {key!r}.",
                why="Its partitions have one dimension.",
                fix="Read context.partition_key, or use a MultiPartitionsDefinition.",
            )
        return key

    @property
    def partition_time_window(self) -> TimeWindow:
        """The time from the start of the first partition of this run to the end of the last."""
        from headwater.model.partitions import TimeWindow

        definition: Any = self._scope.partitions_def
        if not hasattr(definition, "time_window_for_partition_key"):
            raise InvariantViolationError(
                what=f"context.partition_time_window was read in {self._described()}.",
                why="Its partitions are not windows of time." if definition is not None else self._why_unpartitioned(),
                fix="Use DailyPartitionsDefinition or another one by time, or read context.partition_key.",
            )
        keys = self.partition_keys
        first = definition.time_window_for_partition_key(keys[0])
        last = first if len(keys) == 1 else definition.time_window_for_partition_key(keys[-1])
        return TimeWindow(first.start, last.end)

    def _partition_definition(self) -> Any:
        if self._scope.partitions_def is None:
            raise InvariantViolationError(
                what=f"The partitions definition of {self._described()} was read.",
                why=self._why_unpartitioned(),
                fix="Give it partitions_def=.",
            )
        return self._scope.partitions_def

    def asset_partitions_def_for_output(self, output_name: str = "result") -> Any:
        """Return how the asset of this step is partitioned."""
        return self._partition_definition()

    def asset_partitions_def_for_input(self, input_name: str) -> Any:
        """Return how the asset of a parameter is partitioned, None when it is not."""
        key = self._input_key(input_name)
        return self._scope.upstream_definition(key) if self._scope.upstream_definition is not None else None

    def asset_partition_key_for_output(self, output_name: str = "result") -> str:
        """Return the partition that this run builds."""
        return self.partition_key

    def asset_partition_keys_for_output(self, output_name: str = "result") -> Sequence[str]:
        """Return the partitions that this run builds."""
        return self.partition_keys

    def asset_partition_key_range_for_output(self, output_name: str = "result") -> PartitionKeyRange:
        """Return the first and the last partition that this run builds."""
        return self.partition_key_range

    def asset_partitions_time_window_for_output(self, output_name: str = "result") -> TimeWindow:
        """Return the time that the partitions of this run cover."""
        return self.partition_time_window

    def asset_partition_keys_for_input(self, input_name: str) -> Sequence[str]:
        """The partitions of the upstream asset that this run reads through the parameter."""
        key = self._input_key(input_name)
        keys = self._scope.upstream_partition_keys(key) if self._scope.upstream_partition_keys is not None else None
        if keys is None:
            raise NothingToAnswer(
                what=f'The partitions of input "{input_name}" were read in {self._described()}.',
                why=f'"{key}" is not partitioned.',
                fix="Read its value as a whole.",
            )
        return list(keys)

    def asset_partition_key_for_input(self, input_name: str) -> str:
        """Return the one partition that is read through a parameter. Raises when it is not one."""
        keys = self.asset_partition_keys_for_input(input_name)
        if len(keys) != 1:
            raise InvariantViolationError(
                what=f'The one partition of input "{input_name}" was read in {self._described()}.',
                why=f"This run reads {len(keys)} partitions of it.",
                fix="Use context.asset_partition_keys_for_input.",
            )
        return keys[0]

    def asset_partition_key_range_for_input(self, input_name: str) -> PartitionKeyRange:
        """Return the first and the last partition that is read through a parameter."""
        from headwater.model.partitions import PartitionKeyRange

        keys = self.asset_partition_keys_for_input(input_name)
        return PartitionKeyRange(keys[0], keys[-1])

    def asset_partitions_time_window_for_input(self, input_name: str = "result") -> TimeWindow:
        """Return the time that the partitions cover which are read through a parameter."""
        from headwater.model.partitions import TimeWindow

        definition = self.asset_partitions_def_for_input(input_name)
        keys = self.asset_partition_keys_for_input(input_name)
        first = definition.time_window_for_partition_key(keys[0])
        return TimeWindow(first.start, definition.time_window_for_partition_key(keys[-1]).end)

    def _input_key(self, input_name: str) -> AssetKey:
        keys = self.assets_def.loaded_by_input
        if input_name in keys:
            return keys[input_name]
        for dep_key in self.assets_def.dependency_keys:
            if str(dep_key) == input_name or dep_key.to_python_identifier() == input_name:
                return dep_key
        raise InvariantViolationError(
            what=f'{self._described()} has no input "{input_name}".',
            why="Nothing could be looked up.",
            fix=f"{did_you_mean(input_name, keys)}Its inputs are: {', '.join(keys) or 'none'}.",
        )

    def _described(self) -> str:
        if self._scope.assets_def is not None and self._scope.assets_def.specs_by_key:
            return f'asset "{next(iter(self._scope.assets_def.specs_by_key))}"'
        return self.describe_op()

    def _why_unpartitioned(self) -> str:
        if self._scope.partitions_def is None and self._scope.assets_def is not None:
            return "The asset has no partitions_def."
        return "It was started without a partition."

    def _outside_a_run(self, name: str) -> InvalidPropertyError:
        return InvalidPropertyError(
            what=f"context.{name} was read, and this context has none.",
            why="It was built for a direct call, outside of any run.",
            fix="Run it with materialize([...]) or execute_in_process(), or do not read it in code that you call directly.",
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._scope.step_key})"


class AssetExecutionContext(OpExecutionContext):
    """What an asset's function is told. All that an op is told, too."""

    __slots__ = ()

    @property
    def op_execution_context(self) -> OpExecutionContext:
        """The same context, as what an op is told."""
        return OpExecutionContext(self._scope)

    @property
    def multi_partition_key(self) -> MultiPartitionKey:
        """The partition of this run with its keys by dimension."""
        from headwater.model.partitions import MultiPartitionKey

        key = self.partition_key
        if isinstance(key, MultiPartitionKey):
            return key
        raise InvariantViolationError(
            what=f"context.multi_partition_key was read in {self._described()}.",
            why="Its partitions have one dimension.",
            fix="Read context.partition_key.",
        )

    @property
    def asset_check_spec(self) -> AssetCheckSpec:
        """The check that this step evaluates, where there is just one."""
        specs = self.assets_def.check_specs
        if len(specs) != 1:
            raise InvariantViolationError(
                what=f"context.asset_check_spec was read in {self._described()}, which has {len(specs)} checks.",
                why="There is no single answer.",
                fix="Use context.selected_asset_check_keys.",
            )
        return specs[0]


class AssetCheckExecutionContext(AssetExecutionContext):
    """What a check's function is told."""

    __slots__ = ()

    @property
    def check_specs(self) -> Sequence[AssetCheckSpec]:
        """The checks that the function evaluates."""
        return list(self.assets_def.check_specs)
