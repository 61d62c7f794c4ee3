"""Gives every column of the staged table the narrowest type that holds for all of its values.

The first rows say which formats a column may have; the engine then counts the misfits of each
of them among all values.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from worker.handlers.profile.detection.value_shapes import NULL_WORDS
from worker.handlers.profile.engine.connection import batches, identifier, literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.options import Options
from worker.handlers.profile.types.column_plan import ColumnPlan, cell_text_sql, decimal_type
from worker.handlers.profile.types.matching import (
    MISFIT_TOLERANCE,
    find_ambiguity,
    matching_formats,
)
from worker.handlers.profile.types.misfit_counts import ColumnCounts, count_misfits
from worker.handlers.profile.types.value_formats import (
    DECIMAL,
    INTEGER,
    INTEGER_TYPES,
    VALUE,
    ValueFormat,
)

_SAMPLE_ROWS = 2000
_EXAMPLES = 3
_AMBIGUOUS = {
    "dates": "Ambiguous dates: 03/04 could be 3 April or March 4. Kept as text; set the option "
    "“dates” to say which.",
    "decimal": "Ambiguous numbers: 1,234 could be 1234 or 1.234. Kept as text; set the option "
    "“decimal” to say which.",
}


def infer_plans(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], options: Options
) -> list[ColumnPlan]:
    """Plan each column of the staged table by all of its values."""
    null_words = (*_given_null_words(options), *sorted(NULL_WORDS))
    plans: list[ColumnPlan] = []
    for batch in batches(columns):
        candidates = _candidates(connection, batch, options)
        counts = count_misfits(connection, candidates, null_words)
        plans += [_plan(connection, name, counts[name], null_words, options) for name in batch]
    return plans


def _given_null_words(options: Options) -> tuple[str, ...]:
    return tuple(word.lower() for word in options.null_words)


def _candidates(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[str], options: Options
) -> dict[str, list[ValueFormat]]:
    """Per column the formats that most texts of the first rows match."""
    names = ", ".join(map(identifier, batch))
    rows = connection.execute(
        f"SELECT {names} FROM {literal(STAGING)} LIMIT {_SAMPLE_ROWS}"
    ).fetchall()
    found = {}
    for index, name in enumerate(batch):
        texts = [text.strip() for row in rows if (text := row[index])]
        values = [text for text in texts if text and text.lower() not in NULL_WORDS]
        found[name] = matching_formats(values, options)
    return found


def _plan(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    counts: ColumnCounts,
    null_words: tuple[str, ...],
    options: Options,
) -> ColumnPlan:
    given = _given_null_words(options)
    as_text = ColumnPlan(name, null_words=given, has_values=counts.values > 0)
    if not counts.values:
        return as_text
    fitting = [each for each, misfits in counts.misfits.items() if not misfits]
    if fitting:
        words = () if counts.exact and not given else null_words
        return _plan_fitting(connection, as_text, fitting, words, options)
    limit = MISFIT_TOLERANCE * counts.values
    nearly = [each for each, misfits in counts.misfits.items() if misfits <= limit]
    if nearly:
        best = min(nearly, key=lambda each: counts.misfits[each])
        return _plan_misfits(connection, as_text, best, counts, null_words, options)
    return as_text


def _plan_fitting(
    connection: duckdb.DuckDBPyConnection,
    as_text: ColumnPlan,
    fitting: Sequence[ValueFormat],
    null_words: tuple[str, ...],
    options: Options,
) -> ColumnPlan:
    """Take the first format that all values match, unless another gives them another meaning."""
    for index, value_format in enumerate(fitting):
        if find_ambiguity(value_format, fitting[index:]) is not None:
            option = "dates" if value_format.day_order is not None else "decimal"
            return replace(as_text, note=_AMBIGUOUS[option])
        type_ = _type(connection, as_text.name, value_format, null_words)
        if type_ is not None:
            plan = replace(as_text, value_format=value_format, type=type_, null_words=null_words)
            if value_format == INTEGER and options.integers == "narrow":
                return replace(plan, type=_narrowest_integer(connection, plan))
            return plan
    return as_text


def _plan_misfits(
    connection: duckdb.DuckDBPyConnection,
    as_text: ColumnPlan,
    value_format: ValueFormat,
    counts: ColumnCounts,
    null_words: tuple[str, ...],
    options: Options,
) -> ColumnPlan:
    """Reject the few misfits, or keep the column as text and say why."""
    misfits = counts.misfits[value_format]
    if options.misfits == "reject":
        type_ = _type(connection, as_text.name, value_format, null_words)
        if type_ is not None:
            return replace(
                as_text,
                value_format=value_format,
                type=type_,
                null_words=null_words,
                rejected_misfits=misfits,
            )
    text = cell_text_sql(as_text.name, null_words, trimmed=True)
    rows = connection.execute(
        f"SELECT DISTINCT {text} AS v FROM {literal(STAGING)} "
        f"WHERE {value_format.misfit_sql(text)} ORDER BY v LIMIT {_EXAMPLES}"
    ).fetchall()
    examples = ", ".join(f"“{example[:40]}”" for (example,) in rows)
    noun = value_format.noun
    are = f"is not a valid {noun}" if misfits == 1 else f"are not valid {noun}s"
    note = f"Kept as text: {misfits:,} of {counts.values:,} values {are} ({examples})."
    return replace(as_text, note=note)


def _type(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    value_format: ValueFormat,
    null_words: Sequence[str],
) -> str | None:
    """The engine's type for all values that match a format; None where there is none."""
    if value_format.type != DECIMAL:
        return value_format.type
    text = cell_text_sql(name, null_words, trimmed=True)
    number = value_format.normalized.replace(VALUE, text)
    digits, scale = _one(
        connection,
        "max(length(split_part(ltrim(v, '-'), '.', 1))), max(length(split_part(v, '.', 2)))",
        f"(SELECT {number} AS v FROM {literal(STAGING)} WHERE {value_format.matches_sql(text)})",
    )
    return decimal_type(digits or 1, scale or 0)


def _narrowest_integer(connection: duckdb.DuckDBPyConnection, plan: ColumnPlan) -> str:
    value = plan.typed_sql()
    tests = [f"count(TRY_CAST({value} AS {each})) = count({value})" for each in INTEGER_TYPES]
    holds = _one(connection, ", ".join(tests))
    return next(each for each, fits in zip(INTEGER_TYPES, holds, strict=True) if fits)


def _one(
    connection: duckdb.DuckDBPyConnection, selected: str, source: str = literal(STAGING)
) -> tuple[int, ...]:
    row = connection.execute(f"SELECT {selected} FROM {source}").fetchone()
    assert row is not None
    return row
