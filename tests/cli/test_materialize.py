"""headwater materialize, check and job execute: what is made, said, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Headwater


def test_each_step_ends_in_one_line_that_begins_with_its_status(headwater: Headwater):
    answer = headwater("materialize", "+report")
    assert answer.exit_code == 0
    ended = [line.split()[:2] for line in answer.lines if line.startswith("succeeded")]
    assert [key for _, key in ended if key in ("orders", "revenue", "report")] == ["orders", "revenue", "report"]
    assert "3 assets materialized" in answer.out
    assert "2 checks" not in answer.out
    assert "1 check passed, 1 warned" in answer.out
    assert "\x1b" not in answer.out


def test_what_steps_say_is_no_result(headwater: Headwater):
    answer = headwater("materialize", "orders")
    assert "printed by orders" not in answer.out
    assert answer.err.count("[orders] printed by orders") == 1
    assert "[orders] reading the orders" in answer.err


def test_the_document_holds_the_run_its_steps_assets_checks_and_errors(headwater: Headwater):
    answer = headwater("materialize", "+report", "--json")
    document = answer.document
    assert document["status"] == "succeeded"
    assert document["run_id"]
    assert {step["key"]: step["status"] for step in document["steps"]}["report"] == "succeeded"
    assert [asset["key"] for asset in document["assets"]] == ["orders", "revenue", "report"]
    assert document["assets"][0]["metadata"]["rows"] == 2
    assert {check["name"]: check["status"] for check in document["checks"]} == {"enough": "passed", "big": "warned"}
    assert document["errors"] == []
    assert "succeeded  report" in answer.err


def test_what_is_needed_and_missing_is_made_too_and_told(headwater: Headwater):
    answer = headwater("materialize", "report")
    assert answer.exit_code == 0
    assert "made too: orders, revenue" in answer.err
    again = headwater("materialize", "report")
    assert "made too" not in again.err
    assert "1 asset materialized" in again.out


def test_no_upstream_refuses_when_something_is_missing_and_makes_what_is_selected_else(headwater: Headwater):
    refused = headwater("materialize", "report", "--no-upstream")
    assert refused.exit_code == 2
    assert "orders, revenue" in refused.err
    assert headwater("run", "list", "--json").document["total"] == 0
    headwater("materialize", "orders", "revenue")
    assert "1 asset materialized" in headwater("materialize", "report", "--no-upstream").out


def test_a_failure_shows_the_users_frames_and_what_it_blocks(headwater: Headwater):
    answer = headwater("materialize", "fragile+")
    assert answer.exit_code == 1
    assert "ConnectionError: the source is away" in answer.out
    assert 'raise ConnectionError("the source is away")' in answer.out
    assert "site-packages" not in answer.out
    assert "step_attempt.py" not in answer.out
    assert "blocked by fragile: after_fragile" in answer.out
    assert "headwater run logs" in answer.out


def test_the_full_traceback_shows_all_frames(headwater: Headwater):
    answer = headwater("materialize", "fragile", "--full-traceback")
    assert "step_attempt.py" in answer.out


def test_a_failure_in_the_document_carries_every_frame(headwater: Headwater):
    answer = headwater("materialize", "fragile", "--json")
    assert answer.exit_code == 1
    (error,) = answer.document["errors"]
    assert error["step"] == "fragile"
    assert error["class"] == "ConnectionError"
    assert [frame["function"] for frame in error["frames"] if frame["is_user_code"]] == ["fragile"]


def test_a_retried_step_is_not_called_failed_before_its_last_attempt(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "@hw.asset(retry_policy=hw.RetryPolicy(max_retries=1))\n"
        "def flaky(context) -> int:\n"
        "    if context.retry_number == 0:\n"
        "        raise ValueError('not yet')\n"
        "    return 1\n"
    )
    answer = headwater("materialize", "flaky")
    words = [line.split()[0] for line in answer.lines if "flaky" in line and "  " in line]
    assert words[:2] == ["retrying", "succeeded"]
    assert answer.exit_code == 0


def test_several_selections_mean_all_of_them(headwater: Headwater):
    assert "2 assets materialized" in headwater("materialize", "orders", "revenue").out


def test_one_partition_and_a_range_of_partitions(headwater: Headwater):
    assert "(1 partition)" in headwater("materialize", "region", "--partition", "north").out
    ranged = headwater("materialize", "region", "--partition-range", "north...south", "--json").document
    assert [run["assets"][0]["partitions"] for run in ranged["runs"]] == [["north"], ["south"]]
    assert headwater("materialize", "region", "--from", "north", "--to", "south").exit_code == 0


def test_missing_partitions_of_what_is_upstream_are_made_in_the_same_run(headwater: Headwater):
    answer = headwater("materialize", "region_report", "--partition-range", "north...south")
    assert answer.exit_code == 0
    assert "made too: region" in answer.err


def test_config_comes_from_json_and_from_files_and_the_later_goes_over(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "class Sizes(hw.Config):\n    rows: int = 1\n    name: str = 'a'\n"
        "@hw.asset\n"
        "def table(config: Sizes) -> str:\n    return f'{config.name}{config.rows}'\n"
    )
    (project / "run.toml").write_text("[ops.table.config]\nrows = 5\nname = 'b'\n")
    over = json.dumps({"ops": {"table": {"config": {"rows": 7}}}})
    assert headwater("materialize", "table", "-c", "run.toml", "-c", over, "--tag", "who=me").exit_code == 0
    (stored,) = (project / ".headwater/storage").glob("table.*")
    assert stored.read_text() == "b7"
    assert headwater("run", "list", "--json").document["runs"][0]["tags"]["who"] == "me"


def test_wrong_config_is_the_commands_fault(headwater: Headwater):
    for config in ("{", "nosuch.json", "[]", '{"op": {}}'):
        answer = headwater("materialize", "orders", "--config", config)
        assert answer.exit_code == 2, config
        assert "Error:" in answer.err


def test_checks_are_evaluated_without_making_anything(headwater: Headwater):
    headwater("materialize", "+revenue")
    before = headwater("asset", "show", "orders", "--json").document["asset"]["materialization"]["run_id"]
    answer = headwater("check", "orders or revenue", "--json")
    assert answer.exit_code == 0
    assert answer.document["assets"] == []
    assert {check["name"]: check["status"] for check in answer.document["checks"]} == {
        "enough": "passed",
        "big": "warned",
    }
    after = headwater("asset", "show", "orders", "--json").document["asset"]["materialization"]["run_id"]
    assert before == after


def test_a_check_that_fails_fails_the_command(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "@hw.asset\ndef empty() -> list: return []\n"
        "@hw.asset_check(asset=empty)\n"
        "def rows(empty) -> hw.AssetCheckResult: return hw.AssetCheckResult(passed=bool(empty), description='no rows')\n"
    )
    headwater("materialize", "empty")
    answer = headwater("check")
    assert answer.exit_code == 1
    assert "failed check empty:rows  no rows" in answer.out


def test_a_job_is_executed_by_name(headwater: Headwater):
    answer = headwater("job", "execute", "daily")
    assert answer.exit_code == 0
    assert "(job daily) succeeded" in answer.out
    wrong = headwater("job", "execute", "dayly")
    assert wrong.exit_code == 2
    assert 'Did you mean "daily"' in wrong.err


def test_a_blocking_check_that_fails_is_told_once_in_the_summary(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "@hw.asset\ndef empty() -> list: return []\n"
        "@hw.asset\ndef below(empty) -> int: return 1\n"
        "@hw.asset_check(asset=empty, blocking=True)\n"
        "def rows(empty) -> hw.AssetCheckResult:\n"
        "    table = hw.MetadataValue.md('| a | b |\\n|---|---|')\n"
        "    return hw.AssetCheckResult(passed=False, description='no rows', metadata={'table': table, 'rows': 0})\n"
    )
    answer = headwater("materialize", "*")
    assert answer.exit_code == 1
    summary = answer.out[answer.out.index("\n\n") :]
    assert summary.count("empty:rows") == 1
    assert "failed check empty:rows  blocking  no rows  rows=0" in summary
    assert "AssetCheckFailedError" not in answer.out
    assert "|" not in answer.out
    assert 'Blocking check "empty:rows" failed' in headwater("run", "list").out
