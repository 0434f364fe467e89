"""Fixtures for all tests."""

import signal

from tests.postgres_server import postgres_server as postgres_server, postgres_url as postgres_url
from tests.store_places import place as place

# A shell starts what runs in its background with Ctrl-C ignored, which the processes of tests would inherit.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
