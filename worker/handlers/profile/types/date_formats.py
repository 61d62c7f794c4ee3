"""The ways dates, times and timestamps are written."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.types.value_format import VALUE, ValueFormat, try_cast

_SECONDS = "[01]?[0-9]|2[0-3]"
_TIME_24 = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_TIME_ANY_FRACTION = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?"
_TIME_12 = r"(0?[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])? ?[AaPp][Mm]"
_TIMES_12 = ("%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")
_OFFSET = "[+-][0-9]{2}(:?[0-9]{2})?"
_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MONTH_NAME = r"[A-Za-z]{3,9}"
_YEAR, _SHORT_YEAR = "[0-9]{4}", "[0-9]{2}"
_CUT = "Fractions of a second were cut to microseconds."
_UTC = f"regexp_replace(replace({VALUE}, ',', '.'), ' ?(UTC|GMT|[zZ])$', '+00')"


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
    times_12 = [f" {each}" for each in _TIMES_12]
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
                f"{pattern},? {time_pattern}",
                _parse_sql(layouts, times),
                normalized=f"regexp_replace({VALUE}, ',? +([0-9]+:)', ' \\1')",
                ambiguous_with=other and f"{other} {words}",
            )
        )
    short = any("%y" in layout for layout in layouts)
    return [replace(each, day_order=order, short_year=short) for each in formats]


def _dates_in_both_orders(separator: str, year: str, digits: str) -> list[ValueFormat]:
    """Dates of numbers alone, of which nothing but the values can tell day and month apart."""
    sign = re.escape(separator)
    pattern = f"[0-9]{{1,2}}{sign}[0-9]{{1,2}}{sign}{digits}"
    day = f"day{separator}month{separator}year"
    month = f"month{separator}day{separator}year"
    if digits == _SHORT_YEAR:
        day, month = f"{day} of two digits", f"{month} of two digits"
    day_layout = f"%d{separator}%m{separator}{year}"
    month_layout = f"%m{separator}%d{separator}{year}"
    return [
        *_dates(day, pattern, day_layout, order="day-first", other=month),
        *_dates(month, pattern, month_layout, order="month-first", other=day),
    ]


def _layouts_with_month_name(year: str) -> list[str]:
    return [f"%d{sign}{month}{sign}{year}" for sign in " -/." for month in ("%b", "%B")]


# Only where the column's name says so: otherwise it is a number.
COMPACT_DATE = ValueFormat(
    "yearmonthday",
    "DATE",
    "(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])",
    f"CAST(try_strptime({VALUE}, ['%Y%m%d']) AS DATE)",
)
DATE_FORMATS = (
    ValueFormat("date", "DATE", _ISO_DATE, try_cast("DATE"), round_trips=True),
    ValueFormat("timestamp", "TIMESTAMP", f"{_ISO_DATE}[ T]{_TIME_24}", try_cast("TIMESTAMP")),
    ValueFormat(
        "timestamp with zone",
        "TIMESTAMP WITH TIME ZONE",
        f"{_ISO_DATE}[ T]{_TIME_24} ?(Z|{_OFFSET})",
        try_cast("TIMESTAMPTZ"),
    ),
    ValueFormat(
        "timestamp with a comma before the fraction",
        "TIMESTAMP",
        rf"{_ISO_DATE}[ T](?:{_SECONDS}):[0-5][0-9](:[0-5][0-9]([.,][0-9]{{1,6}})?)?",
        try_cast("TIMESTAMP"),
        normalized=f"replace({VALUE}, ',', '.')",
    ),
    ValueFormat(
        "timestamp in nanoseconds",
        "TIMESTAMP_NS",
        f"{_ISO_DATE}[ T]{_TIME_ANY_FRACTION}",
        try_cast("TIMESTAMP_NS"),
        normalized=f"replace({VALUE}, ',', '.')",
    ),
    ValueFormat(
        "timestamp with the word UTC",
        "TIMESTAMP WITH TIME ZONE",
        rf"{_ISO_DATE}[ T](?:{_SECONDS}):[0-5][0-9](:[0-5][0-9]([.,][0-9]{{1,6}})?)?"
        f" ?(UTC|GMT|[zZ]|{_OFFSET})",
        try_cast("TIMESTAMPTZ"),
        normalized=_UTC,
    ),
    ValueFormat(
        "timestamp with zone in nanoseconds",
        "TIMESTAMP WITH TIME ZONE",
        f"{_ISO_DATE}[ T]{_TIME_ANY_FRACTION} ?(UTC|GMT|[zZ]|{_OFFSET})",
        try_cast("TIMESTAMPTZ"),
        normalized=_UTC,
        note=_CUT,
    ),
    ValueFormat(
        "timestamp without separators",
        "TIMESTAMP",
        "[0-9]{8}[T ][0-9]{6}",
        _parse_sql(["%Y%m%dT", "%Y%m%d "], ["%H%M%S"]),
    ),
    ValueFormat("time", "TIME", _TIME_24, try_cast("TIME")),
    ValueFormat(
        "time with a comma before the fraction",
        "TIME",
        rf"(?:{_SECONDS}):[0-5][0-9](:[0-5][0-9]([.,][0-9]{{1,6}})?)?",
        try_cast("TIME"),
        normalized=f"replace({VALUE}, ',', '.')",
    ),
    ValueFormat(
        "time with am or pm", "TIME", _TIME_12, f"CAST({_parse_sql([''], _TIMES_12)} AS TIME)"
    ),
    *_dates("year/month/day", "[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", "%Y/%m/%d"),
    *_dates("year-month-day", "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "%Y-%m-%d"),
    *_dates("year.month.day", r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}", "%Y.%m.%d"),
    *_dates("day.month.year", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}", "%d.%m.%Y"),
    # Without the zeros it could be a version or a section.
    *_dates("day.month.year of two digits", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}", "%d.%m.%y"),
    *_dates_in_both_orders("/", "%Y", _YEAR),
    *_dates_in_both_orders("-", "%Y", _YEAR),
    *_dates_in_both_orders("/", "%y", _SHORT_YEAR),
    *_dates(
        "day Month year",
        f"[0-9]{{1,2}}[ ./-]{_MONTH_NAME}[ ./-]{_YEAR}",
        *_layouts_with_month_name("%Y"),
    ),
    *_dates(
        "day Month year of two digits",
        f"[0-9]{{1,2}}[ ./-]{_MONTH_NAME}[ ./-]{_SHORT_YEAR}",
        *_layouts_with_month_name("%y"),
    ),
    *_dates(
        "Month day, year",
        f"{_MONTH_NAME} [0-9]{{1,2}},? {_YEAR}",
        *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    ),
)
