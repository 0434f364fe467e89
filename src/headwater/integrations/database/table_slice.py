"""The part of a table that a value is: its schema, its name, and which rows belong to which partition.

Identifiers are always quoted and values always escaped or passed as parameters; only `partition_expr` is SQL as written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.integrations.database.owners import owner_of
from headwater.model.errors.root import kind_of
from headwater.model.errors.tables import MissingPartitionExpression, PartitionsNotOneBlock
from headwater.model.partitions import MultiPartitionsDefinition, TimeWindow, TimeWindowPartitionsDefinition

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.model.partitions import PartitionsDefinition, PartitionsSubset

DEFAULT_SCHEMA = "public"


class TablePartitionDimension(NamedTuple):
    """Which rows belong to some partitions, by one expression.

    `partitions` are the keys that `partition_expr` may equal, or the window of time that it lies in, its end excluded;
    several windows where they are not one after another. No keys mean no rows.
    """

    partition_expr: str
    partitions: TimeWindow | Sequence[str] | Sequence[TimeWindow]


class TableSlice(NamedTuple):
    """A table, and of it some columns (None for all) and some partitions (None for all rows)."""

    table: str
    schema: str
    database: str | None = None
    columns: Sequence[str] | None = None
    partition_dimensions: Sequence[TablePartitionDimension] | None = None


def quoted_identifier(name: str) -> str:
    """Return a name as SQL that means exactly that name, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def quoted_literal(value: str) -> str:
    """Return text as SQL that means exactly that text, whatever is in it."""
    return "'" + value.replace("'", "''") + "'"


def slice_condition(
    dimensions: Sequence[TablePartitionDimension], literal: Callable[[str], str] = quoted_literal
) -> str:
    """Return the SQL condition that the rows of a slice fulfil; empty when all rows do.

    `literal` turns each value into SQL: by default into a literal, or into a placeholder by a function that keeps the
    values it is given, in order.
    """
    return " AND ".join(_dimension_condition(dimension, literal) for dimension in dimensions)


def static_where_clause(table_partition: TablePartitionDimension) -> str:
    """Return the condition of a dimension of keys."""
    return _dimension_condition(table_partition, quoted_literal)


def time_window_where_clause(table_partition: TablePartitionDimension) -> str:
    """Return the condition of a dimension of time."""
    return _dimension_condition(table_partition, quoted_literal)


def _dimension_condition(dimension: TablePartitionDimension, literal: Callable[[str], str]) -> str:
    windows = windows_of(dimension)
    if windows is not None:
        # Text and dates are compared as the times that they are: as text, "2024-01-02" lies before its own midnight.
        moment = f"CAST(({dimension.partition_expr}) AS TIMESTAMP)"
        either = [
            f"{moment} >= CAST({literal(wall_time(window.start))} AS TIMESTAMP) "
            f"AND {moment} < CAST({literal(wall_time(window.end))} AS TIMESTAMP)"
            for window in windows
        ]
        return either[0] if len(either) == 1 else "(" + " OR ".join(f"({part})" for part in either) + ")"
    keys = [literal(str(key)) for key in dimension.partitions]
    return f"({dimension.partition_expr}) IN ({', '.join(keys)})" if keys else "FALSE"


def windows_of(dimension: TablePartitionDimension) -> Sequence[TimeWindow] | None:
    """Return the windows of a dimension of time; None for a dimension of keys, and when there are no partitions."""
    partitions: Any = dimension.partitions
    if isinstance(partitions, TimeWindow):
        return (partitions,)
    return partitions if len(partitions) and isinstance(partitions[0], TimeWindow) else None


def wall_time(moment: datetime) -> str:
    """Return the time as a clock on the wall shows it where the partitions are defined."""
    return moment.replace(tzinfo=None).isoformat(sep=" ")


# -- from contexts -----------------------------------------------------------------------------------------------


def table_slice_of(context: InputContext | OutputContext, database: str, schema: str | None) -> TableSlice:
    """Return the slice of a table that a context is about.

    The table is named after the asset, or after the output of an op. Its schema is, whichever is there first: "schema" in
    the metadata, the given `schema`, the last part of the key's prefix, "public".
    Raises MissingPartitionExpression, PartitionsNotOneBlock.
    """
    from headwater.authoring.io_contexts import InputContext

    declared: Any = context.definition_metadata
    columns: Sequence[str] | None = None
    name_of: Any = context
    if isinstance(context, InputContext):
        columns = _plain(context.definition_metadata.get("columns"))
        if context.upstream_output is not None:
            name_of = context.upstream_output
            declared = name_of.definition_metadata
    in_metadata = _plain(declared.get("schema"))
    prefix: Sequence[str] = ()
    if context.has_asset_key:
        *prefix, table = context.asset_key.parts
    else:
        table = name_of.name
    return TableSlice(
        table=table,
        schema=str(in_metadata or schema or (prefix[-1] if prefix else DEFAULT_SCHEMA)),
        database=database,
        columns=None if columns is None else tuple(map(str, columns)),
        partition_dimensions=_dimensions(context, _plain(declared.get("partition_expr"))),
    )


def slice_of_partition(whole: TableSlice, context: InputContext | OutputContext, partition_key: str) -> TableSlice:
    """Return the slice of one of the partitions that `whole` holds."""
    expressions = [dimension.partition_expr for dimension in whole.partition_dimensions or ()]
    definition = context.asset_partitions_def
    subset = definition.subset_with_partition_keys([partition_key])
    parts = _parts(context, definition, subset, (partition_key,))
    dimensions = [TablePartitionDimension(expr, part) for expr, (_, part) in zip(expressions, parts, strict=True)]
    return whole._replace(partition_dimensions=tuple(dimensions))


def _dimensions(context: InputContext | OutputContext, declared: Any) -> Sequence[TablePartitionDimension] | None:
    if not context.has_asset_key or not context.has_asset_partitions:
        return None
    owner = owner_of(context)
    definition = context.asset_partitions_def
    expressions = _expressions(owner, definition, declared)
    keys = context.asset_partition_keys
    if not keys:
        return tuple(TablePartitionDimension(expression, ()) for expression in expressions.values())
    parts = _parts(context, definition, context.asset_partitions_subset, keys)
    return tuple(TablePartitionDimension(expressions[name], part) for name, part in parts)


def _expressions(owner: str, definition: PartitionsDefinition[Any], declared: Any) -> dict[str, str]:
    """Return the expression of each dimension; of the dimension "" where there is but one."""
    if isinstance(definition, MultiPartitionsDefinition):
        names = definition.partition_dimension_names
        if declared is None or isinstance(declared, str):
            problem = f'{owner} has several dimensions, and its "partition_expr" is one for all of them.'
            raise MissingPartitionExpression(owner, names, problem if declared else "")
        missing = [name for name in names if not declared.get(name)]
        if missing:
            raise MissingPartitionExpression(owner, missing)
        return {name: str(declared[name]) for name in names}
    if declared is None or declared == "":
        raise MissingPartitionExpression(owner)
    if not isinstance(declared, str):
        problem = f'{owner} has one dimension, and its "partition_expr" is {kind_of(declared)}, not a string.'
        raise MissingPartitionExpression(owner, problem=problem)
    return {"": declared}


def _parts(
    context: InputContext | OutputContext,
    definition: PartitionsDefinition[Any],
    subset: PartitionsSubset[Any],
    keys: Sequence[str],
) -> list[tuple[str, TimeWindow | Sequence[str] | Sequence[TimeWindow]]]:
    """Return the partitions of each dimension, by its name."""
    if not isinstance(definition, MultiPartitionsDefinition):
        return [("", _part(definition, subset, keys))]
    boxes = list(subset.boxes())  # type: ignore[attr-defined]  # subsets of several dimensions are made of boxes
    if len(boxes) != 1:
        raise PartitionsNotOneBlock(owner_of(context), len(keys))
    parts: list[tuple[str, TimeWindow | Sequence[str] | Sequence[TimeWindow]]] = []
    for name in definition.partition_dimension_names:
        dimension = definition.get_partitions_def_for_dimension(name)
        side = dimension.subset_of_ordinals(boxes[0][name])
        parts.append((name, _part(dimension, side, tuple(side.get_partition_keys()))))
    return parts


def _part(
    definition: PartitionsDefinition[Any], subset: PartitionsSubset[Any], keys: Sequence[str]
) -> TimeWindow | Sequence[str] | Sequence[TimeWindow]:
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        return tuple(str(key) for key in keys)
    windows: list[TimeWindow] = []
    for first, last in subset.ranges():
        start = definition.time_window_for_partition_key(first).start
        windows.append(TimeWindow(start, definition.time_window_for_partition_key(last).end))
    return windows[0] if len(windows) == 1 else tuple(windows)


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
