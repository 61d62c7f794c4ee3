"""Counts among all values of the staged table those that do not match a format."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.types.column_plan import cell_text_sql
from worker.handlers.profile.types.matching import find_ambiguity
from worker.handlers.profile.types.value_format import ValueFormat

_FIRST_FORMATS = 3
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
    unwrapped: Collection[str],
) -> dict[str, ColumnCounts]:
    """Count values and misfits of each column: first of the cells as they are.

    Blanks and null words are expensive to test for: only columns that do not match their first
    formats are counted again, with all formats, and with both read as missing. ``unwrapped`` are
    the columns whose cells are read without the formula around them.
    """
    questions = [
        (name, each)
        for name, formats in candidates.items()
        if name not in unwrapped
        for each in _preferred(formats)
    ]
    values, misfits = _count_cells(connection, list(candidates), questions)
    clear = {
        name
        for name, each in questions
        if not misfits[name, each] and each in candidates[name][:_FIRST_FORMATS]
    }
    unclear = [name for name, formats in candidates.items() if formats and name not in clear]
    for name in unclear:
        text = cell_text_sql(name, null_words, trimmed=True, unwrapped=name in unwrapped)
        preferred = _preferred(candidates[name])
        others = [each for each in candidates[name] if each not in preferred]
        for formats in (preferred, others):
            count, found = _count_texts(connection, text, [(name, each) for each in formats])
            values[name] = count
            misfits |= found
            if not all(misfits[name, each] for each in candidates[name][:_FIRST_FORMATS]):
                break
    return {
        name: ColumnCounts(
            values[name],
            {each: misfits[name, each] for each in formats if (name, each) in misfits},
            exact=name not in unclear,
        )
        for name, formats in candidates.items()
    }


def _preferred(formats: Sequence[ValueFormat]) -> list[ValueFormat]:
    """The first formats, one of which most columns have, and those they are mistaken for."""
    first = list(formats[:_FIRST_FORMATS])
    others = [find_ambiguity(each, formats) for each in first]
    return first + [each for each in others if each is not None and each not in first]


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
    text: str,
    questions: Sequence[_Question],
) -> tuple[int, dict[_Question, int]]:
    """Count the same in the texts of one column, which SQL ``text`` trims or leaves out."""
    tests = [f"count_if({each.misfit_sql('v')})" for _, each in questions]
    row = connection.execute(
        f"SELECT count(v), {', '.join(tests)} FROM (SELECT {text} AS v FROM {literal(STAGING)})"
    ).fetchone()
    assert row is not None
    return row[0], dict(zip(questions, row[1:], strict=True))


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
