"""Gives every column the narrowest type that is true for the whole file.

A guess from samples is checked against every value while the file is read. Where it does not hold
the file is read as text, and every kind that most values look like is asked about all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import duckdb

from worker.handlers.profile.detection.value_shapes import NULL_WORDS
from worker.handlers.profile.engine import parquet
from worker.handlers.profile.engine.connection import batches, identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN, STAGING
from worker.handlers.profile.options import Options
from worker.handlers.profile.types.column_plan import (
    NARROW_DIGITS,
    ColumnPlan,
    given_words,
    misfit,
    value_of,
)
from worker.handlers.profile.types.value_formats import (
    DECIMAL,
    FEW,
    INTEGERS,
    MAX_DIGITS,
    WHOLE,
    V,
    ValueFormat,
    chosen,
    possible,
)

_SAMPLE_ROWS = 2000
_EXAMPLES = 3
# Casts that know words for no value take much memory; columns of Parquet are quick to reach.
_SLICE_COLUMNS = 50


def decide(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], options: Options
) -> list[ColumnPlan]:
    """Decide the type of each column of the staged table, by all of its values."""
    plans: list[ColumnPlan] = []
    for batch in batches(columns):
        named = ", ".join(identifier(name) for name in batch)
        rows = connection.execute(
            f"SELECT {named} FROM {literal(STAGING)} LIMIT {_SAMPLE_ROWS}"
        ).fetchall()
        asked: list[tuple[str, ValueFormat]] = []
        words: dict[str, tuple[str, ...]] = {}
        for index, name in enumerate(batch):
            texts = [row[index].strip() for row in rows if row[index] and row[index].strip()]
            plain = [text for text in texts if text.lower() not in NULL_WORDS]
            asked += [(name, kind) for kind in possible(plain, options)]
        for name in {name for name, _ in asked}:
            words[name] = (*given_words(options), *sorted(NULL_WORDS))
        plans += _judge(connection, batch, asked, words, options)
    return plans


def _judge(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[str],
    asked: Sequence[tuple[str, ValueFormat]],
    words: dict[str, tuple[str, ...]],
    options: Options,
) -> list[ColumnPlan]:
    strict = _ask(
        connection,
        [_strict_misfit(identifier(name), kind) for name, kind in asked],
        [f"nullif({identifier(name)}, '')" for name in batch],
    )
    misfits = dict(zip(asked, strict, strict=False))
    filled = dict(zip(batch, strict[len(asked) :], strict=True))
    # Blanks and words for no value are looked at where something did not fit as it stands.
    unclear = [question for question in asked if misfits[question]]
    pure = set(batch) - {name for name, _ in unclear}
    if unclear:
        values = {name: value_of(name, words[name], trimmed=True) for name, _ in unclear}
        lenient = _ask(
            connection,
            [misfit(values[name], kind) for name, kind in unclear],
            list(values.values()),
        )
        misfits |= dict(zip(unclear, lenient, strict=False))
        filled |= dict(zip(values, lenient[len(unclear) :], strict=True))
    plans = []
    for name in batch:
        kinds = [kind for asked_name, kind in asked if asked_name == name and filled[name]]
        plan = ColumnPlan(name, words=given_words(options), filled=bool(filled[name]))
        fitting = [kind for kind in kinds if not misfits[name, kind]]
        nearly = [kind for kind in kinds if 0 < misfits[name, kind] <= FEW * filled[name]]
        if fitting:
            clean = name in pure and not plan.words
            plan = _plan(connection, plan, fitting, () if clean else words[name])
            if plan.kind is not None and plan.kind.name == WHOLE and options.integers == "narrow":
                plan = replace(plan, type=_narrowest(connection, plan))
        elif nearly:
            best = min(nearly, key=lambda kind: misfits[name, kind])
            count = misfits[name, best]
            plan = _nearly(connection, plan, best, count, words[name], options)
        plans.append(plan)
    return plans


def _ask(
    connection: duckdb.DuckDBPyConnection, misfits: Sequence[str], values: Sequence[str]
) -> list[int]:
    """Count the rows where each of ``misfits`` is true, and those where ``values`` are none."""
    questions = [f"count_if({each})" for each in misfits] + [f"count({each})" for each in values]
    row = connection.execute(f"SELECT {', '.join(questions)} FROM {literal(STAGING)}").fetchone()
    assert row is not None
    return list(row)


def _strict_misfit(cell: str, kind: ValueFormat) -> str:
    return f"CASE WHEN {cell} IS NULL OR {cell} = '' THEN false ELSE NOT {kind.test(cell)} END"


def _plan(
    connection: duckdb.DuckDBPyConnection,
    plan: ColumnPlan,
    fitting: Sequence[ValueFormat],
    words: tuple[str, ...],
) -> ColumnPlan:
    for index, kind in enumerate(fitting):
        first, rival = chosen(fitting[index:])
        assert first is kind
        if rival is not None:
            option = "dates" if "year" in kind.name else "decimal"
            return replace(
                plan,
                note=f"Every value may be read as {kind.name} or as {rival.name}; it stays text "
                f"unless the option “{option}” says which.",
            )
        if kind.type != DECIMAL:
            return replace(plan, kind=kind, type=kind.type, words=words)
        type_ = _digits(connection, plan.name, kind, words)
        if type_:
            return replace(plan, kind=kind, type=type_, words=words)
    return plan


def _narrowest(connection: duckdb.DuckDBPyConnection, plan: ColumnPlan) -> str:
    """The narrowest integer that holds every value."""
    cell = plan.cast()
    tests = [f"count(TRY_CAST({cell} AS {each})) = count({cell})" for each in INTEGERS]
    row = connection.execute(f"SELECT {', '.join(tests)} FROM {literal(STAGING)}").fetchone()
    assert row is not None
    return next(each for each, holds in zip(INTEGERS, row, strict=True) if holds)


def _digits(
    connection: duckdb.DuckDBPyConnection, name: str, kind: ValueFormat, words: tuple[str, ...]
) -> str | None:
    """The narrowest decimal for all values of a kind, None where there is none."""
    value = value_of(name, words, trimmed=True)
    clean = kind.clean.replace(V, value)
    row = connection.execute(
        f"""
        SELECT max(length(split_part(ltrim(v, '-'), '.', 1))), max(length(split_part(v, '.', 2)))
        FROM (SELECT {clean} AS v FROM {literal(STAGING)} WHERE {kind.test(value)})
        """
    ).fetchone()
    assert row is not None
    digits, scale = int(row[0] or 1), int(row[1] or 0)
    # Parquet has no wider integer, and a DOUBLE would merge values that differ.
    if digits + scale > MAX_DIGITS:
        return None
    return f"DECIMAL({NARROW_DIGITS if digits + scale <= NARROW_DIGITS else MAX_DIGITS}, {scale})"


def _nearly(
    connection: duckdb.DuckDBPyConnection,
    plan: ColumnPlan,
    kind: ValueFormat,
    count: int,
    words: tuple[str, ...],
    options: Options,
) -> ColumnPlan:
    value = value_of(plan.name, words, trimmed=True)
    found = connection.execute(
        f"SELECT DISTINCT {value} AS v FROM {literal(STAGING)} WHERE {misfit(value, kind)} "
        f"ORDER BY v LIMIT {_EXAMPLES}"
    ).fetchall()
    examples = ", ".join(f"“{text[:40]}”" for (text,) in found)
    values = f"{count:,} value{'s' * (count != 1)}"
    if options.misfits == "reject":
        type_ = kind.type if kind.type != DECIMAL else _digits(connection, plan.name, kind, words)
        if type_:
            return replace(plan, kind=kind, type=type_, words=words, rejects=count)
    note = f"It would be a column of the kind “{kind.name}” but for {values} such as {examples}."
    return replace(plan, note=note)


def fits(plan: ColumnPlan) -> str:
    """SQL that is true where a staged cell is of its column's type, or means no value."""
    assert plan.kind is not None
    return f"NOT coalesce({misfit(plan.value(), plan.kind)}, false)"


def write(connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan]) -> int:
    """Write the typed Parquet from the staged table; return its rows."""
    tests = " AND ".join(fits(plan) for plan in plans if plan.rejects) or "true"
    cells = [(plan.cast(), plan.name) for plan in plans]
    source = f"{literal(STAGING)} WHERE {tests}"
    return parquet.write(connection, cells, source, CLEAN, _SLICE_COLUMNS)


def misfits(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan], line: str
) -> Iterator[tuple[int, str, str]]:
    """Yield line, column and text of the first misfit of every row that :func:`write` left out."""
    strict = [plan for plan in plans if plan.rejects]
    if not strict:
        return
    cases = " ".join(
        f"WHEN NOT {fits(plan)} THEN [{literal(plan.name)}, {identifier(plan.name)}]"
        for plan in strict
    )
    tests = " AND ".join(fits(plan) for plan in strict)
    found = connection.execute(
        f"SELECT {identifier(line)}::BIGINT, CASE {cases} END FROM {literal(STAGING)} "
        f"WHERE NOT ({tests}) ORDER BY 1"
    )
    while rows := found.fetchmany(1000):
        for number, (name, text) in rows:
            yield number, name, text


def null_words(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan]
) -> dict[str, dict[str, int]]:
    """Per column the words that were read as no value, and how often."""
    found: dict[str, dict[str, int]] = {}
    for batch in batches([plan for plan in plans if plan.words]):
        listed = {p.name: ", ".join(literal(word) for word in p.words) for p in batch}
        counts = ", ".join(
            f"count_if(lower(trim({identifier(name)})) IN ({words}))"
            for name, words in listed.items()
        )
        row = connection.execute(f"SELECT {counts} FROM {literal(STAGING)}").fetchone()
        assert row is not None
        for name, count in zip(listed, row, strict=True):
            if count:
                cell = f"trim({identifier(name)})"
                rows = connection.execute(
                    f"SELECT {cell} AS v, count(*) FROM {literal(STAGING)} "
                    f"WHERE lower({cell}) IN ({listed[name]}) GROUP BY v ORDER BY 2 DESC, 1"
                ).fetchall()
                found[name] = dict(rows)
    return found
