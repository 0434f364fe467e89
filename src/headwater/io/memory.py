"""Values kept in memory, for tests and small runs: nothing is copied, and nothing outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.authoring.io_manager import IOManager
from headwater.io.frames import frames_asked, is_mapping_annotation, value_annotation
from headwater.io.places import PARTITION_MARK, asset_directory, asset_place, escape, owner_of, places_of
from headwater.io.requests import are_gaps_allowed, as_asked, is_by_partition, mapping_expected, values_by_partition
from headwater.model.errors.io import ValueNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.model.keys import AssetKey


class InMemoryIOManager(IOManager):
    """Keeps the very object that was returned, by asset and partition, or by run and output.

    `values` holds them by the place that each would have in storage.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Keep `obj`; for several partitions, each value of the dict `obj` on its own."""
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        places = places_of(context, keys)
        if keys is None or (len(keys) == 1 and not is_by_partition(context, obj, keys[0])):
            self.values[places[0]] = obj
        else:
            self.values.update(zip(places, values_by_partition(context, obj, keys), strict=True))

    def load_input(self, context: InputContext) -> Any:
        """Return what was kept, tables as the kind that is asked for; for several partitions a dict by key.

        With metadata {"allow_missing_partitions": True} on the input, the dict lacks what is not there, and the value
        of a single partition that is not there is None.
        """
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        places = places_of(context, keys)
        if keys is None or len(keys) == 1:
            if places[0] not in self.values:
                if keys and are_gaps_allowed(context):
                    return None
                raise self._not_found(context, keys or ())
            return self._asked(context, self.values[places[0]], context.annotation)
        if not is_mapping_annotation(context.annotation):
            raise mapping_expected(context, len(keys))
        missing = [key for key, place in zip(keys, places, strict=True) if place not in self.values]
        if missing and not are_gaps_allowed(context):
            raise self._not_found(context, missing)
        asked = value_annotation(context.annotation)
        return {
            key: self._asked(context, self.values[place], asked)
            for key, place in zip(keys, places, strict=True)
            if place in self.values
        }

    def copy_values(self, from_key: AssetKey, to_key: AssetKey, *, asset_spec: Any = None, instance: Any = None) -> int:
        """Make all that is kept of an asset loadable under another key, too; return how many values that are."""
        found = {
            place.replace(before, after, 1): value
            for place, value in self.values.items()
            for before, after in _places(from_key, to_key)
            if place == before or (before.endswith(PARTITION_MARK) and place.startswith(before))
        }
        self.values.update(found)
        return len(found)

    def remove_values(
        self,
        asset_key: AssetKey,
        partition_keys: Sequence[str] | None = None,
        *,
        copied_to: AssetKey | None = None,
        asset_spec: Any = None,
        instance: Any = None,
    ) -> int:
        """Forget all that is kept of an asset, or of these partitions of it; return how many values that were."""
        directory = f"{asset_directory(asset_key)}/{PARTITION_MARK}"
        if partition_keys is None:
            place = asset_place(asset_key)
            gone = [each for each in self.values if each == place or each.startswith(directory)]
        else:
            wanted = {directory + escape(key) for key in partition_keys}
            gone = [each for each in self.values if each in wanted]
        for each in gone:
            del self.values[each]
        return len(gone)

    def _asked(self, context: InputContext, value: Any, annotation: Any) -> Any:
        kinds, is_only_frames = frames_asked(annotation)
        return as_asked(context, value, kinds, is_only_frames) if kinds else value

    def _not_found(self, context: InputContext, partitions: Any) -> ValueNotFound:
        return ValueNotFound(
            owner_of(context),
            (),
            partitions,
            fix="What is kept in memory ends with the process: materialize it in the same one, or keep it in files.",
        )


def _places(from_key: AssetKey, to_key: AssetKey) -> Iterator[tuple[str, str]]:
    """Yield where the value of each asset is, and where those of its partitions begin."""
    yield asset_place(from_key), asset_place(to_key)
    yield f"{asset_directory(from_key)}/{PARTITION_MARK}", f"{asset_directory(to_key)}/{PARTITION_MARK}"
