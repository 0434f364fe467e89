"""Tags and metadata, which read the same under both spellings of the names that the system itself gives a meaning.

`Tags` holds `headwater/partition`; a program written for Dagster asks for, and sets, `dagster/partition`. Names that have
no meaning of their own stay as they were written. `Metadata` is kept as it was written, and found under both spellings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar, overload

V = TypeVar("V")
D = TypeVar("D")

MAX_RUNTIME_SECONDS_TAG: Final = "headwater/max_runtime"
"""Says after how many seconds a run is stopped."""

_OURS: Final = "headwater/"
_THEIRS: Final = "dagster/"

SYSTEM_TAGS: Final = frozenset(
    {
        "asset_evaluation_id",
        "asset_partition_range_end",
        "asset_partition_range_start",
        "auto_materialize",
        "auto_observe",
        "auto_retry_run_id",
        "backfill",
        "code_location",
        "code_version",
        "compute_kind",
        "concurrency_key",
        "data_version",
        "failure_reason",
        "from_automation_condition",
        "is_asset_resume_retry",
        "is_resume_retry",
        "max_retries",
        "max_runtime",
        "parent_backfill_id",
        "parent_run_id",
        "partition",
        "partition_set",
        "priority",
        "reporting_user",
        "retry_number",
        "retry_on_asset_or_op_failure",
        "retry_strategy",
        "root_backfill_id",
        "root_run_id",
        "run_key",
        "schedule_name",
        "scheduled_execution_time",
        "sensor_name",
        "step_selection",
        "tick",
        "will_retry",
    }
)
"""The names that mean something to the system, without their prefix."""

_FAMILIES: Final = ("partition/", "kind/", "input_data_version/")
"""The beginnings of system names that go on with something of the user's: a dimension, a kind, an asset."""


def stored_name(name: str) -> str:
    """Return the name under which a tag is kept: ours for a system tag of Dagster's, else as it is."""
    if _THEIRS not in name:
        return name
    hidden = "." if name.startswith(".") else ""
    if not name.startswith(_THEIRS, len(hidden)):
        return name
    rest = name[len(hidden) + len(_THEIRS) :]
    return f"{_OURS}{rest}" if rest in SYSTEM_TAGS or rest.startswith(_FAMILIES) else name


def stored_names(tags: Mapping[str, V]) -> dict[str, V]:
    """Return tags by the names under which they are kept. Of two spellings of one name, the later counts."""
    return {stored_name(name): value for name, value in tags.items()}


class Tags(dict[str, str]):
    """Tags by name. A system tag is found under `headwater/NAME` and `dagster/NAME`, and listed as the former."""

    __slots__ = ()

    def __init__(self, tags: Mapping[str, str] | None = None) -> None:
        super().__init__(stored_names(tags) if tags else {})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(stored_name(name))

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(stored_name(name), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(stored_name(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(stored_name(name) if isinstance(name, str) else name)

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: D, /) -> str | D: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        return super().get(stored_name(name), default)

    def pop(self, name: str, *default: Any) -> Any:
        return super().pop(stored_name(name), *default)

    def setdefault(self, name: str, default: str = "", /) -> str:
        return super().setdefault(stored_name(name), default)

    def update(self, *tags: Any, **more: str) -> None:
        super().update(stored_names(dict(*tags, **more)))

    def copy(self) -> Tags:
        return Tags(self)

    def __or__(self, other: Any) -> Tags:  # type: ignore[override]
        return Tags({**self, **stored_names(other)})

    def __ror__(self, other: Any) -> Tags:  # type: ignore[override]
        return Tags({**stored_names(other), **self})

    def __eq__(self, other: object) -> bool:
        return super().__eq__(stored_names(other)) if isinstance(other, Mapping) else NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (Tags, (dict(self),))


class Metadata(dict[str, V]):
    """Metadata by name. What was recorded as `headwater/NAME` is found as `dagster/NAME`, too, and the other way round."""

    __slots__ = ()

    def __missing__(self, name: str) -> V:
        other = _other_spelling(name)
        if other is None or not super().__contains__(other):
            raise KeyError(name)
        return super().__getitem__(other)

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        other = _other_spelling(name)
        return other is not None and super().__contains__(other)

    @overload
    def get(self, name: str, default: None = None, /) -> V | None: ...
    @overload
    def get(self, name: str, default: V, /) -> V: ...
    @overload
    def get(self, name: str, default: D, /) -> V | D: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def copy(self) -> Metadata[V]:
        return Metadata(self)


def _other_spelling(name: object) -> str | None:
    """Return "headwater/x" for "dagster/x", and the other way round; None for a name of the user's."""
    if not isinstance(name, str):
        return None
    if name.startswith(_THEIRS):
        return _OURS + name[len(_THEIRS) :]
    return _THEIRS + name[len(_OURS) :] if name.startswith(_OURS) else None
