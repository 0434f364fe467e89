"""Steps that run in another process: what they are told, and what they report."""

import os
import sys
import threading

import dagster as dg
from recorder import Recorder, program

# The protocol is written by hand, so that the process needs no package.
HEAD = """
import base64, json, os, sys, zlib
def _given(name):
    return json.loads(zlib.decompress(base64.b64decode(os.environ[name])))
with open(_given("DAGSTER_PIPES_CONTEXT")["path"]) as file:
    context = json.load(file)
_out = open(_given("DAGSTER_PIPES_MESSAGES")["path"], "a")
def say(method, **params):
    _out.write(json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}) + "\\n")
    _out.flush()
say("opened", extras={})
"""
TAIL = """
say("closed")
"""


def script(body):
    with open("script.py", "w") as file:
        file.write(HEAD + body + TAIL)
    return [sys.executable, "script.py"]


def materialization(key, metadata=None, version="None"):
    """Return a line that reports a materialization; metadata is a dict of numbers, or the text of what is said."""
    if not isinstance(metadata, str):
        metadata = {name: {"raw_value": value, "type": "int"} for name, value in (metadata or {}).items()}
    return f'say("report_asset_materialization", asset_key={key!r}, metadata={metadata}, data_version={version})\n'


def run(asset, **kwargs):
    return dg.materialize([asset], resources={"pipes": dg.PipesSubprocessClient()}, **kwargs)


@program
def a_process_reports_a_materialization(note: Recorder) -> None:
    command = script(
        'say("log", message="hello", level="INFO")\n'
        + materialization(
            "table", '{"rows": {"raw_value": 3, "type": "int"}, "page": {"raw_value": "u", "type": "url"}}'
        )
    )

    @dg.asset
    def table(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        return pipes.run(command=command, context=context).get_materialize_result()

    note.run("run", run(table))


@program
def metadata_of_every_type_comes_over(note: Recorder) -> None:
    kinds = {
        "text": "t",
        "url": "https://example.org",
        "path": "/tmp/x",
        "notebook": "/tmp/n.ipynb",
        "json": {"a": [1]},
        "md": "*m*",
        "float": 1.5,
        "int": 3,
        "bool": True,
        "dagster_run": "r",
        "asset": "a/b",
        "null": None,
        "timestamp": 1.0,
        "__infer__": 7,
    }
    metadata = {f"of {kind}": {"raw_value": value, "type": kind} for kind, value in kinds.items()}
    command = script(materialization("table", repr(metadata)))

    @dg.asset
    def table(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        return pipes.run(command=command, context=context).get_materialize_result()

    note.run("run", run(table, raise_on_error=False))


@program
def a_process_is_told_of_its_step(note: Recorder) -> None:
    told = """
    names = ("asset_keys", "partition_key", "provenance_by_asset_key", "code_version_by_asset_key")
    kept = {key: context[key] for key in (*names, "job_name", "extras", "retry_number")}
    kept["range"] = context["partition_key_range"]
    kept["window"] = context["partition_time_window"]
    """.replace("\n    ", "\n")
    command = script(told + 'say("report_custom_message", payload=kept)\n')
    seen = []

    @dg.asset(code_version="c1")
    def table(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        invocation = pipes.run(command=command, context=context, extras={"x": [1, 2]})
        seen.extend(invocation.get_custom_messages())
        return dg.MaterializeResult()

    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05"))
    def daily(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        invocation = pipes.run(command=command, context=context)
        seen.extend(invocation.get_custom_messages())
        return dg.MaterializeResult()

    note("success", run(table).success)
    note("partitioned", run(daily, partition_key="2024-01-02").success)
    for number, each in enumerate(seen):
        note(f"told {number}", {name: value for name, value in each.items() if name != "job_name"})


@program
def a_process_reports_checks(note: Recorder) -> None:
    command = script(
        materialization("table")
        + """
seen = {"n": {"raw_value": 1, "type": "int"}}
say("report_asset_check", asset_key="table", check_name="full", passed=True, severity="ERROR", metadata=seen)
say("report_asset_check", asset_key="table", check_name="fresh", passed=False, severity="WARN", metadata={})
"""
    )

    @dg.asset(check_specs=[dg.AssetCheckSpec("full", asset="table"), dg.AssetCheckSpec("fresh", asset="table")])
    def table(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        return pipes.run(command=command, context=context).get_materialize_result()

    note.run("run", run(table))


@program
def a_process_builds_several_assets(note: Recorder) -> None:
    command = script(materialization("b", {"n": 2}, "'v2'") + materialization("a", {"n": 1}, "'v1'"))

    @dg.multi_asset(specs=[dg.AssetSpec("a"), dg.AssetSpec("b")])
    def both(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        yield from pipes.run(command=command, context=context).get_results()

    result = run(both)
    note("success", result.success)
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    note("built", sorted((each.asset_key.to_user_string(), each.metadata["n"].value) for each in events))


@program
def a_process_of_an_op_reports(note: Recorder) -> None:
    command = script('say("report_custom_message", payload={"total": 3})\n')

    @dg.op
    def work(context: dg.OpExecutionContext, pipes: dg.PipesSubprocessClient):
        invocation = pipes.run(command=command, context=context)
        return [invocation.get_custom_messages(), len(invocation.get_results())]

    @dg.job
    def working():
        work()

    result = working.execute_in_process(resources={"pipes": dg.PipesSubprocessClient()})
    note.run("run", result, outputs=["work"])


@program
def a_process_that_fails_fails_the_step(note: Recorder) -> None:
    command = script("sys.exit(3)\n")

    @dg.asset
    def table(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        return pipes.run(command=command, context=context).get_materialize_result()

    result = run(table, raise_on_error=False)
    note("success", result.success)
    note("materialized", len(result.get_asset_materialization_events()))


@program
def what_a_process_reports_must_be_meant(note: Recorder) -> None:
    twice = materialization("table") + materialization("table")

    def reporting(body):
        command = script(body)

        @dg.asset
        def table(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
            return pipes.run(command=command, context=context).get_materialize_result()

        return table

    for label, body in {"other asset": materialization("tabel"), "twice": twice, "nothing": ""}.items():
        result = run(reporting(body), raise_on_error=False)
        note(label, [result.success, len(result.get_asset_materialization_events())])


@program
def the_environment_and_the_folder_of_a_process(note: Recorder) -> None:
    os.mkdir("inner")
    body = """
seen = [os.environ.get("DIFF_OWN"), os.environ.get("DIFF_OF_CLIENT"), os.path.basename(os.getcwd()), sys.argv[1:]]
say("report_custom_message", payload=seen)
"""
    command = [*script(body)[:1], os.path.abspath("script.py"), "--flag", "x y"]
    seen = []

    @dg.op
    def work(context: dg.OpExecutionContext):
        client = dg.PipesSubprocessClient(env={"DIFF_OF_CLIENT": "c"}, cwd="inner")
        seen.extend(client.run(command=command, context=context, env={"DIFF_OWN": "o"}).get_custom_messages())

    @dg.job
    def working():
        work()

    note("success", working.execute_in_process().success)
    note("seen", seen)


@program
def messages_and_context_travel_in_other_ways(note: Recorder) -> None:
    ways = {
        "files": (
            dg.PipesFileContextInjector(os.path.abspath("context")),
            dg.PipesFileMessageReader(os.path.abspath("messages")),
        ),
        "temporary": (dg.PipesTempFileContextInjector(), dg.PipesTempFileMessageReader()),
    }
    command = script(materialization("table", {"n": 1}))

    def through(injector, reader):
        @dg.asset
        def table(context: dg.AssetExecutionContext):
            client = dg.PipesSubprocessClient(context_injector=injector, message_reader=reader)
            return client.run(command=command, context=context).get_materialize_result()

        return table

    for label, (injector, reader) in ways.items():
        note.run(label, dg.materialize([through(injector, reader)]))

    in_variables = HEAD.replace(
        """with open(_given("DAGSTER_PIPES_CONTEXT")["path"]) as file:
    context = json.load(file)""",
        'context = _given("DAGSTER_PIPES_CONTEXT")["data"]',
    )
    with open("other.py", "w") as file:
        file.write(in_variables + 'say("report_custom_message", payload=context["extras"])\n' + TAIL)
    seen = []

    @dg.op
    def work(context: dg.OpExecutionContext):
        client = dg.PipesSubprocessClient(context_injector=dg.PipesEnvContextInjector())
        seen.append(
            client.run(command=[sys.executable, "other.py"], context=context, extras={"k": 1}).get_custom_messages()
        )

    @dg.job
    def working():
        work()

    note("in variables", [working.execute_in_process().success, seen])


@program
def a_session_is_opened_by_hand(note: Recorder) -> None:
    @dg.asset
    def table(context: dg.AssetExecutionContext):
        with dg.open_pipes_session(
            context=context,
            context_injector=dg.PipesTempFileContextInjector(),
            message_reader=dg.PipesTempFileMessageReader(),
            extras={"k": "v"},
        ) as session:
            note("kind", isinstance(session, dg.PipesSession))
            note("variables", sorted(session.get_bootstrap_env_vars()))
            note("params", sorted(session.get_bootstrap_params()))
            import subprocess

            command = script(materialization("table", '{"k": {"raw_value": context["extras"]["k"], "type": "text"}}'))
            subprocess.run(command, env={**os.environ, **session.get_bootstrap_env_vars()}, check=True)
        return (
            session.get_materialize_result() if hasattr(session, "get_materialize_result") else session.get_results()[0]
        )

    note.run("run", dg.materialize([table]))


@program
def a_session_in_which_nothing_reports(note: Recorder) -> None:
    before = threading.active_count()

    @dg.asset
    def table(context: dg.AssetExecutionContext):
        with dg.open_pipes_session(
            context=context,
            context_injector=dg.PipesTempFileContextInjector(),
            message_reader=dg.PipesTempFileMessageReader(),
        ) as session:
            pass
        return dg.MaterializeResult(metadata={"results": len(session.get_results(implicit_materializations=False))})

    note.run("run", dg.materialize([table]))
    note("threads", threading.active_count() <= before + 1)
