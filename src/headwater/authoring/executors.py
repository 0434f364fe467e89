"""Executors as definitions: where the steps of a run are carried out, and the config that a run may give for it.

Executors of users' own can be declared, configured and put on jobs; a run that would need one is refused, by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from headwater.authoring.config import (
    NO_VALUE,
    ConfigSchema,
    Field,
    Noneable,
    ScalarUnion,
    Selector,
    examine_config,
    schema_of,
)
from headwater.authoring.config.configured import ConfigStage, NamedConfigurable, resolve_through
from headwater.model.errors.config import ConfigFault
from headwater.model.errors.definition import CheckError, InvalidDefinitionError

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance


class ExecutorRequirement(Enum):
    """What an executor asks of the runs that it carries out. Said for readers: every run here meets all of them."""

    RECONSTRUCTABLE_PIPELINE = "RECONSTRUCTABLE_PIPELINE"
    RECONSTRUCTABLE_JOB = "RECONSTRUCTABLE_PIPELINE"  # noqa: PIE796 - two names of one thing
    NON_EPHEMERAL_INSTANCE = "NON_EPHEMERAL_INSTANCE"
    PERSISTENT_OUTPUTS = "PERSISTENT_OUTPUTS"


def multiple_process_executor_requirements() -> list[ExecutorRequirement]:
    """Return what an executor asks for that carries out steps in several processes."""
    return list(ExecutorRequirement)


class Executor(ABC):
    """The base of executors of users' own. They can be declared; runs are carried out by Headwater's (see `executor`)."""

    @abstractmethod
    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Carry out the steps of a plan, and yield what happens."""

    @property
    @abstractmethod
    def retries(self) -> Any:
        """How the executor deals with steps that ask to be retried."""


@dataclass(frozen=True, slots=True)
class InitExecutorContext:
    """What the function of an executor is given: the job, the definition with its config, and the instance."""

    job: Any
    executor_def: ExecutorDefinition
    executor_config: Mapping[str, object]
    instance: Instance


ExecutorFunction = Callable[[InitExecutorContext], Executor]
Requirements = Callable[[Mapping[str, object]], Sequence[ExecutorRequirement]] | Sequence[ExecutorRequirement]


@dataclass(frozen=True, slots=True)
class _MadeLater:
    """The schema of one of Headwater's executors: most runs give no config of it, and need none."""

    make: Callable[[], Any]


class ExecutorDefinition(NamedConfigurable):
    """An executor by name, with the config that it takes under `execution: config:` of a run's config."""

    def __init__(
        self,
        name: str,
        config_schema: Any = None,
        requirements: Requirements | None = None,
        executor_creation_fn: ExecutorFunction | None = None,
        description: str | None = None,
    ) -> None:
        if executor_creation_fn is not None and not callable(executor_creation_fn):
            raise CheckError(
                what=f'executor_creation_fn= of "{name}" was given {executor_creation_fn!r}.',
                why="An executor is made by calling a function.",
                fix="Give a function of an InitExecutorContext that returns an Executor.",
            )
        self.name = name
        self.description = description
        self.requirements: Requirements = requirements if requirements is not None else ()
        self.executor_creation_fn = executor_creation_fn
        self.stages: tuple[ConfigStage, ...] = ()
        self._given_schema = config_schema

    @cached_property
    def _schema(self) -> ConfigSchema:
        given = self._given_schema
        return schema_of(given.make() if isinstance(given, _MadeLater) else given)

    @property
    def config_schema(self) -> ConfigSchema:
        """What a run's config of it must look like; after `.configured`, what is still left to give."""
        return self.stages[0].schema if self.stages else self._schema

    def get_requirements(self, executor_config: Mapping[str, object]) -> Sequence[ExecutorRequirement]:
        """Return what the executor asks of runs when it is configured so."""
        return self.requirements(executor_config) if callable(self.requirements) else self.requirements

    def resolve_config(self, given: Any = NO_VALUE, path: str = "execution.config") -> Any:
        """Return the config that its function sees when a run gives `given`. Raises InvalidConfigError."""
        return resolve_through(self.stages, self._schema, given, path)

    @staticmethod
    def hardcoded_executor(executor: Executor) -> ExecutorDefinition:
        """Return the definition of an executor that exists already."""
        return ExecutorDefinition("__executor__", executor_creation_fn=lambda _context: executor)

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: Any = None,
        description: str | None = None,
    ) -> ExecutorDefinition:
        """Return this executor, as `name` if one is given, with its config given, or made by a function from one that
        fits `config_schema`. Raises InvalidConfigError for a given config that does not fit."""
        return self._configured(config_or_config_fn, name or self.name, config_schema, description)

    def copy_for_configured(self, *, name: str | None, description: str | None, stage: ConfigStage) -> Any:
        made = ExecutorDefinition(
            name or self.name,
            self._given_schema,
            self.requirements,
            self.executor_creation_fn,
            description or self.description,
        )
        made.stages = (stage, *self.stages)
        return made

    def __repr__(self) -> str:
        return f"ExecutorDefinition({self.name!r})"


# ------------------------------------------------------------------------------------------------ Headwater's executors


def _retries() -> Field:
    return Field(
        Selector({"enabled": {}, "disabled": {}}),
        is_required=False,
        default_value={"enabled": {}},
        description="Whether steps that ask for it are tried again.",
    )


def _step_dependencies() -> Field:
    return Field(
        {"require_upstream_step_success": Field(bool, is_required=False, default_value=True)},
        is_required=False,
        description="When a step may start, given the steps that it depends on.",
    )


def _in_process_schema() -> dict[str, Field]:
    return {
        "retries": _retries(),
        "marker_to_close": Field(str, is_required=False, description="Accepted, and without meaning."),
        "step_dependency_config": _step_dependencies(),
    }


def _multiprocess_schema() -> dict[str, Field]:
    limit = {
        "key": str,
        "value": Field(ScalarUnion(str, {"applyLimitPerUniqueValue": bool}), is_required=False),
        "limit": int,
    }
    start_method = Selector({"spawn": {}, "forkserver": {"preload_modules": Field([str], is_required=False)}})
    return {
        "max_concurrent": Field(
            Noneable(int), is_required=False, default_value=None, description="How many processes run at most."
        ),
        "tag_concurrency_limits": Field(
            [limit], is_required=False, description="How many steps with a tag run at the same time at most."
        ),
        "start_method": Field(start_method, is_required=False, description="How processes are started."),
        "retries": _retries(),
        "step_dependency_config": _step_dependencies(),
    }


def _either_schema() -> Field:
    return Field(
        Selector({"multiprocess": _multiprocess_schema(), "in_process": _in_process_schema()}),
        is_required=False,
        default_value={"multiprocess": {}},
    )


in_process_executor = ExecutorDefinition(
    "in_process", _MadeLater(_in_process_schema), description="Steps run one after another in the process of the run."
)
multiprocess_executor = ExecutorDefinition(
    "multiprocess",
    _MadeLater(_multiprocess_schema),
    multiple_process_executor_requirements(),
    description="Meant for worker processes; in this release steps run in the process of the run.",
)


def _either_requirements(config: Mapping[str, object]) -> Sequence[ExecutorRequirement]:
    return multiple_process_executor_requirements() if "multiprocess" in config else ()


multi_or_in_process_executor = ExecutorDefinition(
    "multi_or_in_process_executor",
    _MadeLater(_either_schema),
    _either_requirements,
    description="Steps run in the process of the run, in this release.",
)
# What `execute_in_process` runs with, whatever the job has; any config for the job's own executor is let pass.
in_callers_process = ExecutorDefinition("in_process", dict, description="Steps run in the caller's process.")


# --------------------------------------------------------------------------------------------------------------- in use


def executor_definition_of(given: Any) -> ExecutorDefinition | None:
    """Return the definition of whatever was given in `executor=`; of an executor that exists already, too."""
    if isinstance(given, Executor):
        return ExecutorDefinition.hardcoded_executor(given)
    found: ExecutorDefinition | None = given
    return found


def execution_faults(executor_def: ExecutorDefinition | None, section: Any) -> list[ConfigFault]:
    """Return what is wrong with the `execution` part of a run's config, given the executor that the job names."""
    chosen = executor_def or multi_or_in_process_executor
    if section is None or section == {}:
        section = {}
    if not isinstance(section, Mapping):
        return [ConfigFault("execution", 'must be a mapping such as {"config": {...}}.', "")]
    faults = [
        ConfigFault(f"execution.{key}", "there is no such field.", 'The config goes under "config".')
        for key in section
        if key != "config"
    ]
    _, more = examine_config(
        chosen.config_schema, section.get("config", NO_VALUE), "execution.config", resolve_env=False
    )
    return [*faults, *more]


def limit_of(executor_def: ExecutorDefinition | None) -> str | None:
    """Return, in one line, what this release does otherwise than the executor promises; None when nothing."""
    if executor_def is None:
        return None
    if executor_def.executor_creation_fn is not None:
        return (
            f'"{executor_def.name}" is an executor of your own: no run is carried out by it. Use in_process_executor.'
        )
    if executor_def._given_schema is not multiprocess_executor._given_schema:
        return None
    return "multiprocess_executor: without a service, steps run in one process, that of the run. See docs/service.md."


def warn_of_limit(executor_def: ExecutorDefinition | None) -> None:
    """Log what `limit_of` tells, as a warning. Raises UnsupportedExecutorError for an executor of the user's own."""
    if executor_def is not None and executor_def.executor_creation_fn is not None:
        from headwater.model.errors.executors import UnsupportedExecutorError

        raise UnsupportedExecutorError(executor_def.name)
    if told := limit_of(executor_def):
        import logging

        logging.getLogger("headwater").warning(told)


@overload
def executor(name: ExecutorFunction, /) -> ExecutorDefinition: ...


@overload
def executor(
    name: str | None = None, config_schema: Any = None, requirements: Requirements | None = None
) -> Callable[[ExecutorFunction], ExecutorDefinition]: ...


def executor(
    name: str | ExecutorFunction | None = None, config_schema: Any = None, requirements: Requirements | None = None
) -> Any:
    """Declare an executor by a function of an InitExecutorContext that returns an Executor.

    It can be configured and named on jobs and Definitions, so that what was written for another engine loads. A run that
    would be carried out by it raises UnsupportedExecutorError before it is recorded: steps are carried out by
    Headwater's own executors. `execute_in_process()` and `materialize` run in the caller's process whatever is named.
    """
    if callable(name):
        return _declared(name, None, None, None)
    return lambda function: _declared(function, name, config_schema, requirements)


def _declared(
    function: ExecutorFunction, name: str | None, config_schema: Any, requirements: Requirements | None
) -> ExecutorDefinition:
    if not callable(function):
        raise InvalidDefinitionError(
            what=f"@executor was put above {function!r}.",
            why="It cannot be called to make an executor.",
            fix="Put it above a function of an InitExecutorContext that returns an Executor.",
        )
    return ExecutorDefinition(
        name or str(getattr(function, "__name__", "executor")), config_schema, requirements, function
    )
