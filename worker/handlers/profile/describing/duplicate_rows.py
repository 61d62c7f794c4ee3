"""Counts the rows of the typed table that are like an earlier one."""

from collections.abc import Sequence

import duckdb

from worker.handlers.profile.describing.column_profile import ColumnProfile
from worker.handlers.profile.describing.column_stats import EXACT_ROWS
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN

_MAX_COLUMNS = 1000
# So many columns mostly tell all rows apart.
_DISTINCTIVE_COLUMNS = 8


def count_duplicate_rows(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[ColumnProfile], rows: int
) -> int | None:
    """Return how many of ``rows`` repeat an earlier one; None where that would take too long."""
    if rows < 2 or any(column.unique and not column.nulls for column in columns):
        return 0
    if rows > EXACT_ROWS or len(columns) > _MAX_COLUMNS:
        return None
    by_distinct = sorted(columns, key=lambda column: column.distinct, reverse=True)
    if not _count(connection, by_distinct[:_DISTINCTIVE_COLUMNS]):
        return 0
    return _count(connection, by_distinct)


def _count(connection: duckdb.DuckDBPyConnection, columns: Sequence[ColumnProfile]) -> int:
    """How many rows repeat the cells of some columns."""
    cells = ", ".join(identifier(column.name) for column in columns)
    row = connection.execute(
        f"SELECT count(*) - count(DISTINCT h) FROM (SELECT hash({cells}) AS h "
        f"FROM {literal(CLEAN)})"
    ).fetchone()
    assert row is not None
    return int(row[0])
