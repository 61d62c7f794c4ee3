"""Which value formats the texts of a column match, in Python, and which of them is meant."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from worker.handlers.profile.options import Options
from worker.handlers.profile.types.value_formats import VALUE_FORMATS, ValueFormat

# A format that up to this share of a column's values do not match is still worth a warning.
MISFIT_TOLERANCE = 0.05


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
        if each.allowed_by(options) and _count_misfits(each.compiled, counts, limit) <= limit
    ]


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
