"""An instance remembers runs and assets, answers about them, and never shows as running what is not."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.model.errors import CheckError
from headwater.model.errors.instance import InvalidCursor, NotAnAssetEvent, RunNotFound
from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.errors.store import NotAStore, RunInProgress, StoreClosed, StoreNotWritable
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    Event,
    RunStarted,
    RunSucceeded,
    StepFailed,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.partitions import DynamicPartitionsDefinition, DynamicPartitionsStore, StaticPartitionsDefinition
from headwater.model.results import (
    DATA_VERSION_TAG,
    AssetCheckEvaluation,
    AssetMaterialization,
    AssetObservation,
)
from headwater.model.runs import (
    AssetRecordsFilter,
    EventRecordsFilter,
    EventType,
    Run,
    RunsFilter,
    RunStatus,
)
from headwater.runtime.instance import Instance, instance_for_test
from headwater.runtime.instance_records import AssetPartitionStatus

ORDERS = AssetKey("orders")
REGIONS = StaticPartitionsDefinition(["north", "east", "south", "west"])


@pytest.fixture
def instance(tmp_path: Path):
    with Instance.open(tmp_path / ".headwater") as opened:
        yield opened


def run_to_success(instance: Instance, run_id: str, *events: Event, **about) -> None:
    instance.store.create_run(Run(run_id, about.pop("job_name", "daily"), created_at=1_000.0 + len(run_id), **about))
    instance.store.append(RunStarted(run_id=run_id, timestamp=2_000))
    for event in events:
        instance.store.append(event)
    instance.store.append(RunSucceeded(run_id=run_id, timestamp=2_009))


# ------------------------------------------------------------------------------------------------ where it is


def test_a_home_is_made_and_hides_itself_from_git(tmp_path: Path):
    home = tmp_path / "project" / ".headwater"
    with Instance.open(home) as instance:
        assert not instance.is_ephemeral
        assert instance.logs_dir == home / "logs"
        assert instance.storage_dir == home / "storage"
        assert instance.storage_directory() == str(home / "storage")
        assert instance.root_directory == str(home)
    assert (home / ".gitignore").read_text() == "*\n"


def test_a_directory_that_holds_other_things_is_not_hidden(tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    Instance.open(tmp_path).close()
    assert not (tmp_path / ".gitignore").exists()


def test_what_was_recorded_is_there_when_the_home_is_opened_again(tmp_path: Path):
    with Instance.open(tmp_path) as instance:
        instance.report_runless_asset_event(AssetMaterialization(ORDERS))
    with Instance.open(tmp_path) as again:
        assert again.get_asset_keys() == [ORDERS]


def test_an_ephemeral_instance_makes_a_directory_only_when_one_is_asked_for_and_removes_it():
    instance = Instance.ephemeral()
    assert instance.is_ephemeral
    instance.report_runless_asset_event(AssetMaterialization(ORDERS))
    storage = instance.storage_dir
    (storage / "orders").mkdir(parents=True)
    assert instance.storage_dir == storage
    assert instance.logs_dir.parent == storage.parent
    instance.close()
    assert not storage.parent.exists()


def test_an_instance_that_is_forgotten_leaves_nothing_behind():
    instance = Instance.local_temp()
    home = instance.home
    assert home is not None
    assert home.is_dir()
    instance.report_runless_asset_event(AssetMaterialization(ORDERS))
    del instance
    gc.collect()
    assert not home.exists()


def test_a_program_that_ends_without_closing_leaves_nothing_behind():
    program = (
        "from headwater.runtime.instance import Instance\n"
        "kept, other = Instance.local_temp(), Instance.ephemeral()\n"
        "print(kept.home, other.storage_dir.parent)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert [place for place in ended.stdout.split() if Path(place).exists()] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_leaves_the_directory_to_its_parent():
    program = (
        "import os, sys\n"
        "from headwater.runtime.instance import Instance\n"
        "instance = Instance.local_temp()\n"
        "pid = os.fork()\n"
        "if pid == 0: sys.exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "print(instance.home.is_dir())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"


def test_a_directory_that_was_given_stays(tmp_path: Path):
    with Instance.local_temp(str(tmp_path / "kept")) as instance:
        assert instance.home == tmp_path / "kept"
    assert (tmp_path / "kept").is_dir()
    with Instance.ephemeral(str(tmp_path / "values")) as instance:
        assert instance.storage_dir == tmp_path / "values" / "storage"


def test_an_instance_for_a_test_is_the_one_that_the_rest_of_the_program_gets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    with instance_for_test() as instance:
        instance.report_runless_asset_event(AssetMaterialization(ORDERS))
        with Instance.get() as same:
            assert same.home == instance.home
            assert same.has_asset_key(ORDERS)
    assert "HEADWATER_HOME" not in os.environ
    assert instance.home is not None
    assert not instance.home.exists()


def test_the_instance_of_a_project_is_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    (tmp_path / "pyproject.toml").write_text('[tool.headwater]\nstorage = "values"\n')
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    with Instance.get() as instance:
        assert instance.home == tmp_path / ".headwater"
        assert instance.storage_dir == tmp_path / "values"


def test_a_file_that_is_no_store_is_refused(tmp_path: Path):
    (tmp_path / "store.sqlite").write_text("this is a letter, and a rather long one at that")
    with pytest.raises(NotAStore, match="not an SQLite database"):
        Instance.open(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreNotWritable, match="HEADWATER_HOME"):
        Instance.open(tmp_path / "file" / ".headwater")


def test_a_closed_instance_says_so(tmp_path: Path):
    instance = Instance.open(tmp_path)
    instance.close()
    instance.close()
    with pytest.raises(StoreClosed):
        instance.get_asset_keys()


def test_an_instance_is_not_pickled(instance: Instance):
    with pytest.raises(CheckError, match=r"Instance\.open"):
        pickle.dumps(instance)


# ------------------------------------------------------------------------------------------------ runs


def test_a_run_whose_process_is_gone_is_interrupted_when_the_instance_is_opened(tmp_path: Path):
    program = (
        "import os, sys\n"
        "from headwater.model.events import RunStarted\n"
        "from headwater.model.runs import Run\n"
        "from headwater.runtime.instance import Instance\n"
        "instance = Instance.open(sys.argv[1])\n"
        "instance.store.create_run(Run('lost', 'daily'))\n"
        "instance.store.append(RunStarted(run_id='lost'))\n"
        "instance.store.flush()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    with Instance.open(tmp_path) as instance:
        assert [run.run_id for run in instance.recovered_runs] == ["lost"]
        run = instance.get_run_by_id("lost")
        assert run is not None
        assert run.status is RunStatus.INTERRUPTED


def test_runs_come_newest_first_and_page_by_page(instance: Instance):
    for run_id in ("a", "bb", "ccc"):
        run_to_success(instance, run_id, tags={"team": run_id})
    assert instance.get_run_ids() == ["ccc", "bb", "a"]
    assert instance.get_run_ids(limit=1) == ["ccc"]
    assert instance.get_run_ids(cursor="ccc", limit=1) == ["bb"]
    assert [run.run_id for run in instance.get_runs(ascending=True)] == ["a", "bb", "ccc"]
    assert [run.run_id for run in instance.get_runs(cursor="a", limit=1, ascending=True)] == ["bb"]
    assert [run.run_id for run in instance.get_runs(cursor="none", ascending=True)] == []
    assert instance.get_run_ids(RunsFilter(tags={"team": "bb"})) == ["bb"]
    assert instance.get_runs_count(RunsFilter(statuses=[RunStatus.SUCCESS])) == 3
    assert instance.has_run("a")
    assert instance.get_run_by_id("d") is None


def test_run_records_say_when(instance: Instance):
    run_to_success(instance, "a")
    run_to_success(instance, "bb")
    newest, oldest = instance.get_run_records()
    assert newest.run.run_id == "bb"
    assert newest.storage_id > oldest.storage_id
    assert (newest.start_time, newest.end_time) == (2_000, 2_009)
    assert newest.create_timestamp.timestamp() == 1_002
    assert newest.update_timestamp.timestamp() == 2_009
    assert instance.get_run_record_by_id("a") == oldest
    assert instance.get_run_record_by_id("z") is None


def test_a_run_is_told_in_numbers(instance: Instance):
    run_to_success(
        instance,
        "a",
        StepStarted(run_id="a", step_key="orders"),
        AssetMaterialized(run_id="a", step_key="orders", asset="orders"),
        StepSucceeded(run_id="a", step_key="orders"),
        StepStarted(run_id="a", step_key="report"),
        StepFailed(run_id="a", step_key="report"),
    )
    stats = instance.get_run_stats("a")
    assert (stats.steps_succeeded, stats.steps_failed, stats.materializations) == (1, 1, 1)
    assert (stats.launch_time, stats.start_time, stats.end_time) == (1_001, 2_000, 2_009)
    assert [step.step_key for step in instance.get_run_step_stats("a")] == ["orders", "report"]
    assert [step.step_key for step in instance.get_run_step_stats("a", ["report"])] == ["report"]
    with pytest.raises(RunNotFound, match="headwater run list"):
        instance.get_run_stats("b")


def test_a_deleted_run_takes_its_logs_along_and_leaves_the_assets(instance: Instance):
    run_to_success(instance, "a", AssetMaterialized(run_id="a", asset="orders"))
    said = instance.logs_dir / "a" / "orders.1.jsonl"
    said.parent.mkdir(parents=True)
    said.touch()
    instance.delete_run("a")
    assert instance.get_run_by_id("a") is None
    assert not said.parent.exists()
    assert instance.get_latest_materialization_event(ORDERS) is not None


def test_a_run_in_progress_is_not_deleted(instance: Instance):
    instance.store.create_run(Run("a", "daily"))
    instance.store.append(RunStarted(run_id="a"))
    with pytest.raises(RunInProgress):
        instance.delete_run("a")


def test_tags_are_added_to_a_run(instance: Instance):
    run_to_success(instance, "a", tags={"x": "1"})
    instance.add_run_tags("a", {"y": "2"})
    run = instance.get_run_by_id("a")
    assert run is not None
    assert run.tags == {"x": "1", "y": "2"}


def test_the_events_of_a_run_come_oldest_first_by_type_and_page_by_page(instance: Instance):
    run_to_success(
        instance,
        "a",
        StepStarted(run_id="a", step_key="s"),
        AssetMaterialized(run_id="a", asset="orders"),
        StepSucceeded(run_id="a", step_key="s"),
    )
    kinds = ["RUN_START", "STEP_START", "ASSET_MATERIALIZATION", "STEP_SUCCESS", "RUN_SUCCESS"]
    events = instance.all_logs("a")
    assert [record.event.event_type_value for record in events] == kinds
    chosen = instance.all_logs("a", of_type={EventType.STEP_SUCCESS, EventType.STEP_START})
    assert [record.event.event_type_value for record in chosen] == ["STEP_START", "STEP_SUCCESS"]
    assert len(instance.all_logs("a", EventType.RUN_START)) == 1
    assert instance.logs_after("a", events[2].storage_id) == events[3:]
    first = instance.get_records_for_run("a", limit=3)
    assert (first.records, first.has_more) == (events[:3], True)
    rest = instance.get_records_for_run("a", cursor=first.cursor, limit=3)
    assert (rest.records, rest.has_more) == (events[3:], False)
    assert instance.get_records_for_run("a", ascending=False, limit=1).records == events[-1:]


# ------------------------------------------------------------------------------------------------ assets


def test_materializations_are_fetched_page_by_page_in_both_directions(instance: Instance):
    for number in range(5):
        instance.report_runless_asset_event(AssetMaterialization(ORDERS, metadata={"number": number}))

    def numbers(ascending: bool) -> list[list[int]]:
        pages, cursor, has_more = [], None, True
        while has_more:
            page = instance.fetch_materializations(ORDERS, limit=2, cursor=cursor, ascending=ascending)
            pages.append([record.asset_materialization.metadata["number"].value for record in page.records])
            cursor, has_more = page.cursor, page.has_more
        return pages

    assert numbers(ascending=False) == [[4, 3], [2, 1], [0]]
    assert numbers(ascending=True) == [[0, 1], [2, 3], [4]]


def test_the_cursor_of_an_empty_page_finds_what_comes_later(instance: Instance):
    nothing = instance.fetch_materializations(ORDERS, limit=5, ascending=True)
    assert (nothing.records, nothing.has_more) == ([], False)
    instance.report_runless_asset_event(AssetMaterialization(ORDERS))
    first = instance.fetch_materializations(ORDERS, limit=5, cursor=nothing.cursor, ascending=True)
    assert len(first.records) == 1
    again = instance.fetch_materializations(ORDERS, limit=5, cursor=first.cursor, ascending=True)
    assert (again.records, again.cursor) == ([], first.cursor)


def test_what_is_fetched_can_be_narrowed(instance: Instance):
    for region in ("north", "south", "north"):
        instance.report_runless_asset_event(AssetMaterialization(ORDERS, partition=region))
    instance.report_runless_asset_event(AssetObservation(ORDERS, metadata={"rows": 3}))
    ids = [record.storage_id for record in instance.fetch_materializations(ORDERS, limit=9).records]
    north = instance.fetch_materializations(AssetRecordsFilter(ORDERS, asset_partitions=["north"]), limit=9)
    assert [record.partition_key for record in north.records] == ["north", "north"]
    later = instance.fetch_materializations(
        AssetRecordsFilter(ORDERS, after_storage_id=ids[-1]), limit=9, cursor=str(ids[0])
    )
    assert [record.storage_id for record in later.records] == ids[1:-1]
    (seen,) = instance.fetch_observations(ORDERS, limit=9).records
    assert seen.asset_observation.metadata["rows"].value == 3


def test_a_bad_cursor_and_a_bad_limit_are_told(instance: Instance):
    with pytest.raises(InvalidCursor, match="'yesterday' is not a cursor"):
        instance.fetch_materializations(ORDERS, limit=1, cursor="yesterday")
    with pytest.raises(CheckError, match="limit=1"):
        instance.fetch_materializations(ORDERS, limit=0)


def test_assets_are_listed_in_order_by_prefix_and_page_by_page(instance: Instance):
    sales, stock = AssetKey(["sales", "orders"]), AssetKey(["stock", "levels"])
    for key in (stock, ORDERS, sales):
        instance.report_runless_asset_event(AssetMaterialization(key))
    assert instance.get_asset_keys() == [ORDERS, sales, stock]
    assert instance.get_asset_keys(prefix=["sales"]) == [sales]
    assert instance.get_asset_keys(limit=1) == [ORDERS]
    assert instance.get_asset_keys(cursor="orders", limit=1) == [sales]
    assert instance.has_asset_key(sales)
    assert not instance.has_asset_key(AssetKey("sales"))


def test_the_latest_of_each_asset_is_known(instance: Instance):
    for number in (1, 2):
        instance.report_runless_asset_event(
            AssetMaterialization(ORDERS, "made by hand", {"number": number}, tags={"a": "b", DATA_VERSION_TAG: "v2"})
        )
    instance.report_runless_asset_event(AssetObservation("seen"))
    latest = instance.get_latest_materialization_event(ORDERS)
    assert latest is not None
    assert latest.asset_materialization == AssetMaterialization(
        ORDERS, "made by hand", {"number": 2}, tags={"a": "b", DATA_VERSION_TAG: "v2"}
    )
    both = instance.get_latest_materialization_events([ORDERS, AssetKey("seen")])
    assert both == {ORDERS: latest, AssetKey("seen"): None}
    orders, seen = instance.get_asset_records()
    assert orders.asset_entry.last_materialization == latest
    assert orders.asset_entry.last_materialization_record == latest
    assert seen.asset_entry.last_materialization is None
    assert seen.asset_entry.last_observation_record is not None
    assert instance.get_asset_records([AssetKey("unknown")]) == []


def test_the_code_version_of_the_latest_is_known(instance: Instance):
    run_to_success(instance, "a", AssetMaterialized(run_id="a", asset="orders", code_version="7"))
    unknown = AssetKey("unknown")
    assert instance.get_latest_materialization_code_versions([ORDERS, unknown]) == {ORDERS: "7", unknown: None}


def test_the_data_version_comes_from_a_materialization_else_from_an_observation(instance: Instance):
    def report(kind: type[AssetMaterialization], key: str, version: str) -> int:
        instance.report_runless_asset_event(kind(key, partition="north", tags={DATA_VERSION_TAG: version}))
        (newest,) = instance.get_event_records(EventRecordsFilter(asset_key=AssetKey(key)), limit=1)
        return newest.storage_id

    first = report(AssetMaterialization, "made", "1")
    second = report(AssetMaterialization, "made", "2")
    seen = report(AssetObservation, "seen", "3")
    made, source = AssetKey("made"), AssetKey("seen")

    def id_of(*arguments, **options) -> int | None:
        record = instance.get_latest_data_version_record(*arguments, **options)
        return None if record is None else record.storage_id

    assert id_of(made) == second
    assert id_of(made, partition_key="north") == second
    assert id_of(made, partition_key="south") is None
    assert id_of(made, before_cursor=second) == first
    assert id_of(made, after_cursor=second) is None
    assert id_of(source) == seen
    assert id_of(source, is_source=True) == seen
    assert id_of(source, is_source=False) is None
    assert id_of(made, is_source=True) is None


def test_partitions_are_known_with_their_latest_storage_ids(instance: Instance):
    for region in ("north", "south", "north"):
        instance.report_runless_asset_event(AssetMaterialization(ORDERS, partition=region))
    north_again, south, north = (
        record.storage_id for record in instance.fetch_materializations(ORDERS, limit=9).records
    )
    assert instance.get_materialized_partitions(ORDERS) == {"north", "south"}
    assert instance.get_materialized_partitions(ORDERS, after_cursor=south) == {"north"}
    assert instance.get_materialized_partitions(ORDERS, before_cursor=south) == {"north"}
    assert instance.get_materialized_partitions(ORDERS, before_cursor=north_again, after_cursor=north) == {"south"}
    assert instance.get_latest_storage_id_by_partition(ORDERS) == {"north": north_again, "south": south}
    only = instance.get_latest_storage_id_by_partition(ORDERS, EventType.ASSET_MATERIALIZATION, {"south"})
    assert only == {"south": south}
    with pytest.raises(CheckError, match="ASSET_OBSERVATION"):
        instance.get_latest_storage_id_by_partition(ORDERS, EventType.ASSET_CHECK_EVALUATION)


def test_a_partition_is_materialized_failed_in_progress_or_nothing(instance: Instance):
    for region in ("north", "south"):
        instance.report_runless_asset_event(AssetMaterialization(ORDERS, partition=region))
    run_to_success(
        instance, "a", AssetNotMaterialized(run_id="a", asset="orders", partitions=("south",), outcome="failed")
    )
    one = {"headwater/partition": "east"}
    instance.store.create_run(Run("b", "daily", tags=one, asset_selection=(ORDERS,)))
    statuses = instance.get_status_by_partition(ORDERS, ["north", "south", "east", "west"], REGIONS)
    assert statuses == {
        "north": AssetPartitionStatus.MATERIALIZED,
        "south": AssetPartitionStatus.FAILED,
        "east": AssetPartitionStatus.IN_PROGRESS,
        "west": None,
    }


def test_partitions_of_a_range_are_in_progress_until_each_is_made(instance: Instance):
    tags = {"headwater/asset_partition_range_start": "east", "headwater/asset_partition_range_end": "west"}
    instance.store.create_run(Run("a", "daily", tags=tags, asset_selection=(ORDERS,)))
    instance.store.append(AssetMaterialized(run_id="a", asset="orders", partition="south"))
    statuses = instance.get_status_by_partition(ORDERS, REGIONS.get_partition_keys(), REGIONS)
    assert statuses == {
        "north": None,
        "east": AssetPartitionStatus.IN_PROGRESS,
        "south": AssetPartitionStatus.MATERIALIZED,
        "west": AssetPartitionStatus.IN_PROGRESS,
    }
    assert instance.get_status_by_partition(AssetKey("other"), ["east"], REGIONS) == {"east": None}
    renamed = StaticPartitionsDefinition(["east", "far"])
    assert instance.get_status_by_partition(ORDERS, ["east"], renamed) == {"east": None}


def test_a_check_is_reported_and_found(instance: Instance):
    key = AssetCheckKey(ORDERS, "no_nulls")
    assert instance.get_latest_asset_check_evaluation_record(key) is None
    for passed in (True, False):
        instance.report_runless_asset_event(AssetCheckEvaluation(ORDERS, "no_nulls", passed, {"rows": 3}))
    record = instance.get_latest_asset_check_evaluation_record(key)
    assert record is not None
    assert record.asset_check_evaluation == AssetCheckEvaluation(ORDERS, "no_nulls", False, {"rows": 3})
    assert instance.get_latest_asset_check_evaluation_records([key]) == {key: record}


def test_a_report_leaves_it_as_it_was_whether_there_is_a_value_to_load(instance: Instance):
    run_to_success(instance, "a", AssetMaterialized(run_id="a", asset="orders", has_value=True))
    for key in (ORDERS, AssetKey("outside")):
        instance.report_runless_asset_event(AssetMaterialization(key))
    latest = instance.get_latest_materialization_events([ORDERS, AssetKey("outside")])
    assert [record.event.has_value for record in latest.values() if record is not None] == [True, False]


def test_only_what_is_about_assets_is_reported(instance: Instance):
    with pytest.raises(NotAnAssetEvent, match="AssetMaterialization"):
        instance.report_runless_asset_event("orders")  # type: ignore[arg-type]


def test_wiping_forgets_what_is_now_and_keeps_history(instance: Instance):
    for region in ("north", "south"):
        instance.report_runless_asset_event(AssetMaterialization(ORDERS, partition=region))
    instance.wipe_asset_partitions(ORDERS, ["north"])
    assert instance.get_materialized_partitions(ORDERS) == {"south"}
    instance.wipe_asset_partitions(ORDERS, [])
    assert instance.get_materialized_partitions(ORDERS) == {"south"}
    instance.wipe_assets([ORDERS])
    assert not instance.has_asset_key(ORDERS)
    assert instance.get_latest_materialization_event(ORDERS) is None
    assert len(instance.fetch_materializations(ORDERS, limit=9).records) == 2


# ------------------------------------------------------------------------------------------------ and the rest


def test_dynamic_partitions_are_kept_in_the_order_in_which_they_were_added(instance: Instance):
    assert isinstance(instance, DynamicPartitionsStore)
    instance.add_dynamic_partitions("customers", ["grace", "ada"])
    instance.add_dynamic_partitions("customers", ["ada", "alan"])
    definition = DynamicPartitionsDefinition("customers")
    assert definition.get_partition_keys(dynamic_partitions_store=instance) == ["grace", "ada", "alan"]
    instance.delete_dynamic_partition("customers", "ada")
    assert not instance.has_dynamic_partition("customers", "ada")
    assert instance.get_dynamic_partitions("customers") == ["grace", "alan"]


def test_a_dynamic_partition_that_could_not_be_named_is_refused(instance: Instance):
    with pytest.raises(CheckError, match=r"Write \['ada'\]"):
        instance.add_dynamic_partitions("customers", "ada")
    with pytest.raises(InvalidPartitionsDefinitionError):
        instance.add_dynamic_partitions("customers", ["a...b"])


def test_cursors_outlive_the_process(tmp_path: Path):
    with Instance.open(tmp_path) as instance:
        instance.daemon_cursor_storage.set_cursor_values({"a": "1", "b": "2"})
    with Instance.open(tmp_path) as again:
        assert again.get_cursor_values({"a", "c"}) == {"a": "1"}


def test_old_history_of_successful_runs_is_trimmed_when_an_instance_is_opened_and_once_a_day(tmp_path: Path):
    with Instance.open(tmp_path, retention_days=None) as instance:
        run_to_success(instance, "a", AssetMaterialized(run_id="a", asset="orders"))
        latest = instance.get_latest_materialization_event(ORDERS)
    with Instance.open(tmp_path) as again:
        assert again.all_logs("a") == []
        assert again.has_run("a")
        assert again.get_latest_materialization_event(ORDERS) == latest
        run_to_success(again, "b")
    with Instance.open(tmp_path) as same_day:
        assert len(same_day.all_logs("b")) == 2
