"""The URL of a database, as text that hides its password. Nothing here connects, or needs psycopg."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.model.errors.postgres import InvalidDatabaseUrl

SCHEMES = ("postgresql://", "postgres://")
HIDDEN = "***"
# Up to the last @: a password whose own @ was not escaped is hidden whole.
_PASSWORD = re.compile(r"^([a-z]+://[^:/?#@]*):(.*)@", re.DOTALL)
_PASSWORD_FIELD = re.compile(r"([?&](?:ssl)?password=)[^&]*")


def is_postgres_url(text: str) -> bool:
    return text.startswith(SCHEMES)


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The URL of a database, whose password is shown only by `url`. Raises InvalidDatabaseUrl."""

    url: str

    def __post_init__(self) -> None:
        check_url(self.url)

    def __str__(self) -> str:
        return redacted(self.url)

    def __repr__(self) -> str:
        return f"DatabaseUrl({redacted(self.url)!r})"


def check_url(url: str) -> str:
    """Return the URL. Raises InvalidDatabaseUrl when it is no URL of PostgreSQL."""
    if not is_postgres_url(url):
        raise InvalidDatabaseUrl(f'"{redacted(url)}"', 'it does not begin with "postgresql://"')
    if url.partition("?")[0].partition("://")[2].count("@") > 1:
        raise InvalidDatabaseUrl(
            f'"{redacted(url)}"', "it has more than one @, so it is not clear where the host begins"
        )
    return url


def redacted(url: str) -> str:
    """Return the URL as it may be shown: its password is three stars."""
    return _PASSWORD_FIELD.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", url))


def without_secrets(text: str, url: str) -> str:
    """Return what a library said, with the URL and the password in it hidden."""
    text = text.replace(url, redacted(url))
    for secret in (*(match[2] for match in _PASSWORD.finditer(url)), *_secrets_in_fields(url)):
        if secret:
            text = text.replace(secret, HIDDEN)
    return text


def _secrets_in_fields(url: str) -> list[str]:
    return [match[0].partition("=")[2] for match in _PASSWORD_FIELD.finditer(url)]
