"""Errors while a step runs: what the user's function gave that cannot be meant, or did not give."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.model.errors.definition import InvalidSubsetError, InvariantViolationError
from headwater.model.errors.root import HeadwaterError, did_you_mean


class ExecutionError(HeadwaterError):
    """The root of errors that come up while a step runs."""

    code = "execution"


class StepOutputNotFoundError(ExecutionError):
    """A step ended without giving an output that must come."""

    code = "missing-output"

    def __init__(self, step: str, output: str, kind: str) -> None:
        super().__init__(
            what=f'{kind} "{step}" ended without giving its output "{output}".',
            why="It is required, so what depends on it could not run.",
            fix="Return or yield it, or declare it optional: Out(is_required=False), AssetOut(is_required=False), or "
            "@asset(output_required=False).",
        )


class CheckResultNotFound(StepOutputNotFoundError):
    """A step ended without telling how one of its checks came out."""

    code = "missing-check-result"

    def __init__(self, step: str, check: str) -> None:
        ExecutionError.__init__(
            self,
            what=f'"{step}" ended without a result of its check "{check}".',
            why="It is not known whether it passed.",
            fix=f'Yield AssetCheckResult(check_name="{check}", passed=...).',
        )


class UnknownOutput(InvariantViolationError):
    """A step gave an output, asset or check that it does not declare."""

    code = "unknown-output"

    def __init__(self, step: str, given: str, what: str, known: Iterable[str]) -> None:
        names = list(known)
        super().__init__(
            what=f'"{step}" gave the {what} "{given}", which it does not declare.',
            why="It could not be recorded.",
            fix=f"{did_you_mean(given, names)}It declares: {', '.join(names) or 'none'}.",
        )


class UnusableResult(InvariantViolationError):
    """A step returned or yielded something that cannot be meant."""

    code = "unusable-result"


class AssetCheckFailedError(ExecutionError):
    """A blocking check did not pass, so what is downstream of its asset does not run."""

    code = "check-failed"

    def __init__(self, checks: Iterable[str]) -> None:
        self.checks = tuple(checks)
        named = ", ".join(f'"{check}"' for check in self.checks)
        super().__init__(
            what=f"Blocking check {named} failed.",
            why="What is downstream of the asset was not run.",
            fix="Look at the check's metadata, mend the data or the check, and materialize again.",
        )


class StepTimeoutError(ExecutionError):
    """An attempt took longer than its time limit."""

    code = "timeout"

    def __init__(self, step: str, seconds: float) -> None:
        super().__init__(
            what=f'"{step}" was stopped after its time limit of {seconds:g} s.',
            why="The limit is set with timeout=.",
            fix="Raise the limit, or find out what took so long in the step's log.",
        )


class RunTimeoutError(ExecutionError):
    """A run took longer than the time limit of its job."""

    code = "run-timeout"

    def __init__(self, seconds: float, step: str | None = None) -> None:
        super().__init__(
            what=f"The run's time limit of {seconds:g} s was over" + (f' while "{step}" ran.' if step else "."),
            why="The limit is set with timeout= of the job.",
            fix="Raise the limit, or find out what took so long in the steps' logs.",
        )


class InputNotGiven(ExecutionError):
    """An input has no source: nothing upstream, no default, and no value was given with the run."""

    code = "input-not-given"

    def __init__(self, step: str, name: str) -> None:
        super().__init__(
            what=f'Input "{name}" of "{step}" has no value.',
            why="Nothing upstream gives it, it has no default, and the run brings none.",
            fix=f'Connect it to an output, give it a default, or give it with the run: {{"ops": {{"{step}": {{"inputs": '
            f'{{"{name}": ...}}}}}}}}.',
        )


class NothingToKeep(InvariantViolationError):
    """An asset said that it is unchanged, but was never built."""

    code = "nothing-to-keep"

    def __init__(self, asset: str, partition: str | None) -> None:
        at = f" [{partition}]" if partition is not None else ""
        super().__init__(
            what=f'Asset "{asset}"{at} returned Unchanged(), and has never been materialized.',
            why="There is no earlier value that could still hold.",
            fix="Build it the first time: check context.instance.get_latest_materialization_event(...) before.",
        )


class RunFailedError(ExecutionError):
    """A run failed and no exception of the user's can be raised again."""

    code = "run-failed"


class MissingUpstreamPartition(InvariantViolationError, ExecutionError):
    """A partition needs an upstream partition that does not exist."""

    code = "missing-upstream-partition"

    def __init__(self, asset: str, upstream: str, keys: Iterable[str]) -> None:
        named = list(keys)
        shown = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")
        super().__init__(
            what=f'"{asset}" needs partitions of "{upstream}" that do not exist: {shown}.',
            why="The upstream partitions definition does not reach that far.",
            fix="Run it for other partitions, extend the upstream definition, or use "
            "TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True).",
        )


class StepNotFound(InvalidSubsetError):
    """A step or op was selected that the job does not have."""

    code = "step-not-found"


class JobNotFound(InvariantViolationError):
    """No job of that name is defined."""

    code = "job-not-found"
