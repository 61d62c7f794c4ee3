"""The types a column can have: what its texts look like, how they are read, in SQL and in Python.

The same patterns serve both: they are written in what RE2 and ``re`` have in common.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.options import Options

TEXT = "VARCHAR"
DECIMAL = "DECIMAL"
WHOLE = "whole number"
# From the narrowest to the one that is taken unless the options say otherwise.
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
MAX_DIGITS = 38
V = "$value"

_PLAIN = r"-?(0|[1-9][0-9]*)"
_CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_CLOCK_12 = r"(0?[1-9]|1[0-2]):[0-5][0-9](:[0-5][0-9])? ?[AaPp][Mm]"
_ZONE = r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MONTH = r"[A-Za-z]{3,9}"


@dataclass(frozen=True, slots=True)
class ValueFormat:
    """One way to read a column.

    ``pattern`` is what every text must match, ``read`` the SQL that reads a text, NULL if it
    cannot; ``exact``: that its value, written as text again, must be the text. ``clean`` makes a
    plain decimal number of a text. ``rival`` names a kind that texts of this one may also be read
    as, with another meaning.
    """

    name: str
    type: str
    pattern: str
    read: str
    exact: bool = False
    rival: str = ""
    clean: str = V

    @property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python."""
        return re.compile(self.pattern)

    def test(self, value: str) -> str:
        """SQL that is true for a text of this kind."""
        matches = f"regexp_full_match({value}, {literal(self.pattern)})"
        if self.type == DECIMAL:
            return matches
        return f"({matches} AND {self.cast(value)} IS NOT NULL)"

    def cast(self, value: str, type_: str = "") -> str:
        """SQL that reads a text; ``type_`` for a decimal with its digits."""
        text = self.clean.replace(V, value)
        return self.read.replace(V, text).replace("$type", type_ or self.type)


def _try(type_: str) -> str:
    return f"TRY_CAST({V} AS {type_})"


def _words(yes: str, no: str) -> ValueFormat:
    pattern = f"(?i:{yes}|{no})"
    return ValueFormat(f"{yes} or {no}", "BOOLEAN", pattern, f"(lower({V}) = {literal(yes)})")


def _layouts(dates: Sequence[str], times: Sequence[str]) -> str:
    listed = ", ".join(literal(f"{date}{time}") for date in dates for time in times)
    return f"try_strptime({V}, [{listed}])"


def _dates(name: str, pattern: str, *layouts: str, rival: str = "") -> list[ValueFormat]:
    """A date in a layout, alone and with a time of day in the usual ways."""
    clocks = [" %H:%M", " %H:%M:%S", " %H:%M:%S.%f"]
    halves = [" %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p"]
    day = f"CAST({_layouts(layouts, [''])} AS DATE)"
    kinds = [ValueFormat(name, "DATE", pattern, day, rival=rival)]
    for words, times, clock in (
        ("with time", clocks, _CLOCK),
        ("with time and am or pm", halves, _CLOCK_12),
    ):
        other = rival and f"{rival} {words}"
        read = _layouts(layouts, times)
        kinds.append(
            ValueFormat(f"{name} {words}", "TIMESTAMP", f"{pattern} {clock}", read, rival=other)
        )
    return kinds


def _both_orders(sign: str, year: str, digits: str) -> list[ValueFormat]:
    pattern = f"[0-9]{{1,2}}{re.escape(sign)}[0-9]{{1,2}}{re.escape(sign)}{digits}"
    day, month = f"day{sign}month{sign}year", f"month{sign}day{sign}year"
    if digits == "[0-9]{2}":
        day, month = f"{day} of two digits", f"{month} of two digits"
    return [
        *_dates(day, pattern, f"%d{sign}%m{sign}{year}", rival=month),
        *_dates(month, pattern, f"%m{sign}%d{sign}{year}", rival=day),
    ]


# In order: the first that fits every value wins.
VALUE_FORMATS = (
    _words("true", "false"),
    ValueFormat(WHOLE, "BIGINT", _PLAIN, _try("$type"), exact=True),
    ValueFormat("decimal", DECIMAL, rf"{_PLAIN}(\.[0-9]+)?", _try("$type")),
    ValueFormat(
        "floating point",
        "DOUBLE",
        r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
        f"CASE WHEN isfinite({_try('DOUBLE')}) THEN {_try('DOUBLE')} END",
    ),
    ValueFormat(
        "number with thousands marked by ,",
        DECIMAL,
        r"-?([1-9][0-9]{0,2}(,[0-9]{3})+|0|[1-9][0-9]*)(\.[0-9]+)?",
        _try("$type"),
        rival="number with a decimal comma",
        clean=f"replace({V}, ',', '')",
    ),
    ValueFormat(
        "number with a decimal comma",
        DECIMAL,
        r"-?([1-9][0-9]{0,2}(\.[0-9]{3})+|0|[1-9][0-9]*)(,[0-9]+)?",
        _try("$type"),
        rival="number with thousands marked by ,",
        clean=f"replace(replace({V}, '.', ''), ',', '.')",
    ),
    ValueFormat(
        "number with thousands marked by blanks",
        DECIMAL,
        "-?([1-9][0-9]{0,2}([ \u00a0\u202f'][0-9]{3})+|0|[1-9][0-9]*)([.,][0-9]+)?",
        _try("$type"),
        clean=f"replace(regexp_replace({V}, '[ \u00a0\u202f'']', '', 'g'), ',', '.')",
    ),
    ValueFormat("date", "DATE", _ISO_DATE, _try("DATE"), exact=True),
    ValueFormat("timestamp", "TIMESTAMP", f"{_ISO_DATE}[ T]{_CLOCK}", _try("TIMESTAMP")),
    ValueFormat(
        "timestamp with zone",
        "TIMESTAMP WITH TIME ZONE",
        f"{_ISO_DATE}[ T]{_CLOCK}{_ZONE}",
        _try("TIMESTAMPTZ"),
    ),
    ValueFormat("time", "TIME", _CLOCK, _try("TIME")),
    *_dates("year/month/day", "[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", "%Y/%m/%d"),
    *_dates("day.month.year", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}", "%d.%m.%Y"),
    *_both_orders("/", "%Y", "[0-9]{4}"),
    *_both_orders("-", "%Y", "[0-9]{4}"),
    *_both_orders("/", "%y", "[0-9]{2}"),
    *_dates(
        "day Month year",
        f"[0-9]{{1,2}}[ -]{_MONTH}[ -][0-9]{{4}}",
        *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y"),
    ),
    *_dates("Month day, year", f"{_MONTH} [0-9]{{1,2}}, [0-9]{{4}}", "%b %d, %Y", "%B %d, %Y"),
    ValueFormat(
        "UUID",
        "UUID",
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        _try("UUID"),
    ),
    ValueFormat("JSON", "JSON", r"(?s:[\[{].*[\]}])", f"CASE WHEN json_valid({V}) THEN {V} END"),
    _words("yes", "no"),
    _words("y", "n"),
    _words("t", "f"),
    _words("on", "off"),
)
BY_NAME = {kind.name: kind for kind in VALUE_FORMATS}


# Up to this share of a column's values may not be of its kind for that to be worth a word.
FEW = 0.05


def possible(
    texts: Sequence[str],
    options: Options,
    share: float = 1 - FEW,
    kinds: Sequence[ValueFormat] = VALUE_FORMATS,
) -> list[ValueFormat]:
    """Of the kinds, those that most of these texts look like."""
    if not texts:
        return []
    counts = Counter(texts)
    allowed = (1 - share) * len(texts)
    found = []
    for kind in kinds:
        if options.decimal == "comma" and kind.name in (
            "decimal", "floating point", "number with thousands marked by ,",
        ):  # fmt: skip
            continue
        if options.decimal == "point" and kind.name == "number with a decimal comma":
            continue
        if options.dates == "day-first" and kind.name.startswith("month"):
            continue
        if options.dates == "month-first" and kind.rival.startswith("month"):
            continue
        if _misses(kind.compiled, counts, allowed) <= allowed:
            found.append(kind)
    return found


def _misses(pattern: re.Pattern[str], counts: Counter[str], allowed: float) -> int:
    """How many texts do not match; counting ends where they are too many."""
    misses = 0
    for text, times in counts.items():
        if pattern.fullmatch(text) is None:
            misses += times
            if misses > allowed:
                break
    return misses


def chosen(fitting: Sequence[ValueFormat]) -> tuple[ValueFormat | None, ValueFormat | None]:
    """The first of the kinds that fit, and the rival that fits as well and means another thing."""
    if not fitting:
        return None, None
    first = fitting[0]
    rival = next((kind for kind in fitting if kind.name == first.rival), None)
    return first, rival
