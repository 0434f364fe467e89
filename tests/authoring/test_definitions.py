"""Definitions: what is wrong with a project is found when they are built, all at once, and everything is found by name."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.authoring.resources import MissingResourceError
from headwater.model.errors import (
    DefinitionError,
    DefinitionErrors,
    InvalidDefinitionError,
    InvariantViolationError,
)
from headwater.model.errors.graph import (
    AssetCycle,
    CheckOnUnknownAsset,
    DuplicateAssetKey,
    PartitionsDoNotMap,
    UnknownUpstream,
)


@hw.asset
def orders() -> int:
    return 3


@hw.asset
def sales(orders: int) -> int:
    return 2 * orders


def the_mistake(**arguments: Any) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        hw.Definitions(**arguments)
    error = caught.value
    assert not isinstance(error, DefinitionErrors), error
    assert error.what
    assert error.why
    assert error.fix
    return error


def test_an_upstream_that_nothing_provides_is_found_and_the_nearest_name_offered() -> None:
    @hw.asset
    def total(ordres: int) -> None: ...

    error = the_mistake(assets=[orders, total])
    assert isinstance(error, UnknownUpstream)
    assert 'Did you mean "orders"?' in error.fix


def test_a_circle_is_found_and_its_path_printed() -> None:
    @hw.asset
    def a(c: int) -> None: ...
    @hw.asset
    def b(a: int) -> None: ...
    @hw.asset(deps=[b])
    def c() -> None: ...

    error = the_mistake(assets=[a, b, c])
    assert isinstance(error, AssetCycle)
    assert "a -> b -> c -> a" in error.what


def test_two_assets_of_one_key_are_found_with_the_places_of_both() -> None:
    @hw.asset(name="orders")
    def again() -> None: ...

    error = the_mistake(assets=[orders, again])
    assert isinstance(error, DuplicateAssetKey)
    assert error.what.count("test_definitions.py:") == 2
    assert isinstance(the_mistake(assets=[orders, hw.AssetSpec("orders")]), DuplicateAssetKey)


@hw.success_hook(required_resource_keys={"slack"})
def announce(context: hw.HookContext) -> None: ...


@hw.op(required_resource_keys={"slack"})
def post() -> None: ...


def test_missing_resources_are_found_wherever_they_are_asked_for() -> None:
    class Warehouse(hw.ConfigurableResource):
        path: str

    @hw.asset
    def loaded(warehouse: Warehouse) -> None: ...
    @hw.asset(required_resource_keys={"api"})
    def fetched() -> None: ...
    @hw.asset(io_manager_key="files")
    def stored() -> int:
        return 1

    @hw.asset(ins={"orders": hw.AssetIn(input_manager_key="reader")})
    def read(orders: int) -> None: ...
    @hw.asset(hooks={announce})
    def announced() -> None: ...
    @hw.asset_check(asset="orders", required_resource_keys={"rules"})
    def sound() -> None: ...
    @hw.asset
    def downstream(lake: int) -> None: ...
    @hw.job
    def posting() -> None:
        post()

    @hw.schedule(cron_schedule="@daily", job=posting, required_resource_keys={"calendar"})
    def daily(context: Any) -> None: ...

    lake = hw.AssetSpec("lake").with_io_manager_key("lake_files")
    with pytest.raises(DefinitionErrors) as caught:
        hw.Definitions(
            assets=[orders, loaded, fetched, stored, read, announced, lake, downstream],
            asset_checks=[sound],
            jobs=[posting],
            schedules=[daily],
        )
    missing = [str(error).split(",")[0] for error in caught.value.errors if isinstance(error, MissingResourceError)]
    assert len(missing) == len(caught.value.errors)
    asked = {text.split('"')[1] for text in missing}
    assert asked == {"warehouse", "api", "files", "reader", "slack", "rules", "calendar", "lake_files"}
    hw.Definitions(assets=[hw.asset(name="own", resource_defs={"api": 1}, required_resource_keys={"api"})(lambda: 1)])


def test_partitions_that_do_not_map_are_found() -> None:
    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2024-01-01"))
    def daily() -> None: ...

    @hw.asset(
        partitions_def=hw.StaticPartitionsDefinition(["x"]),
        ins={"daily": hw.AssetIn(partition_mapping=hw.TimeWindowPartitionMapping())},
    )
    def by_letter(daily: Any) -> None: ...

    assert isinstance(the_mistake(assets=[daily, by_letter]), PartitionsDoNotMap)


def test_mistakes_of_checks_are_found() -> None:
    @hw.asset_check(asset="ordres")
    def astray() -> None: ...

    error = the_mistake(assets=[orders], asset_checks=[astray])
    assert isinstance(error, CheckOnUnknownAsset)
    assert 'Did you mean "orders"?' in error.fix

    @hw.asset_check(asset=orders, additional_ins={"prices": hw.AssetIn("prices")})
    def compared(orders: int, prices: int) -> None: ...

    assert 'loads the value of "prices"' in the_mistake(assets=[orders], asset_checks=[compared]).what

    @hw.asset_check(asset=orders, partitions_def=hw.StaticPartitionsDefinition(["x"]))
    def by_part() -> None: ...

    assert "other partitions" in the_mistake(assets=[orders], asset_checks=[by_part]).what

    @hw.asset_check(asset=orders, name="compared")
    def twin() -> None: ...
    @hw.asset_check(asset=orders, name="compared")
    def other_twin() -> None: ...

    assert "is defined twice" in the_mistake(assets=[orders], asset_checks=[twin, other_twin]).what


@hw.job
def nothing_to_do() -> None: ...


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"assets": [len]}, "Put @asset above the function"),
        ({"assets": ["orders"]}, "was given as an asset"),
        ({"assets": orders}, "Write assets=[...]"),
        ({"asset_checks": [orders]}, "was given in asset_checks="),
        ({"jobs": ["nightly"]}, "was given in jobs="),
        ({"schedules": [nothing_to_do]}, "was given in schedules="),
        ({"sensors": [3]}, "was given in sensors="),
        ({"resources": [1]}, 'Write resources={"name": ...}'),
        ({"executor": 3}, "It does not say where steps run"),
        ({"jobs": [hw.define_asset_job("x"), hw.define_asset_job("x", "orders")], "assets": [orders]}, "Two jobs"),
        (
            {
                "schedules": [
                    hw.ScheduleDefinition(name="s", job=nothing_to_do, cron_schedule="@daily"),
                    hw.ScheduleDefinition(name="s", job=nothing_to_do, cron_schedule="@hourly"),
                ]
            },
            "Two schedules",
        ),
        (
            {
                "schedules": [hw.ScheduleDefinition(name="s", job_name="nothing_to_dp", cron_schedule="@daily")],
                "jobs": [nothing_to_do],
            },
            'Did you mean "nothing_to_do"?',
        ),
        (
            {
                "assets": [orders],
                "schedules": [hw.build_schedule_from_partitioned_job(hw.define_asset_job("plain", "orders"))],
            },
            'Job "plain" has no partitions',
        ),
        (
            {
                "assets": [
                    hw.asset(name="a", resource_defs={"r": 1})(lambda: 1),
                    hw.asset(name="b", resource_defs={"r": 2})(lambda: 1),
                ]
            },
            'brings a resource "r"',
        ),
    ],
)
def test_wrong_things_in_definitions_are_refused(arguments: dict[str, Any], says: str) -> None:
    assert says in str(the_mistake(**arguments))


def test_all_mistakes_are_reported_together_and_numbered() -> None:
    @hw.asset
    def total(ordres: int) -> None: ...
    @hw.asset(required_resource_keys={"api"})
    def fetched() -> None: ...

    with pytest.raises(DefinitionErrors) as caught:
        hw.Definitions(assets=[orders, total, fetched, len], jobs=["x"], sensors=[3], resources=[1])  # type: ignore[arg-type]
    assert len(caught.value.errors) == 6
    assert all(f"  {number}. " in str(caught.value) for number in range(1, 7))


def test_a_part_may_lack_what_others_bring_and_the_whole_may_not() -> None:
    part = hw.Definitions(assets=[sales], is_part=True)
    assert hw.Definitions.merge(part, hw.Definitions(assets=[orders])).get_assets_def("sales").key == sales.key
    with pytest.raises(UnknownUpstream):
        hw.Definitions.merge(part)
    assert hw.Definitions.merge_unbound_defs(part).is_part
    with pytest.raises(UnknownUpstream):
        hw.Definitions.validate_loadable(part)


def test_merging_keeps_one_of_each_and_refuses_two_for_one_name() -> None:
    shared = hw.Definitions(assets=[orders], resources={"r": 1})
    merged = hw.Definitions.merge(shared, hw.Definitions(assets=[orders], resources={"r": 1, "s": 2}))
    assert list(merged.assets) == [orders]
    assert merged.resources == {"r": 1, "s": 2}
    with pytest.raises(InvariantViolationError, match='bring a different resource "r"'):
        hw.Definitions.merge(shared, hw.Definitions(resources={"r": 2}))
    with pytest.raises(InvariantViolationError, match="different executors"):
        hw.Definitions.merge(
            hw.Definitions(executor=hw.in_process_executor), hw.Definitions(executor=hw.multiprocess_executor)
        )


def test_lists_of_lists_are_opened() -> None:
    defs = hw.Definitions(assets=[[orders], (sales, [hw.AssetSpec("lake")])])
    assert {str(key) for key in defs.resolve_all_asset_keys()} == {"orders", "sales", "lake"}


def test_a_parameter_finds_the_asset_of_its_name_in_the_same_group() -> None:
    @hw.asset(name="raw", key_prefix="lake", group_name="g")
    def in_the_lake() -> int:
        return 1

    @hw.asset(group_name="g")
    def clean(raw: int) -> int:
        return raw

    defs = hw.Definitions(assets=[in_the_lake, clean])
    assert defs.graph.parents(hw.AssetKey("clean")) == (hw.AssetKey(["lake", "raw"]),)


def test_jobs_and_assets_of_schedules_and_sensors_belong_to_the_project() -> None:
    @hw.op
    def one() -> int:
        return 1

    @hw.graph
    def counting() -> Any:
        return one()

    nightly = hw.define_asset_job("nightly", selection="orders")

    @hw.sensor(job=nightly)
    def watching(context: hw.SensorEvaluationContext) -> None: ...

    defs = hw.Definitions(
        schedules=[
            hw.ScheduleDefinition(name="a", job=counting, cron_schedule="@daily"),
            hw.ScheduleDefinition(name="b", job=counting, cron_schedule="@hourly"),
            hw.ScheduleDefinition(name="c", target=[orders], cron_schedule="@hourly"),
        ],
        sensors=[watching],
    )
    assert {job.name for job in defs.get_all_job_defs()} >= {"counting", "nightly"}
    assert defs.get_assets_def("orders") is orders
    assert defs.get_sensor_def("watching") is watching


def test_a_schedule_of_a_partitioned_asset_job_is_handed_out_resolved() -> None:
    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2024-01-01"))
    def daily() -> None: ...

    schedule = hw.build_schedule_from_partitioned_job(hw.define_asset_job("each_day", "daily"))
    defs = hw.Definitions(assets=[daily], schedules=[schedule])
    assert defs.resolve_schedule_def("each_day_schedule").cron_schedule == "0 0 * * *"


def test_what_is_looked_up_by_a_wrong_name_offers_the_nearest() -> None:
    defs = hw.Definitions(
        assets=[orders],
        jobs=[hw.define_asset_job("nightly")],
        schedules=[hw.ScheduleDefinition(name="at_night", job_name="nightly", cron_schedule="@daily")],
    )
    for look_up, near in (
        (lambda: defs.get_assets_def("order"), "orders"),
        (lambda: defs.get_job_def("nigthly"), "nightly"),
        (lambda: defs.get_schedule_def("at_nihgt"), "at_night"),
    ):
        with pytest.raises(InvariantViolationError, match=f'Did you mean "{near}"'):
            look_up()
    with pytest.raises(InvariantViolationError, match="The sensors are: none"):
        defs.get_sensor_def("x")


def test_a_job_of_assets_with_different_partitions_is_refused() -> None:
    @hw.asset(partitions_def=hw.StaticPartitionsDefinition(["a", "b"]))
    def lettered() -> None: ...

    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2024-01-01"))
    def daily() -> None: ...

    @hw.asset
    def whole() -> None: ...

    assets = [lettered, daily, whole]
    fine = hw.Definitions(assets=assets, jobs=[hw.define_asset_job("letters", ["lettered", "whole"])])
    assert fine.resolve_job_def("letters").partitions_def == hw.StaticPartitionsDefinition(["a", "b"])
    with pytest.raises(hw.InvalidDefinitionError, match=r'"letters" selects "daily", .* and "lettered"'):
        hw.Definitions(assets=assets, jobs=[hw.define_asset_job("letters")]).resolve_job_def("letters")


def test_specs_are_mapped_where_a_selection_says_so() -> None:
    defs = hw.Definitions(assets=[orders, sales, hw.AssetSpec("lake")])
    changed = defs.map_asset_specs(func=lambda spec: spec.merge_attributes(tags={"x": "y"}), selection="orders+")
    assert {str(spec.key): dict(spec.tags) for spec in changed.get_all_asset_specs()} == {
        "orders": {"x": "y"},
        "sales": {"x": "y"},
        "lake": {},
    }


def test_multi_assets_that_can_be_built_apart_are_known_to_the_graph() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("x"), hw.AssetSpec("y")], can_subset=True)
    def apart() -> None: ...
    @hw.multi_asset(specs=[hw.AssetSpec("v"), hw.AssetSpec("w")])
    def together() -> None: ...

    graph = hw.Definitions(assets=[apart, together]).graph
    assert graph.execution_set(hw.AssetKey("x")) == {hw.AssetKey("x")}
    assert graph.execution_set(hw.AssetKey("v")) == {hw.AssetKey("v"), hw.AssetKey("w")}
    assert len(graph.get_all_asset_keys()) == 4


def test_a_mistake_is_an_invalid_definition_for_those_who_catch_it() -> None:
    assert issubclass(DefinitionErrors, InvalidDefinitionError)
