"""The files that hold what steps said: where they are, what a line looks like, and how they are read.

One file for each attempt, at <logs directory>/<run id>/<step key>.<attempt>.jsonl, written only when there is something
to say. A process that is killed leaves at most a torn last line, which readers pass over.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

_MAX_NAME: Final = 180
_BLOCK_BYTES: Final = 1 << 16


class LogLine(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "timestamp": "t",
        "source": "s",
        "message": "m",
        "level": "l",
        "logger": "n",
        "run_id": "r",
        "step_key": "k",
        "attempt": "a",
        "line": "i",
    },
):
    """One line that a step wrote. In its file stand only the first five fields; the rest is known from where it stands.

    `timestamp` is seconds since 1970 in UTC, `source` is "stdout", "stderr" or "log"; `level` and `logger` are those of
    a log record. `line` counts from 1 within the step (its attempts follow one another), as `after_line` does.
    """

    timestamp: float
    source: str
    message: str
    level: str | None = None
    logger: str | None = None
    run_id: str = ""
    step_key: str = ""
    attempt: int = 0
    line: int = 0


_decoder: Final = msgspec.json.Decoder(LogLine)
_encoder: Final = msgspec.json.Encoder()


def encode_lines(lines: list[LogLine]) -> bytes:
    """Return lines as they stand in the file. What UTF-8 cannot hold (a lone surrogate) is written as its escape."""
    try:
        return _encoder.encode_lines(lines)
    except UnicodeEncodeError:
        return _encoder.encode_lines(
            [msgspec.structs.replace(line, message=_sound(line.message), logger=_sound(line.logger)) for line in lines]
        )


def _sound(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def run_log_directory(logs_dir: str | Path, run_id: str) -> Path:
    """Return the directory of a run's step logs."""
    return Path(logs_dir, escape_name(run_id))


def step_log_path(logs_dir: str | Path, run_id: str, step_key: str, attempt: int) -> Path:
    """Return the file of one attempt. A key too long for a file name is spread over directories that end in "%"."""
    escaped = escape_name(step_key)
    *above, last = [escaped[at : at + _MAX_NAME] for at in range(0, len(escaped), _MAX_NAME)] or [""]
    return run_log_directory(logs_dir, run_id).joinpath(*(f"{part}%" for part in above), f"{last}.{attempt}.jsonl")


def escape_name(name: str) -> str:
    """Return `name` as a safe file name: all but ASCII letters, digits and "_.-~" as %XX. Never hidden, never "..".

    `unescape_name` gives the name back.
    """
    from urllib.parse import quote

    escaped = quote(name, safe="", errors="surrogatepass")
    return f"%2E{escaped[1:]}" if escaped.startswith(".") else escaped


def unescape_name(escaped: str) -> str:
    """Return the name that was escaped to this."""
    from urllib.parse import unquote

    return unquote(escaped, errors="surrogatepass")


def list_step_logs(logs_dir: str | Path, run_id: str) -> list[tuple[str, int, Path]]:
    """Return (step key, attempt, file) of every attempt of a run that said something, by key and attempt."""
    top = run_log_directory(logs_dir, run_id)
    found = []
    for directory, _, names in os.walk(top):
        above = "".join(part.removesuffix("%") for part in Path(directory).relative_to(top).parts)
        for name in names:
            stem, _, attempt = name.removesuffix(".jsonl").rpartition(".")
            if name.endswith(".jsonl") and attempt.isdigit():
                found.append((unescape_name(above + stem), int(attempt), Path(directory, name)))
    return sorted(found)


def read_step_log(
    logs_dir: str | Path,
    run_id: str,
    step_key: str,
    attempt: int | None = None,
    after_line: int = 0,
    limit: int | None = None,
) -> list[LogLine]:
    """Return the lines of one attempt, or of all attempts one after the other; empty when the step said nothing.

    To follow a step, ask again with the `line` of the last line as `after_line`.
    """
    if attempt is not None:
        files = [(attempt, step_log_path(logs_dir, run_id, step_key, attempt))]
    else:
        files = [(number, path) for key, number, path in list_step_logs(logs_dir, run_id) if key == step_key]
    return list(islice(_lines_of(run_id, step_key, files, after_line), limit))


def read_run_log(logs_dir: str | Path, run_id: str, limit: int | None = None) -> list[LogLine]:
    """Return the lines of all steps of a run, by time."""
    return list(islice(iterate_run_log(logs_dir, run_id), limit))


def iterate_run_log(logs_dir: str | Path, run_id: str) -> Iterator[LogLine]:
    """Yield the lines of all steps of a run, by time, holding no more than a block of each file in memory."""
    files_by_key: dict[str, list[tuple[int, Path]]] = {}
    for key, attempt, path in list_step_logs(logs_dir, run_id):
        files_by_key.setdefault(key, []).append((attempt, path))
    steps = [_lines_of(run_id, key, files, 0) for key, files in files_by_key.items()]
    return heapq.merge(*steps, key=attrgetter("timestamp"))


def _lines_of(run_id: str, step_key: str, files: Iterable[tuple[int, Path]], after_line: int) -> Iterator[LogLine]:
    number = 0
    for attempt, path in files:
        for raw in _whole_lines(path):
            number += 1
            if number <= after_line:
                continue
            try:
                stored = _decoder.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError):
                # Torn when its writer was killed; a later writer went on after it.
                continue
            yield LogLine(
                stored.timestamp,
                stored.source,
                stored.message,
                stored.level,
                stored.logger,
                run_id,
                step_key,
                attempt,
                number,
            )


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that end in a newline. The file is open only while a block is read: a run may have thousands."""
    offset = 0
    rest = b""
    while True:
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                block = file.read(_BLOCK_BYTES)
        except FileNotFoundError:
            return
        if not block:
            return
        offset += len(block)
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield from lines
