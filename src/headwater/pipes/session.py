"""A session: one external process (or several) that works for a step, from before it starts until all is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from headwater.authoring.contexts import OpExecutionContext
from headwater.model.metadata import MetadataValue, normalize_metadata
from headwater.model.results import AssetCheckResult, MaterializeResult
from headwater.pipes.injectors import PipesContextInjector
from headwater.pipes.message_handler import PipesExecutionResult, PipesMessageHandler
from headwater.pipes.protocol import (
    COMPOSITE_WRITERS_KEY,
    CONTEXT_VARIABLE,
    MESSAGES_VARIABLE,
    PipesContextData,
    PipesExtras,
    PipesLaunchedData,
    PipesParams,
    argument_name,
    encode_param,
)
from headwater.pipes.readers import PipesMessageReader
from headwater.pipes.step_context import asset_keys_of, context_data_of


@dataclass(frozen=True)
class PipesSession:
    """What is needed to start an external process for a step, and what that process has reported so far.

    `context_data` is what the process is told; the parameters say where it reads that and where it writes messages.
    """

    context_data: PipesContextData
    message_handler: PipesMessageHandler
    context_injector_params: PipesParams
    message_reader_params: PipesParams
    context: OpExecutionContext
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def get_bootstrap_params(self) -> Mapping[str, PipesParams]:
        """Return the parameters as plain data, by the name of the environment variable in which each travels."""
        return {CONTEXT_VARIABLE: self.context_injector_params, MESSAGES_VARIABLE: self.message_reader_params}

    def get_bootstrap_env_vars(self) -> dict[str, str]:
        """Return the environment variables to start the process with; its own come in addition."""
        return _encoded(self.get_bootstrap_params())

    def get_bootstrap_cli_arguments(self) -> dict[str, str]:
        """Return the same as command-line arguments and their values, for processes without an environment."""
        return _as_arguments(self.get_bootstrap_env_vars())

    def get_per_writer_bootstrap_env_vars(self) -> Sequence[dict[str, str]]:
        """Return the environment variables for each process, in the order of the readers; one when there is one."""
        writers = self.message_reader_params.get(COMPOSITE_WRITERS_KEY, [self.message_reader_params])
        return [
            _encoded({CONTEXT_VARIABLE: self.context_injector_params, MESSAGES_VARIABLE: writer}) for writer in writers
        ]

    def get_per_writer_bootstrap_cli_arguments(self) -> Sequence[dict[str, str]]:
        """Return the command-line arguments for each process, in the order of the readers."""
        return [_as_arguments(variables) for variables in self.get_per_writer_bootstrap_env_vars()]

    def report_launched(self, launched_payload: PipesLaunchedData) -> None:
        """Hand what is known of the process, now that it has started, to the message reader."""
        self.message_handler.on_launched(launched_payload)

    def get_reported_results(self) -> Sequence[PipesExecutionResult]:
        """Return what the process itself has reported of assets and checks, in the order in which it came."""
        return self.message_handler.get_reported_results()

    def get_results(
        self,
        *,
        implicit_materializations: bool = True,
        metadata: Mapping[str, MetadataValue] | None = None,
    ) -> Sequence[PipesExecutionResult]:
        """Return what was reported, then a MaterializeResult for each asset of the step that was not reported.

        Call it once, after the session has ended. `implicit_materializations=False` leaves out what was not reported;
        `metadata` is added to each result, in place of what was reported under the same name.
        """
        results = list(self.get_reported_results())
        if implicit_materializations:
            reported = {result.asset_key for result in results if isinstance(result, MaterializeResult)}
            results.extend(
                MaterializeResult(asset_key=key) for key in asset_keys_of(self.context) or () if key not in reported
            )
        return tuple(_with_metadata(result, metadata) for result in results) if metadata else tuple(results)

    def get_custom_messages(self) -> Sequence[Any]:
        """Return what the process sent with report_custom_message, in the order in which it came."""
        return self.message_handler.get_custom_messages()


@contextmanager
def open_pipes_session(
    context: OpExecutionContext,
    context_injector: PipesContextInjector,
    message_reader: PipesMessageReader,
    extras: PipesExtras | None = None,
) -> Iterator[PipesSession]:
    """Give a session within which an external process can be started and reports what it does.

    Start it with `session.get_bootstrap_env_vars()` in its environment, and stay in the block until it has ended: what
    it wrote by then is all read when the block is left. Take `session.get_results()` after the block. Raises
    PipesMessageError when the block is left and the process said things that cannot be used.
    """
    handler = PipesMessageHandler(context, message_reader)
    context_data = context_data_of(context, extras)
    try:
        # Left in this order: first all messages are read, then the context is taken away.
        with (
            context_injector.inject_context(context_data) as context_params,
            handler.handle_messages() as message_params,
        ):
            yield PipesSession(
                context_data=context_data,
                message_handler=handler,
                context_injector_params=context_params,
                message_reader_params=message_params,
                context=context,
            )
    except BaseException as error:
        # What the block raised says more than what came of it.
        for fault in handler.faults:
            error.add_note(f"[pipes] {fault}")
        raise
    handler.tell_how_it_ended(context_injector.no_messages_debug_text())
    faults = handler.error_of_faults()
    if faults is not None:
        raise faults


def _encoded(params: Mapping[str, PipesParams]) -> dict[str, str]:
    return {name: encode_param(value) for name, value in params.items()}


def _as_arguments(variables: Mapping[str, str]) -> dict[str, str]:
    return {argument_name(name): value for name, value in variables.items()}


def _with_metadata(result: PipesExecutionResult, added: Mapping[str, Any]) -> PipesExecutionResult:
    metadata = {**result.metadata, **normalize_metadata(added)}
    if isinstance(result, AssetCheckResult):
        return AssetCheckResult(
            passed=result.passed,
            asset_key=result.asset_key,
            check_name=result.check_name,
            severity=result.severity,
            description=result.description,
            metadata=metadata,
        )
    return MaterializeResult(asset_key=result.asset_key, metadata=metadata, data_version=result.data_version)
