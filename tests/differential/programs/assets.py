"""Assets: what they give, in which order they run, and what is recorded of them."""

import dagster as dg
from recorder import Recorder, program


@program
def a_chain_hands_values_on(note: Recorder) -> None:
    @dg.asset
    def numbers():
        return [1, 2, 3]

    @dg.asset(metadata={"unit": "pieces"}, tags={"layer": "gold"}, owners=["team:data"], kinds={"python"})
    def total(numbers):
        return dg.Output(sum(numbers), metadata={"count": len(numbers), "mean": 2.0})

    note.run("run", dg.materialize([numbers, total]), outputs=["numbers", "total"])
    note("tags", total.specs_by_key[total.key].tags)


@program
def independent_assets_run_in_an_order(note: Recorder) -> None:
    @dg.asset
    def zebra():
        return 1

    @dg.asset
    def ant():
        return 2

    note.run("run", dg.materialize([zebra, ant]))


@program
def a_failing_asset_keeps_what_depends_on_it_from_running(note: Recorder) -> None:
    @dg.asset
    def broken():
        raise ValueError("no")

    @dg.asset
    def after(broken):
        return broken

    note.run("run", dg.materialize([broken, after], raise_on_error=False))
    note.error("raised", lambda: dg.materialize([broken, after]), mentions=["no"])


@program
def an_unknown_upstream_is_refused(note: Recorder) -> None:
    @dg.asset
    def adrift(nowhere):
        return nowhere

    note.error("load", lambda: dg.Definitions.validate_loadable(dg.Definitions(assets=[adrift])), ["nowhere"])
