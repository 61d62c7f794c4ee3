"""Says why a column is text although most of its values look like something else."""

from collections.abc import Sequence

import duckdb

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.types.column_plan import MAX_DIGITS
from worker.handlers.profile.types.matching import (
    EXPLAINED_SHARE,
    MISFIT_TOLERANCE,
    have_two_decimal_marks,
)
from worker.handlers.profile.types.misfit_counts import ColumnCounts
from worker.handlers.profile.types.number_formats import FLOAT, FLOAT_COMMA, HAS_DIGIT
from worker.handlers.profile.types.value_format import ValueFormat

_EXAMPLES = 3
_SHOWN_CHARACTERS = 40
# So few words in place of values may mean that there is none.
_MAX_WORDS = 5
AMBIGUOUS = {
    "dates": "Ambiguous dates: 03/04 could be 3 April or March 4. Kept as text; set the option "
    "“dates” to say which.",
    "decimal": "Ambiguous numbers: 1,234 could be 1234 or 1.234. Kept as text; set the option "
    "“decimal” to say which.",
}
TOO_LONG = f"Kept as text: some numbers have more than {MAX_DIGITS} digits."


def reason_for_text(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    counts: ColumnCounts,
    sample: Sequence[str],
) -> str:
    """Return a sentence, or '' for a column that is just text.

    ``text`` is SQL for the texts in the staged table, ``sample`` holds some of them.
    """
    for each, misfits in counts.misfits.items():
        if each in (FLOAT, FLOAT_COMMA) and misfits and _all_match(connection, text, each):
            have = "has" if misfits == 1 else "have"
            return (
                f"Kept as text: {misfits:,} of {counts.values:,} numbers {have} more digits than a "
                f"floating point number keeps ({_list_misfits(connection, text, each)})."
            )
    marks = have_two_decimal_marks(sample)
    if marks is not None:
        return (
            f"Kept as text: some values have a decimal point and others a decimal comma "
            f"(“{marks[0]}”, “{marks[1]}”)."
        )
    limit = EXPLAINED_SHARE * counts.values
    nearly = [each for each, misfits in counts.misfits.items() if misfits <= limit]
    if not nearly:
        return ""
    best = min(nearly, key=lambda each: counts.misfits[each])
    return _on_misfits(connection, text, best, counts)


def _on_misfits(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    value_format: ValueFormat,
    counts: ColumnCounts,
) -> str:
    misfits, noun = counts.misfits[value_format], value_format.noun
    are = f"is not a valid {noun}" if misfits == 1 else f"are not valid {noun}s"
    sentence = f"Kept as text: {misfits:,} of {counts.values:,} values {are} "
    if misfits <= MISFIT_TOLERANCE * counts.values:
        return f"{sentence}({_list_misfits(connection, text, value_format)})."
    rows = connection.execute(
        f"SELECT v, count(*) FROM (SELECT {text} AS v FROM {literal(STAGING)}) "
        f"WHERE {value_format.misfit_sql('v')} GROUP BY v ORDER BY 2 DESC, 1 "
        f"LIMIT {_MAX_WORDS + 1}"
    ).fetchall()
    if any(HAS_DIGIT.search(word) for word, _ in rows):
        # Codes such as 00501 among numbers: neither values nor words for none.
        return ""
    listed = ", ".join(f"{n:,} × “{_shorten(word)}”" for word, n in rows[:_EXAMPLES])
    sentence = f"{sentence}({listed})."
    if len(rows) > _MAX_WORDS or any("|" in word for word, _ in rows):
        return sentence
    words = "|".join(_shorten(word) for word, _ in rows)
    return f"{sentence} If that means no value, set the option “nulls” to “{words}”."


def _all_match(connection: duckdb.DuckDBPyConnection, text: str, value_format: ValueFormat) -> bool:
    row = connection.execute(
        f"SELECT bool_and(regexp_full_match({text}, {literal(value_format.pattern)})) "
        f"FROM {literal(STAGING)}"
    ).fetchone()
    return row is not None and row[0] is True


def _list_misfits(
    connection: duckdb.DuckDBPyConnection, text: str, value_format: ValueFormat
) -> str:
    rows = connection.execute(
        f"SELECT DISTINCT {text} AS v FROM {literal(STAGING)} "
        f"WHERE {value_format.misfit_sql(text)} ORDER BY v LIMIT {_EXAMPLES}"
    ).fetchall()
    return ", ".join(f"“{_shorten(example)}”" for (example,) in rows)


def _shorten(text: str) -> str:
    return text[:_SHOWN_CHARACTERS]
