"""What steps say ends in the file of their attempt, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from headwater.authoring.log import Log, get_logger
from headwater.engine.output_capture import CapturedStream
from headwater.engine.step_log_files import escape_name, list_step_logs, unescape_name
from headwater.engine.step_logs import (
    MAX_LINE_CHARACTERS,
    LogLine,
    StepLogs,
    read_run_log,
    read_step_log,
    step_log_path,
)


@pytest.fixture
def logs(tmp_path: Path) -> StepLogs:
    return StepLogs(tmp_path / "logs")


@contextlib.contextmanager
def untouched_root_logger() -> Iterator[logging.Logger]:
    """The root logger as Python leaves it: pytest has put handlers of its own there."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    try:
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def said(logs: StepLogs, step: str = "orders", attempt: int | None = None) -> list[tuple[str, str]]:
    return [(line.source, line.message) for line in read_step_log(logs.logs_dir, "run", step, attempt)]


def test_what_a_step_prints_and_logs_is_in_the_log_of_its_attempt(logs, capsys):
    with logs.capturing(), logs.attempt("run", "orders") as log:
        print("to stdout")
        print("to stderr", file=sys.stderr)
        log.info("%s rows", 5)
        logging.getLogger("library").warning("careful")
        get_logger("mine").debug("detail")
    lines = read_step_log(logs.logs_dir, "run", "orders", 1)
    assert [(line.source, line.level, line.logger, line.message) for line in lines] == [
        ("stdout", None, None, "to stdout"),
        ("stderr", None, None, "to stderr"),
        ("log", "INFO", "headwater", "5 rows"),
        ("log", "WARNING", "library", "careful"),
        ("log", "DEBUG", "headwater.log.mine", "detail"),
    ]
    assert [line.line for line in lines] == [1, 2, 3, 4, 5]
    assert abs(lines[0].timestamp - time.time()) < 60
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("to stdout\n", "to stderr\n")


def test_a_silent_step_leaves_no_file(logs):
    with logs.capturing(), logs.attempt("run", "orders"):
        pass
    assert not logs.logs_dir.exists()
    assert said(logs) == []


def test_nothing_is_captured_outside_an_attempt_and_all_is_given_back(logs, capsys):
    before = sys.stdout, sys.stderr, logging.getLogger().handlers[:], logging.getLogger().level
    with logs.capturing():
        print("between steps")
        with logs.attempt("run", "orders"):
            print("inside")
        print("between steps")
    assert (sys.stdout, sys.stderr, logging.getLogger().handlers, logging.getLogger().level) == before
    assert said(logs) == [("stdout", "inside")]
    assert capsys.readouterr().out == "between steps\ninside\nbetween steps\n"


def test_without_pass_through_the_terminal_stays_quiet(tmp_path, capsys):
    logs = StepLogs(tmp_path, pass_through=False)
    with logs.capturing(), logs.attempt("run", "orders"):
        print("inside")
        sys.stdout.buffer.write(b"bytes\n")
    assert capsys.readouterr().out == ""
    assert said(logs) == [("stdout", "inside"), ("stdout", "bytes")]


def test_each_attempt_has_a_log_of_its_own(logs):
    with logs.capturing():
        for attempt in (1, 2):
            with logs.attempt("run", "orders", attempt):
                print("attempt", attempt)
    assert said(logs, attempt=2) == [("stdout", "attempt 2")]
    assert said(logs) == [("stdout", "attempt 1"), ("stdout", "attempt 2")]
    assert [line.line for line in read_step_log(logs.logs_dir, "run", "orders", after_line=1)] == [2]


def test_lines_are_readable_while_the_step_runs(logs):
    with logs.capturing(), logs.attempt("run", "orders"):
        print("first")
        print("half", end="")
        assert said(logs) == [("stdout", "first")]
        print(" and half")
        assert said(logs) == [("stdout", "first"), ("stdout", "half and half")]
        print("unfinished", end="")
    assert said(logs)[-1] == ("stdout", "unfinished")


def test_a_follower_asks_for_the_lines_after_the_last_one(logs):
    with logs.capturing(), logs.attempt("run", "orders"):
        for number in range(10):
            print(number)
        followed = read_step_log(logs.logs_dir, "run", "orders", 1, after_line=7)
        assert [(line.line, line.message) for line in followed] == [(8, "7"), (9, "8"), (10, "9")]
        assert len(read_step_log(logs.logs_dir, "run", "orders", 1, limit=3)) == 3


def test_interleaved_async_steps_write_to_their_own_logs(logs):
    async def step(name: str) -> None:
        with logs.attempt("run", name) as log:
            for number in range(5):
                print(name, number)
                await asyncio.sleep(0)
                log.info("%s %s", name, number)
                await asyncio.to_thread(print, name, "thread")

    async def run() -> None:
        await asyncio.gather(*(step(name) for name in "abc"))

    with logs.capturing():
        asyncio.run(run())
    for name in "abc":
        lines = said(logs, name)
        assert len(lines) == 15
        assert all(message.startswith(name) for _, message in lines)


def test_steps_in_several_threads_write_to_their_own_logs(logs):
    barrier = threading.Barrier(4)

    def step(name: str) -> None:
        with logs.attempt("run", name):
            barrier.wait()
            for number in range(50):
                print(name, number)

    with logs.capturing(), ThreadPoolExecutor(4) as pool:
        list(pool.map(step, "abcd"))
    for name in "abcd":
        assert said(logs, name) == [("stdout", f"{name} {number}") for number in range(50)]


def test_a_thread_that_the_only_open_step_starts_speaks_for_it(logs):
    with logs.capturing():
        with logs.attempt("run", "orders"):
            thread = threading.Thread(target=lambda: print("from a thread"))
            thread.start()
            thread.join()
        with logs.attempt("run", "a"), logs.attempt("run", "b"):
            thread = threading.Thread(target=lambda: print("from whom?"))
            thread.start()
            thread.join()
    assert said(logs) == [("stdout", "from a thread")]
    assert said(logs, "a") == said(logs, "b") == []


def test_a_thread_that_was_there_before_the_run_speaks_for_no_step(logs):
    ask, answered = threading.Event(), threading.Event()

    def stranger() -> None:
        ask.wait()
        print("unrelated")
        answered.set()

    thread = threading.Thread(target=stranger)
    thread.start()
    with logs.capturing(), logs.attempt("run", "orders"):
        ask.set()
        answered.wait()
    thread.join()
    assert said(logs) == []


def test_a_run_inside_a_step_has_logs_of_its_own(logs):
    with logs.capturing(), logs.attempt("run", "outer"):
        print("outer before")
        with logs.capturing(), logs.attempt("run", "inner"):
            print("inner")
        print("outer after")
    assert said(logs, "outer") == [("stdout", "outer before"), ("stdout", "outer after")]
    assert said(logs, "inner") == [("stdout", "inner")]
    assert not isinstance(sys.stdout, CapturedStream)


def test_runs_may_begin_and_end_in_any_order(logs, tmp_path):
    original = sys.stdout
    first, second = logs.capturing(), StepLogs(tmp_path / "other").capturing()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with logs.attempt("run", "orders"):
        print("still captured")
    second.__exit__(None, None, None)
    assert sys.stdout is original
    assert said(logs) == [("stdout", "still captured")]


def test_a_redirect_inside_a_step_is_left_alone(logs):
    original = sys.stdout
    target = io.StringIO()
    with logs.capturing():
        with logs.attempt("run", "orders"), contextlib.redirect_stdout(target):
            print("into the redirect")
        with contextlib.redirect_stdout(target), logs.capturing(), logs.attempt("run", "nested"):
            print("into both")
    assert said(logs) == []
    assert said(logs, "nested") == [("stdout", "into both")]
    assert target.getvalue() == "into the redirect\ninto both\n"
    assert sys.stdout is original


def test_a_captured_stream_still_answers_for_the_original(logs):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    with contextlib.redirect_stdout(stream), logs.capturing():
        assert sys.stdout is not stream
        assert sys.stdout.encoding == "latin-1"
        assert sys.stdout.isatty() is False
        assert sys.stdout.buffer is stream.buffer
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.fileno()
        with logs.attempt("run", "orders"):
            sys.stdout.writelines(["a\n", "b\n"])
            print("c", flush=True)
        with pytest.raises(TypeError):
            sys.stdout.write(b"bytes")
    assert stream.buffer.getvalue() == b"a\nb\nc\n"
    assert said(logs) == [("stdout", "a"), ("stdout", "b"), ("stdout", "c")]


def test_info_is_captured_when_nobody_set_up_logging_and_the_level_is_given_back(logs):
    with untouched_root_logger() as root:
        with logs.capturing(), logs.attempt("run", "orders"):
            logging.getLogger("library").info("heard")
            logging.getLogger("library").debug("too low")
        assert root.level == logging.WARNING
        assert root.handlers == []
    assert said(logs) == [("log", "heard")]


def test_a_level_that_the_user_set_is_respected(logs):
    with untouched_root_logger() as root:
        root.setLevel(logging.ERROR)
        with logs.capturing(), logs.attempt("run", "orders"):
            logging.getLogger("library").warning("too low")
            logging.getLogger("library").error("heard")
    assert said(logs) == [("log", "heard")]


def test_a_warning_outside_any_step_still_reaches_stderr(logs, capsys):
    with untouched_root_logger(), logs.capturing():
        logging.getLogger("library").info("quiet")
        logging.getLogger("library").warning("loud")
    assert capsys.readouterr().err == "loud\n"


def test_the_log_is_a_logger_with_all_that_it_can_do(logs):
    with logs.capturing(), logs.attempt("run", "orders") as log:
        assert isinstance(log, Log)
        assert isinstance(log, logging.Logger)
        assert log.name == "headwater"
        log.debug("debug")
        log.warning("warning", extra={"rows": 5})
        log.error("error %(name)s", {"name": "x"})
        log.critical("critical")
        log.log(logging.INFO, "log")
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            log.exception("failed")
        log.info("too few: %s %s", 1)
        log.getChild("part").info("child")
        log.setLevel("ERROR")
        log.warning("silenced")
        logging.LoggerAdapter(log, {}).error("adapted")
    lines = read_step_log(logs.logs_dir, "run", "orders")
    levels = ["DEBUG", "WARNING", "ERROR", "CRITICAL", "INFO", "ERROR", "INFO", "INFO", "ERROR"]
    assert [line.level for line in lines] == levels
    assert lines[2].message == "error x"
    assert "Traceback" in lines[5].message
    assert "ZeroDivisionError" in lines[5].message
    assert "could not be formatted" in lines[6].message
    assert lines[7].logger == "headwater.part"


def test_a_log_outside_a_run_speaks_through_logging(caplog):
    with caplog.at_level(logging.DEBUG):
        Log().debug("hello %s", "you")
        get_logger().info("from anywhere")
    assert [record.getMessage() for record in caplog.records] == ["hello you", "from anywhere"]


def test_each_line_is_told_as_it_comes_and_the_listener_may_print(tmp_path):
    told: list[LogLine] = []

    def on_line(line: LogLine) -> None:
        print("told", line.message)
        logging.getLogger("cli").warning("told")
        told.append(line)

    logs = StepLogs(tmp_path, on_line=on_line)
    with logs.capturing(), logs.attempt("run", "orders", 3) as log:
        print("one\ntwo")
        log.info("three")
        print("four", end="")
    assert [(line.run_id, line.step_key, line.attempt, line.message) for line in told] == [
        ("run", "orders", 3, message) for message in ("one", "two", "three", "four")
    ]
    assert [message for _, message in said(logs)] == ["one", "two", "three", "four"]


def test_records_are_handed_to_the_loggers_that_the_user_defined_and_kept_once(logs):
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(f"{record.getMessage()} of {record.headwater_meta['step_key']}")

    own = logging.getLogger("tests.own")
    own.addHandler(Ear())
    own.setLevel(logging.INFO)
    with logs.capturing(), logs.attempt("run", "orders", loggers=[own]) as log:
        log.info("one")
        log.debug("too low")
        get_logger().info("two")
    own.handlers.clear()
    assert heard == ["one of orders", "two of orders"]
    assert [message for _, message in said(logs)] == ["one", "too low", "two"]


def test_a_line_without_end_is_kept_in_pieces(logs):
    with logs.capturing(), logs.attempt("run", "orders"):
        sys.stdout.write("x" * (3 * MAX_LINE_CHARACTERS + 5) + "\nnext\n")
        for _ in range(MAX_LINE_CHARACTERS + 1):
            sys.stderr.write("y")
    lines = said(logs)
    assert [len(message) for source, message in lines if source == "stdout"] == [MAX_LINE_CHARACTERS] * 3 + [5, 4]
    assert [len(message) for source, message in lines if source == "stderr"] == [MAX_LINE_CHARACTERS, 1]


def test_a_progress_bar_leaves_what_a_terminal_would_show(logs):
    with logs.capturing(), logs.attempt("run", "orders"):
        for percent in range(0, 101, 10):
            sys.stderr.write(f"\r{percent}%")
        sys.stderr.write("\n")
        sys.stdout.write("windows\r\n")
    assert said(logs) == [("stderr", "100%"), ("stdout", "windows")]


def test_beyond_its_limit_an_attempt_keeps_nothing_but_the_word_that_it_was_dropped(tmp_path, capsys):
    logs = StepLogs(tmp_path, max_bytes=2_000)
    with logs.capturing():
        with logs.attempt("run", "orders") as log:
            for number in range(1_000):
                print("line", number)
            log.error("too late")
        with logs.attempt("run", "other"):
            print("has room")
    lines = said(logs)
    assert lines[-1][1].startswith("The log of this attempt reached its limit of 2000 bytes")
    assert 10 < len(lines) < 60
    assert step_log_path(tmp_path, "run", "orders", 1).stat().st_size < 2_500
    assert said(logs, "other") == [("stdout", "has room")]
    assert "line 999\n" in capsys.readouterr().out


def test_text_that_utf_8_cannot_hold_is_kept_as_its_escape(logs):
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), logs.capturing(), logs.attempt("run", "orders") as log:
        print("bad \udcff surrogate")
        log.info("bad \ud800 too")
        print("good ü 🦆")
    assert said(logs) == [("stdout", "bad \\udcff surrogate"), ("log", "bad \\ud800 too"), ("stdout", "good ü 🦆")]


def test_a_log_that_cannot_be_written_does_not_fail_the_step(tmp_path):
    (tmp_path / "logs").write_text("a file where the directory should be")
    logs = StepLogs(tmp_path / "logs")
    attempt = logs.attempt("run", "orders")
    with logs.capturing(), attempt as log:
        print("unheard")
        log.info("unheard")
    assert "could not be written" in attempt.problem


def test_what_is_said_after_an_attempt_ended_is_not_its_own(logs, capsys):
    go = threading.Event()

    async def run() -> None:
        with logs.attempt("run", "orders"):
            print("in time")
            late = asyncio.create_task(asyncio.to_thread(lambda: (go.wait(), print("late"))))
            await asyncio.sleep(0)
        go.set()
        await late

    with logs.capturing():
        asyncio.run(run())
    assert said(logs) == [("stdout", "in time")]
    assert capsys.readouterr().out == "in time\nlate\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_a_step_forks_goes_on_in_its_log(tmp_path):
    program = (
        "import os, sys\n"
        "from headwater.engine.step_logs import StepLogs\n"
        "logs = StepLogs(sys.argv[1])\n"
        "with logs.capturing(), logs.attempt('run', 'orders') as log:\n"
        "    attempt = log._sink\n"
        "    attempt._lock.acquire()\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        import threading\n"
        "        thread = threading.Thread(target=log.info, args=('child',))\n"
        "        thread.start(), thread.join(), os._exit(0)\n"
        "    attempt._lock.release()\n"
        "    os.waitpid(child, 0)\n"
        "    print('parent')\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True, timeout=20)
    assert [line.message for line in read_step_log(tmp_path, "run", "orders")] == ["child", "parent"]


def test_a_torn_line_is_passed_over_and_the_log_goes_on_after_it(logs):
    with logs.capturing(), logs.attempt("run", "orders"):
        print("whole")
    path = step_log_path(logs.logs_dir, "run", "orders", 1)
    with open(path, "ab") as file:
        file.write(b'{"t":1.0,"s":"std')
    assert said(logs) == [("stdout", "whole")]
    with logs.capturing(), logs.attempt("run", "orders"):
        print("again")
    assert said(logs) == [("stdout", "whole"), ("stdout", "again")]


def test_the_log_of_a_run_is_that_of_its_steps_by_time(logs):
    with logs.capturing(), logs.attempt("run", "a") as first, logs.attempt("run", "b") as second:
        for number in range(3):
            first.info("a%s", number)
            second.info("b%s", number)
    lines = read_run_log(logs.logs_dir, "run")
    assert [line.message for line in lines] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert {line.step_key for line in lines} == {"a", "b"}
    assert read_run_log(logs.logs_dir, "another run") == []
    assert len(read_run_log(logs.logs_dir, "run", limit=2)) == 2


@pytest.mark.parametrize("key", ["a/b.c[2024-01-01]", "..", ".hidden", "ü" * 300, "a" * 1000, "con", "%41", "\n", " "])
def test_any_step_key_and_run_id_has_a_file_inside_the_directory(logs, key):
    run_id = key[:20]
    with logs.capturing(), logs.attempt(run_id, key, 2) as log:
        log.info("here")
    ((found, attempt, path),) = list_step_logs(logs.logs_dir, run_id)
    assert (found, attempt) == (key, 2)
    assert path.resolve().is_relative_to(logs.logs_dir.resolve() / escape_name(run_id))
    assert [line.message for line in read_step_log(logs.logs_dir, run_id, key)] == ["here"]


@given(st.text(st.characters(), max_size=50))
def test_escaping_is_reversible(name):
    assert unescape_name(escape_name(name)) == name
    assert set(escape_name(name)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%_.-~")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    pieces=st.lists(st.text(st.characters(exclude_characters="\r", codec="utf-8")), max_size=20), case=st.integers(0)
)
def test_however_text_is_cut_into_writes_its_lines_are_kept(tmp_path, pieces, case):
    logs = StepLogs(tmp_path / f"{case}-{time.time_ns()}", pass_through=False)
    with logs.capturing(), logs.attempt("run", "orders"):
        for piece in pieces:
            sys.stdout.write(piece)
    expected = "".join(pieces).split("\n")
    if not expected[-1]:
        expected.pop()
    assert [message for _, message in said(logs)] == expected


KILLED = """
import sys
from headwater.engine.step_logs import StepLogs

logs = StepLogs(sys.argv[1])
with logs.capturing(), logs.attempt("run", "orders") as log:
    for number in range(10_000_000):
        print("line", number)
        log.info("record %s", number)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_process_leaves_every_line_that_it_was_seen_to_print(tmp_path, seed):
    process = subprocess.Popen([sys.executable, "-u", "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    wanted = random.Random(seed).randrange(1, 2_000)
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(wanted)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    seen += process.stdout.readlines()
    process.stdout.close()
    whole = [line[:-1] for line in seen if line.endswith("\n")]
    kept = [line.message for line in read_step_log(tmp_path, "run", "orders") if line.source == "stdout"]
    records = [line.message for line in read_step_log(tmp_path, "run", "orders") if line.source == "log"]
    assert kept[: len(whole)] == whole
    assert kept == [f"line {number}" for number in range(len(kept))]
    assert records == [f"record {number}" for number in range(len(records))]
    assert len(kept) - len(records) in (0, 1)
