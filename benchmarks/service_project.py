"""A project and the service that carries its runs out: real processes, looked at from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.contenders import HERE, BenchmarkFailed, Contender, headwater
from headwater.model.runs import Run
from headwater.runtime.instance import Instance
from headwater.service.control import Launch, ServiceClient, find_service
from headwater.service.processes import descendants
from headwater.service.protocol import LaunchRequest

_COMMAND = (sys.executable, "-c", "import sys; from headwater.cli.main import main; sys.exit(main())")
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Memory:
    """What processes hold, in bytes. Pages that several share are counted once for each in RSS, and once in all in PSS."""

    rss: int
    pss: int
    processes: int

    @classmethod
    def of(cls, pids: list[int]) -> Memory:
        rss = pss = found = 0
        for pid in pids:
            with contextlib.suppress(OSError):
                fields = dict(
                    line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
                )
                rss += int(fields["Rss"].split()[0]) << 10
                pss += int(fields["Pss"].split()[0]) << 10
                found += 1
        return cls(rss, pss, found)


class ServedProject:
    """`programs/served.py` in a folder of its own, served. Use it in a with statement: nothing is left afterwards."""

    def __init__(
        self,
        work: str = "one_asset",
        size: int = 1,
        workers: int = 2,
        *,
        await_seconds: float = 1.0,
        **settings: object,
    ) -> None:
        self.contender: Contender = headwater()
        self._scratch = tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        self.home = self.folder / ".headwater"
        self.said = self.folder / "serve.log"
        self.first_line = self.folder / "first_line"
        lines = [f"{name} = {value}" for name, value in {"workers": workers, **settings}.items()]
        (self.folder / "pyproject.toml").write_text(
            '[tool.headwater]\nfile = "served.py"\n[tool.headwater.service]\n' + "\n".join(lines) + "\n"
        )
        (self.folder / "served.py").write_text(self.contender.text_of("served"))
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("PYTHONDONTWRITEBYTECODE", "HEADWATER_HOME")
        } | {"WORK": work, "SIZE": str(size), "FIRST_LINE": str(self.first_line), "AWAIT_SECONDS": str(await_seconds)}
        self.seconds_to_ready = 0.0

    def __enter__(self) -> Self:
        try:
            self._serve()
            self.instance = Instance.open(self.home)
        except BaseException:
            self._end()
            raise
        return self

    def _serve(self) -> None:
        began = time.perf_counter()
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [*_COMMAND, "serve"], cwd=self.folder, env=self.environment, stdout=said, stderr=said
            )
        while find_service(self.home) is None:
            if self.process.poll() is not None or time.perf_counter() - began > _START_SECONDS:
                raise BenchmarkFailed(f"The service does not answer:\n{self.said.read_text()}")
            time.sleep(_LOOK_SECONDS)
        self.seconds_to_ready = time.perf_counter() - began
        self.client = ServiceClient(self.home)

    def kill_and_restart(self) -> None:
        """Kill the server alone, as a crash does, and serve again."""
        self.client.close()
        self.process.kill()
        self.process.wait()
        self._serve()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.__exit__(kind, error, at)
        self.instance.close()
        self._end()

    def _end(self) -> None:
        started = descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in started:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._scratch.cleanup()

    # ------------------------------------------------------------------------------------------------------- its runs

    def launch(self, **asked: Any) -> str:
        """Launch a run over the connection that is open; return its id when it is recorded."""
        run_id: str = self.client.ask(Launch(LaunchRequest("", **asked)), timeout_seconds=600.0)
        return run_id

    def ended(self, run_id: str, seconds: float = 600.0, look_seconds: float = _LOOK_SECONDS) -> Run:
        """Wait until the end of a run can be read; return how it ended."""
        until = time.monotonic() + seconds
        while True:
            run = self.instance.store.find_run(run_id)
            if run is not None and run.is_finished:
                return run
            if time.monotonic() > until:
                raise BenchmarkFailed(f"Run {run_id} has not ended within {seconds:g} s:\n{self.said.read_text()}")
            time.sleep(look_seconds)

    def succeeded(self, run_id: str, look_seconds: float = _LOOK_SECONDS) -> Run:
        """Wait until a run has ended well. Raises BenchmarkFailed for one that has not."""
        run = self.ended(run_id, look_seconds=look_seconds)
        if not run.is_success:
            raise BenchmarkFailed(f"Run {run_id} ended as {run.status.value}:\n{self.said.read_text()}")
        return run

    def recorded(self, run_id: str) -> int:
        """Return how many events are recorded of a run."""
        return len(self.instance.store.events_of_run(run_id))

    def workers(self) -> list[int]:
        """Return the processes that run steps."""
        below = descendants(self.process.pid)
        return [pid for host in below for pid in descendants(host) if pid in below]

    def processor_seconds(self) -> float:
        """Return the processor time that the service has taken so far, of workers only of those that still are."""
        ticks = 0
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> Memory:
        """Return what the server, its host and its workers hold."""
        return Memory.of([self.process.pid, *descendants(self.process.pid)])


def executed_on_dagster(peer: Contender, work: str, size: int, workers: int = 2) -> dict[str, Any]:
    """Run a job of `programs/served.py` on Dagster's multiprocess executor; return its seconds and how much it recorded."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as home,
        _dagster_project(peer, home, work, size) as environment,
    ):
        done = subprocess.run(
            [str(peer.python), "served_by_dagster.py", f"work={work}", f"workers={workers}"],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise BenchmarkFailed(f"{work} on Dagster ended with {done.returncode}\n{done.stdout}{done.stderr}")
        told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return told


@contextlib.contextmanager
def _dagster_project(peer: Contender, home: str, work: str, size: int) -> Any:
    folder = Path(home)
    (folder / "served.py").write_text(peer.text_of("served"))
    (folder / "served_by_dagster.py").write_text((HERE / "programs" / "served_by_dagster.py").read_text())
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    yield {
        name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    } | {"DAGSTER_HOME": home, "WORK": work, "SIZE": str(size), "FIRST_LINE": str(folder / "first_line")}


class DagsterProject:
    """The same project with Dagster's daemon and its code server. Use it in a with statement."""

    def __init__(self, peer: Contender, work: str = "one_asset", settings: str = "") -> None:
        """`settings` are lines of dagster.yaml."""
        self.peer = peer
        self._work = work
        self._settings = settings

    def __enter__(self) -> DagsterProject:
        self._stack = contextlib.ExitStack()
        home = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True))
        self.folder = Path(home)
        self.environment = self._stack.enter_context(_dagster_project(self.peer, home, self._work, 1))
        with (self.folder / "dagster.yaml").open("a") as file:
            file.write(self._settings)
        self.said = self.folder / "daemon.log"
        began = time.perf_counter()
        command = str(self.peer.python.parent / "dagster-daemon")
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [command, "run", "-f", "served.py"], cwd=home, env=self.environment, stdout=said, stderr=said
            )
        try:
            # Each of its daemons says so when it has begun; the code server is there by then.
            while b"daemons:" not in self.said.read_bytes() or not descendants(self.process.pid):
                if self.process.poll() is not None or time.perf_counter() - began > _START_SECONDS:
                    raise BenchmarkFailed(f"dagster-daemon does not start:\n{self.said.read_text()}")
                time.sleep(0.02)
            self.seconds_to_ready = time.perf_counter() - began
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        started = descendants(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in started:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._stack.close()

    def memory(self) -> Memory:
        return Memory.of([self.process.pid, *descendants(self.process.pid)])

    def seconds_of_backfill(self, first: str, last: str, count: int) -> float:
        """Backfill the partitions from the first to the last; return the seconds from asking for it to the last run's end."""
        command = [str(self.peer.command), "job", "backfill", "-f", "served.py", "-j", "everything", "--noprompt"]
        began = time.time()
        done = subprocess.run(
            [*command, "--from", first, "--to", last],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise BenchmarkFailed(f"dagster job backfill ended with {done.returncode}\n{done.stdout}{done.stderr}")
        look = (
            "import dagster, json, time\n"
            "with dagster.DagsterInstance.get() as instance:\n"
            "    until = time.time() + 600\n"
            "    while time.time() < until:\n"
            "        records = instance.get_run_records()\n"
            f"        if len(records) == {count} and all(record.dagster_run.is_finished for record in records):\n"
            "            break\n"
            "        time.sleep(0.2)\n"
            "    assert all(record.dagster_run.is_success for record in records), records\n"
            f"    assert len(records) == {count}, len(records)\n"
            "    print(json.dumps(max(record.end_time for record in records)))\n"
        )
        ended = subprocess.run(
            [str(self.peer.python), "-c", look], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if ended.returncode:
            raise BenchmarkFailed(f"the backfill of Dagster did not succeed\n{ended.stdout}{ended.stderr}")
        return float(ended.stdout) - began

    def seconds_of_launch(self) -> tuple[float, float]:
        """Launch the asset's job; return the seconds to the first line of user code, and to the recorded success."""
        first_line = Path(self.environment["FIRST_LINE"])
        first_line.unlink(missing_ok=True)
        began = time.time()
        command = [str(self.peer.command), "job", "launch", "-f", "served.py", "-j", "everything"]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise BenchmarkFailed(f"dagster job launch ended with {done.returncode}\n{done.stdout}{done.stderr}")
        look = (
            "import dagster, json, time\n"
            "with dagster.DagsterInstance.get() as instance:\n"
            "    until = time.time() + 120\n"
            "    while not (record := instance.get_run_records(limit=1)[0]).dagster_run.is_finished and time.time() < until:\n"
            "        time.sleep(0.05)\n"
            "    assert record.dagster_run.is_success, record.dagster_run.status\n"
            "    print(json.dumps(record.end_time))\n"
        )
        ended = subprocess.run(
            [str(self.peer.python), "-c", look], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if ended.returncode:
            raise BenchmarkFailed(f"the run of Dagster did not succeed\n{ended.stdout}{ended.stderr}")
        said_at = int(first_line.read_text().split()[-1]) / 1e9
        return said_at - began, float(ended.stdout) - began
