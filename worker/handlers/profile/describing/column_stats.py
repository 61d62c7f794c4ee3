"""The statistics of one column: frequent values, uniqueness, order, distribution, texts."""

from dataclasses import dataclass
from typing import Any

import duckdb

from worker.handlers.profile.describing import distribution, text_stats
from worker.handlers.profile.describing.distribution import Distribution, ValueCount
from worker.handlers.profile.describing.text_stats import TextStats
from worker.handlers.profile.engine.connection import identifier
from worker.handlers.profile.types.column_plan import ColumnPlan, is_number
from worker.handlers.profile.types.value_format import TEXT

TOP = 10
# Up to this many an exact GROUP BY is quicker than a sketch.
EXACT_DISTINCT = 20_000
# Distinct texts are fetched as long as they have no more characters in all.
_FETCHED_CHARACTERS = 8_000_000
# Up to this many rows distinct values, uniqueness and duplicate rows are exact.
EXACT_ROWS = 2_000_000
_SAMPLED_ROWS = 100_000
_SHOWN_CHARACTERS = 200
TEXT_TYPES = (TEXT, "JSON", "UUID")


@dataclass(frozen=True, slots=True)
class TableSize:
    """Of the typed table; ``file_bytes`` of its text, ``ascii``: that has only such characters."""

    rows: int
    file_bytes: int
    ascii: bool


@dataclass(frozen=True, slots=True)
class BasicStats:
    """What one query over a table tells about a column.

    ``distinct`` is an estimate. ``min`` and ``max`` are texts; ``low`` and ``high`` the same as
    numbers, times in seconds since 1970. ``mean`` and ``std`` are of numbers and times;
    ``shortest`` and ``longest`` are in characters of texts. What does not apply is None.
    """

    count: int
    nulls: int
    distinct: int
    min: str | None
    max: str | None
    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    shortest: int | None
    longest: int | None


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Distinct values, an estimate unless ``exact``, and the most frequent, each with its count."""

    distinct: int
    exact: bool
    top: list[list[Any]]


@dataclass(frozen=True, slots=True)
class DetailedStats:
    """``order``: how the values are sorted in the file, None if they are not."""

    order: str | None
    frequencies: Frequencies
    distribution: Distribution | None
    texts: TextStats | None


class ColumnReader:
    """Queries one column of a table that has at least one value in it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        plan: ColumnPlan,
        size: TableSize,
        basics: BasicStats,
    ) -> None:
        """``table`` is SQL for what to read from."""
        self._connection = connection
        self._table = table
        self._name = identifier(plan.name)
        self._type = plan.type
        self._size = size
        self._basics = basics
        self._has_range = plan.type not in (*TEXT_TYPES, "BOOLEAN")

    def detailed(self, *, may_be_sorted: bool) -> DetailedStats:
        """Return all there is; unless ``may_be_sorted`` the order is known to be none."""
        order = self._order() if may_be_sorted else None
        distinct = self._basics.distinct
        characters = distinct * (self._basics.longest or 0)
        if distinct <= EXACT_DISTINCT and characters <= _FETCHED_CHARACTERS:
            return self._from_distinct_values(order)
        return self._from_all_values(order)

    def _order(self) -> str | None:
        strictly, ascending, descending = self._one(
            f"SELECT bool_and(v > b), bool_and(v >= b), bool_and(v <= b) FROM "
            f"(SELECT {self._name} AS v, lag({self._name}) OVER () AS b FROM {self._table})"
        )
        if ascending == descending:
            return None
        return "strictly ascending" if strictly else "ascending" if ascending else "descending"

    def _from_distinct_values(self, order: str | None) -> DetailedStats:
        """Fetch every distinct value with its frequency; all else follows from these."""
        name = self._name
        value = number_sql(name, self._type) if self._has_range else "NULL::DOUBLE"
        rows = self._connection.execute(
            f"SELECT {name}::VARCHAR, {value}, count(*) AS n FROM {self._table} "
            f"WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY n DESC, {name}"
        ).fetchall()
        counts = list(map(ValueCount._make, rows))
        top = [[shorten(each.text), each.times] for each in counts[:TOP]]
        return DetailedStats(
            order,
            Frequencies(len(counts), exact=True, top=top),
            distribution.from_counts(counts) if self._has_range else None,
            text_stats.from_counts(counts) if self._type == TEXT else None,
        )

    def _from_all_values(self, order: str | None) -> DetailedStats:
        """Leave the counting to the engine, since there are too many values to fetch."""
        spread = texts = None
        if self._has_range:
            low, high = self._basics.low, self._basics.high
            assert low is not None
            assert high is not None
            value = number_sql(self._name, self._type)
            spread = distribution.from_table(
                self._connection, self._table, value, self._basics.count, low, high
            )
        elif self._type == TEXT:
            texts = text_stats.from_table(
                self._connection, self._table, self._name, ascii_only=self._size.ascii
            )
        return DetailedStats(order, self._frequencies(order), spread, texts)

    def _frequencies(self, order: str | None) -> Frequencies:
        if order == "strictly ascending":
            return Frequencies(self._basics.count, exact=True, top=[])
        if self._size.rows <= EXACT_ROWS:
            return self._frequencies_by_hash()
        return self._frequencies_by_sample()

    def _frequencies_by_hash(self) -> Frequencies:
        """Group hashes rather than values: texts may be long."""
        distinct, most, hashes = self._one(
            f"SELECT count(*), max(n), arg_max(h, n, {TOP}) FROM (SELECT hash({self._name}) AS h, "
            f"count(*) AS n FROM {self._table} WHERE {self._name} IS NOT NULL GROUP BY h)"
        )
        top = self._top(hashes) if most > 1 else []
        return Frequencies(distinct, exact=True, top=top)

    def _frequencies_by_sample(self) -> Frequencies:
        """Count in all rows the values that are frequent in a sample."""
        rows = self._connection.execute(
            f"SELECT h FROM (SELECT hash({self._name}) AS h FROM {self._table} "
            f"WHERE {self._name} IS NOT NULL USING SAMPLE reservoir({_SAMPLED_ROWS} ROWS)) "
            f"GROUP BY h HAVING count(*) > 2 ORDER BY count(*) DESC LIMIT {TOP}"
        ).fetchall()
        top = self._top([each for (each,) in rows]) if rows else []
        return Frequencies(self._basics.distinct, exact=False, top=top)

    def _top(self, hashes: list[int]) -> list[list[Any]]:
        rows = self._connection.execute(
            f"SELECT {self._name}::VARCHAR, count(*) AS n FROM {self._table} "
            f"WHERE hash({self._name}) IN ({', '.join(map(str, hashes))}) "
            f"GROUP BY {self._name} ORDER BY n DESC, {self._name} LIMIT {TOP}"
        ).fetchall()
        return [[shorten(text), times] for text, times in rows if times > 1]

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row


def number_sql(name: str, type_: str) -> str:
    """SQL for a number or time as a DOUBLE, times in seconds."""
    return f"{name}::DOUBLE" if is_number(type_) else f"epoch({name})::DOUBLE"


def shorten(value: str | None) -> str | None:
    """A value as far as it is shown."""
    if value is None or len(value) <= _SHOWN_CHARACTERS:
        return value
    return value[:_SHOWN_CHARACTERS] + "…"
