"""The shape of a value: number, date, words and so on, to judge samples and single records by."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from worker.handlers.profile.reading.csv_record import Cell

_PATTERNS = {
    "integer": r"[+-]?\d+",
    "number": r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?|[+-]?\d{1,3}([.,' ]\d{3})+([.,]\d+)?"
    r"|[$€£]\s?[+-]?[\d.,]+|[+-]?[\d.,]+\s?[$€£]",
    "date": r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})"
    r"|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9} \d{1,2}, ?\d{4}",
    "time": r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?",
    "timestamp": r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
    r"( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?",
    "boolean": r"(?i:true|false|yes|no)",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "email": r"[^@\s,;|]+@[^@\s,;|]+\.[A-Za-z]{2,}",
    "url": r"(https?|ftp)://\S+",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}
_WORDS = re.compile(r"[^\W_]+([ .'&/()-]+[^\W_]+)*[.!?)]*")
# Shapes that names and prose do not have.
DATA_SHAPES = frozenset({"integer", "number", "date", "time", "timestamp", "uuid"})
_COLUMN_SHAPES = DATA_SHAPES | {"boolean", "email", "url"}
_MAX_SHAPED_LENGTH = 200
NULL_WORDS = frozenset(
    {
        *(
            "na",
            "n/a",
            "n.a.",
            "n.a",
            "n/d",
            "n.d.",
            "nd",
            "nan",
            "nat",
            "null",
            "(null)",
            "<null>",
        ),
        *("none", "nil", "\\n", "missing", "(missing)", "<na>", "#n/a", "#n/a n/a", "#na"),
        *("-", "--", "---", "\u2013", "\u2014", "?", ".", "..", "...", ":", "*", "**"),
        *("#div/0!", "#ref!", "#value!", "#name?", "#null!", "#num!", "#error!", "#getting_data"),
        *("0000-00-00", "0000-00-00 00:00:00", "9999-99-99", "00/00/0000", "00.00.0000"),
    }
)


def value_shape(cell: Cell) -> str:
    """Return ``empty``, ``null``, one of the shapes of values, ``words`` or ``text``."""
    if cell is None or not cell.strip():
        return "empty"
    text = cell.strip()
    return "text" if len(text) > _MAX_SHAPED_LENGTH else _shape(text)


# The cells of a ragged record are scored again for each place at which one may be missing.
@lru_cache(maxsize=4096)
def _shape(text: str) -> str:
    if text.lower() in NULL_WORDS:
        return "null"
    for name, pattern in _COMPILED.items():
        if pattern.fullmatch(text):
            return name
    return "words" if _WORDS.fullmatch(text) else "text"


def matches_shape(cell: Cell, expected: str) -> bool:
    """Whether a cell has the shape; integers are numbers too."""
    found = value_shape(cell)
    return found == expected or (found == "integer" and expected == "number")


def column_shapes(rows: Sequence[Sequence[Cell]], width: int) -> list[str | None]:
    """Return for each column the shape of at least 80 % of its values, None if there is none."""
    return [_common_shape(row[index] for row in rows) for index in range(width)]


def _common_shape(cells: Iterable[Cell]) -> str | None:
    counts: dict[str, int] = {}
    for cell in cells:
        name = value_shape(cell)
        if name not in ("empty", "null"):
            counts[name] = counts.get(name, 0) + 1
    if "number" in counts:
        counts["number"] += counts.pop("integer", 0)
    best = max(counts, key=lambda name: counts[name], default=None)
    if best not in _COLUMN_SHAPES or counts[best] < 0.8 * sum(counts.values()):
        return None
    return best


def looks_like_header(cells: Sequence[Cell], shapes: Sequence[str | None]) -> bool:
    """Whether a row has only words although a column has data."""
    if not any(shape in DATA_SHAPES for shape in shapes):
        return False
    return all(value_shape(cell) == "words" for cell in cells)


def has_words_among_data(cells: Sequence[Cell], shapes: Sequence[str | None]) -> bool:
    """Whether a cell is words or prose in a column of data."""
    return any(
        expected in DATA_SHAPES and value_shape(cell) in ("words", "text")
        for cell, expected in zip(cells, shapes, strict=True)
    )


def fit_score(cells: Iterable[Cell], shapes: Sequence[str | None]) -> int:
    """Score how well cells fit the columns; compared between ways to place the same cells."""
    return sum(_cell_score(cell, shape) for cell, shape in zip(cells, shapes, strict=False))


def _cell_score(cell: Cell, expected: str | None) -> int:
    found = value_shape(cell)
    if expected is None:
        # Data in a column of texts hints that cells have moved.
        return -1 if found in DATA_SHAPES else 0
    if found == expected:
        return 2
    if found == "integer" and expected == "number":
        return 1
    return 0 if found in ("empty", "null") else -2


def has_values(shapes: Sequence[str | None]) -> bool:
    """Whether any column has values of one shape."""
    return any(shape in DATA_SHAPES for shape in shapes)
