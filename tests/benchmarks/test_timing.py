"""The comparison that a benchmark prints is arithmetic; here it is checked without timing anything."""

from benchmarks.contenders import Contender
from benchmarks.timing import Comparison, Limit, Timings, in_words, interleave

OURS = Timings("Headwater", (0.03, 0.01, 0.02))
PEER = Timings("Dagster", (1.0, 2.0, 3.0))


def test_contenders_take_turns_and_warm_up_turns_are_not_counted():
    turns: list[str] = []

    def taking(name: str, seconds: float) -> float:
        turns.append(name)
        return seconds

    timings = interleave({"a": lambda: taking("a", 1.0), "b": lambda: taking("b", 2.0)}, runs=2, warm_ups=1)

    assert turns == ["a", "b"] * 3
    assert timings == {"a": Timings("a", (1.0, 1.0)), "b": Timings("b", (2.0, 2.0))}


def test_a_ratio_compares_like_with_like():
    comparison = Comparison("work", OURS, PEER)
    assert round(comparison.ratio_of_minima) == 100
    assert round(comparison.ratio_of_medians) == 100


def test_a_limit_is_kept_or_says_by_how_much_it_is_missed():
    comparison = Comparison("work", OURS, PEER)
    assert Limit(seconds=0.015, part_of_peer=1 / 50).misses(comparison) == ()
    assert Limit(seconds=0.005).misses(comparison) == ("10 ms is over the limit of 5 ms",)
    assert Limit(part_of_peer=1 / 200).misses(comparison) == ("100.0x is under the limit of 200x",)


def test_a_limit_in_seconds_is_for_one_unit():
    comparison = Comparison("work", OURS, PEER, units=10, unit="step")
    assert Limit(seconds=0.001).misses(comparison) == ()


def test_the_table_has_a_line_for_each_contender_and_the_ratio():
    lines = Comparison("work", OURS, PEER, units=10, unit="step").table().splitlines()
    assert lines[0] == "work"
    assert lines[1].split() == ["minimum", "median", "per", "step", "runs"]
    assert lines[2].split() == ["Headwater", "10", "ms", "20", "ms", "1", "ms", "3"]
    assert lines[4].split() == ["times", "as", "fast", "100.0x", "100.0x"]


def test_durations_are_told_in_the_unit_that_suits_them():
    assert [in_words(seconds) for seconds in (2.5, 0.0123, 0.00025, 0.0)] == ["2.5 s", "12.3 ms", "250 µs", "0 µs"]


def test_both_engines_run_the_same_text_but_for_the_import(tmp_path):
    ours = Contender("Headwater", "headwater", tmp_path, tmp_path)
    peer = Contender("Dagster", "dagster", tmp_path, tmp_path)
    for program in ("one_asset", "thousand_assets", "declare_graph", "selection"):
        lines = zip(ours.text_of(program).splitlines(), peer.text_of(program).splitlines(), strict=True)
        assert [pair for pair in lines if pair[0] != pair[1]] == [("import headwater as dg", "import dagster as dg")]
