"""Looks at what stands around the digits of written numbers: units, signs, marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.types.number_formats import IDENTIFIER, INVISIBLE, UNIT
from worker.handlers.profile.types.value_format import ValueFormat

_PLUS, _APOSTROPHE, _BRACKETS = r"^\W*\+", "^'[^0-9]*[0-9]", r"\("
_TESTS = {
    "plus": f"regexp_matches(v, {literal(_PLUS)})",
    "apostrophes": f"regexp_matches(v, {literal(_APOSTROPHE)})",
    "brackets": f"regexp_matches(v, {literal(_BRACKETS)})",
    "invisible": f"regexp_matches(v, {literal(INVISIBLE)})",
    "identifiers": f"regexp_full_match(v, {literal(IDENTIFIER)})",
    "zeros": "NOT regexp_matches(v, '[1-9]')",
}


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """Counts among ``values`` numbers; ``units`` counts each unit, '' where there is none.

    ``same_length``: all texts have the same number of characters. ``digits`` and ``scale`` are
    the most before and after the decimal mark.
    """

    values: int
    digits: int
    scale: int
    units: Mapping[str, int]
    counts: Mapping[str, int]
    unitless_values: int
    same_length: bool

    @property
    def unit(self) -> str:
        """The one unit of the column, or ''."""
        named = [unit for unit in self.units if unit]
        return named[0] if len(named) == 1 else ""


def look_at_numbers(
    connection: duckdb.DuckDBPyConnection, text: str, value_format: ValueFormat
) -> NumberFacts:
    """Count in the staged table; ``text`` is SQL for the texts, of which misfits are left out."""
    tests = ", ".join(f"count_if({sql})" for sql in _TESTS.values())
    number = value_format.normalized_sql("v")
    rows = connection.execute(
        f"SELECT unit, count(*), max(length(split_part(ltrim(n, '-'), '.', 1))), "
        f"max(length(split_part(n, '.', 2))), min(length(v)), max(length(v)), {tests} "
        f"FROM (SELECT v, {number} AS n, regexp_extract(v, {literal(UNIT)}) AS unit "
        f"FROM (SELECT {text} AS v FROM {literal(STAGING)}) "
        f"WHERE {value_format.matches_sql('v')}) GROUP BY unit ORDER BY 2 DESC, 1"
    ).fetchall()
    sums = [sum(column) for column in zip(*(row[6:] for row in rows), strict=True)]
    unitless = next((row for row in rows if not row[0]), None)
    return NumberFacts(
        values=sum(row[1] for row in rows),
        digits=max((row[2] for row in rows), default=1),
        scale=max((row[3] for row in rows), default=0),
        units={row[0]: row[1] for row in rows},
        counts=dict(zip(_TESTS, sums, strict=True)) if rows else dict.fromkeys(_TESTS, 0),
        unitless_values=unitless[1] - unitless[-1] if unitless else 0,
        same_length=len({length for row in rows for length in row[4:6]}) == 1,
    )


def reason_for_text(facts: NumberFacts) -> str:
    """Return why the numbers should be kept as they are written, '' if they should not."""
    named = {unit: times for unit, times in facts.units.items() if unit}
    if len(named) > 1:
        listed = ", ".join(f"{times:,} × “{unit}”" for unit, times in named.items())
        return f"the values have different units ({listed})"
    if facts.unit in ("%", "‰") and facts.unitless_values:
        return f"{facts.unitless_values:,} of {facts.values:,} values lack the unit “{facts.unit}”"
    if facts.scale or facts.unit:
        return ""
    if facts.counts["plus"]:
        return "whole numbers with a plus sign may be codes, such as phone numbers"
    if facts.counts["brackets"] == facts.values:
        return "every value is a whole number in parentheses, like an item of a list"
    if facts.counts["identifiers"] == facts.values and facts.same_length:
        return "all values have the same groups of digits, as identifiers do"
    return ""


def notes_on_numbers(facts: NumberFacts) -> Sequence[str]:
    """Return what was left out of the values, in sentences."""
    notes = []
    if facts.unit:
        number = counted(facts.units[facts.unit], "value")
        notes.append(f"Read without the unit “{facts.unit}” of {number}.")
    if facts.counts["brackets"]:
        are = "was" if facts.counts["brackets"] == 1 else "were"
        notes.append(
            f"{counted(facts.counts['brackets'], 'value')} in parentheses {are} read as negative."
        )
    if facts.counts["apostrophes"]:
        notes.append(
            f"Read without the apostrophe (') in front of "
            f"{counted(facts.counts['apostrophes'], 'value')}."
        )
    if facts.counts["invisible"]:
        notes.append(
            "Read without the invisible characters in "
            f"{counted(facts.counts['invisible'], 'value')}."
        )
    return notes
