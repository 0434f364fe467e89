"""An op where it stands in a job: under the name that it has there, which is its alias if it was given one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    """An op in a job: its name there, and its definition, whose attributes it has as well."""

    name: str
    definition: OpDefinition

    def __getattr__(self, name: str) -> Any:
        if name == "definition" or name.startswith("__"):  # while it is copied or unpickled
            raise AttributeError(name)
        return getattr(self.definition, name)

    def describe_node(self) -> str:
        return f"op '{self.name}'"
