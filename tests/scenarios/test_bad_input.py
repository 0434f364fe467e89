"""Mistakes that users make, each told in words that name their own things: from Python and on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import HeadwaterError
from headwater.runtime.execute import launch
from headwater.runtime.project import find_definitions

HEADWATER = str(Path(sys.executable).with_name("headwater"))


@dataclass(frozen=True)
class Mistake:
    """A project with something wrong, what is asked of it, and what must be said."""

    name: str
    body: str
    says: tuple[str, ...]
    exit_code: int
    select: str = "*"
    config: dict[str, Any] | None = None
    partition: str | None = None

    @property
    def source(self) -> str:
        return f"import threading\nimport headwater as hw\n{self.body}\n"


CONFIGURED = """
class Limits(hw.Config):
    rows: int
    label: str = "x"

@hw.asset
def limited(config: Limits): return config.rows
"""

MISTAKES = [
    Mistake(
        "unknown upstream",
        "@hw.asset\ndef orders(): return 1\n@hw.asset\ndef sold(order): return 1",
        ('"sold"', '"order"', 'Did you mean "orders"?'),
        3,
    ),
    Mistake(
        "cycle",
        "@hw.asset\ndef a(c): return 1\n@hw.asset\ndef b(a): return 1\n@hw.asset\ndef c(b): return 1",
        ("a -> ", "b -> ", "c -> "),
        3,
    ),
    Mistake(
        "wrong config type",
        CONFIGURED,
        ("limited", "rows", "many"),
        2,
        config={"ops": {"limited": {"config": {"rows": "many"}}}},
    ),
    Mistake("missing config field", CONFIGURED, ("limited", "rows"), 2, config={"ops": {"limited": {"config": {}}}}),
    Mistake("no config at all", CONFIGURED, ("limited", "rows"), 2),
    Mistake(
        "misspelled config field",
        CONFIGURED,
        ("limited", "row", 'Did you mean "rows"?'),
        2,
        config={"ops": {"limited": {"config": {"row": 1}}}},
    ),
    Mistake(
        "missing resource",
        "@hw.asset(required_resource_keys={'warehouse'})\ndef stock(context): return 1\n"
        "defs = hw.Definitions(assets=[stock], resources={'warehose': 1})",
        ("stock", '"warehouse"', 'Did you mean "warehose"?'),
        3,
    ),
    Mistake(
        "unknown partition key",
        "@hw.asset(partitions_def=hw.StaticPartitionsDefinition(['north', 'south']))\ndef region(): return 1",
        ('"nort"', 'Did you mean "north"?'),
        2,
        partition="nort",
    ),
    Mistake(
        "a day that is none",
        "@hw.asset(partitions_def=hw.DailyPartitionsDefinition('2024-01-01'))\ndef day(): return 1",
        ("2024-13-01",),
        2,
        partition="2024-13-01",
    ),
    Mistake(
        "a generator as a value",
        "@hw.asset\ndef lazy(): return hw.Output(number for number in range(3))",
        ('"lazy"', "generator", "list"),
        1,
    ),
    Mistake("a lock as a value", "@hw.asset\ndef locked(): return threading.Lock()", ('"locked"', "lock"), 1),
    Mistake("wrong return type", "@hw.asset\ndef count() -> int: return 'seven'", ('"count"', "int", "str"), 1),
    Mistake(
        "metadata too large",
        "@hw.asset\ndef noted(): return hw.MaterializeResult(metadata={'all_rows': 'x' * 3_000_000})",
        ('"noted"', '"all_rows"', "MetadataValue.path"),
        1,
    ),
    Mistake("a module that fails to import", "1 / 0", ("definitions.py", "ZeroDivisionError"), 3),
    Mistake("a module that cannot be parsed", "def f(:", ("definitions.py", "SyntaxError"), 3),
    Mistake("a module that imports what is not there", "import pandsa", ("definitions.py", "pandsa"), 3),
    Mistake("a module that exits", "raise SystemExit(0)", ("could not be imported", "SystemExit"), 3),
    Mistake(
        "an asset declared twice",
        "@hw.asset\ndef a(): ...\n@hw.asset(name='a')\ndef b(): ...",
        ('"a"',),
        3,
    ),
    Mistake(
        "a check on an asset that is not there",
        "@hw.asset\ndef orders(): return 1\n@hw.asset_check(asset='order')\ndef sound(): return True",
        ('"order"', '"orders"'),
        3,
    ),
    Mistake(
        "nothing of that name", "@hw.asset\ndef orders(): return 1", ('"order"', 'Did you mean "orders"?'), 2, "order"
    ),
]


def project_of(mistake: Mistake, folder: Path) -> Path:
    (folder / "pyproject.toml").write_text("[tool.headwater]\n")
    (folder / "definitions.py").write_text(mistake.source)
    return folder / "definitions.py"


def from_python(mistake: Mistake, file: Path, instance: hw.Instance) -> str:
    """Return what is said when the project is loaded and run from Python."""
    try:
        definitions = find_definitions(file=file).definitions
        launch(
            definitions,
            instance=instance,
            selection=mistake.select,
            partition_key=mistake.partition,
            run_config=mistake.config,
            raise_on_error=True,
        )
    except HeadwaterError as error:
        cause = error.__cause__
        return f"{error}" + (f"\n{type(cause).__name__}: {cause}" if cause is not None else "")
    return ""


def command(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [HEADWATER, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_from_python(mistake: Mistake, tmp_path: Path) -> None:
    file = project_of(mistake, tmp_path)
    before = set(sys.modules)
    try:
        with hw.Instance.open(tmp_path / "home") as instance:
            told = from_python(mistake, file, instance)
            # What is wrong before anything ran leaves no run; what fails in a step leaves a failed one.
            assert [run.status.value for run in instance.get_runs()] == (["FAILURE"] if mistake.exit_code == 1 else [])
    finally:
        for name in set(sys.modules) - before:
            if name.startswith(("definitions", "headwater_project")):
                del sys.modules[name]
    assert [part for part in mistake.says if part not in told] == [], told


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_on_the_command_line(mistake: Mistake, tmp_path: Path) -> None:
    project_of(mistake, tmp_path)
    arguments = ["materialize", mistake.select]
    if mistake.config is not None:
        (tmp_path / "config.json").write_text(json.dumps(mistake.config))
        arguments += ["--config", "config.json"]
    if mistake.partition is not None:
        arguments += ["--partition", mistake.partition]
    ended = command(tmp_path, *arguments)
    said = ended.stdout + ended.stderr
    assert ended.returncode == mistake.exit_code, said
    assert [part for part in mistake.says if part not in said] == [], said
    assert "Traceback" not in said
    assert "headwater/" not in "".join(line for line in said.splitlines() if line.lstrip().startswith("File "))
