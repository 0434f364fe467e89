"""Options of commands that launch a backfill, and the request that they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.run_options import joined_selections, read_configs, read_partition_range, read_tags

if TYPE_CHECKING:
    from headwater.model.backfills import BackfillRequest

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class GivenOptions:
    """What was typed after a command that launches a backfill."""

    partitions: tuple[str, ...] = ()
    partition_range: str | None = None
    first: str | None = None
    last: str | None = None
    all_partitions: bool = False
    only_missing: bool = False
    only_failed: bool = False
    stale: bool = False
    no_upstream: bool = False
    configs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    priority: float | None = None
    max_concurrent: int | None = None
    title: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class HowToLaunch:
    """Where a backfill is to be carried out, and what is asked and waited for."""

    yes: bool = False
    dry_run: bool = False
    detach: bool = False
    here: bool = False


def launch_options(function: Function) -> Function:
    """Add all options of a launch; the command takes `given`, a GivenOptions, and `how`, a HowToLaunch."""

    def with_options(*arguments: Any, **options: Any) -> Any:
        given = GivenOptions(**{name: options.pop(name) for name in GivenOptions.__dataclass_fields__})
        how = HowToLaunch(**{name: options.pop(name) for name in HowToLaunch.__dataclass_fields__})
        return function(*arguments, given=given, how=how, **options)

    dressed: Any = with_options
    dressed.__click_params__ = getattr(function, "__click_params__", [])
    dressed.__name__ = function.__name__
    dressed.__doc__ = function.__doc__
    for option in reversed(_LAUNCH_OPTIONS):
        dressed = option(dressed)
    return dressed  # type: ignore[no-any-return]


_LAUNCH_OPTIONS = (
    click.option(
        "--partition",
        "partitions",
        multiple=True,
        metavar="KEYS",
        help="A partition, a list (a,b), a range (a...b) or a slice (region=eu,date=2024-01-01...); may be given again.",
    ),
    click.option("--partition-range", metavar="FIRST...LAST", help="All partitions from FIRST to LAST."),
    click.option("--from", "first", metavar="KEY", help="The first partition; without --to, all from there on."),
    click.option("--to", "last", metavar="KEY", help="The last partition; without --from, all up to there."),
    click.option("--all-partitions", is_flag=True, help="All partitions that exist; also when none are named."),
    click.option("--only-missing", "--missing", "only_missing", is_flag=True, help="Of these, what was never made."),
    click.option("--only-failed", "--failed", "only_failed", is_flag=True, help="Of these, what failed last."),
    click.option("--stale", is_flag=True, help="Of these, what is stale."),
    click.option("--no-upstream", is_flag=True, help="Leave out what is needed and was never made."),
    click.option(
        "-c",
        "--config",
        "configs",
        multiple=True,
        metavar="FILE|JSON",
        help="Config of each run: a .json, .toml or .yaml file, or JSON. A later one goes over an earlier.",
    ),
    click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of each run."),
    click.option("--priority", type=float, metavar="N", help="Its runs go before those of a lower one; 0 if not said."),
    click.option(
        "--max-concurrent", type=click.IntRange(min=1), metavar="N", help="At most so many of its runs at a time."
    ),
    click.option("--title", metavar="TEXT", help="What lists call it."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask: on a terminal the plan is shown first otherwise."),
    click.option("--dry-run", is_flag=True, help="Print the plan, and do nothing."),
    click.option("--detach", is_flag=True, help="Do not wait for its end: print its id (at the running service)."),
    click.option("--here", is_flag=True, help="Carry it out in this process, also when a service runs."),
    click.option(
        "--location", metavar="NAME", help="The code location of the service; needed when it is not this code."
    ),
)


def read_request(
    given: GivenOptions, *, selections: Sequence[str] = (), assets: Sequence[str] = (), job_name: str | None = None
) -> BackfillRequest:
    """Return the request that the options mean. Raises UsageError where they contradict each other."""
    from headwater.model.backfills import BackfillOptions, BackfillRequest

    modes = [
        (option, mode)
        for option, mode, is_wanted in (
            ("--only-missing", "missing", given.only_missing),
            ("--only-failed", "failed", given.only_failed),
            ("--stale", "stale", given.stale),
        )
        if is_wanted
    ]
    if len(modes) > 1:
        raise click.UsageError(f"Use one of {' and '.join(option for option, _ in modes)}.")
    spelled, ends = _read_partitions(given)
    return BackfillRequest(
        **_read_subject(selections, assets, job_name),
        partitions=spelled,
        partition_range=ends,
        all_partitions=given.all_partitions,
        mode=modes[0][1] if modes else "requested",
        upstream=not given.no_upstream,
        options=BackfillOptions(
            run_config=read_configs(given.configs),
            tags=read_tags(given.tags),
            priority=given.priority or 0.0,
            max_concurrent_runs=given.max_concurrent,
            only_missing=given.only_missing,
        ),
        title=given.title or "",
        location=given.location,
    )


def refuse_contradictions(how: HowToLaunch, given: GivenOptions) -> None:
    """Raises UsageError where it was said in two ways what to do with the backfill."""
    for one, other, both in (
        ("--detach", "--here", how.detach and how.here),
        ("--detach", "--dry-run", how.detach and how.dry_run),
        ("--location", "--here", given.location is not None and how.here),
    ):
        if both:
            raise click.UsageError(f"{one} and {other} contradict each other: leave one of them out.")


def _read_subject(selections: Sequence[str], assets: Sequence[str], job_name: str | None) -> dict[str, Any]:
    if job_name is not None:
        return {"job_name": job_name}
    if not selections and not assets:
        raise click.UsageError("What is to be made? Name a selection of assets; '*' means all of them.")
    if not selections:
        return {"asset_keys": tuple(dict.fromkeys(assets))}
    if not assets:
        return {"selection": joined_selections(selections)}
    from headwater.graph.selection import AssetSelection
    from headwater.model.keys import AssetKey

    named = AssetSelection.assets(*(AssetKey.parse(asset) for asset in assets))
    return {"selection": joined_selections([*selections, str(named)])}


def _read_partitions(given: GivenOptions) -> tuple[str | None, tuple[str, str] | None]:
    """Return the partitions as they were spelled, or else the ends of a range."""
    ways = [
        option
        for option, is_given in (
            ("--partition", bool(given.partitions)),
            ("--partition-range", given.partition_range is not None),
            ("--from", given.first is not None),
            ("--to", given.last is not None and given.first is None),
            ("--all-partitions", given.all_partitions),
        )
        if is_given
    ]
    if len(ways) > 1:
        raise click.UsageError(f"The partitions are named in several ways: use one of {', '.join(ways)}.")
    if given.partitions:
        return "; ".join(given.partitions), None
    if given.partition_range is not None and given.partition_range.strip() != "...":
        text = given.partition_range
        if text.startswith("...") or text.endswith("..."):
            return text, None
    if (given.first is None) != (given.last is None):
        return f"{given.first or ''}...{given.last or ''}", None
    return None, read_partition_range(None, given.partition_range, given.first, given.last)
