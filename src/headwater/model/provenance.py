"""What the value of an asset, or of one of its partitions, was made from, as state keeps it: narrow, and read by the thousand.

What is equal over the partitions of an asset (its code, its config, its dependencies) is one text, so that rows are grouped
by it without being looked into.
"""

from __future__ import annotations

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

# A key of several dimensions is a str of a class of its own.
_encoder = msgspec.json.Encoder(enc_hook=str)


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
