"""What kind of value a text looks like, in Python, for judging samples and single records."""

import re
from collections.abc import Iterable, Sequence

from worker.handlers.profile.reading.csv_record import Cell

_SHAPES = {
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
_COMPILED = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}
_WORDS = re.compile(r"[^\W_]+([ .'&/()-]+[^\W_]+)*[.!?)]*")
VALUES = frozenset({"integer", "number", "date", "time", "timestamp", "uuid"})
NULL_WORDS = frozenset(
    {"na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", "#n/a", "\\n", "missing"}
)


def shape(cell: Cell) -> str:
    """``empty``, ``null``, one of the value shapes, ``words`` or ``text``."""
    if cell is None or not cell.strip():
        return "empty"
    text = cell.strip()
    if len(text) > 200:
        return "text"
    if text.lower() in NULL_WORDS:
        return "null"
    for name, pattern in _COMPILED.items():
        if pattern.fullmatch(text):
            return name
    return "words" if _WORDS.fullmatch(text) else "text"


def column_shapes(rows: Sequence[Sequence[Cell]], width: int) -> list[str | None]:
    """The value shape that nearly all filled cells of a column have, None where there is none."""
    found: list[str | None] = []
    for index in range(width):
        counts: dict[str, int] = {}
        for row in rows:
            name = shape(row[index])
            if name not in ("empty", "null"):
                counts[name] = counts.get(name, 0) + 1
        if "number" in counts:
            counts["number"] += counts.pop("integer", 0)
        best = max(counts, key=lambda name: counts[name], default=None)
        typed = best in VALUES or best in ("boolean", "email", "url")
        enough = best is not None and counts[best] >= 0.8 * sum(counts.values())
        found.append(best if typed and enough else None)
    return found


def like_names(cells: Sequence[Cell], shapes: Sequence[str | None]) -> bool:
    """Whether a record is of words alone, where a column has values."""
    return any(kind in VALUES for kind in shapes) and all(shape(cell) == "words" for cell in cells)


def misplaced_words(cells: Sequence[Cell], shapes: Sequence[str | None]) -> bool:
    """Whether words or texts stand in a column of values."""
    return any(
        kind in VALUES and shape(cell) in ("words", "text")
        for cell, kind in zip(cells, shapes, strict=True)
    )


def fitting(cells: Iterable[Cell], shapes: Sequence[str | None]) -> int:
    """How many typed columns the cells fit, less those they do not."""
    score = 0
    for cell, expected in zip(cells, shapes, strict=False):
        if expected is None:
            # In a column of texts a value of another kind is a hint that cells have moved.
            score -= shape(cell) in VALUES
        else:
            found = shape(cell)
            if found == expected:
                score += 2
            elif found == "integer" and expected == "number":
                score += 1
            elif found not in ("empty", "null"):
                score -= 2
    return score
