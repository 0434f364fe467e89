"""How a frame is described on the page of its asset: its columns, and a few of its rows."""

import headwater as hw
import pandas as pd


def column_schema(rows: pd.DataFrame) -> hw.MetadataValue:
    """Return the names and types of the columns, and how often each of them is empty."""
    return hw.MetadataValue.table_schema(
        hw.TableSchema(
            columns=[
                hw.TableColumn(
                    name=str(name),
                    type=str(column.dtype),
                    description=f"empty in {column.isna().mean():.1%} of the rows",
                )
                for name, column in rows.items()
            ]
        )
    )


def markdown_table(rows: pd.DataFrame, decimals: int = 2) -> hw.MetadataValue:
    """Return the rows as a table in Markdown; numbers with a fraction are rounded to `decimals`."""

    def cell(value: object) -> str:
        return f"{value:.{decimals}f}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join(map(str, rows.columns)) + " |", "|" + " --- |" * len(rows.columns)]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in rows.itertuples(index=False)]
    return hw.MetadataValue.md("\n".join(lines))
