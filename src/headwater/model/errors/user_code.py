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
