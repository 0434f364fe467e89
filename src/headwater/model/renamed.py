"""What values were made from, told with other names of the assets that were read."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from headwater.model.events import InputVersion
from headwater.model.provenance import read_made_by, read_provenances

_encoder = msgspec.json.Encoder()


def renamed_made_by(text: str, name_by_former: Mapping[str, str]) -> str | None:
    """Return the text of a MadeBy with the names of today; None when it names none of these."""
    made = read_made_by(text)
    if made.deps is None or not any(dep[1:] in name_by_former for dep in made.deps):
        return None
    deps = tuple(dep[0] + name_by_former.get(dep[1:], dep[1:]) for dep in made.deps)
    return _encoder.encode(replace(made, deps=deps)).decode()


def renamed_provenance(text: str, name_by_former: Mapping[str, str]) -> str | None:
    """Return the text of a Provenance whose inputs are listed with the names of today; None when it names none of these."""
    (row,) = read_provenances(text)
    listed = [each for each in row.inputs if isinstance(each, InputVersion)]
    if not any(each.asset in name_by_former for each in listed):
        return None
    inputs = tuple(
        replace(each, asset=name_by_former.get(each.asset, each.asset)) if isinstance(each, InputVersion) else each
        for each in row.inputs
    )
    return _encoder.encode(replace(row, inputs=inputs)).decode()
