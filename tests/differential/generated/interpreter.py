"""The one program of all generated ones: builds and runs what a spec describes, and records what happened.

A line of JSON comes in (kind, spec), a line of JSON goes out (its record), so one process of an engine takes any number of
specs. Imported beside either engine, so it knows only `dagster`, the recorder, and the files beside it.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

# ruff: noqa: E402 - the folders above are where these are found
import built_assets
import built_configs
import built_jobs
import built_partitions
import recorder

KINDS = {
    "graphs": built_assets.graph,
    "failures": built_assets.failures,
    "partitions": built_partitions.runs,
    "mappings": built_partitions.mapping,
    "configs": built_configs.config,
    "jobs": built_jobs.job,
}


# Dagster loops for ever over some definitions of partitions, and a machine may be slow.
SECONDS_FOR_ONE = 30


class TookTooLong(BaseException):
    """One spec took more than its time."""


def _give_up(*_: object) -> None:
    raise TookTooLong


def record_of(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Build and run one spec in an empty folder; return what it recorded."""
    note = recorder.Recorder()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        signal.alarm(SECONDS_FOR_ONE)
        try:
            KINDS[kind](spec, note)
        except TookTooLong:
            note.record = {recorder.FAULT: f"it took more than {SECONDS_FOR_ONE} seconds"}
        except Exception as error:
            # The interpreter notes every error that a spec may lead to.
            where = traceback.extract_tb(error.__traceback__)
            line = next((f"{Path(f.filename).name}:{f.lineno}" for f in where[::-1] if "generated" in f.filename), None)
            note.record[recorder.FAULT] = f"{line}, {recorder.error_kind(error)}: {error}"[:300]
            if os.environ.get("DIFFERENTIAL_TRACEBACKS"):
                traceback.print_exc()
        finally:
            signal.alarm(0)
    return note.record


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    signal.signal(signal.SIGALRM, _give_up)
    answers = sys.stdout
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()):
            kind, spec = json.loads(line)
            recorded = record_of(kind, spec)
        print(json.dumps(recorded, sort_keys=True, separators=(",", ":")), file=answers, flush=True)
