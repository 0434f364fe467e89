"""Executors as definitions: where the steps of a run are carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headwater.authoring.config import ConfigSchema, schema_of
from headwater.authoring.config.configured import AnonymousConfigurable, ConfigStage


class ExecutorDefinition(AnonymousConfigurable):
    """An executor by name, with the config that it takes under `execution` of a run's config."""

    def __init__(self, name: str, config_schema: Any = None, description: str | None = None) -> None:
        self.name = name
        self.description = description
        self._schema: ConfigSchema = schema_of(config_schema)
        self.stages: tuple[ConfigStage, ...] = ()

    @property
    def config_schema(self) -> ConfigSchema:
        return self.stages[0].schema if self.stages else self._schema

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Any:
        made = ExecutorDefinition(self.name, description=description or self.description)
        made._schema = self._schema
        made.stages = (stage, *self.stages)
        return made

    def __repr__(self) -> str:
        return f"ExecutorDefinition({self.name!r})"


def _executor(name: str, description: str, config_schema: Any = None) -> ExecutorDefinition:
    return ExecutorDefinition(name, config_schema, description)


in_process_executor = _executor("in_process", "Steps run one after another in the process of the run.", dict)
multiprocess_executor = _executor(
    "multiprocess", "Meant for worker processes; in this release steps run in the process of the run.", dict
)
multi_or_in_process_executor = _executor(
    "multi_or_in_process_executor", "Steps run in the process of the run, in this release.", dict
)


def limit_of(executor_def: ExecutorDefinition | None) -> str | None:
    """Return, in one line, what this release does otherwise than the executor promises; None when nothing."""
    if executor_def is None or executor_def.name != multiprocess_executor.name:
        return None
    return "multiprocess_executor is not there yet: steps run in one process, that of the run, in this release."


def warn_of_limit(executor_def: ExecutorDefinition | None) -> None:
    """Log what `limit_of` tells, as a warning."""
    if told := limit_of(executor_def):
        import logging

        logging.getLogger("headwater").warning(told)


def executor(name: str | Callable[..., Any] | None = None, config_schema: Any = None, requirements: Any = None) -> Any:
    """Executors of users' own are not supported: a step is carried out by one of the built-in executors.

    Raises InvalidDefinitionError, which names the executors that there are.
    """
    from headwater.model.errors import InvalidDefinitionError

    raise InvalidDefinitionError(
        what="@executor was used to declare an executor of your own.",
        why="Headwater's executors take events through its own protocol, which is not public yet.",
        fix="Use in_process_executor.",
    )
