"""Versions of content: of the partitions of an asset, and of what a materialization was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.model.errors import CheckError
from headwater.model.keys import AssetKey
from headwater.model.results import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    INPUT_DATA_VERSION_PREFIX,
    DataVersion,
    ObserveResult,
)
from headwater.model.tags import Tags

if TYPE_CHECKING:
    from headwater.model.events import AssetMaterialized


class DataVersionsByPartition:
    """What an observable asset that is partitioned returns: the version that it sees of each partition, by its key."""

    __slots__ = ("data_versions_by_partition",)

    def __init__(self, data_versions_by_partition: Mapping[str, str | DataVersion]) -> None:
        versions: dict[str, DataVersion] = {}
        for key, version in data_versions_by_partition.items():
            if not isinstance(key, str) or not isinstance(version, (str, DataVersion)):
                raise CheckError(
                    what=f"DataVersionsByPartition was given {version!r} for the partition {key!r}.",
                    why="Partition keys and versions are text.",
                    fix='Write DataVersionsByPartition({"2024-01-01": "v1"}).',
                )
            versions[str(key)] = DataVersion(version) if isinstance(version, str) else version
        self.data_versions_by_partition: Mapping[str, DataVersion] = versions

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DataVersionsByPartition):
            return NotImplemented
        return self.data_versions_by_partition == other.data_versions_by_partition

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"DataVersionsByPartition({self.data_versions_by_partition!r})"


class ObservedPartition(ObserveResult):
    """What was seen of one partition: what a `DataVersionsByPartition` comes to."""

    __slots__ = ("partition_key",)

    def __init__(self, partition_key: str, data_version: DataVersion) -> None:
        super().__init__(data_version=data_version)
        self.partition_key = partition_key


@dataclass(frozen=True, slots=True)
class DataProvenance:
    """What a materialization was made from: the version of its code, and of each asset that it read.

    `code_version` is the id of the run where none was declared. `is_user_provided` says whether the version of the
    result was given by the user's code, as far as that is known.
    """

    code_version: str
    input_data_versions: Mapping[AssetKey, DataVersion]
    input_storage_ids: Mapping[AssetKey, int | None]
    is_user_provided: bool = False

    @staticmethod
    def from_tags(tags: Mapping[str, str]) -> DataProvenance | None:
        """Return what the tags of a materialization say; None when they name no version of the code."""
        known = Tags(tags)
        if CODE_VERSION_TAG not in known:
            return None
        versions = {
            AssetKey.parse(name.removeprefix(f"{INPUT_DATA_VERSION_PREFIX}/")): DataVersion(version)
            for name, version in known.items()
            if name.startswith(f"{INPUT_DATA_VERSION_PREFIX}/")
        }
        return DataProvenance(known[CODE_VERSION_TAG], versions, dict.fromkeys(versions))

    def has_input_asset(self, key: AssetKey) -> bool:
        """Whether the asset was read."""
        return key in self.input_data_versions


def provenance_of(event: AssetMaterialized) -> DataProvenance:
    """Return what a recorded materialization was made from. Of several partitions of an input, the last counts."""
    versions = {
        AssetKey.parse(read.asset): DataVersion(read.data_version)
        for read in event.inputs
        if read.data_version is not None
    }
    return DataProvenance(event.code_version or event.run_id, versions, dict.fromkeys(versions))


def extract_data_version_from_entry(entry: Any) -> DataVersion | None:
    """Return the data version that the record of a materialization or an observation tells; None when it tells none."""
    told = getattr(entry, "asset_event", None)
    version = None if told is None else told.tags.get(DATA_VERSION_TAG)
    return None if version is None else DataVersion(version)


def extract_data_provenance_from_entry(entry: Any) -> DataProvenance | None:
    """Return what the record of a materialization was made from; None for a record of something else."""
    from headwater.model.events import AssetMaterialized

    event = getattr(entry, "event", entry)
    return provenance_of(event) if isinstance(event, AssetMaterialized) else None
