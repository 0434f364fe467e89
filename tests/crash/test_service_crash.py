"""Workers, hosts and servers are killed under load: nothing is lost, nothing lies. The long version is `make soak`."""

from __future__ import annotations

from pathlib import Path

from tests.crash.service_soak import soak


def test_nothing_is_lost_when_workers_hosts_and_servers_are_killed(tmp_path: Path) -> None:
    told = soak(tmp_path / "project", kills=12, seed=7)
    assert not told.lies, f"{told.in_words()}\n" + "\n".join(told.lies)
    assert told.steps > 0
    assert sum(told.kills.values()) == 12


def test_nothing_is_lost_on_postgresql_either(tmp_path: Path, postgres_url: str) -> None:
    told = soak(tmp_path / "project", kills=8, seed=8, environment={"HEADWATER_DATABASE": postgres_url})
    assert not told.lies, f"{told.in_words()}\n" + "\n".join(told.lies)
    assert told.steps > 0
