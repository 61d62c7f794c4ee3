"""Describes each column of the typed Parquet: counts, range, top values, histogram."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from worker.handlers.profile.casting import CLEAN, TEXT, batches
from worker.handlers.profile.engine import identifier, literal

BINS = 20
TOP = 5
# Up to here an exact GROUP BY is quicker than a sketch, and it is exact.
EXACT_DISTINCT = 20_000
_SHOWN = 200
# A result has to stay small enough to be one row of the database.
DETAILED_COLUMNS = 1000


def describe(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    types: dict[str, str],
    report: Callable[[float], None],
) -> list[dict[str, Any]]:
    """Return one description per column; ``report`` gets the share done, 0–1."""
    described: list[dict[str, Any]] = []
    for batch in batches(columns):
        for basics in _basics(connection, batch, types):
            detailed = len(described) < DETAILED_COLUMNS
            described.append(_details(connection, basics) if detailed else basics)
            report(len(described) / len(columns))
    return described


def _basics(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[str], types: dict[str, str]
) -> list[dict[str, Any]]:
    parts = []
    for column in batch:
        name = identifier(column)
        mean = f"avg({_number(name, types[column])})" if _is_number(types[column]) else "NULL"
        parts.append(
            f"count({name}), count(*) - count({name}), approx_count_distinct({name}), "
            f"min({name})::VARCHAR, max({name})::VARCHAR, {mean}"
        )
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {literal(CLEAN)}").fetchone()
    assert row is not None
    described = []
    for index, column in enumerate(batch):
        count, nulls, distinct, low, high, mean = row[index * 6 : index * 6 + 6]
        described.append(
            {
                "name": column,
                "type": types[column],
                "count": count,
                "nulls": nulls,
                # The sketch can exceed what there is.
                "distinct": min(distinct, count),
                "distinct_exact": False,
                "min": _short(low),
                "max": _short(high),
                "mean": mean if mean is None or math.isfinite(mean) else None,
                "top": [],
                "histogram": None,
            }
        )
    return described


def _details(connection: duckdb.DuckDBPyConnection, basics: dict[str, Any]) -> dict[str, Any]:
    name, kind = identifier(basics["name"]), basics["type"]
    if basics["distinct"] <= EXACT_DISTINCT:
        rows = connection.execute(
            f"""
            SELECT {name}::VARCHAR, count(*) AS n, count(*) OVER () FROM {literal(CLEAN)}
            WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY n DESC, {name} LIMIT {TOP}
            """
        ).fetchall()
        basics["top"] = [[_short(value), n] for value, n, _ in rows]
        basics["distinct"] = rows[0][2] if rows else 0
        basics["distinct_exact"] = True
    if kind not in (TEXT, "BOOLEAN") and basics["count"]:
        basics["histogram"] = _histogram(connection, name, kind)
    return basics


def _histogram(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str
) -> dict[str, Any] | None:
    value = _number(name, kind)
    source = f"(SELECT {value} AS v FROM {literal(CLEAN)} WHERE {name} IS NOT NULL)"
    row = connection.execute(f"SELECT min(v), max(v) FROM {source}").fetchone()
    assert row is not None
    low, high = float(row[0]), float(row[1])
    if not math.isfinite(high - low):
        return None
    width = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for index, n in connection.execute(
        f"SELECT least({BINS - 1}, floor((v - ?) / ?))::INT AS b, count(*) "
        f"FROM {source} GROUP BY b",
        [low, width],
    ).fetchall():
        counts[index] = n
    return {"low": low, "high": high, "counts": counts}


def _is_number(kind: str) -> bool:
    return kind in ("BIGINT", "DOUBLE") or kind.startswith("DECIMAL")


def _number(name: str, kind: str) -> str:
    return f"{name}::DOUBLE" if _is_number(kind) else f"epoch({name})::DOUBLE"


def _short(value: str | None) -> str | None:
    return value if value is None or len(value) <= _SHOWN else value[:_SHOWN] + "…"
