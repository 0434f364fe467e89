"""One asset with 1,000,000 recorded partitions: its status, membership, memory, and recording one more. No peer.

`python -m benchmarks.million_partitions`, with `--postgres` on a PostgreSQL that it starts as well. Everything is recorded
through the store, one fact for each partition. Status is asked in a new process each time, in which the package is imported and
the store is open already:

- *first look*: no sets are kept yet, or those of another definition, so every row is read. It happens once after a change of
  what keys mean, and after a wipe;
- *new process*: the sets that an earlier process kept, and what changed since (here 400 rows);
- *again*: the same question once more, in the same process.

Memory is what the status adds: `tracemalloc` counts what Python holds, the growth of the resident set all there is, SQLite's
page cache and the libraries that the question is the first to need included. The key list of a static definition is the
user's own and is there before; what Headwater makes beside it, to find keys in it, is counted. `--check` makes a missed limit
an exit code; the limits are for windows of time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import headwater as hw
from benchmarks.timing import in_words
from headwater.model.events import AssetMaterialized, InputVersion
from headwater.model.partitions.subset import OrdinalPartitionsSubset
from headwater.model.runs import Run
from headwater.store import open_store
from headwater.store.interface import Store

KEY = hw.AssetKey("sales")
STATUS_SECONDS = 0.2
MEMBERSHIP_SECONDS = 0.001
MEMORY_BYTES = 5_000_000
SLOWER_AT_MOST = 1.2
PARTS = 8
KINDS = ("hourly", "hourly in Berlin", "static", "dynamic")
START = "1900-01-01-00:00"


def hours(count: int, timezone: str = "UTC") -> hw.HourlyPartitionsDefinition:
    from datetime import datetime, timedelta

    end = datetime(1900, 1, 1) + timedelta(hours=count)
    return hw.HourlyPartitionsDefinition(START, end_date=end.strftime("%Y-%m-%d-%H:%M"), timezone=timezone)


def definition_of(kind: str, count: int) -> hw.PartitionsDefinition:
    """Return a definition of this kind with the same keys (of hours in Berlin some are others: the clock is changed)."""
    if kind == "static":
        return hw.StaticPartitionsDefinition(hours(count).get_partition_keys())
    if kind == "dynamic":
        return hw.DynamicPartitionsDefinition(name="hours")
    return hours(count, "Europe/Berlin" if kind == "hourly in Berlin" else "UTC")


def fact(key: str, number: int) -> AssetMaterialized:
    return AssetMaterialized(
        run_id="run",
        timestamp=float(number),
        step_key="sales",
        asset="sales",
        partition=key,
        metadata={"rows": {"kind": "int", "value": number}},
        data_version=f"{number:032x}",
        code_version="1",
        deps=("orders",),
        inputs=(InputVersion("orders", key, f"{number:032x}"),),
    )


def record(store: Store, keys: Sequence[str]) -> float:
    began = time.perf_counter()
    for number, key in enumerate(keys):
        store.append(fact(key, number))
    store.flush()
    return time.perf_counter() - began


def seconds_to_record_one(few: Store, many: Store, keys: Sequence[str], turns: int) -> dict[str, float]:
    """Return how many times as long it takes to record one partition of many as of ten, until it is committed; in turns.

    "new" ones are recorded for the first time, each the next; "again" is one of those that are there, at random: with many its
    row, and its entries in the indexes, are on pages that nothing else touched for long (the system has them in memory, as they
    were just written; from a disk it takes as long as the disk does). The last `turns` keys are new.
    """
    chosen = random.Random(1)
    there, new = keys[:-turns], keys[-turns:]
    taken: dict[tuple[str, str], list[float]] = {}
    for number in range(turns):
        for kind, of_few, of_many in (
            ("new", new[number], new[number]),
            ("again", chosen.choice(keys[:10]), chosen.choice(there)),
        ):
            for name, store, key in (("few", few, of_few), ("many", many, of_many)):
                one = fact(key, number)
                began = time.perf_counter()
                store.append(one)
                store.flush()
                taken.setdefault((kind, name), []).append(time.perf_counter() - began)
    ratios = {}
    for kind in ("new", "again"):
        with_few, with_many = (statistics.median(taken[kind, name]) for name in ("few", "many"))
        # Who else works on the machine slows the longer of two more: the quietest part counts.
        parts = [slice(start, start + turns // PARTS) for start in range(0, turns // PARTS * PARTS, turns // PARTS)]
        ratios[kind] = min(
            statistics.median(taken[kind, "many"][part]) / statistics.median(taken[kind, "few"][part]) for part in parts
        )
        print(
            f"  recording one partition, {kind:>5}: of ten {in_words(with_few)}, of {len(keys):,} {in_words(with_many)}"
            f" (medians of {turns:,}, each committed): {with_many / with_few:.2f}x, {ratios[kind]:.2f}x in the quietest"
            f" of {PARTS} parts",
            flush=True,
        )
    return ratios


# ----------------------------------------------------------------------------------------------- in a process of its own


def probe(place: str, kind: str, count: int, traced: bool) -> dict[str, Any]:
    """Ask for the status as a new process does, and tell what it took."""
    import gc
    import tracemalloc

    from headwater.views.partition_status import partition_status_of

    definition = definition_of(kind, count)
    with opened(place) as store:
        store.last_storage_id()
        gc.collect()
        resident = _resident_bytes()
        if traced:
            tracemalloc.start()
        began = time.perf_counter()
        status = partition_status_of(definition, store, KEY)
        counts = status.counts
        first = time.perf_counter() - began
        held, peak = tracemalloc.get_traced_memory() if traced else (0, 0)
        grown = _resident_bytes() - resident
        began = time.perf_counter()
        partition_status_of(definition, store, KEY)
        again = time.perf_counter() - began
        chosen = random.Random(2)
        tracemalloc.stop()
        numbers = cast(OrdinalPartitionsSubset[str], status.existing).ordinals
        members = []
        for number in chosen.choices(range(len(numbers)), k=1_000):
            key = definition.key_at(numbers[number])
            began = time.perf_counter()
            is_there = key in status.materialized
            members.append(time.perf_counter() - began)
            assert is_there is (key not in status.missing)
    return {
        "materialized": counts.materialized,
        "missing": counts.missing,
        "unreachable": status.unreachable.count,
        "seconds": first,
        "again": again,
        "member_median": statistics.median(members),
        "member_slowest": max(members),
        "held_bytes": held,
        "peak_bytes": peak,
        "grown_bytes": grown,
    }


def _resident_bytes() -> int:
    import resource

    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def asked(place: str, kind: str, count: int, *, traced: bool = False) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.million_partitions", "--probe", place, kind, str(count), str(traced)]
    answered: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answered


# ------------------------------------------------------------------------------------------------------------- report


def forget_kept_sets(store: Any) -> None:
    with store._writer.transaction() as connection:
        connection.execute("DELETE FROM partition_sets")


def report_status(place: str, store: Store, kind: str, count: int, runs: int) -> dict[str, float]:
    forget_kept_sets(store)
    first = asked(place, kind, count)
    # Something happens after the sets were kept, and not so much that they are kept again.
    record(store, hours(count).get_partition_keys()[:400])
    later = [asked(place, kind, count) for _ in range(runs)]
    traced = asked(place, kind, count, traced=True)
    seconds, again = min(each["seconds"] for each in later), min(each["again"] for each in later)
    member = min(each["member_median"] for each in later)
    slowest = min(each["member_slowest"] for each in later)
    grown = min(each["grown_bytes"] for each in later)
    print(
        f"  {kind}: {later[0]['materialized']:,} materialized, {later[0]['missing']:,} missing,"
        f" {later[0]['unreachable']:,} unreachable\n"
        f"    status      first look {in_words(first['seconds']):>8}   new process {in_words(seconds):>8}"
        f"   again {in_words(again):>8}\n"
        f"    membership  median {in_words(member):>8}   slowest of 1,000 {in_words(slowest):>8}\n"
        f"    memory      resident +{grown / 1e6:.1f} MB (first look +{first['grown_bytes'] / 1e6:.1f} MB)"
        f"   Python holds {traced['held_bytes'] / 1e6:.2f} MB, at most {traced['peak_bytes'] / 1e6:.2f} MB meanwhile",
        flush=True,
    )
    return {"seconds": seconds, "member": member, "grown": grown}


@contextlib.contextmanager
def places(with_postgres: bool) -> Iterator[list[tuple[str, str, str]]]:
    """Give for each store its name, and the places of one with many partitions and of one with few."""
    with contextlib.ExitStack() as open_things:
        folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-"))
        found = [("SQLite", f"{folder}/many.sqlite", f"{folder}/few.sqlite")]
        if with_postgres:
            from tests.postgres_server import running_server

            server = open_things.enter_context(running_server(is_quick=False))
            found.append(
                ("PostgreSQL", open_things.enter_context(server.schema()), open_things.enter_context(server.schema()))
            )
        yield found


def opened(place: str) -> Any:
    return open_store(place if place.startswith("postgresql:") else Path(place))


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["--probe"]:
        _, place, kind, count, traced = given
        print(json.dumps(probe(place, kind, int(count), traced == "True")))
        return 0
    parser = argparse.ArgumentParser(description="Status of one asset with a million partitions.")
    parser.add_argument("--partitions", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="how many new processes ask (default 3)")
    parser.add_argument("--turns", type=int, default=2_000, help="how often one partition is recorded (default 2,000)")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL, too")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(given)
    keys = hours(options.partitions).get_partition_keys()
    missed = []
    with places(options.postgres) as found:
        for name, many_place, few_place in found:
            with opened(many_place) as many, opened(few_place) as few:
                for store in (many, few):
                    store.create_run(Run("run", "all"))
                record(few, keys[:10])
                seconds = record(many, keys[: -options.turns])
                print(f"{name}: {options.partitions:,} partitions, recorded in {seconds:.0f} s")
                for kind, ratio in seconds_to_record_one(few, many, keys, options.turns).items():
                    if ratio > SLOWER_AT_MOST:
                        missed.append(f"{name}: recording one partition ({kind}) takes {ratio:.2f}x as long")
                many.add_dynamic_partitions("hours", keys)
                for kind in KINDS:
                    figures = report_status(many_place, many, kind, options.partitions, options.runs)
                    if kind.startswith("hourly"):
                        for what, figure, limit in (
                            ("status", figures["seconds"], STATUS_SECONDS),
                            ("membership", figures["member"], MEMBERSHIP_SECONDS),
                            ("memory", figures["grown"], MEMORY_BYTES),
                        ):
                            if figure > limit:
                                missed.append(f"{name}, {kind}: {what}")
    print(
        f"limits (windows of time): status {in_words(STATUS_SECONDS)}, membership {in_words(MEMBERSHIP_SECONDS)},"
        f" {MEMORY_BYTES / 1e6:.0f} MB, recording {SLOWER_AT_MOST}x: "
        + (f"MISSED: {'; '.join(missed)}" if missed else "kept")
    )
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
