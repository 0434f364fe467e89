"""Programs for other processes, and steps that run them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import headwater as hw
from headwater.engine.step_log_files import LogLine, read_run_log
from headwater.model.events import StepFailed

RAW = """
def say_bytes(data):
    import base64, json, os, zlib
    params = json.loads(zlib.decompress(base64.b64decode(os.environ["DAGSTER_PIPES_MESSAGES"])))
    with open(params["path"], "ab") as file:
        file.write(data)

def say(line):
    say_bytes(line.encode())

def message(method, **params):
    import json
    say(json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}) + "\\n")
"""


@dataclass
class Programs:
    """Python programs in a folder."""

    folder: Path
    written: int = 0

    def plain(self, body: str) -> list[str]:
        """Return the command of a program."""
        self.written += 1
        path = self.folder / f"program_{self.written}.py"
        path.write_text(textwrap.dedent(body), encoding="utf-8")
        return [sys.executable, str(path)]

    def speaking(self, body: str) -> list[str]:
        """Return the command of a program without dagster-pipes, as in other languages, that has `say` and `message`."""
        inside = textwrap.dedent(body)
        return self.plain(f'{RAW}\nmessage("opened", extras={{}})\n{inside}\nmessage("closed")\n')

    def reporting(self, body: str) -> list[str]:
        """Return the command of a program whose body has the open pipes context as `context`, and `say` and `message`."""
        inside = textwrap.indent(textwrap.dedent(body), "    ")
        return self.plain(
            f"{RAW}\nfrom dagster_pipes import open_dagster_pipes\nwith open_dagster_pipes() as context:\n{inside}"
        )


@dataclass
class Outcome:
    """What came of a run."""

    result: hw.ExecuteInProcessResult
    instance: hw.Instance

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """The metadata of each materialization, by asset."""
        return {
            str(event.asset_key): {name: value.value for name, value in event.materialization.metadata.items()}
            for event in self.result.get_asset_materialization_events()
        }

    @property
    def failure(self) -> StepFailed:
        (failed,) = self.result.get_step_failure_events()
        return failed

    @property
    def message(self) -> str:
        """What the one step that failed says."""
        assert self.failure.error is not None
        return self.failure.error.message

    @property
    def lines(self) -> list[LogLine]:
        return list(read_run_log(self.instance.logs_dir, self.result.run_id))

    def said(self, source: str = "log") -> list[str]:
        """What the log holds from one source: log, stdout, stderr."""
        return [line.message for line in self.lines if line.source == source]


def run(*assets: Any, instance: hw.Instance | None = None, **options: Any) -> Outcome:
    """Run assets with a subprocess client as the resource `pipes`; failures do not raise."""
    instance = instance or hw.Instance.ephemeral()
    resources = options.pop("resources", {"pipes": hw.PipesSubprocessClient()})
    result = hw.materialize(list(assets), instance=instance, resources=resources, raise_on_error=False, **options)
    return Outcome(result, instance)


def asset_of(command: Any, **options: Any) -> hw.AssetsDefinition:
    """Return an asset "orders" that runs a command."""

    @hw.asset(name="orders", **options)
    def orders(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        return pipes.run(command=command, context=context).get_results()

    return orders


@contextmanager
def session_of(
    *, injector: hw.PipesContextInjector | None = None, reader: hw.PipesMessageReader | None = None, **extras: Any
) -> Iterator[hw.PipesSession]:
    """Open a session outside of any run, for an op."""
    with hw.open_pipes_session(
        hw.build_op_context(),
        injector or hw.PipesTempFileContextInjector(),
        reader or hw.PipesTempFileMessageReader(),
        extras,
    ) as session:
        yield session
