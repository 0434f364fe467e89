"""Sessions that are opened by hand, and the ways in which context and messages travel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest
from dagster_pipes import decode_param
from hypothesis import given, settings, strategies as st

import headwater as hw
from headwater.pipes import PipesMessageError, PipesThreadedMessageReader
from headwater.pipes.protocol import key_parts, written_key
from tests.pipes.programs import Programs, run, session_of


def started(command: list[str], variables: dict[str, str], *arguments: str) -> None:
    subprocess.run([*command, *arguments], env={**os.environ, **variables}, check=True)


def test_results_are_given_while_the_process_runs_and_afterwards(programs: Programs) -> None:
    @hw.asset
    def orders(context: hw.AssetExecutionContext) -> Any:
        with hw.open_pipes_session(
            context, hw.PipesTempFileContextInjector(), hw.PipesTempFileMessageReader()
        ) as session:
            assert session.get_reported_results() == ()
            assert session.get_results() == (hw.MaterializeResult(asset_key="orders"),)
            started(
                programs.reporting('context.report_asset_materialization({"rows": 1})'),
                session.get_bootstrap_env_vars(),
            )
        assert session.get_reported_results() == session.get_results(implicit_materializations=False)
        assert session.get_results() == session.get_results()
        assert session.context_data["asset_keys"] == ["orders"]
        assert session.created_at.tzinfo is not None
        yield from session.get_results(metadata={"by": hw.MetadataValue.text("hand")})

    assert run(orders, resources={}).metadata == {"orders": {"rows": 1, "by": "hand"}}


def test_parameters_travel_as_variables_and_as_arguments() -> None:
    with session_of(injector=hw.PipesEnvContextInjector(), place="here") as session:
        variables, arguments = session.get_bootstrap_env_vars(), session.get_bootstrap_cli_arguments()
        params = session.get_bootstrap_params()
        assert session.get_per_writer_bootstrap_env_vars() == [variables]
        assert session.get_per_writer_bootstrap_cli_arguments() == [arguments]
    assert {name: decode_param(text) for name, text in variables.items()} == params
    assert arguments == {
        "--dagster-pipes-context": variables["DAGSTER_PIPES_CONTEXT"],
        "--dagster-pipes-messages": variables["DAGSTER_PIPES_MESSAGES"],
    }
    assert params["DAGSTER_PIPES_CONTEXT"]["data"]["extras"] == {"place": "here"}
    assert params["DAGSTER_PIPES_MESSAGES"]["include_stdio_in_messages"] is False


def test_a_process_that_is_given_arguments_reads_them(programs: Programs) -> None:
    command = programs.plain(
        """
        from dagster_pipes import PipesCliArgsParamsLoader, open_dagster_pipes
        with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader()) as context:
            context.report_custom_message(context.extras)
        """
    )
    with session_of(place="here") as session:
        pairs = session.get_bootstrap_cli_arguments().items()
        started(command, {}, *(part for pair in pairs for part in pair))
    assert session.get_custom_messages() == ({"place": "here"},)


def test_files_that_a_session_made_are_gone_after_it_and_a_kept_one_stays(programs: Programs, tmp_path: Path) -> None:
    context_file, messages = tmp_path / "context.json", tmp_path / "messages.jsonl"
    command = programs.reporting("context.report_custom_message(1)")
    for keeps in (False, True, True):
        with session_of(
            injector=hw.PipesFileContextInjector(str(context_file)),
            reader=hw.PipesFileMessageReader(str(messages), cleanup_file=not keeps),
        ) as session:
            assert json.loads(context_file.read_text())["run_id"] == "EPHEMERAL"
            started(command, session.get_bootstrap_env_vars())
        # What an earlier session left in the file is not read again.
        assert session.get_custom_messages() == (1,)
        assert not context_file.exists()
        assert messages.exists() == keeps
    assert len(messages.read_text().splitlines()) == 6


def test_all_messages_are_read_before_the_context_is_taken_away(programs: Programs) -> None:
    order: list[str] = []

    class Injector(hw.PipesTempFileContextInjector):
        @contextmanager
        def inject_context(self, context_data: Any) -> Iterator[Any]:
            with super().inject_context(context_data) as params:
                yield params
            order.append(f"context gone after {len(session.get_custom_messages())} messages")

    with session_of(injector=Injector()) as session:
        started(
            programs.reporting("for number in range(500): context.report_custom_message(number)"),
            session.get_bootstrap_env_vars(),
        )
    assert order == ["context gone after 500 messages"]
    assert not [thread for thread in threading.enumerate() if "pipes" in thread.name]


def test_what_the_block_raises_goes_before_what_the_process_said(programs: Programs) -> None:
    with pytest.raises(ZeroDivisionError) as caught, session_of() as session:
        started(programs.reporting("say('nonsense\\n')"), session.get_bootstrap_env_vars())
        _ = 1 / 0
    assert any("nonsense" in note for note in caught.value.__notes__)


def test_faults_are_raised_when_the_block_is_left(programs: Programs) -> None:
    with pytest.raises(PipesMessageError, match="nonsense"), session_of() as session:
        started(programs.reporting("say('nonsense\\n')"), session.get_bootstrap_env_vars())


def test_several_processes_report_for_one_step(programs: Programs) -> None:
    reader = hw.PipesCompositeMessageReader([hw.PipesTempFileMessageReader() for _ in range(3)])
    with session_of(reader=reader) as session:
        handler = session.message_handler
        for number, variables in enumerate(session.get_per_writer_bootstrap_env_vars()):
            assert not handler.received_opened_message
            started(programs.reporting(f"context.report_custom_message({number})"), variables)
    assert sorted(session.get_custom_messages()) == [0, 1, 2]
    assert handler.received_opened_message
    assert handler.received_closed_message
    with pytest.raises(hw.CheckError):
        hw.PipesCompositeMessageReader([reader])


CHUNKS = """
from dagster_pipes import *
from dagster_pipes import PipesBufferedFilesystemMessageWriterChannel

class Writer(PipesBlobStoreMessageWriter):
    def make_channel(self, params):
        return PipesBufferedFilesystemMessageWriterChannel(params["path"], interval=0)
    def get_opened_extras(self):
        return {"job": "j7"}

with open_dagster_pipes(message_writer=Writer(interval=0)) as context:
    context.log.info("one")
    context.report_custom_message(2)
"""


class FolderReader(hw.PipesBlobStoreMessageReader):
    """A folder that stands for a blob store."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(interval=0.05, **options)
        self.folder = folder
        self.failures_to_come = 0

    @contextmanager
    def get_params(self) -> Iterator[dict[str, Any]]:
        yield {"path": str(self.folder)}

    def download_messages_chunk(self, index: int, params: Any) -> str | None:
        if self.failures_to_come:
            self.failures_to_come -= 1
            raise OSError("the store is away")
        chunk = self.folder / f"{index}.json"
        return chunk.read_text() if chunk.exists() else None


class PollingLogReader(hw.PipesLogReader):
    def __init__(self, is_there: bool = True) -> None:
        self.calls: list[str] = []
        self.is_there = is_there

    def start(self, params: Any, is_session_closed: threading.Event) -> None:
        self.calls.append(f"start {sorted(params)} {is_session_closed.is_set()}")

    def stop(self) -> None:
        self.calls.append("stop")

    def is_running(self) -> bool:
        return self.calls[-1:] == ["start"]

    def target_is_readable(self, params: Any) -> bool:
        return self.is_there

    @property
    def debug_info(self) -> str:
        return "look into the bucket"


def test_chunks_of_a_blob_store_are_read_and_log_readers_started_and_stopped(
    programs: Programs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there, missing = PollingLogReader(), PollingLogReader(is_there=False)
    reader = FolderReader(tmp_path, log_readers=[there])
    reader.add_log_reader(missing)
    with session_of(reader=reader) as session:
        session.report_launched({"extras": {"id": 7}})
        started(programs.plain(CHUNKS), session.get_bootstrap_env_vars())
    assert session.get_custom_messages() == (2,)
    assert reader.opened_payload == {"extras": {"job": "j7"}}
    assert reader.launched_payload == {"extras": {"id": 7}}
    assert there.calls == ["start ['path'] False", "stop"]
    assert missing.calls == []
    assert "PollingLogReader found nothing to read.\nDebug info: look into the bucket" in caplog.text


def test_a_store_that_is_away_for_a_moment_loses_nothing_and_one_that_stays_away_fails_the_session(
    tmp_path: Path,
) -> None:
    (tmp_path / "1.json").write_text('{"method": "report_custom_message", "params": {"payload": 1}}')
    reader = FolderReader(tmp_path)
    reader.failures_to_come = 2
    with session_of(reader=reader) as session:
        threading.Event().wait(0.3)
    assert session.get_custom_messages() == (1,)
    reader.failures_to_come = 10**9
    with pytest.raises(PipesMessageError, match="the store is away"), session_of(reader=reader):
        threading.Event().wait(0.3)


def test_messages_of_a_stream_are_read_by_cursor(caplog: pytest.LogCaptureFixture) -> None:
    lines = [json.dumps({"method": "report_custom_message", "params": {"payload": number}}) for number in range(5)]

    class Stream(PipesThreadedMessageReader):
        @contextmanager
        def get_params(self) -> Iterator[dict[str, Any]]:
            yield {"stream": "s"}

        def messages_are_readable(self, params: Any) -> bool:
            return True

        def download_messages(self, cursor: int | None, params: Any) -> tuple[int, str] | None:
            at = cursor or 0
            return (at + 2, "\n".join(lines[at : at + 2])) if at < len(lines) else None

        def no_messages_debug_text(self) -> str:
            return "in a stream"

    with session_of(reader=Stream(interval=60)) as session:
        pass
    assert session.get_custom_messages() == (0, 1, 2, 3, 4)
    assert "never closed its session" in caplog.text


def test_a_reader_of_ones_own_hands_messages_to_the_handler() -> None:
    class Inline(hw.PipesMessageReader):
        @contextmanager
        def read_messages(self, handler: hw.PipesMessageHandler) -> Iterator[dict[str, Any]]:
            yield {}
            handler.handle_message({"method": "report_custom_message", "params": {"payload": 1}})
            try:
                raise OSError("away")
            except OSError:
                handler.report_pipes_framework_exception("the reader", sys.exc_info())

        def no_messages_debug_text(self) -> str:
            return "nowhere"

    with (
        pytest.raises(PipesMessageError, match="the reader raised OSError: away"),
        session_of(reader=Inline()) as session,
    ):
        pass
    assert session.get_custom_messages() == (1,)


@settings(max_examples=30, deadline=None)
@given(payloads=st.lists(st.text(), max_size=8), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_messages_are_the_same_however_writing_is_cut_into_pieces(
    payloads: list[str], cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("messages") / "messages"
    data = b"".join(
        json.dumps({"method": "report_custom_message", "params": {"payload": each}}, ensure_ascii=False).encode(
            "utf-8", "backslashreplace"
        )
        + b"\n"
        for each in payloads
    )
    with session_of(reader=hw.PipesFileMessageReader(str(path))) as session, path.open("ab", buffering=0) as file:
        begin = 0
        for cut in [*sorted(cuts), len(data)]:
            file.write(data[begin:cut])
            begin = max(begin, min(cut, len(data)))
    assert list(session.get_custom_messages()) == payloads


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_written_asset_key_is_read_back(parts: list[str]) -> None:
    assert key_parts(written_key(tuple(parts))) == parts


def test_every_public_name_has_a_docstring_of_its_own() -> None:
    import headwater.pipes as pipes

    for name in pipes.__all__:
        thing: Any = getattr(pipes, name)
        if not isinstance(thing, type) and not isfunction(thing):
            continue
        assert thing.__doc__, name
        members = vars(thing).items() if isinstance(thing, type) else ()
        inherited = {member for parent in getattr(thing, "__mro__", ())[1:] for member in vars(parent)}
        for member, value in members:
            function = value.fget if isinstance(value, property) else value
            if callable(function) and not member.startswith("_") and member not in inherited:
                assert function.__doc__, f"{name}.{member}"
