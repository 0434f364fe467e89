"""Backfills carried out by processes of their own: terminals, Ctrl-C, kills, and what other commands ask of them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.backfill_project import source
from tests.cli.conftest import Headwater

COMMAND = [sys.executable, "-m", "headwater"]


@pytest.fixture
def folder(project: Path) -> Path:
    (project / "definitions.py").write_text(source())
    return project


def begun(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


def made(folder: Path) -> list[str]:
    log = folder / "slow.log"
    return log.read_text().split() if log.exists() else []


def done(headwater: Headwater, *arguments: str, code: int = 0) -> str:
    answer = headwater("backfill", *arguments)
    assert answer.exit_code == code, f"{arguments}: {answer.exit_code}\n{answer.out}\n{answer.err}"
    return answer.out + answer.err


def latest(headwater: Headwater) -> dict[str, Any]:
    found: dict[str, Any] = headwater("backfill", "show", "latest", "--json").document["backfill"]
    return found


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_backfill_says_how_to_go_on_and_makes_nothing_twice(
    folder: Path, headwater: Headwater, stop: signal.Signals
):
    process = begun("backfill", "slow", "--to", "2024-01-12")
    wait_until(lambda: len(made(folder)) >= 3, "three days")
    process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Interrupted." in err
    assert "headwater backfill resume " in out
    assert "was interrupted: " in out
    assert "Traceback" not in err
    told = latest(headwater)
    assert told["status"] == "interrupted"
    assert 2 <= told["materialized"] < 12
    assert told["backfill_id"][:8] in done(headwater, "list", "--status", "interrupted")
    assert "12 of 12" in done(headwater, "resume", "latest")
    told = latest(headwater)
    assert (told["status"], told["materialized"]) == ("succeeded", 12)
    times = Counter(made(folder))
    assert len(times) == 12
    # The one that ran when it was interrupted had begun, and was not made.
    assert sum(times.values()) <= 13


def test_a_killed_backfill_is_shown_as_interrupted_and_resumed(folder: Path, headwater: Headwater):
    process = begun("backfill", "slow", "--to", "2024-01-10")
    wait_until(lambda: len(made(folder)) >= 4, "four days")
    process.kill()
    process.wait()
    assert latest(headwater)["status"] == "interrupted"
    assert "was interrupted" in done(headwater, "show", "latest")
    assert "interrupted" in done(headwater, "pause", "latest", code=2)
    assert "interrupted" not in done(headwater, "resume", "latest")
    assert (latest(headwater)["status"], latest(headwater)["materialized"]) == ("succeeded", 10)
    times = Counter(made(folder))
    assert len(times) == 10
    assert sum(times.values()) <= 11


def test_one_that_was_interrupted_can_be_canceled(folder: Path, headwater: Headwater):
    process = begun("backfill", "slow", "--to", "2024-01-20")
    wait_until(lambda: len(made(folder)) >= 2, "two days")
    process.kill()
    process.wait()
    assert "was canceled" in done(headwater, "cancel", "latest")
    told = latest(headwater)
    assert told["status"] == "canceled"
    assert told["materialized"] + told["canceled"] == 20


def test_another_command_pauses_it_and_any_command_goes_on(folder: Path, headwater: Headwater):
    process = begun("backfill", "slow", "--to", "2024-01-25")
    wait_until(lambda: len(made(folder)) >= 2, "two days")
    assert "is paused: " in done(headwater, "pause", "latest")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "is paused: " in out
    assert "headwater backfill resume" in out
    assert len(made(folder)) < 25
    assert "paused" in done(headwater, "list", "--status", "paused")
    assert "is paused: " in done(headwater, "pause", "latest")
    assert "25 of 25" in done(headwater, "resume", "latest")
    assert len(made(folder)) == 25


def test_another_command_changes_and_cancels_it_and_who_watches_sees_that(folder: Path, headwater: Headwater):
    (folder / "slowness").write_text("0.5")
    process = begun("backfill", "slow")
    wait_until(lambda: len(made(folder)) >= 2, "two days")
    done(headwater, "set", "latest", "--max-concurrent", "1", "--priority", "4")
    told = latest(headwater)
    assert (told["max_concurrent_runs"], told["priority"]) == (1, 4.0)
    watching = begun("backfill", "watch", "latest")
    assert watching.stdout is not None
    assert "is running: " in watching.stdout.readline()
    assert "was canceled" in done(headwater, "cancel", "latest")
    for each in (process, watching):
        out, err = each.communicate(timeout=60)
        assert each.returncode == 130, out + err
        assert "was canceled" in out
    assert len(made(folder)) < 31


def test_who_watches_goes_and_the_backfill_stays(folder: Path, headwater: Headwater):
    (folder / "slowness").write_text("0.5")
    process = begun("backfill", "slow", "--to", "2024-01-31")
    wait_until(lambda: len(made(folder)) >= 1, "a day")
    watching = begun("backfill", "watch", "latest", "--json")
    assert watching.stderr is not None
    assert "is running: " in watching.stderr.readline()
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert json.loads(out)["backfill"]["status"] == "running"
    assert "headwater backfill watch " in err
    (folder / "slowness").write_text("0.0")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert latest(headwater)["materialized"] == 31


def test_two_at_a_time_of_the_same_partitions_are_warned_of_and_come_to_their_end(folder: Path, headwater: Headwater):
    (folder / "slowness").write_text("0.5")
    process = begun("backfill", "slow", "--title", "the first")
    wait_until(lambda: len(made(folder)) >= 1, "a day")
    (folder / "slowness").write_text("0.2")
    answer = headwater("backfill", "slow", "--from", "2024-01-28", "--json")
    assert answer.exit_code == 0, answer.err
    assert "Warning" in answer.err
    assert "the first" in answer.err
    assert answer.document["backfill"]["materialized"] == 4
    (folder / "slowness").write_text("0.0")
    process.communicate(timeout=60)
    assert process.returncode == 0


# -------------------------------------------------------------------------------------------------------------- terminals


def on_a_terminal(*arguments: str, answer: bytes = b"") -> tuple[str, int]:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=follower,
        stderr=follower,
        stdin=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
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
        if answer and b"[y/N]" in seen:
            os.write(leader, answer)
            answer = b""
    process.wait(timeout=60)
    os.close(leader)
    return seen.decode(), process.returncode


def test_a_terminal_shows_the_plan_and_asks(folder: Path, headwater: Headwater):
    seen, code = on_a_terminal("backfill", "clean", "--to", "2024-01-03", answer=b"n\n")
    assert code == 130
    assert "missing, needed by clean" in seen
    assert "2 assets × 3 partitions = 6, in 3 runs" in seen
    assert headwater("backfill", "list", "--json").document == {"backfills": []}
    seen, code = on_a_terminal("backfill", "clean", "--to", "2024-01-03", answer=b"y\n")
    assert code == 0
    assert "succeeded in" in seen


def test_a_terminal_shows_how_it_goes_at_a_modest_rate(folder: Path):
    (folder / "broken").write_text("2024-01-02")
    seen, code = on_a_terminal("backfill", "slow", "sales", "--to", "2024-01-06", "--yes")
    assert code == 1
    assert "Go on?" not in seen
    assert "━" in seen
    assert "ValueError: no data, of all days, on 2024-01-02" in seen
    assert seen.count("━━ ") < 80


def test_elsewhere_there_are_plain_lines(folder: Path):
    done = subprocess.run(
        [*COMMAND, "backfill", "sales", "--to", "2024-01-06"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) < 10
