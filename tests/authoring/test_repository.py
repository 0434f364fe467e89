"""A repository is what its function returned, found by name; functions in it are called when their job is asked for."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import DefinitionErrors, InvalidDefinitionError, InvariantViolationError


@hw.op
def say() -> str:
    return "said"


@hw.job
def speaking() -> None:
    say()


@hw.graph
def drawn() -> None:
    say()


@hw.asset
def raw() -> int:
    return 1


@hw.asset
def clean(raw: int) -> int:
    return raw + 1


@hw.asset_check(asset=clean)
def positive(clean: int) -> bool:
    return clean > 0


@hw.schedule(cron_schedule="0 6 * * *", job=speaking)
def at_six() -> dict[str, Any]:
    return {}


@hw.sensor(job=speaking)
def watching() -> hw.SkipReason:
    return hw.SkipReason("nothing new")


nightly = hw.ScheduleDefinition(name="nightly", job=hw.define_asset_job("cleaning", ["clean"]), cron_schedule="@daily")


def test_a_repository_holds_what_its_list_holds_in_nested_lists_too():
    @hw.repository
    def shop() -> list[Any]:
        """Told to whoever reads the code."""
        return [speaking, drawn, [raw, [clean]], positive, at_six, watching, nightly]

    assert isinstance(shop, hw.RepositoryDefinition)
    assert shop() is shop
    assert (shop.name, shop.description) == ("shop", None)
    assert set(shop.job_names) == {"speaking", "drawn", "cleaning", "__ASSET_JOB"}
    assert [job.name for job in shop.get_all_jobs()] == ["__ASSET_JOB", "cleaning", "drawn", "speaking"]
    assert [schedule.name for schedule in shop.schedule_defs] == ["at_six", "nightly"]
    assert shop.has_sensor_def("watching")
    assert not shop.has_schedule_def("at_seven")
    assert set(map(str, shop.assets_defs_by_key)) == {"raw", "clean"}
    assert [str(key) for key in shop.asset_checks_defs_by_key] == ["clean:positive"]


def test_a_job_of_a_repository_runs():
    shop = hw.repository(name="shop")(lambda: [raw, clean, hw.define_asset_job("all_of_it")])
    result = shop.get_job("all_of_it").execute_in_process()
    assert result.output_for_node("clean") == 2
    part = shop.get_maybe_subset_job_def("all_of_it", asset_selection={hw.AssetKey("raw")})
    assert part.asset_keys == {hw.AssetKey("raw")}


def test_a_name_that_is_not_there_is_told_with_the_nearest():
    shop = hw.repository(name="shop")(lambda: [speaking, at_six])
    with pytest.raises(InvariantViolationError, match='Did you mean "speaking"'):
        shop.get_job("speeking")
    with pytest.raises(InvariantViolationError, match='Did you mean "at_six"'):
        shop.get_schedule_def("at_sixx")


def test_all_that_is_wrong_with_a_list_is_told_at_once():
    with pytest.raises(DefinitionErrors) as raised:
        hw.repository(name="shop")(lambda: [3, [speaking, "four"], hw.asset(name="x", deps=["y"])(lambda z: z)])
    told = str(raised.value)
    assert "has 3 at [0]" in told
    assert "has 'four' at [1][1]" in told
    assert '"z"' in told


def test_a_function_in_a_dict_is_called_when_its_job_is_asked_for():
    called: list[str] = []

    def make(name: str) -> hw.JobDefinition:
        called.append(name)
        return drawn.to_job(name=name)

    shop = hw.repository(name="shop")(
        lambda: {"jobs": {"speaking": speaking, "late": lambda: make("late"), "later": lambda: make("later")}}
    )
    assert called == []
    assert shop.has_job("late")
    assert shop.get_job("late").name == "late"
    assert shop.get_job("late").execute_in_process().success
    assert called == ["late"]
    shop.load_all_definitions()
    assert called == ["late", "later"]
    assert shop.job_names == ["speaking", "late", "later"]


def test_a_function_that_makes_a_job_of_another_name_is_refused_with_all_others():
    shop = hw.repository(name="shop")(lambda: {"jobs": {"one": lambda: speaking, "two": lambda: 3}})
    with pytest.raises(InvalidDefinitionError, match='one that is called "speaking"'):
        shop.get_job("one")
    with pytest.raises(DefinitionErrors) as raised:
        shop.load_all_definitions()
    assert "of the type int" in str(raised.value)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ({"jbos": {}}, 'Did you mean "jobs"'),
        ({"jobs": [speaking]}, "stand under their names"),
        ({"jobs": {"x": speaking}}, 'called "speaking"'),
        ({"schedules": {"speaking": speaking}}, "not a schedule"),
        (None, "Return a list"),
        ([hw.Definitions()], "Return its parts"),
    ],
)
def test_what_a_repository_cannot_hold_is_refused(returned: object, told: str):
    with pytest.raises(InvalidDefinitionError, match=told):
        hw.repository(name="shop")(lambda: returned)


def test_the_default_executor_and_loggers_are_for_jobs_without_them():
    shop = hw.repository(
        name="shop",
        description="A shop.",
        metadata={"floor": 2},
        default_executor_def=hw.in_process_executor,
        default_logger_defs={"lines": hw.json_console_logger},
    )(lambda: {"jobs": {"speaking": speaking}})
    job = shop.get_job("speaking")
    assert job.executor_def is hw.in_process_executor
    assert list(job.loggers) == ["lines"]
    assert shop.description == "A shop."
    assert shop.metadata["floor"].value == 2


def test_a_class_may_say_what_a_repository_holds():
    class Shop(hw.RepositoryData):
        def get_all_jobs(self) -> list[hw.JobDefinition]:
            return [speaking]

        def get_top_level_resources(self) -> dict[str, Any]:
            return {"till": 5, "bank": {"password": hw.EnvVar("PASSWORD"), "user": "me"}}

    shop = hw.repository(name="shop")(lambda: Shop())
    assert shop.job_names == ["speaking"]
    assert shop.get_top_level_resources().keys() == {"till", "bank"}
    assert shop.get_env_vars_by_top_level_resource() == {"bank": {"PASSWORD"}}


def test_definitions_are_a_repository_too():
    definitions = hw.Definitions(assets=[raw, clean], jobs=[speaking], metadata={"team": "core"})
    shop = definitions.get_repository_def()
    assert shop.definitions is definitions
    assert shop.job_names == ["speaking", "__ASSET_JOB"]
    assert shop.metadata["team"].value == "core"
    assert {job.name for job in definitions.resolve_all_job_defs()} == {"speaking", "__ASSET_JOB"}
    whole = definitions.resolve_implicit_job_def_def_for_assets([hw.AssetKey("raw")])
    assert whole is not None
    assert shop.get_implicit_job_def_for_assets([hw.AssetKey("raw")]) is whole
    assert shop.get_implicit_job_def_for_assets([hw.AssetKey("elsewhere")]) is None


def test_several_repositories_of_one_module_are_made_from_the_arguments_of_definitions():
    shop = hw.create_repository_using_definitions_args("shop", assets=[raw], resources={"till": 5})
    with hw.Instance.ephemeral() as instance:
        shop.get_implicit_global_asset_job_def().execute_in_process(instance=instance)
        assert shop.load_asset_value("raw", instance=instance) == 1
    assert shop.get_top_level_resources().keys() == {"till"}
