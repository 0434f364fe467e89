"""headwater definitions: whether a project loads, and all that it declares."""

from __future__ import annotations

from typing import Any

import click

from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace


@click.group(cls=LazyGroup)
def definitions() -> None:
    """Validate and list what a project declares."""


@definitions.command("validate", short_help="Say whether the definitions are sound.")
@project_options
def validate(workplace: Workplace, as_json: bool) -> None:
    """Load the definitions and say whether they are sound. The exit code is 3 when they are not.

    What is allowed and may still be a slip, as an upstream that nobody declares, is told as a warning.
    """
    screen = Screen(as_json)
    from headwater.authoring.executors import limit_of

    declared = workplace.definitions
    # Jobs are resolved against the assets only when they are asked for.
    jobs = _resolve_jobs(workplace)
    counts = _counts(workplace)
    limits = [limit_of(executor) for executor in (declared.executor, *(job.given_executor for job in jobs))]
    warnings = [*map(str, declared.warnings()), *dict.fromkeys(limit for limit in limits if limit)]
    if as_json:
        screen.document({"valid": True, "name": workplace.project.name, **counts, "warnings": warnings})
        return
    from headwater.views.words import counted

    told = ", ".join(counted(count, noun.removesuffix("s")) for noun, count in counts.items() if count)
    for warning in warnings:
        screen.say(f"{screen.styled('warning', 'yellow', screen.err)}: {warning}")
    screen.result(f"{screen.styled('ok', 'green')}  {workplace.project.name}: {told or 'nothing is declared'}.")
    if not declared.assets and not declared.jobs:
        screen.say("Nothing is declared yet: pass assets=[...] to Definitions.")


@definitions.command("list", short_help="List all that is declared.")
@project_options
def list_definitions(workplace: Workplace, as_json: bool) -> None:
    """List all that the project declares: assets, checks, jobs, schedules, sensors, resources."""
    screen = Screen(as_json)
    declared = workplace.definitions
    graph = workplace.graph
    assets: list[dict[str, Any]] = [
        {
            "key": str(spec.key),
            "group": spec.group,
            "partitions": spec.partitions_def.describe() if spec.partitions_def is not None else None,
            "upstream": [str(key) for key in graph.parents(spec.key)],
            "description": spec.description,
        }
        for spec in graph.specs
        if not graph.is_implied(spec.key)
    ]
    checks: list[dict[str, Any]] = [
        {"asset": str(spec.asset_key), "name": spec.name, "blocking": spec.blocking, "description": spec.description}
        for spec in declared.get_all_asset_check_specs()
    ]
    jobs: list[dict[str, Any]] = [
        {"name": job.name, "description": job.description} for job in _resolve_jobs(workplace)
    ]
    schedules: list[dict[str, Any]] = [
        {
            "name": schedule.name,
            "cron": [schedule.cron_schedule] if isinstance(schedule.cron_schedule, str) else schedule.cron_schedule,
            "timezone": schedule.execution_timezone or "UTC",
            "target": _target_of(schedule),
        }
        for schedule in declared.schedules
    ]
    sensors: list[dict[str, Any]] = [{"name": sensor.name, "target": _target_of(sensor)} for sensor in declared.sensors]
    resources = [{"key": key, "class": _class_of(value)} for key, value in declared.resources.items()]
    if as_json:
        screen.document(
            {
                "name": workplace.project.name,
                "assets": assets,
                "checks": checks,
                "jobs": jobs,
                "schedules": schedules,
                "sensors": sensors,
                "resources": resources,
            }
        )
        return
    sections: list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]] = [
        (
            "Assets",
            ("asset", "group", "needs", "partitions"),
            [
                (item["key"], item["group"], ", ".join(item["upstream"]) or "-", item["partitions"] or "-")
                for item in assets
            ],
        ),
        (
            "Checks",
            ("check", "asset", "blocking"),
            [(item["name"], item["asset"], "yes" if item["blocking"] else "no") for item in checks],
        ),
        ("Jobs", ("job", "description"), [(item["name"], item["description"] or "") for item in jobs]),
        (
            "Schedules",
            ("schedule", "cron", "timezone", "target"),
            [(item["name"], ", ".join(item["cron"]), item["timezone"], item["target"] or "-") for item in schedules],
        ),
        ("Sensors", ("sensor", "target"), [(item["name"], item["target"] or "-") for item in sensors]),
        ("Resources", ("resource", "class"), [(item["key"], item["class"]) for item in resources]),
    ]
    for title, columns, rows in sections:
        if rows:
            screen.heading(title)
            screen.table(columns, rows)
    if schedules or sensors:
        screen.say("Schedules and sensors do not fire by themselves in this version.")


def _target_of(trigger: Any) -> str | None:
    """Return the jobs that a schedule or sensor starts, or the selection of assets; None when it starts nothing."""
    from headwater.authoring.triggers import ANONYMOUS_JOB_PREFIX

    told = [
        str(job._asset_selection()) if job.name.startswith(ANONYMOUS_JOB_PREFIX) else job.name
        for job in trigger.targets.jobs
    ]
    return ", ".join([*told, *trigger.targets.job_names]) or None


def _resolve_jobs(workplace: Workplace) -> list[Any]:
    """Return the jobs. A job that cannot be resolved is a mistake in the definitions, like any other."""
    from headwater.cli.error_report import DefinitionsNotLoaded
    from headwater.model.errors import HeadwaterError

    declared = workplace.definitions
    try:
        return list(declared.get_all_job_defs())
    except HeadwaterError as error:
        raise DefinitionsNotLoaded from error


def _counts(workplace: Workplace) -> dict[str, int]:
    declared, graph = workplace.definitions, workplace.graph
    return {
        "assets": len(graph) - len(graph.implied_keys),
        "checks": len(graph.check_keys),
        "jobs": len(declared.get_all_job_defs()),
        "schedules": len(declared.schedules),
        "sensors": len(declared.sensors),
        "resources": len(declared.resources),
    }


def _class_of(value: Any) -> str:
    return type(value).__name__
