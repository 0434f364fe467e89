"""Backfills carried out in this process, one run at a time: begun, gone on with after an interruption, and tried again.

What has been built is known by the runs that there are, so that nothing is built twice, however a process ends.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headwater.engine.backfill_progress import BackfillProgress, RunEnd
from headwater.model.backfills import (
    BACKFILL_RUN_TAG,
    BACKFILL_TAG,
    Backfill,
    BackfillOptions,
    BackfillPlan,
    BackfillRequest,
    BackfillRun,
    BackfillStatus,
    Outcome,
)
from headwater.model.errors.backfill_requests import BackfillFailedError, NothingToBackfill, UnclearBackfillRequest
from headwater.model.errors.backfills import BackfillNotOurs, UnknownBackfill
from headwater.model.errors.definition import InvariantViolationError
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.events import AssetNotMaterialized, RunCanceled
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunsFilter, RunStatus
from headwater.runtime.backfill_history import CARRIED_OUT_HERE
from headwater.runtime.backfill_planning import planned_backfill
from headwater.runtime.launch import Request, run_job
from headwater.runtime.moves import adopt_former_keys
from headwater.runtime.staleness import as_definitions, opened, selected_keys
from headwater.views.words import listed

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.runtime.instance import Instance
    from headwater.store.interface import Store

_LOOK_SECONDS: Final = 0.2
_SAVE_SECONDS: Final = 1.0
# Progress is saved a while after runs have ended; what ended around then is asked of the runs again.
_MARGIN_SECONDS: Final = 10.0

OUTCOME_OF_ATTEMPT: Final[Mapping[str, Outcome]] = {
    "materialized": Outcome.MATERIALIZED,
    "unchanged": Outcome.MATERIALIZED,
    "skipped": Outcome.SKIPPED,
    "failed": Outcome.FAILED,
    "blocked": Outcome.BLOCKED,
    "canceled": Outcome.CANCELED,
}


def backfill(
    definitions: Any,
    *,
    selection: Any = None,
    partition_keys: Sequence[str] | None = None,
    partition_range: tuple[str, str] | None = None,
    partitions: str | None = None,
    all_partitions: bool = False,
    mode: str = "requested",
    upstream: bool = True,
    job_name: str | None = None,
    run_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    priority: float = 0.0,
    title: str = "",
    resume: str | None = None,
    retry: str | None = None,
    instance: Instance | None = None,
    raise_on_error: bool = True,
    on_progress: Callable[[Backfill], None] | None = None,
) -> Backfill:
    """Build partitions of assets in this process, in the order of their dependencies, and return the record of it.

    `definitions` is a Definitions, or a list of assets; `selection` an AssetSelection, or a text that means one; without one,
    all that can be built. Without partitions all that exist are meant; `partition_range` names the first and the last,
    `partitions` is a text as the command line takes it. They are read in the definition that has them; assets with other
    partitions are built for those that correspond.

    `mode` is "requested", or what of it is built: "missing" what was never built, "failed" what failed when last tried,
    "stale" what is stale, "all" all upstream of it, too. With `upstream`, what is needed and was never built is added.

    `resume` is the id of a backfill that was interrupted or paused: what is left of it is built. `retry` is the id of one of
    which something failed, was blocked by that, or was canceled: a new backfill builds that. Nothing else is given with these.

    With `raise_on_error`, BackfillFailedError is raised at the end if something could not be made; nothing else is kept from
    being built by a failure but what needs it. Raises NothingToBackfill, UnknownPartitionError, RequestDoesNotMap and
    CheckError before anything is built. The instance is the project's unless one is given.
    """
    project = as_definitions(definitions)
    named = None if selection is None or isinstance(selection, str) else selected_keys(project, selection)
    request = BackfillRequest(
        selection=selection if isinstance(selection, str) else None,
        asset_keys=None if named is None else tuple(map(str, named)),
        job_name=job_name,
        partition_keys=None if partition_keys is None else tuple(partition_keys),
        partition_range=None if partition_range is None else (partition_range[0], partition_range[1]),
        partitions=partitions,
        all_partitions=all_partitions,
        mode=mode,
        upstream=upstream,
        options=BackfillOptions(run_config=run_config or {}, tags=tags or {}, priority=priority),
        title=title,
    )
    with opened(instance) as remembered:
        # Before any of it is planned: an asset that an unfinished backfill builds is not moved.
        adopt_former_keys(project, remembered)
        if (resume or retry) and (request != BackfillRequest() or (resume and retry)):
            raise UnclearBackfillRequest(
                what=f'backfill({"resume" if resume else "retry"}="{resume or retry}") was given more than that.',
                why="What it builds was settled when that backfill began.",
                fix="Give it alone, or leave it out to begin another.",
            )
        if retry is not None:
            request = retry_request(remembered, retry)
        if resume is None:
            planned = planned_backfill(project, request, remembered)
            # It is carried out here, wherever the one that is tried again was.
            record = replace(planned.backfill, location=None)
            remembered.store.create_backfill(record, planned.plan, owned=True)
            resume = record.backfill_id
        ended = carry_out(project, resume, remembered, on_progress)
        if raise_on_error and ended.is_finished and ended.status is not BackfillStatus.SUCCESS:
            raise failure_of(ended, remembered)
        return ended


def carry_out(
    definitions: Any,
    backfill_id: str,
    instance: Instance,
    on_progress: Callable[[Backfill], None] | None = None,
) -> Backfill:
    """Build what is left of a backfill in this process, one run at a time, and return its record when it has ended.

    One that is paused goes on. It returns early when the backfill is paused meanwhile. Interrupted from the keyboard, the run
    of that moment is canceled, and the backfill waits to be gone on with. `on_progress` is told where it stands, a few times a
    second. Raises UnknownBackfill, and BackfillNotOurs when a process that lives carries it out already.
    """
    store = instance.store
    record = store.find_backfill(backfill_id)
    if record is None:
        raise UnknownBackfill(backfill_id, [each.backfill_id for each in store.backfills(limit=100)])
    if record.is_finished:
        return record
    if backfill_id in CARRIED_OUT_HERE or not store.adopt_backfill(backfill_id):
        found = store.find_backfill(backfill_id)
        if found is not None and found.is_finished:
            return found
        raise BackfillNotOurs(backfill_id)
    CARRIED_OUT_HERE.add(backfill_id)
    try:
        owned = replace(record, is_owned=True)
        return _Carrier(as_definitions(definitions), owned, instance, on_progress).carry_out()
    finally:
        CARRIED_OUT_HERE.discard(backfill_id)


def failure_of(ended: Backfill, instance: Instance) -> BackfillFailedError:
    """Return the error that says what of a backfill was not made."""
    bad = [outcome for outcome in Outcome if outcome.is_bad]
    counts = listed([f"{count:,} {each.name.lower()}" for each in bad if (count := ended.count(each))], 3)
    named: list[str] = []
    for outcome in bad:
        for key, keys in partitions_with(instance, ended.backfill_id, (outcome,)).items():
            named += [f"{key}[{each}]" for each in keys[:5]] if keys else [key]
        if len(named) > 5:
            break
    return BackfillFailedError(ended.backfill_id, ended.title, counts or "nothing left", named)


def partitions_with(instance: Instance, backfill_id: str, outcomes: Iterable[Outcome]) -> dict[str, tuple[str, ...]]:
    """Return by asset its partitions that have one of these outcomes in a backfill; an asset without partitions has none.

    Raises UnknownBackfill.
    """
    wanted = frozenset(outcomes)
    store = instance.store
    progress = BackfillProgress(store.backfill_plan(backfill_id), store.backfill_progress(backfill_id))
    found: dict[str, tuple[str, ...]] = {}
    for key, keys, body in progress.outcomes():
        here = [position for position, outcome in enumerate(body) if outcome in wanted]
        if here:
            found[key] = (*found.get(key, ()), *(() if keys is None else (keys[position] for position in here)))
    return found


def retry_request(
    instance: Instance,
    backfill_id: str,
    outcomes: Iterable[Outcome] = (Outcome.FAILED, Outcome.BLOCKED, Outcome.CANCELED),
    *,
    title: str = "",
) -> BackfillRequest:
    """Return the request that builds again what of a backfill failed, was blocked by that, or was canceled.

    Raises UnknownBackfill, and NothingToBackfill when there is none of it.
    """
    store = instance.store
    record = store.find_backfill(backfill_id)
    if record is None:
        raise UnknownBackfill(backfill_id, [each.backfill_id for each in store.backfills(limit=100)])
    renames = store.renames()
    keys = {
        # It may have another key by now.
        renames.at(key, record.created_at): partitions
        for key, partitions in partitions_with(instance, backfill_id, outcomes).items()
    }
    if not keys:
        raise NothingToBackfill("retry", record.asset_keys)
    return BackfillRequest(
        keys_by_asset=keys,
        job_name=record.job_name,
        upstream=False,
        options=replace(record.options, only_missing=False),
        title=title or f"retry of {(record.title or backfill_id).removeprefix('retry of ')}",
        parent_backfill_id=backfill_id,
        location=record.location,
    )


# -------------------------------------------------------------------------------------------------- how it is carried out


class _Carrier:
    """One backfill that this process carries out."""

    def __init__(
        self,
        definitions: Definitions,
        record: Backfill,
        instance: Instance,
        on_progress: Callable[[Backfill], None] | None,
    ) -> None:
        self.definitions = definitions
        self.instance = instance
        self.store: Store = instance.store
        self.record = record
        self.on_progress = on_progress
        self.is_told_to_stop = False
        self._jobs: dict[tuple[str, ...], JobDefinition] = {}
        self._configs: dict[tuple[str, ...], dict[str, Any]] = {}
        self._began_at = time.monotonic()
        self._seconds_before = record.seconds
        self._looked_at = self._saved_at = self._told_at = self._began_at

    @property
    def backfill_id(self) -> str:
        return self.record.backfill_id

    def carry_out(self) -> Backfill:
        try:
            self._open()
            self._go_on()
        except BackfillNotOurs:
            raise
        except BaseException as error:
            self._leave(self._cause_of(error))
            raise
        return self.record

    def _open(self) -> None:
        self.plan = self.store.backfill_plan(self.backfill_id)
        self._end_runs_of_a_server()
        saved = self.store.backfill_progress(self.backfill_id)
        recorded = recorded_runs(self.store, self.record, self.plan)
        self.is_resumed = saved is not None or bool(recorded)
        self.progress = BackfillProgress(self.plan, saved, recorded)
        wishes = self.store.take_backfill_wishes([self.backfill_id])
        wish = wishes[self.backfill_id].wish if self.backfill_id in wishes else None
        if wish == "cancel" or self.record.status is BackfillStatus.CANCELING:
            self._cancel()
        else:
            self._change(status=BackfillStatus.IN_PROGRESS, cause=None)

    def _end_runs_of_a_server(self) -> None:
        """End the runs that a server left unfinished: the next one would go on with them beside this process."""
        waiting = [RunStatus.QUEUED, RunStatus.INTERRUPTED]
        for run in self.store.runs(RunsFilter(tags={BACKFILL_TAG: self.backfill_id}, statuses=waiting)):
            if self.store.is_launched(run.run_id) and self.store.adopt_run(run.run_id):
                reason = "its backfill goes on in another process"
                self.store.append(RunCanceled(run_id=run.run_id, timestamp=time.time(), reason=reason))
        self.store.flush()

    def _go_on(self) -> None:
        while not self.progress.is_over:
            runs = self.progress.issue(1)
            if not runs and not self.progress.is_over:
                raise InvariantViolationError(
                    what=f"Backfill {self.backfill_id} has work left that waits for nothing that runs.",
                    why="It would never end.",
                    fix="Tell us of it. Until then cancel it, and backfill what is missing.",
                )
            for number, run in enumerate(runs):
                if self.is_told_to_stop:
                    for each in runs[number:]:
                        self.progress.give_back(each)
                    break
                for left in self._still_wanted(run):
                    self._carry_out_run(left)
                self._look_around()
            if self.is_told_to_stop:
                self._leave(None, BackfillStatus.PAUSED)
                return
        now = time.time()
        if self.record.status is BackfillStatus.CANCELING:
            status = BackfillStatus.CANCELED
        else:
            status = BackfillStatus.SUCCESS if self.progress.is_success else BackfillStatus.FAILURE
        self._change(status=status, ended_at=now, is_owned=False)
        self._save()
        if self.on_progress is not None:
            self.on_progress(self.record)

    # ------------------------------------------------------------------------------------------------------------- a run

    def _still_wanted(self, run: BackfillRun) -> Sequence[BackfillRun]:
        """Return what of a run is still to be done, when only what is missing was asked for."""
        if not self.record.options.only_missing or self.record.runs_a_job:
            return (run,)
        there = materialized_positions(self.store, run, self.plan)
        return self.progress.leave_out(run, there) if there else (run,)

    def _carry_out_run(self, run: BackfillRun) -> None:
        keys = run.partition_keys(self.plan)
        job = self._job(run.asset_keys)
        options = self.record.options
        request = Request(
            run_config=self._config(run.asset_keys) or None,
            tags={**options.tags, BACKFILL_TAG: self.backfill_id, BACKFILL_RUN_TAG: run.spelled},
            partition_key=keys[0] if keys is not None and len(keys) == 1 else None,
            partition_keys=keys if keys is not None and len(keys) != 1 else None,
            run_id=self._run_id(run),
            raise_on_error=False,
            keeps_values=False,
        )
        try:
            outcome = run_job(job, request, self.instance)
        except UnknownPartitionError as error:
            # The definition has changed since; what it still has goes on.
            self.progress.ended(run, Outcome.FAILED)
            self._change(cause=error.what)
            return
        except BaseException:
            self.progress.ended(run, self._end_of_interrupted(request.run_id or "", run))
            raise
        if outcome.success and not any(isinstance(each, AssetNotMaterialized) for each in outcome.events):
            self.progress.ended(run, Outcome.MATERIALIZED)
        else:
            status = outcome.run.status
            self.progress.ended(run, end_of_run(self.store, outcome.run.run_id, status, run, self.plan))

    def _end_of_interrupted(self, run_id: str, run: BackfillRun) -> RunEnd:
        return end_of_run(self.store, run_id, RunStatus.INTERRUPTED, run, self.plan)

    def _job(self, asset_keys: tuple[str, ...]) -> JobDefinition:
        job = self._jobs.get(asset_keys)
        if self.record.runs_a_job:
            return self._whole()
        if job is None:
            job = self._jobs[asset_keys] = self._whole().for_assets(map(AssetKey.parse, asset_keys))
        return job

    def _whole(self) -> JobDefinition:
        name = self.record.job_name
        return self.definitions.global_asset_job if name is None else self.definitions.get_job_def(name)

    def _config(self, asset_keys: tuple[str, ...]) -> dict[str, Any]:
        if asset_keys not in self._configs:
            config = config_of_job(self._job(asset_keys), self._whole(), self.record.options.run_config)
            self._configs[asset_keys] = config
        return self._configs[asset_keys]

    def _run_id(self, run: BackfillRun) -> str:
        """Return the id of a run: the one that it has, or another when that one was interrupted."""
        run_id = run.run_id(self.backfill_id)
        while self.is_resumed and self.store.find_run(run_id) is not None:
            run_id = str(uuid.uuid5(uuid.UUID(run_id), "again"))
        return run_id

    # --------------------------------------------------------------------------------------------------- what is wanted

    def _look_around(self) -> None:
        """Between runs: take up what is wanted of it, keep where it stands, and tell."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            for wish in self.store.take_backfill_wishes([self.backfill_id]).values():
                self._change(options=wish.granted(self.record.options))
                if wish.wish == "cancel":
                    self._cancel()
                elif wish.wish == "pause":
                    self.is_told_to_stop = True
        if now - self._saved_at >= _SAVE_SECONDS:
            self._save()
        if now - self._told_at >= _LOOK_SECONDS:
            self._tell()

    def _cancel(self) -> None:
        self.progress.cancel()
        self._change(status=BackfillStatus.CANCELING)

    # ----------------------------------------------------------------------------------------------------- what is kept

    def _change(self, **changes: Any) -> None:
        self.record = replace(self.record, **changes)

    def _count(self) -> None:
        seconds = self._seconds_before + time.monotonic() - self._began_at
        self._change(counts=self.progress.counts(), updated_at=time.time(), seconds=seconds)

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        self._count()
        self.store.save_backfill(self.record, self.progress.saved())

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        if self.on_progress is not None:
            self._count()
            self.on_progress(self.record)

    def _leave(self, cause: str | None, status: BackfillStatus | None = None) -> None:
        """Keep where it stands and let others go on with it."""
        if not hasattr(self, "progress"):
            self.store.release_backfill(self.backfill_id)
            return
        # What was issued and is not in a run any more waits.
        saved = self.progress.saved()
        self.progress = BackfillProgress(self.plan, saved)
        self._change(status=status or self.record.status, cause=cause, is_owned=False)
        self._save()
        self.store.release_backfill(self.backfill_id)

    def _cause_of(self, error: BaseException) -> str:
        if isinstance(error, KeyboardInterrupt):
            return f"interrupted; `headwater backfill resume {self.backfill_id}` goes on with it"
        return str(getattr(error, "what", "") or f"{type(error).__name__}: {error}")


def recorded_runs(store: Store, record: Backfill, plan: BackfillPlan) -> list[tuple[BackfillRun, RunEnd | None]]:
    """Return the runs of a backfill that may have ended since its progress was saved, oldest first, with their ends.

    What a run that was interrupted or canceled has not made is to be made yet.
    """
    found: list[tuple[BackfillRun, RunEnd | None]] = []
    unfinished = [status for status in RunStatus if not status.is_finished]
    for run in sorted(runs_since_saved(store, record, unfinished), key=lambda each: each.created_at):
        each = run_as_planned(record, run, plan)
        if each is not None:
            status = RunStatus.INTERRUPTED if run.status is RunStatus.CANCELED else run.status
            found.append((each, end_of_run(store, run.run_id, status, each, plan)))
    return found


def runs_since_saved(store: Store, record: Backfill, statuses: Sequence[RunStatus]) -> Collection[Run]:
    """Return the runs of a backfill that changed since its progress was saved, and all of these statuses; each once."""
    tags = {BACKFILL_TAG: record.backfill_id}
    since = datetime.fromtimestamp((record.updated_at or record.created_at) - _MARGIN_SECONDS, UTC)
    runs = {
        run.run_id: run
        for filters in (RunsFilter(tags=tags, updated_after=since), RunsFilter(tags=tags, statuses=statuses))
        for run in store.runs(filters)
    }
    return runs.values()


def run_as_planned(record: Backfill, run: Run, plan: BackfillPlan) -> BackfillRun | None:
    """Return what a recorded run builds of a backfill, by its tag; None where that says nothing of this plan."""
    spelled = BackfillRun.parse(run.tags.get(BACKFILL_RUN_TAG, ""), ())
    if spelled is None or spelled.group >= len(plan.groups):
        return None
    asked = set(record.asset_keys) if record.runs_a_job else set(map(str, run.asset_selection))
    return replace(spelled, asset_keys=tuple(key for key in plan.groups[spelled.group].asset_keys if key in asked))


def materialized_positions(store: Store, run: BackfillRun, plan: BackfillPlan) -> dict[str, list[int]]:
    """Return by asset which positions of a run have been materialized, by whomever; assets without any are left out."""
    keys = run.partition_keys(plan)
    there: dict[str, list[int]] = {}
    for key in run.asset_keys:
        asset = AssetKey.parse(key)
        if keys is None:
            state = store.asset_state(asset)
            found = [0] if state is not None and state.materialization is not None else []
        else:
            made = store.materialized_among(asset, keys)
            found = [position for position, each in zip(run.positions(), keys, strict=True) if each in made]
        if found:
            there[key] = found
    return there


def end_of_run(
    store: Store, run_id: str, status: RunStatus, run: BackfillRun, plan: BackfillPlan
) -> Mapping[str, Mapping[int, Outcome]]:
    """Return what became of each asset and position of a run that is not carried out any more."""
    if status is RunStatus.SUCCESS:
        otherwise = Outcome.MATERIALIZED
    elif status is RunStatus.FAILURE:
        otherwise = Outcome.FAILED
    elif status is RunStatus.CANCELED:
        otherwise = Outcome.CANCELED
    else:
        otherwise = Outcome.WAITING
    keys = run.partition_keys(plan)
    end: dict[str, dict[int, Outcome]] = {}
    for key in run.asset_keys:
        asset = AssetKey.parse(key)
        told = store.attempt_outcomes(asset, keys, run_id)
        if not told and keys is not None:
            # Of a multi-asset that builds one without partitions with others that have some.
            told = (
                dict.fromkeys(keys, whole) if (whole := store.attempt_outcomes(asset, None, run_id).get(None)) else {}
            )
        by_position: dict[int, Outcome] = {}
        for position, each in zip(run.positions(), keys if keys is not None else (None,), strict=True):
            outcome = OUTCOME_OF_ATTEMPT.get(told.get(each, ""), otherwise)
            if otherwise is Outcome.WAITING and outcome in (Outcome.CANCELED, Outcome.BLOCKED):
                outcome = Outcome.WAITING
            by_position[position] = outcome
        end[key] = by_position
    return end


def config_of_job(job: JobDefinition, whole: JobDefinition, run_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the config of a backfill concerns one of its runs: ops of its other runs are left out."""
    ops = run_config.get("ops")
    if not isinstance(ops, Mapping):
        return dict(run_config)
    others = {node.name for node in whole.top_level_node_defs} - {node.name for node in job.top_level_node_defs}
    kept = {name: config for name, config in ops.items() if name not in others}
    rest = {name: config for name, config in run_config.items() if name != "ops"}
    return {**rest, "ops": kept} if kept else rest
