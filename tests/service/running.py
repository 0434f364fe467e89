"""A service for tests: a project in a folder of its own, served by a real process that can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headwater.model.database_url import DatabaseUrl
from headwater.model.events import Event
from headwater.model.runs import Run
from headwater.runtime.instance import Instance
from headwater.service.control import Describe, Launch, ServiceClient, find_service
from headwater.service.processes import children_by_parent, descendants
from headwater.service.protocol import LaunchRequest

_START_SECONDS = 60.0
COMMAND = (sys.executable, "-m", "headwater")


class RunningService:
    """A project and its service. Use it in a with statement: its processes are gone afterwards."""

    def __init__(self, folder: Path, source: str, settings: str = "", environment: Mapping[str, str] = {}) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(f'[tool.headwater]\nfile = "definitions.py"\n{settings}')
        (folder / "definitions.py").write_text(source)
        self.home = folder / ".headwater"
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self.environment.pop("HEADWATER_HOME", None)
        self.process: subprocess.Popen[bytes] | None = None
        self.said = folder / "serve.log"

    def start(self, *options: str, waits: bool = True) -> RunningService:
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", *options], cwd=self.folder, env=self.environment, stdout=said, stderr=said
            )
        if waits:
            self.wait_until(self._answers, "the service to answer")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"The service ended with {self.process.returncode}:\n{self.said.read_text()}")
        return find_service(self.home) is not None

    def __enter__(self) -> RunningService:
        return self if self.process is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int | None:
        """End the service as a container does; return its exit code."""
        if self.process is None:
            return None
        everything = descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for pid in everything:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process = None
        return code

    def kill(self) -> None:
        """Kill the server alone, as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    # ------------------------------------------------------------------------------------------------------ asking it

    def launch(self, **asked: Any) -> str:
        with ServiceClient(self.home) as client:
            run_id: str = client.ask(Launch(LaunchRequest("", **asked)))
            return run_id

    def ask(self, asked: Any) -> Any:
        with ServiceClient(self.home) as client:
            return client.ask(asked)

    def described(self) -> dict[str, Any]:
        told: dict[str, Any] = self.ask(Describe())
        return told

    def command(self, *arguments: str, code: int | None = 0) -> str:
        """Run a command of the command line in the project; return what it printed to stdout."""
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if code else "")

    def instance(self) -> Instance:
        """Open the state, as any command does beside the service."""
        from headwater.runtime.settings import Settings

        url = self.environment.get("HEADWATER_DATABASE")
        settings = Settings.load(self.folder)
        return Instance.from_settings(settings if url is None else replace(settings, database=DatabaseUrl(url)))

    def run(self, run_id: str) -> Run:
        with self.instance() as instance:
            found = instance.get_run_by_id(run_id)
            assert found is not None
            return found

    def events(self, run_id: str) -> Sequence[Event]:
        with self.instance() as instance:
            return [record.event for record in instance.store.events_of_run(run_id)]

    def ended(self, run_id: str, seconds: float = 60.0) -> Run:
        """Wait until a run has ended; return how."""
        with self.instance() as instance:

            def has_ended() -> bool:
                run = instance.store.find_run(run_id)
                return run is not None and run.is_finished

            self.wait_until(has_ended, f"run {run_id} to end", seconds)
            found = instance.store.find_run(run_id)
            assert found is not None
            return found

    def wait_until(self, is_so: Callable[[], bool], what: str, seconds: float = _START_SECONDS) -> None:
        until = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > until:
                raise AssertionError(f"Waited {seconds:g} s for {what}.\n{self.said.read_text()[-3000:]}")
            time.sleep(0.01)

    # ------------------------------------------------------------------------------------------------- its processes

    @property
    def hosts(self) -> Sequence[int]:
        return children_by_parent().get(self.process.pid, ()) if self.process is not None else ()

    @property
    def workers(self) -> Sequence[int]:
        children = children_by_parent()
        return [worker for host in self.hosts for worker in children.get(host, ())]
