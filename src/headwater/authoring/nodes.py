"""Nodes: what graphs are made of. An op is a node with a function, a graph is a node made of nodes.

Ports are data that the planner reads; the type behind a port is resolved only when a value is checked against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, TypeVar, cast

from headwater.authoring.ports import NO_VALUE, Out
from headwater.model.errors import InvariantViolationError, did_you_mean
from headwater.model.keys import AssetKey
from headwater.model.specs import checked_name, checked_tags

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.authoring.op import OpDefinition
    from headwater.authoring.types import HeadwaterType
    from headwater.model.policies import RetryPolicy

PortT = TypeVar("PortT", bound="InputPort | OutputPort")

DEFAULT_IO_MANAGER_KEY = "io_manager"


class InputPort:
    """One input of a node."""

    __slots__ = (
        "_type",
        "annotation",
        "asset_key",
        "asset_partitions",
        "default_value",
        "description",
        "input_manager_key",
        "metadata",
        "name",
    )

    def __init__(
        self,
        name: str,
        *,
        annotation: Any = NO_VALUE,
        default_value: Any = NO_VALUE,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        asset_key: AssetKey | None = None,
        asset_partitions: Any = None,
        input_manager_key: str | None = None,
    ) -> None:
        self.name = name
        self.annotation = annotation
        self.default_value = default_value
        self.description = description
        self.metadata: Mapping[str, Any] = metadata or {}
        self.asset_key = asset_key
        self.asset_partitions = asset_partitions
        self.input_manager_key = input_manager_key
        self._type: HeadwaterType | None = None

    @property
    def type(self) -> HeadwaterType:
        if self._type is None:
            from headwater.authoring.types import resolve_type

            self._type = resolve_type(self.annotation)
        return self._type

    dagster_type = type

    @property
    def has_default_value(self) -> bool:
        return self.default_value is not NO_VALUE

    @property
    def is_nothing(self) -> bool:
        """Whether this input carries only the order of things, no value."""
        return self.annotation is not NO_VALUE and is_nothing(self.annotation)


class OutputPort:
    """One output of a node."""

    __slots__ = (
        "_type",
        "annotation",
        "code_version",
        "description",
        "io_manager_key",
        "is_by_spec",
        "is_dynamic",
        "is_required",
        "metadata",
        "name",
    )

    def __init__(
        self,
        name: str,
        *,
        annotation: Any = NO_VALUE,
        is_required: bool = True,
        is_by_spec: bool = False,
        is_dynamic: bool = False,
        io_manager_key: str = DEFAULT_IO_MANAGER_KEY,
        metadata: Mapping[str, Any] | None = None,
        code_version: str | None = None,
        description: str | None = None,
    ) -> None:
        self.name = name
        self.annotation = annotation
        self.is_required = is_required
        # The output of an asset that was declared by its spec: it counts as built when the function ends without a word.
        self.is_by_spec = is_by_spec
        self.is_dynamic = is_dynamic
        self.io_manager_key = io_manager_key
        self.metadata: Mapping[str, Any] = metadata or {}
        self.code_version = code_version
        self.description = description
        self._type: HeadwaterType | None = None

    @classmethod
    def from_out(cls, name: str, out: Out, annotation: Any = NO_VALUE) -> OutputPort:
        return cls(
            name,
            annotation=out.dagster_type if out.dagster_type is not NO_VALUE else annotation,
            is_required=out.is_required,
            is_dynamic=out.is_dynamic,
            io_manager_key=out.io_manager_key,
            metadata=out.metadata,
            code_version=out.code_version,
            description=out.description,
        )

    @property
    def type(self) -> HeadwaterType:
        if self._type is None:
            from headwater.authoring.types import resolve_type

            self._type = resolve_type(self.annotation)
        return self._type

    dagster_type = type

    @property
    def is_nothing(self) -> bool:
        return self.annotation is not NO_VALUE and is_nothing(self.annotation)


def is_nothing(annotation: Any) -> bool:
    """Return whether an annotation says that there is no value: None, or the Nothing type."""
    if annotation is None or annotation is type(None):
        return True
    if isinstance(annotation, type):
        return False
    return getattr(annotation, "is_nothing", False) is True


class NodeDefinition:
    """A node by name, with inputs and outputs by name."""

    node_type = "node"
    described = "a node"

    def __init__(
        self,
        name: str,
        *,
        ins: Mapping[str, InputPort],
        outs: Mapping[str, OutputPort],
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        hooks: Iterable[HookDefinition] = (),
    ) -> None:
        self.name = checked_name(name, self.described)
        self.ins = dict(ins)
        self.outs = dict(outs)
        self.description = description
        self.tags = checked_tags(tags, f'{self.node_type} "{name}"')
        self.hooks = frozenset(hooks)

    @property
    def output_defs(self) -> list[OutputPort]:
        """The outputs, in order."""
        return list(self.outs.values())

    @property
    def input_defs(self) -> list[InputPort]:
        """The inputs, in order."""
        return list(self.ins.values())

    @property
    def input_dict(self) -> Mapping[str, InputPort]:
        """The inputs by name."""
        return self.ins

    @property
    def output_dict(self) -> Mapping[str, OutputPort]:
        """The outputs by name."""
        return self.outs

    @property
    def positional_inputs(self) -> list[str]:
        """The names of the inputs, in the order in which a call in a graph's body gives them."""
        return list(self.ins)

    def has_input(self, name: str) -> bool:
        """Whether there is an input of this name."""
        return name in self.ins

    def has_output(self, name: str) -> bool:
        """Whether there is an output of this name."""
        return name in self.outs

    def input_def_named(self, name: str) -> InputPort:
        """Return the input of this name. Raises InvariantViolationError that offers the nearest one."""
        return self._port("input", self.ins, name)

    def output_def_named(self, name: str) -> OutputPort:
        """Return the output of this name. Raises InvariantViolationError that offers the nearest one."""
        return self._port("output", self.outs, name)

    def _port(self, kind: str, ports: Mapping[str, PortT], name: str) -> PortT:
        if name not in ports:
            raise InvariantViolationError(
                what=f'{self.node_type} "{self.name}" has no {kind} "{name}".',
                why="Nothing could be looked up.",
                fix=f"{did_you_mean(name, ports)}Its {kind}s are: {', '.join(ports) or 'none'}.",
            )
        return ports[name]

    def input_has_default(self, input_name: str) -> bool:
        """Whether an input has a value where nothing gives it one."""
        return self.input_def_named(input_name).has_default_value

    def default_value_for_input(self, input_name: str) -> Any:
        """Return what an input has where nothing gives it a value. Raises InvariantViolationError when it has none."""
        port = self.input_def_named(input_name)
        if not port.has_default_value:
            raise InvariantViolationError(
                what=f'Input "{input_name}" of {self.node_type} "{self.name}" has no default.',
                why="It must be given a value.",
                fix="Ask input_has_default first.",
            )
        return port.default_value

    def iterate_node_defs(self) -> Iterator[NodeDefinition]:
        """Yield this node and each one inside it, once for each use."""
        yield self

    def iterate_op_defs(self) -> Iterator[OpDefinition]:
        """Yield each op that this node is made of, once for each use."""
        for node in self.iterate_node_defs():
            if node.node_type == "op":
                yield cast("OpDefinition", node)

    @property
    def pools(self) -> Set[str]:
        """The pools of the ops that this node is made of."""
        return {op.pool for op in self.iterate_op_defs() if op.pool is not None}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from headwater.authoring.composition import current_composition

        composition = current_composition()
        if composition is None:
            return self.invoke_directly(*args, **kwargs)
        return composition.record(NodeUse(self), args, kwargs)

    def invoke_directly(self, *args: Any, **kwargs: Any) -> Any:
        raise InvariantViolationError(
            what=f'{self.node_type} "{self.name}" was called outside of a graph or job.',
            why="It is made of other nodes, so there is nothing to run on its own.",
            fix="Call it inside a function with @graph or @job, or use execute_in_process().",
        )

    # Each returns a use of this node in a graph, which is then called with its inputs.
    def alias(self, name: str) -> NodeUse:
        return NodeUse(self, name=name)

    def tag(self, tags: Mapping[str, str] | None) -> NodeUse:
        return NodeUse(self, tags=checked_tags(tags, self.name))

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> NodeUse:
        return NodeUse(self, hooks=frozenset(hook_defs))

    def with_retry_policy(self, retry_policy: RetryPolicy) -> NodeUse:
        return NodeUse(self, retry_policy=retry_policy)


class NodeUse:
    """A node under a name in one graph, with the tags, hooks and retry policy that it has there."""

    __slots__ = ("definition", "hooks", "name", "retry_policy", "tags")

    def __init__(
        self,
        definition: NodeDefinition,
        *,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        hooks: frozenset[HookDefinition] = frozenset(),
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self.definition = definition
        self.name = None if name is None else checked_name(name, "a node")
        self.tags: Mapping[str, str] = tags or {}
        self.hooks = hooks
        self.retry_policy = retry_policy

    def _with(self, **changes: Any) -> NodeUse:
        kept = {
            "name": self.name,
            "tags": self.tags,
            "hooks": self.hooks,
            "retry_policy": self.retry_policy,
        }
        return NodeUse(self.definition, **{**kept, **changes})

    def alias(self, name: str) -> NodeUse:
        return self._with(name=name)

    def tag(self, tags: Mapping[str, str] | None) -> NodeUse:
        return self._with(tags={**self.tags, **checked_tags(tags, self.definition.name)})

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> NodeUse:
        return self._with(hooks=self.hooks | frozenset(hook_defs))

    def with_retry_policy(self, retry_policy: RetryPolicy) -> NodeUse:
        return self._with(retry_policy=retry_policy)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from headwater.authoring.composition import current_composition

        composition = current_composition()
        if composition is None:
            return self.definition.invoke_directly(*args, **kwargs)
        return composition.record(self, args, kwargs)
