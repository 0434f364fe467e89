"""What would be made, and why: plan, why, diff, and materialize of what is stale or missing."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli.conftest import SHOP, Headwater


def edit(project: Path, old: str, new: str) -> None:
    path = project / "definitions.py"
    # Another size too: within one second Python would take the bytecode of before.
    path.write_text(f"{SHOP.replace(old, new)}# edited\n")
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == str(path):
            del sys.modules[name]


def test_a_plan_names_what_is_needed_and_missing_and_makes_nothing(headwater: Headwater, project: Path):
    answer = headwater("plan", "report")
    assert answer.lines[:3] == [
        "orders  missing, needed by revenue",
        "└─ revenue  missing, needed by report",
        "   └─ report  requested",
    ]
    assert answer.lines[-1] == "3 assets"
    assert headwater("plan", "report", "--no-upstream").lines[0] == "report  requested"
    assert not (project / ".headwater").exists()


def test_the_exit_code_tells_whether_there_is_something_to_do(headwater: Headwater):
    assert headwater("plan", "+report", "--missing").exit_code == 0
    assert headwater("plan", "+report", "--missing", "--detailed-exitcode").exit_code == 2
    headwater("materialize", "+report")
    nothing = headwater("plan", "+report", "--missing", "--stale", "--detailed-exitcode")
    assert (nothing.exit_code, nothing.lines) == (0, ["Nothing to do."])


def test_a_plan_is_one_document(headwater: Headwater):
    (step,) = headwater("plan", "region", "--partition-range", "north...south", "--json").document["plan"]["steps"]
    assert step["asset"] == "region"
    assert step["partitions"] == {"count": 2, "range_count": 1, "ranges": [["north", "south"]]}
    assert (step["reason"], step["causes"]) == ("requested", ["requested"])


def test_only_what_is_stale_is_made_and_early_cut_off_spares_the_rest(headwater: Headwater, project: Path):
    headwater("materialize", "+report")
    edit(project, 'code_version="7"', 'code_version="8"')
    assert [line.lstrip(" ").split("  ")[0] for line in headwater("plan", "--stale").lines[:3]] == [
        "orders",
        "└─ revenue",
        "└─ report",
    ]
    made = headwater("materialize", "--stale")
    assert made.exit_code == 0
    assert "Left as it was, since what it is made from came out the same: report, revenue" in made.err
    assert headwater("plan", "--stale").lines == ["Nothing to do."]
    assert headwater("materialize", "--stale").lines == ["Nothing to do."]


def test_what_stands_on_a_failure_is_left_out(headwater: Headwater):
    answer = headwater("materialize", "fragile+", "--missing", "--json")
    assert answer.exit_code == 1
    assert [run["status"] for run in answer.document["runs"]] == ["failed"]


def test_assets_are_listed_as_stale_with_the_reason(headwater: Headwater, project: Path):
    headwater("materialize", "+report")
    assert "WHY" not in headwater("asset", "list").lines[0]
    edit(project, 'code_version="7"', 'code_version="8"')
    by_key = {line.split()[0]: line for line in headwater("asset", "list").lines}
    assert "stale" in by_key["orders"]
    assert "code version changed: 7 -> 8" in by_key["orders"]
    assert '"orders" is stale' in by_key["revenue"]
    shown = headwater("asset", "show", "orders", "--json").document["asset"]["staleness"]
    assert shown["is_stale"] is True
    assert shown["reasons"][0]["kind"] == "code_version_changed"


def test_why_follows_the_chain_to_what_changed_first(headwater: Headwater, project: Path):
    headwater("materialize", "+report")
    edit(project, 'code_version="7"', 'code_version="8"')
    chain = headwater("why", "report", "--json").document["chain"]
    assert [(link["depth"], link["asset"], link["status"]) for link in chain] == [
        (0, "report", "stale"),
        (1, "revenue", "stale"),
        (2, "orders", "stale"),
    ]
    assert chain[-1]["reasons"] == [
        {
            "kind": "code_version_changed",
            "recorded": "7",
            "current": "8",
            "text": "code version changed: 7 -> 8",
        }
    ]
    assert "      because code version changed: 7 -> 8" in headwater("why", "report").lines


def test_why_tells_a_wipe_from_what_was_never_made_and_a_failure_with_its_cause(headwater: Headwater):
    assert "  because never materialized" in headwater("why", "orders").lines
    headwater("materialize", "orders")
    headwater("asset", "wipe", "orders", "--yes")
    assert "  because wiped" in headwater("why", "orders").lines
    headwater("materialize", "fragile")
    assert "the source is away" in headwater("why", "fragile").out


def test_why_counts_partitions_and_explains_one(headwater: Headwater):
    headwater("materialize", "region", "--partition-range", "north...south")
    answer = headwater("why", "region")
    assert answer.lines[0] == "region: 2 fresh, 0 stale, 1 missing"
    assert "region [west] is missing" in answer.lines
    assert headwater("why", "region", "north").lines[0] == "region [north] is fresh"
    assert headwater("why", "region", "east").exit_code == 2
    assert headwater("why", "orders", "north").exit_code == 2


def test_diff_shows_what_changed_between_two_materializations(headwater: Headwater, project: Path):
    headwater("materialize", "+revenue")
    assert headwater("diff", "revenue").exit_code == 2
    edit(project, "return [40, 2]", "return [40, 3]")
    headwater("materialize", "orders")
    headwater("materialize", "revenue")
    document = headwater("diff", "revenue", "--json").document
    assert [(each["what"], each["name"]) for each in document["differences"]] == [
        ("input", "orders"),
        ("data version", None),
    ]
    assert document["same_content"] is False
    assert "input orders: " in headwater("diff", "revenue").out
    assert headwater("diff", "revenue", "--from", "nothing").exit_code == 2


def test_a_project_sets_above_how_many_partitions_it_is_warned(headwater: Headwater, project: Path):
    asked = ("plan", "region", "--partition-range", "north...south")
    assert "Warning" not in headwater(*asked).err
    (project / "pyproject.toml").write_text("[tool.headwater]\nwarn_above = 1\n")
    assert "Warning: 2 partitions would be built: region (2)." in headwater(*asked).err
    ran = headwater("materialize", *asked[1:])
    assert "Warning: 2 runs of 2 partitions." in ran.err
    (project / "pyproject.toml").write_text('[tool.headwater]\nwarn_above = "many"\n')
    assert "a whole number of partitions" in headwater(*asked).err
