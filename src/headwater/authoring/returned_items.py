"""What a step's function returned, as results: the many shapes that are allowed become one stream of Output and its kin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.model.data_versions import DataVersionsByPartition, ObservedPartition
from headwater.model.errors.execution import UnknownOutput, UnusableResult
from headwater.model.errors.root import kind_of
from headwater.model.results import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetMaterialization,
    AssetObservation,
    DataVersion,
    DynamicOutput,
    ExpectationResult,
    MaterializeResult,
    ObserveResult,
    Output,
    Skip,
    Unchanged,
)

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.op import OpDefinition

DEFAULT_OUTPUT_NAME = "result"

RESULT_TYPES = (
    Output,
    DynamicOutput,
    MaterializeResult,
    ObserveResult,
    AssetCheckResult,
    AssetMaterialization,
    AssetObservation,
    AssetCheckEvaluation,
    ExpectationResult,
    Unchanged,
    Skip,
)


def items_of(
    op: OpDefinition, definition: AssetsDefinition | None, key: str, returned: Any, *, is_only_checked: bool = False
) -> Iterator[Any]:
    """Yield what a function that is no generator gave, as results; `key` is how messages name the step."""
    outs = op.outs
    if isinstance(returned, Output) and len(outs) == 1:
        yield from _placed(op, key, (returned,))
    elif isinstance(returned, RESULT_TYPES):
        _require_all(op, definition, key, (returned,))
        yield returned
    elif definition is not None and not definition.specs_by_key:
        yield from _check_items(key, returned)
    elif definition is not None and definition.is_observable and not is_only_checked:
        yield from _observation_items(key, returned)
    elif isinstance(returned, (list, tuple)) and returned and all(isinstance(part, RESULT_TYPES) for part in returned):
        if isinstance(returned, tuple) and len(returned) == len(outs) > 1:
            yield from _placed(op, key, returned)
        else:
            _require_all(op, definition, key, returned)
            yield from returned
    elif len(outs) == 1:
        ((name, port),) = outs.items()
        if port.is_dynamic:
            yield from _dynamic_items(key, name, returned)
        elif port.is_by_spec and isinstance(returned, (list, tuple)) and not returned:
            raise UnusableResult(
                what=f'"{key}" returned an empty {type(returned).__name__}.',
                why="It holds no result, so it is not known whether the asset was built.",
                fix="Return MaterializeResult(...), or return nothing when the asset was built.",
            )
        else:
            yield Output(returned, name)
    elif returned is None:
        _refuse_nothing(op, definition, key)
    elif isinstance(returned, tuple) and len(returned) == len(outs):
        yield from _placed(op, key, returned)
    elif isinstance(returned, Mapping) and set(returned) <= set(outs) and returned:
        for name, value in returned.items():
            yield Output(value, name)
    else:
        shape = f"a tuple of {len(returned)}" if isinstance(returned, tuple) else kind_of(returned)
        raise UnusableResult(
            what=f'"{key}" returned {shape}, and has {len(outs)} outputs: {", ".join(outs)}.',
            why="They cannot be matched.",
            fix=f"Return a tuple of {len(outs)} in that order, a dict by output name, or yield Output(value, name) for "
            "each.",
        )


def _placed(op: OpDefinition, key: str, returned: Sequence[Any]) -> Iterator[Any]:
    for (name, port), value in zip(op.outs.items(), returned, strict=True):
        if isinstance(value, Output):
            if value.output_name not in (name, DEFAULT_OUTPUT_NAME):
                raise (
                    UnknownOutput(key, value.output_name, "output", op.outs)
                    if (value.output_name not in op.outs)
                    else UnusableResult(
                        what=f'"{key}" returned the output "{value.output_name}" in the place of "{name}".',
                        why="The outputs of a tuple come in the order in which they are declared.",
                        fix=f"Return them in the order {', '.join(op.outs)}, or yield each of them.",
                    )
                )
            yield Output(value.value, name, value.metadata, value.data_version, tags=value.tags)
        elif isinstance(value, RESULT_TYPES):
            yield value
        elif port.is_dynamic:
            yield from _dynamic_items(key, name, value)
        else:
            yield Output(value, name)


def _dynamic_items(key: str, name: str, returned: Any) -> Iterator[Any]:
    if not isinstance(returned, (list, tuple)) or not all(isinstance(part, DynamicOutput) for part in returned):
        raise UnusableResult(
            what=f'"{key}" returned {kind_of(returned)} for its dynamic output "{name}".',
            why="Each value needs a mapping key.",
            fix="Return a list of DynamicOutput(value, mapping_key=...), or yield them.",
        )
    for part in returned:
        yield DynamicOutput(part.value, part.mapping_key, name, part.metadata)


def _check_items(key: str, returned: Any) -> Iterator[Any]:
    if isinstance(returned, (list, tuple)):
        for part in returned:
            yield from _check_items(key, part)
    elif isinstance(returned, AssetCheckResult):
        yield returned
    elif isinstance(returned, bool) or type(returned).__name__ in ("bool_", "bool"):
        yield AssetCheckResult(passed=bool(returned))
    else:
        raise UnusableResult(
            what=f'Check "{key}" returned {"nothing" if returned is None else kind_of(returned)}.',
            why="It is not known whether it passed.",
            fix="Return AssetCheckResult(passed=...), or True or False.",
        )


def _observation_items(key: str, returned: Any) -> Iterator[Any]:
    if isinstance(returned, DataVersion):
        yield ObserveResult(data_version=returned)
    elif isinstance(returned, DataVersionsByPartition):
        for partition, seen in returned.data_versions_by_partition.items():
            yield ObservedPartition(partition, seen)
    elif isinstance(returned, Mapping):
        for key, version in returned.items():
            yield ObserveResult(asset_key=key, data_version=version)
    elif returned is not None:
        raise UnusableResult(
            what=f'Observable asset "{key}" returned {kind_of(returned)}.',
            why="An observation says which version was seen.",
            fix="Return DataVersion(...), DataVersionsByPartition(...) or ObserveResult(...).",
        )
    else:
        yield ObserveResult()


def _require_all(op: OpDefinition, definition: AssetsDefinition | None, key: str, results: Sequence[Any]) -> None:
    """Refuse results that a function returned for some of its assets only, where it must build all of them."""
    if definition is None or len(op.outs) < 2 or definition.can_subset:
        return
    if any(isinstance(result, Skip) and result.asset_key is None for result in results):
        return
    told = {getattr(result, "asset_key", None) for result in results if not isinstance(result, AssetCheckResult)}
    names = {result.output_name for result in results if isinstance(result, Output)}
    left_out = [
        str(asset)
        for name, asset in definition.keys_by_output_name.items()
        if name in op.outs and op.outs[name].is_by_spec and op.outs[name].is_required
        if asset not in told and name not in names
    ]
    if left_out:
        raise UnusableResult(
            what=f'"{key}" returned results that say nothing of {", ".join(left_out)}.',
            why=f"It builds {len(definition.specs_by_key)} assets, and it is not known whether these were built.",
            fix="Return a result for each of them, yield the results, or declare AssetSpec(..., skippable=True) for an "
            "asset that may be left out.",
        )


def _refuse_nothing(op: OpDefinition, definition: AssetsDefinition | None, key: str) -> None:
    """Nothing returned says that all was built, of outputs without a value of which none may be left out."""
    may_leave_out = definition is not None and definition.can_subset
    if may_leave_out or not all((port.is_nothing or port.is_by_spec) and port.is_required for port in op.outs.values()):
        raise UnusableResult(
            what=f'"{key}" returned nothing, and has {len(op.outs)} outputs: {", ".join(op.outs)}.',
            why="Some of them may be left out or have a value, so it is not known what was made.",
            fix="Return a result for each that was made, or yield them.",
        )
