"""Runs the programs of one file and prints what they recorded as JSON. Run beside either engine: `runner.py FILE`."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import logging
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import recorder


def records_of(path: Path, only: frozenset[str] = frozenset()) -> dict[str, object]:
    """Run every program of a file (or only those named), each in an empty folder; return their records by name."""
    spec = importlib.util.spec_from_file_location(f"programs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    records: dict[str, object] = {}
    for name, run in recorder.PROGRAMS.items():
        if only and name not in only:
            continue
        taken = recorder.Recorder()
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            try:
                run(taken)
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)
                line = next((frame.lineno for frame in reversed(where) if frame.filename == str(path)), None)
                # Whatever a program means to show, it notes: an error that it lets go is a slip of its own.
                taken.record[recorder.FAULT] = f"line {line}, {recorder.error_kind(error)}: {error}"[:300]
                if os.environ.get("DIFFERENTIAL_TRACEBACKS"):
                    print(f"{name}: line {line}", file=sys.stderr)
                    traceback.print_exc()
        if not taken.record:
            taken.record[recorder.FAULT] = "it records nothing"
        records[name] = taken.record
    return records


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        found = records_of(Path(sys.argv[1]), frozenset(sys.argv[2:]))
    print(json.dumps(found, indent=1, sort_keys=True))
