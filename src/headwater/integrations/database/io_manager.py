"""The IO manager that keeps assets as tables: a database by its DbClient, types of values by their DbTypeHandlers.

The rows of a partition are replaced in one transaction, so whoever looks sees those before or those after.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.io_manager import IOManager
from headwater.integrations.database.owners import owner_of
from headwater.integrations.database.table_slice import slice_of_partition, table_slice_of
from headwater.model.errors.io import MissingContextValue
from headwater.model.errors.tables import AmbiguousTableType, NoTableReturned, TableNotFound, UnsupportedTableType
from headwater.model.metadata_sets import TableMetadataSet

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.integrations.database.client import DbClient
    from headwater.integrations.database.table_slice import TableSlice
    from headwater.integrations.database.type_handler import DbTypeHandler
    from headwater.model.keys import AssetKey
    from headwater.model.specs import AssetSpec


class DbIOManager(IOManager):
    """Keeps each asset as a table; all its partitions share the table, told apart by "partition_expr" in its metadata.

    It records the query that gives the rows back ("Query"), the table's name, what the type handler says of the value,
    and the data version if the client knows one.
    """

    def __init__(
        self,
        *,
        type_handlers: Sequence[DbTypeHandler[Any]],
        db_client: DbClient[Any],
        database: str,
        schema: str | None = None,
        io_manager_name: str | None = None,
        default_load_type: type | None = None,
    ) -> None:
        """Keep what is given. `default_load_type` is the type of parameters that have no annotation."""
        self._type_handlers = type_handlers
        self._client = db_client
        self._database = database
        self._schema = schema
        self._name = io_manager_name or type(self).__name__
        self._default_load_type = default_load_type

    def __repr__(self) -> str:
        return f"{self._name}({self._database!r})"

    # -- storing -------------------------------------------------------------------------------------------------

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj` in place of the rows that the asset, or these partitions of it, had.

        Raises NoTableReturned, UnsupportedTableType, MissingPartitionExpression, and what the database raises; what was
        stored before is then still there.
        """
        owner = owner_of(context)
        if obj is None:
            raise NoTableReturned(owner, self._name)
        handler = self._find_handler(type(obj))
        if handler is None:
            raise UnsupportedTableType(
                owner, _type_name(type(obj)), self._handled(), self._name, parameter=None, is_load=False
            )
        table_slice = table_slice_of(context, self._database, self._schema)
        client = self._client
        with client.connect(context, table_slice) as connection, client.transaction(connection):
            client.ensure_schema_exists(context, table_slice, connection)
            client.delete_table_slice(context, table_slice, connection)
            told = handler.handle_output(context, table_slice, obj, connection)
            version_by_partition = self._versions(context, table_slice, connection)
        for partition, version in version_by_partition.items():
            context.set_data_version(version, partition_key=partition)
        context.add_output_metadata({**self._facts(table_slice), **(told if isinstance(told, Mapping) else {})})

    def _versions(self, context: OutputContext, table_slice: TableSlice, connection: Any) -> dict[str | None, str]:
        keys = context.asset_partition_keys if table_slice.partition_dimensions is not None else ()
        if len(keys) > 1:
            parts = [slice_of_partition(table_slice, context, key) for key in keys]
            versions = self._client.find_data_versions(table_slice, parts, connection)
            return {} if versions is None else dict(zip(keys, versions, strict=True))
        version = self._client.find_data_version(table_slice, connection)
        return {} if version is None else {keys[0] if keys else None: version}

    def _facts(self, table_slice: TableSlice) -> dict[str, Any]:
        name = ".".join(part for part in (table_slice.database, table_slice.schema, table_slice.table) if part)
        facts: dict[str, Any] = {"Query": self._client.get_select_statement(table_slice)}
        facts.update(TableMetadataSet(table_name=name))
        if self._client.storage_kind is not None:
            facts["headwater/storage_kind"] = self._client.storage_kind
        return facts

    # -- loading -------------------------------------------------------------------------------------------------

    def load_input(self, context: InputContext) -> Any:
        """Return the rows of the upstream asset, as the type that the annotation asks for.

        A partition without rows is a table without rows. Raises TableNotFound, UnsupportedTableType, AmbiguousTableType,
        MissingPartitionExpression.
        """
        handler = self._handler_of_input(context)
        table_slice = table_slice_of(context, self._database, self._schema)
        with self._client.connect(context, table_slice) as connection:
            known = self._client.find_tables(connection)
            if known is not None:
                table = f"{table_slice.schema}.{table_slice.table}"
                if table.casefold() not in {name.casefold() for name in known}:
                    keys = context.asset_partition_keys if table_slice.partition_dimensions is not None else ()
                    if table_slice.partition_dimensions is not None and not keys:
                        return None  # as for the first partition of an asset that reads its own past
                    raise TableNotFound(owner_of(context), table, self._database, known, keys)
            return handler.load_input(context, table_slice, connection)

    # -- moving and removing -------------------------------------------------------------------------------------

    @property
    def can_copy_values(self) -> bool:
        """Whether an asset can be renamed with its table."""
        return self._client.can_copy_tables

    def copy_values(
        self, from_key: AssetKey, to_key: AssetKey, *, asset_spec: AssetSpec | None = None, instance: Any = None
    ) -> int:
        """Make the table of an asset that of another key, too; return how many tables that are."""
        source, target = self._whole(from_key, asset_spec, instance), self._whole(to_key, asset_spec, instance)
        if _place(source[1]) == _place(target[1]):
            return 1
        client = self._client
        with client.connect(*source) as connection, client.transaction(connection):
            return int(client.copy_table(source[1], target[1], connection))

    def remove_values(
        self,
        asset_key: AssetKey,
        partition_keys: Sequence[str] | None = None,
        *,
        copied_to: AssetKey | None = None,
        asset_spec: AssetSpec | None = None,
        instance: Any = None,
    ) -> int:
        """Remove the table of an asset, or the rows of these partitions; return how many tables or partitions that were.

        With `copied_to` nothing is removed that is the table of that key, too.
        """
        client = self._client
        if partition_keys is not None:
            context, table_slice = self._whole(asset_key, asset_spec, instance, partition_keys)
            with client.connect(context, table_slice) as connection, client.transaction(connection):
                client.delete_table_slice(context, table_slice, connection)
            return len(partition_keys)
        context, table_slice = self._whole(asset_key, asset_spec, instance)
        if copied_to is not None and _place(self._whole(copied_to, asset_spec, instance)[1]) == _place(table_slice):
            return 0
        with client.connect(context, table_slice) as connection, client.transaction(connection):
            if client.can_copy_tables:
                return int(client.drop_table(table_slice, connection))
            client.delete_table_slice(context, table_slice, connection)
            return 1

    def _whole(
        self, key: AssetKey, spec: AssetSpec | None, instance: Any, partition_keys: Sequence[str] | None = None
    ) -> tuple[OutputContext, TableSlice]:
        """Return the table of an asset, or the part of it that some partitions are, with a context for the client."""
        from headwater.authoring.io_contexts import OutputContext

        context = OutputContext(
            name="result",
            asset_key=key,
            asset_spec=spec,
            definition_metadata=None if spec is None else spec.metadata,
            asset_partitions_def=None if spec is None or partition_keys is None else spec.partitions_def,
            partition_keys=partition_keys,
            instance=instance,
        )
        return context, table_slice_of(context, self._database, self._schema)

    def _handler_of_input(self, context: InputContext) -> DbTypeHandler[Any]:
        asked = _classes_of(_annotation_of(context))
        if not asked and self._default_load_type is not None:
            asked = (self._default_load_type,)
        if not asked:
            handlers = list(self._type_handlers)
            if len(handlers) == 1:
                return handlers[0]
            raise AmbiguousTableType(owner_of(context), _parameter_of(context), self._handled(), self._name)
        for kind in asked:
            handler = self._find_handler(kind)
            if handler is not None:
                return handler
        names = " or ".join(map(_type_name, asked))
        raise UnsupportedTableType(
            owner_of(context), names, self._handled(), self._name, parameter=_parameter_of(context), is_load=True
        )

    # -- type handlers -------------------------------------------------------------------------------------------

    def _find_handler(self, kind: type) -> DbTypeHandler[Any] | None:
        """Return the handler of the type, else of the nearest class that it is made from."""
        handlers = list(self._type_handlers)
        for base in kind.__mro__:
            for handler in handlers:
                if base in handler.supported_types:
                    return handler
        return None

    def _handled(self) -> list[str]:
        return [_type_name(kind) for handler in self._type_handlers for kind in handler.supported_types]


def _place(table_slice: TableSlice) -> tuple[str | None, str, str]:
    return table_slice.database, table_slice.schema.casefold(), table_slice.table.casefold()


def _annotation_of(context: InputContext) -> Any:
    if context.annotation is not None:
        return context.annotation
    try:
        return context.dagster_type.typing_type
    except (MissingContextValue, AttributeError):
        return None


def _parameter_of(context: InputContext) -> str | None:
    return context.name if context.has_input_name else None


def _classes_of(annotation: Any) -> tuple[type, ...]:
    """Return the classes that an annotation allows, without None; none when it allows anything."""
    if annotation in (None, typing.Any, object):
        return ()
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is types.UnionType:
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return tuple(kind for part in parts for kind in _classes_of(part))
    if origin is typing.Annotated:
        return _classes_of(typing.get_args(annotation)[0])
    kind = origin or annotation
    return (kind,) if isinstance(kind, type) else ()


def _type_name(kind: type) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    )
