"""Asset jobs: which assets are run together, by selection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.job import JobDefinition
from headwater.authoring.op import json_tags
from headwater.model.errors import InvalidDefinitionError, InvalidSubsetError, UnresolvedSelection
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import checked_name

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.hooks import HookDefinition
    from headwater.graph.selection import AssetSelection
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import PartitionsDefinition
    from headwater.model.policies import RetryPolicy


class UnresolvedAssetJobDefinition:
    """An asset job by selection: which assets it has is known when it stands in `Definitions`."""

    def __init__(self, name: str, selection: Any, **options: Any) -> None:
        self.name = checked_name(name, "a job")
        self.selection = selection
        self.options = options

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, UnresolvedAssetJobDefinition)
            and other.name == self.name
            and str(other._asset_selection()) == str(self._asset_selection())
            and other.options == self.options
        )

    def __hash__(self) -> int:
        return hash(self.name)

    def _asset_selection(self) -> AssetSelection:
        from headwater.graph.selection import AssetSelection

        return AssetSelection.from_coercible(self.selection)

    @property
    def description(self) -> str | None:
        found: str | None = self.options.get("description")
        return found

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is said of the job, as it was given."""
        return self.options.get("metadata") or {}

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        found: PartitionsDefinition[Any] | None = self.options.get("partitions_def")
        return found

    @property
    def tags(self) -> Mapping[str, str]:
        return json_tags(self.options.get("tags"))

    def resolve(self, index: AssetIndex, **defaults: Any) -> JobDefinition:
        """Return the job of the assets and checks of `index` that are selected."""
        selection = self._asset_selection()
        graph = index.graph
        try:
            selected = selection.resolve(graph)
        except InvalidSubsetError as error:
            raise UnresolvedSelection(self.name, error) from error
        keys = [
            key for key in selected if key in index.definition_by_key and index.definition_by_key[key].is_executable
        ]
        checks = [key for key in selection.resolve_checks(graph) if key in index.definition_by_check]
        if not keys and not checks:
            raise InvalidDefinitionError(
                what=f'Job "{self.name}" selects no asset: {selection}.',
                why="It would have nothing to run.",
                fix="Mend its selection.",
            )
        options = {**defaults, **{name: value for name, value in self.options.items() if value is not None}}
        for name in ("resource_defs", "logger_defs"):
            options[name] = {**(defaults.get(name) or {}), **(self.options.get(name) or {})}
        own = options.get("partitions_def")
        for key in keys if own is not None else ():
            spec = index.spec(key)
            if spec is not None and spec.partitions_def is not None and spec.partitions_def != own:
                raise InvalidDefinitionError(
                    what=f'Job "{self.name}" selects "{key}", which has other partitions than the job.',
                    why="A run of the job for one of its partitions could not say what to build.",
                    fix="Leave partitions_def= out, or select only assets with these partitions.",
                )
        if own is None:
            self._refuse_mixed_partitions(index, keys)
        job_def = JobDefinition(name=self.name, asset_index=index, asset_keys=keys, check_keys=checks, **options)
        for definition, selected, _ in job_def.assets_definitions():
            if selected:
                definition.check_subset(selected)
        return job_def

    def _refuse_mixed_partitions(self, index: AssetIndex, keys: Sequence[AssetKey]) -> None:
        first: tuple[AssetKey, PartitionsDefinition[Any]] | None = None
        for key in sorted(keys):
            spec = index.spec(key)
            if spec is None or spec.partitions_def is None:
                continue
            if first is None:
                first = key, spec.partitions_def
            elif spec.partitions_def != first[1]:
                raise InvalidDefinitionError(
                    what=f'Job "{self.name}" selects "{first[0]}", partitioned {first[1].describe()}, and "{key}", '
                    f"partitioned {spec.partitions_def.describe()}.",
                    why="A run of the job is for one partition, which would mean nothing to one of them.",
                    fix="Make a job of each, or give them the same partitions.",
                )

    def run_request_for_partition(
        self, partition_key: str, run_key: str | None = None, tags: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """Return a RunRequest for one partition of this job."""
        from headwater.authoring.run_request import RunRequest

        return RunRequest(run_key=run_key, job_name=self.name, tags=tags, partition_key=partition_key, **options)

    def __repr__(self) -> str:
        return f"UnresolvedAssetJobDefinition({self.name!r})"


@spelling_checked
def define_asset_job(
    name: str,
    selection: Any = None,
    config: Any = None,
    description: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    executor_def: Any = None,
    hooks: Iterable[HookDefinition] | None = None,
    op_retry_policy: RetryPolicy | None = None,
    owners: Sequence[str] | None = None,
    *,
    timeout: float | None = None,
) -> UnresolvedAssetJobDefinition:
    """Return a job that builds the selected assets (all of them by default) and evaluates their checks."""
    return UnresolvedAssetJobDefinition(
        name,
        selection if selection is not None else "*",
        config=config,
        description=description,
        tags=tags,
        run_tags=run_tags,
        metadata=metadata,
        partitions_def=partitions_def,
        executor_def=executor_def,
        hooks=hooks,
        op_retry_policy=op_retry_policy,
        timeout=timeout,
        owners=owners,
    )
