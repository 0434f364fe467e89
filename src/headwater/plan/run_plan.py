"""The plan of a run, as data: which steps, what each takes and gives, what it waits for, and why it runs.

A plan holds no functions. Whoever carries it out finds them by step key in the job that was planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.policies import RetryPolicy


class FromStep(Struct, frozen=True, tag=True):
    """The value that a step of this run gives at an output, stored under run, step and output."""

    step: str
    output: str


class FromAsset(Struct, frozen=True, tag=True):
    """The stored value of an asset; `step` builds it in this run, None when it is there already."""

    asset: AssetKey
    step: str | None = None
    output: str | None = None


class FromCollected(Struct, frozen=True, tag=True):
    """All values of a dynamic output, or of a step that is mapped over one, as a list in order of mapping keys."""

    step: str
    output: str


class FromMany(Struct, frozen=True, tag=True):
    """Several sources, as a list."""

    sources: tuple[Source, ...]


class FromConfig(Struct, frozen=True, tag=True):
    """A value given with the run: under `inputs` of the step's config, or as an input of the job; else the default."""

    path: tuple[str, ...]


class FromInputManager(Struct, frozen=True, tag=True):
    """What the input's own input manager finds, without anything upstream."""


Source = FromStep | FromAsset | FromCollected | FromMany | FromConfig | FromInputManager


class Need(Struct, frozen=True):
    """What must have come about before a step can run: any of `sources` (step, output) when it is a fan-in, else all.

    An output of None asks only that the step succeeded. `is_collected` waits for every mapped instance of the step.
    """

    sources: tuple[tuple[str, str | None], ...]
    is_fan_in: bool = False
    is_collected: bool = False


class PlannedAsset(Struct, frozen=True):
    """An asset that a step builds; `partitions` is None for an unpartitioned one."""

    key: AssetKey
    output: str | None
    partitions: tuple[str, ...] | None = None


class PlanStep(Struct, frozen=True):
    """One step. `mapped_over` is the dynamic output (step, output) for each value of which it runs once."""

    key: str
    kind: str  # op | asset | check | observation
    inputs: Mapping[str, Source] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    assets: tuple[PlannedAsset, ...] = ()
    checks: tuple[AssetCheckKey, ...] = ()
    dynamic_outputs: frozenset[str] = frozenset()
    mapped_over: tuple[str, str] | None = None
    retry_policy: RetryPolicy | None = None
    timeout_seconds: float | None = None
    is_async: bool = False
    pool: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    reason: str = "requested"


class RunPlan(Struct, frozen=True):
    """The steps of one run in an order in which they could run, and the request that they follow from."""

    job_name: str
    steps: tuple[PlanStep, ...]
    run_config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    partition_keys: tuple[str, ...] | None = None
    # Outputs of steps that an earlier run has given already, by step: the id of that run.
    known_outputs: Mapping[str, KnownOutputs] = field(default_factory=dict)
    retries_op_default: RetryPolicy | None = None
    timeout_seconds: float | None = None
    # How often each step is tried again after its process was lost; what its own code does wrong is another matter.
    infrastructure_retries: int = 0

    @property
    def step_keys(self) -> tuple[str, ...]:
        return tuple(step.key for step in self.steps)

    @property
    def asset_keys(self) -> tuple[AssetKey, ...]:
        return tuple(asset.key for step in self.steps for asset in step.assets)

    @property
    def check_keys(self) -> tuple[AssetCheckKey, ...]:
        return tuple(check for step in self.steps for check in step.checks)

    def to_data(self) -> dict[str, Any]:
        """Return the plan as plain JSON values: what a page or a program reads."""
        return {
            "job": self.job_name,
            "partitions": _shortened(self.partition_keys),
            "steps": [
                {
                    "key": step.key,
                    "kind": step.kind,
                    "assets": [
                        {"key": str(asset.key), "partitions": _shortened(asset.partitions)} for asset in step.assets
                    ],
                    "checks": [str(check) for check in step.checks],
                    "after": sorted({source for need in step.needs for source, _ in need.sources}),
                    "reason": step.reason,
                }
                for step in self.steps
            ],
        }


class KnownOutputs(Struct, frozen=True):
    """What an earlier run's step gave: values are loaded from under that run's id."""

    run_id: str
    outputs: tuple[tuple[str, str | None], ...] = ()


def _shortened(keys: tuple[str, ...] | None) -> Any:
    """Long runs of keys are told by their ends and number, so that a stored plan does not grow with the partitions."""
    if keys is None or len(keys) <= 20:
        return None if keys is None else list(keys)
    return {"first": keys[0], "last": keys[-1], "count": len(keys)}
