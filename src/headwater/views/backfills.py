"""Backfills as anyone sees them: a word, a sentence, numbers by asset, and what failed for which reason.

What is told of partitions is told by their places in the plan: "FIRST...LAST (n)" are n partitions of the backfill that follow
each other, so that no definition has to be loaded, and a definition that has changed since cannot misname them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.model.backfills import Backfill, BackfillPlan, BackfillStatus, Outcome, Span, key_of_job
from headwater.views.words import counted, duration_in_words, instant_as_iso, listed

SHORT_ID_LENGTH = 8
_MOST_SPANS_IN_DATA = 200
_LONGEST_CAUSE = 300
# One in so many is too few to tell how fast the others will be.
_FEW = 50

BACKFILL_WORDS: Mapping[BackfillStatus, str] = {
    BackfillStatus.IN_PROGRESS: "running",
    BackfillStatus.PAUSED: "paused",
    BackfillStatus.CANCELING: "canceling",
    BackfillStatus.SUCCESS: "succeeded",
    BackfillStatus.FAILURE: "failed",
    BackfillStatus.CANCELED: "canceled",
}
INTERRUPTED_WORD = "interrupted"

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.WAITING: "waiting",
    Outcome.ISSUED: "running",
    Outcome.MATERIALIZED: "materialized",
    Outcome.FAILED: "failed",
    Outcome.BLOCKED: "blocked",
    Outcome.CANCELED: "canceled",
    Outcome.SKIPPED: "skipped",
}


def short_id(backfill_id: str) -> str:
    """Return the first letters of an id: enough to name the backfill on the command line."""
    return backfill_id[:SHORT_ID_LENGTH]


def is_interrupted(backfill: Backfill) -> bool:
    """Whether a backfill is meant to go on and no process carries it out."""
    return not backfill.is_owned and backfill.status in (BackfillStatus.IN_PROGRESS, BackfillStatus.CANCELING)


def backfill_word(backfill: Backfill) -> str:
    """Return where a backfill stands in one word: that of its status, or "interrupted" when nobody carries it out."""
    return INTERRUPTED_WORD if is_interrupted(backfill) else BACKFILL_WORDS[backfill.status]


def backfill_subject(backfill: Backfill) -> str:
    """Return what a backfill is about: its title, its job, or its assets."""
    if backfill.title:
        return backfill.title
    return f"job {backfill.job_name}" if backfill.job_name else listed(backfill.asset_keys, 3)


def progress_in_words(backfill: Backfill) -> str:
    """Return "120 of 365, 3 failed, 41/s, about 6 s left": how many were made first; what is not known is left out."""
    told = [f"{backfill.count(Outcome.MATERIALIZED):,} of {backfill.total:,}"]
    for outcome in (Outcome.FAILED, Outcome.BLOCKED, Outcome.CANCELED, Outcome.SKIPPED):
        if count := backfill.count(outcome):
            told.append(f"{count:,} {OUTCOME_WORDS[outcome]}")
    if not backfill.is_finished:
        if (rate := backfill.rate) is not None:
            told.append(rate_in_words(rate))
        if (left := seconds_left(backfill)) is not None:
            told.append(f"about {duration_in_words(left)} left")
    return ", ".join(told)


def seconds_left(backfill: Backfill) -> float | None:
    """Return how long the rest is likely to take; of the first few of very many nothing is concluded."""
    if backfill.is_finished or backfill.ended_count * _FEW < backfill.total:
        return None if backfill.is_finished else backfill.estimated_seconds
    return backfill.eta_seconds


def rate_in_words(rate: float) -> str:
    """Return "41/s", "3.2/s" or "12/min"."""
    if rate >= 10:
        return f"{rate:,.0f}/s"
    return f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.1f}/min"


def backfill_sentence(backfill: Backfill, now: float) -> str:
    """Return one sentence about where a backfill stands, such as "Backfill 3f2a91c0 (sales) failed after 2.1 s: ..."."""
    word = backfill_word(backfill)
    subject = f"Backfill {short_id(backfill.backfill_id)} ({backfill_subject(backfill)})"
    took = duration_in_words(backfill.seconds)
    match backfill.status:
        case BackfillStatus.SUCCESS:
            told = f"succeeded in {took}"
        case BackfillStatus.FAILURE | BackfillStatus.CANCELED:
            told = f"{'failed' if word == 'failed' else 'was canceled'} after {took}"
        case _:
            told = f"was {word}" if word == INTERRUPTED_WORD else f"is {word}"
    # What an interruption says of itself is said already.
    tells_cause = backfill.cause and backfill.status is not BackfillStatus.SUCCESS
    tells_cause = tells_cause and not (word == INTERRUPTED_WORD and str(backfill.cause).startswith(word))
    cause = f" ({' '.join(str(backfill.cause).split())[:_LONGEST_CAUSE]})" if tells_cause else ""
    return f"{subject} {told}: {progress_in_words(backfill)}{cause}."


def asset_tallies(backfill: Backfill) -> list[dict[str, Any]]:
    """Return for each asset how many of its partitions have each outcome, in the order in which they are built."""
    return [_tally(key, backfill.counts.get(key, {})) for key in backfill.asset_keys]


def _tally(key: str, counts: Mapping[str, int]) -> dict[str, Any]:
    by_word = {word: counts.get(outcome.name, 0) for outcome, word in OUTCOME_WORDS.items()}
    total = sum(by_word.values())
    return {"asset": key, "total": total, "ended": total - by_word["waiting"] - by_word["running"], **by_word}


def backfill_data(backfill: Backfill) -> dict[str, Any]:
    """Return a backfill as plain JSON values."""
    options = backfill.options
    return {
        "backfill_id": backfill.backfill_id,
        "status": backfill_word(backfill),
        "title": backfill.title or None,
        "job": backfill.job_name,
        "assets": asset_tallies(backfill),
        "total": backfill.total,
        "ended": backfill.ended_count,
        **{word: backfill.count(outcome) for outcome, word in OUTCOME_WORDS.items()},
        "rate": backfill.rate,
        "eta_seconds": seconds_left(backfill),
        "seconds": backfill.seconds,
        "created_at": instant_as_iso(backfill.created_at),
        "updated_at": instant_as_iso(backfill.updated_at),
        "ended_at": instant_as_iso(backfill.ended_at),
        "cause": backfill.cause,
        "location": backfill.location,
        "parent_backfill_id": backfill.parent_backfill_id,
        "priority": options.priority,
        "max_concurrent_runs": options.max_concurrent_runs,
        "run_config": dict(options.run_config),
        "tags": dict(options.tags),
    }


# ------------------------------------------------------------------------------------------------------- its partitions


@dataclass(frozen=True, slots=True)
class PartitionsTogether:
    """Partitions of one asset that met the same outcome for the same reason; `spans` are places among `keys`.

    `keys` is None for an asset without partitions.
    """

    asset_key: str
    keys: tuple[str, ...] | None
    spans: tuple[Span, ...]
    cause: str | None = None
    run_id: str | None = None

    @property
    def count(self) -> int:
        return sum(end - first for first, end in self.spans)

    def named(self) -> Iterator[str | None]:
        """Yield the partitions; None for an asset without any."""
        keys = self.keys if self.keys is not None else (None,)
        for first, end in self.spans:
            yield from keys[first:end]

    def in_words(self, most: int = 3) -> str:
        """Return "2024-01-05, 2024-02-01...2024-02-04 (4)"; "" for an asset without partitions."""
        if self.keys is None:
            return ""
        return listed([_span_in_words(self.keys, span) for span in self.spans], most)

    def to_data(self) -> dict[str, Any]:
        keys = self.keys
        return {
            "asset": self.asset_key,
            "partitions": None
            if keys is None
            else {
                "count": self.count,
                "range_count": len(self.spans),
                "ranges": [[keys[first], keys[end - 1]] for first, end in self.spans[:_MOST_SPANS_IN_DATA]],
            },
            "cause": self.cause,
            "run_id": self.run_id,
        }


def with_outcome(
    outcomes: Iterable[tuple[str, tuple[str, ...] | None, bytes]], wanted: Outcome
) -> list[PartitionsTogether]:
    """Return for each asset the partitions of one outcome; assets that have none are left out.

    `outcomes` is what `BackfillProgress.outcomes()` yields.
    """
    found = [PartitionsTogether(key, keys, _spans(body, wanted)) for key, keys, body in outcomes]
    return [each for each in found if each.spans]


def parted_by_cause(
    together: PartitionsTogether, causes: Mapping[str | None, tuple[str | None, str | None]]
) -> list[PartitionsTogether]:
    """Part what failed together by why, the most frequent first. `causes` has of partitions their cause and their run.

    The run is that of the first of them.
    """
    places: dict[str | None, list[int]] = {}
    run_ids: dict[str | None, str | None] = {}
    for first, end in together.spans:
        for place in range(first, end):
            cause, run_id = causes.get(None if together.keys is None else together.keys[place], (None, None))
            places.setdefault(cause, []).append(place)
            run_ids.setdefault(cause, run_id)
    parted = [
        PartitionsTogether(together.asset_key, together.keys, _spans_of(found), cause, run_ids[cause])
        for cause, found in places.items()
    ]
    return sorted(parted, key=lambda each: -each.count)


def plan_in_words(plan: BackfillPlan, seconds: float | None) -> str:
    """Return "2 assets × 365 partitions = 730, in 365 runs, about 2 min"; of a job of ops "1 job × 12 partitions"."""
    sizes = {group.size for group in plan.groups if group.partition_keys is not None}
    assets = len(plan.asset_keys)
    is_job = all(key.startswith(key_of_job("")) for key in plan.asset_keys)
    told = counted(assets, "job" if is_job else "asset")
    is_product = len(sizes) == 1 and all(group.partition_keys is not None for group in plan.groups)
    if is_product and len(plan.groups) and plan.total == assets * max(sizes):
        told += f" × {counted(max(sizes), 'partition')}"
        if assets > 1:
            told += f" = {plan.total:,}"
    elif sizes:
        partitions = sum(
            len(group.asset_keys) * group.size for group in plan.groups if group.partition_keys is not None
        )
        told += f", {counted(partitions, 'partition')}"
        if partitions < plan.total:
            told += f" and {plan.total - partitions:,} without = {plan.total:,}"
    told += f", in {counted(plan.unit_count, 'run')}"
    return told if seconds is None else f"{told}, about {duration_in_words(seconds)}"


def _spans(body: bytes, wanted: Outcome) -> tuple[Span, ...]:
    mark = bytes([wanted])
    spans: list[Span] = []
    first = body.find(mark)
    while first >= 0:
        end = first + 1
        while end < len(body) and body[end] == wanted:
            end += 1
        spans.append((first, end))
        first = body.find(mark, end)
    return tuple(spans)


def _spans_of(places: Sequence[int]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for place in places:
        if spans and spans[-1][1] == place:
            spans[-1] = spans[-1][0], place + 1
        else:
            spans.append((place, place + 1))
    return tuple(spans)


def _span_in_words(keys: Sequence[str], span: Span) -> str:
    first, end = span
    return keys[first] if end - first == 1 else f"{keys[first]}...{keys[end - 1]} ({end - first:,})"
