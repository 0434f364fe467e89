"""Where the code of an asset is to be found: in a file beside it, or behind a link."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFileCodeReference:
    """A place in a file of the machine on which the definitions were loaded."""

    file_path: str
    line_number: int | None = None
    label: str | None = None

    @property
    def source(self) -> str:
        """The place as an editor writes it: path, or path:line."""
        return self.file_path if self.line_number is None else f"{self.file_path}:{self.line_number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlCodeReference:
    """A link to code, such as a line in a repository that people can browse."""

    url: str
    label: str | None = None

    @property
    def source(self) -> str:
        return self.url


CodeReference = LocalFileCodeReference | UrlCodeReference
