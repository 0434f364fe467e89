"""Moves, wipes, marks and reports through an instance, with definitions and stored values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors.repair import (
    AssetHasHistory,
    AssetInUse,
    NothingRecorded,
    NotThere,
    RepairError,
    StillDeclared,
    UnknownMaterialization,
)
from headwater.model.events import RunCanceled
from headwater.model.runs import Run
from headwater.runtime.instance import Instance

LETTERS = hw.StaticPartitionsDefinition(["a", "b", "c"])


@pytest.fixture
def instance(tmp_path: Path) -> Any:
    with Instance.open(tmp_path / "home") as opened:
        yield opened


def project(name: str, *, former: tuple[str, ...] = (), version: str = "1") -> hw.Definitions:
    """Two assets and what is made of them; the first two are called `name` and `name`_parts."""

    @hw.asset(
        key=name.split("/"),
        code_version=version,
        former_keys=former,
        check_specs=[hw.AssetCheckSpec("full", asset=name.split("/"))],
    )
    def orders() -> Iterator[Any]:
        yield hw.Output([40, 2])
        yield hw.AssetCheckResult(passed=True)

    @hw.asset(key=f"{name}_parts".split("/"), partitions_def=LETTERS, former_keys=[f"{each}_parts" for each in former])
    def parts(context: hw.AssetExecutionContext) -> str:
        return context.partition_key.upper()

    @hw.asset(ins={"rows": hw.AssetIn(key=name.split("/"))})
    def revenue(rows: list[int]) -> int:
        return sum(rows)

    @hw.asset(ins={"part": hw.AssetIn(key=f"{name}_parts".split("/"))}, partitions_def=LETTERS)
    def lower(part: str) -> str:
        return part.lower()

    @hw.asset(deps=[revenue])
    def report() -> None: ...

    return hw.Definitions(assets=[orders, parts, revenue, lower, report])


def build_all(defs: hw.Definitions, instance: Instance) -> None:
    assets = list(defs.assets or ())
    whole = [each for each in assets if each.partitions_def is None]
    assert hw.materialize(whole, instance=instance).success
    for letter in "abc":
        partitioned = [each for each in assets if each.partitions_def is not None]
        assert hw.materialize(partitioned, instance=instance, partition_key=letter).success


def files_in(instance: Instance) -> list[str]:
    root = instance.storage_dir
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_rename_makes_nothing_stale_and_its_values_are_loaded_under_the_new_key(instance: Instance) -> None:
    build_all(project("orders"), instance)
    after = project("sales/orders")
    moved = instance.move_asset("orders", "sales/orders", definitions=after)
    assert (moved.values, moved.left_with) == (1, None)
    moved = instance.move_asset("orders_parts", "sales/orders_parts", definitions=after)
    assert (moved.values, moved.partitions) == (3, 3)
    assert hw.stale_assets(after, instance=instance) == set()
    plan = hw.plan(after, mode={"stale", "missing"}, instance=instance)
    assert plan.steps == ()
    assert after.load_asset_value(hw.AssetKey(["sales", "orders"]), instance=instance) == [40, 2]
    assert after.load_asset_value(["sales", "orders_parts"], instance=instance, partition_key="b") == "B"
    assert not [name for name in files_in(instance) if name.startswith("orders")]
    result = hw.materialize(list(after.assets or ()), selection="revenue", instance=instance)
    assert result.output_for_node("revenue") == 42


def test_a_former_key_in_the_code_moves_the_history_with_the_next_look(instance: Instance) -> None:
    build_all(project("orders"), instance)
    after = project("sales/orders", former=("orders",))
    assert hw.stale_assets(after, instance=instance) == set()
    assert hw.plan(after, mode="missing", instance=instance).steps == ()
    assert after.load_asset_value(hw.AssetKey(["sales", "orders"]), instance=instance) == [40, 2]
    state = instance.store.asset_state(hw.AssetKey(["sales", "orders"]))
    assert state is not None
    assert state.materialization is not None
    assert state.materialization.asset_key == hw.AssetKey(["sales", "orders"])


def test_a_former_key_moves_the_history_before_a_run(instance: Instance) -> None:
    build_all(project("orders"), instance)
    after = project("sales/orders", former=("orders",))
    build_all(after, instance)
    state = instance.store.asset_state(hw.AssetKey(["sales", "orders"]))
    assert state is not None
    assert state.materialization_count == 2
    assert instance.get_asset_keys(prefix=["orders"]) == []


def test_nothing_moves_while_the_old_key_is_declared_or_the_new_one_has_history(
    instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    build_all(project("orders"), instance)

    @hw.asset
    def orders() -> int:
        return 1

    @hw.asset(former_keys=["orders"])
    def other() -> int:
        return 2

    both = hw.Definitions(assets=[orders, other])
    assert hw.stale_assets(both, instance=instance) is not None
    assert instance.has_asset_key(hw.AssetKey("orders"))
    with pytest.raises(StillDeclared):
        instance.move_asset("orders", "other", definitions=both)
    hw.materialize([other], instance=Instance.ephemeral())
    instance.report_materializations("other")
    alone = hw.Definitions(assets=[other])
    hw.plan(alone, instance=instance)
    assert "nothing was moved" in caplog.text
    assert instance.has_asset_key(hw.AssetKey("orders"))
    with pytest.raises(AssetHasHistory):
        instance.move_asset("orders", "other", definitions=alone)
    instance.wipe_assets([hw.AssetKey("other")])
    hw.plan(alone, instance=instance)
    assert not instance.has_asset_key(hw.AssetKey("orders"))


def test_a_key_that_is_used_again_is_another_asset(instance: Instance) -> None:
    build_all(project("orders"), instance)
    instance.move_asset("orders", "sales/orders")

    @hw.asset
    def orders() -> str:
        return "new"

    after = project("sales/orders")
    defs = hw.Definitions(assets=[*(after.assets or ()), orders])
    assert hw.materialize([orders], instance=instance).success
    assert defs.load_asset_value(["sales", "orders"], instance=instance) == [40, 2]
    assert defs.load_asset_value("orders", instance=instance) == "new"
    assert hw.AssetKey("revenue") not in hw.stale_assets(defs, instance=instance)


def test_a_move_is_tried_without_changing_anything(instance: Instance) -> None:
    build_all(project("orders"), instance)
    before = files_in(instance)
    moved = instance.move_asset("orders_parts", "x/parts", is_dry=True)
    assert (moved.partitions, str(moved.key)) == (3, "x/parts")
    assert files_in(instance) == before
    assert instance.has_asset_key(hw.AssetKey("orders_parts"))
    with pytest.raises(NothingRecorded, match='Did you mean "orders'):
        instance.move_asset("ordrs", "x")
    instance.move_asset("orders_parts", "x/parts")
    with pytest.raises(NothingRecorded, match='is called "x/parts" now'):
        instance.move_asset("orders_parts", "y")
    assert instance.find_current_key("orders_parts") == hw.AssetKey(["x", "parts"])


def test_an_asset_in_use_keeps_its_key_and_its_values(instance: Instance) -> None:
    build_all(project("orders"), instance)
    before = files_in(instance)
    instance.store.create_run(Run("busy", "job", asset_selection=(hw.AssetKey("orders"),), created_at=1.0))
    with pytest.raises(AssetInUse, match="busy"):
        instance.move_asset("orders", "sales/orders")
    assert files_in(instance) == before


def test_an_asset_keeps_its_key_while_a_run_builds_for_the_first_time_what_reads_it(instance: Instance) -> None:
    definitions = project("sales/orders", former=("orders",))
    hw.materialize([project("orders").get_assets_def("orders")], instance=instance)
    instance.store.create_run(Run("busy", "job", asset_selection=(hw.AssetKey("revenue"),), created_at=1.0))
    with pytest.raises(AssetInUse, match="busy"):
        instance.move_asset("orders", "sales/orders", definitions=definitions)
    instance.store.append(RunCanceled(run_id="busy"))
    instance.move_asset("orders", "sales/orders", definitions=definitions)
    assert instance.has_asset_key(hw.AssetKey(["sales", "orders"]))


def test_a_value_made_while_it_is_moved_is_taken_along(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    build_all(project("orders"), instance)

    @hw.asset
    def orders() -> list[int]:
        return [7]

    store = instance.store
    real = type(store).move_assets
    runs: list[int] = []

    def builds_first(self: Any, pairs: Any, attempts: Any = None, *, is_dry: bool = False) -> None:
        if not is_dry and not runs:
            runs.append(1)
            hw.materialize([orders], instance=instance)
        real(self, pairs, attempts, is_dry=is_dry)

    monkeypatch.setattr(type(store), "move_assets", builds_first)
    instance.move_asset("orders", "sales/orders")
    assert project("sales/orders").load_asset_value(["sales", "orders"], instance=instance) == [7]


def test_history_is_found_by_the_old_key_and_the_new(instance: Instance) -> None:
    build_all(project("orders"), instance)
    instance.move_asset("orders", "sales/orders")
    for key in (hw.AssetKey("orders"), hw.AssetKey(["sales", "orders"])):
        page = instance.fetch_materializations(key, limit=10)
        assert [str(record.asset_key) for record in page.records] == ["sales/orders"]
        planned = instance.fetch_planned_materializations(key, limit=10)
        assert [str(record.asset_key) for record in planned.records] == ["sales/orders"]
    filters = hw.EventRecordsFilter(hw.EventType.ASSET_CHECK_EVALUATION, asset_key=hw.AssetKey("orders"))
    assert len(instance.get_event_records(filters)) == 1


# ------------------------------------------------------------------------------------------------------------- wiping


def test_wiping_the_last_materialization_brings_back_the_one_before(instance: Instance) -> None:
    version = ["1"]

    @hw.asset
    def orders() -> str:
        return version[0]

    @hw.asset
    def report(orders: str) -> str:
        return f"{orders}!"

    defs = hw.Definitions(assets=[orders, report])
    hw.materialize([orders, report], instance=instance)
    before = instance.store.asset_state(hw.AssetKey("orders"))
    version[0] = "2"
    hw.materialize([orders], instance=instance)
    assert hw.stale_assets(defs, instance=instance) == {hw.AssetKey("report")}
    latest = instance.get_latest_materialization_event(hw.AssetKey("orders"))
    assert latest is not None
    wiped = instance.wipe_materialization("orders", latest.storage_id)
    assert wiped.event == latest.event
    assert instance.store.asset_state(hw.AssetKey("orders")) == before
    # What is in storage is the wiped value, so that what counts is marked.
    assert hw.stale_assets(defs, instance=instance) == {hw.AssetKey("orders"), hw.AssetKey("report")}
    version[0] = "1"
    hw.materialize([orders], instance=instance)
    assert hw.stale_assets(defs, instance=instance) == set()
    with pytest.raises(UnknownMaterialization):
        instance.wipe_materialization("orders", latest.storage_id)


# -------------------------------------------------------------------------------------------------------------- marks


def test_what_is_marked_as_wrong_is_stale_with_all_that_stands_on_it(instance: Instance) -> None:
    defs = project("orders")
    build_all(defs, instance)
    instance.invalidate("orders", reason="two rows were lost")
    assert hw.stale_assets(defs, instance=instance) == {hw.AssetKey(key) for key in ("orders", "revenue", "report")}
    (step,) = [step for step in hw.plan(defs, mode="stale", instance=instance).steps if str(step.asset_key) == "orders"]
    assert "marked as wrong by hand: two rows were lost" in str(step.reason)
    assert defs.load_asset_value("orders", instance=instance) == [40, 2]
    instance.invalidate("orders", undo=True)
    assert hw.stale_assets(defs, instance=instance) == set()
    instance.invalidate("orders_parts", ["b"])
    assert hw.stale_assets(defs, instance=instance) == {hw.AssetKey("orders_parts"), hw.AssetKey("lower")}
    build_all(defs, instance)
    assert hw.stale_assets(defs, instance=instance) == set()


def test_a_mark_that_cannot_be_meant_is_refused(instance: Instance) -> None:
    build_all(project("orders"), instance)
    with pytest.raises(NothingRecorded, match='Did you mean "orders'):
        instance.invalidate("ordrs")
    with pytest.raises(NotThere, match="zzz"):
        instance.invalidate("orders_parts", ["zzz"])
    with pytest.raises(hw.CheckError, match="letters"):
        instance.invalidate("orders_parts", "abc")


# ------------------------------------------------------------------------------------------------------------ reports


def test_many_partitions_are_reported_at_once_and_staleness_follows_their_versions(instance: Instance) -> None:
    numbers = hw.StaticPartitionsDefinition([f"{number:05}" for number in range(12_000)])
    source = hw.AssetSpec("source", partitions_def=numbers)

    @hw.asset(deps=[source], partitions_def=numbers)
    def copy() -> None: ...

    defs = hw.Definitions(assets=[source, copy])
    keys = numbers.get_partition_keys()
    assert instance.report_materializations("source", keys, data_version="v1", metadata={"by": "loader"}) == 12_000
    hw.materialize(
        [hw.AssetsDefinition(specs=[source]), copy], selection="copy", instance=instance, partition_key="00003"
    )
    assert hw.stale_assets(defs, instance=instance) == set()
    assert instance.report_materializations("source", ["00003"], data_version={"00003": "v2"}) == 1
    assert hw.stale_assets(defs, instance=instance) == {hw.AssetKey("copy")}
    assert len(instance.get_materialized_partitions(hw.AssetKey("source"))) == 12_000


def test_a_report_leaves_it_as_it_was_whether_there_is_a_value(instance: Instance) -> None:
    build_all(project("orders"), instance)
    assert instance.report_materializations("orders_parts", ["a", "new"], data_version="v9") == 2
    states = instance.store.partition_states(hw.AssetKey("orders_parts"))
    values = {key: state.materialization.has_value for key, state in states.items() if state.materialization}
    assert values == {"a": True, "b": True, "c": True, "new": False}
    assert instance.report_materializations("fresh") == 1


def test_a_move_beside_runs_that_build_the_asset_leaves_each_value_with_its_record(tmp_path: Path) -> None:
    from threading import Event, Thread

    @hw.asset
    def orders(context: hw.AssetExecutionContext) -> str:
        return context.run_id

    moved = Event()

    def build_on() -> None:
        with Instance.open(tmp_path / "home") as theirs:
            after = 0
            while after < 3:
                assert hw.materialize([orders], instance=theirs).success
                after += moved.is_set()

    with Instance.open(tmp_path / "home") as ours:
        hw.materialize([orders], instance=ours)
        building = Thread(target=build_on)
        building.start()
        try:
            while not moved.is_set():
                try:
                    ours.move_asset("orders", "sales/orders")
                    moved.set()
                except RepairError:
                    continue
        finally:
            moved.set()
            building.join()
        defs = hw.Definitions(assets=[orders, hw.AssetSpec(["sales", "orders"])])
        for key in (hw.AssetKey("orders"), hw.AssetKey(["sales", "orders"])):
            latest = ours.get_latest_materialization_event(key)
            assert latest is not None
            assert defs.load_asset_value(key, instance=ours) == latest.run_id
