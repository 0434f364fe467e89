"""Ranges of partitions: how many runs they take, and what is refused before any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headwater

PARTS = """
import headwater as hw

weeks = hw.WeeklyPartitionsDefinition(start_date="2024-01-07", end_date="2024-01-28")
days = hw.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01")


@hw.asset(partitions_def=days)
def sales(context) -> str:
    if context.partition_key == "2024-01-03":
        raise ValueError("no third")
    return context.partition_key


@hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.multi_run(2))
def pairs(context) -> dict[str, int]:
    return {key: 1 for key in context.partition_keys}


@hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.single_run())
def loaded(context) -> dict[str, int]:
    return {key: 1 for key in context.partition_keys}


@hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.single_run())
def sold(context, sales):
    return {key: 1 for key in context.partition_keys}


@hw.asset
def countries() -> list[str]:
    return ["no"]


@hw.asset(partitions_def=days)
def by_country(countries: list[str]) -> int:
    return len(countries)


@hw.asset(partitions_def=weeks)
def weekly(loaded: dict[str, int]) -> int:
    return sum(loaded.values())


@hw.asset(ins={"last": hw.AssetIn("loaded", partition_mapping=hw.LastPartitionMapping())})
def newest(last: int) -> int:
    return last


@hw.asset(ins={"some": hw.AssetIn("loaded", metadata={"allow_missing_partitions": True})})
def whatever(some: dict[str, int]) -> int:
    return len(some)


@hw.asset_check(asset=loaded)
def fine(loaded) -> bool:
    return True


defs = hw.Definitions(
    assets=[sales, pairs, loaded, sold, countries, by_country, weekly, newest, whatever], asset_checks=[fine]
)
"""


@pytest.fixture
def parts(headwater: Headwater, project: Path) -> Headwater:
    (project / "definitions.py").write_text(PARTS)
    return headwater


def runs_of(headwater: Headwater) -> int:
    return int(headwater("run", "list", "--json").document["total"])


def test_each_partition_has_a_run_of_its_own_and_a_failed_one_keeps_none_back(parts: Headwater):
    answer = parts("materialize", "sales", "--partition-range", "2024-01-02...2024-01-05")
    assert answer.exit_code == 1
    assert [line.split("[")[1] for line in answer.lines if line.startswith("Run ") and " of 4  [" in line] == [
        "2024-01-02]",
        "2024-01-03]",
        "2024-01-04]",
        "2024-01-05]",
    ]
    assert "4 runs, 4 partitions: 3 succeeded, 1 failed (2024-01-03)." in answer.out
    assert "ValueError: no third" in answer.out
    assert runs_of(parts) == 4


def test_a_run_takes_as_many_partitions_as_the_policy_says(parts: Headwater):
    document = parts("materialize", "pairs", "--from", "2024-01-01", "--to", "2024-01-05", "--json").document
    assert [len(run["assets"][0]["partitions"]) for run in document["runs"]] == [2, 2, 1]
    one = parts("materialize", "loaded", "--partition-range", "2024-01-01...2024-01-05", "--json").document
    assert len(one["assets"][0]["partitions"]) == 5
    both = parts("materialize", "loaded", "pairs", "--from", "2024-01-01", "--to", "2024-01-04", "--json").document
    assert len(both["runs"]) == 2


def test_what_is_added_upstream_has_its_say_in_how_many_runs_there_are(parts: Headwater):
    answer = parts("materialize", "sold", "--partition-range", "2024-01-04...2024-01-05")
    assert "made too: sales" in answer.err
    assert "2 runs, 2 partitions: 2 succeeded." in answer.out


def test_what_has_no_partitions_is_made_once_when_it_is_added_and_refused_when_it_is_selected(parts: Headwater):
    both = ("materialize", "countries", "by_country", "--partition-range", "2024-01-01...2024-01-02")
    refused = parts(*both)
    assert refused.exit_code == 2
    assert "headwater materialize countries" in refused.err
    assert runs_of(parts) == 0
    document = parts("materialize", "by_country", "--partition-range", "2024-01-01...2024-01-02", "--json").document
    assert [[asset["key"] for asset in run["assets"]] for run in document["runs"]] == [
        ["countries", "by_country"],
        ["by_country"],
    ]


def test_other_partitions_that_are_missing_are_refused_with_what_to_type(parts: Headwater):
    parts("materialize", "loaded", "--partition-range", "2024-01-07...2024-01-08")
    before = runs_of(parts)
    weekly = parts("materialize", "weekly", "--partition", "2024-01-07")
    newest = parts("materialize", "newest")
    assert (weekly.exit_code, newest.exit_code) == (2, 2)
    assert "headwater materialize loaded --partition-range 2024-01-09...2024-01-13" in weekly.err
    assert '"weekly" needs 5 partitions of "loaded"' in weekly.err
    assert "Or all in their order: headwater backfill weekly --partition 2024-01-07\n" in weekly.err
    assert "headwater materialize loaded --partition 2024-01-31" in newest.err
    assert runs_of(parts) == before
    assert parts("materialize", "whatever").exit_code == 0
    parts("materialize", "loaded", "--partition-range", "2024-01-09...2024-01-13")
    assert parts("materialize", "weekly", "--partition", "2024-01-07").exit_code == 0


def test_without_upstream_the_missing_partitions_are_named(parts: Headwater):
    answer = parts("materialize", "sold", "--partition-range", "2024-01-04...2024-01-05", "--no-upstream")
    assert answer.exit_code == 2
    assert "sales [2024-01-04...2024-01-05]" in answer.err
    assert runs_of(parts) == 0


def test_a_check_of_partitions_without_a_partition_is_refused(parts: Headwater):
    answer = parts("check", "loaded")
    assert answer.exit_code == 2
    assert "--partition KEY" in answer.err
    parts("materialize", "loaded", "--partition-range", "2024-01-01...2024-01-02")
    assert parts("check", "loaded", "--partition", "2024-01-01").exit_code == 0
    assert parts("check", "loaded", "--partition-range", "2024-01-01...2024-01-02").exit_code == 0


def test_a_selection_of_different_partitions_is_parted_by_them(parts: Headwater):
    for given in ((), ("--partition", "2024-01-02"), ("--partition-range", "2024-01-01...2024-01-08")):
        answer = parts("materialize", "*", *given)
        assert answer.exit_code == 2, given
        assert "weekly (" in answer.err
        assert "Select them separately" in answer.err
        assert "partition_key=" not in answer.err
        assert "__ASSET_JOB" not in answer.err


def test_runs_are_listed_and_shown_with_their_partitions(parts: Headwater):
    parts("materialize", "loaded", "--partition-range", "2024-01-01...2024-01-05")
    parts("materialize", "pairs", "--partition", "2024-01-20")
    listed = parts("run", "list").out
    assert "pairs [2024-01-20]" in listed
    assert "loaded [2024-01-01...2024-01-05 (5)]" in listed
    assert "pairs [2024-01-20]" in parts("run", "show", "latest").out


def test_an_interruption_ends_the_runs_that_were_to_come(parts: Headwater, project: Path):
    text = (project / "definitions.py").read_text()
    (project / "definitions.py").write_text(text.replace('raise ValueError("no third")', "raise KeyboardInterrupt"))
    answer = parts("materialize", "sales", "--partition-range", "2024-01-02...2024-01-05")
    assert answer.exit_code == 130
    assert "4 runs, 4 partitions: 1 succeeded, 1 canceled, 2 not started." in answer.out
    assert runs_of(parts) == 2
