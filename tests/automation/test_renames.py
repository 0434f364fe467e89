"""What an evaluation remembers of an asset is remembered when the asset is called otherwise."""

from __future__ import annotations

from collections.abc import Callable

import headwater as hw
from headwater.runtime.instance import Instance


def project(source: str, product: str, condition: hw.AutomationCondition) -> hw.Definitions:
    @hw.asset(key=source)
    def one() -> int:
        return 1

    @hw.asset(key=product, deps=[one], automation_condition=condition)
    def two() -> None: ...

    return hw.Definitions(assets=[one, two])


def check(condition: hw.AutomationCondition, build: Callable[[hw.Definitions, Instance], object]) -> list[int]:
    """Evaluate thrice with a rename before the last; return how many requests there were each time."""
    with Instance.ephemeral() as instance:
        before, after = project("a", "b", condition), project("x", "y", condition)
        build(before, instance)
        first = hw.evaluate_automation_conditions(before, instance=instance)
        second = hw.evaluate_automation_conditions(before, instance=instance, cursor=first.cursor)
        instance.move_asset("a", "x")
        instance.move_asset("b", "y")
        third = hw.evaluate_automation_conditions(after, instance=instance, cursor=second.cursor)
        build(after, instance)
        fourth = hw.evaluate_automation_conditions(after, instance=instance, cursor=third.cursor)
        return [each.total_requested for each in (first, second, third, fourth)]


def test_a_rename_is_no_news_to_conditions_that_remember() -> None:
    def build_all(defs: hw.Definitions, instance: Instance) -> None:
        hw.materialize(list(defs.assets or ()), instance=instance)

    always = hw.AutomationCondition.in_latest_time_window()
    assert check(always.newly_true(), build_all) == [1, 0, 0, 0]
    assert check(hw.AutomationCondition.any_deps_match(always.newly_true()), build_all) == [1, 0, 0, 0]
    assert check(hw.AutomationCondition.eager(), build_all)[1:3] == [0, 0]
    assert check(hw.AutomationCondition.data_version_changed(), build_all)[1:3] == [0, 0]


def test_a_sensor_of_several_assets_goes_on_where_it_stood() -> None:
    @hw.multi_asset_sensor(monitored_assets=[hw.AssetKey("x")])
    def follows(context: hw.MultiAssetSensorEvaluationContext) -> None: ...

    with Instance.ephemeral() as instance:
        instance.report_materializations("a")
        last = instance.get_latest_materialization_event(hw.AssetKey("a"))
        assert last is not None
        instance.move_asset("a", "x")
        context = hw.build_multi_asset_sensor_context(
            monitored_assets=[hw.AssetKey("x")],
            instance=instance,
            definitions=hw.Definitions(assets=[hw.AssetsDefinition(specs=[hw.AssetSpec("x")])]),
            cursor=f'{{"a": [{last.storage_id}, null, {{}}]}}',
        )
        assert context.latest_materialization_records_by_key() == {hw.AssetKey("x"): None}
        instance.report_materializations("x")
        assert context.latest_materialization_records_by_key()[hw.AssetKey("x")] is not None
