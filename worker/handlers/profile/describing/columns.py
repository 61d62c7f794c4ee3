"""Describes each column of the typed Parquet: counts, range, spread, top values, histogram."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from worker.handlers.profile.describing import distribution
from worker.handlers.profile.describing.column_stats import (
    EXACT_ROWS,
    TEXTS,
    ColumnStats,
    TableSize,
    is_number,
    number,
    short,
)
from worker.handlers.profile.engine.connection import batches, identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN
from worker.handlers.profile.types.column_plan import ColumnPlan

# A result has to stay small enough to be one row of the database.
DETAILED_COLUMNS = 1000
_FIRST_ROWS = 2048
_TELLING_COLUMNS = 8
# A table of the engine's own is quicker to ask again and again than Parquet, while it is small.
_TABLE_BYTES = 64_000_000
_TABLE_CELLS = 8_000_000


def describe(
    connection: duckdb.DuckDBPyConnection,
    plans: Sequence[ColumnPlan],
    extent: TableSize,
    report: Callable[[float], None],
) -> list[dict[str, Any]]:
    """Return one description per column; ``report`` gets the share done, 0–1."""
    described: list[dict[str, Any]] = []
    for batch in batches(plans):
        with _table(connection, batch, len(plans), extent) as table:
            found = _basics(connection, table, batch)
            rising = _rising(connection, table, batch)
            for plan, (basics, ends), maybe in zip(batch, found, rising, strict=True):
                if len(described) < DETAILED_COLUMNS and basics["count"]:
                    column = ColumnStats(connection, table, plan, extent, basics, ends)
                    column.look(may_be_sorted=maybe)
                described.append(basics)
                report(len(described) / len(plans))
    return described


def is_empty(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Whether a column has no value at all."""
    query = f"SELECT count({identifier(column)}) FROM {literal(CLEAN)}"
    row = connection.execute(query).fetchone()
    return row is None or not row[0]


def repeated_rows(
    connection: duckdb.DuckDBPyConnection, described: Sequence[dict[str, Any]], rows: int
) -> int | None:
    """How many rows are like an earlier one; None where that would take too long to find out."""
    if rows < 2 or any(column["unique"] and not column["nulls"] for column in described):
        return 0
    if rows > EXACT_ROWS or len(described) > DETAILED_COLUMNS:
        return None
    telling = sorted(described, key=lambda column: column["distinct"], reverse=True)
    # A few columns mostly tell all rows apart.
    for some in (telling[:_TELLING_COLUMNS], telling):
        cells = ", ".join(identifier(column["name"]) for column in some)
        row = connection.execute(
            f"SELECT count(*) - count(DISTINCT h) FROM (SELECT hash({cells}) AS h "
            f"FROM {literal(CLEAN)})"
        ).fetchone()
        if row is None or not row[0] or some is telling:
            break
    return int(row[0]) if row else None


@contextmanager
def _table(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[ColumnPlan],
    columns: int,
    extent: TableSize,
) -> Iterator[str]:
    """What to read a batch of columns from: the Parquet, or a copy of them."""
    large = extent.rows * len(batch) > _TABLE_CELLS
    if large or extent.size * len(batch) > _TABLE_BYTES * columns:
        yield literal(CLEAN)
        return
    names = ", ".join(identifier(plan.name) for plan in batch)
    connection.execute(f"CREATE TEMP TABLE batch AS SELECT {names} FROM {literal(CLEAN)}")
    try:
        yield "batch"
    finally:
        connection.execute("DROP TABLE batch")


def _basics(
    connection: duckdb.DuckDBPyConnection, table: str, batch: Sequence[ColumnPlan]
) -> list[tuple[dict[str, Any], tuple[float, float]]]:
    """What a single look tells of each column, and the ends of its range as numbers."""
    parts = []
    for plan in batch:
        name = identifier(plan.name)
        parts.append(
            f"count({name}), count(*) - count({name}), approx_count_distinct({name}), "
            f"min({name})::VARCHAR, max({name})::VARCHAR"
        )
        if plan.type in TEXTS:
            parts.append(f"min(length({name}::VARCHAR)), max(length({name}::VARCHAR)), NULL, NULL")
        elif plan.type == "BOOLEAN":
            parts.append("NULL, NULL, NULL, NULL")
        else:
            value = number(name, plan.type)
            low, high = (number(f"{end}({name})", plan.type) for end in ("min", "max"))
            parts.append(f"avg({value}), stddev({value}), {low}, {high}")
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone()
    assert row is not None
    found = [row[9 * n : 9 * n + 9] for n in range(len(batch))]
    return [(_described(plan, each), each[7:]) for plan, each in zip(batch, found, strict=True)]


def _described(plan: ColumnPlan, found: Sequence[Any]) -> dict[str, Any]:
    count, nulls, distinct, low, high, one, two, *_ = found
    numeric, text = is_number(plan.type), plan.type in TEXTS
    return {
        "name": plan.name,
        "type": plan.type,
        "kind": plan.kind.name if plan.kind else "text",
        "count": count,
        "nulls": nulls,
        # The sketch can exceed what there is.
        "distinct": min(distinct, count),
        "distinct_exact": False,
        "unique": False,
        "min": short(low),
        "max": short(high),
        "mean": distribution.finite(one) if numeric else None,
        "std": distribution.finite(two) if numeric else None,
        "lengths": [one, two] if text and one is not None else None,
        "quantiles": None,
        "sorted": None,
        "top": [],
        "histogram": None,
        "looks_like": None,
        "warnings": [plan.note] if plan.note else [],
    }


def _rising(
    connection: duckdb.DuckDBPyConnection, table: str, batch: Sequence[ColumnPlan]
) -> list[bool]:
    """Which columns may be sorted, as far as the first rows show: most soon show they are not."""
    names = [identifier(plan.name) for plan in batch]
    pairs = ", ".join(
        f"{name} AS v{n}, lag({name}) OVER () AS b{n}" for n, name in enumerate(names)
    )
    tests = ", ".join(
        f"bool_and(v{n} >= b{n}) <> bool_and(v{n} <= b{n})" for n in range(len(names))
    )
    row = connection.execute(
        f"SELECT {tests} FROM (SELECT {pairs} FROM "
        f"(SELECT {', '.join(names)} FROM {table} LIMIT {_FIRST_ROWS}))"
    ).fetchone()
    assert row is not None
    return [bool(each) for each in row]
