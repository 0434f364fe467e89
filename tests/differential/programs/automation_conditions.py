"""Automation conditions: what is asked for, evaluation after evaluation, with the cursor of the one before."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from recorder import Recorder, program

DAILY = dg.DailyPartitionsDefinition("2024-01-01")
HOURLY = dg.HourlyPartitionsDefinition("2024-01-01-00:00")
LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])
BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)


def asset(name, condition=None, *upstream, **kwargs):
    @dg.asset(name=name, automation_condition=condition, deps=list(upstream), **kwargs)
    def nothing(): ...

    return nothing


def at(day, hour=0, minute=1, second=0):
    return datetime(2024, 1, day, hour, minute, second, tzinfo=UTC)


class Project:
    """Definitions over time; `step` evaluates and writes down what is asked for."""

    def __init__(self, note, *definitions):
        self.note = note
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor = None
        self.now = at(10, 12)
        self.count = 0
        self.declare(*definitions)

    def declare(self, *definitions):
        checks = [one for one in definitions if isinstance(one, dg.AssetChecksDefinition)]
        assets = [one for one in definitions if not isinstance(one, dg.AssetChecksDefinition)]
        self.defs = dg.Definitions(assets=assets, asset_checks=checks)
        self.keys = [key for one in assets for key in (getattr(one, "keys", None) or [one.key])]

    def step(self, now=None):
        self.now = now or self.now + timedelta(minutes=1)
        result = dg.evaluate_automation_conditions(
            self.defs, self.instance, evaluation_time=self.now, cursor=self.cursor
        )
        self.cursor = result.cursor
        asked = {key.to_user_string(): sorted(map(str, result.get_requested_partitions(key))) for key in self.keys}
        checks = {one.key.name: one.true_subset.size for one in result.results if isinstance(one.key, dg.AssetCheckKey)}
        self.note(
            f"{self.count:02d}",
            {"total": result.total_requested, "checks": checks, **{k: v for k, v in asked.items() if v}},
        )
        self.count += 1

    def build(self, *definitions, partitions=(None,), **kwargs):
        for partition in partitions:
            dg.materialize(
                list(definitions),
                instance=self.instance,
                partition_key=partition,
                raise_on_error=False,
                **kwargs,
            )

    def report(self, event):
        self.instance.report_runless_asset_event(event)


@program
def eager_follows_updates(note: Recorder) -> None:
    a = asset("a")
    b, c = asset("b", dg.AutomationCondition.eager(), "a"), asset("c", dg.AutomationCondition.eager(), "b")
    project = Project(note, a, b, c)
    project.step()
    for built in ([a], [], [b], [c], [a, b, c], [a, b], [a, c], [b]):
        if built:
            project.build(*built)
        project.step()


@program
def eager_waits_for_all_of_what_is_upstream(note: Recorder) -> None:
    a, b = asset("a"), asset("b")
    project = Project(note, a, b, asset("c", dg.AutomationCondition.eager(), "a", "b"))
    for built in (None, a, b, None, a, b):
        if built:
            project.build(built)
        project.step()


@program
def eager_is_not_repeated_after_a_failure(note: Recorder) -> None:
    a = asset("a")

    @dg.asset(deps=[a], automation_condition=dg.AutomationCondition.eager())
    def b():
        raise ValueError("no")

    project = Project(note, a, b)
    for built in (None, a, b, None, a):
        if built:
            project.build(built)
        project.step()


@program
def eager_over_days(note: Recorder) -> None:
    a, b = asset("a", partitions_def=DAILY), asset("b", dg.AutomationCondition.eager(), "a", partitions_def=DAILY)
    c, d = (
        asset("c", dg.AutomationCondition.eager(), partitions_def=DAILY),
        asset("d", dg.AutomationCondition.eager(), "c", partitions_def=DAILY),
    )
    own = asset(
        "own", dg.AutomationCondition.eager(), dg.AssetDep("own", partition_mapping=BEFORE), partitions_def=DAILY
    )
    project = Project(note, a, b, c, d, asset("e", dg.AutomationCondition.eager(), "d"), own)
    project.step(at(10))
    project.build(a, partitions=["2024-01-08", "2024-01-09"])
    project.step()
    project.step(at(11))
    project.build(a, c, partitions=["2024-01-10"])
    project.build(own, partitions=["2024-01-09"])
    project.step()
    project.step()
    project.step(at(13))


@program
def on_cron_waits_for_updates_after_the_tick(note: Recorder) -> None:
    a = asset("a")
    b, c = (
        asset("b", dg.AutomationCondition.on_cron("0 0 * * *"), "a"),
        asset("c", dg.AutomationCondition.on_cron("0 0 * * *"), "b"),
    )
    alone = asset("alone", dg.AutomationCondition.on_cron("0 0 * * *", "America/New_York"))
    project = Project(note, a, b, c, alone)
    project.step(at(10))
    for now, built in ((at(10, 1), a), (at(11), None), (at(11, 1), a), (at(11, 6), b), (at(12), None), (at(13), a)):
        if built:
            project.build(built)
        project.step(now)


@program
def a_tick_on_the_very_second(note: Recorder) -> None:
    project = Project(note, asset("a", dg.AutomationCondition.cron_tick_passed("0 0 * * *")))
    for now in (at(10, 23), at(11, 0, 0), at(11, 0, 1), at(11, 0, 2), at(14)):
        project.step(now)


@program
def on_missing_asks_once(note: Recorder) -> None:
    a, b = (
        asset("a", dg.AutomationCondition.on_missing(), partitions_def=DAILY),
        asset("b", dg.AutomationCondition.on_missing(), "a", partitions_def=DAILY),
    )
    c = asset("c")
    d = asset("d", dg.AutomationCondition.on_missing(), "c")
    project = Project(note, a, b, c, d)
    project.step(at(10))
    project.step(at(11))
    project.step(at(11, 1))
    project.build(c, d)
    project.step(at(12))
    project.instance.wipe_assets([dg.AssetKey("d")])
    project.step(at(12, 1))
    project.step(at(12, 2))


@program
def upstream_partitions_are_mapped(note: Recorder) -> None:
    up = asset("up", partitions_def=HOURLY)
    daily = asset(
        "daily",
        dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()),
        "up",
        partitions_def=DAILY,
    )
    after = dg.AssetDep("daily", partition_mapping=BEFORE)
    project = Project(
        note,
        up,
        daily,
        asset(
            "any", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.missing()), "up", partitions_def=DAILY
        ),
        asset(
            "all",
            dg.AutomationCondition.all_deps_match(dg.AutomationCondition.missing()),
            "up",
            "daily",
            partitions_def=DAILY,
        ),
        asset("whole", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()), "up"),
        asset(
            "after",
            dg.AutomationCondition.any_deps_match(dg.AutomationCondition.missing()),
            after,
            partitions_def=DAILY,
        ),
        asset(
            "after_there",
            dg.AutomationCondition.any_deps_match(~dg.AutomationCondition.missing()),
            after,
            partitions_def=DAILY,
        ),
    )
    project.step(at(4, 0, 5))
    project.build(up, partitions=[f"2024-01-02-{hour:02d}:00" for hour in (0, 7)])
    project.step()
    project.build(daily, partitions=["2024-01-01"])
    project.step()


@program
def the_latest_windows(note: Recorder) -> None:
    definitions = {
        "static": LETTERS,
        "daily": DAILY,
        "ended": dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05"),
        "future": dg.DailyPartitionsDefinition("2025-01-01"),
        "today": dg.DailyPartitionsDefinition("2024-01-01", end_offset=1),
        "both": dg.MultiPartitionsDefinition({"date": DAILY, "letter": LETTERS}),
        "monthly": dg.MonthlyPartitionsDefinition("2023-01-01"),
    }
    lookbacks = {
        "latest": None,
        "hour": timedelta(hours=1),
        "two_days": timedelta(hours=48),
        "more": timedelta(hours=49),
    }
    project = Project(
        note,
        *(
            asset(f"{name}_{which}", dg.AutomationCondition.in_latest_time_window(lookback), partitions_def=definition)
            for name, definition in definitions.items()
            for which, lookback in lookbacks.items()
        ),
    )
    project.step(at(10, 0, 5))


@program
def what_failed(note: Recorder) -> None:
    @dg.asset(automation_condition=dg.AutomationCondition.execution_failed())
    def a():
        raise ValueError("no")

    fails = [True]

    @dg.asset(automation_condition=dg.AutomationCondition.execution_failed(), partitions_def=LETTERS)
    def parts():
        if fails[0]:
            raise ValueError("no")

    b = asset("b", dg.AutomationCondition.execution_failed(), "a")
    project = Project(note, a, b, parts)
    project.step()
    project.build(a, b)
    project.build(parts, partitions=["a", "b"])
    project.step()
    fails[0] = False
    project.build(b)
    project.build(parts, partitions=["a"])
    project.step()


@program
def external_and_observed(note: Recorder) -> None:
    version = ["1"]

    @dg.observable_source_asset
    def source():
        return dg.DataVersion(version[0])

    x = dg.AssetSpec("x")
    project = Project(
        note,
        x,
        source,
        asset("x_missing", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.missing()), "x"),
        asset("x_updated", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()), "x"),
        asset("x_eager", dg.AutomationCondition.eager(), "x"),
        asset("source_missing", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.missing()), "source"),
        asset(
            "source_updated", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()), "source"
        ),
        asset(
            "source_version",
            dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed()),
            "source",
        ),
        asset("nobody", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.missing()), "unknown"),
    )
    project.step()
    project.report(dg.AssetObservation("x"))
    project.report(dg.AssetObservation("source", tags={"dagster/data_version": "1"}))
    project.step()
    project.report(dg.AssetMaterialization("x"))
    project.report(dg.AssetObservation("source", tags={"dagster/data_version": "1"}))
    project.step()
    project.report(dg.AssetObservation("source", tags={"dagster/data_version": "2"}))
    project.step()


@program
def versions(note: Recorder) -> None:
    version = ["1"]

    @dg.asset(automation_condition=dg.AutomationCondition.data_version_changed(), partitions_def=LETTERS)
    def a():
        return dg.Output(1, data_version=dg.DataVersion(version[0]))

    def coded(code_version):
        return asset("coded", dg.AutomationCondition.code_version_changed(), code_version=code_version)

    project = Project(note, a, coded("1"))
    project.build(a, partitions=["a"])
    project.step()
    project.build(a, partitions=["a", "b"])
    project.step()
    version[0] = "2"
    project.build(a, partitions=["b"])
    for code_version in ("1", "2", "2", None, "2"):
        project.declare(a, coded(code_version))
        project.step()


@program
def tags_of_runs(note: Recorder) -> None:
    a = asset("a")
    project = Project(
        note,
        a,
        asset(
            "key", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.executed_with_tags(tag_keys={"k"})), "a"
        ),
        asset(
            "both",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.executed_with_tags(tag_keys={"j"}, tag_values={"k": "1"})
            ),
            "a",
        ),
        asset(
            "any_new",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.any_new_update_has_run_tags(tag_values={"k": "1"})
            ),
            "a",
        ),
        asset(
            "all_new",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.all_new_updates_have_run_tags(tag_values={"k": "1"})
            ),
            "a",
        ),
    )
    project.step()
    for tags in ([{}], [{"k": "1"}], [], [{"k": "1", "j": "2"}], [{"k": "1"}, {}], [{}, {"k": "1"}]):
        for of_run in tags:
            project.build(a, tags=of_run)
        project.step()


@program
def an_update_that_came_with_the_asset(note: Recorder) -> None:
    a = asset("a")
    b = asset("b", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.executed_with_root_target()), "a")
    project = Project(note, a, b)
    project.build(a)
    project.step()
    project.build(a, b)
    project.step()


@program
def checks_of_upstream_assets(note: Recorder) -> None:
    a, passes = asset("a"), [True]

    @dg.asset_check(asset=a, blocking=True)
    def check():
        return dg.AssetCheckResult(passed=passes[0])

    project = Project(
        note,
        a,
        check,
        asset("passed", dg.AutomationCondition.all_deps_blocking_checks_passed(), "a"),
        asset(
            "failed",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed())
            ),
            "a",
        ),
        asset(
            "missing",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.any_checks_match(dg.AutomationCondition.missing())
            ),
            "a",
        ),
        asset(
            "every",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.all_checks_match(~dg.AutomationCondition.missing(), blocking_only=True)
            ),
            "a",
        ),
    )
    project.step()
    project.build(a, check)
    project.step()
    project.build(a)
    project.step()
    passes[0] = False
    project.build(a, check)
    project.step()


@program
def a_check_is_updated(note: Recorder) -> None:
    a = asset("a")

    @dg.asset_check(asset=a)
    def check():
        return dg.AssetCheckResult(passed=True)

    project = Project(
        note,
        a,
        check,
        asset(
            "b",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.any_checks_match(dg.AutomationCondition.newly_updated())
            ),
            "a",
        ),
    )
    project.step()
    project.build(a, check)
    project.step()
    project.step()


@program
def a_check_that_raised(note: Recorder) -> None:
    a = asset("a")

    @dg.asset_check(asset=a)
    def check():
        raise ValueError("no")

    project = Project(
        note,
        a,
        check,
        asset(
            "failed",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.any_checks_match(dg.AutomationCondition.execution_failed())
            ),
            "a",
        ),
        asset(
            "missing",
            dg.AutomationCondition.any_deps_match(
                dg.AutomationCondition.any_checks_match(dg.AutomationCondition.missing())
            ),
            "a",
        ),
    )
    project.step()
    project.build(a, check)
    project.step()


@program
def checks_have_conditions(note: Recorder) -> None:
    a, z = asset("a"), asset("z")

    @dg.asset_check(asset=a, automation_condition=dg.AutomationCondition.eager())
    def eager():
        return dg.AssetCheckResult(passed=True)

    @dg.asset_check(
        asset=a,
        automation_condition=dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()),
        additional_deps=["z"],
    )
    def updated():
        return dg.AssetCheckResult(passed=True)

    @dg.asset_check(asset=a, automation_condition=dg.AutomationCondition.on_cron("0 0 * * *"))
    def on_cron():
        return dg.AssetCheckResult(passed=True)

    project = Project(note, a, z, eager, updated, on_cron)
    project.step(at(10))
    project.build(a)
    project.step(at(10, 1))
    project.step(at(11))
    project.build(a)
    project.step(at(11, 1))
    project.build(z)
    project.step(at(11, 2))


@program
def conditions_of_what_is_downstream(note: Recorder) -> None:
    a, b = (
        asset("a", dg.AutomationCondition.any_downstream_conditions()),
        asset("b", dg.AutomationCondition.any_downstream_conditions(), "a"),
    )
    project = Project(
        note,
        a,
        b,
        asset("c", dg.AutomationCondition.on_cron("0 0 * * *"), "b"),
        asset("d", dg.AutomationCondition.missing(), "b"),
    )
    project.step(at(10))
    project.step(at(11))
    project.build(b)
    project.step(at(11, 1))


@program
def what_will_be_requested(note: Recorder) -> None:
    @dg.multi_asset(
        specs=[dg.AssetSpec("m1", automation_condition=dg.AutomationCondition.missing()), dg.AssetSpec("m2")]
    )
    def both(): ...

    asked = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
    project = Project(
        note,
        both,
        asset("n", asked, "m2"),
        asset("a", dg.AutomationCondition.missing(), partitions_def=DAILY),
        asset("same", asked, "a", partitions_def=DAILY),
        asset("whole", asked, "a"),
        asset("shorter", asked, "a", partitions_def=dg.DailyPartitionsDefinition("2024-01-02")),
        asset("hours", asked, "a", partitions_def=HOURLY),
        asset("after", asked, dg.AssetDep("a", partition_mapping=BEFORE), partitions_def=DAILY),
        asset("all", asked, dg.AssetDep("a", partition_mapping=dg.AllPartitionMapping()), partitions_def=DAILY),
        asset(
            "requested",
            dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_requested()),
            "a",
            partitions_def=DAILY,
        ),
    )
    project.step(at(4))
    project.step(at(4, 1))


@program
def conditions_that_change(note: Recorder) -> None:
    project = Project(
        note, asset("a", dg.AutomationCondition.initial_evaluation() | dg.AutomationCondition.missing().newly_true())
    )
    project.step()
    project.step()
    project.declare(asset("a", dg.AutomationCondition.missing().newly_true() | dg.AutomationCondition.in_progress()))
    project.step()
    project.declare(asset("a", dg.AutomationCondition.eager()))
    project.step()
    kept = dg.AutomationCondition.newly_updated().since(dg.AutomationCondition.cron_tick_passed("0 0 * * *"))
    a = asset("a", kept)
    project.declare(a)
    project.step()
    project.build(a)
    project.step()
    project.declare(asset("a", kept & ~dg.AutomationCondition.in_progress()))
    project.step()


@program
def upstream_assets_are_allowed_and_ignored(note: Recorder) -> None:
    a, b, keys = asset("a", group_name="left"), asset("b"), dg.AssetSelection.assets
    missing = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.missing())
    project = Project(
        note,
        a,
        b,
        asset("allowed", missing.allow(dg.AssetSelection.groups("left")), "a", "b"),
        asset("ignored", missing.ignore(dg.AssetSelection.groups("left")), "a", "b"),
        asset("allowed_twice", missing.allow(keys("b")).allow(keys("a")), "a", "b"),
        asset("ignored_twice", missing.ignore(keys("b")).ignore(keys("a")), "a", "b"),
        asset("eager", dg.AutomationCondition.eager().ignore(keys("b")), "a", "b"),
    )
    project.step()
    project.build(a)
    project.step()


@program
def other_assets_are_asked(note: Recorder) -> None:
    a = asset("a", partitions_def=LETTERS)
    project = Project(
        note,
        a,
        asset(
            "same", dg.AutomationCondition.asset_matches("a", dg.AutomationCondition.missing()), partitions_def=LETTERS
        ),
        asset("whole", dg.AutomationCondition.asset_matches("a", dg.AutomationCondition.newly_updated())),
    )
    project.step()
    project.build(a, partitions=["a"])
    project.step()


@program
def a_condition_of_ones_own(note: Recorder) -> None:
    class EveryOther(dg.AutomationCondition):
        def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
            count = int(context.cursor or 0) + 1
            true = context.candidate_subset if count % 2 else context.get_empty_subset()
            return dg.AutomationResult(context, true, cursor=str(count))

    project = Project(
        note,
        asset("a", EveryOther() & dg.AutomationCondition.missing()),
        asset("b", dg.AutomationCondition.any_deps_match(EveryOther()), "a"),
        asset("c", ~EveryOther(), partitions_def=LETTERS),
    )
    for _ in range(3):
        project.step()


@program
def partitions_that_are_added(note: Recorder) -> None:
    files = dg.DynamicPartitionsDefinition(name="files")
    a, b = (
        asset("a", dg.AutomationCondition.on_missing(), partitions_def=files),
        asset("b", dg.AutomationCondition.eager(), "a", partitions_def=files),
    )
    project = Project(note, a, b)
    project.instance.add_dynamic_partitions("files", ["x"])
    project.step()
    project.instance.add_dynamic_partitions("files", ["y", "z"])
    project.step()
    project.build(a, partitions=["y"])
    project.step()
    project.instance.delete_dynamic_partition("files", "z")
    project.step()


@program
def what_is_asked_of_upstream_assets(note: Recorder) -> None:
    a, b = asset("a"), asset("b")
    conditions = {
        "updated": dg.AutomationCondition.any_deps_updated(),
        "missing": dg.AutomationCondition.any_deps_missing(),
        "in_progress": dg.AutomationCondition.any_deps_in_progress(),
        "since_cron": dg.AutomationCondition.all_deps_updated_since_cron("0 0 * * *"),
        "once": dg.AutomationCondition.any_deps_updated().since_last_handled(),
        "replaced": dg.AutomationCondition.eager().replace(
            "any_deps_updated", dg.AutomationCondition.any_deps_missing()
        ),
    }
    downstream = [asset(name, condition, "a", "b") for name, condition in conditions.items()]
    project = Project(note, a, b, *downstream)
    project.step()
    project.build(a)
    project.step()
    project.build(b)
    project.step()
    project.step()
    project.step(at(11, 0, 1))
    project.build(a, b)
    project.step()
    project.step()
