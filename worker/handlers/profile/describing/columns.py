"""Describes each column of the typed Parquet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from worker.handlers.profile.describing.column_profile import ColumnProfile
from worker.handlers.profile.describing.column_stats import (
    TEXT_TYPES,
    BasicStats,
    ColumnReader,
    DetailedStats,
    TableSize,
    number_sql,
    shorten,
)
from worker.handlers.profile.describing.distribution import finite
from worker.handlers.profile.describing.warnings import column_warnings, null_words_warning
from worker.handlers.profile.engine.connection import batches, identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN
from worker.handlers.profile.types.column_plan import ColumnPlan, is_number

# A result has to stay small enough to be one row of the database.
DETAILED_COLUMNS = 1000
_FIRST_ROWS = 2048
# A table in the engine's memory is quicker to query repeatedly than Parquet, while it is small.
_TABLE_BYTES = 64_000_000
_TABLE_CELLS = 8_000_000


def describe_columns(
    connection: duckdb.DuckDBPyConnection,
    plans: Sequence[ColumnPlan],
    null_words: Mapping[str, Mapping[str, int]],
    size: TableSize,
    report: Callable[[float], None],
) -> list[ColumnProfile]:
    """Return one profile per column.

    ``null_words``: per column the words that were read as missing, and how often. ``report`` gets
    the share done, 0–1.
    """
    profiles: list[ColumnProfile] = []
    for batch in batches(plans):
        with _table(connection, batch, len(plans), size) as table:
            basics = _basic_stats(connection, table, batch)
            may_be_sorted = _may_be_sorted(connection, table, batch)
            for plan, basic, maybe in zip(batch, basics, may_be_sorted, strict=True):
                profile = _basic_profile(plan, basic)
                if len(profiles) < DETAILED_COLUMNS and basic.count:
                    reader = ColumnReader(connection, table, plan, size, basic)
                    profile = _with_details(profile, reader.detailed(may_be_sorted=maybe))
                profiles.append(_with_null_words(profile, null_words.get(plan.name)))
                report(len(profiles) / len(plans))
    return profiles


@contextmanager
def _table(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[ColumnPlan],
    columns: int,
    size: TableSize,
) -> Iterator[str]:
    """What to read a batch of columns from, as SQL: the Parquet, or a copy in memory."""
    large = size.rows * len(batch) > _TABLE_CELLS
    if large or size.file_bytes * len(batch) > _TABLE_BYTES * columns:
        yield literal(CLEAN)
        return
    names = ", ".join(identifier(plan.name) for plan in batch)
    connection.execute(f"CREATE TEMP TABLE batch AS SELECT {names} FROM {literal(CLEAN)}")
    try:
        yield "batch"
    finally:
        connection.execute("DROP TABLE batch")


def _basic_stats(
    connection: duckdb.DuckDBPyConnection, table: str, batch: Sequence[ColumnPlan]
) -> list[BasicStats]:
    structs = ", ".join(_basic_stats_sql(plan) for plan in batch)
    row = connection.execute(f"SELECT {structs} FROM {table}").fetchone()
    assert row is not None
    return [BasicStats(**each) for each in row]


def _basic_stats_sql(plan: ColumnPlan) -> str:
    """SQL for a struct with the fields of BasicStats."""
    name = identifier(plan.name)
    fields = {
        "count": f"count({name})",
        "nulls": f"count(*) - count({name})",
        # The estimate can exceed the number of values.
        "distinct": f"least(approx_count_distinct({name}), count({name}))",
        "min": f"min({name})::VARCHAR",
        "max": f"max({name})::VARCHAR",
    }
    fields |= dict.fromkeys(("mean", "std", "low", "high", "shortest", "longest"), "NULL")
    if plan.type in TEXT_TYPES:
        fields["shortest"] = f"min(length({name}::VARCHAR))"
        fields["longest"] = f"max(length({name}::VARCHAR))"
    elif plan.type != "BOOLEAN":
        number = number_sql(name, plan.type)
        fields["mean"] = f"avg({number})"
        # The engine has no deviation of what is infinite.
        finite_number = f"CASE WHEN isfinite({number}) THEN {number} END"
        fields["std"] = f"stddev({finite_number if plan.type == 'DOUBLE' else number})"
        fields["low"] = number_sql(f"min({name})", plan.type)
        fields["high"] = number_sql(f"max({name})", plan.type)
    return "{" + ", ".join(f"'{field}': {sql}" for field, sql in fields.items()) + "}"


def _may_be_sorted(
    connection: duckdb.DuckDBPyConnection, table: str, batch: Sequence[ColumnPlan]
) -> list[bool]:
    """Which columns may be sorted, judged by the first rows: most soon show they are not."""
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


def _basic_profile(plan: ColumnPlan, basics: BasicStats) -> ColumnProfile:
    numeric = is_number(plan.type)
    shortest, longest = basics.shortest, basics.longest
    return ColumnProfile(
        name=plan.name,
        type=plan.type,
        kind=plan.value_format.name if plan.value_format else "text",
        count=basics.count,
        nulls=basics.nulls,
        distinct=basics.distinct,
        min=shorten(basics.min),
        max=shorten(basics.max),
        mean=finite(basics.mean) if numeric else None,
        std=finite(basics.std) if numeric else None,
        lengths=[shortest, longest] if shortest is not None and longest is not None else None,
        warnings=list(plan.notes),
        unit=plan.unit or None,
    )


def _with_details(profile: ColumnProfile, details: DetailedStats) -> ColumnProfile:
    frequencies, spread, texts = details.frequencies, details.distribution, details.texts
    every_value_differs = frequencies.distinct == profile.count > 1
    detailed = replace(
        profile,
        distinct=frequencies.distinct,
        distinct_exact=frequencies.exact,
        unique=frequencies.exact and every_value_differs,
        quantiles=spread.quantiles if spread and is_number(profile.type) else None,
        sorted=details.order,
        top=frequencies.top,
        histogram=spread.histogram if spread else None,
        looks_like=texts.looks_like if texts else None,
        empty_texts=texts.empty if texts else None,
    )
    return replace(detailed, warnings=[*profile.warnings, *column_warnings(detailed, texts)])


def _with_null_words(profile: ColumnProfile, words: Mapping[str, int] | None) -> ColumnProfile:
    if not words:
        return profile
    known = replace(profile, null_words=words)
    return replace(known, warnings=[*profile.warnings, *null_words_warning(known)])
