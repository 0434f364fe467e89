"""Policies: how often to retry, how to batch a backfill. Plain values; nothing here acts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

from headwater.model.errors import CheckError, InvalidDefinitionError


class Backoff(Enum):
    """How the delay grows from one retry to the next."""

    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"


class Jitter(Enum):
    """How the delay is randomized. FULL: anywhere from nothing to the delay. PLUS_MINUS: up to one base delay either way."""

    FULL = "FULL"
    PLUS_MINUS = "PLUS_MINUS"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Try again up to `max_retries` times after a failure, `delay` seconds apart (grown by `backoff`, varied by `jitter`)."""

    max_retries: int = 1
    delay: float | None = None
    backoff: Backoff | None = None
    jitter: Jitter | None = None

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise CheckError(
                what=f"RetryPolicy(max_retries={self.max_retries}) is negative.",
                why="A step cannot be tried fewer times than once.",
                fix="Give 0 or more.",
            )
        if self.delay is None and (self.backoff is not None or self.jitter is not None):
            raise InvalidDefinitionError(
                what="RetryPolicy has a backoff or a jitter, but no delay.",
                why="Both say how a delay changes, and there is none to change.",
                fix="Give delay= in seconds, such as RetryPolicy(max_retries=3, delay=1, backoff=Backoff.EXPONENTIAL).",
            )

    def delay_seconds(self, retry_number: int, chance: float | None = None) -> float:
        """Return the seconds to wait before retry `retry_number` (1 is the first). `chance` in [0, 1) decides the jitter."""
        if self.delay is None:
            return 0.0
        delay = float(self.delay)
        if self.backoff is Backoff.EXPONENTIAL:
            delay = ((2.0**retry_number) - 1) * self.delay
        elif self.backoff is Backoff.LINEAR:
            delay = retry_number * self.delay
        draw = random.random() if chance is None else chance
        if self.jitter is Jitter.FULL:
            return draw * delay
        if self.jitter is Jitter.PLUS_MINUS:
            return max(0.0, delay + ((2 * draw - 1) * self.delay))
        return delay

    calculate_delay = delay_seconds


class BackfillPolicyType(Enum):
    """Whether a backfill is one run, or several."""

    SINGLE_RUN = "SINGLE_RUN"
    MULTI_RUN = "MULTI_RUN"


@dataclass(frozen=True, slots=True)
class BackfillPolicy:
    """How many partitions of a backfill one run takes: all of them (None), or at most `max_partitions_per_run`."""

    max_partitions_per_run: int | None = 1

    @staticmethod
    def single_run() -> BackfillPolicy:
        return BackfillPolicy(max_partitions_per_run=None)

    @staticmethod
    def multi_run(max_partitions_per_run: int = 1) -> BackfillPolicy:
        if max_partitions_per_run < 1:
            raise CheckError(
                what=f"BackfillPolicy.multi_run(max_partitions_per_run={max_partitions_per_run}) is less than one.",
                why="A run that takes no partition would never get the backfill done.",
                fix="Give 1 or more, or use BackfillPolicy.single_run().",
            )
        return BackfillPolicy(max_partitions_per_run=max_partitions_per_run)

    @property
    def is_single_run(self) -> bool:
        return self.max_partitions_per_run is None

    @property
    def policy_type(self) -> BackfillPolicyType:
        """Whether one run takes all partitions, or each a part of them."""
        return BackfillPolicyType.SINGLE_RUN if self.is_single_run else BackfillPolicyType.MULTI_RUN


def most_partitions_of_a_run(policy: BackfillPolicy | None) -> int | None:
    """Return how many partitions one run of an asset takes: one unless its policy says otherwise, None for any number."""
    return 1 if policy is None else policy.max_partitions_per_run


class AssetCheckSeverity(Enum):
    """How bad it is that a check did not pass: WARN is shown, ERROR counts as a failure of quality."""

    WARN = "WARN"
    ERROR = "ERROR"
