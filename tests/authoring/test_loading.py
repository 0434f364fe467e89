"""Definitions are found in modules: each once, in order, under the keys and groups that were asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headwater.authoring.asset_decorators import asset
from headwater.authoring.asset_job import define_asset_job
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import asset_check
from headwater.authoring.definitions import Definitions
from headwater.authoring.lazy_definitions import definitions
from headwater.authoring.loading import (
    load_asset_checks_from_current_module,
    load_asset_checks_from_modules,
    load_asset_checks_from_package_name,
    load_assets_from_current_module,
    load_assets_from_modules,
    load_assets_from_package_module,
    load_assets_from_package_name,
    load_definitions_from_module,
    load_definitions_from_package_name,
)
from headwater.authoring.multi_assets import multi_asset
from headwater.authoring.ports import AssetIn
from headwater.authoring.schedules import ScheduleDefinition
from headwater.authoring.source_asset import SourceAsset
from headwater.model.conditions import AutomationCondition
from headwater.model.errors import CheckError, InvalidDefinitionError, InvariantViolationError
from headwater.model.errors.graph import DuplicateAssetKey
from headwater.model.errors.loading import ModuleLoadError
from headwater.model.policies import BackfillPolicy
from headwater.model.specs import AssetSpec

IMPORTS = """
from headwater.authoring.asset_decorators import asset
from headwater.authoring.checks import asset_check
from headwater.authoring.definitions import Definitions
from headwater.authoring.loading import load_assets_from_current_module, load_definitions_from_current_module
from headwater.model.specs import AssetSpec
"""


def module_of(name: str, **things: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(things)
    return module


def keys_of(loaded: Sequence[Any]) -> list[str]:
    return [str(thing.key) for thing in loaded]


def deps_of(thing: AssetsDefinition) -> list[str]:
    return [str(key) for key in thing.dependency_keys]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "shop"
    (root / "reports").mkdir(parents=True)
    (root / "__init__.py").write_text("from .sales import orders\n")
    (root / "__main__.py").write_text("raise SystemExit('the command line ran')\n")
    (root / "customers.py").write_text(f"{IMPORTS}\n@asset\ndef customers(): ...\n")
    (root / "sales.py").write_text(
        f"{IMPORTS}\n@asset\ndef returns(orders): ...\n@asset\ndef orders(): ...\n"
        "@asset_check(asset=orders)\ndef some(): ...\n"
    )
    (root / "reports" / "__init__.py").write_text("")
    (root / "reports" / "weekly.py").write_text(f"{IMPORTS}\n@asset\ndef weekly(returns): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield root
    for name in [name for name in sys.modules if name == "shop" or name.startswith("shop.")]:
        del sys.modules[name]


@asset
def zebra() -> int:
    return 1


@asset
def ape(zebra: int) -> int:
    return zebra


@asset_check(asset=ape)
def strong() -> bool:
    return True


FOUND_HERE = keys_of(load_assets_from_current_module())
CHECKS_FOUND_HERE = [str(check.check_key) for check in load_asset_checks_from_current_module()]


def test_the_current_module_gives_what_it_has_defined_so_far_in_the_order_of_definition() -> None:
    assert FOUND_HERE == ["zebra", "ape"]
    assert CHECKS_FOUND_HERE == ["ape:strong"]


def test_a_package_gives_each_asset_once_the_package_first_then_its_modules_by_name(package: Path) -> None:
    expected = ["orders", "customers", "weekly", "returns"]
    assert keys_of(load_assets_from_package_name("shop")) == expected
    assert keys_of(load_assets_from_package_module(sys.modules["shop"])) == expected
    assert [str(check.check_key) for check in load_asset_checks_from_package_name("shop")] == ["orders:some"]


def test_a_module_that_fails_to_import_is_named_and_its_error_is_the_cause(package: Path) -> None:
    (package / "reports" / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ModuleLoadError, match=r'Module "shop.reports.broken" raised ZeroDivisionError') as caught:
        load_assets_from_package_name("shop")
    cause = caught.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    last = cause.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    assert last is not None
    assert last.tb_frame.f_code.co_filename.endswith("broken.py")


def test_a_package_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(ModuleLoadError, match='There is no module "no_such_package"'):
        load_assets_from_package_name("no_such_package")


def test_lists_and_tuples_of_definitions_are_opened_and_other_things_passed_over() -> None:
    module = module_of("several", numbers=[1, 2], pair=(zebra, ape), again=zebra, specs=[AssetSpec("raw")])
    assert keys_of(load_assets_from_modules([module])) == ["zebra", "ape"]
    assert keys_of(load_assets_from_modules([module], include_specs=True)) == ["zebra", "ape", "raw"]


def test_a_key_prefix_moves_the_loaded_assets_and_their_dependencies_among_each_other_only() -> None:
    @asset(deps=["elsewhere", "raw"])
    def cage(ape: int) -> None: ...

    module = module_of("zoo", zebra=zebra, ape=ape, cage=cage, raw=SourceAsset("raw"))
    loaded = load_assets_from_modules([module], key_prefix=["zoo", "animals"], source_key_prefix="lake")
    assert keys_of(loaded) == ["zoo/animals/zebra", "zoo/animals/ape", "zoo/animals/cage", "lake/raw"]
    assert deps_of(loaded[1]) == ["zoo/animals/zebra"]
    assert sorted(deps_of(loaded[2])) == ["elsewhere", "lake/raw", "zoo/animals/ape"]
    assert {name: str(key) for name, key in loaded[2].keys_by_input_name.items()} == {
        "ape": "zoo/animals/ape",
        "elsewhere": "elsewhere",
        "lake_raw": "lake/raw",
    }
    assert keys_of([zebra, ape]) == ["zebra", "ape"]


def test_without_a_source_prefix_sources_keep_their_keys() -> None:
    module = module_of("lake", raw=SourceAsset("raw"), loose=AssetSpec("loose"))
    loaded = load_assets_from_modules([module], key_prefix="zoo", include_specs=True)
    assert keys_of(loaded) == ["raw", "loose"]


def test_a_group_is_given_to_everything_without_one() -> None:
    module = module_of("zoo", zebra=zebra, raw=SourceAsset("raw"), loose=AssetSpec("loose"))
    loaded = load_assets_from_modules([module], group_name="animals", include_specs=True)
    assert loaded[0].get_asset_spec().group_name == "animals"
    assert [thing.group_name for thing in loaded[1:]] == ["animals", "animals"]


def test_an_asset_of_another_group_is_not_moved_into_the_group_that_is_given() -> None:
    @multi_asset(specs=[AssetSpec("x"), AssetSpec("y", group_name="own")])
    def both() -> None: ...

    with pytest.raises(InvalidDefinitionError, match='Asset "y" is in the group "own"'):
        load_assets_from_modules([module_of("m", both=both)], group_name="animals")
    load_assets_from_modules([module_of("m", both=both)], key_prefix="p")


def test_condition_and_policies_are_given_to_every_asset() -> None:
    (loaded,) = load_assets_from_modules(
        [module_of("zoo", zebra=zebra)],
        automation_condition=AutomationCondition.eager(),
        backfill_policy=BackfillPolicy.single_run(),
    )
    assert loaded.automation_conditions_by_key == {zebra.key: AutomationCondition.eager()}
    assert loaded.backfill_policy == BackfillPolicy.single_run()


def test_two_different_definitions_of_one_key_are_refused_with_the_names_of_their_modules() -> None:
    @asset(name="zebra")
    def other() -> None: ...

    with pytest.raises(DuplicateAssetKey, match=r'"zebra".*"first".*"second"'):
        load_assets_from_modules([module_of("first", a=zebra), module_of("second", a=other)])


def test_checks_get_a_prefix_before_the_assets_that_they_check() -> None:
    @asset_check(asset="q", additional_ins={"w": AssetIn("w")}, additional_deps=["d"])
    def sound(q: Any, w: Any) -> bool:
        return True

    (check,) = load_asset_checks_from_modules([module_of("m", sound=sound)], asset_key_prefix="p")
    assert str(check.check_key) == "p/q:sound"
    assert {name: str(key) for name, key in check.keys_by_input_name.items()} == {"q": "p/q", "w": "w"}


@pytest.mark.parametrize("given", [zebra, "shop", ModuleType("m"), [1]])
def test_what_is_no_list_of_modules_is_refused(given: Any) -> None:
    with pytest.raises(CheckError):
        load_assets_from_modules(given)


# -------------------------------------------------------------------------------------------------------- definitions


def test_definitions_of_a_module_are_all_that_stands_in_it() -> None:
    everything = define_asset_job("everything")
    nightly = ScheduleDefinition(job=everything, cron_schedule="0 3 * * *")
    inside = Definitions(assets=[zebra, ape])

    @definitions
    def later() -> Definitions:
        return Definitions(assets=[AssetSpec("late")])

    module = module_of(
        "zoo", zebra=zebra, raw=AssetSpec("raw"), strong=strong, job=everything, nightly=nightly, a=inside, b=later
    )
    loaded = load_definitions_from_module(module, resources={"db": 1})
    loaded.validate()
    assert [str(key) for key in loaded.index.definition_by_key] == ["zebra", "raw", "ape", "late"]
    assert [str(key) for key in loaded.index.definition_by_check] == ["ape:strong"]
    assert [job.name for job in loaded.jobs] == ["everything"]
    assert [schedule.name for schedule in loaded.schedules] == ["everything_schedule"]
    assert loaded.resources == {"db": 1}


def test_loaded_definitions_may_lack_what_others_provide() -> None:
    @asset(required_resource_keys={"db"})
    def stored() -> None: ...

    loaded = load_definitions_from_module(module_of("m", stored=stored))
    merged = Definitions.merge(loaded, Definitions(resources={"db": 1}))
    assert list(map(str, merged.index.definition_by_key)) == ["stored"]


def test_definitions_of_a_package_come_from_all_its_modules(package: Path) -> None:
    loaded = load_definitions_from_package_name("shop")
    loaded.validate()
    assert set(map(str, loaded.index.definition_by_key)) == {"orders", "customers", "weekly", "returns"}


def test_lazy_definitions_are_made_when_they_are_called_and_not_before() -> None:
    calls = []

    @definitions
    def project() -> Definitions:
        calls.append(1)
        return Definitions(assets=[zebra])

    assert calls == []
    assert list(map(str, project().index.definition_by_key)) == ["zebra"]
    assert calls == [1]
    assert not project.has_context_arg


def test_lazy_definitions_may_take_a_context() -> None:
    @definitions
    def project(context: str) -> Definitions:
        return Definitions(assets=[AssetSpec(context)])

    assert project.has_context_arg
    assert list(map(str, project("named").index.definition_by_key)) == ["named"]
    with pytest.raises(InvariantViolationError, match="without the context"):
        project()


def test_lazy_definitions_must_be_a_function_of_at_most_a_context_that_returns_definitions() -> None:
    with pytest.raises(InvariantViolationError, match="more than one parameter"):

        @definitions
        def two(context: Any, other: Any) -> Definitions:
            return Definitions()

    @definitions
    def five() -> Any:
        return 5

    with pytest.raises(InvariantViolationError, match="returned 5"):
        five()
