"""Which runs a command means: of which assets, for which partitions, one or several. What cannot be run is refused here."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.cli.error_report import CommandRefused
from headwater.graph.selection import AssetSelection
from headwater.model.errors import CheckError
from headwater.model.policies import most_partitions_of_a_run
from headwater.model.tags import Tags
from headwater.plan.missing_upstream import UnbuiltPartitions, missing_upstream, unbuilt_partitions
from headwater.plan.partitions_of_request import key_of, keys_in_range, partitions_defs_of
from headwater.runtime.execute import asset_job
from headwater.views.words import counted, listed

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import PartitionsDefinition
    from headwater.runtime.instance import Instance

MOST_PARTITIONS_NAMED = 100_000
_MOST_NEEDS_NAMED = 3
_MOST_RANGES_NAMED = 3
_PARTITION_TAGS = ("headwater/partition", "headwater/asset_partition_range_start")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was asked for on the command line. Either a selection of assets or the name of a job."""

    selection: str | None = None
    job_name: str | None = None
    partition_key: str | None = None
    partition_range: tuple[str, str] | None = None
    run_config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    adds_missing_upstream: bool = True
    check_only: bool = False
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class IntendedRuns:
    """The runs that carry out a request: one for each chunk of partitions, None standing for no partition.

    `added` are assets that are needed and missing; of those, each run makes what is missing when its turn comes.
    """

    definitions: Definitions
    job: JobDefinition
    selection: AssetSelection | None
    added: tuple[AssetKey, ...]
    chunks: tuple[tuple[str, ...] | None, ...]

    @property
    def partitions(self) -> int:
        return sum(len(chunk or ()) for chunk in self.chunks)

    def selection_for(self, chunk: tuple[str, ...] | None, instance: Instance) -> AssetSelection | None:
        """Return what the run of one chunk makes: what is selected, and what it needs that is missing still."""
        if self.selection is None or not self.added:
            return self.selection
        added = self.added
        if len(self.chunks) > 1:
            added = missing_upstream(self.definitions.index.graph, instance.store, self.job.asset_keys, chunk)
        return self.selection | AssetSelection.keys(*added) if added else self.selection


def intended_runs(definitions: Definitions, instance: Instance, request: RunRequest) -> IntendedRuns:
    """Return the runs of a request. Raises CommandRefused, and errors of selections and partitions, before any run."""
    selection: AssetSelection | None = None
    if request.selection is not None:
        selection = AssetSelection.from_string(request.selection)
        job = asset_job(definitions, selection, checks_only=request.check_only)
    else:
        job = definitions.get_job_def(request.job_name or "")
    keys = _partition_keys(job, instance, request)
    added: tuple[AssetKey, ...] = ()
    if selection is not None and not request.check_only:
        graph = definitions.index.graph
        added = missing_upstream(graph, instance.store, job.asset_keys, keys)
        if added and not request.adds_missing_upstream:
            _refuse_without_upstream(job, added, keys, instance)
        unbuilt = unbuilt_partitions(definitions.index, instance.store, {*job.asset_keys, *added}, keys, instance)
        if unbuilt:
            _refuse_unbuilt(unbuilt, instance, request)
    chunks = _chunks(job, added, _in_order(definitions, job, instance, keys))
    if len(chunks) > 1:
        _refuse_unpartitioned_among(job, chunks)
    return IntendedRuns(definitions, job, selection, added, chunks)


# ------------------------------------------------------------------------------------------------------------ partitions


def _partition_keys(job: JobDefinition, instance: Instance, request: RunRequest) -> tuple[str, ...] | None:
    definitions = partitions_defs_of(job)
    asked = request.partition_key or "...".join(request.partition_range or ())
    if not asked:
        if (
            definitions
            and job.is_asset_job
            and not any(tag in Tags({**job.run_tags, **request.tags}) for tag in _PARTITION_TAGS)
        ):
            _refuse_without_partition(job, definitions)
        return None
    if not definitions:
        raise CommandRefused(
            what=f'The partitions "{asked}" were asked for, and nothing selected is partitioned.'
            if request.partition_key is None
            else f'Partition "{asked}" was asked for, and nothing selected is partitioned.',
            why="There is no partition that they could mean."
            if request.partition_key is None
            else "There is no partition that it could mean.",
            fix="Leave the partition out.",
        )
    if request.partition_key is not None:
        return _spelled_keys(job, definitions, instance, request.partition_key)
    if len(definitions) > 1:
        _refuse_different(job, "One range of keys cannot be meant for all of them.")
    assert request.partition_range is not None
    return keys_in_range(definitions[0], request.partition_range, instance)


def _spelled_keys(
    job: JobDefinition, definitions: Sequence[PartitionsDefinition[Any]], instance: Instance, text: str
) -> tuple[str, ...]:
    """Return the partitions that a text names: one key, or several by ranges and slices; of all that is selected alike."""
    if all(each.has_partition_key(text, None, instance) for each in definitions):
        return (key_of(definitions[0], text),)
    from headwater.model.partitions.own_mapping import size_of
    from headwater.model.partitions.spelling import read_partitions

    found = read_partitions(text, definitions[0], None, instance)
    if size_of(found) > MOST_PARTITIONS_NAMED:
        raise CommandRefused(
            what=f'"{text}" names {size_of(found):,} partitions of {definitions[0].describe()}.',
            why=f"One command launches runs for at most {MOST_PARTITIONS_NAMED:,}.",
            fix="Name fewer, or let a backfill make them: headwater backfill --help",
        )
    keys = tuple(found)
    for each in definitions[1:]:
        try:
            others = tuple(read_partitions(text, each, None, instance))
        except CheckError:
            others = ()
        if others != keys:
            _refuse_different(job, f'"{text}" does not name the same partitions of all of them.')
    return keys


def _in_order(
    definitions: Definitions, job: JobDefinition, instance: Instance, keys: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Return the partitions in an order in which an asset that reads its own finds those that it needs."""
    graph = definitions.index.graph
    reading_itself = [key for key in job.asset_keys if graph.has_self_dependency(key)]
    if not reading_itself or keys is None or len(keys) == 1:
        return keys
    from headwater.model.clock import utc_now
    from headwater.views.partition_spaces import PartitionSpaces

    spaces = PartitionSpaces(graph, instance, utc_now())
    for key in reading_itself:
        space = spaces.of(key)
        if space is not None:
            keys = spaces.in_order_of_need(key, space.definition.subset_with_partition_keys(keys))
    return keys


def _partitioned(job: JobDefinition) -> dict[AssetKey, PartitionsDefinition[Any]]:
    """Return the partitions of each partitioned asset that the job builds, or, where it builds none, checks."""
    index = job.asset_index
    if index is None:
        return {}
    keys = job.asset_keys or {check.asset_key for check in job.check_keys}
    specs = ((key, index.spec(key)) for key in index.graph.toposort() if key in keys)
    return {key: spec.partitions_def for key, spec in specs if spec is not None and spec.partitions_def is not None}


def _refuse_without_partition(job: JobDefinition, definitions: Sequence[PartitionsDefinition[Any]]) -> None:
    if len(definitions) > 1:
        _refuse_different(job, "It is not known which partitions to use, and no key is meant for all of them.")
    names = [f'"{key}"' for key in _partitioned(job)]
    what = f"Asset {names[0]} is" if len(names) == 1 else f"{listed(names) or 'What is selected'} are"
    raise CommandRefused(
        what=f"{what} partitioned ({definitions[0].describe()}), and no partition was asked for.",
        why=f"It is not known which partitions to {'make' if job.asset_keys else 'check'}.",
        fix="Name them: --partition KEY, or --partition-range FIRST...LAST.",
    )


def _refuse_different(job: JobDefinition, why: str) -> None:
    by_definition: list[tuple[PartitionsDefinition[Any], list[str]]] = []
    for key, definition in _partitioned(job).items():
        group = next((names for known, names in by_definition if known == definition), None)
        if group is None:
            by_definition.append((definition, group := []))
        group.append(str(key))
    parted = "; ".join(f"{listed(names)} ({definition.describe()})" for definition, names in by_definition)
    first = shlex.quote(" or ".join(by_definition[0][1][:5])) if by_definition else "SELECTION"
    raise CommandRefused(
        what=f"The selection holds assets with different partitions: {parted}.",
        why=why,
        fix=f"Select them separately, each with partitions of its own, such as: "
        f"headwater {'materialize' if job.asset_keys else 'check'} {first} --partition KEY",
    )


def _chunks(
    job: JobDefinition, added: Collection[AssetKey], keys: tuple[str, ...] | None
) -> tuple[tuple[str, ...] | None, ...]:
    if keys is None or len(keys) == 1:
        return (keys,)
    size = _most_partitions_of_a_run(job, added)
    if size is None:
        return (keys,)
    return tuple(keys[start : start + size] for start in range(0, len(keys), size))


def _most_partitions_of_a_run(job: JobDefinition, added: Collection[AssetKey]) -> int | None:
    """Return how many partitions one run takes: the fewest that any of its assets allows; None means any number."""
    index = job.asset_index
    keys = {*_partitioned(job), *added}
    if index is None or not keys:
        return 1
    sizes: list[int] = []
    for key in keys:
        definition = index.definition_by_key[key]
        if definition.specs_by_key[key].partitions_def is None:
            continue
        size = most_partitions_of_a_run(definition.backfill_policy)
        if size is not None:
            sizes.append(size)
    return min(sizes, default=None)


def _refuse_unpartitioned_among(job: JobDefinition, chunks: Sequence[tuple[str, ...] | None]) -> None:
    partitioned = _partitioned(job)
    if not partitioned:
        return
    keys = job.asset_keys or {check.asset_key for check in job.check_keys}
    without = sorted(str(key) for key in keys if key not in partitioned)
    if not without:
        return
    verb = "materialize" if job.asset_keys else "check"
    raise CommandRefused(
        what=f"The selection holds assets without partitions, and these partitions take {counted(len(chunks), 'run')}: "
        f"{listed(without)}.",
        why="They would be made again by every one of the runs."
        if job.asset_keys
        else "They would be checked again by every one of the runs.",
        fix=f"Select them separately, afterwards: headwater {verb} {shlex.quote(' or '.join(without[:5]))}",
    )


# -------------------------------------------------------------------------------------------------------------- upstream


def _refuse_without_upstream(
    job: JobDefinition, added: Sequence[AssetKey], keys: Sequence[str] | None, instance: Instance
) -> None:
    index = job.asset_index
    assert index is not None
    named: list[str] = []
    is_partitioned = False
    for key in added:
        partitions_def = index.graph.spec(key).partitions_def
        if partitions_def is None or keys is None:
            named.append(str(key))
            continue
        is_partitioned = True
        made = instance.store.materialized_among(key, keys)
        missing = tuple(each for each in keys if each not in made) or tuple(keys)
        named.append(f"{key} [{_ranges_in_words(UnbuiltPartitions(key, key, missing, partitions_def), instance)}]")
    first = shlex.quote(" or ".join(str(key) for key in added[:5]))
    raise CommandRefused(
        what=f"What is selected needs what was never materialized: {listed(named)}.",
        why="--no-upstream leaves it out, and the run would not find it.",
        fix=f"Leave out --no-upstream, or make it first: headwater materialize {first}"
        + (" --partition KEY" if is_partitioned else ""),
    )


def _refuse_unbuilt(unbuilt: Sequence[UnbuiltPartitions], instance: Instance, request: RunRequest) -> None:
    told = [
        f'"{each.needed_by}" needs {counted(len(each.keys), "partition")} of "{each.upstream}" '
        f"({_ranges_in_words(each, instance)})"
        for each in unbuilt[:_MOST_NEEDS_NAMED]
    ]
    if len(unbuilt) > _MOST_NEEDS_NAMED:
        told.append(f"and {counted(len(unbuilt) - _MOST_NEEDS_NAMED, 'other need')} like these")
    commands: dict[str, None] = {}
    for each in unbuilt[:_MOST_NEEDS_NAMED]:
        for part in each.ranges(instance)[:_MOST_RANGES_NAMED]:
            option = (
                f"--partition {shlex.quote(part.start)}"
                if part.start == part.end
                else f"--partition-range {shlex.quote(f'{part.start}...{part.end}')}"
            )
            commands[f"headwater materialize {shlex.quote(str(each.upstream))} {option}"] = None
    raise CommandRefused(
        what=f"What was never materialized is needed: {'; '.join(told)}.",
        why="These are other partitions than those of the run, which would not find them.",
        fix="Make them first: " + "\n       ".join(commands) + _all_at_once(request),
    )


def _all_at_once(request: RunRequest) -> str:
    """Return the command that makes what is asked for with all that it needs; nothing for a job, which names its assets."""
    if request.selection is None:
        return ""
    keys = request.partition_key or "...".join(request.partition_range or ())
    option = f" --partition {shlex.quote(keys)}" if keys else ""
    return f"\n       Or all in their order: headwater backfill {shlex.quote(request.selection)}{option}"


def _ranges_in_words(unbuilt: UnbuiltPartitions, instance: Instance) -> str:
    ranges = unbuilt.ranges(instance)
    texts = [part.start if part.start == part.end else f"{part.start}...{part.end}" for part in ranges]
    return listed(texts, _MOST_RANGES_NAMED)
