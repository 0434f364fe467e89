"""Which partitions a step is about, and which of another asset it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.model.keys import AssetKey

if TYPE_CHECKING:
    from headwater.engine.run_scope import RunScope
    from headwater.model.partitions import PartitionsDefinition
    from headwater.plan.job_steps import JobStep


def partitions_def_of_step(scope: RunScope, code: JobStep) -> PartitionsDefinition[Any] | None:
    """Return how the assets or checks of a step are partitioned; None when they are not."""
    definition = code.assets_def
    if definition is None:
        return None
    for key in code.selected_keys or definition.specs_by_key:
        found = definition.specs_by_key[key].partitions_def
        if found is not None:
            return found
    for spec in definition.check_specs:
        if spec.key in code.selected_checks:
            checked = scope.partitions_def_of(spec.asset_key)
            return spec.partitions_def or (checked if scope.plan.partition_keys is not None else None)
    return None


def upstream_partitions(
    scope: RunScope, code: JobStep, upstream: AssetKey, *, is_read: bool = False
) -> tuple[str, ...] | None:
    """Return which partitions of an upstream asset a step stands on; None when the upstream is not partitioned."""
    definition = code.assets_def
    if definition is None:
        return None
    reader = next(iter(code.selected_keys), None)
    for key in code.selected_keys:
        if any(dep.asset_key == upstream for dep in definition.specs_by_key[key].deps):
            reader = key
            break
    if reader is not None:
        found = scope.upstream_partitions(
            upstream,
            reader=reader,
            reader_def=scope.partitions_def_of(reader),
            reader_keys=scope.partitions_of.get(reader),
            mapping=definition.partition_mapping_of(reader, upstream),
            is_read=is_read,
        )
        built_here = scope.partitions_of.get(reader)
        if upstream == reader and found is not None and built_here is not None and len(built_here) > 1:
            # The function makes these itself, so there is nothing of them to read before it is called.
            here = frozenset(built_here)
            return tuple(key for key in found if key not in here)
        return found
    spec = next((spec for spec in definition.check_specs if spec.key in code.selected_checks), None)
    if spec is None:
        return None
    mapping = next((dep.partition_mapping for dep in spec.additional_deps if dep.asset_key == upstream), None)
    reader_def = partitions_def_of_step(scope, code)
    keys = scope.plan.partition_keys if reader_def is not None else None
    return scope.upstream_partitions(
        upstream, reader=spec.asset_key, reader_def=reader_def, reader_keys=keys, mapping=mapping, is_read=is_read
    )
