"""What is to be said of a column of texts: what they look like, what is odd about them."""

from typing import Any

import duckdb

from worker.handlers.profile.casting import CLEAN
from worker.handlers.profile.engine import literal

_LOOKS = {
    "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    "URL": r"(https?|ftp)://\S+",
    "code": r"[A-Za-z]{0,4}[-_/ ]?[0-9][A-Za-z0-9-_/]{2,23}",
    "phone number": r"\+?[0-9][0-9 ()/-]{5,19}",
}
_SAMPLE = 10_000
_MOST = 0.95


def look(
    connection: duckdb.DuckDBPyConnection, name: str, basics: dict[str, Any], *, grouped: bool
) -> None:
    """Add what there is to say to ``basics``; ``grouped``: the column has few distinct values."""
    counted = f"SELECT {name} AS v, count(*) AS n FROM {literal(CLEAN)} GROUP BY v"
    one_by_one = f"SELECT {name} AS v, 1 AS n FROM {literal(CLEAN)}"
    row = connection.execute(
        f"""
        SELECT sum(n) FILTER (v = ''),
               sum(n) FILTER (v <> trim(v)),
               sum(n) FILTER (v[1] IN ('=', '+', '-', '@', chr(9), chr(13))
                              AND TRY_CAST(v AS DOUBLE) IS NULL AND length(v) > 1),
               sum(n) FILTER (contains(v, 'Ã') OR contains(v, 'â€') OR contains(v, '\ufffd'))
        FROM ({counted if grouped else one_by_one})
        """
    ).fetchone()
    assert row is not None
    empty, blanks, formulas, garbled = (int(each or 0) for each in row)
    basics["empty_texts"] = empty
    for number, words in (
        (blanks, "begin or end with blanks"),
        (formulas, "begin like a formula; a spreadsheet may run them"),
        (garbled, "look garbled, as if decoded with the wrong encoding"),
    ):
        if number:
            basics["warnings"].append(f"{number:,} value{'s' * (number != 1)} {words}.")
    sample = f"(SELECT {name} AS v FROM {literal(CLEAN)} WHERE {name} IS NOT NULL LIMIT {_SAMPLE})"
    tests = ", ".join(
        f"count_if(regexp_full_match(v, {literal(pattern)}))" for pattern in _LOOKS.values()
    )
    shares = connection.execute(f"SELECT count(*), {tests} FROM {sample}").fetchone()
    assert shares is not None
    total, *counts = shares
    for words, count in zip(_LOOKS, counts, strict=True):
        if count >= _MOST * total > 0:
            basics["looks_like"] = words
            return
