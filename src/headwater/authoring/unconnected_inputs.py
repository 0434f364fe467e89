"""Inputs of a job's ops to which nothing is connected: some can be written in a run's config, the rest are refused."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headwater.authoring.graph_definition import GraphDefinition
from headwater.authoring.ports import NO_VALUE
from headwater.model.errors import InvalidDefinitionError

if TYPE_CHECKING:
    from headwater.authoring.nodes import InputPort

_WRITABLE: Final = frozenset({int, float, str, bool, dict, list, object, type(None)})
_OF_WRITABLE: Final = frozenset({list, dict, set, tuple, frozenset, Mapping})


def refuse_unconnected_inputs(graph: GraphDefinition, job_name: str, path: tuple[str, ...] = ()) -> None:
    """Raise InvalidDefinitionError for an op's input that no op, config, default or input manager could ever give."""
    for node, use in graph.uses.items():
        if isinstance(use.definition, GraphDefinition):
            refuse_unconnected_inputs(use.definition, job_name, (*path, node))
            continue
        connected = graph.sources.get(node, {})
        for name, port in use.definition.ins.items():
            if name not in connected and not _can_be_given(port):
                at = ".".join((*path, node))
                raise InvalidDefinitionError(
                    what=f'In job "{job_name}", nothing is connected to the input "{name}" of "{at}".',
                    why=f"Its type is {port.type.display_name}, which cannot be written in a run's config: no run could begin.",
                    fix=f"Connect it in the graph: {node}({name}=other_op()) or {node}({name}=an_asset), make it a "
                    "parameter of the graph, give it a default, or In(input_manager_key=...).",
                )


def _can_be_given(port: InputPort) -> bool:
    if port.is_nothing or port.has_default_value or port.asset_key is not None or port.input_manager_key is not None:
        return True
    return _is_writable(port.annotation)


def _is_writable(annotation: Any) -> bool:
    """Whether a value of a type can be written in config: numbers, text, lists and mappings, or what a loader makes."""
    if annotation is NO_VALUE or annotation is None or annotation is Any or annotation in _WRITABLE:
        return True
    origin = typing.get_origin(annotation)
    arguments = [part for part in typing.get_args(annotation) if part is not ...]
    if origin is typing.Union or origin is types.UnionType:
        return any(part is not type(None) and _is_writable(part) for part in arguments)
    if origin is typing.Annotated:
        return _is_writable(arguments[0])
    if origin in _OF_WRITABLE:
        return all(map(_is_writable, arguments))
    from headwater.authoring.types import resolve_type

    declared = resolve_type(annotation)
    if declared.is_any or declared.loader is not None:
        return True
    # What is no class is judged when it comes: literals, typed dicts, and what is spelled in other ways.
    return not isinstance(annotation, type) if declared.is_annotation else False
