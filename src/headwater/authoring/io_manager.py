"""What stores the values of assets and ops, and what loads them: the two interfaces that users implement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext


class InputManager(ABC):
    """Loads a value for a parameter. Use it for a parameter whose value is not stored by an asset or op of ours."""

    @abstractmethod
    def load_input(self, context: InputContext) -> Any:
        """Return the value for the parameter that `context` describes."""


class IOManager(InputManager):
    """Stores what an asset or op returns, and loads it again for those downstream."""

    @abstractmethod
    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj`, the value of the output that `context` describes, in place of any earlier one."""

    @abstractmethod
    def load_input(self, context: InputContext) -> Any:
        """Return the stored value of the upstream output that `context` describes."""
