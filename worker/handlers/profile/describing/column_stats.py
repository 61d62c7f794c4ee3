"""A closer look at one column: top values, order, uniqueness, spread, what its texts are like."""

from dataclasses import dataclass
from typing import Any

import duckdb

from worker.handlers.profile.describing import distribution, text_stats
from worker.handlers.profile.describing.warnings import remarks
from worker.handlers.profile.engine.connection import identifier
from worker.handlers.profile.types.column_plan import ColumnPlan
from worker.handlers.profile.types.value_formats import DECIMAL, INTEGERS, TEXT

TOP = 10
# Up to here an exact GROUP BY is quicker than a sketch, and it is exact.
EXACT_DISTINCT = 20_000
# Distinct texts are looked at here as long as they take no more characters.
_FETCHED_CHARACTERS = 8_000_000
# Up to so many rows distinct values, uniqueness and repeated rows are exact.
EXACT_ROWS = 2_000_000
_SAMPLED_ROWS = 100_000
_SHOWN = 200
TEXTS = (TEXT, "JSON", "UUID")


@dataclass(frozen=True, slots=True)
class TableSize:
    """Of the table: ``size`` bytes in the file, ``ascii``: there are no other characters."""

    rows: int
    size: int
    ascii: bool


class ColumnStats:
    """One column at a closer look."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        plan: ColumnPlan,
        extent: TableSize,
        described: dict[str, Any],
        ends: tuple[float, float],
    ) -> None:
        """``described`` is completed; ``ends`` are those of the range of numbers or times."""
        self._connection = connection
        self._table = table
        self._name = identifier(plan.name)
        self._type = plan.type
        self._extent = extent
        self._described = described
        self._ends = ends
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
        value = number(name, self._type) if self._has_range else "NULL::DOUBLE"
        counts = self._connection.execute(
            f"SELECT {name}::VARCHAR, {value}, count(*) AS n FROM {self._table} "
            f"WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY n DESC, {name}"
        ).fetchall()
        found["top"] = [[short(text), times] for text, _, times in counts[:TOP]]
        found["distinct"], found["distinct_exact"] = len(counts), True
        if self._has_range:
            self._spread(distribution.of_counts(counts))
        elif self._type == TEXT:
            text_stats.of_counts(found, counts)

    def _by_all_values(self) -> None:
        name, found, table = self._name, self._described, self._table
        if found["sorted"] == "strictly ascending":
            found["distinct"], found["distinct_exact"] = found["count"], True
        elif self._extent.rows <= EXACT_ROWS:
            self._by_hashes()
        else:
            self._by_sample()
        if self._has_range:
            value, count = number(name, self._type), found["count"]
            self._spread(distribution.of_all(self._connection, table, value, count, self._ends))
        elif self._type == TEXT:
            ascii_only = self._extent.ascii
            text_stats.of_all(self._connection, table, name, found, ascii_only=ascii_only)

    def _spread(self, found: dict[str, Any]) -> None:
        self._described["histogram"] = found.get("histogram")
        if is_number(self._type):
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
        self._described["top"] = [[short(text), times] for text, times in rows if times > 1]

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row


def is_number(kind: str) -> bool:
    """Whether a type of the engine is one of numbers."""
    return kind in (*INTEGERS, "DOUBLE") or kind.startswith(DECIMAL)


def number(name: str, kind: str) -> str:
    """SQL for a number or time as a DOUBLE, times in seconds."""
    return f"{name}::DOUBLE" if is_number(kind) else f"epoch({name})::DOUBLE"


def short(value: str | None) -> str | None:
    """A value as far as it is shown."""
    return value if value is None or len(value) <= _SHOWN else value[:_SHOWN] + "…"
