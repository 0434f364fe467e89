"""Jobs named from outside: by the place they are loaded from, for sensors that follow the runs of others."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.model.errors import CheckError

DEFAULT_REPOSITORY = "__repository__"


@dataclass(frozen=True, slots=True)
class CodeLocationSelector:
    """All jobs of a code location."""

    location_name: str

    def __post_init__(self) -> None:
        _check_text(self, location_name=self.location_name)


@dataclass(frozen=True, slots=True)
class RepositorySelector:
    """All jobs of a repository of a code location."""

    location_name: str
    repository_name: str

    def __post_init__(self) -> None:
        _check_text(self, location_name=self.location_name, repository_name=self.repository_name)


@dataclass(frozen=True, slots=True)
class JobSelector:
    """One job of a code location, by its name, which must be given."""

    location_name: str
    repository_name: str | None = DEFAULT_REPOSITORY
    job_name: str | None = None

    def __post_init__(self) -> None:
        if self.job_name is None:
            raise CheckError(
                what=f"JobSelector(location_name={self.location_name!r}) names no job.",
                why="It selects one job.",
                fix="Give job_name=, or use CodeLocationSelector for all jobs of the location.",
            )
        if self.repository_name is None:
            object.__setattr__(self, "repository_name", DEFAULT_REPOSITORY)
        _check_text(self, location_name=self.location_name, job_name=self.job_name)


def _check_text(selector: object, **fields: object) -> None:
    for name, value in fields.items():
        if not isinstance(value, str) or not value:
            raise CheckError(
                what=f"{type(selector).__name__}({name}={value!r}) was given.",
                why="Places and jobs are known by their names.",
                fix=f"Give {name} as text.",
            )
