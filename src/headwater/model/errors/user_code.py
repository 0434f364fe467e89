"""The root of errors that tell of what the user's code raised."""

from __future__ import annotations

from headwater.model.errors.root import HeadwaterError


class UserCodeExecutionError(HeadwaterError):
    """Code of the user raised where Headwater called it; what it raised is the cause."""

    code = "user-code"

    @property
    def user_exception(self) -> BaseException | None:
        """What the user's code raised."""
        return self.__cause__


class StepExecutionError(UserCodeExecutionError):
    """The function of a step raised: the name under which a step's failure tells of it. What was raised is the cause."""

    code = "step-execution"


class LoadInputError(UserCodeExecutionError):
    """An IO manager, or an input manager, raised as it loaded an input: the name under which a step's failure tells it."""

    code = "load-input"


class HandleOutputError(UserCodeExecutionError):
    """An IO manager raised as it stored an output: the name under which a step's failure tells of it."""

    code = "handle-output"
