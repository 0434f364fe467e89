"""What the contexts of a stored and of a loaded value have in common: whose value it is, and which partitions.

A property that the context was not given raises MissingContextValue, which says how to pass it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from headwater.model.errors import CheckError
from headwater.model.errors.io import MissingContextValue
from headwater.model.errors.root import did_you_mean
from headwater.model.keys import AssetKey

if TYPE_CHECKING:
    import logging

    from headwater.model.metadata import MetadataValue
    from headwater.model.partitions import PartitionKeyRange, PartitionsDefinition, PartitionsSubset, TimeWindow
    from headwater.runtime.instance import Instance


class ValueContext:
    """What the contexts of a stored and of a loaded value have in common."""

    __slots__ = (
        "_asset_key",
        "_asset_partitions_def",
        "_asset_partitions_subset",
        "_dagster_type",
        "_exit",
        "_instance",
        "_job_name",
        "_log",
        "_logged_metadata",
        "_name",
        "_op_def",
        "_partition_keys",
        "_resources",
        "_run_partition_key",
        "_step_context",
        "annotation",
        "config",
        "definition_metadata",
        "resource_config",
    )
    _builder: ClassVar[str] = ""

    annotation: Any
    """The Python type that the code asks for or returns; None when it does not say."""
    config: Any
    """The config of this output or input."""
    resource_config: Mapping[str, Any] | None
    """The config of the IO manager itself."""
    definition_metadata: Mapping[str, Any]
    """The metadata that was declared on the output or input."""

    _name: str | None
    _job_name: str | None
    _op_def: Any
    _dagster_type: Any
    _log: Any
    _resources: Any
    _exit: Any
    _instance: Any
    _step_context: Any
    _asset_key: AssetKey | None
    _run_partition_key: str | None
    _partition_keys: Sequence[str] | None
    _asset_partitions_def: PartitionsDefinition[Any] | None
    _asset_partitions_subset: PartitionsSubset[Any] | None
    _logged_metadata: dict[str, MetadataValue]

    def _missing(self, attribute: str, why: str = "", fix: str = "") -> MissingContextValue:
        return MissingContextValue(type(self).__name__, attribute, self._builder, why, fix)

    @property
    def name(self) -> str:
        """The name of the output that is stored, or of the parameter that is loaded."""
        if self._name is None:
            raise self._missing("name")
        return self._name

    @property
    def job_name(self) -> str:
        """The name of the job that runs."""
        if self._job_name is None:
            raise self._missing("job_name", fix="Only a run has a job; outside one there is none.")
        return self._job_name

    @property
    def op_def(self) -> Any:
        """The definition of the op that makes the value or asks for it."""
        if self._op_def is None:
            raise self._missing("op_def")
        return self._op_def

    @property
    def dagster_type(self) -> Any:
        """The declared type of the value; its `typing_type` is the Python annotation."""
        if self._dagster_type is None:
            if self.annotation is not None:
                return AnnotatedType(self.annotation)
            raise self._missing("dagster_type")
        return self._dagster_type

    headwater_type = dagster_type

    @property
    def log(self) -> logging.Logger:
        """The run's logger; outside a run the logger "headwater"."""
        if self._log is None:
            import logging

            self._log = logging.getLogger("headwater")
        log: logging.Logger = self._log
        return log

    @property
    def resources(self) -> Any:
        """The resources that the IO manager requires, as attributes."""
        if self._resources is None:
            return BuiltResources({})
        if isinstance(self._resources, Mapping):
            self._resources = BuiltResources(self._resources)
        return self._resources

    @property
    def step_context(self) -> Any:
        """The context of the step that stores or loads."""
        if self._step_context is None:
            raise self._missing("step_context", fix="Only a run has steps; outside one there is none.")
        return self._step_context

    @property
    def has_instance(self) -> bool:
        """Whether there is an instance to be asked."""
        return self._instance is not None

    @property
    def instance(self) -> Instance:
        """The instance that keeps the record."""
        if self._instance is None:
            raise self._missing("instance")
        instance: Instance = self._instance
        return instance

    @property
    def has_asset_key(self) -> bool:
        """Whether the value is that of an asset."""
        return self._asset_key is not None

    @property
    def asset_key(self) -> AssetKey:
        """The asset whose value it is."""
        if self._asset_key is None:
            raise self._missing("asset_key", why="It is about the value of an op, which is no asset.")
        return self._asset_key

    # -- partitions ----------------------------------------------------------------------------------------------

    @property
    def has_partition_key(self) -> bool:
        """Whether the run itself is for one partition."""
        return self._run_partition_key is not None

    @property
    def partition_key(self) -> str:
        """The one partition key of the run."""
        if self._run_partition_key is None:
            raise self._missing("partition_key", why="The run is not for one partition.")
        return self._run_partition_key

    @property
    def has_asset_partitions(self) -> bool:
        """Whether the asset is partitioned, so that the value belongs to one or more of its partitions."""
        return self._partition_keys is not None or self._asset_partitions_subset is not None

    @property
    def asset_partition_keys(self) -> Sequence[str]:
        """The partitions of the asset whose values these are, in the order of the definition."""
        if self._partition_keys is None:
            if self._asset_partitions_subset is None:
                raise self._not_partitioned("asset_partition_keys")
            self._partition_keys = tuple(self._asset_partitions_subset.get_partition_keys())
        return self._partition_keys

    @property
    def asset_partition_key(self) -> str:
        """The one partition of the asset. Raises when there are none or several."""
        keys = self.asset_partition_keys
        if len(keys) != 1:
            raise CheckError(
                what=f'"asset_partition_key" was read, but this is about {len(keys)} partitions of the asset '
                f'"{self._asset_key}".',
                why="There is no one key.",
                fix='Read "asset_partition_keys", or handle the value of each.',
            )
        return keys[0]

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """The first and the last of the asset's partitions that this is about."""
        from headwater.model.partitions import PartitionKeyRange

        keys = self.asset_partition_keys
        if not keys:
            raise self._missing("asset_partition_key_range", why="It is about no partition at all.")
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def asset_partitions_def(self) -> PartitionsDefinition[Any]:
        """How the asset is partitioned."""
        if self._asset_partitions_def is None:
            raise self._missing("asset_partitions_def", why="The asset is not partitioned, or it was made without.")
        return self._asset_partitions_def

    @property
    def asset_partitions_subset(self) -> PartitionsSubset[Any]:
        """The partitions of the asset that this is about, as a set."""
        if self._asset_partitions_subset is None:
            definition = self.asset_partitions_def
            self._asset_partitions_subset = definition.subset_with_partition_keys(self.asset_partition_keys)
        return self._asset_partitions_subset

    @property
    def asset_partitions_time_window(self) -> TimeWindow:
        """The time from the start of the first partition to the end of the last. Raises without a time dimension."""
        keys = self.asset_partition_keys
        window_of = getattr(self.asset_partitions_def, "time_window_for_partition_key", None)
        if window_of is None or not keys:
            raise self._missing("asset_partitions_time_window", why="The partitions of the asset are not times.")
        first: TimeWindow = window_of(keys[0])
        if len(keys) == 1:
            return first
        return type(first)(first.start, window_of(keys[-1]).end)

    def _not_partitioned(self, attribute: str) -> CheckError:
        whose = f'the asset "{self._asset_key}"' if self._asset_key is not None else "the value of this context"
        return CheckError(
            what=f'"{attribute}" was read, but {whose} is not partitioned.',
            why="It has one value, and so no partition keys.",
            fix='Ask "context.has_asset_partitions" first, or set partitions_def= on the asset.',
        )

    # -- names in storage ----------------------------------------------------------------------------------------

    def get_asset_identifier(self) -> Sequence[str]:
        """Return the parts of the asset's key, and the partition key if there is one: unique to the stored value."""
        parts = self.asset_key.path
        if self.has_asset_partitions:
            parts.append(self.asset_partition_key)
        return parts

    # -- as a context manager ------------------------------------------------------------------------------------

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._exit is not None:
            self._exit.__exit__(kind, error, at)
            self._exit = None


class AnnotatedType:
    """The type of a value that is known by its Python annotation alone."""

    __slots__ = ("typing_type",)

    def __init__(self, typing_type: Any) -> None:
        self.typing_type = typing_type

    @property
    def display_name(self) -> str:
        return getattr(self.typing_type, "__name__", None) or str(self.typing_type)

    unique_name = key = display_name

    def __repr__(self) -> str:
        return f"AnnotatedType({self.display_name})"


class BuiltResources:
    """Resources by name, as attributes."""

    def __init__(self, by_name: Mapping[str, Any]) -> None:
        self.__dict__.update(by_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingResource(name, list(self.__dict__))

    def _asdict(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __repr__(self) -> str:
        return f"BuiltResources({', '.join(self.__dict__)})"


class MissingResource(MissingContextValue, AttributeError):
    """A resource was read that the context does not have."""

    code = "missing-resource"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            "context",
            f'resource "{name}"',
            "",
            why=f"It has {', '.join(known) or 'none'}.",
            fix=f"{did_you_mean(name, known)}Require it with required_resource_keys, "
            f'or in a test pass resources={{"{name}": ...}}.',
        )
