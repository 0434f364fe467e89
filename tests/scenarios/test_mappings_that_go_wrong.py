"""A mapping of the user's own that raises, or names partitions that there are not: what each part of the system says."""

from __future__ import annotations

from pathlib import Path

import pytest

import headwater as hw
from headwater.model.errors.partition_mapping import PartitionMappingError
from headwater.runtime.staleness import staleness_in
from tests.service.running import RunningService

LETTERS = hw.StaticPartitionsDefinition(["a", "b"])


class Raises(hw.PartitionMapping):
    def upstream_keys_of(self, partition_key):
        raise RuntimeError(f"no idea of {partition_key}")


class Misspells(hw.PartitionMapping):
    def upstream_keys_of(self, partition_key):
        return ["aa"]


def project(mapping):
    eager = hw.AutomationCondition.eager()

    @hw.asset(partitions_def=LETTERS)
    def letters(): ...

    @hw.asset(
        partitions_def=LETTERS, deps=[hw.AssetDep(letters, partition_mapping=mapping)], automation_condition=eager
    )
    def words(): ...

    return hw.Definitions([letters, words])


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (Raises(), 'Raises from "letters" to "words" raised RuntimeError: no idea of a'),
        (Misspells(), '"aa", which is no'),
    ],
)
def test_plans_runs_and_conditions_say_which_mapping_it_was(mapping, told):
    defs = project(mapping)
    with hw.Instance.ephemeral() as instance:
        hw.materialize([defs.get_assets_def("letters")], partition_key="a", instance=instance)
        with pytest.raises(PartitionMappingError, match=told):
            hw.plan(defs, selection="words", partition_key="a", instance=instance)
        with pytest.raises(PartitionMappingError, match=told):
            hw.evaluate_automation_conditions(defs, instance=instance)
        result = hw.materialize(
            defs.assets, selection="words", partition_key="a", instance=instance, raise_on_error=False
        )
        assert not result.success
        (failure,) = result.get_step_failure_events()
        assert told in str(failure.error)
        with pytest.raises(PartitionMappingError, match=told):
            hw.materialize(defs.assets, selection="words", partition_key="a", instance=instance)


def test_what_stands_on_a_mapping_that_went_wrong_is_not_taken_for_fresh():
    with hw.Instance.ephemeral() as instance:
        before = project(hw.IdentityPartitionMapping())
        hw.materialize(before.assets, partition_key="a", instance=instance)
        with pytest.raises(PartitionMappingError, match="no idea of a"):
            staleness_in(project(Raises()), instance)


SOURCE = """
import headwater as hw

letters_def = hw.StaticPartitionsDefinition(["a", "b"])


class Raises(hw.PartitionMapping):
    def upstream_keys_of(self, partition_key):
        raise RuntimeError(f"no idea of {partition_key}")


@hw.asset(partitions_def=letters_def)
def letters(): ...


@hw.asset(partitions_def=letters_def, deps=[hw.AssetDep("letters", partition_mapping=Raises())])
def words(): ...
"""


def test_a_service_outlives_a_mapping_that_raises(tmp_path: Path):
    with RunningService(tmp_path / "project", SOURCE) as service:
        told = service.command("materialize", "words", "--partition", "a", code=2)
        assert 'Raises from "letters" to "words" raised RuntimeError: no idea of a' in told
        assert "headwater/" not in told.replace("headwater/partition", "")
        run = service.ended(service.launch(selection="words", partition_key="a"))
        assert run.status is hw.RunStatus.FAILURE
        assert "no idea of a" in str(service.events(run.run_id))
        assert "succeeded" in service.command("materialize", "letters", "--partition", "a")
