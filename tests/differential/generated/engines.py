"""The processes that build and run specs: one of each engine, fed line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

Spec = dict[str, Any]
Record = dict[str, Any]
Drawn = tuple[str, Spec]

_INTERPRETER = str(Path(__file__).parent / "interpreter.py")


class Engine:
    """A process that records specs. Ends with its `with` block, whatever happens in it."""

    def __init__(self, python: str, *, as_alias: bool) -> None:
        start = [python, "-m", "headwater.compat.dagster"] if as_alias else [python]
        # Neither engine may find state or packages of whoever runs the tests.
        hidden = ("DAGSTER_HOME", "HEADWATER_HOME", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self.process = subprocess.Popen(
            [*start, _INTERPRETER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def record(self, kind: str, spec: Spec) -> Record:
        """Return what one spec records."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([kind, spec]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process ended at this spec of {kind}: {json.dumps(spec)}")
        recorded: Record = json.loads(answer)
        return recorded

    def records(self, drawn: Iterable[Drawn]) -> list[Record]:
        """Return what each spec records, in their order."""
        return [self.record(kind, spec) for kind, spec in drawn]

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()


def headwater() -> Engine:
    """Return Headwater under the alias."""
    return Engine(sys.executable, as_alias=True)


def dagster() -> Engine:
    """Return Dagster from its own environment."""
    from benchmarks.contenders import peer_with_libraries

    return Engine(str(peer_with_libraries().python), as_alias=False)


def on_both(theirs: Engine, ours: Engine, drawn: list[Drawn]) -> tuple[list[Record], list[Record]]:
    """Return what specs record on both engines, which work at the same time."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(theirs.records, drawn), pool.submit(ours.records, drawn)
        return first.result(), second.result()
