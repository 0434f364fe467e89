"""Parameters and members of the public names, beside those that Dagster has."""

from __future__ import annotations

import json
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import headwater as hw
from headwater.compat import dagster as dg
from headwater.compat.dagster.names import OWN, UNCOVERED
from tests.compat.signatures import differences, signatures_of

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "dagster_signatures.json").read_text())
EXCEPTIONS = tomllib.loads((HERE / "signature_exceptions.toml").read_text())["exception"]
# Components can be declared only; what they take is theirs.
COMPARED = [name for name in RECORDED if name not in UNCOVERED and OWN.get(name) != "components"]


def _fits(line: str, pattern: str) -> bool:
    return fnmatchcase(line, pattern.replace("[", "[[]"))


def test_what_a_caller_of_dagster_writes_can_be_written_here_or_is_a_listed_exception() -> None:
    found = differences(RECORDED, signatures_of(dg, COMPARED))
    patterns = [pattern for each in EXCEPTIONS for pattern in each["names"]]
    assert [line for line in found if not any(_fits(line, pattern) for pattern in patterns)] == []


def test_every_listed_exception_is_one_and_has_a_reason() -> None:
    found = differences(RECORDED, signatures_of(dg, COMPARED))
    for each in EXCEPTIONS:
        assert each["reason"].endswith(".")
        assert [pattern for pattern in each["names"] if not any(_fits(line, pattern) for line in found)] == []


def test_results_take_their_key_by_position() -> None:
    assert hw.MaterializeResult("orders", {"rows": 1}).asset_key == hw.AssetKey("orders")
    assert hw.ObserveResult("orders").asset_key == hw.AssetKey("orders")


def test_metadata_is_kept_as_metadata_values() -> None:
    @hw.op
    def nothing() -> None: ...

    @hw.job(metadata={"team": "data"})
    def idle() -> None:
        nothing()

    assert idle.metadata == {"team": hw.MetadataValue.text("data")}
    assert hw.TypeCheck(False, metadata={"rows": 3}).metadata == {"rows": hw.MetadataValue.int(3)}
    assert hw.AssetDep("orders", metadata={"why": "joined"}).metadata == {"why": "joined"}


def test_one_asset_of_several_is_taken_as_that_of_somebody_else() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("left"), hw.AssetSpec("right")])
    def both() -> None: ...

    assert both.to_source_asset("right").key == hw.AssetKey("right")


def test_a_type_tells_whether_it_was_named_and_checks_a_value_by_name() -> None:
    positive = hw.HeadwaterType(lambda _, value: value > 0, name="Positive")
    assert positive.has_unique_name
    assert positive.type_check(context=None, value=1).success
