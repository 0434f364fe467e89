"""Whose value a context is about, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext


def owner_of(context: InputContext | OutputContext) -> str:
    """Return in words whose table it is, for messages; also for contexts that know neither run nor step."""
    from headwater.authoring.io_contexts import InputContext
    from headwater.model.errors.io import MissingContextValue

    if context.has_asset_key:
        return f'asset "{context.asset_key}"'
    known = context.upstream_output if isinstance(context, InputContext) else context
    try:
        return f'output "{known.name}"' if known is not None else "the value"
    except MissingContextValue:
        return "the value"
