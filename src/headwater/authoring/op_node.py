"""An op where it stands in a job: under the name that it has there, which is its alias if it was given one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.authoring.job import JobDefinition
    from headwater.authoring.nodes import NodeUse
    from headwater.authoring.op import OpDefinition


@dataclass(frozen=True, slots=True)
class NodeHandle:
    """The way to a node through the graphs around it: "load.clean" is `clean` in the graph `load`."""

    path: tuple[str, ...]

    @classmethod
    def of_step(cls, step_key: str) -> NodeHandle:
        """Return the node of a step, whichever value of a dynamic output the step is about."""
        return cls(tuple(step_key.partition("[")[0].split(".")))

    @property
    def name(self) -> str:
        """The name of the node in the graph that it is in."""
        return self.path[-1]

    @property
    def parent(self) -> NodeHandle | None:
        """The graph that the node is in; None for a node of the job itself."""
        return NodeHandle(self.path[:-1]) if len(self.path) > 1 else None

    def to_string(self) -> str:
        return ".".join(self.path)

    def __str__(self) -> str:
        return self.to_string()


@dataclass(frozen=True, slots=True)
class OpNode:
    """An op in a job: its name and tags there, and its definition, whose attributes it has as well."""

    name: str
    definition: OpDefinition
    tags: Mapping[str, str]

    @classmethod
    def of_step(cls, step_key: str, definition: OpDefinition, job_def: JobDefinition | None) -> OpNode:
        """Return the op of a step; its tags are those of the definition and those given where it was used."""
        handle = NodeHandle.of_step(step_key)
        return cls(handle.name, definition, {**definition.tags, **_tags_of_use(handle.path, job_def)})

    def __getattr__(self, name: str) -> Any:
        if name == "definition" or name.startswith("__"):  # while it is copied or unpickled
            raise AttributeError(name)
        return getattr(self.definition, name)

    def describe_node(self) -> str:
        return f"op '{self.name}'"


def _tags_of_use(path: tuple[str, ...], job_def: JobDefinition | None) -> Mapping[str, str]:
    graph: Any = job_def.graph_def if job_def is not None else None
    use: NodeUse | None = None
    for name in path:
        use = getattr(graph, "uses", {}).get(name)
        graph = use.definition if use is not None else None
    return use.tags if use is not None else {}
