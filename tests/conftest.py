"""Fixtures for all tests."""

from tests.postgres_server import postgres_server as postgres_server, postgres_url as postgres_url
from tests.store_places import place as place
