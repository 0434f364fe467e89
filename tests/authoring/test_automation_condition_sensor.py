"""Sensors that stand for automation conditions, as they are declared."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.authoring.asset_decorators import asset
from headwater.authoring.automation_condition_sensor import AutomationConditionSensorDefinition
from headwater.authoring.definitions import Definitions
from headwater.authoring.sensors import DefaultSensorStatus, build_sensor_context
from headwater.graph.selection import AssetSelection
from headwater.model.conditions import AutomationCondition
from headwater.model.errors import CheckError, DefinitionError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.triggers import MissingTriggerContextValue


@asset(group_name="gold")
def orders() -> None: ...


@asset(group_name="silver")
def clicks() -> None: ...


def test_it_says_which_assets_it_looks_after_and_what_their_runs_get() -> None:
    made = AutomationConditionSensorDefinition(
        "gold",
        target="group:gold",
        run_tags={"team": "data", "limits": {"cpu": 2}},
        default_status=DefaultSensorStatus.RUNNING,
        default_condition=AutomationCondition.eager(),
    )
    loaded = Definitions(assets=[orders, clicks], sensors=[made])
    assert made.asset_selection.resolve(loaded.graph) == {orders.key}
    assert made.run_tags == {"team": "data", "limits": '{"cpu":2}'}
    assert made.default_condition == AutomationCondition.eager()
    assert (made.emit_backfills, made.minimum_interval_seconds, made.has_jobs) == (True, 30, False)


@pytest.mark.parametrize("target", ["*", [orders], AssetSelection.all(), ["orders"]])
def test_its_target_is_said_in_any_way_of_selecting(target: Any) -> None:
    made = AutomationConditionSensorDefinition("s", target=target)
    assert orders.key in made.asset_selection.resolve(Definitions(assets=[orders, clicks]).graph)


def test_evaluated_by_hand_it_says_what_it_needs() -> None:
    made = AutomationConditionSensorDefinition("s", target="*")
    with pytest.raises(MissingTriggerContextValue, match=r"build_sensor_context\(repository_def="):
        made.evaluate_tick(build_sensor_context())
    with pytest.raises(MissingTriggerContextValue, match=r"build_sensor_context\(instance="):
        made(build_sensor_context(definitions=Definitions(assets=[orders])))
    with pytest.raises(InvalidInvocationError, match="without the context"):
        made()


def test_an_asset_is_looked_after_by_one_sensor_only() -> None:
    one = AutomationConditionSensorDefinition("one", target="*")
    two = AutomationConditionSensorDefinition("two", target=[orders])
    with pytest.raises(InvalidDefinitionError, match='"two" and sensor "one" both look after "orders"'):
        Definitions(assets=[orders, clicks], sensors=[one, two])


def test_a_target_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    made = AutomationConditionSensorDefinition("s", target="ordes")
    with pytest.raises(DefinitionError, match='Did you mean "orders"'):
        Definitions(assets=[orders], sensors=[made])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"target": None}, InvalidDefinitionError),
        ({"target": 4}, CheckError),
        ({"default_condition": "eager"}, CheckError),
        ({"run_tags": {"a b": "c"}}, InvalidDefinitionError),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        AutomationConditionSensorDefinition("s", **{"target": "*", **options})
