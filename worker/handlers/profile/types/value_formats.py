"""The formats a column's values can have: what their texts look like and how they are read.

The same patterns serve SQL and Python: they use only what RE2 and ``re`` have in common.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.options import Options

TEXT = "VARCHAR"
DECIMAL = "DECIMAL"
# From the narrowest to the widest, which is the default.
INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
# The placeholder for the text that is read, in SQL.
VALUE = "$value"

_INTEGER = r"-?(0|[1-9][0-9]*)"
_TIME_24 = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_TIME_12 = r"(0?[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])? ?[AaPp][Mm]"
_ZONE = r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MONTH_NAME = r"[A-Za-z]{3,9}"
_NOUNS = {
    "BOOLEAN": "boolean",
    "BIGINT": "whole number",
    DECIMAL: "number",
    "DOUBLE": "number",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
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
    the SQL that turns a text into a plain decimal number. ``ambiguous_with`` names a format that
    reads some of the same texts with another meaning; ``day_order`` and ``decimal_mark`` are what
    tells the two apart, and the values of the options ``dates`` and ``decimal`` that ask for it.
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

    @property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python."""
        return re.compile(self.pattern)

    @property
    def noun(self) -> str:
        """What people call a value of this format, such as “date”."""
        return _NOUNS[self.type]

    def allowed_by(self, options: Options) -> bool:
        """Whether the options leave this format open."""
        wrong_order = options.dates is not None and self.day_order not in (None, options.dates)
        wrong_mark = options.decimal is not None and self.decimal_mark not in (
            None,
            options.decimal,
        )
        return not wrong_order and not wrong_mark

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
        text = self.normalized.replace(VALUE, value)
        return self.read.replace(VALUE, text).replace("$type", type_ or self.type)


def _try_cast(type_: str) -> str:
    return f"TRY_CAST({VALUE} AS {type_})"


def _boolean(yes: str, no: str) -> ValueFormat:
    pattern = f"(?i:{yes}|{no})"
    return ValueFormat(f"{yes} or {no}", "BOOLEAN", pattern, f"(lower({VALUE}) = {literal(yes)})")


def _parse_sql(date_layouts: Sequence[str], time_layouts: Sequence[str]) -> str:
    listed = ", ".join(literal(f"{date}{time}") for date in date_layouts for time in time_layouts)
    return f"try_strptime({VALUE}, [{listed}])"


def _dates(
    name: str,
    pattern: str,
    *layouts: str,
    order: Literal["day-first", "month-first"] | None = None,
    other: str = "",
) -> list[ValueFormat]:
    """A date in some layouts, alone and with a time of day in the usual ways.

    ``other`` is the name of the format that has day and month in the other ``order``.
    """
    times_24 = [" %H:%M", " %H:%M:%S", " %H:%M:%S.%f"]
    times_12 = [" %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p"]
    day = f"CAST({_parse_sql(layouts, [''])} AS DATE)"
    formats = [ValueFormat(name, "DATE", pattern, day, ambiguous_with=other)]
    for words, times, time_pattern in (
        ("with time", times_24, _TIME_24),
        ("with time and am or pm", times_12, _TIME_12),
    ):
        formats.append(
            ValueFormat(
                f"{name} {words}",
                "TIMESTAMP",
                f"{pattern} {time_pattern}",
                _parse_sql(layouts, times),
                ambiguous_with=other and f"{other} {words}",
            )
        )
    return [replace(each, day_order=order) for each in formats]


def _dates_in_both_orders(separator: str, year: str, digits: str) -> list[ValueFormat]:
    """Dates of numbers alone, of which nothing but the values can tell day and month apart."""
    sign = re.escape(separator)
    pattern = f"[0-9]{{1,2}}{sign}[0-9]{{1,2}}{sign}{digits}"
    day = f"day{separator}month{separator}year"
    month = f"month{separator}day{separator}year"
    if digits == "[0-9]{2}":
        day, month = f"{day} of two digits", f"{month} of two digits"
    day_layout = f"%d{separator}%m{separator}{year}"
    month_layout = f"%m{separator}%d{separator}{year}"
    return [
        *_dates(day, pattern, day_layout, order="day-first", other=month),
        *_dates(month, pattern, month_layout, order="month-first", other=day),
    ]


INTEGER = ValueFormat("whole number", "BIGINT", _INTEGER, _try_cast("$type"), round_trips=True)
_THOUSANDS_COMMA = "number with thousands marked by ,"
_DECIMAL_COMMA = "number with a decimal comma"
# In order of preference: the first that fits every value of a column wins.
VALUE_FORMATS = (
    _boolean("true", "false"),
    INTEGER,
    ValueFormat(
        "decimal",
        DECIMAL,
        rf"{_INTEGER}(\.[0-9]+)?",
        _try_cast("$type"),
        decimal_mark="point",
    ),
    ValueFormat(
        "floating point",
        "DOUBLE",
        r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
        f"CASE WHEN isfinite({_try_cast('DOUBLE')}) THEN {_try_cast('DOUBLE')} END",
        decimal_mark="point",
    ),
    ValueFormat(
        _THOUSANDS_COMMA,
        DECIMAL,
        r"-?([1-9][0-9]{0,2}(,[0-9]{3})+|0|[1-9][0-9]*)(\.[0-9]+)?",
        _try_cast("$type"),
        normalized=f"replace({VALUE}, ',', '')",
        ambiguous_with=_DECIMAL_COMMA,
        decimal_mark="point",
    ),
    ValueFormat(
        _DECIMAL_COMMA,
        DECIMAL,
        r"-?([1-9][0-9]{0,2}(\.[0-9]{3})+|0|[1-9][0-9]*)(,[0-9]+)?",
        _try_cast("$type"),
        normalized=f"replace(replace({VALUE}, '.', ''), ',', '.')",
        ambiguous_with=_THOUSANDS_COMMA,
        decimal_mark="comma",
    ),
    ValueFormat(
        "number with thousands marked by blanks",
        DECIMAL,
        "-?([1-9][0-9]{0,2}([ \u00a0\u202f'][0-9]{3})+|0|[1-9][0-9]*)([.,][0-9]+)?",
        _try_cast("$type"),
        normalized=f"replace(regexp_replace({VALUE}, '[ \u00a0\u202f'']', '', 'g'), ',', '.')",
    ),
    ValueFormat("date", "DATE", _ISO_DATE, _try_cast("DATE"), round_trips=True),
    ValueFormat("timestamp", "TIMESTAMP", f"{_ISO_DATE}[ T]{_TIME_24}", _try_cast("TIMESTAMP")),
    ValueFormat(
        "timestamp with zone",
        "TIMESTAMP WITH TIME ZONE",
        f"{_ISO_DATE}[ T]{_TIME_24}{_ZONE}",
        _try_cast("TIMESTAMPTZ"),
    ),
    ValueFormat("time", "TIME", _TIME_24, _try_cast("TIME")),
    *_dates("year/month/day", "[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", "%Y/%m/%d"),
    *_dates("day.month.year", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}", "%d.%m.%Y"),
    *_dates_in_both_orders("/", "%Y", "[0-9]{4}"),
    *_dates_in_both_orders("-", "%Y", "[0-9]{4}"),
    *_dates_in_both_orders("/", "%y", "[0-9]{2}"),
    *_dates(
        "day Month year",
        f"[0-9]{{1,2}}[ -]{_MONTH_NAME}[ -][0-9]{{4}}",
        *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y"),
    ),
    *_dates("Month day, year", f"{_MONTH_NAME} [0-9]{{1,2}}, [0-9]{{4}}", "%b %d, %Y", "%B %d, %Y"),
    ValueFormat(
        "UUID",
        "UUID",
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        _try_cast("UUID"),
    ),
    ValueFormat(
        "JSON", "JSON", r"(?s:[\[{].*[\]}])", f"CASE WHEN json_valid({VALUE}) THEN {VALUE} END"
    ),
    _boolean("yes", "no"),
    _boolean("y", "n"),
    _boolean("t", "f"),
    _boolean("on", "off"),
)
