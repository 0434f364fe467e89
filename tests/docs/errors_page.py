"""docs/errors.md: every mistake with what Headwater says of it now, and what Dagster said when it was asked.

python -m tests.docs.mistakes              # rewrites the page
HEADWATER_BENCHMARK_PEER=.../python python -m tests.docs.mistakes    # asks that interpreter's Dagster again, too
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.docs.mistakes import CHAPTERS, Mistake

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"
RECORDED = Path(__file__).parent / "mistakes_dagster.json"
SPEAKER = Path(__file__).parent / "say_mistakes.py"
LONGEST_RECORDED = 300

Said = dict[str, dict[str, str] | None]

INTRODUCTION = """\
# Errors

The mistakes that are made most, each as a small program, with what Headwater says of it: what is wrong, why that matters,
and what to do. Dagster's words for the same program stand below, cut where they are long, for those who come here with
them. Search this page for the words that you were shown.

The programs begin with `import dagster as dg`, so that both can run them: `headwater.compat.dagster.install()` makes that
name mean Headwater. With `import headwater as dg` they are the same but for `DagsterInstance`, which is `Instance` there.
`python -m tests.docs.mistakes` writes this page, and a test holds it to what is really said.
"""


def ask(interpreter: str, engine: str) -> Said:
    """Return what an engine says of every mistake, by title; None of those that it lets pass."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HEADWATER_HOME", "DAGSTER_HOME", "PYTHONPATH")}
    finished = subprocess.run(
        [interpreter, str(SPEAKER), engine], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    said: Said = json.loads(finished.stdout)
    return said


def page(headwater: Said, dagster: Said) -> str:
    """Return the text of docs/errors.md."""
    parts = [INTRODUCTION]
    for chapter in CHAPTERS:
        parts.append(f"## {chapter.title}\n")
        parts += [entry(mistake, headwater[mistake.title], dagster.get(mistake.title)) for mistake in chapter.mistakes]
    return "\n".join(parts)


def entry(mistake: Mistake, headwater: dict[str, str] | None, dagster: dict[str, str] | None) -> str:
    """Return the part of the page that is about one mistake."""
    ours = in_lines(headwater) if headwater else "no error"
    theirs = f"Dagster says:\n\n```text\n{in_lines(dagster)}\n```" if dagster else "Dagster lets it pass."
    shown = f"```text\n{mistake.program.rstrip()}\n```\n\nHeadwater says:\n\n```text\n{ours}\n```"
    return f"### {mistake.title}\n\n{shown}\n\n{theirs}\n"


def in_lines(said: dict[str, str]) -> str:
    """Return the class and the text of an error in lines that a page can hold."""
    lines = f"{said['class']}: {said['text']}".splitlines()
    return "\n".join(
        "\n".join(textwrap.wrap(line, 110, break_long_words=False, break_on_hyphens=False)) if len(line) > 110 else line
        for line in (each.rstrip() for each in lines)
    )


def record(interpreter: str) -> None:
    """Ask the real Dagster of an interpreter, and keep the class and the beginning of each text."""
    said = {
        title: one and {"class": one["class"], "text": one["text"][:LONGEST_RECORDED].rstrip()}
        for title, one in ask(interpreter, "dagster").items()
    }
    RECORDED.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def recorded() -> Said:
    """Return what Dagster said when it was last asked."""
    said: Said = json.loads(RECORDED.read_text(encoding="utf-8"))
    return said


def rewrite() -> None:
    """Write docs/errors.md anew."""
    peer = os.environ.get("HEADWATER_BENCHMARK_PEER")
    if peer:
        record(peer)
    PAGE.write_text(page(ask(sys.executable, "headwater"), recorded()), encoding="utf-8")
