"""The config of a run against what its job can take: every fault at once, before anything runs."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Set
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.authoring.config import NO_VALUE, ConfigMapping, examine_config, run_config_dict
from headwater.authoring.executors import execution_faults
from headwater.authoring.graph_definition import GraphDefinition
from headwater.authoring.nodes import NodeDefinition
from headwater.authoring.op import OpDefinition
from headwater.authoring.ports import NO_VALUE as NO_PORT_VALUE
from headwater.model.errors.config import ConfigFault, config_error
from headwater.model.errors.resources import MissingResourceError
from headwater.model.errors.root import did_you_mean
from headwater.plan.run_plan import FromConfig, FromMany

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.plan.job_steps import JobStep
    from headwater.plan.run_plan import RunPlan

_SECTIONS = ("ops", "resources", "execution", "loggers", "inputs")


def full_run_config(job: JobDefinition, given: Any, partition_key: str | None) -> dict[str, Any]:
    """Return the config of a run: what was given, over what the job brings. A config mapping makes it from what was given."""
    config = run_config_dict(given)
    if isinstance(job.config, ConfigMapping):
        return job.config.resolve(config if config else NO_VALUE, "config")
    graph = job.graph_def
    if graph is not None and graph.config_mapping is not None and isinstance(graph.config_mapping, ConfigMapping):
        section = config.get("ops")
        own = config.get("config", NO_VALUE)
        if own is not NO_VALUE or section is None:
            made = graph.config_mapping.resolve(own, "config")
            return (
                {**config, "ops": made}
                if "config" not in config
                else {**{key: value for key, value in config.items() if key != "config"}, "ops": made}
            )
    if config:
        return config
    return job.preset_config(partition_key)


@dataclass(frozen=True, slots=True)
class _OpConfigs:
    """The config of ops by their dotted paths: as it was given, and with defaults and what enums mean."""

    given: dict[str, Any]
    resolved: dict[str, Any]


def op_configs(
    job: JobDefinition, run_config: Mapping[str, Any], steps: Mapping[str, JobStep], resource_keys: Set[str]
) -> dict[str, Any]:
    """Return the given config of each op by its dotted path. Raises InvalidConfigError with every fault there is.

    The config of resources is held against those of `resource_keys`.
    """
    return _found_op_configs(job, run_config, steps, resource_keys).given


def resolved_run_config(
    job: JobDefinition, run_config: Mapping[str, Any], steps: Mapping[str, JobStep]
) -> dict[str, Any]:
    """Return the config of a run with the defaults of all its ops. Raises InvalidConfigError with every fault there is."""
    found = _found_op_configs(job, run_config, steps, required_keys(job, steps))
    ops: dict[str, Any] = deepcopy(dict(run_config.get("ops") or {}))
    for path, config in found.resolved.items():
        *graphs, op = path.split(".")
        section = ops
        for graph in graphs:
            section = section.setdefault(graph, {}).setdefault("ops", {})
        section.setdefault(op, {})["config"] = config
    return {**run_config, "ops": ops} if ops else dict(run_config)


def _found_op_configs(
    job: JobDefinition, run_config: Mapping[str, Any], steps: Mapping[str, JobStep], resource_keys: Set[str]
) -> _OpConfigs:
    faults: list[ConfigFault] = []
    for name in run_config:
        if name not in _SECTIONS:
            faults.append(ConfigFault(name, "there is no such section.", did_you_mean(name, _SECTIONS).rstrip()))
    found = _OpConfigs({}, {})
    section = run_config.get("ops") or {}
    if not isinstance(section, Mapping):
        faults.append(ConfigFault("ops", "must be a mapping from op name to its config.", ""))
        section = {}
    if job.graph_def is not None:
        _of_graph(job.graph_def, section, (), found, faults)
        faults.extend(_input_faults(job.graph_def, run_config, steps))
    else:
        definitions: dict[str, NodeDefinition] = {
            definition.node_def.name: definition.node_def
            for definition, _, _ in job.assets_definitions()
            if definition.node_def is not None
        }
        known = definitions
        if job.asset_index is not None:
            # Config of an asset that is not part of this run is let pass: jobs share their config.
            known = {
                d.node_def.name: d.node_def for d in job.asset_index.definitions if d.node_def is not None
            } | definitions
        _of_nodes({name: (node, name in definitions) for name, node in known.items()}, section, (), found, faults)
    faults.extend(_resource_faults(job, run_config, resource_keys))
    if "execution" in run_config:
        faults.extend(execution_faults(job.given_executor, run_config["execution"]))
    if run_config.get("loggers"):
        from headwater.authoring.loggers import logger_faults

        faults.extend(logger_faults(job.loggers, run_config["loggers"]))
    if faults:
        raise config_error(faults)
    return found


def _of_graph(
    graph: GraphDefinition,
    section: Mapping[str, Any],
    path: tuple[str, ...],
    found: _OpConfigs,
    faults: list[ConfigFault],
) -> None:
    _of_nodes({name: (use.definition, True) for name, use in graph.uses.items()}, section, path, found, faults)


def _of_nodes(
    nodes: Mapping[str, tuple[NodeDefinition, bool]],
    section: Mapping[str, Any],
    path: tuple[str, ...],
    found: _OpConfigs,
    faults: list[ConfigFault],
) -> None:
    where = ".".join(("ops", *(part for name in path for part in (name, "ops"))))
    for name in section:
        if name not in nodes:
            faults.append(ConfigFault(f"{where}.{name}", "there is no such op.", did_you_mean(name, nodes).rstrip()))
    for name, (node, is_used) in nodes.items():
        given = section.get(name)
        if not is_used:
            continue
        at = f"{where}.{name}"
        if given is not None and not isinstance(given, Mapping):
            faults.append(ConfigFault(at, 'must be a mapping such as {"config": {...}}.', ""))
            continue
        given = given or {}
        if isinstance(node, OpDefinition):
            _of_op(node, given, at, ".".join((*path, name)), found, faults)
        elif isinstance(node, GraphDefinition):
            inner = given.get("ops") or {}
            if isinstance(node.config_mapping, ConfigMapping) and "ops" not in given:
                inner = node.config_mapping.resolve(given.get("config", NO_VALUE), f"{at}.config")
            for key in given:
                if key not in ("ops", "inputs", "config", "outputs"):
                    fix = did_you_mean(key, ("ops", "inputs", "config")).rstrip()
                    faults.append(ConfigFault(f"{at}.{key}", "there is no such field of a graph.", fix))
            if node.config_mapping is None and given.get("config") not in (None, {}):
                faults.append(
                    ConfigFault(
                        f"{at}.config", f'graph "{node.name}" takes no config.', "Configure its ops, under ops."
                    )
                )
            _of_graph(node, inner, (*path, name), found, faults)


def _of_op(
    op: OpDefinition, given: Mapping[str, Any], at: str, path: str, found: _OpConfigs, faults: list[ConfigFault]
) -> None:
    for key in given:
        if key not in ("config", "inputs", "outputs"):
            fix = did_you_mean(key, ("config", "inputs")) or 'Its config goes under "config". '
            faults.append(ConfigFault(f"{at}.{key}", "there is no such field of an op.", fix.rstrip()))
    config = given.get("config", NO_VALUE)
    if not op.has_config:
        if config is not NO_VALUE:  # what declares no schema takes anything
            found.given[path] = found.resolved[path] = config
        return
    if config is not NO_VALUE:
        found.given[path] = config
    found.resolved[path], more = examine_config(op.config_schema, config, f"{at}.config", resolve_env=False)
    faults.extend(more)


def _input_faults(
    graph: GraphDefinition, run_config: Mapping[str, Any], steps: Mapping[str, JobStep]
) -> Iterator[ConfigFault]:
    """Say of each input that the config gives whether it may, and whether what it gives fits."""
    from headwater.authoring.input_config import input_config_faults

    open_paths: set[tuple[str, ...]] = set()
    for step in steps.values():
        for name, source in step.inputs.items():
            port = step.op.ins[name]
            if port.input_manager_key is not None:
                open_paths.add((*step.path, name))  # the config of its input manager
                continue
            for part in source.sources if isinstance(source, FromMany) else (source,):
                if isinstance(part, FromConfig) and part.path not in open_paths:
                    open_paths.add(part.path)
                    given = given_input(run_config, part.path)
                    if given is not NO_PORT_VALUE and part is source:
                        yield from input_config_faults(port.type, given, place_of_input(part.path))
    yield from _unfit_inputs(graph, run_config, (), open_paths, ())


def _unfit_inputs(
    node: NodeDefinition,
    section: Any,
    path: tuple[str, ...],
    open_paths: set[tuple[str, ...]],
    connected: Container[str],
) -> Iterator[ConfigFault]:
    """Say of each input that there is not, or that something else gives, that the config gives it."""
    if not isinstance(section, Mapping):
        return
    given = section.get("inputs")
    for name in given if isinstance(given, Mapping) else ():
        at = place_of_input((*path, name))
        if name not in node.ins:
            whose = f'"{path[-1]}"' if path else "The job"
            its = f"Its inputs are: {', '.join(node.ins)}." if node.ins else f"{whose} has no inputs."
            yield ConfigFault(at, "there is no such input.", f"{did_you_mean(name, node.ins)}{its}")
        elif name in connected and (*path, name) not in open_paths:
            yield ConfigFault(at, "something else in the job gives this input its value.", "Leave it out.")
    if isinstance(node, GraphDefinition):
        ops = section.get("ops")
        for name, use in node.uses.items():
            inner = ops.get(name) if isinstance(ops, Mapping) else None
            yield from _unfit_inputs(
                use.definition, inner, (*path, name), open_paths, node.sources.get(name, {}).keys()
            )


def _resource_faults(
    job: JobDefinition, run_config: Mapping[str, Any], resource_keys: Set[str]
) -> Iterator[ConfigFault]:
    from headwater.authoring.resources import resource_config_faults

    section = run_config.get("resources") or {}
    if not isinstance(section, Mapping):
        yield ConfigFault("resources", "must be a mapping from resource key to its config.", "")
        return
    yield from resource_config_faults(job.resource_defs, section, sorted(resource_keys))


def given_input(run_config: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what a run's config gives for an input, by the path of nodes that lead to it; NO_VALUE of `ports` for nothing."""
    *nodes, name = path
    section: Any = run_config
    for node in nodes:
        section = _section(_section(section, "ops"), node)
    return _section(_section(section, "inputs"), name)


def place_of_input(path: tuple[str, ...]) -> str:
    """Return where a run's config gives an input, as messages write it: ops.load.inputs.size."""
    return "".join(f"ops.{node}." for node in path[:-1]) + f"inputs.{path[-1]}"


def _section(section: Any, name: str) -> Any:
    return section.get(name, NO_PORT_VALUE) if isinstance(section, Mapping) else NO_PORT_VALUE


def refuse_missing_inputs(
    plan: RunPlan, steps: Mapping[str, JobStep], run_config: Mapping[str, Any], input_values: Mapping[str, Any]
) -> None:
    """Raise InvalidConfigError with each input that only the run could give, and that it does not give."""
    faults: list[ConfigFault] = []
    for step in plan.steps:
        for name, source in step.inputs.items():
            port = steps[step.key].op.ins[name]
            if not isinstance(source, FromConfig) or port.is_nothing or port.has_default_value:
                continue
            path = source.path
            if (len(path) == 1 and path[0] in input_values) or given_input(run_config, path) is not NO_PORT_VALUE:
                continue
            at = place_of_input(path)
            faults.append(
                ConfigFault(
                    at,
                    f'input "{name}" of "{step.key}" has no value: nothing in this run gives it, and it has no default.',
                    "Connect it to an output, give it a default, select what gives it, or write its value there.",
                )
            )
    if faults:
        raise config_error(faults)


def refuse_missing_resources(job: JobDefinition, steps: Mapping[str, JobStep], resource_keys: Set[str]) -> None:
    """Raise MissingResourceError for the first step that needs a resource which the job does not have.

    `resource_keys` are those that all of the steps need.
    """
    provided = {"io_manager", *job.resource_defs}
    if resource_keys <= provided:
        return
    for step in steps.values():
        for key in sorted(required_keys(job, {step.key: step}) - provided):
            needed_by = f'{step.kind} "{step.key}" of job "{job.name}"'
            raise MissingResourceError(key, needed_by, job.resource_defs)


def required_keys(job: JobDefinition, steps: Mapping[str, JobStep]) -> set[str]:
    """Return the keys of all resources that these steps need: their own, their IO managers', hooks' and types'."""
    from headwater.authoring.nodes import is_nothing
    from headwater.authoring.ports import NO_VALUE as NO_ANNOTATION

    keys: set[str] = set()
    for step in steps.values():
        keys |= step.op.required_resource_keys
        for hook in step.hooks:
            keys |= hook.required_resource_keys
        for name, port in step.op.outs.items():
            if not port.type.is_annotation:
                keys |= port.type.check_resource_keys
            asset = step.asset_by_output.get(name)
            if port.annotation is not NO_ANNOTATION and is_nothing(port.annotation):
                continue
            if step.assets_def is not None and not step.assets_def.specs_by_key:
                continue
            if asset is not None and step.assets_def is not None:
                keys.add(step.assets_def.io_manager_key_of(asset))
            else:
                keys.add(port.io_manager_key)
        for name, entry in step.op.ins.items():
            if entry.is_nothing:
                continue
            if not entry.type.is_annotation:
                keys |= entry.type.check_resource_keys
            if isinstance(step.inputs.get(name), FromConfig) and entry.type.loader is not None:
                keys |= entry.type.loader.required_resource_keys()
            if entry.input_manager_key is not None:
                keys.add(entry.input_manager_key)
            elif entry.asset_key is not None and job.asset_index is not None:
                keys.add(job.asset_index.io_manager_key_of(entry.asset_key))
        keys.update(definition.io_manager_key_of(key) for key, definition in step.stored_assets.items())
        if step.assets_def is not None and job.asset_index is not None:
            keys.update(job.asset_index.io_manager_key_of(key) for key in step.assets_def.loaded_by_input.values())
    return keys
