"""What one evaluation of automation conditions leaves for the next: what recorded state cannot say by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from headwater.model.errors import CheckError

# The worth of a set that is stored: true or false, or the partitions as their definition writes them.
SubsetData = Any


class NodeState(Struct, frozen=True, omit_defaults=True):
    """What one node of a condition knew: the set that was true, and a text of its own."""

    true: SubsetData = None
    candidates: SubsetData = None
    text: str | None = None


class ConditionState(Struct, frozen=True, omit_defaults=True):
    """When the condition of one asset or check was evaluated last, and the states of its nodes by their ids."""

    evaluated_at: float
    storage_id: int
    nodes: Mapping[str, NodeState] = field(default_factory=dict)


class AutomationCursor(Struct, frozen=True, omit_defaults=True):
    """Where an evaluation ended: give it to the next one, which then tells what is new since. It can be kept as text."""

    evaluation_id: int = 0
    evaluated_at: float | None = None
    storage_id: int = 0
    conditions: Mapping[str, ConditionState] = field(default_factory=dict)
    requested: Mapping[str, SubsetData] = field(default_factory=dict)
    # A short hash of each data version, by asset and partition, of the assets where a change of it matters.
    data_versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def renamed(self, rename: Callable[[str, int], str]) -> AutomationCursor:
        """Return it with the keys of now: `rename` says what a key (of an asset) of when a fact was recorded is called."""

        def now(key: str, storage_id: int) -> str:
            found = rename(key, storage_id)
            if found == key and ":" in key:
                asset, _, check = key.rpartition(":")
                found = f"{rename(asset, storage_id)}:{check}"
            return found

        return msgspec.structs.replace(
            self,
            conditions={now(key, state.storage_id): state for key, state in self.conditions.items()},
            requested={now(key, self.storage_id): data for key, data in self.requested.items()},
            data_versions={now(key, self.storage_id): versions for key, versions in self.data_versions.items()},
        )

    def serialize(self) -> str:
        """Return it as JSON text."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def deserialize(text: str | bytes) -> AutomationCursor:
        """Read what `serialize` wrote. Raises CheckError for anything else."""
        try:
            return msgspec.json.decode(text, type=AutomationCursor)
        except msgspec.DecodeError as error:
            raise CheckError(
                what=f"A text is not the cursor of an evaluation of automation conditions: {error}.",
                why="It would not be known what is new.",
                fix="Give what `result.cursor.serialize()` returned, or None to begin anew.",
            ) from error
