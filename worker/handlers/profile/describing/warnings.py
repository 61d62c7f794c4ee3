"""What a person should know about a column, in sentences."""

import re

from worker.handlers.profile.describing.column_profile import ColumnProfile
from worker.handlers.profile.describing.text_stats import TextStats
from worker.handlers.profile.types.value_format import TEXT

# Values that mean “missing” in many files, where they are the smallest or the largest.
_SENTINELS = frozenset(
    {"9999", "99999", "999999", "-999", "-9999", "-99", "-1", "1900-01-01", "1970-01-01",
     "9999-12-31", "1899-12-30", "1900-01-01 00:00:00", "1970-01-01 00:00:00"}
)  # fmt: skip
_TRAILING_ZEROS = re.compile(r"\.0+$")
# An outlier lies this many interquartile ranges beyond the quartiles.
_OUTLIER_RANGES = 5
_ALMOST_UNIQUE = 0.01
_MIN_ALMOST_UNIQUE = 100


def column_warnings(profile: ColumnProfile, texts: TextStats | None) -> list[str]:
    """Return the warnings that follow from a column's statistics; ``texts`` are those of texts."""
    return [
        *(_on_texts(texts) if texts is not None else ()),
        *_on_repetition(profile),
        *_on_sentinels(profile),
        *_on_outliers(profile),
    ]


def null_words_warning(profile: ColumnProfile) -> list[str]:
    """Return a warning if words were read as missing values."""
    if not profile.null_words:
        return []
    listed = ", ".join(f"{times:,} × “{word}”" for word, times in profile.null_words.items())
    return [f"Read as no value: {listed}."]


def _on_texts(texts: TextStats) -> list[str]:
    sentences = [
        (texts.padded, "1 value begins or ends with a space.",
         "{:,} values begin or end with a space."),
        (texts.formulas, "1 value looks like a formula, which a spreadsheet may run.",
         "{:,} values look like formulas, which a spreadsheet may run."),
        (texts.garbled, "1 value looks garbled, as if decoded with the wrong encoding.",
         "{:,} values look garbled, as if decoded with the wrong encoding."),
    ]  # fmt: skip
    return [(one if n == 1 else many).format(n) for n, one, many in sentences if n]


def _on_repetition(profile: ColumnProfile) -> list[str]:
    count, distinct = profile.count, profile.distinct
    if distinct == 1 and count > 1:
        return ["Every value is the same."]
    repeated = count - distinct
    few = 0 < repeated <= _ALMOST_UNIQUE * count
    if profile.distinct_exact and few and distinct > _MIN_ALMOST_UNIQUE:
        are = "is" if repeated == 1 else "are"
        return [f"Almost unique: {repeated:,} of {count:,} values {are} repeated."]
    return []


def _on_sentinels(profile: ColumnProfile) -> list[str]:
    if profile.type == TEXT:
        return []
    extremes = {profile.min, profile.max}
    return [
        f"{value} occurs {_times(times)} and may stand for a missing value."
        for value, times in profile.top
        if value in extremes and _TRAILING_ZEROS.sub("", value) in _SENTINELS
    ]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _on_outliers(profile: ColumnProfile) -> list[str]:
    quantiles, histogram = profile.quantiles, profile.histogram
    if quantiles is None or histogram is None:
        return []
    _, lower, _, upper, _ = quantiles.values
    if lower is None or upper is None or upper <= lower:
        return []
    reach = _OUTLIER_RANGES * (upper - lower)
    found = []
    if histogram.low < lower - reach:
        found.append(f"Possible outlier: smallest value is {profile.min}.")
    if histogram.high > upper + reach:
        found.append(f"Possible outlier: largest value is {profile.max}.")
    return found
