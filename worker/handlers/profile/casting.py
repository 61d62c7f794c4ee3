"""Gives every column the narrowest type that is true for the whole file, and writes it.

Candidates that the first rows already rule out are not asked about again; the others are checked
against every value. Codes such as 00501 and numbers such as +15550100 stay text.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from worker.handlers.profile.engine import identifier, literal
from worker.handlers.profile.loading import STAGING, AccountingMismatch, parquet

CLEAN = "clean.parquet"
TEXT = "VARCHAR"
FIRST_ROWS = 2000
BATCH_COLUMNS = 20
MOST_DIGITS = 38
_CELL_SHOWN = 200

_INTEGER = r"-?(0|[1-9][0-9]*)"
_DECIMAL = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?"
_NUMBER = r"-?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ZONE = r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


_V = "$value"


def _shaped(pattern: str, cast: str) -> str:
    return f"(regexp_full_match({_V}, {literal(pattern)}) AND TRY_CAST({_V} AS {cast}) IS NOT NULL)"


# In order: the first that fits every value wins. DECIMAL gets its width from the values.
_CANDIDATES = {
    "BIGINT": _shaped(_INTEGER, "BIGINT"),
    "DECIMAL": f"regexp_full_match({_V}, {literal(_DECIMAL)})",
    "DOUBLE": f"({_shaped(_NUMBER, 'DOUBLE')} AND isfinite(TRY_CAST({_V} AS DOUBLE)))",
    "BOOLEAN": f"lower({_V}) IN ('true', 'false')",
    "DATE": _shaped(_DATE, "DATE"),
    "TIMESTAMP": _shaped(_DATE + _TIME, "TIMESTAMP"),
    "TIMESTAMP WITH TIME ZONE": _shaped(_DATE + _TIME + _ZONE, "TIMESTAMPTZ"),
}


def batches(columns: Sequence[str]) -> Iterator[Sequence[str]]:
    """Columns in groups that one query handles in bounded memory."""
    for start in range(0, len(columns), BATCH_COLUMNS):
        yield columns[start : start + BATCH_COLUMNS]


def decide(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> dict[str, str]:
    """Return the type of each column of the staged table."""
    types: dict[str, str] = {}
    for batch in batches(columns):
        possible = {column: list(_CANDIDATES) for column in batch}
        first = f"(FROM {literal(STAGING)} LIMIT {FIRST_ROWS})"
        possible = _fitting(connection, first, possible)
        possible = _fitting(connection, literal(STAGING), possible)
        for column, names in possible.items():
            types[column] = _exact(connection, column, names)
    return types


def _value(column: str) -> str:
    return f"nullif({identifier(column)}, '')"


def _fitting(
    connection: duckdb.DuckDBPyConnection, table: str, possible: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Keep the candidates that every value of ``table`` fits."""
    questions = [(column, name) for column, names in possible.items() for name in names]
    if not questions:
        return possible
    asked = ", ".join(
        f"bool_and({_value(column)} IS NULL OR {_CANDIDATES[name].replace(_V, _value(column))})"
        for column, name in questions
    )
    filled = ", ".join(f"count({_value(column)})" for column in possible)
    row = connection.execute(f"SELECT {asked}, {filled} FROM {table}").fetchone()
    assert row is not None
    answers = dict(zip(questions, row, strict=False))
    counts = dict(zip(possible, row[len(questions) :], strict=True))
    return {
        # A column without values is text: no type would be a finding.
        column: [name for name in names if counts[column] and answers[column, name]]
        for column, names in possible.items()
    }


def _exact(connection: duckdb.DuckDBPyConnection, column: str, names: list[str]) -> str:
    for name in names:
        if name != "DECIMAL":
            return name
        row = connection.execute(
            f"""
            SELECT max(length(split_part(ltrim(v, '-'), '.', 1))),
                   max(length(split_part(v, '.', 2)))
            FROM (SELECT {_value(column)} AS v FROM {literal(STAGING)})
            """
        ).fetchone()
        assert row is not None
        digits, scale = int(row[0]), int(row[1])
        # Parquet has no wider integer, and a DOUBLE would merge values that differ.
        if digits + scale <= MOST_DIGITS:
            return f"DECIMAL({max(1, digits + scale)}, {scale})"
        return TEXT
    return TEXT


def _cast(column: str, kind: str) -> str:
    name = identifier(column)
    return name if kind == TEXT else f"CAST({_value(column)} AS {kind}) AS {name}"


def write(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[str],
    types: dict[str, str],
    expected: int,
) -> None:
    """Write the typed Parquet. Raises AccountingMismatch if it has not ``expected`` rows."""
    casts = ", ".join(_cast(column, types[column]) for column in columns)
    row = connection.execute(
        f"COPY (SELECT {casts} FROM {literal(STAGING)}) TO {literal(CLEAN)} {parquet(columns)}"
    ).fetchone()
    written = int(row[0]) if row else 0
    if written != expected:
        raise AccountingMismatch(f"{expected:,} rows were loaded, but {written:,} written.")


def sample(connection: duckdb.DuckDBPyConnection, rows: int) -> list[list[Any]]:
    """Return the first rows as they stand in the file, long cells cut."""
    found = connection.execute(f"SELECT * FROM {literal(STAGING)} LIMIT {rows}").fetchall()
    return [[cell and cell[:_CELL_SHOWN] for cell in row] for row in found]
