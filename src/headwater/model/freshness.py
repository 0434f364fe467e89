"""Freshness policies: how old an asset may be before that is worth saying. Plain values that look at no clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from headwater.model.cron import checked_cron, checked_timezone, shortest_gap
from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of

if TYPE_CHECKING:
    from headwater.model.specs import AssetSpec

_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FreshnessPolicy(ABC):
    """When an asset counts as fresh. Make one with `time_window` or `cron`."""

    @staticmethod
    def time_window(fail_window: timedelta, warn_window: timedelta | None = None) -> TimeWindowFreshnessPolicy:
        """Fresh while the last materialization is younger than `fail_window`; beyond `warn_window` it is soon not.

        Raises CheckError unless both are a minute or more and `warn_window` is the shorter.
        """
        return TimeWindowFreshnessPolicy(fail_window, warn_window)

    @staticmethod
    def cron(deadline_cron: str, lower_bound_delta: timedelta, timezone: str = "UTC") -> CronFreshnessPolicy:
        """Fresh when, by each tick of `deadline_cron`, it was materialized no more than `lower_bound_delta` before it.

        Raises InvalidCronError, UnknownTimezoneError, and CheckError unless `lower_bound_delta` is from a minute to the
        shortest time between two ticks.
        """
        return CronFreshnessPolicy(deadline_cron, lower_bound_delta, timezone)

    @abstractmethod
    def to_data(self) -> dict[str, Any]:
        """Return the policy as plain JSON values, which `from_data` reads back."""

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> FreshnessPolicy:
        """Return the policy that `to_data` wrote."""
        if data["kind"] == "cron":
            return CronFreshnessPolicy(
                data["deadline_cron"], timedelta(seconds=data["lower_bound_seconds"]), data["timezone"]
            )
        warn = data["warn_seconds"]
        return TimeWindowFreshnessPolicy(
            timedelta(seconds=data["fail_seconds"]), None if warn is None else timedelta(seconds=warn)
        )


class Window(timedelta):
    """The length of time of a policy: a timedelta, which also gives itself as one."""

    @classmethod
    def of(cls, length: timedelta) -> Window:
        """Return the same length as a Window; what is no length is given back, to be refused by its name."""
        return cls(length.days, length.seconds, length.microseconds) if isinstance(length, timedelta) else length

    def to_timedelta(self) -> timedelta:
        """Return the length as a plain timedelta."""
        return timedelta(self.days, self.seconds, self.microseconds)

    def __repr__(self) -> str:
        return repr(self.to_timedelta())


@dataclass(frozen=True, slots=True)
class TimeWindowFreshnessPolicy(FreshnessPolicy):
    """Fresh while the last materialization is younger than `fail_window`."""

    fail_window: timedelta
    warn_window: timedelta | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "fail_window", Window.of(self.fail_window))
        if self.warn_window is not None:
            object.__setattr__(self, "warn_window", Window.of(self.warn_window))
        for name, window in (("fail_window", self.fail_window), ("warn_window", self.warn_window)):
            if window is not None:
                _check_length(name, window)
        if self.warn_window is not None and self.warn_window >= self.fail_window:
            raise CheckError(
                what=f"warn_window ({self.warn_window}) is not shorter than fail_window ({self.fail_window}).",
                why="A warning that comes with the failure warns of nothing.",
                fix="Make warn_window the shorter one.",
            )

    def to_data(self) -> dict[str, Any]:
        warn = None if self.warn_window is None else self.warn_window.total_seconds()
        return {"kind": "time_window", "fail_seconds": self.fail_window.total_seconds(), "warn_seconds": warn}


@dataclass(frozen=True, slots=True)
class CronFreshnessPolicy(FreshnessPolicy):
    """Fresh when materialized in the `lower_bound_delta` before each tick of `deadline_cron`."""

    deadline_cron: str
    lower_bound_delta: timedelta
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        checked_cron(self.deadline_cron, "a freshness policy")
        checked_timezone(self.timezone, "A freshness policy")
        _check_length("lower_bound_delta", self.lower_bound_delta)
        gap = shortest_gap(self.deadline_cron)
        if self.lower_bound_delta > gap:
            raise CheckError(
                what=f"lower_bound_delta is {self.lower_bound_delta}, and {self.deadline_cron!r} ticks {gap} apart.",
                why="One materialization would meet two deadlines.",
                fix=f"Give at most {gap}, or choose a rarer schedule.",
            )

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": "cron",
            "deadline_cron": self.deadline_cron,
            "lower_bound_seconds": self.lower_bound_delta.total_seconds(),
            "timezone": self.timezone,
        }


def apply_freshness_policy(spec: AssetSpec, policy: FreshnessPolicy, overwrite_existing: bool = True) -> AssetSpec:
    """Return the spec with this policy; with `overwrite_existing=False`, one that has a policy keeps its own.

    For whole projects: `defs.map_asset_specs(func=lambda spec: apply_freshness_policy(spec, policy))`.
    Raises CheckError for what is no spec or no policy.
    """
    from headwater.model.specs import AssetSpec

    if not isinstance(spec, AssetSpec):
        raise CheckError(
            what=f"apply_freshness_policy was given {spec!r}, {kind_of(spec)}.",
            why="It changes the spec of one asset.",
            fix="Use it in map_asset_specs, which hands it one spec after the other.",
        )
    if not isinstance(policy, FreshnessPolicy):
        raise CheckError(
            what=f"apply_freshness_policy was given {policy!r} as policy, {kind_of(policy)}.",
            why="It says nothing of freshness.",
            fix="Give a FreshnessPolicy, such as FreshnessPolicy.time_window(fail_window=timedelta(days=1)).",
        )
    if spec.freshness_policy is not None and not overwrite_existing:
        return spec
    return spec.replace_attributes(freshness_policy=policy)


def _check_length(name: str, window: timedelta) -> None:
    if not isinstance(window, timedelta) or window < _SHORTEST:
        raise CheckError(
            what=f"{name} is {window!r}.",
            why="Freshness is told by the minute.",
            fix=f"Give a timedelta of a minute or more, such as {name}=timedelta(hours=24).",
        )
