"""The command as a process of its own: what it imports, its pipes, its terminal, and Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from headwater.cli.main import main; main()"]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def test_the_help_page_imports_nothing_heavy():
    program = (
        "import sys, json\nfrom headwater.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(json.loads(finished.stdout.splitlines()[-1]))
    assert loaded & {"pydantic", "rich", "sqlite3", "msgspec", "pandas", "asyncio", "importlib.metadata"} == set()
    ours = {name for name in loaded if name.startswith("headwater.")}
    assert not any(name.startswith(("headwater.store", "headwater.authoring", "headwater.runtime")) for name in ours)


def test_a_piped_command_draws_nothing_and_needs_no_drawing_library(project: Path):
    program = (
        "import sys\nfrom headwater.cli.main import main\n"
        "try: main(['materialize', 'orders'])\nexcept SystemExit as end: code = end.code\n"
        "print('rich' in sys.modules, 'click' in sys.modules, code)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "False True 0"
    assert "\x1b" not in finished.stdout + finished.stderr


def test_the_version_is_printed():
    assert run("--version").stdout.startswith("headwater 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_asks_headwater(shell: str):
    assert "_HEADWATER_COMPLETE" in run("completion", shell).stdout


def test_commands_are_completed(project: Path):
    asked = {**os.environ, "_HEADWATER_COMPLETE": "bash_complete", "COMP_WORDS": "headwater mat", "COMP_CWORD": "1"}
    # The script's name is where click takes the variable's name from when nobody says it.
    finished = run(env=asked)
    assert "materialize" in finished.stdout


def test_a_reader_that_goes_away_is_no_error(project: Path):
    command = " ".join(f"'{part}'" for part in COMMAND)
    finished = subprocess.run(
        f"{command} definitions list | true", shell=True, capture_output=True, text=True, timeout=60
    )
    assert "Broken" not in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_terminal_shows_a_live_display_and_then_the_summary(project: Path):
    seen = on_a_terminal("materialize", "fragile+ or orders", "--yes")
    assert "\x1b[" in seen
    assert "running" in seen or "of 3 steps" in seen or "steps" in seen
    assert "blocked" in seen
    assert "headwater run show" in seen


def on_a_terminal(*arguments: str) -> str:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=follower, stderr=follower, stdin=follower, env={**os.environ, "TERM": "xterm"}
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 65_536)
        except OSError:
            break
        if not part:
            break
        seen += part
    process.wait(timeout=60)
    os.close(leader)
    return seen.decode()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_canceled_and_says_so(project: Path, stop: signal.Signals):
    (project / "definitions.py").write_text(
        "import time, pathlib\nimport headwater as hw\n"
        "class Connection(hw.ConfigurableResource):\n"
        "    def teardown_after_execution(self, context): pathlib.Path('torn_down').touch()\n"
        "@hw.asset\ndef slow(connection: Connection) -> None:\n"
        "    pathlib.Path('started').touch()\n"
        "    time.sleep(30)\n"
        "@hw.asset\ndef later(slow) -> None: ...\n"
        "defs = hw.Definitions([slow, later], resources={'connection': Connection()})\n"
    )
    process = subprocess.Popen(
        [*COMMAND, "materialize", "*"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (project / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(stop)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (project / "torn_down").exists()
    assert "was canceled" in out
    assert "Traceback" not in err
    shown = json.loads(run("run", "show", "latest", "--json").stdout)["run"]
    assert shown["status"] == "canceled"
    assert {step["status"] for step in shown["steps"]} == {"canceled"}
