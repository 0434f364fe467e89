"""The two engines that are compared: where their interpreters are, and how a program is run on each.

A program is one text (`benchmarks/programs/*.py`) that begins with `import headwater as dg`; the peer runs the same
text with that one line changed. Each process gets a state directory of its own, which is thrown away.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEER_VENV = HERE / ".peer-venv"
PEER_REQUIREMENT = "dagster==1.13.28"
PEER_OVERRIDE = "HEADWATER_BENCHMARK_PEER"


class BenchmarkFailed(Exception):
    """A contender's process did not end well; the message holds what it wrote."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One engine: the module that a program imports, its interpreter, and its command."""

    name: str
    module: str
    python: Path
    command: Path

    def seconds_to_run(self, arguments: Sequence[str | Path], cwd: Path | None = None) -> float:
        """Return the wall time of one process, from its start to its end."""
        with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
            began = time.perf_counter()
            self._run(arguments, home, cwd)
            return time.perf_counter() - began

    def answer_of(self, program: str, **parameters: int) -> dict[str, Any]:
        """Return the JSON object that a program prints as its last line; it does its own timing."""
        with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
            script = Path(home) / f"{program}.py"
            script.write_text(self.text_of(program), encoding="utf-8")
            arguments = [f"{name}={value}" for name, value in parameters.items()]
            output = self._run([self.python, script, *arguments], home, Path(home))
        answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return answer

    def profile_of(self, program: str, **parameters: int) -> str:
        """Return where a program's time goes: the functions that take most of it themselves, slowest first."""
        with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
            script, recorded = Path(home) / f"{program}.py", Path(home) / "profile"
            script.write_text(self.text_of(program), encoding="utf-8")
            arguments = [f"{name}={value}" for name, value in parameters.items()]
            self._run([self.python, "-m", "cProfile", "-o", recorded, script, *arguments], home, Path(home))
            show = f"import pstats; pstats.Stats({str(recorded)!r}).sort_stats('tottime').print_stats(40)"
            return self._run([self.python, "-c", show], home, Path(home))

    def text_of(self, program: str) -> str:
        """Return the program's text, with the engine's import changed to this one's and nothing else."""
        text = (HERE / "programs" / f"{program}.py").read_text(encoding="utf-8")
        if text.count("import headwater as dg\n") != 1:
            raise BenchmarkFailed(f'programs/{program}.py needs exactly one line "import headwater as dg".')
        return text.replace("import headwater as dg\n", f"import {self.module} as dg\n")

    def _run(self, arguments: Sequence[str | Path], home: str, cwd: Path | None) -> str:
        environment = {
            name: value
            for name, value in os.environ.items()
            # Without bytecode every import compiles again, on both sides: that would time the compiler.
            if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
        }
        environment |= {"DAGSTER_HOME": home, "HEADWATER_HOME": home, "DAGSTER_DISABLE_TELEMETRY": "1"}
        finished = subprocess.run(
            [str(argument) for argument in arguments], env=environment, cwd=cwd, capture_output=True, text=True
        )
        if finished.returncode != 0:
            raise BenchmarkFailed(
                f"{' '.join(map(str, arguments))} ended with {finished.returncode}\n{finished.stdout}{finished.stderr}"
            )
        return finished.stdout


def headwater() -> Contender:
    """Return the Headwater of the interpreter that runs this, with its sources compiled."""
    import headwater as package

    python = Path(sys.executable)
    sources = Path(package.__file__ or "").parent
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([python, "-m", "compileall", "-q", sources], env=environment, check=True)
    return Contender("Headwater", "headwater", python, python.parent / "headwater")


# What programs that are run on both need beside Dagster itself.
PEER_LIBRARIES = (
    "pandas",
    "duckdb",
    "polars",
    "pyarrow",
    "dagster-duckdb",
    "dagster-duckdb-pandas",
    "dagster-duckdb-polars",
)


def peer_with_libraries() -> Contender:
    """Return Dagster beside pandas, DuckDB and the like, for programs that use them."""
    contender = peer()
    stamp = PEER_VENV / "libraries"
    if not os.environ.get(PEER_OVERRIDE) and not stamp.exists():
        print("installing pandas, duckdb, polars and their integrations beside it ...", flush=True)
        subprocess.run([contender.python, "-m", "pip", "install", "--quiet", "--compile", *PEER_LIBRARIES], check=True)
        stamp.touch()
    return contender


def peer() -> Contender:
    """Return Dagster in its own environment, which is made at the first use (about a minute)."""
    if override := os.environ.get(PEER_OVERRIDE):
        python = Path(override)
    else:
        python = PEER_VENV / "bin" / "python"
        stamp = PEER_VENV / PEER_REQUIREMENT
        if not stamp.exists():
            print(f"installing {PEER_REQUIREMENT} into {PEER_VENV.relative_to(HERE.parent)} ...", flush=True)
            venv.create(PEER_VENV, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--compile", PEER_REQUIREMENT], check=True)
            stamp.touch()
    return Contender("Dagster", "dagster", python, python.parent / "dagster")
