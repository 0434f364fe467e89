"""headwater backfill: many partitions of several assets, made in the order in which they need each other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from headwater.cli.backfill_options import (
    GivenOptions,
    HowToLaunch,
    launch_options,
    read_request,
    refuse_contradictions,
)
from headwater.cli.error_report import CommandRefused
from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace
from headwater.model.errors.root import nearest

if TYPE_CHECKING:
    from headwater.model.backfills import Backfill
    from headwater.runtime.instance import Instance

_WORDS = ("running", "paused", "canceling", "interrupted", "succeeded", "failed", "canceled")
_CAUSES_SHOWN = 10


class BackfillGroup(LazyGroup):
    """A group in which whatever is no command of its own is what `launch` is to backfill."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else None
        if first is not None and first not in self.commands and first not in ctx.help_option_names:
            args = ["launch", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "SELECTION... [OPTIONS]")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", "   or: ")


@click.group(
    cls=BackfillGroup,
    epilog="Exit codes: 0 all was made, 1 it ended and some was not, 2 the command was wrong, "
    "130 it was interrupted or canceled.",
)
def backfill() -> None:
    """Make many partitions of assets, in as many runs as it takes, in the order in which they need each other.

    `headwater backfill SELECTION` is short for `headwater backfill launch SELECTION`: `headwater backfill launch --help` tells
    its options. In the other commands BACKFILL is an id, its first letters, or "latest".
    """


@click.command("launch", short_help="Backfill the selected assets.")
@click.argument("selections", metavar="[SELECTION]...", nargs=-1)
@click.option(
    "--asset", "--asset-key", "assets", multiple=True, metavar="KEY", help="An asset, by its key; may be given again."
)
@launch_options
@project_options
def launch(
    workplace: Workplace,
    as_json: bool,
    selections: tuple[str, ...],
    assets: tuple[str, ...],
    given: GivenOptions,
    how: HowToLaunch,
) -> int:
    """Make partitions of the assets of SELECTION, and what they need that was never made.

    A selection is an asset (orders), its lineage (+orders, orders+2), a group (group:gold), a tag, a kind or an owner,
    joined by and, or, not; '*' means all assets. Several selections mean all that any of them selects.

    Without partitions, all that exist are meant. Assets with other partitions than those that are named take the ones
    that belong to them by the partition mappings.

    On a terminal the plan is shown first, and asked about. A running service carries it out; without one this command does.
    """
    refuse_contradictions(how, given)
    request = read_request(given, selections=selections, assets=assets)
    from headwater.cli.backfills import launch_backfill
    from headwater.model.errors.graph import UnknownInSelection

    try:
        return launch_backfill(workplace, request, how, as_json=as_json)
    except UnknownInSelection as error:
        near = nearest(selections[0], backfill.commands) if len(selections) == 1 else None
        if near is not None and not error.fix.startswith("Did you mean"):
            error.fix += f" The command is `headwater backfill {near}`."
        raise


backfill.add_command(launch)


@backfill.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(_WORDS), help="Only of this status; may be given again."
)
@project_options
def list_backfills(workplace: Workplace, as_json: bool, limit: int, statuses: tuple[str, ...]) -> None:
    """List backfills, newest first."""
    screen = Screen(as_json)
    from headwater.model.backfills import Outcome
    from headwater.views.backfills import backfill_data, backfill_subject, backfill_word, seconds_left, short_id
    from headwater.views.words import ago, duration_in_words

    with workplace.instance_to_read() as instance:
        found = _with_words(instance, statuses, limit)
    if as_json:
        screen.document({"backfills": [backfill_data(each) for each in found]})
        return
    if not found:
        screen.say(
            "No such backfill is recorded." if statuses else "There is no backfill yet: headwater backfill --help"
        )
        return
    now = time.time()
    screen.table(
        ("backfill", "status", "of", "made", "not made", "left", "created", "took"),
        [
            (
                short_id(each.backfill_id),
                backfill_word(each),
                backfill_subject(each),
                f"{each.count(Outcome.MATERIALIZED):,} of {each.total:,}",
                f"{each.count(Outcome.FAILED, Outcome.BLOCKED, Outcome.CANCELED):,}",
                duration_in_words(seconds_left(each)),
                ago(each.created_at, now),
                duration_in_words(each.seconds) if each.seconds else "-",
            )
            for each in found
        ],
        right=("not made",),
    )


@backfill.command("show", short_help="Show where a backfill stands, and what failed.")
@click.argument("backfill_id", metavar="[BACKFILL]", default="latest")
@project_options
def show(workplace: Workplace, as_json: bool, backfill_id: str) -> None:
    """Show where a backfill (the newest, if none is named) stands: by asset what is made, what failed, and why."""
    screen = Screen(as_json)
    from headwater.cli.backfills import blocked_of, failures_of, find_backfill, shown_data, tell_failures
    from headwater.views.backfills import asset_tallies, backfill_sentence, short_id
    from headwater.views.words import counted, instant_in_words, listed

    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        if as_json:
            screen.document(shown_data(instance, found))
            return
        failures, blocked = failures_of(instance, found), blocked_of(instance, found)
    options = found.options
    short = short_id(found.backfill_id)
    screen.result(screen.styled(backfill_sentence(found, time.time()), "bold"))
    screen.fields(
        [
            ("id", found.backfill_id),
            ("job", found.job_name),
            ("created", instant_in_words(found.created_at)),
            ("ended", instant_in_words(found.ended_at) if found.ended_at is not None else None),
            ("carried out", f"by the service, location {found.location}" if found.location else "by a command"),
            ("retry of", found.parent_backfill_id),
            ("at a time", counted(options.max_concurrent_runs, "run") if options.max_concurrent_runs else None),
            ("priority", f"{options.priority:g}" if options.priority else None),
            ("tags", ", ".join(f"{key}={value}" for key, value in options.tags.items())),
        ]
    )
    screen.heading("Assets")
    words = ("failed", "blocked", "canceled", "skipped", "running", "waiting")
    tallies = asset_tallies(found)
    # A column in which nothing stands is left out.
    shown = [word for word in words if any(each[word] for each in tallies)]
    screen.table(
        ("asset", "materialized", *shown),
        [
            (each["asset"], f"{each['materialized']:,} of {each['total']:,}", *(f"{each[word]:,}" for word in shown))
            for each in tallies
        ],
        right=shown,
    )
    if failures:
        screen.heading("What failed")
        tell_failures(screen, failures)
    if blocked:
        screen.heading("What was blocked by it")
        for each in blocked[:_CAUSES_SHOWN]:
            at = f" [{each.in_words()}]" if each.keys is not None else ""
            screen.result(f"{screen.word('blocked')}  {each.asset_key}{at}")
        if len(blocked) > _CAUSES_SHOWN:
            screen.result(f"blocked too: {listed([each.asset_key for each in blocked[_CAUSES_SHOWN:]])}")
    screen.result()
    if not found.is_finished:
        command = "watch" if found.is_owned and found.status.value == "IN_PROGRESS" else "resume"
        screen.result(f"headwater backfill {command} {short}")
    elif failures or blocked or found.status.value != "SUCCESS":
        screen.result(f"headwater backfill retry {short}   # makes what was not made")
    screen.result(f"headwater run list --backfill {short}")


@backfill.command("watch", short_help="Show how a backfill goes, until its end.")
@click.argument("backfill_id", metavar="[BACKFILL]", default="latest")
@project_options
def watch(workplace: Workplace, as_json: bool, backfill_id: str) -> int:
    """Show how a backfill (the newest, if none is named) goes until its end; the exit code tells how.

    Ctrl-C stops only the watching.
    """
    from headwater.cli.backfills import find_backfill, watch_and_tell

    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        return watch_and_tell(Screen(as_json), instance, found.backfill_id)


@backfill.command("pause", short_help="Begin no more runs of a backfill.")
@click.argument("backfill_id", metavar="BACKFILL")
@project_options
def pause(workplace: Workplace, as_json: bool, backfill_id: str) -> None:
    """Begin no more runs of a backfill; those that run come to their end. `resume` goes on."""
    from headwater.cli.backfills import ask, find_backfill, granted
    from headwater.model.backfills import BackfillStatus
    from headwater.views.backfills import is_interrupted, short_id

    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        if is_interrupted(found) and found.location is None:
            raise CommandRefused(
                what=f"Backfill {short_id(found.backfill_id)} is interrupted: the command that carried it out is gone.",
                why="There is nothing to pause: nothing of it begins until it is resumed.",
                fix=f"Go on with it: headwater backfill resume {short_id(found.backfill_id)}",
            )
        ask(instance, found, "pause")
        found = granted(instance, found.backfill_id, lambda each: each.status is BackfillStatus.PAUSED)
    _tell_where_it_stands(
        Screen(as_json), found, "Asked to pause; whoever carries it out has not done so yet.", "paused"
    )


@backfill.command("resume", short_help="Go on with one that was paused or interrupted.")
@click.argument("backfill_id", metavar="BACKFILL")
@click.option("--here", is_flag=True, help="Go on in this process, if no other carries it out.")
@click.option("--detach", is_flag=True, help="Do not watch it.")
@project_options
def resume(workplace: Workplace, as_json: bool, backfill_id: str, here: bool, detach: bool) -> int:
    """Go on with a backfill that was paused or interrupted, and show how it goes. Nothing is made twice."""
    from headwater.cli.backfills import ask, carry_out_here, find_backfill, granted, watch_and_tell
    from headwater.model.backfills import BackfillStatus
    from headwater.views.backfills import short_id

    screen = Screen(as_json)
    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        short = short_id(found.backfill_id)
        if here and found.is_owned:
            raise CommandRefused(
                what=f"Backfill {short} is carried out by another process.",
                why="It cannot go on here at the same time.",
                fix=f"Resume it there: headwater backfill resume {short}. Or watch it: headwater backfill watch {short}",
            )
        is_ours = not found.is_owned and (here or found.location is None)
        if not found.is_finished and not found.is_owned and not is_ours:
            _refuse_without_service(instance, found)
        ask(instance, found, "resume")
        if is_ours:
            if detach:
                raise click.UsageError(
                    f"Backfill {short} is carried out by this command: --detach has nobody to leave it to."
                )
            return carry_out_here(screen, workplace, instance, found.backfill_id)
        found = granted(
            instance, found.backfill_id, lambda each: each.is_owned and each.status is not BackfillStatus.PAUSED
        )
        if not detach:
            return watch_and_tell(screen, instance, found.backfill_id)
    _tell_where_it_stands(screen, found, "Asked to go on; nobody has taken it up yet.", "running")
    return 0


@backfill.command("cancel", short_help="Stop a backfill for good.")
@click.argument("backfill_id", metavar="BACKFILL")
@project_options
def cancel(workplace: Workplace, as_json: bool, backfill_id: str) -> None:
    """Stop a backfill for good: nothing more of it begins, and what runs is ended. `retry` makes the rest after all."""
    from headwater.cli.backfills import ask, find_backfill, granted

    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        if found.location is None:
            instance.cancel_backfill(found.backfill_id)
        else:
            ask(instance, found, "cancel")
        found = granted(instance, found.backfill_id, lambda each: each.is_finished)
    _tell_where_it_stands(Screen(as_json), found, "Asked to stop; what runs has not ended yet.", "canceled")


@backfill.command("retry", short_help="Launch what a backfill did not get made.")
@click.argument("backfill_id", metavar="BACKFILL")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: on a terminal the plan is shown first otherwise.")
@click.option("--dry-run", is_flag=True, help="Print the plan, and do nothing.")
@click.option("--detach", is_flag=True, help="Do not wait for its end: print its id (at the running service).")
@click.option("--here", is_flag=True, help="Carry it out in this process, also when a service runs.")
@project_options
def retry(
    workplace: Workplace, as_json: bool, backfill_id: str, yes: bool, dry_run: bool, detach: bool, here: bool
) -> int:
    """Launch a backfill of what BACKFILL did not get made: what failed, was blocked or was canceled."""
    how = HowToLaunch(yes=yes, dry_run=dry_run, detach=detach, here=here)
    refuse_contradictions(how, GivenOptions())
    from headwater.cli.backfills import find_backfill, has_service, launch_backfill, tell_nothing_to_do
    from headwater.model.errors.backfill_requests import NothingToBackfill
    from headwater.runtime.backfills import retry_request

    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        try:
            request = retry_request(instance, found.backfill_id)
        except NothingToBackfill as nothing:
            tell_nothing_to_do(Screen(as_json), nothing)
            return 0
        if request.location is not None and (here or not has_service(instance)):
            # What the service began can be tried again by the code that is here.
            request = replace(request, location=None)
    return launch_backfill(workplace, request, how, as_json=as_json)


@backfill.command("set", short_help="Change its priority, or how many runs go on at a time.")
@click.argument("backfill_id", metavar="BACKFILL")
@click.option(
    "--max-concurrent",
    type=click.IntRange(min=0),
    metavar="N",
    help="At most so many of its runs at a time; 0 for as many as there are workers.",
)
@click.option("--priority", type=float, metavar="N", help="Its runs go before those of a lower one.")
@project_options
def set_options(
    workplace: Workplace, as_json: bool, backfill_id: str, max_concurrent: int | None, priority: float | None
) -> None:
    """Change how a backfill goes on: what has begun is left as it is."""
    if max_concurrent is None and priority is None:
        raise click.UsageError("What is to be changed? Say --max-concurrent N or --priority N.")
    from headwater.cli.backfills import ask, find_backfill, granted

    def is_set(each: Backfill) -> bool:
        options = each.options
        return max_concurrent in (None, options.max_concurrent_runs or 0) and priority in (None, options.priority)

    with _instance_with_backfills(workplace) as instance:
        found = find_backfill(instance, backfill_id)
        ask(instance, found, max_concurrent_runs=max_concurrent, priority=priority)
        found = granted(instance, found.backfill_id, is_set)
    screen = Screen(as_json)
    if not is_set(found):
        screen.say("Noted; it holds as soon as somebody carries the backfill out.")
    _tell_where_it_stands(screen, found, "", "")


def _tell_where_it_stands(screen: Screen, found: Backfill, otherwise: str, wanted: str) -> None:
    from headwater.views.backfills import backfill_data, backfill_sentence, backfill_word

    if wanted and backfill_word(found) != wanted and not found.is_finished:
        waits_for_service = found.location is not None and not found.is_owned
        screen.say("Noted: no service runs; the next one does it." if waits_for_service else otherwise)
    screen.result(backfill_sentence(found, time.time()))
    if screen.as_json:
        screen.document({"backfill": backfill_data(found)})


def _refuse_without_service(instance: Instance, found: Backfill) -> None:
    from headwater.cli.backfills import has_service
    from headwater.views.backfills import short_id

    if has_service(instance):
        return
    raise CommandRefused(
        what=f"Backfill {short_id(found.backfill_id)} belongs to the service, which does not run.",
        why="Nobody would go on with it.",
        fix=f"Start the service, which goes on by itself: headwater serve. "
        f"Or go on in this process: headwater backfill resume {short_id(found.backfill_id)} --here",
    )


@contextlib.contextmanager
def _instance_with_backfills(workplace: Workplace) -> Iterator[Instance]:
    if not workplace.has_state:
        raise CommandRefused(
            what=f"There is no state at {workplace.settings.state_place} yet.",
            why="Nothing has run yet, so there is no backfill.",
            fix="Start one: headwater backfill SELECTION. Those of another place: headwater backfill list -f FILE.",
        )
    with workplace.instance() as instance:
        yield instance


def _with_words(instance: Instance, words: tuple[str, ...], limit: int) -> list[Backfill]:
    """Return the newest backfills that stand as one of these words says; of none, all."""
    from headwater.model.backfills import BackfillStatus
    from headwater.views.backfills import BACKFILL_WORDS, INTERRUPTED_WORD, backfill_word

    if not words:
        return list(instance.store.backfills(limit=limit))
    statuses = {status for status, word in BACKFILL_WORDS.items() if word in words}
    if INTERRUPTED_WORD in words:
        statuses |= {BackfillStatus.IN_PROGRESS, BackfillStatus.CANCELING}
    found: list[Backfill] = []
    cursor: str | None = None
    # Whether one is interrupted shows only when it is looked at.
    while len(found) < limit and (page := instance.store.backfills(statuses, limit=200, cursor=cursor)):
        found += [each for each in page if backfill_word(each) in words]
        cursor = page[-1].backfill_id
    return found[:limit]
