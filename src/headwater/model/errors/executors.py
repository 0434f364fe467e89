"""Errors about executors."""

from __future__ import annotations

from headwater.model.errors.definition import InvalidDefinitionError


class UnsupportedExecutorError(InvalidDefinitionError):
    """A run was to be carried out by an executor of the user's own."""

    code = "unsupported-executor"

    def __init__(self, name: str, job: str | None = None) -> None:
        self.name = name
        of = f'Job "{job}" is' if job is not None else "A run is"
        super().__init__(
            what=f'{of} to be carried out by "{name}", an executor of your own.',
            why="Such executors can be declared and configured; the steps of a run are carried out by Headwater's own.",
            fix="Give executor_def=in_process_executor to the job (or executor= to Definitions), or leave it out; "
            "execute_in_process() runs the job as it is.",
        )
