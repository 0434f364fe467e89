"""How much one event may carry, so that the history does not explode: EVENT_BYTES_LIMIT, as it is written.

A failure is always recorded: its message is shortened, and its metadata left out if need be. Anything else that is too
large is refused with `EventTooLarge` when it is appended, before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from headwater.model.codec import encode_event, encode_json
from headwater.model.errors.store import EventTooLarge
from headwater.model.events import ErrorInfo, Event, StepFailed

EVENT_BYTES_LIMIT = 1024 * 1024
_LONGEST_MESSAGE = 32_000
_MOST_FRAMES = 200
_MOST_CAUSES = 5


def body_within_limit(event: Event) -> tuple[Event, bytes]:
    """Return the event, shortened if it tells of an error, with its written form. Raises EventTooLarge."""
    error = getattr(event, "error", None)
    if error is not None:
        event = replace(event, error=_shortened(error))
        body = encode_event(event)
        if len(body) > EVENT_BYTES_LIMIT and isinstance(event, StepFailed):
            event = replace(event, metadata={})
            body = encode_event(event)
    else:
        body = encode_event(event)
    if len(body) > EVENT_BYTES_LIMIT:
        metadata: Mapping[str, Any] = getattr(event, "metadata", {})
        largest = max(metadata, key=lambda entry: len(encode_json(metadata[entry])), default=None)
        asset = getattr(event, "asset", None)
        subject = f'asset "{asset}"' if asset else f'step "{event.step_key}"' if event.step_key else "this event"
        raise EventTooLarge(subject, len(body), EVENT_BYTES_LIMIT, largest)
    return event, body


def _shortened(error: ErrorInfo, depth: int = 0) -> ErrorInfo:
    message, frames = error.message, error.frames
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}… ({len(message) - _LONGEST_MESSAGE:,} more characters left out)"
    if len(frames) > _MOST_FRAMES:
        frames = frames[: _MOST_FRAMES // 2] + frames[-_MOST_FRAMES // 2 :]
    frames = tuple(replace(frame, source=frame.source[:500]) if len(frame.source) > 500 else frame for frame in frames)
    cause = _shortened(error.cause, depth + 1) if error.cause is not None and depth < _MOST_CAUSES else None
    return replace(error, message=message, frames=frames, cause=cause)
