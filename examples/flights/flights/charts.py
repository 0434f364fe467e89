"""Charts as SVG, written by hand: the report needs no plotting library, and its text can be searched and copied."""

from collections.abc import Mapping, Sequence
from html import escape

CELL_WIDTH, CELL_HEIGHT, LABEL_WIDTH, HEADER_HEIGHT = 38, 22, 170, 34
CALM, WORST = (236, 241, 245), (166, 54, 3)


def heat_map(
    values: Mapping[tuple[str, int], float], rows: Sequence[str], columns: Sequence[int], title: str, unit: str
) -> str:
    """Return an SVG with a cell for each row and column, darker where the value is larger; cells without one are blank.

    A value of 0 or less has the lightest colour. Each cell tells its value when it is pointed at.
    """
    highest = max(values.values(), default=1.0) or 1.0
    width = LABEL_WIDTH + CELL_WIDTH * len(columns)
    height = HEADER_HEIGHT + CELL_HEIGHT * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(title)}</title>",
    ]
    for place, column in enumerate(columns):
        x = LABEL_WIDTH + CELL_WIDTH * (place + 0.5)
        parts.append(f'<text x="{x}" y="{HEADER_HEIGHT - 10}" text-anchor="middle">{column}</text>')
    for line, row in enumerate(rows):
        y = HEADER_HEIGHT + CELL_HEIGHT * line
        parts.append(f'<text x="{LABEL_WIDTH - 10}" y="{y + 15}" text-anchor="end">{escape(row)}</text>')
        for place, column in enumerate(columns):
            value = values.get((row, column))
            if value is None:
                continue
            share = min(max(value / highest, 0.0), 1.0)
            x = LABEL_WIDTH + CELL_WIDTH * place
            ink = "#fff" if share > 0.55 else "#333"
            parts.append(
                f"<g><title>{escape(row)}, {column}:00: {value:.1f} {escape(unit)}</title>"
                f'<rect x="{x}" y="{y}" width="{CELL_WIDTH - 1}" height="{CELL_HEIGHT - 1}" fill="{shade(share)}"/>'
                f'<text x="{x + CELL_WIDTH / 2}" y="{y + 15}" text-anchor="middle" fill="{ink}">{value:.0f}</text></g>'
            )
    return "\n".join([*parts, "</svg>"])


def shade(share: float) -> str:
    """Return the colour that lies `share` (0 to 1) of the way from calm to worst, such as "#ecf1f5"."""
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in zip(CALM, WORST, strict=True))
