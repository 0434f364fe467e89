"""Events a second, with few or many between two flushes, on SQLite and PostgreSQL. `python -m benchmarks.store_writes`

A real PostgreSQL is started for it, or HEADWATER_TEST_POSTGRES names one, with its own settings: what it acknowledges is on
the disk, where SQLite's survives a crash of the process and not a power cut, unless `--durability full` asks the same of both.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.timing import Timings, in_words, interleave
from headwater.model.events import AssetMaterialized, Event, RunStarted, RunSucceeded, StepStarted, StepSucceeded
from headwater.model.runs import Run
from headwater.store.sql_store import SqlStore
from headwater.store.sqlite import SqliteStore

# How many facts lie between two calls of flush; 0 leaves it all to the writer, which commits every few milliseconds.
BATCHES = (0, 100, 10, 1)
Opener = Callable[[], contextlib.AbstractContextManager[SqlStore]]


def facts_of(run_id: str, count: int) -> Iterator[Event]:
    """Yield about `count` facts of a run in which each step makes an asset."""
    yield RunStarted(run_id=run_id, timestamp=1.0)
    for number in range(count // 3):
        step: dict[str, Any] = {"run_id": run_id, "step_key": f"asset_{number}", "timestamp": float(number)}
        yield StepStarted(**step)
        metadata = {"rows": number, "path": f"/data/storage/asset_{number}.parquet"}
        yield AssetMaterialized(**step, asset=f"asset_{number}", data_version=f"{number:032x}", metadata=metadata)
        yield StepSucceeded(**step)
    yield RunSucceeded(run_id=run_id, timestamp=float(count))


def seconds_to_record(open_store: Opener, count: int, batch: int) -> float:
    with open_store() as store:
        store.create_run(Run("run", "job"))
        began = time.perf_counter()
        for number, fact in enumerate(facts_of("run", count), start=1):
            store.append(fact)
            if batch and number % batch == 0:
                store.flush()
        store.flush()
        return time.perf_counter() - began


def sqlite_opener(durability: Any) -> Opener:
    @contextlib.contextmanager
    def opened() -> Iterator[SqlStore]:
        with (
            tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
            SqliteStore(Path(folder) / "store.sqlite", durability=durability) as store,
        ):
            yield store

    return opened


def postgres_opener(server: Any, durability: Any) -> Opener:
    from headwater.store.postgres import PostgresStore

    @contextlib.contextmanager
    def opened() -> Iterator[SqlStore]:
        with server.schema() as url, PostgresStore(url, durability=durability) as store:
            yield store

    return opened


def report(batch: int, count: int, timings: dict[str, Timings]) -> None:
    title = (
        f"a flush every {batch} events" if batch > 1 else "a flush for each event" if batch else "one flush at the end"
    )
    print(f"{title} ({count:,} events)")
    for each in timings.values():
        rate = f"{count / each.minimum:,.0f} events/s"
        print(
            f"  {each.name:>10}  {rate:>16}  {in_words(each.minimum / count):>8} each  {len(each.seconds)} runs",
            flush=True,
        )


def main(arguments: list[str] | None = None) -> int:
    from tests.postgres_server import running_server

    parser = argparse.ArgumentParser(description="Events recorded by SQLite and by PostgreSQL, in one interleaved run.")
    parser.add_argument("--runs", type=int, default=3, help="how often each one runs (default 3)")
    parser.add_argument(
        "--size", type=int, default=9_000, help="how many events (default 9,000; a tenth of it for 10 and 1)"
    )
    parser.add_argument("--durability", choices=("normal", "full"), default="normal")
    options = parser.parse_args(arguments)
    with running_server(is_quick=False) as server:
        openers = {
            "SQLite": sqlite_opener(options.durability),
            "PostgreSQL": postgres_opener(server, options.durability),
        }
        for batch in BATCHES:
            count = options.size if batch in (0, 100) else options.size // 10

            def measure(opener: Opener, count: int = count, batch: int = batch) -> Callable[[], float]:
                return lambda: seconds_to_record(opener, count, batch)

            timings = interleave({name: measure(opener) for name, opener in openers.items()}, options.runs)
            report(batch, count, timings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
