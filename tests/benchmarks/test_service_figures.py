"""What the benchmarks of the service print is arithmetic on what they measured; nothing is timed here."""

import os

import pytest

from benchmarks.contenders import Contender
from benchmarks.service_figures import Figure, percentile, report
from benchmarks.service_project import Memory, ServedProject


def test_a_figure_is_held_to_its_own_limit_and_not_to_the_peers_value():
    assert Figure("step", 0.002, peer=0.001, at_most=0.003).is_kept
    assert not Figure("step", 0.004, peer=9.0, at_most=0.003).is_kept
    assert not Figure("events a second", 1_999.0, unit="", at_least=2_000).is_kept
    assert Figure("processes", 4).is_kept


def test_each_figure_has_a_line_with_both_values_and_the_verdict(capsys: pytest.CaptureFixture[str]):
    kept = report(
        "work",
        [
            Figure("a step", 0.004, 0.85, at_most=0.003),
            Figure("resident", 132e6, None, "bytes", at_most=200e6),
            Figure("events a second", 2_500.4, 4.5, "", at_least=2_000),
        ],
        ["Dagster: one turn."],
    )
    printed = capsys.readouterr().out.splitlines()
    assert not kept
    assert printed[0].startswith("work  (load ")
    assert printed[2].split() == ["a", "step", "4", "ms", "850", "ms", "at", "most", "3", "ms:", "MISSED"]
    assert printed[3].split() == ["resident", "132.0", "MB", "at", "most", "200.0", "MB:", "kept"]
    assert printed[4].split() == ["events", "a", "second", "2,500", "4.50", "at", "least", "2,000:", "kept"]
    assert printed[5].strip() == "Dagster: one turn."


def test_percentiles_are_values_that_were_measured():
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.95) == 95.0
    assert percentile([7.0], 0.95) == 7.0


def test_memory_sums_processes_and_passes_over_those_that_are_gone():
    alone = Memory.of([os.getpid()])
    assert alone.processes == 1
    assert 0 < alone.pss <= alone.rss
    assert Memory.of([os.getpid(), 2**22 + 1]).processes == 1


def test_the_served_project_is_one_text_for_both_engines(tmp_path):
    ours = Contender("Headwater", "headwater", tmp_path, tmp_path).text_of("served").splitlines()
    theirs = Contender("Dagster", "dagster", tmp_path, tmp_path).text_of("served").splitlines()
    differing = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
    assert differing == [("import headwater as dg", "import dagster as dg")]


def test_the_served_project_runs_and_is_measured_from_outside():
    with ServedProject() as project:
        project.succeeded(project.launch(job_name="everything"))
        assert len(project.first_line.read_text().split()) == 1
        assert project.memory().processes >= 3
        assert project.processor_seconds() > 0
        pid = project.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
