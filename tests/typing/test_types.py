"""mypy understands a user's project as `use_cases.py` writes it, and refuses what it should."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "flights"


def mypy(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Return what mypy --strict says about the paths; an empty text when it has no complaint."""
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--config-file",
            ROOT / "pyproject.toml",
            *arguments,
        ],
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    return finished.stdout + finished.stderr


def test_the_typed_use_cases_are_declarations_that_load():
    runpy.run_path(str(ROOT / "tests" / "typing" / "use_cases.py"))


def test_mypy_accepts_the_typed_use_cases():
    assert mypy("tests/typing/use_cases.py") == ""


@pytest.mark.skipif(not EXAMPLE.exists(), reason="this checkout has no examples")
def test_mypy_accepts_the_example_project():
    assert mypy("-p", "flights", cwd=EXAMPLE) == ""
