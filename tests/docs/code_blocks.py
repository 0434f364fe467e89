"""Reads the fenced blocks of a page: what each one is, where it stands, and what its comment says about it.

A comment on the line before a block changes what happens with it: `<!-- file: orders.py -->` writes it to that file of
the page's project, `<!-- skip: reason -->` leaves it out, which is for set-up commands only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w+-]*)[^`\n]*$")
DIRECTIVE = re.compile(r"^<!-- (?P<verb>file|skip): (?P<words>.+?) -->$")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """One fenced block. `line` is that of its first line of code, counted from 1."""

    page: Path
    line: int
    language: str
    text: str
    file: str | None = None
    skip: str | None = None

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return the commands of a console block in order, each with the output that is shown under it."""
        commands: list[Command] = []
        for number, line in enumerate(self.text.splitlines(), start=self.line):
            if line.startswith("$ "):
                text, _, remark = line[2:].partition("  # exit code ")
                commands.append(Command(text.strip(), int(remark or 0), (), number))
            elif commands:
                last = commands[-1]
                commands[-1] = Command(last.text, last.exit_code, (*last.output, line), last.line)
        return tuple(commands)


@dataclass(frozen=True, slots=True)
class Command:
    """One shell command as a page shows it. A line of output may hold `...` for what differs each time."""

    text: str
    exit_code: int
    output: tuple[str, ...]
    line: int

    def first_line_missing_from(self, actual: str) -> str | None:
        """Return the first shown line that the actual output does not have, in order, or None when all are there."""
        lines = iter(actual.splitlines())
        for shown in filter(None, map(str.strip, self.output)):
            pattern = re.compile(".*".join(re.escape(part) for part in shown.split("...")))
            if not any(pattern.search(line) for line in lines):
                return shown
        return None


def blocks_of(page: Path) -> tuple[CodeBlock, ...]:
    """Return the page's fenced blocks from top to bottom. Raises ValueError when a fence is never closed."""
    blocks: list[CodeBlock] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    directives: dict[str, str] = {}
    while number < len(lines):
        line = lines[number]
        if directive := DIRECTIVE.match(line.strip()):
            directives[directive["verb"]] = directive["words"]
        elif opening := FENCE.match(line):
            closing = opening["indent"] + opening["ticks"]
            try:
                end = lines.index(closing, number + 1)
            except ValueError:
                raise ValueError(f"{page}:{number + 1}: this block is never closed") from None
            indent = len(opening["indent"])
            text = "\n".join(code[indent:] for code in lines[number + 1 : end]) + "\n"
            blocks.append(
                CodeBlock(page, number + 2, opening["language"], text, directives.get("file"), directives.get("skip"))
            )
            directives = {}
            number = end
        elif line.strip():
            directives = {}
        number += 1
    return tuple(blocks)
