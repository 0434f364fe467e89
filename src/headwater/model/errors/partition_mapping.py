"""Errors about partition mappings: what a mapping of the user's own did when it was asked, and what cannot be asked."""

from __future__ import annotations

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.errors.user_code import UserCodeExecutionError


class PartitionMappingError(UserCodeExecutionError):
    """A mapping of the user's own raised, or gave something that is no set of partitions. What was raised is the cause."""

    code = "partition-mapping"

    def __init__(self, mapping: str, method: str, problem: str, asked: str, fix: str) -> None:
        self.mapping = mapping
        self.method = method
        self.problem = problem
        self.asked = asked
        self.upstream: str | None = None
        self.downstream: str | None = None
        super().__init__(why="Without an answer it is not known which partitions belong together.", fix=fix)
        self._tell()

    def _tell(self) -> None:
        between = f' from "{self.upstream}" to "{self.downstream}"' if self.upstream is not None else ""
        self.what = (
            f"The partition mapping {self.mapping}{between} {self.problem}. {self.method} was asked {self.asked}."
        )
        self.args = (" ".join((self.what, self.why, self.fix)),)

    def told_of(self, upstream: object, downstream: object) -> PartitionMappingError:
        """Return the error, naming the two assets if it did not name any yet."""
        if self.upstream is None:
            self.upstream, self.downstream = str(upstream), str(downstream)
            self._tell()
        return self


class OneWayMappingError(InvalidPartitionsDefinitionError):
    """A mapping says one direction only, and there are too many partitions to find the other one by asking for each."""

    code = "one-way-mapping"

    def __init__(self, mapping: str, said: str, wanted: str, methods: str, count: int, most: int) -> None:
        super().__init__(
            what=f"{mapping} says what is {said}, and what is {wanted} was asked, among {count:,} partitions.",
            why=f"The direction that it leaves out is found by asking for each partition, for at most {most:,} of them.",
            fix=f"Give {mapping} the other direction as well: {methods}.",
        )


class PartitionNeedsItselfError(InvalidPartitionsDefinitionError):
    """Partitions of an asset need each other in a circle, so none of them could be built first."""

    code = "partition-needs-itself"

    def __init__(self, asset: object, partitions: str, mapping: str) -> None:
        super().__init__(
            what=f'Partitions of "{asset}" need each other, or themselves: {partitions}.',
            why=f"By {mapping} each of them waits for another one, so none could be built first.",
            fix="Let each partition need earlier ones only, such as by "
            "TimeWindowPartitionMapping(start_offset=-1, end_offset=-1).",
        )
