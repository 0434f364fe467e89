"""Messages between the server, its hosts and their workers: what is too large for one, and what is not read."""

from __future__ import annotations

import socket
import subprocess

from headwater.service.location import LocationSettings, Snapshot
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


def test_a_host_that_is_stopped_and_reads_nothing_is_not_taken_for_one_that_is_gone() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs, subprocess.Popen(["true"]) as process:
        snapshot = Snapshot("here#1", LocationSettings("here"), ours, process)
        for _ in range(5_000):
            snapshot.signal(1, kills=True)
        assert not snapshot.is_gone
        theirs.close()
        snapshot.signal(1, kills=True)
        assert snapshot.is_gone
