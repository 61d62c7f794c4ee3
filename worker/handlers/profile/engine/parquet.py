"""Writes Parquet: as a whole, or many columns in slices so that they fit in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from worker.handlers.profile.engine.connection import batches, identifier, literal

CLEAN = "clean.parquet"
STAGING = "staging.parquet"
# Above this many columns they are written in slices: each takes some 100 KiB while it is checked.
SLICE_COLUMNS = 500
_ROW_GROUP_VALUES = 2_000_000


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column to write: the SQL expression of its values, and its name."""

    expression: str
    name: str


def write(
    connection: duckdb.DuckDBPyConnection,
    output: Sequence[OutputColumn],
    source: str,
    target: str,
    slice_columns: int = SLICE_COLUMNS,
) -> int:
    """Write ``output`` over the SQL table ``source`` to the file ``target``; return the rows.

    If there are more, ``slice_columns`` columns are written at a time. Nothing is left of a file
    that could not be written completely.
    """
    if len(output) <= slice_columns:
        selected = ", ".join(f"{each.expression} AS {identifier(each.name)}" for each in output)
        return _copy(connection, f"SELECT {selected} FROM {source}", target, len(output))
    slices = list(batches(output, slice_columns))
    parts = [f"part{number}.parquet" for number in range(len(slices))]
    try:
        rows = {
            write(connection, some, source, part, slice_columns)
            for some, part in zip(slices, parts, strict=True)
        }
        assert len(rows) == 1
        joined = " POSITIONAL JOIN ".join(map(literal, parts))
        return _copy(connection, f"SELECT * FROM {joined}", target, len(output))
    finally:
        for part in parts:
            Path(part).unlink(missing_ok=True)


def write_empty(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Write CLEAN with text columns and no rows."""
    output = [OutputColumn("NULL::VARCHAR", name) for name in columns]
    write(connection, output, "(SELECT 1 LIMIT 0)", CLEAN)


def is_empty_column(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Whether a column of CLEAN has no value at all."""
    query = f"SELECT count({identifier(column)}) FROM {literal(CLEAN)}"
    row = connection.execute(query).fetchone()
    return row is None or not row[0]


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: str, columns: int) -> int:
    # Fewer rows a group for wide tables, so that a group fits in memory.
    rows = max(2048, min(100_000, _ROW_GROUP_VALUES // max(1, columns)))
    try:
        row = connection.execute(
            f"COPY ({query}) TO {literal(target)} "
            f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {rows})"
        ).fetchone()
    except duckdb.Error:
        Path(target).unlink(missing_ok=True)
        raise
    return int(row[0]) if row else 0
