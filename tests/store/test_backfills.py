"""Who carries a backfill out when there are several processes, and when one dies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headwater.model.backfills import BackfillStatus
from headwater.model.errors.backfills import BackfillNotOurs
from headwater.model.errors.store import LeaseLost
from headwater.model.runs import Run, RunStatus
from tests.contracts.backfill_store_contract import MADE, PLAN
from tests.store_places import open_at, place

__all__ = ["place"]


def test_one_that_is_carried_out_is_not_taken_from_its_process(place: str):
    with open_at(place) as first, open_at(place) as second:
        first.create_backfill(MADE, PLAN, owned=True)
        found = second.find_backfill("b1")
        assert found is not None
        assert found.is_owned
        assert not second.adopt_backfill("b1")
        with pytest.raises(BackfillNotOurs):
            second.save_backfill(MADE, b"")
        first.release_backfill("b1")
        assert second.adopt_backfill("b1")
        with pytest.raises(BackfillNotOurs):
            first.save_backfill(MADE, b"")


def test_one_whose_process_has_ended_goes_on_with_another(place: str):
    with open_at(place) as second:
        with open_at(place) as first:
            first.create_backfill(MADE, PLAN, owned=True)
            first.save_backfill(MADE, b"half")
        found = second.find_backfill("b1")
        assert found is not None
        assert not found.is_owned
        assert found.status is BackfillStatus.IN_PROGRESS
        assert second.adopt_backfill("b1")
        assert second.backfill_progress("b1") == b"half"
        second.save_backfill(replace(MADE, status=BackfillStatus.SUCCESS), b"all")


def test_a_lease_that_ended_frees_it(tmp_path: Path):
    now = [1000.0]
    path = str(tmp_path / "store.sqlite")
    with open_at(path, clock=lambda: now[0]) as first, open_at(path, clock=lambda: now[0]) as second:
        first.create_backfill(MADE, PLAN, owned=True)
        assert not second.adopt_backfill("b1")
        now[0] += 1_000_000.0
        assert second.adopt_backfill("b1")
        # Whoever was only taken for dead records no more runs of it.
        with pytest.raises(LeaseLost):
            first.create_runs([(Run("r1", "job", RunStatus.QUEUED), b"")])
