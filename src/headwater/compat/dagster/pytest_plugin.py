"""A plugin of pytest that runs a test suite written against Dagster on Headwater.

`pytest --headwater-as-dagster`, or `headwater_as_dagster = true` in the settings of pytest.
"""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the option and the setting."""
    words = "make `import dagster` mean Headwater (headwater.compat.dagster) in the tests"
    parser.getgroup("headwater").addoption("--headwater-as-dagster", action="store_true", default=False, help=words)
    parser.addini("headwater_as_dagster", words, type="bool", default=False)


def pytest_load_initial_conftests(early_config: Any) -> None:
    """Put the alias in before conftest files are imported: they import what the tests import."""
    if early_config.known_args_namespace.headwater_as_dagster or early_config.getini("headwater_as_dagster"):
        from headwater.compat.dagster import install

        install()


def pytest_report_header(config: Any) -> str | None:
    """Say so above the tests."""
    from headwater.compat.dagster import is_installed

    return "dagster: Headwater stands in for it (headwater.compat.dagster)" if is_installed() else None
