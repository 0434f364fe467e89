"""Checks: beside an asset, inside it, blocking, over several assets, and how they come out."""

import dagster as dg
from recorder import Recorder, program


@dg.asset
def orders():
    return [10, 20, -5]


@program
def a_check_reads_the_value_and_tells_metadata(note: Recorder) -> None:
    @dg.asset_check(asset=orders, description="no negative amounts")
    def positive(orders):
        bad = [each for each in orders if each < 0]
        return dg.AssetCheckResult(passed=not bad, metadata={"bad": len(bad)}, description="counted")

    result = dg.materialize([orders, positive])
    note.run("run", result)
    note("key", positive.check_key)


@program
def a_check_may_only_warn(note: Recorder) -> None:
    @dg.asset_check(asset=orders)
    def few(orders):
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    note.run("run", dg.materialize([orders, few]))


@program
def a_check_may_return_a_plain_bool(note: Recorder) -> None:
    @dg.asset_check(asset="orders")
    def some() -> bool:
        return True

    note.run("run", dg.materialize([orders, some]))


@program
def a_blocking_check_keeps_what_is_downstream_from_running(note: Recorder) -> None:
    @dg.asset_check(asset=orders, blocking=True)
    def positive(orders):
        return dg.AssetCheckResult(passed=False)

    @dg.asset
    def report(orders):
        return len(orders)

    note.run("run", dg.materialize([orders, positive, report], raise_on_error=False))


@program
def a_blocking_check_that_only_warns_lets_it_run(note: Recorder) -> None:
    @dg.asset_check(asset=orders, blocking=True)
    def positive(orders):
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    @dg.asset
    def report(orders):
        return len(orders)

    note.run("run", dg.materialize([orders, positive, report], raise_on_error=False))


@program
def an_asset_yields_results_of_its_own_checks(note: Recorder) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("enough", asset="table"), dg.AssetCheckSpec("fresh", asset="table")])
    def table():
        yield dg.Output([1, 2])
        yield dg.AssetCheckResult(check_name="enough", passed=True, metadata={"rows": 2})
        yield dg.AssetCheckResult(check_name="fresh", passed=False)

    note.run("run", dg.materialize([table]))


@program
def a_materialize_result_carries_checks(note: Recorder) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("enough", asset="table")])
    def table():
        return dg.MaterializeResult(
            metadata={"rows": 2}, check_results=[dg.AssetCheckResult(check_name="enough", passed=True)]
        )

    note.run("run", dg.materialize([table]))


@program
def a_missing_result_of_a_declared_check_is_an_error(note: Recorder) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("enough", asset="table")])
    def table():
        yield dg.Output(1)

    note.error("run", lambda: dg.materialize([table]), ["enough"])


@program
def several_assets_are_checked_by_one_function(note: Recorder) -> None:
    @dg.asset
    def returns():
        return [1]

    @dg.multi_asset_check(
        specs=[dg.AssetCheckSpec("counted", asset="orders"), dg.AssetCheckSpec("counted", asset="returns")]
    )
    def counted():
        yield dg.AssetCheckResult(passed=True, asset_key="orders", check_name="counted")
        yield dg.AssetCheckResult(passed=False, asset_key="returns", check_name="counted")

    note.run("run", dg.materialize([orders, returns, counted]))


@program
def a_check_takes_context_resources_and_config(note: Recorder) -> None:
    class Limit(dg.ConfigurableResource):
        rows: int

    @dg.asset_check(asset=orders)
    def enough(context: dg.AssetCheckExecutionContext, orders, limit: Limit):
        return dg.AssetCheckResult(passed=len(orders) >= limit.rows, metadata={"limit": limit.rows})

    note.run("run", dg.materialize([orders, enough], resources={"limit": Limit(rows=3)}))
    note.error("without", lambda: dg.materialize([orders, enough]), ["limit"])


@program
def a_check_that_raises_fails_its_step(note: Recorder) -> None:
    @dg.asset_check(asset=orders)
    def broken(orders):
        raise KeyError("column")

    note.run("run", dg.materialize([orders, broken], raise_on_error=False))


@program
def checks_are_run_alone(note: Recorder) -> None:
    @dg.asset_check(asset=orders)
    def positive(orders):
        return dg.AssetCheckResult(passed=all(each > 0 for each in orders))

    with dg.DagsterInstance.ephemeral() as instance:
        resources = {"io_manager": dg.FilesystemIOManager(base_dir="storage")}
        dg.materialize([orders], instance=instance, resources=resources)
        result = dg.materialize(
            [orders, positive],
            selection=dg.AssetSelection.checks(positive),
            instance=instance,
            resources=resources,
        )
        note.run("run", result)


@program
def selections_leave_checks_out(note: Recorder) -> None:
    @dg.asset_check(asset=orders)
    def positive():
        return dg.AssetCheckResult(passed=True)

    note.run("without", dg.materialize([orders, positive], selection=dg.AssetSelection.assets(orders).without_checks()))
    note.run("with", dg.materialize([orders, positive], selection=dg.AssetSelection.assets(orders)))


@program
def checks_are_called_directly(note: Recorder) -> None:
    @dg.asset_check(asset=orders)
    def positive(context, orders):
        return dg.AssetCheckResult(passed=all(each > 0 for each in orders), metadata={"n": len(orders)})

    told = positive(dg.build_asset_check_context(), [1, 2])
    note("passed", told.passed)
    note("metadata", told.metadata)


@program
def a_check_and_an_asset_with_two_of_one_name_are_refused(note: Recorder) -> None:
    def make():
        @dg.asset_check(asset=orders, name="twice")
        def check():
            return dg.AssetCheckResult(passed=True)

        return check

    note.error(
        "load",
        lambda: dg.Definitions.validate_loadable(dg.Definitions(assets=[orders], asset_checks=[make(), make()])),
        ["twice"],
    )


@program
def a_result_for_a_check_that_is_not_declared_is_refused(note: Recorder) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("enough", asset="table")])
    def table():
        yield dg.Output(1)
        yield dg.AssetCheckResult(check_name="enuff", passed=True)

    note.error("run", lambda: dg.materialize([table]), ["enuff"])


@program
def results_of_checks_are_remembered(note: Recorder) -> None:
    @dg.asset_check(asset=orders)
    def positive():
        return dg.AssetCheckResult(passed=True, metadata={"seen": 3})

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([orders, positive], instance=instance)
        records = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
        note("events", len(records))
        note("evaluations", [[each.check_name, each.passed] for each in result.get_asset_check_evaluations()])
