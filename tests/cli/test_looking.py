"""Commands that look: assets, partitions, runs, definitions, and the installation itself."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Headwater


def test_assets_are_listed_upstream_first_with_where_they_stand(headwater: Headwater):
    headwater("materialize", "revenue")
    answer = headwater("asset", "list", "+report")
    assert [line.split()[0] for line in answer.lines] == ["ASSET", "orders", "revenue", "report"]
    by_key = {line.split()[0]: line for line in answer.lines}
    assert "materialized" in by_key["revenue"]
    assert "1 warned" in by_key["revenue"]
    assert "missing" in by_key["report"]


def test_an_asset_is_shown_with_all_that_is_known_of_it(headwater: Headwater):
    headwater("materialize", "+report")
    shown = headwater("asset", "show", "orders").out
    for expected in (
        "What was ordered.",
        "team:data",
        "json",
        "definitions.py:5",
        "revenue",
        "enough",
        "passed",
        "rows",
    ):
        assert expected in shown, expected
    data = headwater("asset", "show", "orders", "--json").document["asset"]
    assert data["status"] == "materialized"
    assert data["code_version"] == "7"
    assert data["downstream"] == ["revenue"]
    assert data["materialization"]["metadata"]["rows"] == 2
    assert data["checks"][0]["status"] == "passed"


def test_a_failed_asset_says_why(headwater: Headwater):
    headwater("materialize", "fragile")
    assert "the source is away" in headwater("asset", "show", "fragile").out
    assert headwater("asset", "show", "fragile", "--json").document["asset"]["status"] == "failed"


def test_partitions_are_counted_and_listed_by_status(headwater: Headwater):
    headwater("materialize", "region", "--partition-range", "north...south")
    headwater("materialize", "region", "--partition", "west")
    counts = headwater("asset", "show", "region", "--json").document["asset"]["partitions"]
    assert (counts["total"], counts["materialized"], counts["failed"], counts["missing"]) == (3, 2, 1, 0)
    assert [line.split() for line in headwater("partition", "list", "region").lines[1:]] == [
        ["north", "materialized"],
        ["south", "materialized"],
        ["west", "failed"],
    ]
    failed = headwater("partition", "list", "region", "--status", "failed", "--json").document
    assert failed["partitions"] == [{"key": "west", "status": "failed"}]
    assert "no west" in headwater("partition", "show", "region", "west").out


def test_wiped_assets_count_as_never_made(headwater: Headwater):
    headwater("materialize", "+report")
    refused = headwater("asset", "wipe", "report")
    assert refused.exit_code == 2
    assert "--yes" in refused.err
    assert headwater("asset", "wipe", "report", "--yes").exit_code == 0
    assert headwater("asset", "show", "report", "--json").document["asset"]["status"] == "missing"
    assert headwater("asset", "show", "revenue", "--json").document["asset"]["status"] == "materialized"


def test_single_partitions_are_wiped(headwater: Headwater):
    headwater("materialize", "region", "--partition-range", "north...south")
    headwater("asset", "wipe", "region", "--partition", "north", "--yes")
    assert [line.split()[1] for line in headwater("partition", "list", "region").lines[1:3]] == [
        "missing",
        "materialized",
    ]


def test_runs_are_found_by_id_by_its_first_letters_and_as_the_latest(headwater: Headwater):
    first = headwater("materialize", "orders", "--json").document["run_id"]
    second = headwater("materialize", "fragile+", "--json").document["run_id"]
    listed = headwater("run", "list", "--json").document
    assert [run["run_id"] for run in listed["runs"]] == [second, first]
    assert headwater("run", "show", first[:10], "--json").document["run"]["run_id"] == first
    assert headwater("run", "show", "latest", "--json").document["run"]["run_id"] == second
    assert len(headwater("run", "list", "--status", "failed", "--json").document["runs"]) == 1


def test_a_run_is_told_as_it_was_when_it_ended(headwater: Headwater):
    lived = headwater("materialize", "fragile+", "--json").document
    shown = headwater("run", "show", "latest", "--json").document["run"]
    for part in ("run_id", "status", "assets", "checks", "errors"):
        assert shown[part] == lived[part]
    assert [(step["key"], step["status"], step["cause"]) for step in shown["steps"]] == [
        (step["key"], step["status"], step["cause"]) for step in lived["steps"]
    ]
    text = headwater("run", "show", "latest").out
    assert "failed after" in text
    assert "blocked by fragile: after_fragile" in text
    assert 'raise ConnectionError("the source is away")' in text


def test_logs_of_a_run_are_printed_by_time_and_by_step(headwater: Headwater):
    headwater("materialize", "+revenue")
    assert "printed by orders" in headwater("run", "logs", "latest").out
    assert "reading the orders" in headwater("run", "logs", "latest", "--step", "orders", "--attempt", "1").out
    lines = headwater("run", "logs", "latest", "--json").document["lines"]
    assert {line["source"] for line in lines} >= {"stdout", "log"}
    assert "reading the orders" in headwater("run", "logs", "latest", "--follow").out
    assert headwater("run", "logs", "latest", "--step", "revenue").out == ""
    wrong = headwater("run", "logs", "latest", "--step", "order")
    assert wrong.exit_code == 2
    assert 'Did you mean "orders"' in wrong.err


def test_definitions_are_counted_and_listed(headwater: Headwater):
    assert "7 assets, 2 checks, 1 job, 1 resource" in headwater("definitions", "validate").out
    document = headwater("definitions", "list", "--json").document
    assert [job["name"] for job in document["jobs"]] == ["daily"]
    assert document["resources"][0]["key"] == "clock"
    assert [line.split()[0] for line in headwater("job", "list").lines] == ["JOB", "daily"]


def test_the_doctor_says_where_each_setting_comes_from(headwater: Headwater, project: Path):
    (project / "pyproject.toml").write_text("[tool.headwater]\nretention_days = 7\n")
    headwater("materialize", "orders")
    document = headwater("doctor", "--json").document
    assert {finding["status"] for finding in document["findings"]} <= {"ok", "warning"}
    assert document["settings"]["retention_days"] == {"value": "7", "from": str(project / "pyproject.toml")}
    assert document["settings"]["home"]["from"] == "default"
    assert "sound" in headwater("doctor").out


def test_the_doctor_names_definitions_that_do_not_load(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text("import nosuchmodule\nimport headwater\n")
    answer = headwater("doctor")
    assert answer.exit_code == 3
    assert "nosuchmodule" in answer.out


def test_the_home_can_be_named(headwater: Headwater, project: Path):
    headwater("materialize", "orders", "--home", "elsewhere")
    assert (project / "elsewhere/store.sqlite").exists()
    assert not (project / ".headwater").exists()
    assert headwater("run", "list", "--home", "elsewhere", "--json").document["total"] == 1


def test_a_new_project_runs(headwater: Headwater, monkeypatch):
    answer = headwater("init", "harbour")
    assert answer.exit_code == 0
    assert "headwater materialize '*'" in answer.out
    monkeypatch.chdir("harbour")
    assert headwater("definitions", "validate").exit_code == 0
    monkeypatch.chdir("..")
    assert headwater("init", "harbour").exit_code == 2


def test_old_history_is_trimmed_without_changing_what_is_known(headwater: Headwater):
    headwater("materialize", "orders")
    assert "up to date" in headwater("db", "migrate").out
    assert headwater("db", "prune", "--older-than", "0h", "--json").document["deleted_events"] > 0
    assert headwater("asset", "show", "orders", "--json").document["asset"]["status"] == "materialized"
    shown = headwater("run", "show", "latest", "--json").document["run"]
    assert {step["key"]: step["status"] for step in shown["steps"]}["orders"] == "succeeded"


def test_a_step_that_failed_in_silence_is_told_of_by_its_failures(headwater: Headwater, project: Path):
    (project / "definitions.py").write_text(
        "import headwater as hw\n"
        "@hw.asset(retry_policy=hw.RetryPolicy(max_retries=1))\n"
        "def silent() -> int: raise ValueError('quiet')\n"
    )
    headwater("materialize", "silent")
    for step in ((), ("--step", "silent")):
        lines = headwater("run", "logs", "latest", *step).lines
        assert [line.partition("attempt ")[2] for line in lines] == ["1: ValueError: quiet", "2: ValueError: quiet"]
    assert len(headwater("run", "logs", "latest", "--step", "silent", "--attempt", "2").lines) == 1


def test_an_asset_that_does_not_exist_is_called_so(headwater: Headwater):
    answer = headwater("asset", "show", "nope")
    assert answer.exit_code == 2
    assert 'There is no asset "nope".' in answer.err
    assert "clause" not in answer.err
