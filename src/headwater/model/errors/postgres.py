"""Errors of a store in PostgreSQL: what keeps it from being reached or used. None of them ever shows a password."""

from __future__ import annotations

from headwater.model.errors.store import StoreError


class InvalidDatabaseUrl(StoreError):
    """What names the database is no URL of PostgreSQL."""

    code = "invalid-database-url"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            what=f"{url} does not name a PostgreSQL database: {reason}.",
            why="Runs could not be recorded there.",
            fix='Write "postgresql://user:password@host:5432/database". Letters like @ : / # ? % in a user or password '
            'are written %40 %3A %2F %23 %3F %25 (Python: urllib.parse.quote(text, safe="")).',
        )


class PostgresNotInstalled(StoreError):
    """The library that speaks with PostgreSQL is missing."""

    code = "postgres-not-installed"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            what=f"The store {name} needs psycopg, which cannot be imported: {reason}.",
            why="Headwater speaks with PostgreSQL through it, and installs it only for those who ask.",
            fix="Run: pip install 'headwater[postgres]'",
        )


class StoreUnreachable(StoreError):
    """The database cannot be connected to, or the connection was lost and does not come back."""

    code = "store-unreachable"

    def __init__(self, name: str, reason: str, fix: str | None = None) -> None:
        self.name = name
        super().__init__(
            what=f'The store "{name}" cannot be reached: {reason}.',
            why="Nothing can be read from it or recorded in it.",
            fix=fix
            or "See that the server runs, that its host and port are right and that a firewall lets them through.",
        )


class ConnectionLost(StoreUnreachable):
    """The connection broke while a change was being committed, so that it is not known whether it was."""

    code = "connection-lost"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason, "Run again. A store that is opened anew reads what was recorded.")


class PostgresUnsuitable(StoreError):
    """The server answers, but its version or the database's encoding is not one that a store can use."""

    code = "postgres-unsuitable"

    def __init__(self, name: str, reason: str, fix: str) -> None:
        super().__init__(
            what=f'The database "{name}" cannot hold a store: {reason}.',
            why="Nothing was read from it and nothing in it was changed.",
            fix=fix,
        )
