"""What is to be said of a column of texts: what they look like, what is odd about them."""

import re
from collections.abc import Sequence
from typing import Any

import duckdb

from worker.handlers.profile.describing.distribution import Counts
from worker.handlers.profile.engine.connection import literal

_LOOKS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "URL": re.compile(r"(https?|ftp)://\S+"),
    "code": re.compile(r"[A-Za-z]{0,4}[-_/ ]?[0-9][A-Za-z0-9_/-]{2,23}"),
    "phone number": re.compile(r"\+?[0-9][0-9 ()/-]{5,19}"),
}
_FORMULA_SIGNS = frozenset("=+-@\t\r")
# UTF-8 that was read as something else, and what could not be read at all.
_GARBLED = ("Ã", "â€", "\N{REPLACEMENT CHARACTER}")
_SAMPLE = 2_000
_LOOKED_AT = 500  # characters of a text
_MOST = 0.95


def of_counts(described: dict[str, Any], counts: Counts) -> None:
    """Add what there is to say of a column of which every distinct text is known."""
    empty = blanks = formulas = garbled = 0
    for text, _, times in counts:
        if not text:
            empty += times
            continue
        if text[0] == " " or text[-1] == " ":
            blanks += times
        if text[0] in _FORMULA_SIGNS and len(text) > 1 and not _is_number(text):
            formulas += times
        if not text.isascii() and any(sign in text for sign in _GARBLED):
            garbled += times
    total = sum(times for _, _, times in counts)
    likes = [
        sum(times for text, _, times in counts if pattern.fullmatch(text))
        for pattern in _LOOKS.values()
    ]
    _tell(described, (empty, blanks, formulas, garbled), total, likes)


def of_all(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    described: dict[str, Any],
    *,
    ascii_only: bool,
) -> None:
    """Add it after a look at every value of the column ``name``."""
    signs = ", ".join(f"chr({ord(sign)})" for sign in sorted(_FORMULA_SIGNS))
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
    sample = connection.execute(
        f"SELECT left({name}, {_LOOKED_AT}) FROM {table} WHERE {name} IS NOT NULL LIMIT {_SAMPLE}"
    ).fetchall()
    likes = [
        sum(pattern.fullmatch(text) is not None for (text,) in sample)
        for pattern in _LOOKS.values()
    ]
    _tell(described, row, len(sample), likes)


def _tell(
    described: dict[str, Any], found: Sequence[int], total: int, likes: Sequence[int]
) -> None:
    empty, blanks, formulas, garbled = found
    described["empty_texts"] = empty
    for number, words in (
        (blanks, "begin or end with blanks"),
        (formulas, "begin like a formula; a spreadsheet may run them"),
        (garbled, "look garbled, as if decoded with the wrong encoding"),
    ):
        if number:
            described["warnings"].append(f"{number:,} value{'s' * (number != 1)} {words}.")
    for words, count in zip(_LOOKS, likes, strict=True):
        if count >= _MOST * total > 0:
            described["looks_like"] = words
            return


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
