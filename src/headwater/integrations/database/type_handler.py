"""What turns values of some types into rows of a database, and rows into values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.integrations.database.table_slice import TableSlice

T = TypeVar("T")


class DbTypeHandler(ABC, Generic[T]):
    """Stores values of its `supported_types` as rows of a table and loads them again, for one kind of database.

    The rows of the slice are gone and its schema exists when `handle_output` is called; what it does with `connection`
    takes effect together with that, or not at all.
    """

    @abstractmethod
    def handle_output(
        self, context: OutputContext, table_slice: TableSlice, obj: T, connection: Any
    ) -> Mapping[str, Any] | None:
        """Store `obj` as the rows of the slice, making the table if need be; return metadata to be recorded, or None."""

    @abstractmethod
    def load_input(self, context: InputContext, table_slice: TableSlice, connection: Any) -> T:
        """Return the rows of the slice as a value."""

    @property
    @abstractmethod
    def supported_types(self) -> Sequence[type[object]]:
        """The types of value that it stores and loads; the first is what is loaded when none is asked for."""
