"""Requests for runs, as data: what a schedule, a sensor or a person asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.authoring.config import run_config_dict
from headwater.authoring.op import json_tags
from headwater.model.keys import AssetCheckKey, AssetKey


class RunRequest:
    """Asks for one run of a job or of some assets. Of two requests with one `run_key`, only the first is launched."""

    __slots__ = (
        "asset_check_keys",
        "asset_selection",
        "job_name",
        "partition_key",
        "run_config",
        "run_key",
        "stale_assets_only",
        "tags",
    )

    def __init__(
        self,
        run_key: str | None = None,
        run_config: Any = None,
        tags: Mapping[str, Any] | None = None,
        job_name: str | None = None,
        asset_selection: Sequence[AssetKey] | None = None,
        stale_assets_only: bool = False,
        partition_key: str | None = None,
        asset_check_keys: Sequence[AssetCheckKey] | None = None,
    ) -> None:
        self.run_key = run_key
        self.run_config = run_config_dict(run_config)
        self.tags: Mapping[str, str] = json_tags(tags)
        self.job_name = job_name
        self.asset_selection = (
            None if asset_selection is None else [AssetKey.from_coercible(key) for key in asset_selection]
        )
        self.stale_assets_only = stale_assets_only
        self.partition_key = partition_key
        self.asset_check_keys = asset_check_keys

    def with_replaced_attrs(self, **attributes: Any) -> RunRequest:
        """Return the same request with some of its attributes replaced."""
        return RunRequest(**{**{name: getattr(self, name) for name in self.__slots__}, **attributes})

    def _state(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunRequest) and other._state() == self._state()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__ if getattr(self, name))
        return f"RunRequest({inside})"


class SkipReason:
    """Says why a schedule or sensor asked for nothing this time."""

    __slots__ = ("skip_message",)

    def __init__(self, skip_message: str | None = None) -> None:
        self.skip_message = skip_message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SkipReason) and other.skip_message == self.skip_message

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SkipReason({self.skip_message!r})"
