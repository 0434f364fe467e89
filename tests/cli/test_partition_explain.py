"""`headwater partition explain`: which partitions of two assets belong together, in words and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headwater

TIES = """
import headwater as hw

days = hw.DailyPartitionsDefinition("2024-01-01", "2024-02-01")
late = hw.DailyPartitionsDefinition("2024-01-10", "2024-02-01")
months = hw.MonthlyPartitionsDefinition("2024-01-01", "2024-03-01")
letters_def = hw.StaticPartitionsDefinition(["a", "b", "c"])


class Raises(hw.PartitionMapping):
    def upstream_keys_of(self, partition_key):
        raise RuntimeError("no idea")


@hw.asset(partitions_def=days)
def sales(): ...


@hw.asset(partitions_def=late, deps=["sales"])
def cleaned(): ...


@hw.asset(partitions_def=months, deps=["cleaned"])
def monthly(): ...


@hw.asset(partitions_def=days, deps=[hw.AssetDep("sales", partition_mapping=hw.AllEarlierPartitionMapping())])
def running(): ...


@hw.asset(deps=[monthly])
def summary(): ...


@hw.asset(partitions_def=letters_def)
def letters(): ...


@hw.asset(partitions_def=letters_def, deps=[hw.AssetDep("letters", partition_mapping=Raises())])
def words(): ...


@hw.asset
def plain(): ...


@hw.asset(deps=[plain])
def plainer(): ...
"""


@pytest.fixture
def ties(headwater: Headwater, project: Path) -> Headwater:
    (project / "definitions.py").write_text(TIES)
    return headwater


def explained(ties: Headwater, *arguments: str):
    return ties("partition", "explain", *arguments)


def test_what_a_partition_needs_and_what_needs_it_are_both_told(ties: Headwater):
    ties("materialize", "sales", "--partition", "2024-01-04")
    told = explained(ties, "sales", "running", "2024-01-05").out
    assert "sales -> running   AllEarlierPartitionMapping" in told
    assert "running [2024-01-05] needs 5 partitions of sales: 2024-01-01...2024-01-05" in told
    assert "1 of 5 materialized; missing: 2024-01-01...2024-01-03,2024-01-05" in told
    assert "sales [2024-01-05] is needed by 27 partitions of running: 2024-01-05...2024-01-31" in told


def test_an_option_says_of_which_asset_the_key_is(ties: Headwater):
    assert "is needed by" not in explained(ties, "sales", "running", "2024-01-05", "--downstream").out
    assert "running [2024-01-05] needs" not in explained(ties, "sales", "running", "2024-01-05", "--upstream").out


def test_the_order_of_the_assets_does_not_matter(ties: Headwater):
    one = explained(ties, "sales", "running", "2024-01-05").out
    assert explained(ties, "running", "sales", "2024-01-05").out == one


def test_what_does_not_exist_is_told_with_the_reason(ties: Headwater):
    told = explained(ties, "cleaned", "monthly", "2024-01-01").out
    assert "monthly [2024-01-01] needs all 22 partitions of cleaned" in told
    assert 'does not exist: 2024-01-01...2024-01-09 (before the start, "2024-01-10")' in told
    told = explained(ties, "sales", "cleaned", "2024-01-02").out
    assert "sales [2024-01-02] is needed by no existing partition of cleaned" in told
    assert 'before the start, "2024-01-10"' in told


def test_assets_that_are_no_neighbours_are_joined_along_the_graph(ties: Headwater):
    document = explained(ties, "sales", "summary", "2024-01-12", "--json").document
    assert not document["is_direct"]
    assert [(edge["upstream"], edge["downstream"]) for edge in document["edges"]] == [
        ("sales", "cleaned"),
        ("cleaned", "monthly"),
        ("monthly", "summary"),
    ]
    followed = document["is_needed_by"]
    assert [(each["asset"], each["partitions"]) for each in followed["by_way_of"]] == [
        ("cleaned", "2024-01-12"),
        ("monthly", "2024-01-01"),
    ]
    assert followed["found"]["asset"] == "summary"
    needs = explained(ties, "sales", "monthly", "2024-01-01", "--downstream", "--json").document["needs"]
    assert needs["found"]["partitions"] == "2024-01-10...2024-01-31"
    assert needs["found"]["materialized"] == 0
    assert needs["by_way_of"][0]["nonexistent_count"] == 9


def test_without_a_key_all_partitions_are_meant(ties: Headwater):
    assert "monthly [*] needs all 22 partitions of cleaned" in explained(ties, "cleaned", "monthly").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sales", "mnthly", "x"), 'Did you mean "monthly"'),
        (("sales", "letters", "a"), "depends on the other"),
        (("sales", "sales"), "does not depend on itself"),
        (("plain", "plainer", "x"), 'Neither "plain" nor "plainer" is partitioned'),
        (("sales", "running", "2024-1-5"), 'Keys are written like "2024-01-01"'),
        (("sales", "running", "2024-01-05...2024-01-03"), 'Write "2024-01-03...2024-01-05"'),
        (("sales", "monthly", "2024-01-05", "--downstream"), '"2024-01-05"'),
        (("letters", "words", "bb"), 'Of "words"'),
        (("letters", "words", "a"), 'Raises from "letters" to "words" raised RuntimeError: no idea'),
        (("sales", "running", "2024-01-05", "--upstream", "--downstream"), "Use one of"),
    ],
)
def test_what_cannot_be_explained_is_refused(ties: Headwater, arguments, told):
    done = explained(ties, *arguments)
    assert done.exit_code == 2
    assert told in done.err
    assert "headwater/" not in done.err
    assert explained(ties, *arguments, "--json").document["error"]["what"]
