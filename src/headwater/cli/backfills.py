"""Backfills from the command line: planned and asked about, launched, watched while they go, told of when they have ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.backfill_options import HowToLaunch
from headwater.cli.backfill_progress import BackfillDisplay, backfill_progress_for
from headwater.cli.error_report import INTERRUPTED, RUN_FAILED, CommandRefused
from headwater.cli.screen import Screen, can_draw
from headwater.cli.workplace import Workplace
from headwater.engine.backfill_progress import BackfillProgress
from headwater.model.backfills import (
    BACKFILL_RUN_TAG,
    BACKFILL_TAG,
    Backfill,
    BackfillRequest,
    BackfillRun,
    BackfillStatus,
    Outcome,
)
from headwater.model.errors.backfill_requests import NothingToBackfill
from headwater.model.errors.root import HeadwaterError
from headwater.model.errors.service import ServiceError
from headwater.model.keys import AssetKey
from headwater.model.runs import AssetState, Run, RunsFilter, RunStatus
from headwater.views.backfills import (
    PartitionsTogether,
    backfill_data,
    backfill_sentence,
    backfill_subject,
    backfill_word,
    is_interrupted,
    parted_by_cause,
    plan_in_words,
    short_id,
    with_outcome,
)
from headwater.views.runs import run_cause, run_subject, short_id as short_run_id
from headwater.views.words import counted

if TYPE_CHECKING:
    from headwater.runtime.backfill_planning import PlannedBackfill
    from headwater.runtime.instance import Instance
    from headwater.service.control import ServiceClient

_LOOK_SECONDS = 0.2
_PLANNING_SECONDS = 300.0
_FAILURES_SECONDS = 0.5
# How long one that nobody carries out is waited for: a service that runs, or is being started, takes it up.
_TAKE_UP_SECONDS = 30.0
_RESTART_SECONDS = 5.0
_GRANT_SECONDS = 10.0
_MOST_LINES_SHOWN = 40
_MOST_CAUSES_SHOWN = 10
_MOST_RUNS_LOOKED_AT = 1_000


# ------------------------------------------------------------------------------------------------------------ launching


def launch_backfill(workplace: Workplace, request: BackfillRequest, how: HowToLaunch, *, as_json: bool) -> int:
    """Plan the backfill, ask, and have it carried out: at the running service, or here; return the exit code."""
    screen = Screen(as_json)
    if how.dry_run:
        with workplace.instance_to_read() as instance:
            planned = _planned(screen, workplace, request, instance)
            return 0 if planned is None else _tell_plan(screen, planned)
    from headwater.cli.launching import service_of

    with (
        workplace.instance() as instance,
        service_of(screen, workplace, instance, here=how.here, location=request.location) as service,
    ):
        if how.detach and service is None:
            _refuse_to_detach(workplace)
        planned = None
        # What another location holds may not be loaded here; its server plans it.
        if request.location is None or (not how.yes and can_draw(screen.err)):
            planned = _planned(screen, workplace, request, instance)
            if planned is None:
                return 0
            _show_and_ask(screen, planned, how)
        if service is None:
            assert planned is not None
            return carry_out_here(screen, workplace, instance, _recorded(instance, planned))
        try:
            backfill_id = _launched_at_service(screen, service, request, is_told=planned is not None)
        except ServiceError as error:
            if error.raised_as != NothingToBackfill.__name__:
                raise
            tell_nothing_to_do(
                screen, NothingToBackfill(request.mode, request.asset_keys or (request.selection or "*",))
            )
            return 0
        if how.detach:
            return _told_of_launch(screen, instance, backfill_id)
        screen.say(f"Backfill {short_id(backfill_id)} is carried out by the service; Ctrl-C stops watching, not it.")
        return watch_and_tell(screen, instance, backfill_id, says_at_once=False)


def _planned(
    screen: Screen, workplace: Workplace, request: BackfillRequest, instance: Instance
) -> PlannedBackfill | None:
    """Return the plan; None, and say so, when nothing is missing (failed, stale) of what was asked for."""
    from headwater.runtime.backfill_planning import planned_backfill

    try:
        return planned_backfill(workplace.definitions, request, instance, warn_above=workplace.settings.warn_above)
    except NothingToBackfill as nothing:
        tell_nothing_to_do(screen, nothing)
        return None


def tell_nothing_to_do(screen: Screen, nothing: NothingToBackfill) -> None:
    """Say that all that was asked for is there; raise it again when there never was anything that could be made."""
    if nothing.mode in ("requested", "all"):
        raise nothing
    screen.result(f"Nothing to do. {nothing.why}")
    if screen.as_json:
        screen.document({"backfill": None, "nothing_to_do": nothing.why})


def _tell_plan(screen: Screen, planned: PlannedBackfill) -> int:
    materialization_plan = planned.materialization_plan
    if screen.as_json:
        screen.document(
            {
                "plan": {
                    **materialization_plan.to_data(),
                    "total": planned.plan.total,
                    "run_count": planned.plan.unit_count,
                }
            }
        )
        return 0
    for line in materialization_plan.tree_lines():
        screen.result(line)
    screen.result()
    screen.result(plan_in_words(planned.plan, materialization_plan.seconds))
    for warning in materialization_plan.warnings:
        screen.say(f"Warning: {warning}")
    return 0


def _show_and_ask(screen: Screen, planned: PlannedBackfill, how: HowToLaunch) -> None:
    """Show the plan on a terminal and ask whether to go on; elsewhere only its size and its warnings are told."""
    materialization_plan = planned.materialization_plan
    asks = not how.yes and can_draw(screen.err)
    if asks:
        lines = list(materialization_plan.tree_lines())
        for line in lines[:_MOST_LINES_SHOWN]:
            screen.say(line)
        if len(lines) > _MOST_LINES_SHOWN:
            screen.say(f"... and {len(lines) - _MOST_LINES_SHOWN:,} more assets (--dry-run shows them)")
    screen.say(plan_in_words(planned.plan, materialization_plan.seconds))
    for warning in materialization_plan.warnings:
        screen.say(f"Warning: {warning}")
    if asks:
        click.confirm("Go on?", abort=True, err=True)


def _recorded(instance: Instance, planned: PlannedBackfill) -> str:
    instance.store.create_backfill(planned.backfill, planned.plan, owned=True)
    return planned.backfill.backfill_id


def _launched_at_service(
    screen: Screen, service: tuple[ServiceClient, str], request: BackfillRequest, *, is_told: bool
) -> str:
    """Have the service plan, record and begin it; return its id. `is_told` says that its warnings are known already."""
    from dataclasses import replace

    from headwater.service.control import LaunchBackfill

    client, location = service
    told = client.ask(LaunchBackfill(replace(request, location=location)), timeout_seconds=_PLANNING_SECONDS)
    if not is_told:
        for warning in told["warnings"]:
            screen.say(f"Warning: {warning}")
    return str(told["backfill_id"])


def _told_of_launch(screen: Screen, instance: Instance, backfill_id: str) -> int:
    if screen.as_json:
        found = instance.store.find_backfill(backfill_id)
        screen.document({"backfill": backfill_data(found) if found is not None else {"backfill_id": backfill_id}})
    screen.result(backfill_id)
    screen.say(f"  watch it: headwater backfill watch {short_id(backfill_id)}")
    return 0


def _refuse_to_detach(workplace: Workplace) -> None:
    raise CommandRefused(
        what="--detach hands the backfill to a service, and none runs.",
        why=f"Nobody would carry it out: {workplace.settings.home} has no service.",
        fix="Start one (headwater serve), or leave out --detach: it is then carried out by this command.",
    )


# --------------------------------------------------------------------------------------------------- carried out, watched


def carry_out_here(screen: Screen, workplace: Workplace, instance: Instance, backfill_id: str) -> int:
    """Carry a recorded backfill out in this process and tell how it ended; return the exit code."""
    from headwater.runtime.backfills import carry_out

    display = backfill_progress_for(screen)
    failures = _Failures(instance, backfill_id, display)
    display.show(_found(instance, backfill_id))

    def on_progress(backfill: Backfill) -> None:
        display.show(backfill)
        failures.tell(backfill)

    try:
        with display:
            ended = carry_out(workplace.definitions, backfill_id, instance, on_progress=on_progress)
            failures.tell(ended, is_last=True)
    except KeyboardInterrupt:
        screen.say("Interrupted.")
    except HeadwaterError:
        short = short_id(backfill_id)
        screen.say(f"Backfill {short} stands still. When that is mended: headwater backfill resume {short}")
        screen.say(f"                           To give it up: headwater backfill cancel {short}")
        raise
    return told_of(screen, instance, backfill_id)


def watch_and_tell(screen: Screen, instance: Instance, backfill_id: str, *, says_at_once: bool = True) -> int:
    """Show how a backfill that others carry out goes until its end; Ctrl-C stops only the watching."""
    display = backfill_progress_for(screen)
    try:
        begun = _found(instance, backfill_id)
        if says_at_once and not begun.is_finished and not can_draw(screen.out):
            display.line(backfill_sentence(begun, time.time()))
        with display:
            watch(instance, backfill_id, display)
    except KeyboardInterrupt:
        found = _found(instance, backfill_id)
        if not found.is_finished and found.is_owned:
            short = short_id(backfill_id)
            screen.say(f"No longer watched; the backfill goes on. Go on watching: headwater backfill watch {short}")
            screen.say(f"                                   Stop it: headwater backfill cancel {short}")
            if screen.as_json:
                screen.document(shown_data(instance, found))
            return INTERRUPTED
    return told_of(screen, instance, backfill_id)


def watch(instance: Instance, backfill_id: str, display: BackfillDisplay) -> Backfill:
    """Show a backfill until it has ended, or until nobody carries it out any more; return where it stands then."""
    failures = _Failures(instance, backfill_id, display)
    left_at: float | None = None
    with instance.store.listen("backfills") as listener:
        while True:
            backfill = _found(instance, backfill_id)
            display.show(backfill)
            failures.tell(backfill, is_last=backfill.is_finished)
            if backfill.is_finished or stopped_by_itself(backfill):
                return backfill
            if not backfill.is_owned:
                left_at = left_at or time.monotonic()
                if time.monotonic() - left_at > _patience(instance, backfill):
                    return backfill
            else:
                left_at = None
            listener.wait(2.0 if left_at is None else _LOOK_SECONDS)
            time.sleep(_LOOK_SECONDS)


def stopped_by_itself(backfill: Backfill) -> bool:
    """Whether a backfill was paused because its runs cannot be planned: it needs somebody who mends that."""
    return backfill.status is BackfillStatus.PAUSED and backfill.cause is not None


def ask(instance: Instance, backfill: Backfill, wish: str | None = None, **changes: Any) -> None:
    """Note what is wanted of a backfill, and have a running service look at once. Raises BackfillHasEnded."""
    instance.store.ask_backfill(backfill.backfill_id, wish, **changes)
    if backfill.location is None or instance.home is None:
        return
    from headwater.service.control import ChangeBackfill, ServiceClient

    # Without a service that answers, whoever carries the backfill out next finds the note.
    with contextlib.suppress(ServiceError), ServiceClient(instance.home) as client:
        client.ask(ChangeBackfill(backfill.backfill_id))


def _patience(instance: Instance, backfill: Backfill) -> float:
    """Return for how many seconds a backfill that nobody carries out is waited for."""
    if backfill.location is None:
        return 1.0
    return _TAKE_UP_SECONDS if has_service(instance) else _RESTART_SECONDS


def has_service(instance: Instance) -> bool:
    """Whether a service of this state runs."""
    from headwater.service.control import find_service

    return instance.home is not None and find_service(instance.home) is not None


class _Failures:
    """Tells of each run of a backfill that failed, once, as long as the display shows any."""

    def __init__(self, instance: Instance, backfill_id: str, display: BackfillDisplay) -> None:
        self._instance = instance
        self._filter = RunsFilter(tags={BACKFILL_TAG: backfill_id}, statuses=[RunStatus.FAILURE])
        self._display = display
        self._told: set[str] = set()
        self._count = 0
        self._looked_at = 0.0

    def tell(self, backfill: Backfill, is_last: bool = False) -> None:
        count = backfill.count(Outcome.FAILED)
        now = time.monotonic()
        if count <= self._count or not self._display.tells_failures:
            return
        if not is_last and now - self._looked_at < _FAILURES_SECONDS:
            return
        self._count, self._looked_at = count, now
        for run in reversed(self._instance.store.runs(self._filter, limit=50)):
            if run.run_id not in self._told:
                self._told.add(run.run_id)
                self._display.failed(f"run {short_run_id(run.run_id)} of {run_subject(run)}", run_cause(run))


# ------------------------------------------------------------------------------------------------------------ what is told


def told_of(screen: Screen, instance: Instance, backfill_id: str) -> int:
    """Tell where a backfill stands when it is not watched any more, and what to type next; return the exit code."""
    backfill = _found(instance, backfill_id)
    short = short_id(backfill_id)
    if screen.as_json:
        screen.document(shown_data(instance, backfill))
        return exit_code_of(backfill)
    screen.result()
    if backfill.count(Outcome.FAILED):
        tell_failures(screen, failures_of(instance, backfill))
        screen.result()
    screen.result(screen.styled(backfill_sentence(backfill, time.time()), _style_of(backfill)))
    commands = []
    if not backfill.is_finished:
        commands.append(("go on", f"headwater backfill resume {short}"))
    if backfill.is_finished and backfill.status is not BackfillStatus.SUCCESS:
        commands.append(("what was not made", f"headwater backfill retry {short}"))
    commands.append(("look further", f"headwater backfill show {short}"))
    width = max(len(name) for name, _ in commands) + 1
    for name, command in commands:
        screen.result(f"  {name + ':':<{width}} {command}")
    return exit_code_of(backfill)


def exit_code_of(backfill: Backfill) -> int:
    """0: all was made; 1: it has ended, and some was not; 130: it did not come to its end."""
    match backfill.status:
        case BackfillStatus.SUCCESS:
            return 0
        case BackfillStatus.FAILURE:
            return RUN_FAILED
    return INTERRUPTED


def _style_of(backfill: Backfill) -> str:
    return {BackfillStatus.SUCCESS: "green", BackfillStatus.FAILURE: "red bold"}.get(backfill.status, "yellow")


def shown_data(instance: Instance, backfill: Backfill) -> dict[str, Any]:
    """Return a backfill as one document, with what failed, by cause, and what was blocked."""
    outcomes = _outcomes(instance, backfill)
    return {
        "backfill": backfill_data(backfill),
        "failed": [each.to_data() for each in _failures(instance, backfill, outcomes)],
        "blocked": [each.to_data() for each in with_outcome(outcomes, Outcome.BLOCKED)],
        "canceled": [each.to_data() for each in with_outcome(outcomes, Outcome.CANCELED)],
    }


def failures_of(instance: Instance, backfill: Backfill) -> list[PartitionsTogether]:
    """Return what failed of a backfill, the partitions of one asset that failed for the same cause together."""
    return _failures(instance, backfill, _outcomes(instance, backfill))


def blocked_of(instance: Instance, backfill: Backfill) -> list[PartitionsTogether]:
    """Return by asset what was not begun, as what it needs failed."""
    return with_outcome(_outcomes(instance, backfill), Outcome.BLOCKED)


def tell_failures(screen: Screen, failures: list[PartitionsTogether]) -> None:
    """Print what failed: a line for each asset and cause."""
    for each in failures[:_MOST_CAUSES_SHOWN]:
        at = f" [{each.in_words()}]" if each.keys is not None else ""
        run = f"  (run {short_run_id(each.run_id)})" if each.run_id else ""
        screen.result(f"{screen.word('failed')}  {each.asset_key}{at}  {each.cause or 'no cause is recorded'}{run}")
    if len(failures) > _MOST_CAUSES_SHOWN:
        screen.result(f"and {counted(len(failures) - _MOST_CAUSES_SHOWN, 'other cause')}; --json shows all")


def _outcomes(instance: Instance, backfill: Backfill) -> list[tuple[str, tuple[str, ...] | None, bytes]]:
    plan = instance.store.backfill_plan(backfill.backfill_id)
    saved = instance.store.backfill_progress(backfill.backfill_id)
    return list(BackfillProgress(plan, saved).outcomes())


def _failures(
    instance: Instance, backfill: Backfill, outcomes: list[tuple[str, tuple[str, ...] | None, bytes]]
) -> list[PartitionsTogether]:
    runs: dict[tuple[str, str | None], Run] | None = None
    parted: list[PartitionsTogether] = []
    for together in with_outcome(outcomes, Outcome.FAILED):
        causes = _causes_in_state(instance, together)
        if len(causes) < together.count:
            # What failed before its step began left nothing at the asset: the run says why.
            runs = _failed_runs(instance, backfill) if runs is None else runs
            for key in together.named():
                run = runs.get((together.asset_key, key))
                if key not in causes and run is not None:
                    causes[key] = run_cause(run), run.run_id
        parted += parted_by_cause(together, causes)
    return parted


def _causes_in_state(
    instance: Instance, together: PartitionsTogether
) -> dict[str | None, tuple[str | None, str | None]]:
    key = AssetKey.parse(together.asset_key)
    states: dict[str | None, AssetState | None] = {}
    if together.keys is None:
        states[None] = instance.store.asset_state(key)
    else:
        states.update(instance.store.partition_states(key, [str(name) for name in together.named()]))
    return {
        name: (state.last_attempt_cause, state.last_attempt_run_id)
        if state.last_attempt_outcome == "failed"
        else ("it failed, and was made since by another run", state.last_attempt_run_id)
        for name, state in states.items()
        if state is not None and state.last_attempt_outcome is not None
    }


def _failed_runs(instance: Instance, backfill: Backfill) -> dict[tuple[str, str | None], Run]:
    filters = RunsFilter(tags={BACKFILL_TAG: backfill.backfill_id}, statuses=[RunStatus.FAILURE])
    plan = instance.store.backfill_plan(backfill.backfill_id)
    found: dict[tuple[str, str | None], Run] = {}
    for run in reversed(instance.store.runs(filters, limit=_MOST_RUNS_LOOKED_AT)):
        assets = tuple(map(str, run.asset_selection or ()))
        part = BackfillRun.parse(run.tags.get(BACKFILL_RUN_TAG, ""), assets)
        if part is None or part.group >= len(plan.groups):
            continue
        for asset in assets or plan.groups[part.group].asset_keys:
            for key in part.partition_keys(plan) or (None,):
                found[asset, key] = run
    return found


# ---------------------------------------------------------------------------------------------------------- by its name


def find_backfill(instance: Instance, text: str) -> Backfill:
    """Return the backfill that is meant by an id, by its first letters, or by "latest". Raises CommandRefused."""
    store = instance.store
    newest = store.backfills(limit=5)
    if not newest:
        raise CommandRefused(
            what="There is no backfill yet.",
            why=f"Nothing of the kind is recorded in {instance.root_directory}.",
            fix="Start one: headwater backfill SELECTION. Those of another place: headwater backfill list --home DIRECTORY.",
        )
    if text == "latest":
        return newest[0]
    exact = store.find_backfill(text)
    if exact is not None:
        return exact
    matches = [each for each in _all_backfills(instance) if each.backfill_id.startswith(text)] if text else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(each.backfill_id for each in matches[:5])
        raise CommandRefused(
            what=f'"{text}" begins the ids of {len(matches)} backfills: {ids}{", ..." if len(matches) > 5 else ""}.',
            why="It is not clear which one is meant.",
            fix="Type more letters of the id.",
        )
    from headwater.model.errors.root import did_you_mean

    near = did_you_mean(text, [short_id(each.backfill_id) for each in _all_backfills(instance)])
    named = ", ".join(
        f"{short_id(each.backfill_id)} ({backfill_subject(each)}, {backfill_word(each)})" for each in newest
    )
    raise CommandRefused(
        what=f'There is no backfill "{text}".',
        why=f"No id of a backfill in {instance.root_directory} begins so.",
        fix=f"{near}The newest are: {named}; the first of them is called latest. All: headwater backfill list.",
    )


def _all_backfills(instance: Instance) -> Iterator[Backfill]:
    cursor: str | None = None
    while page := instance.store.backfills(limit=500, cursor=cursor):
        yield from page
        cursor = page[-1].backfill_id


def _found(instance: Instance, backfill_id: str) -> Backfill:
    found = instance.store.find_backfill(backfill_id)
    if found is None:
        raise CommandRefused(
            what=f"Backfill {backfill_id} is not recorded any more.",
            why="The state was deleted while the command looked at it.",
            fix="headwater backfill list",
        )
    return found


def granted(instance: Instance, backfill_id: str, is_granted: Callable[[Backfill], bool]) -> Backfill:
    """Wait until whoever carries a backfill out has done what was asked, or for some seconds; return where it stands."""
    until = time.monotonic() + _GRANT_SECONDS
    with instance.store.listen("backfills") as listener:
        while True:
            backfill = _found(instance, backfill_id)
            left = until - time.monotonic()
            if is_granted(backfill) or backfill.is_finished or is_interrupted(backfill) or left <= 0:
                return backfill
            listener.wait(min(left, 0.5))
