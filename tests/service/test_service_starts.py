"""Servers that start, and code that is imported while others import it: what is found, and what is served."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from headwater.model.events import RunInterrupted, RunResumed
from headwater.model.runs import RunStatus
from headwater.service.control import Reload
from tests.service.running import RunningService

SOURCE = """
import time
from pathlib import Path
import headwater as hw

HERE = Path(__file__).parent

@hw.asset
def slow() -> int:
    (HERE / "began").write_text("")
    time.sleep(600)
    return 1

@hw.asset
def fine() -> int:
    return 1
"""
OLDER = SOURCE.replace("def fine", "def older") + '\n(HERE / "reading").write_text("")\ntime.sleep(4)\n'
NEWER = SOURCE.replace("def fine", "def newer")


def test_code_that_takes_long_to_import_does_not_take_the_place_of_newer_code(tmp_path: Path) -> None:
    with RunningService(tmp_path, SOURCE) as service:
        code = tmp_path / "definitions.py"
        code.write_text(OLDER)
        service.ask(Reload())
        service.wait_until((tmp_path / "reading").exists, "the older code to be read")
        slow_host = service.hosts[-1]
        code.write_text(NEWER)
        service.ask(Reload())
        service.wait_until(lambda: slow_host not in service.hosts, "the slow import to end")
        assert service.ended(service.launch(selection="newer")).status is RunStatus.SUCCESS


def test_a_server_whose_code_hangs_while_it_is_imported_can_be_stopped(tmp_path: Path) -> None:
    service = RunningService(tmp_path, 'open("importing", "w")\nimport time\ntime.sleep(600)\n')
    service.start(waits=False)
    service.wait_until((tmp_path / "importing").exists, "the import to begin")
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < 4.0


def test_a_run_that_cannot_go_on_is_tried_once_and_keeps_nothing_else_from_running(tmp_path: Path) -> None:
    service = RunningService(tmp_path, SOURCE).start()
    broken, unreadable = service.launch(selection="slow"), service.launch(selection="fine slow")
    service.wait_until((tmp_path / "began").exists, "a step to begin")
    service.kill()
    store = service.home / "store.sqlite"
    with sqlite3.connect(store) as connection:
        number = "(SELECT run_number FROM runs WHERE run_id = ?)"
        connection.execute(
            f"UPDATE events SET body = replace(body, 'slow', 'gone') WHERE run_number = {number}", (broken,)
        )
        connection.execute(f"UPDATE run_launches SET body = x'c1' WHERE run_number = {number}", (unreadable,))
    with service.start():
        assert service.ended(service.launch(selection="fine")).status is RunStatus.SUCCESS
        time.sleep(11.0)  # it looks for what others left meanwhile
        kinds = [type(event) for event in service.events(broken)]
        assert kinds.count(RunResumed) == 1
        assert kinds.count(RunInterrupted) == 2
        assert service.run(unreadable).status is RunStatus.INTERRUPTED
        assert service.process is not None
        assert service.process.poll() is None
