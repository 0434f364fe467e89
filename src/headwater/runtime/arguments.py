"""What is handed to the functions that run things, checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headwater.authoring.config.run_config import RunConfig
from headwater.authoring.job import JobDefinition
from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of
from headwater.runtime.instance import Instance


class WrongArgument(CheckError):
    """A function that runs things was given something of another kind than it takes."""

    code = "wrong-argument-of-run"

    def __init__(self, name: str, given: object, takes: str, fix: str) -> None:
        super().__init__(what=f"{name}= was given {given!r}, {kind_of(given)}.", why=f"It takes {takes}.", fix=fix)


def several_assets(given: Any) -> list[Any]:
    """Return what was given as a list; one asset alone, text and mappings are refused."""
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise WrongArgument("assets", given, "several: a list, also of one", "Write [...] around it.")
    return list(given)


def refuse_wrong_arguments(job: Any, run_config: Any, instance: Any, tags: Any, partition_key: Any) -> None:
    """Raise WrongArgument for what could not be a job, its config, an instance, tags or a partition key."""
    if not isinstance(job, JobDefinition):
        resolve = ", or defs.get_job_def(name) for a job by its name"
        raise WrongArgument("job", job, "a job", f"Give what @job or graph.to_job() makes{resolve}.")
    if run_config is not None and not isinstance(run_config, (Mapping, RunConfig)):
        fix = 'Write RunConfig(ops={"name": MyConfig(...)}), or {"ops": {"name": {"config": {...}}}}.'
        raise WrongArgument("run_config", run_config, "a RunConfig or a dict", fix)
    if instance is not None and not isinstance(instance, Instance):
        raise WrongArgument("instance", instance, "an Instance", "Give Instance.ephemeral(), or Instance.get().")
    if tags is not None and not isinstance(tags, Mapping):
        raise WrongArgument("tags", tags, "names with values", 'Write tags={"name": "value"}.')
    if partition_key is not None and not isinstance(partition_key, str):
        raise WrongArgument("partition_key", partition_key, "a key as text", f'Write partition_key="{partition_key}".')
