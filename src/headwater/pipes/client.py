"""Pipes clients: each knows how to start processes in one kind of place, wait for them, and give what they reported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from headwater.authoring.contexts import OpExecutionContext
from headwater.model.errors.pipes import PipesResultError
from headwater.model.metadata import MetadataValue, RawMetadataMapping, normalize_metadata
from headwater.model.results import AssetCheckResult, MaterializeResult
from headwater.pipes.message_handler import PipesExecutionResult
from headwater.pipes.protocol import PipesExtras
from headwater.pipes.session import PipesSession


class PipesClientCompletedInvocation:
    """What came of a process that has ended. `metadata` is added to each of its results."""

    def __init__(self, session: PipesSession, metadata: RawMetadataMapping | None = None) -> None:
        self._session = session
        self._metadata = normalize_metadata(metadata)

    @property
    def metadata(self) -> Mapping[str, MetadataValue]:
        """What the client found out about the process, such as its id in another system."""
        return self._metadata

    def get_results(self, *, implicit_materializations: bool = True) -> Sequence[PipesExecutionResult]:
        """Return all results, for `return` or `yield from` in an asset, multi-asset or check.

        What was reported comes first, in its order; then one MaterializeResult for each asset of the step of which
        nothing was reported, unless `implicit_materializations=False`.
        """
        return self._session.get_results(
            implicit_materializations=implicit_materializations, metadata=self._metadata or None
        )

    def get_materialize_result(self, *, implicit_materialization: bool = True) -> MaterializeResult[Any]:
        """Return the one materialization, with the results of its checks in it.

        Raises PipesResultError for several assets, and for none with `implicit_materialization=False`.
        """
        results = self.get_results(implicit_materializations=implicit_materialization)
        made = [result for result in results if isinstance(result, MaterializeResult)]
        checks = [result for result in results if isinstance(result, AssetCheckResult)]
        if len(made) != 1:
            listed = ", ".join(f'"{result.asset_key}"' for result in made)
            raise PipesResultError(
                what=f"get_materialize_result() was called, and {len(made)} assets were materialized"
                + (f": {listed}." if made else "."),
                why="It gives the result of one." if made else "The external process reported none.",
                fix="Use get_results()."
                if made
                else "Call report_asset_materialization() in the process, or leave out implicit_materialization=False.",
            )
        (result,) = made
        return MaterializeResult(
            asset_key=result.asset_key,
            metadata=result.metadata,
            data_version=result.data_version,
            check_results=[*result.check_results, *checks],
        )

    def get_asset_check_result(self) -> AssetCheckResult:
        """Return the one check result. Raises PipesResultError when there is none, several, or a materialization."""
        results = self.get_results()
        checks = [result for result in results if isinstance(result, AssetCheckResult)]
        if len(results) != 1 or len(checks) != 1:
            raise PipesResultError(
                what=f"get_asset_check_result() was called, and there are {len(checks)} check results and "
                f"{len(results) - len(checks)} materializations.",
                why="It gives one check result where there is nothing else.",
                fix="Use get_results()." if results else "Call report_asset_check() in the process.",
            )
        return checks[0]

    def get_custom_messages(self) -> Sequence[Any]:
        """Return what the process sent with report_custom_message, in the order in which it came."""
        return self._session.get_custom_messages()


class PipesClient(ABC):
    """Starts processes of one kind, waits until they have ended, and gives what they reported.

    A parameter that is annotated with a subclass receives the resource of its name.
    """

    __headwater_resource__: ClassVar[bool] = True

    @abstractmethod
    def run(
        self, *, context: OpExecutionContext, extras: PipesExtras | None = None, **kwargs: Any
    ) -> PipesClientCompletedInvocation:
        """Start a process for the step of `context`, wait until it has ended, and return what came of it.

        `extras` is plain data for the process. Subclasses add parameters of their own.
        """
