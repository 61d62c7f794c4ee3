"""The century of years that are written with two digits."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import duckdb

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.types.column_plan import ColumnPlan

# As POSIX has it: 69 to 99 are of the last century, 00 to 68 of this one.
_LAST_YEAR = 2068
_PAST = re.compile(r"(?i)birth|born|dob|geb|naiss|nacim|nascita|death|died")
# With so many values in the future the window must be wrong.
_FUTURE_SHARE = 0.2


def with_century(connection: duckdb.DuckDBPyConnection, plan: ColumnPlan) -> ColumnPlan:
    """Choose the hundred years in which the dates of a plan lie, and say so."""
    assert plan.value_format is not None
    this_year = datetime.now(UTC).year
    future = f"year({plan.typed_sql()}) > {this_year + 1}"
    row = connection.execute(
        f"SELECT coalesce(avg(({future})::INTEGER), 0) FROM {literal(STAGING)}"
    ).fetchone()
    assert row is not None
    last = _LAST_YEAR
    if _PAST.search(plan.name) or row[0] > _FUTURE_SHARE:
        last = this_year
        read = plan.value_format.read
        cast = f"CAST({read} - INTERVAL 100 YEAR AS {plan.type})"
        shifted = f"CASE WHEN year({read}) > {last} THEN {cast} ELSE {read} END"
        plan = replace(plan, value_format=replace(plan.value_format, read=shifted))
    note = f"Years of two digits were read as {last - 99}–{last}."
    return replace(plan, notes=(*plan.notes, note))
