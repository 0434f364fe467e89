"""What a hook is told: which step ended, how, and with which outputs."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, cast

from headwater.authoring.contexts import OpExecutionContext
from headwater.authoring.op_node import OpNode
from headwater.authoring.step_scope import StepScope

if TYPE_CHECKING:
    import logging


class HookContext:
    """What a hook is told: which step ended, how, and with which outputs."""

    __slots__ = ("_exception", "_outputs", "_resources", "_scope", "hook_def")

    def __init__(
        self,
        scope: StepScope,
        *,
        hook_def: Any = None,
        exception: BaseException | None = None,
        outputs: Mapping[str, Any] | None = None,
        resources: Any = None,
    ) -> None:
        self._scope = scope
        self.hook_def = hook_def
        self._exception = exception
        self._outputs: Mapping[str, Any] = outputs or {}
        self._resources = resources

    @property
    def job_name(self) -> str:
        """The name of the job that runs; empty outside of a run."""
        return cast(str, self._scope.job_def.name) if self._scope.job_def is not None else ""

    @property
    def run_id(self) -> str:
        """The id of the run; empty outside of one."""
        return self._scope.run.run_id if self._scope.run is not None else ""

    @property
    def op(self) -> OpNode:
        """The op of the step that ended, under its name in the job; None if `build_hook_context` was given none."""
        # In a run there always is one, so it is not declared as optional: hooks read its name.
        if self._scope.op_def is None:
            return cast(OpNode, None)
        return OpNode.of_step(self._scope.step_key, self._scope.op_def, self._scope.job_def)

    @property
    def op_config(self) -> Any:
        """The config of the step that ended."""
        return self._scope.op_config

    @property
    def op_exception(self) -> BaseException | None:
        """Why the step failed; None when it succeeded."""
        return self._exception

    @property
    def op_output_values(self) -> Mapping[str, Any]:
        """The values that the step gave, by output name (by mapping key inside, for a dynamic output)."""
        return self._outputs

    @property
    def op_output_metadata(self) -> Mapping[str, Any]:
        """The metadata that was added to outputs, by output name."""
        return {name: metadata for (name, _), metadata in self._scope.output_metadata.items()}

    @property
    def step_key(self) -> str:
        """The step that ended."""
        return self._scope.step_key

    @property
    def log(self) -> logging.Logger:
        """The log of the step that ended."""
        return OpExecutionContext(self._scope).log

    @property
    def resources(self) -> Any:
        """The resources that the hook asked for, as attributes."""
        return self._resources if self._resources is not None else OpExecutionContext(self._scope).resources

    @property
    def required_resource_keys(self) -> Set[str]:
        """The keys of the resources that the hook asked for."""
        return self.hook_def.required_resource_keys if self.hook_def is not None else set()

    @property
    def instance(self) -> Any:
        """The instance that keeps the record."""
        return self._scope.instance
