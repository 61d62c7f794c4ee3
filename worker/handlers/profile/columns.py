"""Describes each column of the typed Parquet: counts, range, spread, top values, histogram."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from worker.handlers.profile import texts
from worker.handlers.profile.casting import CLEAN, batches
from worker.handlers.profile.engine import identifier, literal
from worker.handlers.profile.kinds import TEXT
from worker.handlers.profile.plans import Plan

BINS = 20
TOP = 10
# Up to here an exact GROUP BY is quicker than a sketch, and it is exact.
EXACT_DISTINCT = 20_000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Up to so many rows quantiles, uniqueness and repeated rows are exact.
EXACT_ROWS = 2_000_000
_SHOWN = 200
# A result has to stay small enough to be one row of the database.
DETAILED_COLUMNS = 1000
_FIRST_ROWS = 2048
TEXTS = (TEXT, "JSON", "UUID")


def describe(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], report: Callable[[float], None]
) -> list[dict[str, Any]]:
    """Return one description per column; ``report`` gets the share done, 0–1."""
    described: list[dict[str, Any]] = []
    for batch in batches(plans):
        for plan, basics in zip(batch, _basics(connection, batch), strict=True):
            if len(described) < DETAILED_COLUMNS and basics["count"]:
                _details(connection, plan, basics)
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
    if rows < 2 or any(column["unique"] for column in described):
        return 0
    if rows > EXACT_ROWS or len(described) > DETAILED_COLUMNS:
        return None
    cells = ", ".join(identifier(column["name"]) for column in described)
    row = connection.execute(
        f"SELECT count(*) - count(DISTINCT h) FROM (SELECT hash({cells}) AS h "
        f"FROM {literal(CLEAN)})"
    ).fetchone()
    return int(row[0]) if row else None


def _basics(connection: duckdb.DuckDBPyConnection, batch: Sequence[Plan]) -> list[dict[str, Any]]:
    parts = []
    for plan in batch:
        name = identifier(plan.name)
        parts.append(
            f"count({name}), count(*) - count({name}), approx_count_distinct({name}), "
            f"min({name})::VARCHAR, max({name})::VARCHAR"
        )
        if _is_number(plan.type):
            parts.append(f"avg({_number(name, plan.type)}), stddev({_number(name, plan.type)})")
        elif plan.type in TEXTS:
            parts.append(f"min(length({name}::VARCHAR)), max(length({name}::VARCHAR))")
        else:
            parts.append("NULL, NULL")
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {literal(CLEAN)}").fetchone()
    assert row is not None
    described = []
    for index, plan in enumerate(batch):
        count, nulls, distinct, low, high, one, two = row[index * 7 : index * 7 + 7]
        number, text = _is_number(plan.type), plan.type in TEXTS
        described.append(
            {
                "name": plan.name,
                "type": plan.type,
                "kind": plan.kind.name if plan.kind else "text",
                "count": count,
                "nulls": nulls,
                # The sketch can exceed what there is.
                "distinct": min(distinct, count),
                "distinct_exact": False,
                "unique": False,
                "min": _short(low),
                "max": _short(high),
                "mean": _finite(one) if number else None,
                "std": _finite(two) if number else None,
                "lengths": [one, two] if text and one is not None else None,
                "quantiles": None,
                "sorted": None,
                "top": [],
                "histogram": None,
                "looks_like": None,
                "warnings": [plan.note] if plan.note else [],
            }
        )
    return described


def _details(connection: duckdb.DuckDBPyConnection, plan: Plan, basics: dict[str, Any]) -> None:
    name, kind, count = identifier(plan.name), plan.type, basics["count"]
    rows = count + basics["nulls"]
    grouped = basics["distinct"] <= EXACT_DISTINCT
    if grouped:
        found = connection.execute(
            f"""
            SELECT {name}::VARCHAR, count(*) AS n, count(*) OVER () FROM {literal(CLEAN)}
            WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY n DESC, {name} LIMIT {TOP}
            """
        ).fetchall()
        basics["top"] = [[_short(value), n] for value, n, _ in found]
        basics["distinct"], basics["distinct_exact"] = found[0][2], True
    basics["sorted"] = _sorted(connection, name)
    if basics["sorted"] == "strictly ascending" and not basics["nulls"]:
        basics["distinct"], basics["distinct_exact"] = count, True
    elif not grouped and basics["distinct"] >= 0.9 * count and rows <= EXACT_ROWS:
        query = f"SELECT count(DISTINCT {name}) FROM {literal(CLEAN)}"
        row = connection.execute(query).fetchone()
        assert row is not None
        basics["distinct"], basics["distinct_exact"] = row[0], True
    basics["unique"] = basics["distinct_exact"] and basics["distinct"] == count > 1
    if kind not in (*TEXTS, "BOOLEAN"):
        _spread(connection, name, kind, basics)
    if kind == TEXT:
        texts.look(connection, name, basics, grouped=grouped)
    basics["warnings"] += _warnings(basics)


def _sorted(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """Whether the values ascend or descend through the file; most columns show soon they do not."""
    for source in (f"(SELECT {name} FROM {literal(CLEAN)} LIMIT {_FIRST_ROWS})", literal(CLEAN)):
        row = connection.execute(
            f"SELECT bool_and(v > b), bool_and(v >= b), bool_and(v <= b), count(b) FROM "
            f"(SELECT {name} AS v, lag({name}) OVER () AS b FROM {source})"
        ).fetchone()
        assert row is not None
        strictly, up, down, pairs = row
        if not pairs or not (up or down) or (up and down):
            return None
    return "strictly ascending" if strictly else "ascending" if up else "descending"


def _spread(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, basics: dict[str, Any]
) -> None:
    """Quantiles and histogram of a column of numbers or times."""
    value = _number(name, kind)
    source = f"(SELECT {value} AS v FROM {literal(CLEAN)} WHERE {name} IS NOT NULL)"
    listed = ", ".join(map(str, QUANTILES))
    exact = basics["count"] <= EXACT_ROWS // 10
    how = "quantile_cont" if exact else "reservoir_quantile"
    found = connection.execute(
        f"SELECT {how}(v, [{listed}]), min(v), max(v) FROM {source}"
    ).fetchone()
    assert found is not None
    quantiles, low, high = found
    if _is_number(kind):
        basics["quantiles"] = {
            "of": list(QUANTILES),
            "values": [_finite(each) for each in quantiles],
            "exact": exact,
        }
    if not math.isfinite(high - low):
        return
    width = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for index, n in connection.execute(
        f"SELECT least({BINS - 1}, floor((v - ?) / ?))::INT AS b, count(*) "
        f"FROM {source} GROUP BY b",
        [low, width],
    ).fetchall():
        counts[index] = n
    basics["histogram"] = {"low": low, "high": high, "counts": counts}


_SENTINELS = frozenset(
    {"9999", "99999", "999999", "-999", "-9999", "-99", "-1", "1900-01-01", "1970-01-01",
     "9999-12-31", "1899-12-30", "1900-01-01 00:00:00", "1970-01-01 00:00:00"}
)  # fmt: skip


def _warnings(basics: dict[str, Any]) -> list[str]:
    found = []
    count, distinct = basics["count"], basics["distinct"]
    if distinct == 1 and count > 1:
        found.append("Every value is the same.")
    elif basics["distinct_exact"] and 0 < count - distinct <= 0.01 * count and distinct > 100:
        found.append(f"Nearly unique: {count - distinct:,} of {count:,} values come again.")
    ends = {basics["min"], basics["max"]}
    for value, times in basics["top"]:
        if value.removesuffix(".0") in _SENTINELS and value in ends and basics["type"] != TEXT:
            found.append(f"{value} stands {times:,} times and may mean that there is no value.")
    quantiles = basics["quantiles"]
    if quantiles and None not in quantiles["values"]:
        _, lower, _, upper, _ = quantiles["values"]
        reach = 5 * (upper - lower)
        histogram = basics["histogram"]
        if reach > 0 and histogram:
            for end, beyond in (("low", lower - reach), ("high", upper + reach)):
                value = histogram[end]
                if (value < beyond) if end == "low" else (value > beyond):
                    words = "smallest" if end == "low" else "largest"
                    extreme = basics["min" if end == "low" else "max"]
                    found.append(f"The {words} value, {extreme}, lies far from all but a few.")
    return found


def _is_number(kind: str) -> bool:
    return kind in ("BIGINT", "DOUBLE") or kind.startswith("DECIMAL")


def _number(name: str, kind: str) -> str:
    return f"{name}::DOUBLE" if _is_number(kind) else f"epoch({name})::DOUBLE"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _short(value: str | None) -> str | None:
    return value if value is None or len(value) <= _SHOWN else value[:_SHOWN] + "…"
