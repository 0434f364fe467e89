"""A job as steps: graphs flattened to ops, assets joined by what they load, checks put where they belong.

What comes out is in two halves kept side by side by step key: drafts, which are data for the plan, and code, which is what
a worker calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwater.authoring.composition import Collected, FanIn, GraphInput, Source as GraphSource, StoredAsset
from headwater.authoring.graph_definition import GraphDefinition, retry_policy_of
from headwater.authoring.nodes import NodeDefinition, NodeUse
from headwater.authoring.op import OpDefinition
from headwater.model.errors import InvalidDefinitionError
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.plan.run_plan import (
    FromAsset,
    FromCollected,
    FromConfig,
    FromInputManager,
    FromMany,
    FromStep,
    Need,
    Source,
)

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.hooks import HookDefinition
    from headwater.authoring.job import JobDefinition
    from headwater.model.policies import RetryPolicy


@dataclass(slots=True)
class JobStep:
    """One op of a job where it stands: its code, its place, and what its inputs and outputs mean."""

    key: str
    op: OpDefinition
    path: tuple[str, ...]
    inputs: dict[str, Source]
    needs: list[Need] = field(default_factory=list)
    hooks: frozenset[HookDefinition] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    retry_policy: RetryPolicy | None = None
    assets_def: AssetsDefinition | None = None
    asset_by_output: dict[str, AssetKey] = field(default_factory=dict)
    selected_keys: frozenset[AssetKey] = frozenset()
    selected_checks: frozenset[AssetCheckKey] = frozenset()
    mapped_over: tuple[str, str] | None = None
    # The assets that were handed to it in a graph, with what says how they are stored.
    stored_assets: Mapping[AssetKey, AssetsDefinition] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        if self.assets_def is None:
            return "op"
        if self.selected_keys:
            return "observation" if self.assets_def.is_observable else "asset"
        return "check" if self.selected_checks else "op"


class _Scope:
    """One graph where it stands in a job: resolves what its nodes' inputs really come from."""

    def __init__(
        self,
        graph: GraphDefinition,
        path: tuple[str, ...],
        outer: Mapping[str, Source],
        hooks: frozenset[HookDefinition],
        tags: Mapping[str, str],
        job: JobDefinition,
    ) -> None:
        self.graph = graph
        self.path = path
        self.outer = outer
        self.hooks = hooks
        self.tags = tags
        self.job = job
        self.inner: dict[str, _Scope] = {}
        self.stored_assets: dict[AssetKey, AssetsDefinition] = {}

    def scope_of(self, node: str) -> _Scope:
        if node not in self.inner:
            use = self.graph.uses[node]
            assert isinstance(use.definition, GraphDefinition)
            given = {name: self.resolved(source) for name, source in self.graph.sources.get(node, {}).items()}
            self.inner[node] = _Scope(
                use.definition,
                (*self.path, node),
                given,
                self.hooks | use.hooks | use.definition.hooks,
                {**self.tags, **use.definition.tags, **use.tags},
                self.job,
            )
            self.inner[node].stored_assets = self.stored_assets
        return self.inner[node]

    def key_of(self, node: str) -> str:
        return ".".join((*self.path, node))

    def resolved(self, source: GraphSource) -> Source:
        """Return where a value really comes from, through any number of nested graphs."""
        if isinstance(source, GraphInput):
            return self.outer.get(source.name, FromConfig((*self.path, source.name)))
        if isinstance(source, FanIn):
            return FromMany(tuple(self.resolved(part) for part in source.sources))
        if isinstance(source, StoredAsset):
            self.stored_assets[source.key] = source.definition
            return FromAsset(source.key)
        definition = self.graph.uses[source.node].definition
        if isinstance(definition, GraphDefinition):
            inner = self.scope_of(source.node).resolved(definition.output_sources[source.output])
            if isinstance(source, Collected) and isinstance(inner, FromStep):
                return FromCollected(inner.step, inner.output)
            return inner
        if isinstance(source, Collected):
            return FromCollected(self.key_of(source.node), source.output)
        return FromStep(self.key_of(source.node), source.output)

    def steps(self) -> Iterator[JobStep]:
        for node, use in self.graph.uses.items():
            definition = use.definition
            if isinstance(definition, GraphDefinition):
                yield from self.scope_of(node).steps()
            elif isinstance(definition, OpDefinition):
                yield self._step(node, use, definition)

    def _step(self, node: str, use: NodeUse, op: OpDefinition) -> JobStep:
        sources = self.graph.sources.get(node, {})
        inputs: dict[str, Source] = {}
        for name, port in op.ins.items():
            source = sources.get(name)
            resolved = self.resolved(source) if source is not None else None
            if resolved is None:
                if port.is_nothing:
                    continue
                if port.asset_key is not None:
                    resolved = FromAsset(port.asset_key)
                elif port.input_manager_key is not None:
                    resolved = FromInputManager()
                else:
                    resolved = FromConfig((*self.path, node, name))
            inputs[name] = resolved
        return JobStep(
            key=self.key_of(node),
            op=op,
            path=(*self.path, node),
            inputs=inputs,
            hooks=self.hooks | use.hooks | op.hooks,
            tags={**self.tags, **op.tags, **use.tags},
            retry_policy=retry_policy_of(use) or self.job.op_retry_policy,
            stored_assets={
                source.asset: self.stored_assets[source.asset]
                for source in _flat(inputs.values())
                if isinstance(source, FromAsset) and source.asset in self.stored_assets
            }
            if self.stored_assets
            else {},
        )


def steps_of_job(job: JobDefinition) -> list[JobStep]:
    """Return every step of a job, in an order in which they could run. Raises InvalidDefinitionError when there is none."""
    if job.graph_def is not None:
        outer: dict[str, Source] = {}
        scope = _Scope(job.graph_def, (), outer, job.hook_defs | job.graph_def.hooks, {}, job)
        steps = list(scope.steps())
        for step in steps:
            step.needs = [_need_of(source) for source in step.inputs.values() if _need_of(source).sources]
    else:
        steps = _steps_of_assets(job)
    _find_mapped(steps, job.name)
    return _sorted(steps, job)


def _need_of(source: Source) -> Need:
    if isinstance(source, FromStep):
        return Need(((source.step, source.output),))
    if isinstance(source, FromCollected):
        return Need(((source.step, source.output),), is_collected=True)
    if isinstance(source, FromAsset) and source.step is not None:
        return Need(((source.step, source.output),))
    if isinstance(source, FromMany):
        parts = tuple(pair for part in source.sources for pair in _need_of(part).sources)
        collected = any(_need_of(part).is_collected for part in source.sources)
        return Need(parts, is_fan_in=True, is_collected=collected)
    return Need(())


# -------------------------------------------------------------------------------------------------------------- assets


def _steps_of_assets(job: JobDefinition) -> list[JobStep]:
    """Steps of assets wait for the steps that build what they load or depend on, and for blocking checks of those."""
    steps: list[JobStep] = []
    built_by: dict[AssetKey, tuple[str, str | None]] = {}
    names: dict[str, int] = {}
    parts: list[tuple[AssetsDefinition, list[JobStep], frozenset[AssetKey], frozenset[AssetCheckKey]]] = []
    for definition, keys, checks in job.assets_definitions():
        if keys:
            definition.check_subset(keys)
        for part_keys, part_checks in _split(definition, keys, checks, job):
            made = _steps_of_definition(definition, part_keys, part_checks, job, names)
            parts.append((definition, made, part_keys, part_checks))
            steps.extend(made)
            for step in made:
                for output, key in step.asset_by_output.items():
                    built_by[key] = (step.key, output)
    guards = _blocking_check_steps(parts)
    for definition, made, part_keys, part_checks in parts:
        _join(definition, made, part_keys, part_checks, built_by, guards)
    return steps


def _split(
    definition: AssetsDefinition,
    keys: frozenset[AssetKey],
    checks: frozenset[AssetCheckKey],
    job: JobDefinition,
) -> list[tuple[frozenset[AssetKey], frozenset[AssetCheckKey]]]:
    """A multi-asset that can be built in parts is, where another selected asset stands between two of its own."""
    if not (definition.can_subset and len(keys) > 1 and job.asset_index is not None):
        return [(keys, checks)]
    # How often the paths to an asset leave the definition and come back, and which assets have one of its own above.
    depth: dict[AssetKey, int] = {}
    below_own: set[AssetKey] = set()
    graph = job.asset_index.graph
    for key in graph.toposort():
        if key not in job.asset_keys:
            continue
        deepest = 0
        for parent in graph.parents(key):
            if parent not in depth:
                continue
            comes_back = key in keys and parent not in keys and parent in below_own
            deepest = max(deepest, depth[parent] + comes_back)
            if parent in keys or parent in below_own:
                below_own.add(key)
        depth[key] = deepest

    by_depth: dict[int, set[AssetKey]] = {}
    for key in keys:
        by_depth.setdefault(depth[key], set()).add(key)
    if len(by_depth) == 1:
        return [(keys, checks)]
    return [
        (frozenset(by_depth[level]), frozenset(check for check in checks if check.asset_key in by_depth[level]))
        for level in sorted(by_depth)
    ]


def _steps_of_definition(
    definition: AssetsDefinition,
    keys: frozenset[AssetKey],
    checks: frozenset[AssetCheckKey],
    job: JobDefinition,
    names: dict[str, int],
) -> list[JobStep]:
    node = definition.node_def
    assert node is not None
    names[node.name] = names.get(node.name, 0) + 1
    name = node.name if names[node.name] == 1 else f"{node.name}_{names[node.name]}"
    hooks = job.hook_defs | definition.hook_defs | node.hooks
    if isinstance(node, OpDefinition):
        inputs: dict[str, Source] = {}
        for input_name, key in definition.loaded_by_input.items():
            port = node.ins.get(input_name)
            if port is not None and not port.is_nothing:
                inputs[input_name] = FromAsset(key)
        return [
            JobStep(
                key=name,
                op=node,
                path=(node.name,),
                inputs=inputs,
                hooks=hooks,
                tags=node.tags,
                retry_policy=node.retry_policy or job.op_retry_policy,
                assets_def=definition,
                asset_by_output={output: key for output, key in definition.keys_by_output_name.items() if key in keys},
                selected_keys=keys,
                selected_checks=checks,
            )
        ]
    assert isinstance(node, GraphDefinition)
    outer: dict[str, Source] = {input_name: FromAsset(key) for input_name, key in definition.loaded_by_input.items()}
    scope = _Scope(node, (name,), outer, hooks, node.tags, job)
    steps = list(scope.steps())
    by_key = {step.key: step for step in steps}
    for output, key in definition.keys_by_output_name.items():
        source = scope.resolved(node.output_sources[output])
        if not isinstance(source, FromStep) or source.step not in by_key:
            raise InvalidDefinitionError(
                what=f'Output "{output}" of graph asset "{name}" is not the output of one op.',
                why="It could not be recorded which step built the asset.",
                fix="Return the output of an op, and collect or combine values in an op before.",
            )
        if key in keys:
            by_key[source.step].asset_by_output[source.output] = key
    for step in steps:
        step.assets_def = definition
        step.selected_keys = frozenset(step.asset_by_output.values())
        step.needs = [_need_of(source) for source in step.inputs.values() if _need_of(source).sources]
    if checks and steps:
        for step in steps:
            step.selected_checks = frozenset(check for check in checks if check.asset_key in step.selected_keys)
    return steps


def _blocking_check_steps(
    parts: list[tuple[AssetsDefinition, list[JobStep], frozenset[AssetKey], frozenset[AssetCheckKey]]],
) -> dict[AssetKey, list[str]]:
    """By asset, the steps of its own that evaluate blocking checks of it."""
    guards: dict[AssetKey, list[str]] = {}
    for definition, steps, keys, checks in parts:
        if keys:
            continue
        for spec in definition.check_specs:
            if spec.blocking and spec.key in checks:
                guards.setdefault(spec.asset_key, []).append(steps[-1].key)
    return guards


def _join(
    definition: AssetsDefinition,
    steps: list[JobStep],
    keys: frozenset[AssetKey],
    checks: frozenset[AssetCheckKey],
    built_by: Mapping[AssetKey, tuple[str, str | None]],
    guards: Mapping[AssetKey, list[str]],
) -> None:
    """Put the edges between this definition's steps and those that build or guard what it depends on."""
    own = {step.key for step in steps}
    upstream: dict[AssetKey, None] = {}
    for key in definition.specs_by_key:
        if key in keys:
            upstream.update(dict.fromkeys(dep.asset_key for dep in definition.specs_by_key[key].deps))
    for spec in definition.check_specs:
        if spec.key in checks:
            upstream[spec.asset_key] = None
            upstream.update(dict.fromkeys(dep.asset_key for dep in spec.additional_deps))
    upstream.update(dict.fromkeys(definition.loaded_by_input.values()))
    for step in steps:
        for name, source in step.inputs.items():
            if isinstance(source, FromAsset):
                step.inputs[name] = _joined(source, built_by, own)
            elif isinstance(source, FromMany):
                step.inputs[name] = FromMany(
                    tuple(
                        _joined(part, built_by, own) if isinstance(part, FromAsset) else part for part in source.sources
                    )
                )
        known = set(step.needs)
        loads_assets = any(isinstance(source, (FromAsset, FromMany)) for source in step.inputs.values())
        starts_graph = not any(isinstance(source, (FromStep, FromCollected)) for source in step.inputs.values())
        if not (loads_assets or starts_graph or len(steps) == 1):
            continue
        for key in upstream:
            if key in built_by and built_by[key][0] in own:
                continue  # what guards an asset comes after it, also when the asset reads its own earlier partition
            if key in built_by:
                need = Need((built_by[key],))
                if need not in known:
                    known.add(need)
                    step.needs.append(need)
            for guard in guards.get(key, ()):
                if guard not in own and keys:
                    need = Need(((guard, None),))
                    if need not in known:
                        known.add(need)
                        step.needs.append(need)


def _joined(source: FromAsset, built_by: Mapping[AssetKey, tuple[str, str | None]], own: set[str]) -> FromAsset:
    found = built_by.get(source.asset)
    if found is None or found[0] in own:
        return source
    return FromAsset(source.asset, found[0], found[1])


# ------------------------------------------------------------------------------------------------------ dynamic outputs


def _find_mapped(steps: list[JobStep], job_name: str) -> None:
    """Mark each step that runs once for each value of a dynamic output: it takes one, or what such a step gave."""
    by_key = {step.key: step for step in steps}
    found: dict[str, tuple[str, str] | None] = {}

    def mapped_over(key: str) -> tuple[str, str] | None:
        if key in found:
            return found[key]
        found[key] = None
        origins: set[tuple[str, str]] = set()
        for source in _flat(by_key[key].inputs.values()):
            if isinstance(source, FromStep) and source.step in by_key:
                if by_key[source.step].op.outs[source.output].is_dynamic:
                    if mapped_over(source.step) is not None:
                        raise InvalidDefinitionError(
                            what=f'In job "{job_name}", "{key}" maps over a dynamic output of "{source.step}".',
                            why="That step is itself mapped over a dynamic output, and maps do not nest.",
                            fix="Collect the first one before mapping again.",
                        )
                    origins.add((source.step, source.output))
                else:
                    origin = mapped_over(source.step)
                    if origin is not None:
                        origins.add(origin)
        if len(origins) > 1:
            raise InvalidDefinitionError(
                what=f'In job "{job_name}", "{key}" takes values that are mapped over different dynamic outputs.',
                why="There is no pairing between their values.",
                fix="Collect one of them.",
            )
        found[key] = next(iter(origins), None)
        return found[key]

    if not any(out.is_dynamic for step in steps for out in step.op.outs.values()):
        return
    for step in steps:
        step.mapped_over = mapped_over(step.key)


def _flat(sources: object) -> Iterator[Source]:
    for source in sources:  # type: ignore[attr-defined]
        if isinstance(source, FromMany):
            yield from _flat(source.sources)
        else:
            yield source


def _sorted(steps: list[JobStep], job: JobDefinition) -> list[JobStep]:
    """Return the steps in a stable order in which each comes after what it needs. Raises when they go in a circle."""
    waiting = {step.key: {source for need in step.needs for source, _ in need.sources} for step in steps}
    waiting = {key: {source for source in sources if source in waiting} for key, sources in waiting.items()}
    dependents: dict[str, list[str]] = {}
    for key, sources in waiting.items():
        for source in sources:
            dependents.setdefault(source, []).append(key)
    counts = {key: len(sources) for key, sources in waiting.items()}
    by_key = {step.key: step for step in steps}
    position = {step.key: number for number, step in enumerate(steps)}
    import heapq

    ready = [position[key] for key, count in counts.items() if count == 0]
    heapq.heapify(ready)
    ordered: list[JobStep] = []
    while ready:
        step = steps[heapq.heappop(ready)]
        ordered.append(step)
        for dependent in dependents.get(step.key, ()):
            counts[dependent] -= 1
            if counts[dependent] == 0:
                heapq.heappush(ready, position[dependent])
    if len(ordered) < len(by_key):
        circle = _circle(waiting, {key for key, count in counts.items() if count > 0})
        raise InvalidDefinitionError(
            what=f'The steps of job "{job.name}" depend on each other in a circle: {" -> ".join(circle)}.',
            why="None of them could run first.",
            fix="Take one of these dependencies away; a multi-asset with can_subset=True may be built in parts.",
        )
    return ordered


def _circle(waiting: Mapping[str, set[str]], left: set[str]) -> list[str]:
    key = min(left)
    path: list[str] = []
    while key not in path:
        path.append(key)
        key = min(source for source in waiting[key] if source in left)
    return [*reversed(path[path.index(key) :]), path[-1]]


def node_names(definition: NodeDefinition) -> Iterator[str]:
    """Yield the names of all nodes of a graph, without those of nested graphs."""
    if isinstance(definition, GraphDefinition):
        yield from definition.uses
