"""Errors of the service: of what passes between its processes, and of what is asked of it."""

from __future__ import annotations

from headwater.model.errors.root import HeadwaterError


class ServiceError(HeadwaterError):
    """The root of errors of the service. `raised_as` names the class of one that came from another process."""

    code = "service"
    raised_as: str | None = None


class MessageTooLarge(ServiceError):
    """Something is too large to be handed from one process to another."""

    code = "message-too-large"

    def __init__(self, named: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            what=f"{named} is {size_bytes / (1 << 20):.1f} MiB; {limit_bytes / (1 << 20):.0f} MiB is the most.",
            why="What passes between the server and its workers is held in memory whole.",
            fix="Store what is large through an IO manager, and hand on where it is.",
        )


class UnreadableMessage(ServiceError):
    """A message of another process cannot be read."""

    code = "unreadable-message"

    def __init__(self, reason: str) -> None:
        super().__init__(
            what=f"A message of another process cannot be read: {reason}.",
            why="The two speak different releases of Headwater, or something else writes to their socket.",
            fix="Install the same release in the environments of the server and of the code location.",
        )


class VersionDiffers(ServiceError):
    """The environment of a code location has another Headwater than the server."""

    code = "version-differs"

    def __init__(self, location: str, theirs: str, ours: str, python: str) -> None:
        super().__init__(
            what=f'The environment of the code location "{location}" has Headwater {theirs}; the server is {ours}.',
            why="They speak over a protocol that may differ from release to release.",
            fix=f'Install the same release there: {python} -m pip install "headwater=={ours}".',
        )


class LocationNotLoaded(ServiceError):
    """A code location cannot be used, because its code does not import."""

    code = "location-not-loaded"

    def __init__(self, location: str, problem: str) -> None:
        super().__init__(
            what=f'The code location "{location}" does not load: {problem}',
            why="Nothing of it can run.",
            fix="Mend the code; the service tries again when a file changes, or with `headwater worker reload`.",
        )


class UnknownLocation(ServiceError):
    """There is no code location of a name."""

    code = "unknown-location"

    def __init__(self, location: str | None, known: tuple[str, ...]) -> None:
        named = f'no code location "{location}"' if location is not None else "more than one code location"
        super().__init__(
            what=f"The service has {named}.",
            why="It is not known whose code should run.",
            fix=f"Its code locations are: {', '.join(known) or 'none'}.",
        )


class ServiceNotRunning(ServiceError):
    """A command needs a running service, and there is none."""

    code = "service-not-running"

    def __init__(self, home: str) -> None:
        super().__init__(
            what=f"No service runs for {home}.",
            why="The command asks it for something.",
            fix="Start it with `headwater serve`, in another terminal.",
        )


class ServiceAlreadyRuns(ServiceError):
    """A second service for one home."""

    code = "service-already-runs"

    def __init__(self, home: str, pid: int) -> None:
        super().__init__(
            what=f"A service already runs for {home}: process {pid}.",
            why="One server writes a store.",
            fix=f"Use that one, or stop it first: kill {pid}.",
        )


class RunNotActive(ServiceError):
    """A run was to be canceled that the service does not carry out."""

    code = "run-not-active"

    def __init__(self, run_id: str, status: str | None) -> None:
        super().__init__(
            what=f"Run {run_id[:8]} is not running here"
            + (f": it is {status}." if status else ": there is no such run."),
            why="There is nothing to stop.",
            fix="`headwater run list` shows the runs. What runs in another process is stopped there, with Ctrl-C.",
        )


class WorkerLost(ServiceError):
    """The process that ran a step is gone."""

    code = "worker-lost"

    def __init__(self, how: str, hint: str = "") -> None:
        super().__init__(
            what=f"The process that ran the step is gone: {how}.",
            why="What it was doing is not finished.",
            fix=hint or "It is tried again as often as its infrastructure retries allow.",
        )
