"""Every code block that a reader may copy is run here, page by page, each page in a project of its own.

Python blocks of a page share one namespace. Lines that begin with `$ ` in console blocks are run by a shell in the same
project, where earlier blocks may have written files; the output shown under a command must really come.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.code_blocks import CodeBlock, blocks_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Their projects have a database of the server that the tests start, where the page names one that is not there.
ON_POSTGRES = ("postgresql.md",)
SHELL = ("console", "sh")
SHOWN_ONLY = ("text", "json", "mermaid")
SET_UP_COMMANDS = ("make ", "git clone ", "cd ", "pip install ", "python3 -m venv ", "source ", "python -m benchmarks")


@pytest.fixture
def own_modules(tmp_path: Path) -> Iterator[None]:
    """Forget the modules that a page wrote and imported, as the next page may have one of the same name."""
    yield
    for name, module in list(sys.modules.items()):
        # A package without a file of its own still has its folders.
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(str(place).startswith(str(tmp_path)) for place in places if place):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_the_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own_modules: None,
    request: pytest.FixtureRequest,
):
    if page.name in ON_POSTGRES:
        monkeypatch.setenv("HEADWATER_DATABASE", request.getfixturevalue("postgres_url"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    namespace = ModuleType(f"docs_{page.stem}")
    monkeypatch.setitem(sys.modules, namespace.__name__, namespace)
    for block in blocks_of(page):
        if block.skip:
            continue
        if block.file:
            target = tmp_path / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            run_python(block, namespace)
        elif block.language in SHELL:
            run_commands(block, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_hides_nothing_from_the_test(page: Path):
    for block in blocks_of(page):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if block.skip:
            lines = [line.removeprefix("$ ") for line in block.text.splitlines() if line.strip()]
            assert block.language in SHELL, f"{where}: only set-up commands may be skipped"
            assert all(f"{line} ".startswith(SET_UP_COMMANDS) for line in lines), f"{where}: not a set-up command"
        elif block.language in SHELL:
            assert block.commands, f'{where}: a command begins with "$ "'
        else:
            known = block.file or block.language == "python" or block.language in SHOWN_ONLY
            assert known, f"{where}: nothing runs a block marked {block.language!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path):
    prose = page.read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in target]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert missing == []


def run_python(block: CodeBlock, namespace: ModuleType) -> None:
    # The blank lines put each line of code where it stands in the page, so a traceback points into the page itself.
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, str(block.page), "exec"), namespace.__dict__)


def run_commands(block: CodeBlock, project: Path) -> None:
    bin_folder = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}
    for command in block.commands:
        finished = subprocess.run(
            ["bash", "-c", command.text],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        where = f"{block.page.relative_to(ROOT)}:{command.line}: $ {command.text}"
        assert finished.returncode == command.exit_code, (
            f"{where}\nended with {finished.returncode}, not {command.exit_code}:\n{finished.stdout}"
        )
        missing = command.first_line_missing_from(finished.stdout)
        assert missing is None, f"{where}\nnever printed {missing!r}, but:\n{finished.stdout}"
