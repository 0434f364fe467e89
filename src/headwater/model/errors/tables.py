"""Errors about tables in databases: a value that is no table, a partition without a column, a file that is locked."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.model.errors.definition import CheckError, InvalidDefinitionError
from headwater.model.errors.io import InputOutputError, StorageError, UnreadableValue, ValueNotFound
from headwater.model.errors.root import HeadwaterError, did_you_mean


class LibraryNotInstalled(HeadwaterError, ImportError):
    """A library was needed that is not installed. It is an ImportError too."""

    code = "library-not-installed"

    def __init__(self, library: str, needed_for: str, extra: str) -> None:
        super().__init__(
            what=f'{needed_for} needs "{library}", which is not installed here.',
            why="Headwater installs a library for data only where it is asked for.",
            fix=f'Type: pip install "headwater[{extra}]"',
        )
        self.name = library


class UnsupportedTableType(CheckError):
    """A value was to be stored as a table, or asked for, as a type that no type handler knows."""

    code = "unsupported-table-type"

    def __init__(
        self,
        owner: str,
        type_name: str,
        handled: Sequence[str],
        io_manager: str,
        *,
        parameter: str | None,
        is_load: bool,
    ) -> None:
        types = ", ".join(handled) or "no type at all"
        if is_load:
            by = f' by the parameter "{parameter}"' if parameter else ""
            what = f"The table of {owner} is asked for as {type_name}{by}, which {io_manager} cannot load."
            fix = f"Annotate the parameter with one of them ({types})"
        else:
            what = f"{owner} returned a value of type {type_name}, which {io_manager} cannot store as a table."
            fix = f"Return one of them ({types})"
        super().__init__(
            what=what[:1].upper() + what[1:],
            why=f"It has type handlers for: {types}.",
            fix=f"{fix}; add a DbTypeHandler whose supported_types hold {type_name} to what type_handlers() of your "
            "IO manager returns; or give the asset another io_manager_key.",
        )


class AmbiguousTableType(CheckError):
    """A table was asked for without saying as which type, and there are several."""

    code = "ambiguous-table-type"

    def __init__(self, owner: str, parameter: str | None, handled: Sequence[str], io_manager: str) -> None:
        name = parameter or "value"
        super().__init__(
            what=f'The parameter "{name}", which loads the table of {owner}, does not say as which type.',
            why=f"{io_manager} can load it as any of: {', '.join(handled) or 'nothing'}.",
            fix=f"Annotate the parameter, as in {name}: {handled[0] if handled else 'pd.DataFrame'}, or let "
            "default_load_type() of your IO manager return one of them.",
        )


class NoTableReturned(CheckError):
    """None was returned where a table was to be stored."""

    code = "no-table-returned"

    def __init__(self, owner: str, io_manager: str) -> None:
        super().__init__(
            what=f"{owner[:1].upper()}{owner[1:]} returned None, which {io_manager} cannot store as a table.",
            why="It may be a forgotten return, so the table that is there was left as it is.",
            fix='Return a data frame; if there is nothing to store, annotate the function with "-> None".',
        )


class MissingPartitionExpression(InvalidDefinitionError, ValueError):
    """A partitioned asset is kept as a table, and nothing says which rows belong to which partition."""

    code = "missing-partition-expression"

    def __init__(self, owner: str, dimensions: Sequence[str] = (), problem: str = "") -> None:
        if dimensions:
            example = "{" + ", ".join(f'"{name}": "the_column_of_{name}"' for name in dimensions) + "}"
            what = problem or f'{owner} is partitioned, and "partition_expr" says nothing of: {", ".join(dimensions)}.'
        else:
            example = '"the_column"'
            what = problem or f'{owner} is partitioned, and its metadata has no "partition_expr".'
        super().__init__(
            what=what[:1].upper() + what[1:],
            why="All partitions share one table, so a column (or an SQL expression) must say to which one a row belongs.",
            fix=f'Declare it on the asset: metadata={{"partition_expr": {example}}}.',
        )


class PartitionsNotOneBlock(InputOutputError):
    """Partitions of several dimensions were asked for at once that are no combination of sets of keys."""

    code = "partitions-not-one-block"

    def __init__(self, owner: str, count: int) -> None:
        super().__init__(
            what=f"{count} partitions of {owner} are asked for that do not form one block of its dimensions.",
            why="A table is read by one set of keys for each dimension, and this would bring other rows too.",
            fix="Load each partition in a run of its own, or map to all partitions and filter them.",
        )


class TableNotFound(ValueNotFound):
    """A table was to be loaded that is not in the database."""

    code = "table-not-found"

    def __init__(
        self, owner: str, table: str, database: str, known: Sequence[str], partitions: Sequence[str] = ()
    ) -> None:
        near = did_you_mean(table, known)
        if near:
            near = (
                f"{near}If that is the table, say so with key_prefix, the asset's name or metadata={{'schema': ...}}. "
            )
        flag = f' --partition "{partitions[0]}"' if len(partitions) == 1 else ""
        key = owner.split('"')[1] if '"' in owner else owner
        super().__init__(owner, [f"{table} in {database}"], (), f"{near}Type: headwater materialize {key}{flag}")
        self.table = table


class UnreadableTable(UnreadableValue):
    """A table is there, and the query on it failed."""

    code = "unreadable-table"

    def __init__(self, owner: str, query: str, cause: str) -> None:
        self.query = query
        super().__init__(
            owner,
            f"the query {query}",
            cause.strip().splitlines()[0].rstrip(".") if cause.strip() else "The database refused it",
            'Look at "columns" of the parameter and "partition_expr" of the asset, and run the query by hand.',
        )


class TableWithoutColumns(CheckError):
    """A data frame without any column was to be stored as a table."""

    code = "table-without-columns"

    def __init__(self, owner: str) -> None:
        super().__init__(
            what=f"{owner[:1].upper()}{owner[1:]} returned a data frame without columns.",
            why="A table has at least one column, so nothing was stored and what was there is untouched.",
            fix='Return a frame with its columns even if it has no rows, as in pd.DataFrame({"id": pd.Series(dtype="int64")}).',
        )


class TableColumnsDiffer(InputOutputError):
    """One partition has other columns than the table that holds the other partitions."""

    code = "table-columns-differ"

    def __init__(self, owner: str, table: str, new: Sequence[tuple[str, str]], missing: Sequence[str]) -> None:
        parts = []
        if new:
            parts.append(f"the table has no {_in_words([name for name, _ in new])}")
        if missing:
            parts.append(f"the frame has no {_in_words(missing)}")
        fixes = [f"ALTER TABLE {table} ADD COLUMN {_quoted(name)} {kind};" for name, kind in new]
        say = [f"Add what is new once, by hand: {' '.join(fixes)}"] if new else []
        say += [f"Let the function return {_in_words(missing)} too, empty if need be."] if missing else []
        super().__init__(
            what=f"{owner[:1].upper()}{owner[1:]} returned other columns than {table} has: {' and '.join(parts)}.",
            why="The table holds the rows of other partitions, so it was left as it is.",
            fix=" ".join(say),
        )


class TableTypeDiffers(InputOutputError):
    """Values of one partition do not fit the type of their column in the table that holds the other partitions."""

    code = "table-type-differs"

    def __init__(self, owner: str, table: str, column: str, stored: str, given: str, count: int) -> None:
        super().__init__(
            what=f'{owner[:1].upper()}{owner[1:]} returned {count} values in "{column}" ({given}) that would change in '
            f"{table}, where that column is {stored}.",
            why="The table holds the rows of other partitions, so it was left as it is.",
            fix=f"Let the function return {stored}, or widen the column once, by hand: "
            f"ALTER TABLE {table} ALTER {_quoted(column)} TYPE {given};",
        )


class NotATable(StorageError):
    """A table was to be written, and a view has its name."""

    code = "not-a-table"

    def __init__(self, owner: str, table: str) -> None:
        super().__init__(
            owner,
            table,
            "A view of that name is there, and rows cannot be put into a view",
            f"Drop it (DROP VIEW {table};), or give the asset another name or schema.",
        )


class DatabaseError(InputOutputError):
    """The root of errors in opening a database."""

    code = "database"


class DatabaseNotOpened(DatabaseError):
    """The database could not be opened."""

    code = "database-not-opened"

    def __init__(self, database: str, cause: str, fix: str) -> None:
        super().__init__(
            what=f'The DuckDB database "{database}" could not be opened.',
            why=f"{cause.strip().splitlines()[0].rstrip('.') if cause.strip() else 'DuckDB does not say why'}.",
            fix=fix,
        )


class DatabaseLocked(DatabaseError):
    """Another process kept the database to itself for longer than was waited."""

    code = "database-locked"

    def __init__(self, database: str, holder: str, waited_seconds: float) -> None:
        super().__init__(
            what=f'The DuckDB database "{database}" is locked by {holder}.',
            why="DuckDB lets one process at a time write to a file. "
            f"It was tried again for {waited_seconds:.0f} seconds.",
            fix="Close it there (an open notebook, a DuckDB shell, another run), open it there with read_only=True "
            "after this run, or keep assets that run at the same time in databases of their own.",
        )


def _in_words(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns[:5]) + (
        f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
