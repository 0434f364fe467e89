"""The client that runs commands on this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from headwater.authoring.contexts import OpExecutionContext
from headwater.model.errors.pipes import PipesLaunchError, PipesMessageError, PipesProcessFailed
from headwater.pipes.client import PipesClient, PipesClientCompletedInvocation
from headwater.pipes.injectors import PipesContextInjector, PipesTempFileContextInjector
from headwater.pipes.output_forwarding import OutputForwarding
from headwater.pipes.protocol import PipesExtras
from headwater.pipes.readers import PipesMessageReader, PipesTempFileMessageReader
from headwater.pipes.session import open_pipes_session

# An exception that is sent to a thread comes with its next line of Python, so no wait is longer than this.
_WAIT_SECONDS = 0.2


class PipesSubprocessClient(PipesClient):
    """Runs commands on this machine, in a process group of their own, with stdin closed.

    env: variables in addition to those of this process.
    cwd: the folder in which commands run; that of this process when None.
    context_injector, message_reader: how the context and the messages travel; temporary files when None.
    forward_termination: whether a command is stopped when the step is interrupted, canceled or out of time: SIGINT
        first, and SIGKILL when it has not ended after `termination_timeout_seconds`.
    forward_stdio: whether what a command writes to stdout and stderr comes out of this process, which puts it into the
        step's log.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        context_injector: PipesContextInjector | None = None,
        message_reader: PipesMessageReader | None = None,
        forward_termination: bool = True,
        forward_stdio: bool = True,
        termination_timeout_seconds: float = 20,
    ) -> None:
        self.env = env
        self.cwd = cwd
        self.context_injector = context_injector or PipesTempFileContextInjector()
        self.message_reader = message_reader or PipesTempFileMessageReader()
        self.forward_termination = forward_termination
        self.forward_stdio = forward_stdio
        self.termination_timeout_seconds = termination_timeout_seconds

    def run(  # type: ignore[override]
        self,
        *,
        context: OpExecutionContext,
        extras: PipesExtras | None = None,
        command: str | Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> PipesClientCompletedInvocation:
        """Run a command for the step of `context`, wait until it has ended, and return what it reported.

        A command in one string is split as a shell would. `env` and `cwd` go before those of the client. Raises
        PipesLaunchError when it cannot be started, PipesProcessFailed when it ends with another exit code than 0 or is
        killed, and PipesMessageError when it ended well but said things that cannot be used.
        """
        directory = cwd or self.cwd
        exit_code: int | None = None
        unusable: PipesMessageError | None = None
        forwarding = OutputForwarding(is_shown=self.forward_stdio)
        try:
            with open_pipes_session(context, self.context_injector, self.message_reader, extras) as session:
                # Unbuffered, or what Python prints would come when it ends, and be lost when it is killed.
                variables = {
                    "PYTHONUNBUFFERED": "1",
                    **os.environ,
                    **session.get_bootstrap_env_vars(),
                    **(self.env or {}),
                    **(env or {}),
                }
                process = _start(command, variables, directory)
                # The last one stops it while its output is still read; the first one, should that not have begun.
                with (
                    self._stopped_when_interrupted(process),
                    forwarding.of(process),
                    self._stopped_when_interrupted(process),
                ):
                    exit_code = _wait(process)
        except PipesMessageError as error:
            if not exit_code:
                raise
            unusable = error
        if exit_code:
            raise PipesProcessFailed(
                command,
                exit_code,
                stderr_tail=forwarding.stderr_tail,
                reported_exception=session.message_handler.reported_exception,
                step=context.step_key or None,
            ) from unusable
        return PipesClientCompletedInvocation(session)

    @contextmanager
    def _stopped_when_interrupted(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self.forward_termination and process.poll() is None:
                _send(process, signal.SIGINT)
                try:
                    process.wait(self.termination_timeout_seconds)
                except subprocess.TimeoutExpired:
                    _send(process, _KILL)
                    process.wait()
            raise


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def _start(command: str | Sequence[str], variables: Mapping[str, str], cwd: str | None) -> subprocess.Popen[bytes]:
    arguments: str | Sequence[str] = command
    if isinstance(command, str) and os.name == "posix" and shutil.which(command) is None:
        arguments = shlex.split(command)
    try:
        return subprocess.Popen(
            arguments,
            env=dict(variables),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            # A group of its own: what is stopped is stopped with all that it started, and Ctrl-C comes once, from here.
            process_group=0 if os.name == "posix" else None,
        )
    except (OSError, ValueError, IndexError) as error:
        reason = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise PipesLaunchError(command, cwd, reason) from error


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code when the process has ended. Whatever interrupts this thread meanwhile does so at once."""
    has_ended = threading.Event()

    def wait() -> None:
        process.wait()
        has_ended.set()

    threading.Thread(target=wait, name=f"headwater pipes process {process.pid}", daemon=True).start()
    while not has_ended.wait(_WAIT_SECONDS):
        continue
    return process.returncode


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        return
