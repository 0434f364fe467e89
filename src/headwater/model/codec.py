"""Values to bytes and back: the one place that knows how events and records are written."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.model.events import AnyEvent, Event

_encoder = msgspec.json.Encoder(enc_hook=lambda value: str(value))
_event_decoder: msgspec.json.Decoder[Any] | None = None


def encode_event(event: Event) -> bytes:
    """Return the event as one JSON object whose "type" names its kind."""
    return _encoder.encode(event)


def decode_event(data: bytes | str) -> Event:
    """Return the event that `encode_event` wrote, also when an earlier release wrote it."""
    global _event_decoder
    if _event_decoder is None:
        _event_decoder = msgspec.json.Decoder(AnyEvent)
    event: Event = _event_decoder.decode(data)
    return event


def encode_json(value: Any) -> str:
    """Return plain values (and dataclasses and structs) as JSON text."""
    return _encoder.encode(value).decode()


def decode_json(data: bytes | str) -> Any:
    """Return plain values from JSON text."""
    return msgspec.json.decode(data)
