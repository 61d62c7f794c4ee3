"""Describes each column of the typed Parquet: counts, range, spread, top values, histogram."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from worker.handlers.profile import spread, texts
from worker.handlers.profile.casting import BATCH_COLUMNS
from worker.handlers.profile.engine import identifier, literal
from worker.handlers.profile.kinds import TEXT
from worker.handlers.profile.parquet import CLEAN
from worker.handlers.profile.plans import Plan
from worker.handlers.profile.remarks import remarks

TOP = 10
# Up to here an exact GROUP BY is quicker than a sketch, and it is exact.
EXACT_DISTINCT = 20_000
# Distinct texts are looked at here as long as they take no more characters.
_FETCHED_CHARACTERS = 8_000_000
# Up to so many rows distinct values, uniqueness and repeated rows are exact.
EXACT_ROWS = 2_000_000
_SAMPLED_ROWS = 100_000
_SHOWN = 200
# A result has to stay small enough to be one row of the database.
DETAILED_COLUMNS = 1000
_FIRST_ROWS = 2048
# A table of the engine's own is quicker to ask again and again than Parquet, while it is small.
_TABLE_BYTES = 64_000_000
_TABLE_CELLS = 2_000_000
TEXTS = (TEXT, "JSON", "UUID")


@dataclass(frozen=True, slots=True)
class Extent:
    """Of the table: ``size`` bytes in the file, ``ascii``: there are no other characters."""

    rows: int
    size: int
    ascii: bool


def describe(
    connection: duckdb.DuckDBPyConnection,
    plans: Sequence[Plan],
    extent: Extent,
    report: Callable[[float], None],
) -> list[dict[str, Any]]:
    """Return one description per column; ``report`` gets the share done, 0–1."""
    described: list[dict[str, Any]] = []
    for start in range(0, len(plans), BATCH_COLUMNS):
        batch = plans[start : start + BATCH_COLUMNS]
        with _table(connection, batch, len(plans), extent) as table:
            found = _basics(connection, table, batch)
            rising = _rising(connection, table, batch)
            for plan, basics, maybe in zip(batch, found, rising, strict=True):
                if len(described) < DETAILED_COLUMNS and basics["count"]:
                    column = _Column(connection, table, plan, extent, basics)
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
    cells = ", ".join(identifier(column["name"]) for column in described)
    row = connection.execute(
        f"SELECT count(*) - count(DISTINCT h) FROM (SELECT hash({cells}) AS h "
        f"FROM {literal(CLEAN)})"
    ).fetchone()
    return int(row[0]) if row else None


@contextmanager
def _table(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[Plan], columns: int, extent: Extent
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
    connection: duckdb.DuckDBPyConnection, table: str, batch: Sequence[Plan]
) -> list[dict[str, Any]]:
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
            value = _number(name, plan.type)
            low, high = (_number(f"{end}({name})", plan.type) for end in ("min", "max"))
            parts.append(f"avg({value}), stddev({value}), {low}, {high}")
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone()
    assert row is not None
    return [_described(plan, row[9 * n : 9 * n + 9]) for n, plan in enumerate(batch)]


def _described(plan: Plan, found: Sequence[Any]) -> dict[str, Any]:
    count, nulls, distinct, low, high, one, two, *ends = found
    number, text = _is_number(plan.type), plan.type in TEXTS
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
        "min": _short(low),
        "max": _short(high),
        "mean": spread.finite(one) if number else None,
        "std": spread.finite(two) if number else None,
        "lengths": [one, two] if text and one is not None else None,
        "quantiles": None,
        "sorted": None,
        "top": [],
        "histogram": {"low": ends[0], "high": ends[1]} if ends[0] is not None else None,
        "looks_like": None,
        "warnings": [plan.note] if plan.note else [],
    }


def _rising(connection: duckdb.DuckDBPyConnection, table: str, batch: Sequence[Plan]) -> list[bool]:
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


class _Column:
    """One column at a closer look."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        plan: Plan,
        extent: Extent,
        described: dict[str, Any],
    ) -> None:
        self._connection = connection
        self._table = table
        self._name = identifier(plan.name)
        self._type = plan.type
        self._extent = extent
        self._described = described
        self._has_range = plan.type not in (*TEXTS, "BOOLEAN")

    def look(self, *, may_be_sorted: bool) -> None:
        """Complete the description."""
        found = self._described
        if may_be_sorted:
            found["sorted"] = self._sorted()
        lengths = found["lengths"]
        characters = found["distinct"] * lengths[1] if lengths else 0
        if found["distinct"] <= EXACT_DISTINCT and characters <= _FETCHED_CHARACTERS:
            self._by_distinct_values()
        else:
            self._by_all_values()
        found["unique"] = found["distinct_exact"] and found["distinct"] == found["count"] > 1
        found["warnings"] += remarks(found)

    def _sorted(self) -> str | None:
        """Whether the values ascend or descend through the file."""
        row = self._one(
            f"SELECT bool_and(v > b), bool_and(v >= b), bool_and(v <= b) FROM "
            f"(SELECT {self._name} AS v, lag({self._name}) OVER () AS b FROM {self._table})"
        )
        strictly, up, down = row
        if up == down:
            return None
        return "strictly ascending" if strictly else "ascending" if up else "descending"

    def _by_distinct_values(self) -> None:
        name, found = self._name, self._described
        number = _number(name, self._type) if self._has_range else "NULL::DOUBLE"
        counts = self._connection.execute(
            f"SELECT {name}::VARCHAR, {number}, count(*) AS n FROM {self._table} "
            f"WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY n DESC, {name}"
        ).fetchall()
        found["top"] = [[_short(text), times] for text, _, times in counts[:TOP]]
        found["distinct"], found["distinct_exact"] = len(counts), True
        if self._has_range:
            self._spread(spread.of_counts(counts))
        elif self._type == TEXT:
            texts.of_counts(found, counts)

    def _by_all_values(self) -> None:
        name, found, table = self._name, self._described, self._table
        if found["sorted"] == "strictly ascending":
            found["distinct"], found["distinct_exact"] = found["count"], True
        elif self._extent.rows <= EXACT_ROWS:
            self._by_hashes()
        else:
            self._by_sample()
        if self._has_range:
            ends = found["histogram"]["low"], found["histogram"]["high"]
            value = _number(name, self._type)
            self._spread(spread.of_all(self._connection, table, value, found["count"], ends))
        elif self._type == TEXT:
            ascii_only = self._extent.ascii
            texts.of_all(self._connection, table, name, found, ascii_only=ascii_only)

    def _spread(self, found: dict[str, Any]) -> None:
        self._described["histogram"] = found.get("histogram")
        if _is_number(self._type):
            self._described["quantiles"] = found["quantiles"]

    def _by_hashes(self) -> None:
        """Distinct and top values; texts may be long, their hashes are not."""
        distinct, most, hashes = self._one(
            f"SELECT count(*), max(n), arg_max(h, n, {TOP}) FROM (SELECT hash({self._name}) AS h, "
            f"count(*) AS n FROM {self._table} WHERE {self._name} IS NOT NULL GROUP BY h)"
        )
        self._described["distinct"], self._described["distinct_exact"] = distinct, True
        if most > 1:
            self._top(f"hash({self._name}) IN ({', '.join(map(str, hashes))})")

    def _by_sample(self) -> None:
        """The values that come often in a sample, counted in all rows."""
        rows = self._connection.execute(
            f"SELECT h FROM (SELECT hash({self._name}) AS h FROM {self._table} "
            f"WHERE {self._name} IS NOT NULL USING SAMPLE reservoir({_SAMPLED_ROWS} ROWS)) "
            f"GROUP BY h HAVING count(*) > 2 ORDER BY count(*) DESC LIMIT {TOP}"
        ).fetchall()
        if rows:
            self._top(f"hash({self._name}) IN ({', '.join(str(each) for (each,) in rows)})")

    def _top(self, condition: str) -> None:
        rows = self._connection.execute(
            f"SELECT {self._name}::VARCHAR, count(*) AS n FROM {self._table} WHERE {condition} "
            f"GROUP BY {self._name} ORDER BY n DESC, {self._name} LIMIT {TOP}"
        ).fetchall()
        self._described["top"] = [[_short(text), times] for text, times in rows if times > 1]

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row


def _is_number(kind: str) -> bool:
    return kind in ("BIGINT", "DOUBLE") or kind.startswith("DECIMAL")


def _number(name: str, kind: str) -> str:
    return f"{name}::DOUBLE" if _is_number(kind) else f"epoch({name})::DOUBLE"


def _short(value: str | None) -> str | None:
    return value if value is None or len(value) <= _SHOWN else value[:_SHOWN] + "…"
