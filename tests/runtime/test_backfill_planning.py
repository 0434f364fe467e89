"""From what is asked for to the groups of a backfill: which partitions are meant, what goes together, what waits for what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import headwater as hw
from headwater.model.backfills import BackfillNeed, BackfillOptions, BackfillRequest
from headwater.model.errors.backfill_requests import (
    NotBuiltHere,
    NothingToBackfill,
    PartitionsNeedEachOther,
    RequestDoesNotMap,
    UnclearBackfillRequest,
    UnknownBackfillMode,
)
from headwater.model.errors.graph import UnknownAsset
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.partitions.mapping import UpstreamPartitionsResult
from headwater.runtime.backfill_planning import PlannedBackfill, planned_backfill

DAYS = hw.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
MONTHS = hw.MonthlyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
REGIONS = hw.StaticPartitionsDefinition(["eu", "us", "asia"])
YESTERDAY = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)


def made(name, partitions_def=None, deps=(), **rest):
    @hw.asset(name=name, partitions_def=partitions_def, deps=deps, **rest)
    def build(): ...

    return build


def fails(name, partitions_def=None, deps=()):
    @hw.asset(name=name, partitions_def=partitions_def, deps=deps)
    def build():
        raise ValueError("no")

    return build


FLIGHTS = hw.Definitions(
    assets=[
        made("raw", DAYS),
        made("clean", DAYS, ["raw"]),
        made("gold", MONTHS, ["clean"]),
        made("total", None, ["gold"]),
        made("running", DAYS, ["clean", hw.AssetDep("running", partition_mapping=YESTERDAY)]),
        made("region", REGIONS),
        hw.AssetSpec("outside"),
    ]
)


@pytest.fixture
def instance() -> Iterator[hw.Instance]:
    with hw.Instance.ephemeral() as made_here:
        yield made_here


def planned(instance: hw.Instance, definitions: hw.Definitions = FLIGHTS, **asked: object) -> PlannedBackfill:
    return planned_backfill(definitions, BackfillRequest(**asked), instance)  # type: ignore[arg-type]


def groups(found: PlannedBackfill) -> dict[str, int]:
    return {" ".join(group.asset_keys): group.size for group in found.plan.groups}


def test_assets_with_the_same_partitions_are_built_by_the_same_runs(instance):
    found = planned(instance, selection="raw or clean or gold or total")
    assert groups(found) == {"raw clean": 365, "gold": 12, "total": 1}
    raw_clean, gold, total = found.plan.groups
    assert [(need.downstream, need.upstream, need.group, need.kind) for need in raw_clean.needs] == [
        ("clean", "raw", 0, BackfillNeed.SAME)
    ]
    assert gold.needs[0].kind is BackfillNeed.LISTED
    assert gold.needs[0].spans is not None
    assert gold.needs[0].spans[:2] == (((0, 31),), ((31, 59),))
    assert total.needs[0].kind is BackfillNeed.ALL
    assert total.partition_keys is None
    assert found.plan.unit_count == 365 + 12 + 1
    assert found.backfill.total == 365 * 2 + 12 + 1
    assert found.backfill.counts["raw"] == {"WAITING": 365}
    assert found.backfill.title == "raw or clean or gold or total"


def test_what_needs_its_own_yesterday_has_runs_of_its_own(instance):
    found = planned(instance, selection="raw or clean or running", partition_range=("2013-01-01", "2013-01-03"))
    assert groups(found) == {"raw clean": 3, "running": 3}
    same, own = found.plan.groups[1].needs
    assert (same.upstream, same.kind) == ("clean", BackfillNeed.SAME)
    assert (own.group, own.spans) == (1, ((), ((0, 1),), ((1, 2),)))


def test_a_range_of_days_means_the_months_which_it_touches(instance):
    found = planned(instance, selection="raw or gold", partition_range=("2013-01-30", "2013-02-02"), upstream=False)
    assert groups(found) == {"raw": 4, "gold": 2}
    assert found.plan.groups[1].partition_keys == ("2013-01-01", "2013-02-01")
    whole = planned(instance, selection="raw or gold", partition_range=("2013-01-01", "2013-12-31"))
    assert groups(whole) == {"raw clean": 365, "gold": 12}
    assert whole.materialization_plan.step(hw.AssetKey("clean")).causes == ("needed",)


def test_a_range_that_several_definitions_have_is_read_upstream(instance):
    found = planned(instance, selection="raw or gold", partition_range=("2013-01-01", "2013-02-01"), upstream=False)
    assert groups(found) == {"raw": 32, "gold": 2}


def test_a_range_of_months_means_their_days_upstream(instance):
    definitions = hw.Definitions(
        assets=[
            made("day", hw.DailyPartitionsDefinition("2013-01-05")),
            made("month", hw.MonthlyPartitionsDefinition("2013-01-01", fmt="%Y-%m"), ["day"]),
        ]
    )
    found = planned(instance, definitions, selection="*", partition_range=("2013-01", "2013-02"))
    assert groups(found) == {"day": 27 + 28, "month": 2}


def test_what_is_needed_and_missing_upstream_is_added(instance):
    found = planned(instance, selection="gold", partition_keys=("2013-02-01",))
    assert groups(found) == {"raw clean": 28, "gold": 1}
    alone = planned(instance, selection="gold", partition_keys=("2013-02-01",), upstream=False)
    assert groups(alone) == {"gold": 1}


def test_a_backfill_policy_says_how_many_partitions_a_run_takes(instance):
    definitions = hw.Definitions(
        assets=[
            made("one", DAYS),
            made("ten", DAYS, ["one"], backfill_policy=hw.BackfillPolicy.multi_run(10)),
            made("whole", DAYS, ["ten"], backfill_policy=hw.BackfillPolicy.single_run()),
        ]
    )
    found = planned(instance, definitions)
    assert [(group.asset_keys, group.chunk) for group in found.plan.groups] == [
        (("one",), 1),
        (("ten",), 10),
        (("whole",), 365),
    ]
    assert found.plan.unit_count == 365 + 37 + 1


def test_an_offset_is_waited_for_by_position_and_only_where_it_is_built(instance):
    definitions = hw.Definitions(
        assets=[made("a", DAYS), made("b", DAYS, [hw.AssetDep("a", partition_mapping=YESTERDAY)])]
    )
    found = planned(instance, definitions, partition_range=("2013-02-01", "2013-02-03"), upstream=False)
    assert found.plan.groups[1].needs[0].spans == ((), ((0, 1),), ((1, 2),))


def test_what_a_multi_asset_cannot_leave_out_goes_together(instance):
    @hw.multi_asset(specs=[hw.AssetSpec("left"), hw.AssetSpec("right", deps=["middle"])], partitions_def=REGIONS)
    def both(): ...

    definitions = hw.Definitions(assets=[both, made("middle", REGIONS), made("after", REGIONS, ["left"])])
    found = planned(instance, definitions, selection="left", partition_keys=("eu",))
    assert groups(found) == {"middle left right": 1}


def test_only_what_failed_is_built_again_with_what_it_blocked(instance):
    definitions = hw.Definitions(assets=[fails("a", REGIONS), made("b", REGIONS, ["a"]), made("c", REGIONS)])
    for region in ("eu", "asia"):
        hw.materialize(definitions.assets, partition_key=region, instance=instance, raise_on_error=False)
    found = planned(instance, definitions, mode="failed")
    assert groups(found) == {"a b": 2}
    assert found.plan.groups[0].partition_keys == ("eu", "asia")
    reasons = [step.reason for step in found.materialization_plan.steps]
    assert reasons == ["failed when last tried", "blocked when last tried"]


def test_only_what_is_missing_is_built_and_looked_at_again_when_its_turn_comes(instance):
    definitions = hw.Definitions(assets=[made("a", REGIONS)])
    hw.materialize(definitions.assets, partition_key="us", instance=instance)
    found = planned(instance, definitions, mode="missing")
    assert found.plan.groups[0].partition_keys == ("eu", "asia")
    assert found.backfill.options.only_missing
    for region in ("eu", "asia"):
        hw.materialize(definitions.assets, partition_key=region, instance=instance)
    with pytest.raises(NothingToBackfill, match="has been materialized"):
        planned(instance, definitions, mode="missing")


def test_partitions_are_read_as_they_are_spelled(instance):
    found = planned(instance, selection="raw", partitions="2013-01-01...2013-01-03, 2013-02-01, 2013-12-30...")
    assert groups(found) == {"raw": 6}
    whole = planned(instance, selection="raw or region", partitions="*")
    assert groups(whole) == {"raw": 365, "region": 3}


def test_no_run_goes_across_a_gap_in_time(instance):
    definitions = hw.Definitions(assets=[made("a", DAYS, backfill_policy=hw.BackfillPolicy.multi_run(3))])
    found = planned(instance, definitions, partitions="2013-01-01...2013-01-04, 2013-02-01...2013-02-02")
    (group,) = found.plan.groups
    assert group.breaks == (4,)
    assert list(group.unit_starts) == [0, 3, 4]
    weekdays = hw.TimeWindowPartitionsDefinition(
        "2013-01-01", "%Y-%m-%d", end="2013-02-01", cron_schedule="0 0 * * *", exclusions=["0 0 * * 6,0"]
    )
    at_once = hw.Definitions(assets=[made("a", weekdays, backfill_policy=hw.BackfillPolicy.single_run())])
    assert planned(instance, at_once).plan.unit_count == 1


def test_keys_can_be_given_for_each_asset(instance):
    found = planned(instance, keys_by_asset={"raw": ("2013-01-05",), "total": ()}, upstream=False)
    assert groups(found) == {"raw": 1, "total": 1}


def test_a_job_builds_its_own_assets_alone(instance):
    definitions = hw.Definitions(assets=FLIGHTS.assets, jobs=[hw.define_asset_job("monthly", "gold")])
    found = planned(instance, definitions, job_name="monthly", partition_keys=("2013-03-01",))
    assert groups(found) == {"gold": 1}
    assert found.backfill.job_name == "monthly"


def test_a_million_partitions_are_planned_at_once(instance):
    windows = hw.TimeWindowPartitionsDefinition(
        "2004-01-01-00:00", "%Y-%m-%d-%H:%M", end="2023-01-06-00:00", cron_schedule="*/10 * * * *"
    )
    found = planned(instance, hw.Definitions(assets=[made("a", windows)]))
    assert found.plan.total == 1_000_080
    assert found.plan.groups[0].partition_keys[0] == "2004-01-01-00:00"
    assert any("1,000,080 partitions would be built" in warning for warning in found.materialization_plan.warnings)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"selection": "raw", "partition_keys": ("2013-02-30",)}, UnknownPartitionError, "2013-02-30"),
        (
            {"selection": "raw", "partition_range": ("2013-02-02", "2013-02-01")},
            UnknownPartitionError,
            "wrong way round",
        ),
        (
            {"selection": "raw or region", "partition_range": ("2013-02-01", "2013-02-02")},
            RequestDoesNotMap,
            '"region"',
        ),
        ({"selection": "raw or region", "partition_keys": ("moon",)}, UnknownPartitionError, "moon"),
        ({"selection": "total", "partition_keys": ("2013-01-01",)}, UnclearBackfillRequest, "nothing that is selected"),
        ({"selection": "outside"}, NotBuiltHere, "outside"),
        ({"asset_keys": ("raw", "outside")}, NotBuiltHere, "outside"),
        ({"asset_keys": ("rw",)}, UnknownAsset, 'Did you mean "raw"'),
        ({"asset_keys": ()}, UnclearBackfillRequest, "empty"),
        ({"partition_keys": ()}, UnclearBackfillRequest, "empty"),
        ({"mode": "mising"}, UnknownBackfillMode, 'Did you mean "missing"'),
        ({"mode": "failed"}, NothingToBackfill, "failed"),
        ({"selection": "raw", "asset_keys": ("raw",)}, UnclearBackfillRequest, "several ways"),
        ({"all_partitions": True, "partition_keys": ("eu",)}, UnclearBackfillRequest, "several ways"),
    ],
)
def test_a_request_that_cannot_be_carried_out_says_why(instance, asked, error, told):
    with pytest.raises(error, match=told) as raised:
        planned(instance, **asked)
    assert raised.value.what
    assert raised.value.fix


def job_of_ops(partitions_def=None, fails_on=()):
    @hw.op
    def work(context: hw.OpExecutionContext):
        if context.has_partition_key and context.partition_key in fails_on:
            raise ValueError("no")

    @hw.job(partitions_def=partitions_def)
    def nightly():
        work()

    return hw.Definitions(jobs=[nightly])


def test_a_job_of_ops_is_run_for_each_of_its_partitions(instance):
    found = planned(instance, job_of_ops(DAYS), job_name="nightly", partitions="2013-01-01...2013-01-03")
    (group,) = found.plan.groups
    assert (group.asset_keys, group.size, group.chunk) == (("job:nightly",), 3, 1)
    assert found.backfill.runs_a_job
    assert found.materialization_plan.steps[0].partition_keys == ("2013-01-01", "2013-01-02", "2013-01-03")


def test_of_a_job_of_ops_what_failed_or_never_succeeded_is_told_by_its_runs(instance):
    definitions = job_of_ops(REGIONS, fails_on=["us"])
    for region in ("eu", "us"):
        definitions.get_job_def("nightly").execute_in_process(
            partition_key=region, instance=instance, raise_on_error=False
        )
    failed = planned(instance, definitions, job_name="nightly", mode="failed")
    assert failed.plan.groups[0].partition_keys == ("us",)
    missing = planned(instance, definitions, job_name="nightly", mode="missing")
    assert missing.plan.groups[0].partition_keys == ("us", "asia")
    assert missing.backfill.estimated_seconds is not None


def test_a_job_of_ops_without_partitions_is_refused(instance):
    with pytest.raises(UnclearBackfillRequest, match="has no partitions"):
        planned(instance, job_of_ops(), job_name="nightly")
    with pytest.raises(UnclearBackfillRequest, match="nothing of it is stale"):
        planned(instance, job_of_ops(DAYS), job_name="nightly", mode="stale")


class Circle(hw.PartitionMapping):
    """Each region needs the next one."""

    def get_upstream_mapped_partitions_result_for_partitions(
        self, subset, downstream_def, upstream_def, current_time=None, store=None
    ):
        keys = upstream_def.get_partition_keys()
        needed = [keys[(keys.index(key) + 1) % len(keys)] for key in subset]
        return UpstreamPartitionsResult(upstream_def.subset_with_partition_keys(needed), upstream_def.empty_subset())

    def get_downstream_partitions_for_partitions(
        self, subset, upstream_def, downstream_def, current_time=None, store=None
    ):
        keys = downstream_def.get_partition_keys()
        return downstream_def.subset_with_partition_keys([keys[keys.index(key) - 1] for key in subset])

    @property
    def description(self):
        return "the next one"


def test_partitions_that_need_each_other_are_refused_unless_one_run_builds_all(instance):
    circular = [hw.AssetDep("round", partition_mapping=Circle())]
    with pytest.raises(PartitionsNeedEachOther, match="round"):
        planned(instance, hw.Definitions(assets=[made("round", REGIONS, circular)]))
    at_once = made("round", REGIONS, circular, backfill_policy=hw.BackfillPolicy.single_run())
    assert planned(instance, hw.Definitions(assets=[at_once])).plan.unit_count == 1


def test_an_unfinished_backfill_of_the_same_partitions_is_named(instance):
    first = planned(instance, selection="raw", partition_range=("2013-01-01", "2013-01-10"), title="ten days")
    instance.store.create_backfill(first.backfill, first.plan, owned=False)
    again = planned(instance, selection="raw or clean", partition_range=("2013-01-08", "2013-01-20"))
    (warning,) = again.materialization_plan.warnings
    assert first.backfill.backfill_id in warning
    assert "ten days" in warning
    assert "3 partitions" in warning
    other = planned(instance, selection="raw", partition_range=("2013-02-08", "2013-02-20"))
    assert other.materialization_plan.warnings == ()


def test_options_and_parent_are_recorded(instance):
    options = BackfillOptions(tags={"team": "data"}, priority=2, max_concurrent_runs=3)
    found = planned(instance, selection="region", options=options, parent_backfill_id="before", location="here")
    assert found.backfill.options == options
    assert (found.backfill.parent_backfill_id, found.backfill.location) == ("before", "here")
