"""What a step costs, counted and not timed: facts, statements and commits on SQLite.

The numbers are a ratchet. One that goes up needs a reason; one that goes down lowers the limit here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import headwater as hw
from benchmarks.contenders import Contender

STEPS = 200
# Measured: 1.9 to 3.5 statements and 0.09 to 0.22 commits. The writer commits what has come within some milliseconds,
# so a slow machine makes more of both; one commit for each step would be no batching.
MOST_STATEMENTS_OF_A_STEP = 8
MOST_COMMITS_OF_A_STEP = 0.5
# Where the writer waits for a minute, only a step that asks the store or forces a commit makes one. Measured: 0.1 and
# 0, the same on every machine.
MOST_STATEMENTS_OF_A_STEP_THAT_NOBODY_WAITS_FOR = 0.2
FACTS_OF_A_STEP = ["StepStarted", "AssetMaterialized", "StepSucceeded"]

# Every new SQLite connection is told to say what it runs, so nothing of the store needs to be known.
COUNTING = """
import json, runpy, sqlite3, sys
from collections import Counter
if len(sys.argv) > 3:
    import headwater.store.writer
    headwater.store.writer.COMMIT_INTERVAL_SECONDS = float(sys.argv[3])
counts = Counter()
def seen(statement):
    counts["statements"] += 1
    counts["commits"] += statement.lstrip().upper().startswith("COMMIT")
connect = sqlite3.connect
def traced_connect(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(seen)
    return connection
sqlite3.connect = sqlite3.dbapi2.connect = traced_connect
sys.argv = [sys.argv[1], f"size={sys.argv[2]}"]
runpy.run_path(sys.argv[0], run_name="__main__")
print(json.dumps(counts))
"""


def counts_of(folder: Path, steps: int, *options: str) -> dict[str, int]:
    """Return how many statements and commits the run of so many assets made, set-up and reading back included."""
    python = Path(sys.executable)
    program = folder / "thousand_assets.py"
    program.write_text(Contender("Headwater", "headwater", python, python).text_of("thousand_assets"))
    finished = subprocess.run(
        [python, "-c", COUNTING, program, str(steps), *options],
        env=os.environ | {"HEADWATER_HOME": str(folder / "home")},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    counts: dict[str, int] = json.loads(finished.stdout.splitlines()[-1])
    return counts


def counts_of_a_step(folder: Path, *options: str) -> dict[str, float]:
    # The difference of two runs is what steps cost, without the schema, the run's own rows and the reading back.
    few, many = folder / "few", folder / "many"
    few.mkdir()
    many.mkdir()
    cost_of_few, cost_of_many = counts_of(few, 10, *options), counts_of(many, 10 + STEPS, *options)
    return {name: (cost_of_many[name] - cost_of_few[name]) / STEPS for name in ("statements", "commits")}


def test_steps_share_commits_and_statements(tmp_path: Path):
    cost = counts_of_a_step(tmp_path)
    assert 0 < cost["statements"] <= MOST_STATEMENTS_OF_A_STEP
    assert cost["commits"] <= MOST_COMMITS_OF_A_STEP


def test_no_step_asks_the_store_or_forces_a_commit(tmp_path: Path):
    cost = counts_of_a_step(tmp_path, "60")
    assert 0 < cost["statements"] <= MOST_STATEMENTS_OF_A_STEP_THAT_NOBODY_WAITS_FOR
    assert cost["commits"] == 0


def test_the_facts_of_a_step_are_these():
    @hw.asset
    def first() -> int:
        return 1

    @hw.asset
    def second(first: int) -> int:
        return first

    result = hw.materialize([first, second], instance=hw.Instance.ephemeral())
    # What is stored; all_events tells more, which follows from it.
    assert [type(event).__name__ for event in result._events if event.step_key == "second"] == FACTS_OF_A_STEP
