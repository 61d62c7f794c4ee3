"""A format of values: the pattern of its texts, and the SQL that reads them.

Patterns serve SQL and Python alike: they use only what RE2 and ``re`` have in common.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.options import Options

TEXT = "VARCHAR"
DECIMAL = "DECIMAL"
# From the narrowest to the widest, which is the default.
INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
# The placeholder for the text that is read, in SQL.
VALUE = "$value"
_MARKS = {".": "point", ",": "comma"}
_NOUNS = {
    "BOOLEAN": "boolean",
    "BIGINT": "whole number",
    DECIMAL: "number",
    "DOUBLE": "number",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "TIME": "time",
    "UUID": "UUID",
    "JSON": "JSON value",
}


@dataclass(frozen=True, slots=True)
class ValueFormat:
    """One way to read the texts of a column.

    ``pattern`` is what every text must match. ``read`` is the SQL that reads a text, NULL if it
    cannot; ``round_trips``: the value, written as text again, must be the text. ``normalized`` is
    the SQL that turns a text into one that the engine reads. ``ambiguous_with`` names a format
    that reads some of the same texts with another meaning; ``day_order`` and ``decimal_mark`` are
    what tells the two apart, and the values of the options ``dates`` and ``decimal`` that ask for
    it. ``thousands`` are the characters that may separate groups of digits. ``short_year``: years
    have two digits. ``note`` says what a value loses.
    """

    name: str
    type: str
    pattern: str
    read: str
    round_trips: bool = False
    normalized: str = VALUE
    ambiguous_with: str = ""
    day_order: Literal["day-first", "month-first"] | None = None
    decimal_mark: Literal["point", "comma"] | None = None
    thousands: str = ""
    short_year: bool = False
    note: str = ""

    @property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python."""
        return _compile(self.pattern)

    @property
    def noun(self) -> str:
        """What people call a value of this format, such as “date”."""
        return _NOUNS[self.type]

    def allowed_by(self, options: Options) -> bool:
        """Whether the options leave this format open."""
        if self.decimal_mark is not None and self.decimal_mark == _MARKS.get(
            options.thousands or ""
        ):
            return False
        return all(
            wanted is None or not has or wanted in has
            for wanted, has in (
                (options.dates, self.day_order and (self.day_order,)),
                (options.decimal, self.decimal_mark and (self.decimal_mark,)),
                (options.thousands, self.thousands),
            )
        )

    def matches_sql(self, value: str) -> str:
        """SQL that is true for a text of this format."""
        matches = f"regexp_full_match({value}, {literal(self.pattern)})"
        if self.type == DECIMAL:
            return matches
        return f"({matches} AND {self.read_sql(value)} IS NOT NULL)"

    def misfit_sql(self, value: str) -> str:
        """SQL that is true for a text that is not of this format."""
        return f"({value} IS NOT NULL AND NOT ({self.matches_sql(value)}))"

    def read_sql(self, value: str, type_: str = "") -> str:
        """SQL that reads a text; ``type_`` is a decimal type with its digits."""
        return self.read.replace(VALUE, self.normalized_sql(value)).replace(
            "$type", type_ or self.type
        )

    def normalized_sql(self, value: str) -> str:
        """SQL that rewrites a text as the engine reads it."""
        return self.normalized.replace(VALUE, value)


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def try_cast(type_: str) -> str:
    """SQL that casts the text, NULL where that is impossible."""
    return f"TRY_CAST({VALUE} AS {type_})"
