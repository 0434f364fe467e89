"""What is known inside one attempt of a step: the engine fills it in, contexts show it to the user's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.model.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.op import OpDefinition
    from headwater.authoring.resources import ResourceSession
    from headwater.model.partitions import PartitionsDefinition
    from headwater.model.runs import Run

PARTITION_TAG = "headwater/partition"
PARTITION_RANGE_START_TAG = "headwater/asset_partition_range_start"
PARTITION_RANGE_END_TAG = "headwater/asset_partition_range_end"


class StepSpeaking(NamedTuple):
    """A step whose function runs here, whether it still does (`log.is_open`), and the step that it was started from."""

    scope: StepScope
    log: Any
    outer: StepSpeaking | None


_speaking: ContextVar[StepSpeaking | None] = ContextVar("headwater_step_speaking", default=None)


def speak_for(scope: StepScope, log: Any) -> None:
    """Say that what runs here from now on, until the log is closed, is the function of this step."""
    outer = _speaking.get()
    while outer is not None and not outer.log.is_open:
        outer = outer.outer
    _speaking.set(StepSpeaking(scope, log, outer))


def current_step_scope() -> StepScope | None:
    """Return what is known inside the step whose function runs here; None outside of one."""
    found = _speaking.get()
    while found is not None and not found.log.is_open:
        found = found.outer
    return None if found is None else found.scope


class StepScope:
    """What is known inside one attempt of a step, and what the user's code has said so far.

    The engine makes one for each attempt; `build_op_context` and `build_asset_context` make one for direct calls.
    """

    __slots__ = (
        "asset_metadata",
        "assets_def",
        "attempt",
        "data_versions",
        "instance",
        "is_bound",
        "job_def",
        "load_value",
        "log",
        "logged_events",
        "mapping_key",
        "op_config",
        "op_def",
        "output_metadata",
        "own_sessions",
        "partition_keys_by_asset",
        "partitions_def",
        "provenance",
        "resources",
        "run",
        "run_config",
        "run_partition_keys",
        "selected_asset_keys",
        "selected_check_keys",
        "step_key",
        "upstream_definition",
        "upstream_partition_keys",
    )

    def __init__(
        self,
        *,
        step_key: str = "",
        run: Run | None = None,
        run_config: Mapping[str, Any] | None = None,
        instance: Any = None,
        job_def: Any = None,
        op_def: OpDefinition | None = None,
        assets_def: AssetsDefinition | None = None,
        log: Any = None,
        resources: Any = None,
        op_config: Any = None,
        attempt: int = 1,
        mapping_key: str | None = None,
        partitions_def: PartitionsDefinition[Any] | None = None,
        run_partition_keys: Sequence[str] | None = None,
        partition_keys_by_asset: Mapping[AssetKey, Sequence[str]] | None = None,
        upstream_partition_keys: Callable[[AssetKey], Sequence[str] | None] | None = None,
        upstream_definition: Callable[[AssetKey], PartitionsDefinition[Any] | None] | None = None,
        selected_asset_keys: Set[AssetKey] | None = None,
        selected_check_keys: Set[AssetCheckKey] | None = None,
        load_value: Callable[..., Any] | None = None,
        provenance: Callable[[AssetKey], Any] | None = None,
        is_bound: bool = True,
    ) -> None:
        self.step_key = step_key
        self.run = run
        self.run_config: Mapping[str, Any] = run_config or {}
        self.instance = instance
        self.job_def = job_def
        self.op_def = op_def
        self.assets_def = assets_def
        self.log = log
        self.resources = resources
        self.op_config = op_config
        self.attempt = attempt
        self.mapping_key = mapping_key
        self.partitions_def = partitions_def
        self.run_partition_keys = run_partition_keys
        self.partition_keys_by_asset: Mapping[AssetKey, Sequence[str]] = partition_keys_by_asset or {}
        self.upstream_partition_keys = upstream_partition_keys
        self.upstream_definition = upstream_definition
        self.selected_asset_keys: Set[AssetKey] = selected_asset_keys if selected_asset_keys is not None else set()
        self.selected_check_keys: Set[AssetCheckKey] = selected_check_keys if selected_check_keys is not None else set()
        self.load_value = load_value
        self.provenance = provenance
        self.is_bound = is_bound
        self.output_metadata: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.asset_metadata: dict[tuple[AssetKey, str | None], dict[str, Any]] = {}
        self.data_versions: dict[AssetKey, str] = {}
        self.logged_events: list[Any] = []
        self.own_sessions: list[ResourceSession] = []
        """In direct calls: the resources that definitions brought themselves."""
