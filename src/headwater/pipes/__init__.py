"""Pipes: steps that are carried out by processes outside, which report with the `dagster-pipes` package.

A client (PipesSubprocessClient) starts a process, or the author does within open_pipes_session. The promise: what the
process reported is recorded wholly, or the step fails and says what could not be read.
"""

from __future__ import annotations

from headwater.model.errors.pipes import (
    PipesExecutionError,
    PipesExtrasError,
    PipesLaunchError,
    PipesMessageError,
    PipesProcessFailed,
    PipesResultError,
)
from headwater.pipes.client import PipesClient, PipesClientCompletedInvocation
from headwater.pipes.injectors import (
    PipesContextInjector,
    PipesEnvContextInjector,
    PipesFileContextInjector,
    PipesTempFileContextInjector,
)
from headwater.pipes.log_readers import PipesLogReader
from headwater.pipes.message_handler import PipesExecutionResult, PipesMessageHandler
from headwater.pipes.protocol import (
    PipesContextData,
    PipesExtras,
    PipesLaunchedData,
    PipesMessage,
    PipesOpenedData,
    PipesParams,
)
from headwater.pipes.readers import (
    PipesBlobStoreMessageReader,
    PipesCompositeMessageReader,
    PipesFileMessageReader,
    PipesMessageReader,
    PipesTempFileMessageReader,
    PipesThreadedMessageReader,
)
from headwater.pipes.session import PipesSession, open_pipes_session
from headwater.pipes.subprocess_client import PipesSubprocessClient

__all__ = [
    "PipesBlobStoreMessageReader",
    "PipesClient",
    "PipesClientCompletedInvocation",
    "PipesCompositeMessageReader",
    "PipesContextData",
    "PipesContextInjector",
    "PipesEnvContextInjector",
    "PipesExecutionError",
    "PipesExecutionResult",
    "PipesExtras",
    "PipesExtrasError",
    "PipesFileContextInjector",
    "PipesFileMessageReader",
    "PipesLaunchError",
    "PipesLaunchedData",
    "PipesLogReader",
    "PipesMessage",
    "PipesMessageError",
    "PipesMessageHandler",
    "PipesMessageReader",
    "PipesOpenedData",
    "PipesParams",
    "PipesProcessFailed",
    "PipesResultError",
    "PipesSession",
    "PipesSubprocessClient",
    "PipesTempFileContextInjector",
    "PipesTempFileMessageReader",
    "PipesThreadedMessageReader",
    "open_pipes_session",
]
