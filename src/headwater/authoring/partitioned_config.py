"""Run config by partition: a function says with which config a job runs for each of its partitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from headwater.authoring.config import NO_VALUE, ConfigMapping, RunConfig, run_config_dict
from headwater.model.errors import CheckError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.root import kind_of
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

if TYPE_CHECKING:
    from datetime import date

    from headwater.model.partitions import DynamicPartitionsStore

D = TypeVar("D", bound="PartitionsDefinition[Any]")

ConfigOfKey = Callable[[str], RunConfig | Mapping[str, Any]]
ConfigOfWindow = Callable[[datetime, datetime], RunConfig | Mapping[str, Any]]
TagsOfKey = Callable[[str], Mapping[str, str]]
TagsOfWindow = Callable[[datetime, datetime], Mapping[str, str]]


@dataclass(frozen=True)
class Partition:
    """One partition as `run_config_for_partition_fn` and `tags_for_partition_fn` get it.

    `value` is its time window where partitions are windows of time, else the key; without a `name` it is named by it.
    """

    value: Any
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", str(self.value))


class PartitionedConfig(Generic[D]):
    """The run config of a job for each of its partitions; give it to a job as `config`.

    One of `run_config_for_partition_key_fn` (gets the key) and `run_config_for_partition_fn` (gets a Partition) makes
    the config, `tags_for_partition_key_fn` or `tags_for_partition_fn` may add tags to the run. Those that a decorator
    made can be called as the function that was decorated.
    """

    def __init__(
        self,
        partitions_def: D,
        run_config_for_partition_fn: Callable[[Partition], RunConfig | Mapping[str, Any]] | None = None,
        decorated_fn: Callable[..., RunConfig | Mapping[str, Any]] | None = None,
        tags_for_partition_fn: Callable[[Partition], Mapping[str, str]] | None = None,
        run_config_for_partition_key_fn: ConfigOfKey | None = None,
        tags_for_partition_key_fn: TagsOfKey | None = None,
    ) -> None:
        if (run_config_for_partition_fn is None) == (run_config_for_partition_key_fn is None):
            given = "neither" if run_config_for_partition_fn is None else "both"
            raise CheckError(
                what=f"PartitionedConfig was given {given} of run_config_for_partition_key_fn and "
                "run_config_for_partition_fn.",
                why="One of them makes the config of a partition.",
                fix="Give the first: a function from a partition key to a run config.",
            )
        if tags_for_partition_fn is not None and tags_for_partition_key_fn is not None:
            raise CheckError(
                what="PartitionedConfig was given both tags_for_partition_key_fn and tags_for_partition_fn.",
                why="They would say the same twice.",
                fix="Keep the first: a function from a partition key to tags.",
            )
        self.partitions_def = partitions_def
        self.run_config_for_partition_fn = run_config_for_partition_fn
        self.run_config_for_partition_key_fn = run_config_for_partition_key_fn
        self.tags_for_partition_fn = tags_for_partition_fn
        self.tags_for_partition_key_fn = tags_for_partition_key_fn
        self.decorated_fn = decorated_fn

    @classmethod
    def from_flexible_config(cls, config: Any, partitions_def: D) -> PartitionedConfig[D]:
        """Return the config of each partition, given as it is given to a job: the same for all, or partitioned.

        Raises InvalidDefinitionError when it is partitioned by something else.
        """
        if isinstance(config, PartitionedConfig):
            if config.partitions_def != partitions_def:
                raise InvalidDefinitionError(
                    what=f"The config is partitioned by {config.partitions_def}, and {partitions_def} was asked for.",
                    why="It says nothing of the other partitions.",
                    fix="Give both the same partitions.",
                )
            return config
        if isinstance(config, ConfigMapping):
            return cls(partitions_def, run_config_for_partition_key_fn=lambda _key: config.resolve(NO_VALUE, "config"))
        if config is not None and not isinstance(config, (RunConfig, Mapping)):
            raise InvalidDefinitionError(
                what=f"The config was given as {config!r}, of the type {type(config).__name__}.",
                why="It is the whole config of a run.",
                fix="Give a dict, a RunConfig, a ConfigMapping or a PartitionedConfig.",
            )
        return cls(partitions_def, run_config_for_partition_key_fn=lambda _key: config or {})

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """Return the keys of the partitions that exist at `current_time`."""
        keys: Sequence[str] = self.partitions_def.get_partition_keys(current_time, dynamic_partitions_store)
        return keys

    def get_run_config_for_partition_key(self, partition_key: str) -> dict[str, Any]:
        """Return the run config of one partition as a plain mapping, whether or not the partition exists by now."""
        if self.run_config_for_partition_key_fn is not None:
            made = self.run_config_for_partition_key_fn(partition_key)
        else:
            assert self.run_config_for_partition_fn is not None
            made = self.run_config_for_partition_fn(self._partition(partition_key))
        if not isinstance(made, (RunConfig, Mapping)):
            raise InvalidDefinitionError(
                what=f'The config for the partition "{partition_key}" came as {made!r}, {kind_of(made)}.',
                why="It is the whole config of a run.",
                fix='Return a RunConfig, or a dict such as {"ops": {"load": {"config": {...}}}}.',
            )
        return run_config_dict(made)

    def get_tags_for_partition_key(self, partition_key: str) -> dict[str, str]:
        """Return the tags of a run of one partition: those of the function, and those that name the partition."""
        tags: dict[str, str] = {}
        if self.tags_for_partition_key_fn is not None:
            tags.update(self.tags_for_partition_key_fn(partition_key))
        elif self.tags_for_partition_fn is not None:
            tags.update(self.tags_for_partition_fn(self._partition(partition_key)))
        return {**tags, **self.partitions_def.get_tags_for_partition_key(partition_key)}

    def _partition(self, partition_key: str) -> Partition:
        if isinstance(self.partitions_def, TimeWindowPartitionsDefinition):
            return Partition(self.partitions_def.time_window_for_partition_key(partition_key), partition_key)
        return Partition(partition_key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.decorated_fn is None:
            raise InvalidInvocationError(
                what="A PartitionedConfig that no decorator made was called.",
                why="It has no decorated function.",
                fix="Call get_run_config_for_partition_key(key).",
            )
        return self.decorated_fn(*args, **kwargs)

    def __repr__(self) -> str:
        return f"PartitionedConfig({self.partitions_def})"


class PartitionsOfFunction(PartitionsDefinition[str]):
    """Partitions whose keys a function of the current time lists anew each time."""

    def __init__(self, partition_fn: Callable[[datetime | None], Sequence[str]]) -> None:
        self.partition_fn = partition_fn

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        return list(self.partition_fn(current_time))

    @property
    def ordinal_space(self) -> str:
        # Not by the keys, as other definitions do: those are others each time.
        return f"function:{self.partition_fn.__module__}.{self.partition_fn.__qualname__}:{id(self.partition_fn)}"

    def describe(self) -> str:
        return f"the partitions that {self.partition_fn.__name__}() lists"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionsOfFunction) and other.partition_fn is self.partition_fn

    def __hash__(self) -> int:
        return hash(self.partition_fn)


def _by_window(
    partitions_def: TimeWindowPartitionsDefinition, tags: TagsOfWindow | None
) -> Callable[[ConfigOfWindow], PartitionedConfig[Any]]:
    def of_key(function: Callable[[datetime, datetime], Any]) -> Callable[[str], Any]:
        return lambda partition_key: function(*partitions_def.time_window_for_partition_key(partition_key))

    return lambda function: PartitionedConfig(
        partitions_def,
        decorated_fn=function,
        run_config_for_partition_key_fn=of_key(function),
        tags_for_partition_key_fn=of_key(tags) if tags is not None else None,
    )


def partitioned_config(
    partitions_def: D, tags_for_partition_key_fn: TagsOfKey | None = None
) -> Callable[[ConfigOfKey], PartitionedConfig[D]]:
    """Make the run config of each of these partitions of a function of its key."""
    return _by_key(partitions_def, None, tags_for_partition_key_fn)


def hourly_partitioned_config(
    start_date: datetime | date | str,
    minute_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsOfWindow | None = None,
    exclusions: Sequence[str | datetime] | None = None,
) -> Callable[[ConfigOfWindow], PartitionedConfig[HourlyPartitionsDefinition]]:
    """Make the run config of each hour of a function of its start and end, two aware datetimes in `timezone`."""
    partitions_def = HourlyPartitionsDefinition(
        start_date, None, minute_offset, timezone=timezone, fmt=fmt, end_offset=end_offset, exclusions=exclusions
    )
    return _by_window(partitions_def, tags_for_partition_fn)


def daily_partitioned_config(
    start_date: datetime | date | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsOfWindow | None = None,
    exclusions: Sequence[str | datetime] | None = None,
) -> Callable[[ConfigOfWindow], PartitionedConfig[DailyPartitionsDefinition]]:
    """Make the run config of each day of a function of its start and end, two aware datetimes in `timezone`."""
    partitions_def = DailyPartitionsDefinition(
        start_date,
        None,
        minute_offset,
        hour_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(partitions_def, tags_for_partition_fn)


def weekly_partitioned_config(
    start_date: datetime | date | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 0,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsOfWindow | None = None,
    exclusions: Sequence[str | datetime] | None = None,
) -> Callable[[ConfigOfWindow], PartitionedConfig[WeeklyPartitionsDefinition]]:
    """Make the run config of each week of a function of its start and end, two aware datetimes in `timezone`."""
    partitions_def = WeeklyPartitionsDefinition(
        start_date,
        None,
        minute_offset,
        hour_offset,
        day_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(partitions_def, tags_for_partition_fn)


def monthly_partitioned_config(
    start_date: datetime | date | str,
    minute_offset: int = 0,
    hour_offset: int = 0,
    day_offset: int = 1,
    timezone: str | None = None,
    fmt: str | None = None,
    end_offset: int = 0,
    tags_for_partition_fn: TagsOfWindow | None = None,
    exclusions: Sequence[str | datetime] | None = None,
) -> Callable[[ConfigOfWindow], PartitionedConfig[MonthlyPartitionsDefinition]]:
    """Make the run config of each month of a function of its start and end, two aware datetimes in `timezone`."""
    partitions_def = MonthlyPartitionsDefinition(
        start_date,
        None,
        minute_offset,
        hour_offset,
        day_offset,
        timezone=timezone,
        fmt=fmt,
        end_offset=end_offset,
        exclusions=exclusions,
    )
    return _by_window(partitions_def, tags_for_partition_fn)


def static_partitioned_config(
    partition_keys: Sequence[str],
    tags_for_partition_fn: TagsOfKey | None = None,
    tags_for_partition_key_fn: TagsOfKey | None = None,
) -> Callable[[ConfigOfKey], PartitionedConfig[StaticPartitionsDefinition]]:
    """Make the run config of each of these partitions of a function of its key."""
    return _by_key(StaticPartitionsDefinition(partition_keys), tags_for_partition_fn, tags_for_partition_key_fn)


def dynamic_partitioned_config(
    partition_fn: Callable[[datetime | None], Sequence[str]],
    tags_for_partition_fn: TagsOfKey | None = None,
    tags_for_partition_key_fn: TagsOfKey | None = None,
) -> Callable[[ConfigOfKey], PartitionedConfig[PartitionsOfFunction]]:
    """Make the run config of each partition of a function of its key; `partition_fn(current_time)` lists the keys."""
    return _by_key(PartitionsOfFunction(partition_fn), tags_for_partition_fn, tags_for_partition_key_fn)


def _by_key(
    partitions_def: Any, tags_for_partition_fn: TagsOfKey | None, tags_for_partition_key_fn: TagsOfKey | None
) -> Callable[[ConfigOfKey], PartitionedConfig[Any]]:
    if tags_for_partition_fn is not None and tags_for_partition_key_fn is not None:
        raise CheckError(
            what="Both tags_for_partition_fn and tags_for_partition_key_fn were given.",
            why="Here both get the partition key, and they would say the same twice.",
            fix="Keep tags_for_partition_key_fn.",
        )
    return lambda function: PartitionedConfig(
        partitions_def,
        decorated_fn=function,
        run_config_for_partition_key_fn=function,
        tags_for_partition_key_fn=tags_for_partition_key_fn or tags_for_partition_fn,
    )
