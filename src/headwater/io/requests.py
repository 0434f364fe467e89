"""What a context asks of an IO manager beyond the bare value: one for each partition, or a table of another kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.io.frames import LAZY, NAMES, PANDAS, POLARS, converted, find_frame_kind
from headwater.io.places import owner_of
from headwater.model.errors.io import PartitionedValueExpected, WrongStoredType

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext


def is_by_partition(context: OutputContext, obj: Any, partition_key: str) -> bool:
    """Whether a value for one partition is a dict by partition key: only where the asset is written to return such."""
    return context.by_partition and isinstance(obj, Mapping) and list(obj) == [partition_key]


def values_by_partition(context: OutputContext, obj: Any, keys: Sequence[str]) -> list[Any]:
    """Return the value of each partition, in the order of `keys`. Raises PartitionedValueExpected."""
    if not isinstance(obj, Mapping):
        raise PartitionedValueExpected(owner_of(context), keys, f"it returned one {type(obj).__name__} for all of them")
    missing = [key for key in keys if key not in obj]
    if missing:
        shown = ", ".join(f'"{key}"' for key in missing[:5]) + (" and more" if len(missing) > 5 else "")
        raise PartitionedValueExpected(owner_of(context), keys, f"the dict that it returned has no value for {shown}")
    wanted = set(keys)
    extra = [key for key in obj if key not in wanted]
    if extra:
        raise PartitionedValueExpected(
            owner_of(context), keys, f"the dict that it returned has the key {extra[0]!r}, which is none of them"
        )
    return [obj[key] for key in keys]


def as_asked(context: InputContext, value: Any, kinds: Sequence[str], is_only_frames: bool) -> Any:
    """Return the value as the first of `kinds` of table, unless it is one of them. Raises WrongStoredType."""
    kind = find_frame_kind(value)
    if kind in kinds or (value is None and not kinds):
        return value
    asked = " or ".join(NAMES[name] for name in kinds)
    parameter = context.name if context.has_input_name else None
    if kind is None:
        if not is_only_frames or _is_subclass_of_a_frame(value, kinds):
            return value
        raise WrongStoredType(owner_of(context), type(value).__name__, asked, parameter)
    try:
        return converted(value, kinds[0])
    except Exception as error:
        fix = f"It could not be converted ({type(error).__name__}: {error}): ask for it as {NAMES[kind]}."
        raise WrongStoredType(owner_of(context), NAMES[kind], asked, parameter, fix) from error


def _is_subclass_of_a_frame(value: object, kinds: Sequence[str]) -> bool:
    names = {(base.__module__.partition(".")[0], base.__name__) for base in type(value).__mro__}
    libraries = {PANDAS: ("pandas", "DataFrame"), POLARS: ("polars", "DataFrame"), LAZY: ("polars", "LazyFrame")}
    return any(libraries.get(kind, ("pyarrow", "Table")) in names for kind in kinds)


def are_gaps_allowed(context: InputContext) -> bool:
    """Whether partitions without a value may be left out of what is loaded."""
    allowed = context.definition_metadata.get("allow_missing_partitions", False)
    return bool(getattr(allowed, "value", allowed))


def mapping_expected(context: InputContext, count: int) -> WrongStoredType:
    """Return the error for a parameter to which several partitions map, and which is not annotated as a dict."""
    asked = getattr(context.annotation, "__name__", None) or str(context.annotation)
    return WrongStoredType(
        owner_of(context),
        f"dict of {count} partitions",
        asked,
        context.name if context.has_input_name else None,
        f"Annotate the parameter as dict[str, {asked}]: it receives one value for each partition key.",
    )
