"""Reads the staged table, every cell of which is text, by the plans of its columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from worker.handlers.profile.engine import parquet
from worker.handlers.profile.engine.connection import batches, identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN, STAGING, OutputColumn
from worker.handlers.profile.types.column_plan import ColumnPlan, cell_sql, null_word_sql

# Casts that know null words take much memory; columns of Parquet are quick to reach.
SLICE_COLUMNS = 50
_FETCHED_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Misfit:
    """A cell that does not match its column's format; ``line`` is that of its record, from 1."""

    line: int
    column: str
    text: str


def write_typed(connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan]) -> int:
    """Write the typed Parquet; return its rows. Rows with misfits to be rejected are left out."""
    output = [OutputColumn(plan.typed_sql(), plan.name) for plan in plans]
    return parquet.write(connection, output, source_sql(plans), CLEAN, SLICE_COLUMNS)


def source_sql(plans: Sequence[ColumnPlan]) -> str:
    """SQL for the staged rows that are written: those without misfits to be rejected."""
    fits = _all_fit_sql([plan for plan in plans if plan.rejected_misfits])
    return f"{literal(STAGING)} WHERE {fits}"


def rejected_misfits(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan], line_column: str
) -> Iterator[Misfit]:
    """Yield the first misfit of every row that :func:`write_typed` leaves out, in file order.

    ``line_column`` is the staged column with the line numbers.
    """
    strict = [plan for plan in plans if plan.rejected_misfits]
    if not strict:
        return
    cases = " ".join(
        f"WHEN NOT {plan.fits_sql()} THEN [{literal(plan.name)}, {identifier(plan.name)}]"
        for plan in strict
    )
    found = connection.execute(
        f"SELECT {identifier(line_column)}::BIGINT, CASE {cases} END FROM {literal(STAGING)} "
        f"WHERE NOT ({_all_fit_sql(strict)}) ORDER BY 1"
    )
    while rows := found.fetchmany(_FETCHED_ROWS):
        for line, (column, text) in rows:
            yield Misfit(line, column, text)


def _all_fit_sql(plans: Sequence[ColumnPlan]) -> str:
    return " AND ".join(plan.fits_sql() for plan in plans) or "true"


def count_null_words(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan]
) -> dict[str, dict[str, int]]:
    """Per column the words that are read as missing, and how often each occurs."""
    found: dict[str, dict[str, int]] = {}
    for batch in batches([plan for plan in plans if plan.null_words]):
        texts = {plan.name: cell_sql(plan.name, unwrapped=plan.unwrapped) for plan in batch}
        conditions = {plan.name: _is_null_word_sql(plan) for plan in batch}
        counts = ", ".join(f"count_if({condition})" for condition in conditions.values())
        row = connection.execute(f"SELECT {counts} FROM {literal(STAGING)}").fetchone()
        assert row is not None
        for (name, condition), count in zip(conditions.items(), row, strict=True):
            if count:
                rows = connection.execute(
                    f"SELECT trim({texts[name]}) AS v, count(*) FROM {literal(STAGING)} "
                    f"WHERE {condition} GROUP BY v ORDER BY 2 DESC, 1"
                ).fetchall()
                found[name] = dict(rows)
    return found


def _is_null_word_sql(plan: ColumnPlan) -> str:
    cell = cell_sql(plan.name, unwrapped=plan.unwrapped)
    return null_word_sql(cell, plan.null_words)
