"""What a directly called function takes and gives, held to its declaration; nothing is stored or recorded.

What was returned is handed back as it is: a generator stays one, and is checked as it is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from headwater.authoring.returned_items import RESULT_TYPES, items_of
from headwater.authoring.types import require_type
from headwater.model.errors.execution import StepOutputNotFoundError, UnknownOutput, UnusableResult
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetKey
from headwater.model.results import DynamicOutput, MaterializeResult, ObserveResult, Output, Skip, Unchanged

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.nodes import OutputPort
    from headwater.authoring.op import OpDefinition


def check_arguments(
    op: OpDefinition, definition: AssetsDefinition | None, owner: str, arguments: Mapping[str, Any]
) -> None:
    """Raise TypeCheckDidNotPass for an input whose value is not of its type."""
    for name, port in op.ins.items():
        if name not in arguments or port.type.is_any or port.is_nothing:
            continue
        value = arguments[name]
        if port.has_default_value and value is port.default_value:
            continue
        if definition is not None and isinstance(value, dict) and not port.type.type_check(value).success:
            for part in value.values():  # several partitions of an asset, each of the declared type
                require_type(port.type, part, owner=owner, direction="input", name=name)
            continue
        require_type(port.type, value, owner=owner, direction="input", name=name)


def checked_result(
    op: OpDefinition, definition: AssetsDefinition | None, owner: str, returned: Any, *, is_range: bool = False
) -> Any:
    """Return what the function gave. Raises TypeCheckDidNotPass, or what a run would raise, for what cannot be meant.

    A generator, coroutine or asynchronous generator is returned as one that checks what it gives on the way.
    """
    given = _Given(op, definition, owner, is_range)
    # Asked for their types, and not for what they can do: any other iterator, and a mock, is a value.
    if isinstance(returned, GeneratorType):
        return given.passing(returned)
    if isinstance(returned, AsyncGeneratorType):
        return given.passing_async(returned)
    if isinstance(returned, CoroutineType):
        return given.awaited(returned)
    given.take_returned(returned)
    return returned


class _Given:
    """What one call has given so far."""

    def __init__(self, op: OpDefinition, definition: AssetsDefinition | None, owner: str, is_range: bool) -> None:
        self.op = op
        self.definition = definition
        self.owner = owner
        self.is_range = is_range
        self.names: set[tuple[str, str | None]] = set()
        self.is_settled = False

    def take_returned(self, returned: Any) -> None:
        definition = self.definition
        if definition is not None and (not definition.specs_by_key or definition.is_observable):
            return  # what a check or an observation says has no type
        for item in items_of(self.op, definition, self.op.name, returned):
            self.take(item)
        self.finish()

    def passing(self, returned: Iterator[Any]) -> Iterator[Any]:
        for item in returned:
            self.take(item)
            yield item
        self.finish()

    async def passing_async(self, returned: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for item in returned:
            self.take(item)
            yield item
        self.finish()

    async def awaited(self, returned: Awaitable[Any]) -> Any:
        value = await returned
        self.take_returned(value)
        return value

    def take(self, item: Any) -> None:
        if isinstance(item, (Output, DynamicOutput)):
            port = self.op.outs.get(item.output_name)
            if port is None:
                raise UnknownOutput(self.op.name, item.output_name, "output", self.op.outs)
            self._note(port.name, item.mapping_key if isinstance(item, DynamicOutput) else None)
            self._check_type(port, item.value)
        elif isinstance(item, (MaterializeResult, ObserveResult, Unchanged, Skip)):
            if isinstance(item, (Unchanged, Skip)):
                self.is_settled = True
            if isinstance(item, Skip) and item.asset_key is None:
                return
            port = self._port_of(item.asset_key, type(item).__name__)
            if port is not None:
                self._note(port.name, None)
                if isinstance(item, MaterializeResult) and item.has_value:
                    self._check_type(port, item.value)
        elif not isinstance(item, RESULT_TYPES):
            raise UnusableResult(
                what=f'"{self.op.name}" yielded {repr(item)[:80]}, {kind_of(item)}.',
                why="A generator says what each thing is.",
                fix="Yield Output(value), MaterializeResult(...) or AssetCheckResult(...), or return the value instead.",
            )

    def finish(self) -> None:
        definition = self.definition
        if self.is_settled or (definition is not None and (definition.can_subset or not definition.specs_by_key)):
            return
        names = {name for name, _ in self.names}
        for name, port in self.op.outs.items():
            if name in names or not port.is_required or port.is_dynamic or port.is_nothing or port.is_by_spec:
                continue
            kind = "Asset" if definition is not None else "Op"
            raise StepOutputNotFoundError(self.op.name, name, kind)

    def _note(self, name: str, mapping_key: str | None) -> None:
        if (name, mapping_key) in self.names:
            under = f' under the mapping key "{mapping_key}"' if mapping_key is not None else ""
            raise UnusableResult(
                what=f'"{self.op.name}" gave its output "{name}" twice{under}.',
                why="An output has one value in a run, or one for each mapping key.",
                fix="Give it once, or declare it with DynamicOut().",
            )
        self.names.add((name, mapping_key))

    def _port_of(self, key: AssetKey | None, kind: str) -> OutputPort | None:
        definition = self.definition
        known = list(definition.specs_by_key) if definition is not None else []
        if key is None and len(known) != 1:
            raise UnusableResult(
                what=f'"{self.op.name}" gave a {kind} without an asset_key.',
                why=f"It builds {len(known)} assets." if known else "It builds no asset.",
                fix="Say which asset is meant: asset_key=..." if known else "Use @asset or @multi_asset.",
            )
        if key is not None and key not in known:
            raise UnknownOutput(self.op.name, str(key), "asset", map(str, known))
        assert definition is not None
        return definition.output_port_of(key or known[0])

    def _check_type(self, port: OutputPort, value: Any) -> None:
        declared = port.type
        if declared.is_any or (declared.is_nothing and self.definition is not None):
            return
        if self.is_range and isinstance(value, Mapping) and not declared.type_check(value).success:
            for part in value.values():
                require_type(declared, part, owner=self.owner, direction="output", name=port.name)
            return
        require_type(declared, value, owner=self.owner, direction="output", name=port.name)
