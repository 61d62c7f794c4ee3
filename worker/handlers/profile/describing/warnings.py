"""What a person should know of a column, in words."""

import re
from typing import Any

from worker.handlers.profile.types.value_formats import TEXT

# Values that stand for none in many files, where they are the least or the greatest.
_SENTINELS = frozenset(
    {"9999", "99999", "999999", "-999", "-9999", "-99", "-1", "1900-01-01", "1970-01-01",
     "9999-12-31", "1899-12-30", "1900-01-01 00:00:00", "1970-01-01 00:00:00"}
)  # fmt: skip
_ZEROS = re.compile(r"\.0+$")
# So many times the distance between the quartiles is far.
_FAR = 5


def remarks(described: dict[str, Any]) -> list[str]:
    """Warnings from what was found out of a column."""
    return [*_on_repetition(described), *_on_sentinels(described), *_on_outliers(described)]


def _on_repetition(described: dict[str, Any]) -> list[str]:
    count, distinct = described["count"], described["distinct"]
    if distinct == 1 and count > 1:
        return ["Every value is the same."]
    if described["distinct_exact"] and 0 < count - distinct <= 0.01 * count and distinct > 100:
        return [f"Nearly unique: {count - distinct:,} of {count:,} values come again."]
    return []


def _on_sentinels(described: dict[str, Any]) -> list[str]:
    if described["type"] == TEXT:
        return []
    ends = {described["min"], described["max"]}
    return [
        f"{value} stands {times:,} times and may mean that there is no value."
        for value, times in described["top"]
        if value in ends and _ZEROS.sub("", value) in _SENTINELS
    ]


def _on_outliers(described: dict[str, Any]) -> list[str]:
    quantiles, histogram = described["quantiles"], described["histogram"]
    if not quantiles or not histogram or None in quantiles["values"]:
        return []
    _, lower, _, upper, _ = quantiles["values"]
    reach = _FAR * (upper - lower)
    if reach <= 0:
        return []
    found = []
    if histogram["low"] < lower - reach:
        found.append(("smallest", described["min"]))
    if histogram["high"] > upper + reach:
        found.append(("largest", described["max"]))
    return [f"The {which} value, {value}, lies far from all but a few." for which, value in found]
