"""What becomes of a step whose process dies, says nothing, or says what cannot be meant."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.pipes import PipesLaunchError, PipesMessageError, PipesProcessFailed
from tests.pipes.programs import RAW, Programs, asset_of, run

MATERIALIZE = 'message("report_asset_materialization", asset_key="orders", data_version=None, metadata={})\n'


def test_an_exit_code_is_told_with_the_command_and_the_last_lines_of_stderr(programs: Programs) -> None:
    command = programs.plain(
        """
        import sys
        for number in range(1000):
            print(f"line {number}", file=sys.stderr)
        sys.exit(3)
        """
    )
    outcome = run(asset_of(command))
    assert outcome.failure.error is not None
    assert outcome.failure.error.class_name == "PipesProcessFailed"
    assert f"{command[1]}` of step 'orders' ended with exit code 3" in outcome.message
    assert "line 999" in outcome.message
    assert "line 900" not in outcome.message
    assert outcome.said("stderr")[0] == "line 0"
    assert outcome.metadata == {}


def test_an_exception_of_the_process_is_told(programs: Programs) -> None:
    outcome = run(
        asset_of(
            programs.reporting(
                """
                try:
                    {}["customer"]
                except KeyError as error:
                    raise ValueError("no customer") from error
                """
            )
        )
    )
    assert "It reported: ValueError: no customer" in outcome.message
    (logged,) = [line for line in outcome.said() if "with an exception" in line]
    assert logged.index("KeyError: 'customer'") < logged.index("direct cause") < logged.index("ValueError: no customer")


def test_an_exception_that_the_program_itself_got_over_is_logged_and_does_not_fail_the_step(programs: Programs) -> None:
    command = programs.plain(
        """
        from dagster_pipes import open_dagster_pipes
        try:
            with open_dagster_pipes():
                raise ValueError("of no account")
        except ValueError:
            print("went on")
        """
    )
    outcome = run(asset_of(command))
    assert outcome.result.success
    assert any("ValueError: of no account" in line.message and line.level == "ERROR" for line in outcome.lines)


def test_a_process_that_is_killed_fails_its_step_and_nothing_is_recorded(programs: Programs) -> None:
    command = programs.reporting(
        """
        import os, signal
        print("so far")
        context.report_asset_materialization({"rows": 3})
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    outcome = run(asset_of(command))
    assert "was killed by SIGKILL (exit code -9)" in outcome.message
    assert "ran out of memory" in outcome.message
    assert outcome.said("stdout") == ["so far"]
    assert any("never closed its session" in line for line in outcome.said())
    assert outcome.metadata == {}


def test_a_message_that_a_kill_cut_off_is_told_beside_the_kill(programs: Programs) -> None:
    outcome = run(
        asset_of(programs.reporting("""import os; say('{"method": "report_asset'); os.kill(os.getpid(), 9)"""))
    )
    assert "was killed by SIGKILL" in outcome.message
    assert outcome.failure.error is not None
    cause = outcome.failure.error.cause
    assert cause is not None
    assert cause.class_name == "PipesMessageError"
    assert 'was cut off, as it is when a process is killed: {"method": "report_asset' in cause.message


def test_a_message_that_is_cut_off_fails_the_step_although_the_exit_code_is_0(programs: Programs) -> None:
    outcome = run(asset_of(programs.plain(RAW + """say('{"method": "clo')""")))
    assert "was cut off" in outcome.message


def test_a_last_message_without_a_line_break_counts_when_it_is_whole(programs: Programs) -> None:
    body = """say('{"method": "report_custom_message", "params": {"payload": 1}}')"""
    assert run(asset_of(programs.plain(RAW + body))).result.success


def test_a_process_that_never_opens_a_session_is_warned_of(programs: Programs) -> None:
    outcome = run(asset_of(programs.plain("print('nothing to say')")))
    assert outcome.metadata == {"orders": {}}
    (warning,) = [line for line in outcome.lines if line.level == "WARNING"]
    assert "never opened a session" in warning.message
    assert "open_dagster_pipes()" in warning.message
    assert "temporary file" in warning.message


def test_what_comes_after_a_line_that_is_no_message_is_still_read(programs: Programs) -> None:
    outcome = run(
        asset_of(
            programs.reporting(
                """
                say("Traceback\\n")
                say("[1, 2]\\n")
                say("\\n")
                say("[" * 100_000 + "\\n")
                message("log", message="\\ud800", level="INFO")
                say_bytes(b"\\xff\\xfe\\n")
                context.log.info("after it")
                """
            )
        )
    )
    assert "4 messages of the external process could not be used" in outcome.message
    assert "Traceback" in outcome.message
    assert "[1, 2]" in outcome.message
    assert "after it" in outcome.said()
    assert outcome.metadata == {}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('message("dance")', "of a kind that there is not, 'dance'"),
        ('message("report_asset_materialization", asset_key="ordres")', 'Did you mean "orders"?'),
        ('message("report_asset_materialization", asset_key=5)', "is 5, and not text"),
        ('message("report_asset_materialization", asset_key="a//b")', "is not an asset key"),
        (MATERIALIZE + MATERIALIZE, 'reported the asset "orders" twice'),
        ('message("report_asset_materialization", asset_key="orders", data_version=1)', "is 1, and not text"),
        ('message("report_asset_materialization", asset_key="orders", metadata=[1])', "[1], and not a mapping"),
        (
            'message("report_asset_materialization", asset_key="orders", metadata={"rows": {"type": "itn", "raw_value": 1}})',
            '"rows" is of type \'itn\', which there is not. Did you mean "int"?',
        ),
        (
            'message("report_asset_materialization", asset_key="orders", metadata={"n": {"type": "int", "raw_value": "1"}})',
            "is of type \"int\" with the value '1'",
        ),
        (
            'message("report_asset_check", asset_key="orders", check_name="no_nuls", passed=True)',
            'Did you mean "no_nulls"?',
        ),
        (
            'message("report_asset_check", asset_key="orders", check_name="no_nulls", passed=True, severity="BAD")',
            '\'BAD\', and not "WARN" or "ERROR"',
        ),
        ('message("report_asset_check", asset_key="orders", check_name="no_nulls", passed="yes")', "'yes'"),
        ('message("report_asset_check", asset_key="orders", check_name=None, passed=True)', "is None, and not text"),
        ('message("report_custom_message")', "has no payload"),
        ('message("log", level="INFO")', "says nothing"),
        ('message("log_external_stream", stream="stdout", text=5)', "5, and not text"),
        ("""say('{"method": "log", "params": [1]}\\n')""", "are no mapping: [1]"),
    ],
)
def test_a_report_that_cannot_be_meant_fails_the_step_and_says_what_is_wrong(
    programs: Programs, body: str, told: str
) -> None:
    asset = asset_of(programs.speaking(body), check_specs=[hw.AssetCheckSpec("no_nulls", asset="orders")])
    outcome = run(asset)
    assert outcome.failure.error is not None
    assert outcome.failure.error.class_name == "PipesMessageError"
    assert told in outcome.message
    assert outcome.metadata == {}
    assert any(line.level == "ERROR" and told in line.message for line in outcome.lines)


def test_levels_without_a_name_of_ours_are_logged(programs: Programs) -> None:
    outcome = run(
        asset_of(programs.reporting('message("log", message="a", level="LOUD"); context.log.log(25, "b %s", "c")'))
    )
    assert {("[LOUD] a", "INFO"), ("b c", "Level 25")} <= {(line.message, line.level) for line in outcome.lines}


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    outcome = run(asset_of(["no-such-program", "--fast"]))
    assert "`no-such-program --fast` could not be started" in outcome.message
    client = hw.PipesSubprocessClient(cwd=str(tmp_path / "nowhere"))
    with pytest.raises(PipesLaunchError, match="nowhere"):
        client.run(command=[sys.executable, "-V"], context=hw.build_op_context())
    with pytest.raises(PipesLaunchError, match="IndexError"):
        client.run(command=[], context=hw.build_op_context())


def test_a_failure_is_a_pipes_execution_error_with_its_parts(programs: Programs) -> None:
    client = hw.PipesSubprocessClient()
    with pytest.raises(hw.PipesExecutionError) as caught:
        client.run(command=programs.plain("import sys; sys.exit('gone')"), context=hw.build_op_context())
    assert isinstance(caught.value, PipesProcessFailed)
    assert caught.value.exit_code == 1
    assert caught.value.stderr_tail == ("gone",)


def test_only_so_many_faults_are_kept(programs: Programs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    command = programs.reporting("say('nonsense\\n' * 1000)")
    with pytest.raises(PipesMessageError) as caught:
        hw.PipesSubprocessClient().run(command=command, context=hw.build_op_context())
    assert len(caught.value.faults) == 100
    assert "1000 messages" in str(caught.value)
    assert "... and 990 more" in str(caught.value)


def test_one_result_is_not_given_for_several_or_none(programs: Programs) -> None:
    told: list[str] = []

    @hw.multi_asset(specs=[hw.AssetSpec("orders"), hw.AssetSpec("customers")])
    def shop(context: hw.AssetExecutionContext, pipes: hw.PipesSubprocessClient) -> Any:
        done = pipes.run(command=programs.reporting("context.log.info('hello')"), context=context)
        for ask in (
            done.get_materialize_result,
            lambda: done.get_materialize_result(implicit_materialization=False),
            done.get_asset_check_result,
        ):
            with pytest.raises(hw.PipesResultError) as caught:
                ask()
            told.append(str(caught.value))
        return done.get_results()

    assert run(shop).result.success
    assert "2 assets" in told[0]
    assert '"orders", "customers"' in told[0]
    assert "0 assets" in told[1]
    assert "0 check results and 2 materializations" in told[2]
