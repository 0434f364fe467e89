"""Where two records of a program differ, and which of these differences are deliberate (differences.toml)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAM_FILES = sorted((HERE / "programs").glob("*.py"))
EXPECTED = HERE / "expected"
# What Headwater records where it differs on purpose, so that such a difference cannot change unseen.
PINNED = EXPECTED / "headwater"
DIFFERENCES = HERE / "differences.toml"

# What a record says of a program that slipped (see recorder.py, which only a process with an engine can import).
FAULT = "a fault of the program"

Records = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Deliberate:
    """A difference that is wanted: where it shows, on both sides, and why."""

    topic: str
    dagster: str
    headwater: str
    reason: str
    # "file.program" or "file.program:label", as often as it shows.
    shown_by: tuple[str, ...]
    # "tests/.../test_x.py::test_name", where no program of both engines can show it.
    shown_by_test: str = ""


def deliberate_differences() -> list[Deliberate]:
    """Return the list, in its order."""
    listed = tomllib.loads(DIFFERENCES.read_text())["difference"]
    return [Deliberate(**{**each, "shown_by": tuple(each.get("shown_by", ()))}) for each in listed]


def run_programs(python: str, path: Path, *, as_alias: bool, only: tuple[str, ...] = ()) -> Records:
    """Run the programs of a file with an interpreter: under the alias, or with the real `dagster` that it has."""
    start = [python, "-m", "headwater.compat.dagster"] if as_alias else [python]
    # Neither engine may find state or packages of whoever runs the tests.
    hidden = ("DAGSTER_HOME", "HEADWATER_HOME", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    ended = subprocess.run(
        [*start, str(HERE / "runner.py"), str(path), *only],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{path.name} did not run:\n{ended.stderr[-4000:]}")
    if ended.stderr and os.environ.get("DIFFERENTIAL_TRACEBACKS"):
        print(ended.stderr, file=sys.stderr)
    records: Records = json.loads(ended.stdout)
    return records


def expected_of(path: Path) -> Records:
    """Return what Dagster recorded for the programs of a file."""
    records: Records = json.loads((EXPECTED / f"{path.stem}.json").read_text())
    return records


def pinned_of(path: Path) -> Records:
    """Return what Headwater recorded for a file's labels that differ on purpose, when it was written down."""
    place = PINNED / f"{path.stem}.json"
    records: Records = json.loads(place.read_text()) if place.exists() else {}
    return records


def to_pin(theirs: Records, ours: Records) -> Records:
    """Return what of our record is to be pinned: each label that differs from Dagster's, by program."""
    pins = {}
    for name in sorted({*theirs, *ours}):
        labels = labels_that_differ(theirs.get(name, {}), ours.get(name, {}))
        pins[name] = {label: settled(ours.get(name, {}).get(label, NOT_RECORDED)) for label in labels}
    return {name: labels for name, labels in pins.items() if labels}


def write_records(place: Path, records: Records) -> None:
    """Write records down, or take the file away where there are none."""
    place.parent.mkdir(exist_ok=True)
    if records:
        place.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")
    else:
        place.unlink(missing_ok=True)


NOT_RECORDED = "not recorded"

# What may vary from one run of a program to the next: text -> what stands for it.
_VARYING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<run id>"),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "<address>"),
    (re.compile(r"/(?:tmp|var/folders|private)/[^\s'\"]*"), "<temporary path>"),
)


def settled(value: Any) -> Any:
    """Return a recorded value with ids, addresses and temporary paths replaced by words for them."""
    if isinstance(value, str):
        for pattern, word in _VARYING:
            value = pattern.sub(word, value)
        return value
    if isinstance(value, dict):
        return {settled(name): settled(each) for name, each in value.items()}
    return [settled(each) for each in value] if isinstance(value, list) else value


def labels_that_differ(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """Yield the labels under which two records of one program differ."""
    for label in sorted({*theirs, *ours}):
        if not _agree(theirs.get(label, NOT_RECORDED), ours.get(label, NOT_RECORDED)):
            yield label


def _agree(was: Any, became: Any) -> bool:
    if isinstance(was, dict) and isinstance(became, dict) and "mentions" in was and "mentions" in became:
        # An error may say more of what the program named than Dagster's does, never less.
        # It may be caught as more than Dagster's is, too.
        kinds = (became["raises"], *became.get("also", ()))
        return was["raises"] in kinds and set(was["mentions"]) <= set(became["mentions"])
    return bool(was == became)


def faults_of(path: Path, theirs: Records) -> tuple[str, ...]:
    """Return the programs of a file that slip on Dagster; they show nothing, whatever Headwater makes of them."""
    found = []
    for name, record in sorted(theirs.items()):
        for label, value in record.items():
            said = json.dumps({label: value})
            if FAULT in said:
                found.append(f"{path.stem}.{name}:{said[:400]}")
    return tuple(found)


@dataclass(frozen=True)
class Comparison:
    """What came of one file of programs. `wrong` are differences that nobody wants, `gone` those listed that do not show.

    `changed` are those that are wanted and where Headwater records something else than is pinned, or is not pinned at all;
    `faults` are programs that slip on Dagster, too: they agree with nothing.
    """

    agreeing: int
    deliberate: tuple[str, ...]
    wrong: tuple[str, ...]
    gone: tuple[str, ...]
    faults: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def compare(path: Path, theirs: Records, ours: Records, pinned: Records | None = None) -> Comparison:
    """Compare what the programs of a file recorded on both engines; `pinned` is what is written down of ours."""
    pinned = pinned_of(path) if pinned is None else pinned
    listed = {place for each in deliberate_differences() for place in each.shown_by}
    agreeing = 0
    deliberate: list[str] = []
    wrong: list[str] = []
    shown: set[str] = set()
    changed: list[str] = []
    faults = faults_of(path, theirs)
    slipped = {place.partition(":")[0] for place in faults}
    for name in sorted({*theirs, *ours}):
        if f"{path.stem}.{name}" in slipped:
            continue
        labels = list(labels_that_differ(theirs.get(name, {}), ours.get(name, {})))
        unwanted = []
        for label in labels:
            places = {f"{path.stem}.{name}", f"{path.stem}.{name}:{label}"} & listed
            shown |= places
            if places:
                pin = pinned.get(name, {}).get(label, "nothing")
                became = settled(ours.get(name, {}).get(label, NOT_RECORDED))
                if pin != became:
                    changed.append(f"{path.stem}.{name}:{label}\n    pinned   {pin!r}\n    recorded {became!r}")
            else:
                was, became = theirs.get(name, {}).get(label), ours.get(name, {}).get(label)
                unwanted.append(f"{path.stem}.{name}:{label}\n    dagster   {was!r}\n    headwater {became!r}")
        if unwanted:
            wrong.extend(unwanted)
        elif labels:
            deliberate.append(f"{path.stem}.{name}")
        else:
            agreeing += 1
    gone = [place for place in listed if place.partition(".")[0] == path.stem and place not in shown]
    return Comparison(agreeing, tuple(deliberate), tuple(wrong), tuple(sorted(gone)), faults, tuple(changed))
