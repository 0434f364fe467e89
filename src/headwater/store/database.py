"""What the store needs of a database: connections that take one kind of SQL, and errors that mean something to the user.

SQL is written once, in what SQLite and PostgreSQL share, with `?` for each value. Where they differ, `Database` has a
method for it, or `Dialect` the words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headwater.model.errors.store import NotAStore, StoreError


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection whose transactions we begin and end ourselves."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object: ...

    def close(self) -> None: ...


class Readers(Protocol):
    """Connections for reading, each lent to one thread at a time."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words that differ. `name` is also the folder of the migrations; templates name a column and a field."""

    name: str
    # The type of a number with eight bytes of precision.
    real: str
    json_text: str
    json_integer: str
    # A FROM clause with the column `value`: the items of a list in a JSON text, none when there is no such list.
    json_items: str
    # All texts of a column as one, with commas between them.
    joined_texts: str
    # The values of the rows of which a condition holds, as the text of one JSON list; and several values as one JSON list.
    json_list: str
    json_row: str


SQLITE = Dialect(
    name="sqlite",
    real="REAL",
    json_text="json_extract({column}, '$.{field}')",
    json_integer="json_extract({column}, '$.{field}')",
    json_items="json_each({column}, '$.{field}')",
    joined_texts="group_concat({column}, ',')",
    json_list="json_group_array({value}) FILTER (WHERE {condition})",
    json_row="json_array({values})",
)
POSTGRES = Dialect(
    name="postgres",
    real="DOUBLE PRECISION",
    json_text="({column}::json ->> '{field}')",
    json_integer="({column}::json ->> '{field}')::bigint",
    json_items="json_array_elements_text({column}::json -> '{field}')",
    joined_texts="string_agg({column}, ',')",
    json_list="(json_agg({value}) FILTER (WHERE {condition}))::text",
    json_row="json_build_array({values})",
)


class Database(ABC):
    """One database, as its writer and its migrations see it."""

    dialect: Dialect
    # What the driver raises.
    error_type: type[Exception]
    # Whether it is gone with this process and nobody else can see it: then no lease and no thread are needed.
    is_private: bool = False

    def __init__(self, name: str) -> None:
        # How errors call it. It never holds a password.
        self.name = name

    @abstractmethod
    def connect(self) -> Connection:
        """Open the connection for writing."""

    @abstractmethod
    def begin(self, connection: Connection) -> None:
        """Open a transaction that holds the write lock: nobody else writes until it ends."""

    @abstractmethod
    def begin_if_free(self, connection: Connection) -> bool:
        """Open such a transaction unless somebody else writes now; return whether it is open. Waits for nobody."""

    def commit(self, connection: Connection) -> None:
        connection.execute("COMMIT")

    def execute_later(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> None:
        """Carry out a statement whose answer nobody needs, before the next one or at the commit."""
        connection.execute(sql, parameters)

    @abstractmethod
    def is_open(self, connection: Connection) -> bool:
        """Whether a transaction is open."""

    @abstractmethod
    def roll_back(self, connection: Connection) -> None:
        """End the open transaction without a trace; does nothing when none is open."""

    def is_lost(self, connection: Connection) -> bool:
        """Whether the connection broke; `begin` opens another."""
        return False

    def revive(self, connection: Connection) -> bool:
        """Open another connection where this one is lost; return whether that was needed."""
        return False

    def commit_unknown(self, error: Exception) -> StoreError:
        """Return the error for a connection that broke while it committed."""
        return self.store_error(error)

    @abstractmethod
    def table_names(self, connection: Connection) -> Sequence[str]: ...

    def not_a_store(self, found: str) -> NotAStore:
        """Return the error for a database that someone else uses."""
        return NotAStore(self.name, found)

    @abstractmethod
    def run_script(self, connection: Connection, script: str) -> None:
        """Carry out the statements of a migration inside the open transaction."""

    @abstractmethod
    def id_before_next(self, connection: Connection, count: int) -> int:
        """Give out `count` storage ids in the open transaction; return the id before the first of them.

        Ids are in the order of commits: a reader that goes on after the highest id it saw misses nothing.
        """

    @abstractmethod
    def insert_events(self, connection: Connection, count: int, values: Sequence[Any]) -> None:
        """Insert `count` rows of EVENT_COLUMNS, whose values follow one another."""

    @abstractmethod
    def store_error(self, error: Exception) -> StoreError:
        """Return what an error of the driver means to the user."""
