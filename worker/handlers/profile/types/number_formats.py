"""The ways numbers are written: plain, grouped, with units, in parentheses, with other signs.

Plain numbers have formats of their own, since the engine reads them as they are. A written number
may have all of the decorations below at once; its digits are what is left without them.
"""

import re

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.types.value_format import DECIMAL, VALUE, ValueFormat, try_cast

_INTEGER = r"-?(0|[1-9][0-9]*)"
# Marks for the direction or the width of text, which show nothing.
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\ufeff"
_MINUS = "-\u2212\u2013\uff0d"
_BLANKS = " \u00a0\u2007\u2009\u202f"
_APOSTROPHES = "'\u2019"
_SYMBOLS = "$€£¥₹₽₺₩₪₫฿₴₦₱¢%‰"
_CODES = re.findall(
    "...",
    "AUDBGNBRLCADCHFCLPCNYCOPCZKDKKEURGBPHKDHUFIDRILSINRJPYKRWMXNMYRNOKNZDPHPPLNRONRUBSARSEKSGD"
    "THBTRYTWDUAHUSDVNDZAR",
)
_WORDS = ("kr", "zł", "Kč", "Ft", "lei", "Rs", "Fr")
UNIT = f"(?:US|CA|AU|HK|NZ|[CAR])?[$]|[{_SYMBOLS}]|{'|'.join((*_CODES, *_WORDS))}"
INVISIBLE = f"[{_INVISIBLE}]"
# Three digits and more groups of three after them: as phone and register numbers are written.
IDENTIFIER = f"[0-9]{{3}}([{_BLANKS}][0-9]{{3}})+"
# What is no part of a number's digits.
_LETTERS = "".join(sorted({letter for word in (*_CODES, *_WORDS, "US") for letter in word}))
_DECORATION = f"{_INVISIBLE}{_MINUS}{_BLANKS}{_APOSTROPHES}{_SYMBOLS}{_LETTERS}+()"


def _written(body: str) -> str:
    """The pattern of a number with the digits ``body``, and signs and units around them."""
    mark, blank = f"[{_INVISIBLE}]*", f"[{_BLANKS}{_INVISIBLE}]?"
    sign, unit = f"[{_MINUS}]", f"(?:{UNIT})"
    number, before, after = f"(?:{body})", f"(?:{unit}{blank})?", f"(?:{blank}{unit})?"
    forms = (
        f"[{_MINUS}+]?{blank}{before}{number}{after}",
        f"{unit}{blank}[{_MINUS}+]{blank}{number}",
        f"{before}{number}{blank}{sign}{after}",
        f"{before}{number}{after}{blank}{sign}",
        rf"{before}\({blank}{before}{number}{after}{blank}\){after}",
    )
    return f"'?{mark}(?:{'|'.join(forms)}){mark}"


def _body(separators: str, decimal: str) -> str:
    """Digits in groups of three, or in none, and a fraction."""
    groups = f"[1-9][0-9]{{0,2}}(?:[{separators}][0-9]{{3}})+"
    return f"(?:{groups}|0|[1-9][0-9]*)(?:{decimal}[0-9]*)?|{decimal}[0-9]+"


def _digits(decimal: str) -> str:
    """SQL for the plain number that a written one stands for."""
    if decimal == ",":
        digits = f"translate({VALUE}, {literal(',.' + _DECORATION)}, '.')"
    else:
        digits = f"translate({VALUE}, {literal('.,' + _DECORATION)}, '.')"
    negative = f"regexp_matches({VALUE}, {literal(f'[{_MINUS}(]')})"
    return f"(CASE WHEN {negative} THEN '-' ELSE '' END || {digits})"


def _exact_double() -> str:
    """SQL for a DOUBLE that keeps all digits of its text, NULL where none does.

    Any decimal of 15 significant digits survives (IEEE 754); of more, those that the engine
    writes again with the same digits.
    """
    number = try_cast("DOUBLE")
    mantissa = f"regexp_replace(lower({VALUE}), 'e.*', '')"
    digits = f"trim(regexp_replace({mantissa}, '[^0-9]', '', 'g'), '0')"
    written = f"trim(regexp_replace(regexp_replace({number}::VARCHAR, 'e.*', ''), "
    written += "'[^0-9]', '', 'g'), '0')"
    infinite = f"regexp_matches({VALUE}, '[iI]')"
    keeps = f"(length({VALUE}) < 16 OR length({digits}) < 16 OR {digits} = {written})"
    underflows = f"({number} = 0 AND {digits} <> '')"
    finite = f"isfinite({number}) AND {keeps} AND NOT {underflows}"
    return f"CASE WHEN {infinite} OR ({finite}) THEN {number} END"


INTEGER = ValueFormat("whole number", "BIGINT", _INTEGER, try_cast("$type"), round_trips=True)
FLOAT = ValueFormat(
    "floating point",
    "DOUBLE",
    r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity)",
    _exact_double(),
    decimal_mark="point",
)
FLOAT_COMMA = ValueFormat(
    "floating point with a decimal comma",
    "DOUBLE",
    r"-?(0|[1-9][0-9]*)(,[0-9]*)?([eE][+-]?[0-9]+)?|[+-]?(?i:inf|infinity)",
    _exact_double(),
    normalized=f"replace({VALUE}, ',', '.')",
    decimal_mark="comma",
)
_THOUSANDS_COMMA = "number with thousands marked by ,"
_DECIMAL_COMMA = "number with a decimal comma"
DECIMAL_POINT = ValueFormat(
    "decimal",
    DECIMAL,
    rf"{_INTEGER}(\.[0-9]+)?",
    try_cast("$type"),
    ambiguous_with=_DECIMAL_COMMA,
    decimal_mark="point",
)
_LAKH = r"(?:[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}|0|[1-9][0-9]{0,2})(?:\.[0-9]*)?"
WRITTEN_NUMBERS = (
    ValueFormat(
        _THOUSANDS_COMMA,
        DECIMAL,
        _written(_body(",", r"\.")),
        try_cast("$type"),
        normalized=_digits("."),
        ambiguous_with=_DECIMAL_COMMA,
        decimal_mark="point",
        thousands=",",
    ),
    ValueFormat(
        "number with lakh and crore marked by ,",
        DECIMAL,
        _written(_LAKH),
        try_cast("$type"),
        normalized=_digits("."),
        ambiguous_with=_DECIMAL_COMMA,
        decimal_mark="point",
        thousands=",",
    ),
    ValueFormat(
        _DECIMAL_COMMA,
        DECIMAL,
        _written(_body(".", ",")),
        try_cast("$type"),
        normalized=_digits(","),
        ambiguous_with=_THOUSANDS_COMMA,
        decimal_mark="comma",
        thousands=".",
    ),
    ValueFormat(
        "number with thousands marked by blanks",
        DECIMAL,
        _written(_body(_BLANKS + _APOSTROPHES, r"\.")),
        try_cast("$type"),
        normalized=_digits("."),
        decimal_mark="point",
        thousands=_BLANKS + _APOSTROPHES,
    ),
    ValueFormat(
        "number with thousands marked by blanks and a decimal comma",
        DECIMAL,
        _written(_body(_BLANKS + _APOSTROPHES, ",")),
        try_cast("$type"),
        normalized=_digits(","),
        decimal_mark="comma",
        thousands=_BLANKS + _APOSTROPHES,
    ),
)
NUMBERS = (INTEGER, DECIMAL_POINT, FLOAT, *WRITTEN_NUMBERS, FLOAT_COMMA)
HAS_DIGIT = re.compile("[0-9]")
