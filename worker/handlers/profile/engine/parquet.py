"""Writes Parquet: as a whole, or many columns in slices so that they fit memory."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from worker.handlers.profile.engine.connection import batches, identifier, literal

CLEAN = "clean.parquet"
STAGING = "staging.parquet"
# More columns than these are written in slices: each takes some 100 KiB while it is checked.
SLICE_COLUMNS = 500
_VALUES_A_GROUP = 2_000_000


def write(
    connection: duckdb.DuckDBPyConnection,
    cells: Sequence[tuple[str, str]],
    source: str,
    target: str,
    slice_columns: int = SLICE_COLUMNS,
) -> int:
    """Write SQL expressions, each with its column's name, over ``source``; return the rows.

    Of more than SLICE_COLUMNS ``slice_columns`` are written at a time. Nothing is left of a file
    that could not be written whole.
    """
    if len(cells) <= SLICE_COLUMNS:
        listed = ", ".join(f"{cell} AS {identifier(name)}" for cell, name in cells)
        return _copy(connection, f"SELECT {listed} FROM {source}", target, len(cells))
    slices = list(batches(cells, slice_columns))
    parts = [f"part{number}.parquet" for number in range(len(slices))]
    try:
        rows = {
            write(connection, some, source, part) for some, part in zip(slices, parts, strict=True)
        }
        assert len(rows) == 1
        beside = " POSITIONAL JOIN ".join(map(literal, parts))
        return _copy(connection, f"SELECT * FROM {beside}", target, len(cells))
    finally:
        for part in parts:
            Path(part).unlink(missing_ok=True)


def empty(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Write a Parquet of texts without rows."""
    cells = [("NULL::VARCHAR", name) for name in columns]
    write(connection, cells, "(SELECT 1 LIMIT 0)", CLEAN)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: str, columns: int) -> int:
    # Row groups of about two million values, so that wide tables fit memory.
    rows = max(2048, min(100_000, _VALUES_A_GROUP // max(1, columns)))
    try:
        row = connection.execute(
            f"COPY ({query}) TO {literal(target)} "
            f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {rows})"
        ).fetchone()
    except duckdb.Error:
        Path(target).unlink(missing_ok=True)
        raise
    return int(row[0]) if row else 0
