"""What schedules and sensors share: what they are called and start, the function that they call, and its context."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import update_wrapper
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from headwater.authoring.asset_job import UnresolvedAssetJobDefinition
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.job import JobDefinition
from headwater.authoring.op import docstring_of
from headwater.authoring.ports import NO_VALUE
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.signature import read_signature
from headwater.model.errors import (
    CheckError,
    DefinitionError,
    InvalidDefinitionError,
    InvalidInvocationError,
    did_you_mean,
)
from headwater.model.errors.root import kind_of
from headwater.model.errors.triggers import MissingTriggerContextValue, TriggerResultError
from headwater.model.metadata import normalize_metadata
from headwater.model.partitions.definition import PARTITION_TAG
from headwater.model.specs import checked_name, checked_owners, checked_tags

if TYPE_CHECKING:
    import logging

    from headwater.authoring.definitions import Definitions
    from headwater.authoring.resources import ResourceSession, ScopedResources
    from headwater.model.metadata import MetadataValue
    from headwater.runtime.instance import Instance

Self = TypeVar("Self", bound="TriggerContext")

ANONYMOUS_JOB_PREFIX = "__anonymous_asset_job_"


# ------------------------------------------------------------------------------------------------------------- targets


class TriggerTargets:
    """Which jobs a trigger starts: given as jobs, by name, or as assets, of which it makes a job of its own."""

    __slots__ = ("assets", "job_names", "jobs")

    def __init__(
        self, jobs: Sequence[Any] = (), job_names: Sequence[str] = (), assets: Sequence[AssetsDefinition] = ()
    ) -> None:
        self.jobs = tuple(jobs)
        self.job_names = tuple(job_names)
        self.assets = tuple(assets)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the jobs, whichever way they were given."""
        return (*(job.name for job in self.jobs), *self.job_names)


def targets_of(
    of: str,
    trigger_name: str | None,
    *,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    job_name: str | None = None,
    target: Any = None,
    asset_selection: Any = None,
    called: Mapping[str, str] | None = None,
) -> TriggerTargets:
    """Return what a trigger starts. Raises InvalidDefinitionError when it is said in more than one way.

    `called` gives the names under which its users know these arguments, where they are others.
    """
    ways = {"job": job, "jobs": jobs, "job_name": job_name, "target": target, "asset_selection": asset_selection}
    ways = {(called or {}).get(way, way): value for way, value in ways.items()}
    given = [way for way, value in ways.items() if value is not None]
    if len(given) > 1:
        raise InvalidDefinitionError(
            what=f"{of} was given {' and '.join(f'{way}=' for way in given)}.",
            why="Each of them says what it starts.",
            fix=f"Keep {given[0]}=.",
        )
    if job_name is not None:
        return TriggerTargets(job_names=[job_name])
    if job is not None:
        return TriggerTargets([_as_job(of, job)])
    if jobs is not None:
        return TriggerTargets([_as_job(of, one) for one in jobs])
    wanted = target if target is not None else asset_selection
    if wanted is None:
        return TriggerTargets()
    if target is not None and (is_job(target) or hasattr(target, "to_job")):
        return TriggerTargets([_as_job(of, target)])
    if target is not None and isinstance(target, (list, tuple)) and target and all(map(is_job, target)):
        return TriggerTargets([_as_job(of, one) for one in target])
    if trigger_name is None:
        raise InvalidDefinitionError(
            what=f"{of} starts assets and has no name.",
            why="Without a job there is nothing to call it after.",
            fix='Give name="...".',
        )
    several = wanted if isinstance(wanted, (list, tuple)) else [wanted]
    return TriggerTargets(
        [UnresolvedAssetJobDefinition(f"{ANONYMOUS_JOB_PREFIX}{trigger_name}", wanted)],
        assets=[one for one in several if isinstance(one, AssetsDefinition)],
    )


def is_job(thing: Any) -> bool:
    return isinstance(thing, (JobDefinition, UnresolvedAssetJobDefinition))


def _as_job(of: str, thing: Any) -> Any:
    if is_job(thing):
        return thing
    if hasattr(thing, "to_job"):
        return thing.to_job()
    raise InvalidDefinitionError(
        what=f"{of} was given {thing!r} to start.",
        why=f"It is {kind_of(thing)}, not a job.",
        fix="Give a job or graph as job=, or assets as target=; a job's name goes into job_name=.",
    )


# ------------------------------------------------------------------------------------------------------------ contexts


class TriggerContext:
    """What the function of a trigger is told. Use it in a `with` statement where resources must be torn down."""

    _builder: ClassVar[str] = ""

    def __init__(
        self,
        instance: Any = None,
        resources: Mapping[str, Any] | None = None,
        definitions: Definitions | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self._instance = instance
        self._resource_defs: Mapping[str, Any] = resources or {}
        # A repository stands for definitions; whoever gave one is handed it back.
        self._repository_def = definitions
        self._definitions: Definitions | None = getattr(definitions, "definitions", definitions)
        self._log = log
        self._session: ResourceSession | None = None

    @property
    def instance(self) -> Instance:
        """The instance whose runs and assets it may look at. Raises MissingTriggerContextValue without one."""
        if self._instance is None:
            raise MissingTriggerContextValue("instance", self._builder)
        instance: Instance = self._instance
        return instance

    @property
    def has_instance(self) -> bool:
        """Whether there is an instance to be asked."""
        return self._instance is not None

    @property
    def log(self) -> logging.Logger:
        """The log of this evaluation; outside the service, that of Python's logging module."""
        if self._log is None:
            from headwater.authoring.log import Log

            self._log = Log()
        return self._log

    @property
    def definitions(self) -> Definitions | None:
        """The project that the trigger belongs to, None where it was not given."""
        return self._definitions

    @property
    def repository_def(self) -> Definitions:
        """The project that the trigger belongs to. Raises MissingTriggerContextValue without one."""
        if self._repository_def is None:
            raise MissingTriggerContextValue("repository_def", self._builder)
        return self._repository_def

    @property
    def resource_defs(self) -> Mapping[str, Any]:
        """The resources as they were given, by key."""
        return self._resource_defs

    @property
    def resources(self) -> ScopedResources:
        """The resources as attributes, set up when first asked for."""
        return self._open().resources_for(self._resource_defs)

    def _open(self) -> ResourceSession:
        if self._session is None:
            from headwater.authoring.resources import ResourceSession

            session = ResourceSession(self._resource_defs, instance=self._instance, log=self._log)
            session.open(self._resource_defs)
            self._session = session
            weakref.finalize(self, session.close)
        return self._session

    def close(self) -> None:
        """Tear down the resources that were set up."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def merge_resources(self: Self, resources_dict: Mapping[str, Any]) -> Self:
        """Return this context with more resources; one of the same key takes the other's place."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made._resource_defs = {**self._resource_defs, **resources_dict}
        made._session = None
        return made

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


# ----------------------------------------------------------------------------------------------------------- functions


class TriggerFunction:
    """A user's function that a trigger calls: perhaps with a context first, then values, and resources by name.

    `extra` counts the parameters after the context that are given by position, such as the event of an asset sensor.
    """

    __slots__ = ("context_name", "function", "name", "of", "resource_names")

    def __init__(self, function: Callable[..., Any], of: str, *, extra: int = 0) -> None:
        signature = read_signature(function)
        positional = [*([signature.context] if signature.context else []), *signature.input_names]
        if signature.config is not None:
            positional.append(signature.config.name)
        optional = {parameter.name for parameter in signature.inputs if parameter.default is not NO_VALUE}
        unmeant = [name for name in positional[1 + extra :] if name not in optional]
        if unmeant:
            more = unmeant[0]
            raise InvalidDefinitionError(
                what=f'{of} has a parameter "{more}" that is neither its context nor a resource.',
                why="Nothing would be given for it.",
                fix=f"Annotate it with the class of a resource, such as {more}: MyResource, or ResourceParam[...].",
            )
        self.function = function
        self.of = of
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.context_name = positional[0] if positional else None
        self.resource_names = tuple(parameter.name for parameter in signature.resources)

    def evaluate(self, context: TriggerContext, *values: Any) -> Any:
        """Call the function as the service does; a user's error says which trigger raised it."""
        try:
            return self.call(context, *values)
        except Exception as error:
            error.add_note(f"Raised while {self.of} was evaluated.")
            raise

    def call(self, context: TriggerContext | None, *values: Any, **resources: Any) -> Any:
        given = [context, *values] if self.context_name is not None else list(values)
        needed = [name for name in self.resource_names if name not in resources]
        for name in needed:
            if context is None or name not in context.resource_defs:
                raise self._resource_missing(name, context, "Its function has a parameter for it.")
        if needed and context is not None:
            opened = context.resources
            resources = {**resources, **{name: getattr(opened, name) for name in needed}}
        return self.function(*given, **resources)

    def invoke(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], kind: type[TriggerContext], required: Set[str]
    ) -> Any:
        """Call the function as a test does: context first or by its name, resources from it or by their names.

        Raises InvalidDefinitionError where the context lacks one of the `required` resources.
        """
        left = dict(kwargs)
        values = list(args)
        context: Any = None
        if self.context_name is not None and self.context_name in left:
            context = left.pop(self.context_name)
        elif values and isinstance(values[0], TriggerContext):
            context = values.pop(0)
        if self.context_name is not None and not isinstance(context, kind):
            raise InvalidInvocationError(
                what=f"{self.of} was called without the context that its function takes.",
                why=f"It is called with a {kind.__name__}.",
                fix=f"Call it with {kind._builder}(...).",
            )
        for name in sorted(required - set(self.resource_names)):
            if context is None or name not in context.resource_defs:
                raise self._resource_missing(name, context, "It is in required_resource_keys.")
        return self.call(context, *values, **left)

    def _resource_missing(self, name: str, context: TriggerContext | None, why: str) -> InvalidDefinitionError:
        known = context.resource_defs if context is not None else {}
        return InvalidDefinitionError(
            what=f'{self.of} needs the resource "{name}", which was not provided.',
            why=why,
            fix=f"{did_you_mean(name, known)}Pass it to the context: resources={{{name!r}: ...}}.",
        )


# ------------------------------------------------------------------------------------------------------------ triggers


class Trigger:
    """What a schedule and a sensor are alike in: a name, words about it, what it starts and what it needs."""

    _kind: ClassVar[str] = "Trigger"

    def __init__(
        self,
        name: str,
        targets: TriggerTargets,
        function: TriggerFunction | None,
        *,
        description: str | None,
        tags: Mapping[str, str] | None,
        metadata: Mapping[str, Any] | None,
        owners: Sequence[str] | None,
        required_resource_keys: Iterable[str] | None,
    ) -> None:
        self.name = checked_name(name, f"a {self._kind.lower()}")
        self.targets = targets
        self.function = function
        if description is None and function is not None:
            description = docstring_of(function.function)
        if function is not None:
            made: Any = self
            update_wrapper(made, function.function, updated=())
        self.description = description
        self.tags: Mapping[str, str] = checked_tags(tags, self._described)
        self.metadata: Mapping[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}
        self.owners = checked_owners(owners, self._described)
        self.required_resource_keys = frozenset(required_resource_keys or ()) | frozenset(
            function.resource_names if function is not None else ()
        )

    @property
    def _described(self) -> str:
        return f'{self._kind} "{self.name}"'

    @property
    def target_jobs(self) -> Sequence[Any]:
        """The jobs that it may start; none that is only named."""
        return self.targets.jobs

    @property
    def target_assets(self) -> Sequence[AssetsDefinition]:
        """The asset definitions that were given as target."""
        return self.targets.assets

    def problems_in(self, definitions: Definitions) -> Sequence[DefinitionError]:
        """Return what is wrong with it as a part of a project, beyond what it starts and needs."""
        return ()

    def _skip_among(self, returned: Sequence[Any]) -> SkipReason | None:
        """Return the reason that its function gave. Raises TriggerResultError when it gave something beside it."""
        skips = [one for one in returned if isinstance(one, SkipReason)]
        if skips and len(returned) > 1:
            raise TriggerResultError(
                what=f"{self._described} gave a SkipReason and {len(returned) - 1} other result(s).",
                why="Either something is to run, or nothing is.",
                fix="Give one SkipReason, or only RunRequests.",
            )
        return skips[0] if skips else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


# ------------------------------------------------------------------------------------------------------------ requests


def results_listed(returned: Any) -> list[Any]:
    """Return what a function gave, in whichever way, as a list; None gives an empty one."""
    if returned is None:
        return []
    if isinstance(returned, (list, tuple)) and not hasattr(returned, "run_requests"):
        return list(returned)
    if hasattr(returned, "__next__"):
        return [one for one in returned if one is not None]
    return [returned]


def completed_request(
    of: str, request: RunRequest, targets: TriggerTargets, tags: Mapping[str, str], context: TriggerContext
) -> RunRequest:
    """Return a request as it is launched: with the trigger's tag, and with what its partition brings.

    A job with a PartitionedConfig brings config, unless the request has some, and tags. Raises TriggerResultError for a
    job that the trigger does not start, UnknownPartitionError for a partition that the job does not have.
    """
    if request.job_name is not None and targets.names and request.job_name not in targets.names:
        raise TriggerResultError(
            what=f'{of} asked for a run of the job "{request.job_name}", which it does not start.',
            why="What a trigger may start is declared, so that it is seen before it happens.",
            fix=f"{did_you_mean(request.job_name, targets.names)}It starts: {', '.join(targets.names)}.",
        )
    run_config: Any = request.run_config
    partition_tags: Mapping[str, str] = {}
    if request.partition_key is not None:
        job = job_of(request, targets, context)
        partitioned = getattr(job, "partitioned_config", None)
        partitions_def = getattr(job, "partitions_def", None)
        if partitioned is not None:
            partition_tags = partitioned.get_tags_for_partition_key(request.partition_key)
            run_config = run_config or partitioned.get_run_config_for_partition_key(request.partition_key)
        elif partitions_def is not None:
            partition_tags = partitions_def.get_tags_for_partition_key(request.partition_key)
        else:
            partition_tags = {PARTITION_TAG: request.partition_key}
    return RunRequest(
        run_key=request.run_key,
        run_config=run_config,
        tags={**request.tags, **partition_tags, **tags},
        job_name=request.job_name,
        asset_selection=request.asset_selection,
        stale_assets_only=request.stale_assets_only,
        partition_key=request.partition_key,
        asset_check_keys=request.asset_check_keys,
    )


def job_of(request: RunRequest, targets: TriggerTargets, context: TriggerContext) -> Any:
    """Return the job that a request is for, with what the project gives it; None when that is not known here."""
    name = request.job_name or (targets.names[0] if targets.names else None)
    if context.definitions is not None and name is not None and context.definitions.has_job(name):
        return context.definitions.get_job_def(name)
    return next((job for job in targets.jobs if job.name == name), None)


def checked_interval(of: str, seconds: float | None) -> None:
    if seconds is not None and seconds < 0:
        raise CheckError(
            what=f"{of} has minimum_interval_seconds={seconds}.",
            why="It is the least time between two evaluations.",
            fix="Give 0 or more.",
        )
