"""What the texts of a column look like, and how many of them are unusual."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from worker.handlers.profile.describing.distribution import ValueCount
from worker.handlers.profile.engine.connection import literal

_PATTERNS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "URL": re.compile(r"(https?|ftp)://\S+"),
    "code": re.compile(r"[A-Za-z]{0,4}[-_/ ]?[0-9][A-Za-z0-9_/-]{2,23}"),
    "phone number": re.compile(r"\+?[0-9][0-9 ()/-]{5,19}"),
}
FORMULA_SIGNS = "=+-@\t\r"
# UTF-8 that was decoded as something else, and what could not be decoded at all.
_GARBLED = ("Ã", "â€", "\N{REPLACEMENT CHARACTER}")
_SAMPLE_ROWS = 2_000
_SAMPLE_CHARACTERS = 500  # of a text
# The share of texts that must match a pattern for the column to look like it.
_MIN_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class TextStats:
    """How many texts are empty, begin or end with blanks, look like a formula, or garbled.

    ``looks_like`` is what nearly all of them look like: email, URL, code or phone number.
    """

    empty: int
    padded: int
    formulas: int
    garbled: int
    looks_like: str | None = None


def from_counts(counts: Sequence[ValueCount]) -> TextStats:
    """Judge every distinct text of a column."""
    matches = {name: _total(counts, pattern.fullmatch) for name, pattern in _PATTERNS.items()}
    total = sum([each.times for each in counts])
    return TextStats(
        empty=total - _total(counts, bool),
        padded=_total(counts, _is_padded),
        formulas=_total(counts, _looks_like_formula),
        garbled=_total(counts, _is_garbled),
        looks_like=_looks_like(matches, total),
    )


def _total(counts: Sequence[ValueCount], test: Callable[[str], object]) -> int:
    """How many texts pass a test."""
    return sum([each.times for each in counts if test(each.text)])


def from_table(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, *, ascii_only: bool
) -> TextStats:
    """Have the engine count in all texts of the quoted column ``name``; patterns see a sample.

    ``ascii_only``: no text of the file has characters beyond ASCII.
    """
    signs = ", ".join(f"chr({ord(sign)})" for sign in FORMULA_SIGNS)
    garbled = " OR ".join(f"contains(v, {literal(sign)})" for sign in _GARBLED)
    row = connection.execute(
        f"""
        SELECT count_if(v = ''),
               count_if(starts_with(v, ' ') OR ends_with(v, ' ')),
               count_if(CASE WHEN v[1] IN ({signs})
                             THEN TRY_CAST(v AS DOUBLE) IS NULL AND length(v) > 1 END),
               {"0" if ascii_only else f"count_if({garbled})"}
        FROM (SELECT {name} AS v FROM {table})
        """
    ).fetchone()
    assert row is not None
    empty, padded, formulas, garbled_texts = row
    sample = connection.execute(
        f"SELECT left({name}, {_SAMPLE_CHARACTERS}) FROM {table} WHERE {name} IS NOT NULL "
        f"LIMIT {_SAMPLE_ROWS}"
    ).fetchall()
    matches = {
        name: sum(pattern.fullmatch(text) is not None for (text,) in sample)
        for name, pattern in _PATTERNS.items()
    }
    return TextStats(empty, padded, formulas, garbled_texts, _looks_like(matches, len(sample)))


def _looks_like(matches: Mapping[str, int], total: int) -> str | None:
    return next((name for name, n in matches.items() if n >= _MIN_SHARE * total > 0), None)


def _is_padded(text: str) -> bool:
    return text.startswith(" ") or text.endswith(" ")


def _looks_like_formula(text: str) -> bool:
    return len(text) > 1 and text[0] in FORMULA_SIGNS and not _is_number(text)


def _is_garbled(text: str) -> bool:
    return not text.isascii() and any(sign in text for sign in _GARBLED)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
