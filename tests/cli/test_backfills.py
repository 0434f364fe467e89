"""headwater backfill: every spelling of what is meant, what is made and told, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.backfill_project import INVENTING, RAISING, source
from tests.cli.conftest import Answer, Headwater

Run = Callable[..., Answer]
EVERY_DAY = ["2024-01-01", "2024-01-31"]


@pytest.fixture
def parts(headwater: Headwater, project: Path) -> Headwater:
    (project / "definitions.py").write_text(source())
    return headwater


def ranges_of(answer: Answer, asset: str = "sales") -> Any:
    assert answer.exit_code == 0, answer.err
    steps = {step["asset"]: step for step in answer.document["plan"]["steps"]}
    return steps[asset]["partitions"]["ranges"]


def counts_of(document: Any) -> dict[str, tuple[int, int]]:
    return {each["asset"]: (each["materialized"], each["total"]) for each in document["backfill"]["assets"]}


# ------------------------------------------------------------------------------------------------------------- spellings


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [EVERY_DAY]),
        (("--all-partitions",), [EVERY_DAY]),
        (("--partition", "2024-01-05"), [["2024-01-05", "2024-01-05"]]),
        (
            ("--partition", "2024-01-05", "--partition", "2024-01-09"),
            [["2024-01-05", "2024-01-05"], ["2024-01-09", "2024-01-09"]],
        ),
        (
            ("--partition", "2024-01-05,2024-01-09...2024-01-10"),
            [["2024-01-05", "2024-01-05"], ["2024-01-09", "2024-01-10"]],
        ),
        (("--partition", "*"), [EVERY_DAY]),
        (("--partition-range", "2024-01-05...2024-01-09"), [["2024-01-05", "2024-01-09"]]),
        (("--partition-range", "2024-01-05..."), [["2024-01-05", "2024-01-31"]]),
        (("--partition-range", "...2024-01-05"), [["2024-01-01", "2024-01-05"]]),
        (("--from", "2024-01-05", "--to", "2024-01-09"), [["2024-01-05", "2024-01-09"]]),
        (("--from", "2024-01-05"), [["2024-01-05", "2024-01-31"]]),
        (("--to", "2024-01-05"), [["2024-01-01", "2024-01-05"]]),
    ],
)
def test_partitions_are_named_in_many_ways(parts: Headwater, options: tuple[str, ...], expected: Any):
    assert ranges_of(parts("backfill", "sales", *options, "--dry-run", "--json")) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("backfill", "sales", "clean"),
        ("backfill", "launch", "sales", "clean"),
        ("backfill", "sales or clean"),
        ("backfill", "sales+1"),
        ("asset", "backfill", "sales", "clean"),
        ("asset", "backfill", "--asset", "sales", "--asset-key", "clean"),
        ("backfill", "sales", "--asset", "clean"),
        ("backfill", "-f", "definitions.py", "--asset", "sales", "--asset", "clean"),
        ("asset", "backfill", "-m", "definitions", "sales", "clean"),
        ("job", "backfill", "daily"),
    ],
)
def test_assets_are_named_in_many_ways(parts: Headwater, words: tuple[str, ...]):
    plan = parts(*words, "--from", "2024-01-01", "--to", "2024-01-03", "--dry-run", "--json").document["plan"]
    assert [(step["asset"], step["partitions"]["count"]) for step in plan["steps"]] == [("sales", 3), ("clean", 3)]
    assert (plan["total"], plan["run_count"]) == (6, 3)


def test_slices_of_several_dimensions_are_named_by_dimension(parts: Headwater):
    def count(*options: str) -> int:
        document = parts("backfill", "visits", *options, "--dry-run", "--json").document
        return int(document["plan"]["total"])

    assert count("--partition", "region=north,day=2024-01-01...2024-01-05") == 5
    assert count("--partition", "region=north,west") == 62
    assert count("--partition", "2024-01-01|*") == 3
    assert count("--partition", "region=north,day=2024-01-01", "--partition", "2024-01-02|west") == 2


def test_partitions_that_belong_to_those_that_were_named_are_found_by_the_mappings(parts: Headwater):
    answer = parts("backfill", "clean+", "--partition-range", "2024-01-07...2024-01-13", "--dry-run", "--json")
    assert ranges_of(answer, "weekly") == [["2024-01-07", "2024-01-07"]]
    # What is needed and was never made is made as well.
    assert ranges_of(answer, "sales") == [["2024-01-07", "2024-01-13"]]
    without = parts("backfill", "clean", "--no-upstream", "--partition", "2024-01-07", "--dry-run", "--json").document
    assert [step["asset"] for step in without["plan"]["steps"]] == ["clean"]


def test_a_plan_is_shown_and_nothing_done(parts: Headwater, project: Path):
    answer = parts("backfill", "clean", "--dry-run", "--partition-range", "2024-01-05...2024-01-07")
    assert answer.lines == [
        "sales [2024-01-05...2024-01-07] (3)  missing, needed by clean",
        "└─ clean [2024-01-05...2024-01-07] (3)  requested",
        "",
        "2 assets × 3 partitions = 6, in 3 runs",
    ]
    assert not (project / ".headwater").exists()


def test_a_surprising_number_of_partitions_is_warned_of(parts: Headwater, project: Path):
    assert "Warning" not in parts("backfill", "sales", "--dry-run").err
    (project / "pyproject.toml").write_text("[tool.headwater]\nwarn_above = 10\n")
    assert "Warning: 31 partitions would be built" in parts("backfill", "sales", "--dry-run").err
    document = parts("backfill", "sales", "--dry-run", "--json").document
    assert len(document["plan"]["warnings"]) == 1
    assert "Warning: 31 partitions would be built" in parts("backfill", "sales").err


# -------------------------------------------------------------------------------------------------------- what is made


def test_all_partitions_are_made_in_the_order_in_which_they_need_each_other(parts: Headwater):
    answer = parts("backfill", "sales+", "--json")
    assert answer.exit_code == 0, answer.err
    assert answer.document["backfill"]["status"] == "succeeded"
    assert counts_of(answer.document) == {"sales": (31, 31), "clean": (31, 31), "weekly": (3, 3)}
    assert answer.document["failed"] == answer.document["blocked"] == []
    runs = parts("run", "list", "--backfill", "latest", "--limit", "100", "--json").document
    assert runs["total"] == 34


def test_the_end_is_told_in_words(parts: Headwater):
    answer = parts("backfill", "sales", "--to", "2024-01-05", "--title", "five days")
    assert answer.exit_code == 0
    assert "1 asset × 5 partitions, in 5 runs" in answer.err
    sentence = next(line for line in answer.lines if line.startswith("Backfill "))
    assert "(five days) succeeded in " in sentence
    assert sentence.endswith(": 5 of 5.")
    assert any("headwater backfill show " in line for line in answer.lines)


def test_policies_say_how_many_partitions_a_run_takes(parts: Headwater):
    assert parts("backfill", "pairs", "--to", "2024-01-05").exit_code == 0
    assert parts("run", "list", "--json").document["total"] == 3
    assert parts("backfill", "loaded").exit_code == 0
    assert parts("run", "list", "--json").document["total"] == 4


def test_an_asset_without_partitions_is_made_once(parts: Headwater):
    document = parts("backfill", "countries", "pairs", "--to", "2024-01-04", "--json").document
    assert counts_of(document) == {"countries": (1, 1), "pairs": (4, 4)}


def test_config_tags_and_options_are_of_all_its_runs(parts: Headwater):
    config = '{"ops": {"scaled": {"config": {"factor": 7}}}}'
    answer = parts(
        *("backfill", "scaled", "--to", "2024-01-02", "--config", config, "--tag", "why=docs"),
        *("--priority", "3", "--max-concurrent", "2", "--json"),
    )
    told = answer.document["backfill"]
    assert (told["priority"], told["max_concurrent_runs"], told["tags"]) == (3.0, 2, {"why": "docs"})
    shown = parts("run", "show", "latest", "--json").document["run"]
    assert shown["tags"]["why"] == "docs"
    assert parts("asset", "show", "scaled", "--json").exit_code == 0


def test_only_what_is_missing_is_made_and_nothing_when_nothing_is(parts: Headwater):
    parts("backfill", "sales", "--to", "2024-01-10")
    some = parts("backfill", "sales", "--only-missing", "--to", "2024-01-12", "--json").document
    assert counts_of(some) == {"sales": (2, 2)}
    none = parts("backfill", "sales", "--only-missing", "--to", "2024-01-12")
    assert (none.exit_code, none.lines) == (0, ["Nothing to do. All that was asked for has been materialized."])
    document = parts("backfill", "sales", "--only-missing", "--to", "2024-01-12", "--json").document
    assert document["backfill"] is None
    assert "materialized" in document["nothing_to_do"]
    assert len(parts("backfill", "list", "--json").document["backfills"]) == 2


def test_only_what_is_stale_is_made(parts: Headwater):
    parts("backfill", "clean", "--to", "2024-01-03")
    assert "Nothing to do." in parts("backfill", "clean", "--stale").out
    # The same key has another value now, from a run of its own.
    parts("asset", "wipe", "clean", "--partition", "2024-01-02", "--yes")
    assert counts_of(parts("backfill", "clean", "--missing", "--to", "2024-01-03", "--json").document) == {
        "clean": (1, 1)
    }


def test_a_config_that_is_wrong_stops_it_before_anything_is_made(parts: Headwater):
    wrong = '{"ops": {"scaled": {"config": {"factor": "many"}}}}'
    answer = parts("backfill", "scaled", "--config", wrong)
    assert answer.exit_code == 2
    assert "ops.scaled.config.factor" in answer.err
    assert "headwater backfill cancel" in answer.err
    assert parts("run", "list", "--json").document["total"] == 0
    assert "ops.scaled.config.factor" in parts("backfill", "show", "latest").lines[0]
    assert "0 of 31, 31 canceled" in parts("backfill", "cancel", "latest").out


def test_what_failed_is_told_by_cause_and_made_by_a_retry(parts: Headwater, project: Path):
    (project / "broken").write_text("2024-01-03 2024-01-04")
    answer = parts("backfill", "sales+", "--to", "2024-01-13")
    assert answer.exit_code == 1
    assert "failed  sales [2024-01-03]  ValueError: no data, of all days, on 2024-01-03  (run " in answer.out
    assert "headwater backfill retry" in answer.out
    document = parts("backfill", "show", "latest", "--json").document
    told = document["backfill"]
    assert (told["status"], told["failed"], told["blocked"]) == ("failed", 2, 2)
    assert [each["partitions"]["ranges"] for each in document["failed"]] == [
        [["2024-01-03", "2024-01-03"]],
        [["2024-01-04", "2024-01-04"]],
    ]
    assert [(each["asset"], each["partitions"]["ranges"]) for each in document["blocked"]] == [
        ("clean", [["2024-01-03", "2024-01-04"]])
    ]
    plan = parts("backfill", "retry", "latest", "--dry-run", "--json").document["plan"]
    assert [(step["asset"], step["partitions"]["count"]) for step in plan["steps"]] == [("sales", 2), ("clean", 2)]
    (project / "broken").unlink()
    again = parts("backfill", "retry", "latest", "--json").document
    assert again["backfill"]["parent_backfill_id"] == told["backfill_id"]
    assert counts_of(again) == {"sales": (2, 2), "clean": (2, 2)}
    assert again["backfill"]["title"] == f"retry of {told['title']}"
    nothing = parts("backfill", "retry", "latest")
    assert (nothing.exit_code, nothing.lines) == (0, ["Nothing to do. All of the backfill was materialized."])


def test_what_failed_of_a_job_is_made_by_a_retry(parts: Headwater, project: Path):
    (project / "broken").write_text("2024-01-03")
    assert parts("job", "backfill", "daily", "--to", "2024-01-05").exit_code == 1
    (project / "broken").unlink()
    again = parts("backfill", "retry", "latest", "--json").document
    assert again["backfill"]["job"] == "daily"
    assert counts_of(again) == {"sales": (1, 1), "clean": (1, 1)}


def test_only_what_failed_is_made_again(parts: Headwater, project: Path):
    (project / "broken").write_text("2024-01-03")
    assert parts("backfill", "sales", "--to", "2024-01-05").exit_code == 1
    (project / "broken").unlink()
    assert counts_of(parts("backfill", "sales", "--only-failed", "--json").document) == {"sales": (1, 1)}
    nothing = parts("backfill", "sales", "--only-failed")
    assert (nothing.exit_code, nothing.lines) == (0, ["Nothing to do. No last attempt of what was asked for failed."])


# -------------------------------------------------------------------------------------------------- lists and one of them


def test_backfills_are_listed_and_shown(parts: Headwater, project: Path):
    (project / "broken").write_text("2024-01-02")
    parts("backfill", "region", "--title", "all regions")
    parts("backfill", "sales", "--to", "2024-01-03")
    newest, oldest = parts("backfill", "list").lines[1:]
    assert "failed" in newest
    assert "2 of 3" in newest
    assert "all regions" in oldest
    assert "succeeded" in oldest
    assert len(parts("backfill", "list", "--status", "failed", "--json").document["backfills"]) == 1
    assert "No such backfill" in parts("backfill", "list", "--status", "paused").err
    first_id = oldest.split()[0]
    shown = parts("backfill", "show", first_id[:5])
    assert shown.exit_code == 0
    assert "all regions" in shown.lines[0]
    latest = parts("backfill", "show").out
    assert "2 of 3" in latest
    assert "What failed" in latest
    assert "ValueError: no data" in latest
    assert "headwater backfill retry" in latest


def test_an_id_that_is_not_there_names_the_nearest(parts: Headwater):
    empty = parts("backfill", "show", "latest")
    assert (empty.exit_code, "headwater materialize" in empty.err or "headwater backfill" in empty.err) == (2, True)
    parts("backfill", "region", "--title", "all regions")
    found = parts("backfill", "list", "--json").document["backfills"][0]["backfill_id"]
    wrong = found[:-1] + ("0" if found[-1] != "0" else "1")
    for command in ("show", "watch", "pause", "resume", "cancel", "retry"):
        answer = parts("backfill", command, wrong)
        assert answer.exit_code == 2, command
        assert f'There is no backfill "{wrong}".' in answer.err
        assert f"{found[:8]} (all regions, succeeded)" in answer.err
    document = parts("backfill", "show", wrong, "--json").document
    assert document["error"]["exit_code"] == 2


def test_what_has_ended_is_not_paused_resumed_or_canceled(parts: Headwater):
    parts("backfill", "region")
    for command in ("pause", "resume", "cancel"):
        answer = parts("backfill", command, "latest")
        assert answer.exit_code == 2, command
        assert "has ended (succeeded)" in answer.err
        assert "retry" not in answer.err
    assert parts("backfill", "set", "latest", "--priority", "3").exit_code == 2
    assert parts("backfill", "set", "latest").exit_code == 2
    watched = parts("backfill", "watch")
    assert watched.exit_code == 0
    assert "3 of 3" in watched.out


def test_an_asset_that_is_called_as_a_command_is_backfilled_by_launch(parts: Headwater, project: Path):
    text = source().replace("def countries()", "def show()").replace("visits, countries,", "visits, show,")
    (project / "definitions.py").write_text(text)
    assert parts("backfill", "launch", "show").exit_code == 0
    assert parts("backfill", "show", "latest").exit_code == 0


# -------------------------------------------------------------------------------------------------------------- bad input


def refused(answer: Answer, *told: str) -> None:
    assert answer.exit_code == 2, answer.out + answer.err
    for each in told:
        assert each in answer.err, f"{each!r} is not in:\n{answer.err}"
    assert "Traceback" not in answer.err
    assert "did not expect" not in answer.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("sales", "--partition", "2024-01-99"), ("2024-01-99", "2024-01-31")),
        (("region", "--partition", "nort"), ('"nort"', '"north"')),
        (("sales", "--partition", "2023-12-31"), ("2023-12-31",)),
        (("sales", "--partition-range", "2024-01-09...2024-01-02"), ("wrong way round", "2024-01-02...2024-01-09")),
        (("sales", "--partition", "2024-01-09...2024-01-02"), ("wrong way round", "2024-01-02...2024-01-09")),
        (("sales", "--from", "2024-01-09", "--to", "2024-01-02"), ("wrong way round",)),
        (("sales", "region", "--partition-range", "2024-01-02...2024-01-05"), ('"region"', "2024-01-02...2024-01-05")),
        (("visits", "--partition", "regio=north"), ("regio", '"region"')),
        (("visits", "--partition", "region=nort"), ("nort", "north")),
        (("countries", "--partition", "2024-01-02"), ("nothing that is selected is partitioned",)),
        (("salse",), ("salse",)),
        (
            ("invoices",),
            ("nothing to backfill", '"invoices"', "no partitions yet of dynamic", "add_dynamic_partitions"),
        ),
        (("feed",), ('"feed" cannot be backfilled',)),
        (("--asset", "salse"), ('"salse"', '"sales"')),
        (("lst",), ("lst", "headwater backfill list")),
        ((), ()),
        (("sales", "--partition", "2024-01-02", "--all-partitions"), ("--partition, --all-partitions",)),
        (
            ("sales", "--from", "2024-01-02", "--partition-range", "2024-01-02...2024-01-05"),
            ("--partition-range, --from",),
        ),
        (("sales", "--only-missing", "--only-failed"), ("--only-missing and --only-failed",)),
        (("sales", "--only-failed", "--stale"), ("--only-failed and --stale",)),
        (("sales", "--detach", "--here"), ("--detach and --here",)),
        (("sales", "--detach", "--dry-run"), ("--detach and --dry-run",)),
        (("sales", "--location", "etl", "--here"), ("--location and --here",)),
        (("sales", "--detach"), ("headwater serve",)),
        (("sales", "--location", "etl"), ("headwater serve",)),
        (("sales", "--max-concurrent", "0"), ("--max-concurrent",)),
        (("sales", "--tag", "nonsense"), ("KEY=VALUE",)),
        (("sales", "--config", "{nonsense"), ("broken JSON",)),
        (("sales", "--partition", ""), ("empty",)),
        (("sales", "--partition-range", "2024-01-02"), ("FIRST...LAST",)),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(parts: Headwater, options: tuple[str, ...], told: tuple[str, ...]):
    if options:
        refused(parts("backfill", *options), *told)
        document = parts("backfill", *options, "--json").document
        assert document["error"]["exit_code"] == 2
        assert document["error"]["what"]
    else:
        assert parts("backfill").exit_code == 2
        assert parts("backfill", "--json").exit_code == 2
    assert parts("run", "list", "--json").document["total"] == 0
    assert parts("backfill", "list", "--json").document == {"backfills": []}


def test_a_job_of_ops_is_run_for_each_partition(parts: Headwater, project: Path):
    (project / "broken").write_text("2024-01-03")
    answer = parts("job", "backfill", "exporting", "--to", "2024-01-04")
    assert answer.exit_code == 1, answer.err
    assert "1 job × 4 partitions, in 4 runs" in answer.err
    assert "failed  job:exporting [2024-01-03]  ValueError: no data, of all days, on 2024-01-03" in answer.out
    assert ": 3 of 4, 1 failed." in answer.out
    (project / "broken").unlink()
    assert counts_of(parts("backfill", "retry", "latest", "--json").document) == {"job:exporting": (1, 1)}
    assert "Nothing to do." in parts("job", "backfill", "exporting", "--to", "2024-01-04", "--only-missing").out


def test_a_job_that_does_not_exist_or_has_no_partitions_is_refused(parts: Headwater):
    refused(parts("job", "backfill", "dayly"), "dayly", "daily")
    refused(parts("job", "backfill", "nothing_made"), "nothing_made")


def test_a_mapping_that_raises_is_told_with_the_assets_that_it_is_between(parts: Headwater, project: Path):
    (project / "definitions.py").write_text(source(RAISING))
    answer = parts("backfill", "mapped")
    assert answer.exit_code in (1, 2)
    assert "the mapping is broken" in answer.err
    assert "mapped" in answer.err
    assert "region" in answer.err
    assert "did not expect" not in answer.err
    assert "the mapping is broken" in str(parts("backfill", "mapped", "--json").document["error"])
    assert parts("backfill", "list", "--json").document == {"backfills": []}


def test_a_mapping_that_returns_unknown_keys_is_told_with_the_keys(parts: Headwater, project: Path):
    (project / "definitions.py").write_text(source(INVENTING))
    answer = parts("backfill", "mapped", "--partition", "north")
    assert answer.exit_code == 2
    assert "east" in answer.err
    assert "region" in answer.err
    assert "did not expect" not in answer.err
