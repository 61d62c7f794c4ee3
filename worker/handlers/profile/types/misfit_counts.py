"""Counts among all values of the staged table those that do not match a format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.types.column_plan import cell_text_sql
from worker.handlers.profile.types.value_formats import ValueFormat

# A column's name, and a format it may have.
_Question = tuple[str, ValueFormat]


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Of one column: its values, and the misfits among them of each format it may have.

    ``exact``: the cells were counted as they are, with neither blanks nor null words removed.
    """

    values: int
    misfits: Mapping[ValueFormat, int]
    exact: bool


def count_misfits(
    connection: duckdb.DuckDBPyConnection,
    candidates: Mapping[str, Sequence[ValueFormat]],
    null_words: Sequence[str],
) -> dict[str, ColumnCounts]:
    """Count values and misfits of each column: first of the cells as they are.

    Blanks and null words are expensive to test for: only columns with misfits are counted again,
    with both read as missing.
    """
    questions = [(name, each) for name, formats in candidates.items() for each in formats]
    values, misfits = _count_cells(connection, list(candidates), questions)
    unclear = [question for question in questions if misfits[question]]
    if unclear:
        lenient_values, lenient_misfits = _count_texts(connection, unclear, null_words)
        values |= lenient_values
        misfits |= lenient_misfits
    names_counted_again = {name for name, _ in unclear}
    return {
        name: ColumnCounts(
            values[name],
            {each: misfits[name, each] for each in formats},
            exact=name not in names_counted_again,
        )
        for name, formats in candidates.items()
    }


def _count_cells(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], questions: Sequence[_Question]
) -> tuple[dict[str, int], dict[_Question, int]]:
    """Count the cells that are not empty, and those that do not match a format."""
    return _count_values_and_misfits(
        connection,
        {name: f"nullif({identifier(name)}, '')" for name in names},
        {(name, each): _cell_misfit_sql(identifier(name), each) for name, each in questions},
    )


def _count_texts(
    connection: duckdb.DuckDBPyConnection,
    questions: Sequence[_Question],
    null_words: Sequence[str],
) -> tuple[dict[str, int], dict[_Question, int]]:
    """Count the same with blanks trimmed and null words left out."""
    texts = {name: cell_text_sql(name, null_words, trimmed=True) for name, _ in questions}
    misfits = {(name, each): each.misfit_sql(texts[name]) for name, each in questions}
    return _count_values_and_misfits(connection, texts, misfits)


def _count_values_and_misfits(
    connection: duckdb.DuckDBPyConnection,
    values: Mapping[str, str],
    misfits: Mapping[_Question, str],
) -> tuple[dict[str, int], dict[_Question, int]]:
    """Count, in one query, how often SQL ``values`` are not NULL and ``misfits`` are true."""
    selected = [f"count({sql})" for sql in values.values()]
    selected += [f"count_if({sql})" for sql in misfits.values()]
    row = connection.execute(f"SELECT {', '.join(selected)} FROM {literal(STAGING)}").fetchone()
    assert row is not None
    return (
        dict(zip(values, row, strict=False)),
        dict(zip(misfits, row[len(values) :], strict=True)),
    )


def _cell_misfit_sql(cell: str, value_format: ValueFormat) -> str:
    matches = value_format.matches_sql(cell)
    return f"CASE WHEN {cell} IS NULL OR {cell} = '' THEN false ELSE NOT {matches} END"
