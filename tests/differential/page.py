"""`python -m tests.differential.page`: writes the list of deliberate differences into docs/differences.md."""

from __future__ import annotations

from pathlib import Path

from tests.differential.comparison import deliberate_differences

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
_HEADER = "| topic | Dagster 1.13 | Headwater | because |\n|---|---|---|---|\n"


def table() -> str:
    """Return the list as a table of Markdown."""
    return _HEADER + "".join(
        f"| {each.topic} | {each.dagster} | {each.headwater} | {each.reason} |\n" for each in deliberate_differences()
    )


def with_table(page: str) -> str:
    """Return a page with its table of differences as the list says."""
    before, _, rest = page.partition("| topic | Dagster 1.13 |")
    _, _, after = rest.partition("\n\n")
    return f"{before}{table()}\n{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
