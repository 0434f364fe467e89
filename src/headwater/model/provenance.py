"""What the value of an asset, or of one of its partitions, was made from, as state keeps it: narrow, and read by the thousand.

What is equal over the partitions of an asset (its code, its config, its dependencies) is one text, so that rows are grouped
by it without being looked into.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from headwater.model.events import AssetMaterialized, AssetUnchanged, InputVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# How an input is told: nothing was known of it, the whole of it, the partition of the same key, or one by one.
NOTHING, WHOLE, SAME_KEY, LISTED = "?", "-", "=", "~"
# A longer text would be kept three times over; the event has it all.
LONGEST_TEXT = 1_000

# Keys of several dimensions are strings of a class of their own.
_encoder = msgspec.json.Encoder(enc_hook=str)
# Stands between the strings of a JSON text, and in none of them that is written without an escape.
_MARK = '"'


class MadeBy(Struct, frozen=True, array_like=True):
    """What made a value. `deps` are names with the mark of how each is told, None where it is not known."""

    code_version: str | None
    declared_config_hash: str | None
    config_hash: str | None
    deps: tuple[str, ...] | None

    @property
    def dep_names(self) -> tuple[str, ...] | None:
        return None if self.deps is None else tuple(dep[1:] for dep in self.deps)

    @property
    def is_listed(self) -> bool:
        """Whether the inputs are told one by one, and not one for each dependency."""
        return self.deps is None or any(dep[0] == LISTED for dep in self.deps)


class Provenance(Struct, frozen=True, array_like=True, gc=False):
    """One partition (None: the whole asset): the version of its value, and the versions of its inputs.

    `inputs` has a version for each dependency in the order of its `MadeBy`, None where nothing was known; or, where that is
    listed, every input by itself.
    """

    partition: str | None
    version: str
    inputs: tuple[str | InputVersion | None, ...]

    def read_versions(self, made: MadeBy) -> dict[str, dict[str | None, str | None]]:
        """Return the versions that were read, by asset and partition; nothing of an asset of which nothing was known."""
        found: dict[str, dict[str | None, str | None]] = {}
        if made.is_listed:
            for read in self.inputs:
                assert isinstance(read, InputVersion)
                found.setdefault(read.asset, {})[read.partition] = read.data_version
            return found
        for dep, version in zip(made.deps or (), self.inputs, strict=True):
            assert version is None or isinstance(version, str)
            if dep[0] != NOTHING:
                found[dep[1:]] = {self.partition if dep[0] == SAME_KEY else None: version}
        return found


class VersionColumn:
    """Versions, the n-th of them that of the n-th partition: one text until a single one is asked for.

    Half a million versions as strings of their own would take longer to make than to read and compare.
    """

    __slots__ = ("_text", "_values")

    def __init__(self, values: Sequence[str | None] | None = None, text: str | None = None) -> None:
        self._values = values
        self._text = text

    @classmethod
    def repeated(cls, version: str | None, count: int) -> VersionColumn:
        """Return a column with one version everywhere."""
        if version is None or count == 1 or _MARK in version:
            return cls((version,) * count)
        return cls(text=_MARK.join((version,) * count))

    @property
    def values(self) -> Sequence[str | None]:
        if self._values is None:
            assert self._text is not None
            self._values = self._text.split(_MARK)
        return self._values

    def is_same(self, other: VersionColumn) -> bool:
        """Whether another column, of as many partitions, has the same versions."""
        if self._text is not None and other._text is not None:
            return self._text == other._text
        return tuple(self.values) == tuple(other.values)


@dataclass(slots=True)
class ProvenanceGroup:
    """Partitions that were made by the same, as columns.

    `inputs` has a column for each dependency of `made`; it is empty where inputs are listed one by one: then `rows` has them.
    """

    made: MadeBy
    partitions: tuple[str | None, ...]
    versions: VersionColumn
    inputs: tuple[VersionColumn, ...] = ()
    rows: Sequence[Provenance] | None = None

    def read_versions(self, place: int) -> dict[str, dict[str | None, str | None]]:
        """Return the versions that one partition read, by asset and partition of it."""
        if self.rows is not None:
            return self.rows[place].read_versions(self.made)
        version = self.versions.values[place]
        assert version is not None
        read = tuple(column.values[place] for column in self.inputs)
        return Provenance(self.partitions[place], version, read).read_versions(self.made)

    def only(self, places: Sequence[int]) -> ProvenanceGroup:
        """Return the group with these of its partitions."""

        def some(column: VersionColumn) -> VersionColumn:
            return VersionColumn([column.values[place] for place in places])

        return ProvenanceGroup(
            self.made,
            tuple(self.partitions[place] for place in places),
            some(self.versions),
            tuple(map(some, self.inputs)),
            None if self.rows is None else [self.rows[place] for place in places],
        )


_decoder = msgspec.json.Decoder(list[Provenance])
_made_by_decoder = msgspec.json.Decoder(MadeBy)


@lru_cache(maxsize=10_000)
def read_made_by(text: str) -> MadeBy:
    return _made_by_decoder.decode(text)


def version_of(event: AssetMaterialized) -> str:
    """Return what tells a materialization from another: its data version; without one, its run counts as new."""
    return event.data_version or (f"run:{event.run_id}" if event.run_id else f"at:{event.timestamp!r}")


def digest_of(version_by_partition: Mapping[str | None, str | None]) -> str:
    """Return one name for the versions of very many partitions, in their order."""
    from hashlib import blake2b

    digest = blake2b(digest_size=16)
    for partition, version in version_by_partition.items():
        digest.update(f"{partition}={version};".encode())
    return digest.hexdigest()


def digests_of_beginnings(partitions: Sequence[str], versions: Mapping[str | None, str]) -> Iterator[str]:
    """Yield `digest_of` of the first none, one, two ... of some partitions; those without a version count for nothing."""
    from hashlib import blake2b

    digest = blake2b(digest_size=16)
    yield digest.hexdigest()
    for partition in partitions:
        version = versions.get(partition)
        if version is not None:
            digest.update(f"{partition}={version};".encode())
        yield digest.copy().hexdigest()


def provenance_of(event: AssetMaterialized | AssetUnchanged) -> tuple[str, Provenance] | None:
    """Return what made a value (the text of a MadeBy), and from what; None for an "unchanged" that does not say it."""
    version = version_of(event) if isinstance(event, AssetMaterialized) else event.data_version
    if version is None:
        return None
    deps, inputs = _told_inputs(event.deps, event.inputs, event.partition)
    made = MadeBy(event.code_version, event.declared_config_hash, event.config_hash, deps)
    return _encoder.encode(made).decode(), Provenance(event.partition, version, tuple(inputs))


def _told_inputs(
    deps: Sequence[str] | None, inputs: Sequence[InputVersion], partition: str | None
) -> tuple[tuple[str, ...] | None, list[str | InputVersion | None]]:
    if deps is None:
        return None, list(inputs)
    read = {each.asset: each for each in inputs}
    marked: list[str] = []
    told: list[str | InputVersion | None] = []
    if len(read) == len(inputs):
        for dep in deps:
            one = read.pop(dep, None)
            if one is None:
                marked.append(NOTHING + dep)
            elif one.partition is None:
                marked.append(WHOLE + dep)
            elif one.partition == partition:
                marked.append(SAME_KEY + dep)
            else:
                break
            told.append(None if one is None else one.data_version)
        if len(marked) == len(deps) and not read:
            return tuple(marked), told
    return tuple(LISTED + dep for dep in deps), list(inputs)


def provenance_texts(event: AssetMaterialized | AssetUnchanged) -> tuple[str | None, str | None]:
    """Return what state keeps of it: what made it, and from what; None for both where the event itself is to be read."""
    found = provenance_of(event)
    if found is None:
        return None, None
    text = _encoder.encode(found[1]).decode()
    if len(text) > LONGEST_TEXT and isinstance(event, AssetMaterialized):
        return None, None
    return found[0], text


def read_provenances(text: str) -> list[Provenance]:
    """Return what texts of `provenance_texts` say, joined by commas, in their order."""
    return _decoder.decode(f"[{text}]")


def group_of_texts(made_by: str, text: str) -> ProvenanceGroup:
    """Return what texts of `provenance_texts` say that have the same first text; the second ones are joined by commas."""
    made = read_made_by(made_by)
    return _split_group(made, text) or group_of_rows(made, read_provenances(text))


def group_of_rows(made: MadeBy, rows: Sequence[Provenance]) -> ProvenanceGroup:
    partitions, versions = tuple(row.partition for row in rows), VersionColumn([row.version for row in rows])
    if made.is_listed:
        return ProvenanceGroup(made, partitions, versions, rows=rows)
    read = [[one if one is None or isinstance(one, str) else None for one in row.inputs] for row in rows]
    return ProvenanceGroup(made, partitions, versions, tuple(map(VersionColumn, zip(*read, strict=True))))


@lru_cache(maxsize=64)
def _split_partitions(text: str) -> tuple[str, ...]:
    # The same partitions are there of many assets: they are one tuple, that is compared at a glance.
    return tuple(text.split(_MARK))


def _split_group(made: MadeBy, text: str) -> ProvenanceGroup | None:
    """Read the texts of many partitions by one split at the quotation marks: three times as fast as a parser.

    None unless what stands between the strings is, everywhere, what `provenance_texts` writes for such a group; without an
    escape in the text, that leaves no other way to read it.
    """
    if made.is_listed or "\\" in text:
        return None
    marks = [dep[0] for dep in made.deps or ()]
    between, after = [",", ",["], ""
    for place, mark in enumerate(marks):
        after += "," if place else ""
        if mark == NOTHING:
            after += "null"
        else:
            between[-1] += after
            between.append("")
            after = ""
    between[-1] += after + "]]"
    pieces = text.split(_MARK)
    width = 2 * len(between)
    count = len(pieces) // width
    if len(pieces) != count * width + 1 or pieces[0] != "[" or pieces[-1] != between[-1]:
        return None
    for place, said in enumerate(between[:-1], start=1):
        if pieces[2 * place :: width].count(said) != count:
            return None
    if pieces[width:-1:width].count(between[-1] + ",[") != count - 1:
        return None
    told = iter(range(5, width, 2))
    return ProvenanceGroup(
        made,
        _split_partitions(_MARK.join(pieces[1::width])),
        VersionColumn(text=_MARK.join(pieces[3::width])),
        tuple(
            VersionColumn([None] * count)
            if mark == NOTHING
            else VersionColumn(text=_MARK.join(pieces[next(told) :: width]))
            for mark in marks
        ),
    )
