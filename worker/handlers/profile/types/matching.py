"""Which value formats the texts of a column match, in Python, and which of them is meant."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from worker.handlers.profile.options import Options
from worker.handlers.profile.types.number_formats import HAS_DIGIT, NUMBERS
from worker.handlers.profile.types.value_format import ValueFormat
from worker.handlers.profile.types.value_formats import VALUE_FORMATS

# A format that up to this share of a column's values do not match is still worth a warning.
MISFIT_TOLERANCE = 0.05
# As long as most values match, a person would ask why the column is text.
EXPLAINED_SHARE = 0.4
_PROBED_TEXTS = 200
_WRAPPED = re.compile(r'="[^"]*"')


def matching_formats(
    texts: Sequence[str],
    options: Options,
    *,
    tolerance: float = MISFIT_TOLERANCE,
    formats: Iterable[ValueFormat] = VALUE_FORMATS,
) -> list[ValueFormat]:
    """Of ``formats``, those that the options allow and the texts match.

    A share of ``tolerance`` (0–1) of the texts need not match. No text matches no format.
    """
    if not texts:
        return []
    counts = Counter(texts)
    limit = tolerance * len(texts)
    return [
        each
        for each in formats
        if each.allowed_by(options)
        and _count_misfits(each.compiled, counts, limit) <= limit
        and _has_digits(each, counts)
    ]


def plausible_formats(
    texts: Sequence[str], options: Options, formats: Iterable[ValueFormat]
) -> list[ValueFormat]:
    """Of ``formats``, those that most of some texts match, which are spread over all of them."""
    step = max(1, len(texts) // _PROBED_TEXTS)
    return matching_formats(texts[::step], options, tolerance=EXPLAINED_SHARE, formats=formats)


def _has_digits(value_format: ValueFormat, texts: Iterable[str]) -> bool:
    """Words such as “inf” are numbers only among numbers."""
    return value_format.type != "DOUBLE" or any(map(HAS_DIGIT.search, texts))


def _count_misfits(pattern: re.Pattern[str], counts: Counter[str], limit: float) -> int:
    """How many texts do not match; counting ends above ``limit``."""
    misfits = 0
    for text, times in counts.items():
        if pattern.fullmatch(text) is None:
            misfits += times
            if misfits > limit:
                break
    return misfits


def find_ambiguity(value_format: ValueFormat, formats: Iterable[ValueFormat]) -> ValueFormat | None:
    """Return the one of ``formats`` that reads the same texts as ``value_format`` otherwise."""
    return next((each for each in formats if each.name == value_format.ambiguous_with), None)


def are_wrapped(texts: Sequence[str]) -> bool:
    """Whether texts are formulas such as ="00123", which keep a spreadsheet from reading them."""
    return any(text.startswith('="') and _WRAPPED.fullmatch(text) for text in texts)


def have_two_decimal_marks(texts: Sequence[str]) -> tuple[str, str] | None:
    """Return a number with a decimal point and one with a comma, if all texts are numbers."""
    point = comma = None
    for text in dict.fromkeys(texts):
        marks = {each.decimal_mark for each in NUMBERS if each.compiled.fullmatch(text)}
        if not marks:
            return None
        if None in marks or len(marks) > 1:
            continue
        point = point or (text if "point" in marks else None)
        comma = comma or (text if "comma" in marks else None)
    return (point, comma) if point is not None and comma is not None else None
