"""What a run has made is told to each new worker, in messages that can be sent."""

from __future__ import annotations

from headwater.service.protocol import FRAME_BYTES_LIMIT, Attempt, Journal, StartAttempt, encode, in_parts


def test_a_journal_of_any_size_is_sent_in_messages_within_the_limit() -> None:
    journal = tuple(bytes([number]) * (1 << 20) for number in range(100))
    start = StartAttempt(Attempt("run", "step"), journal=journal)
    parts = list(in_parts(start))
    assert all(len(encode(part)) < FRAME_BYTES_LIMIT for part in parts)
    told = [entry for part in parts for entry in (part.entries if isinstance(part, Journal) else part.journal)]  # type: ignore[attr-defined]
    assert tuple(told) == journal
    assert isinstance(parts[-1], StartAttempt)
    small = StartAttempt(Attempt("run", "step"), journal=journal[:2])
    assert list(in_parts(small)) == [small]
