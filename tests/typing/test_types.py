"""mypy understands a user's project as `*use_cases.py` and the pages write it, and refuses what it should."""

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.code_blocks import blocks_of

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
EXAMPLE = ROOT / "examples" / "flights"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
USE_CASES = ["use_cases.py", "more_use_cases.py", "alias_use_cases.py"]
CACHE = ROOT / ".mypy_cache"
# The whole of what a project needs for `import dagster` where Dagster is not installed.
STUB = "from headwater.compat.dagster import *\n"


def mypy(*arguments: str | Path, cwd: Path = ROOT, path: Path | None = None) -> str:
    """Return what mypy --strict says about the paths; an empty text when it has no complaint.

    `path` is one more folder in which modules are looked for.
    """
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
        env=None if path is None else {"MYPYPATH": str(path)},
        capture_output=True,
        text=True,
    )
    return finished.stdout + finished.stderr


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """The folder that a project keeps its stubs in, with one for `dagster`."""
    folder = tmp_path / "typings"
    (folder / "dagster").mkdir(parents=True)
    (folder / "dagster" / "__init__.pyi").write_text(STUB)
    return folder


@pytest.mark.parametrize("name", USE_CASES)
def test_the_typed_use_cases_are_declarations_that_load(name: str):
    runpy.run_path(str(HERE / name))


def test_mypy_accepts_the_typed_use_cases():
    assert mypy(*(HERE / name for name in USE_CASES)) == ""


def test_mypy_accepts_the_example_project():
    if not EXAMPLE.exists():
        pytest.skip("this checkout has no examples")
    assert mypy("-p", "flights", cwd=EXAMPLE) == ""


def test_import_dagster_reads_as_the_alias_with_one_line_of_stubs(tmp_path: Path, stubs: Path):
    text = (HERE / "alias_use_cases.py").read_text()
    changed = text.replace("from headwater.compat import dagster as dg\n", "import dagster as dg\n")
    assert changed != text
    (tmp_path / "program.py").write_text(changed)
    assert mypy("--cache-dir", CACHE, "program.py", cwd=tmp_path, path=stubs) == ""


def test_every_name_of_dagster_that_is_covered_is_known_to_type_checkers(tmp_path: Path, stubs: Path):
    from headwater.compat.dagster.names import UNCOVERED

    names = (ROOT / "tests" / "compat" / "dagster_names.txt").read_text().split()
    lines = [f"from dagster import {name}" for name in names if name not in UNCOVERED]
    (tmp_path / "names.py").write_text("\n".join(lines) + "\n")
    assert mypy("--cache-dir", CACHE, "names.py", cwd=tmp_path, path=stubs) == ""


# ------------------------------------------------------------------------------------------------- what is refused


def refusals_expected() -> dict[int, set[str]]:
    lines = enumerate((HERE / "wrong_uses.py").read_text().splitlines(), start=1)
    return {number: set(line.split("# refused: ")[1].split(", ")) for number, line in lines if "# refused: " in line}


def refusals_of(said: str) -> Iterator[tuple[int, str]]:
    for line in said.splitlines():
        if found := re.match(r".*?:(\d+): error: .*\[([a-z-]+)\]$", line):
            yield int(found[1]), found[2]


def test_mypy_refuses_wrong_uses_and_nothing_else_in_their_file():
    refused: dict[int, set[str]] = {}
    for number, code in refusals_of(mypy(HERE / "wrong_uses.py")):
        refused.setdefault(number, set()).add(code)
    assert refused == refusals_expected()


# ------------------------------------------------------------------------------------------------------- the pages

# Pages leave out what a reader does not need: annotations of tests, arguments of dict, names that are used again. And
# they read what may be None where they know that it is there.
LEFT_OUT = ("no-redef", "no-untyped-def", "no-untyped-call", "no-any-return", "union-attr", "operator", "var-annotated")
# What a page does on purpose and a type checker refuses, in words of the complaint.
ON_PURPOSE = (
    'generic type "dict"',
    'expected "DataFrame"',  # pandas-stubs cannot see that a column is chosen by a list of names
    "numpy.bool",  # scalars of numpy are accepted, and no type says so
    'type "PartialResource[',  # a resource that the launch configures stands for one; Dagster's types say no more
    "keys_by_dimension",  # partition_key is declared as text; that of several dimensions can do more, as on Dagster
)


def write_page(page: Path, project: Path) -> None:
    """Write a page's Python to `page_NAME.py` of a project, and its files beside it."""
    lines: list[str] = []
    for block in blocks_of(page):
        if block.file:
            (project / block.file).parent.mkdir(parents=True, exist_ok=True)
            (project / block.file).write_text(block.text)
        elif block.language == "python" and not block.skip:
            # The blank lines put each line of code where it stands in the page.
            lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
    (project / f"page_{page.stem}.py").write_text("\n".join(lines) + "\n")


@pytest.mark.timeout(600)
def test_what_the_pages_show_passes_strict_type_checking(tmp_path: Path, stubs: Path):
    together = tmp_path / "together"
    together.mkdir()
    projects = [together]
    for page in PAGES:
        # Files of two pages may have one name, so each page that has some is a project.
        if any(block.file for block in blocks_of(page)):
            projects.append(tmp_path / page.stem)
            projects[-1].mkdir()
            write_page(page, projects[-1])
        else:
            write_page(page, together)
    left_out = [f"--disable-error-code={code}" for code in LEFT_OUT]
    options = (*left_out, "--explicit-package-bases", "--cache-dir", CACHE / "pages")
    said = [line for project in projects for line in mypy(*options, ".", cwd=project, path=stubs).splitlines()]
    errors = [line for line in said if ": note: " not in line and not any(words in line for words in ON_PURPOSE)]
    assert "\n".join(errors) == ""
