"""Delimiter, line ends and header, judged on the beginning of the file.

The engine's own sniffer takes a ragged file for one column and skips rows in front of a wide one
without a word; so we look ourselves and tell the engine everything.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass

from worker.handlers.contract import BadInput
from worker.handlers.profile.source import Text

SAMPLE_BYTES = 512 * 1024
SAMPLE_RECORDS = 1000
MOST_COLUMNS = 5000
QUOTE = '"'
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_NEWLINE_NAMES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR", "": "mixed"}
_VALUE = re.compile(
    r"[+-]?[\d.,]*\d[\d.,]*%?|\d{4}-\d\d-\d\d([ T].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|true|false",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read the file. ``newline`` is '' where line ends are mixed."""

    delimiter: str
    newline: str
    header: bool
    columns: tuple[str, ...]

    def describe(self) -> dict[str, object]:
        """JSON for the result."""
        return {
            "delimiter": DELIMITERS[self.delimiter],
            "quote": QUOTE,
            "line_ends": _NEWLINE_NAMES[self.newline],
            "header": self.header,
        }


def detect(text: Text) -> Dialect:
    """Judge the first half megabyte.

    Raises:
        BadInput: there is nothing but blank lines, or more columns than we handle.
    """
    with text.path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
        complete = not file.read(1)
    # A CR at the very end of a part may be half of a CRLF.
    newline = _newline(head if complete else head.removesuffix(b"\r"))
    sample = head.decode("utf-8", "ignore")
    sample = re.sub("\r\n?", "\n", sample)
    if not complete:  # the last line may be cut
        sample = sample[: sample.rfind("\n") + 1] or sample
    if not sample.strip():
        raise BadInput("The file has only blank lines.")
    delimiter, rows = max(
        ((delimiter, _parse(sample, delimiter)) for delimiter in DELIMITERS), key=_score
    )
    width = _width(rows)
    if width > MOST_COLUMNS:
        raise BadInput(f"The file has {width:,} columns; at most {MOST_COLUMNS:,} are handled.")
    first = rows[0]
    header = len(first) == width and _is_header(first, rows[1:])
    names = first if header else [""] * width
    return Dialect(delimiter, newline, header, tuple(_column_names(names)))


def _newline(head: bytes) -> str:
    crlf = head.count(b"\r\n")
    lf, cr = head.count(b"\n") - crlf, head.count(b"\r") - crlf
    kinds = [kind for kind, n in (("\r\n", crlf), ("\n", lf), ("\r", cr)) if n]
    if len(kinds) == 1:
        return kinds[0]
    # Inside quotes other line ends are data, as in every address field of a spreadsheet.
    unquoted = re.sub(rb'"[^"]*"', b"", head)
    crlf = unquoted.count(b"\r\n")
    lf, cr = unquoted.count(b"\n") - crlf, unquoted.count(b"\r") - crlf
    kinds = [kind for kind, n in (("\r\n", crlf), ("\n", lf), ("\r", cr)) if n]
    return kinds[0] if len(kinds) == 1 else ("" if kinds else "\n")


def _parse(sample: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(SAMPLE_BYTES + 1)
    rows: list[list[str]] = []
    for row in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter, quotechar=QUOTE):
        if row:
            rows.append(row)
        if len(rows) == SAMPLE_RECORDS:
            break
    return rows or [[""]]


def _width(rows: list[list[str]]) -> int:
    return max(Counter(map(len, rows)).items(), key=lambda item: (item[1], item[0]))[0]


def _score(candidate: tuple[str, list[list[str]]]) -> tuple[bool, float, int]:
    _, rows = candidate
    width = _width(rows)
    agreeing = sum(len(row) == width for row in rows) / len(rows)
    return width > 1, agreeing, width


def _is_header(first: list[str], below: list[list[str]]) -> bool:
    """Names are no values, and either all differ or stand over columns of values."""
    cells = [cell.strip() for cell in first]
    filled = [cell for cell in cells if cell]
    if not filled or any(_VALUE.fullmatch(cell) for cell in filled):
        return False
    if len(set(filled)) == len(filled):
        return True
    full = [row for row in below if len(row) == len(first)]
    return any(
        2 * sum(bool(_VALUE.fullmatch(row[index].strip())) for row in full) > len(full) > 0
        for index in range(len(first))
    )


def _column_names(header: list[str]) -> list[str]:
    """Names that are there, unique (the engine ignores case) and of a bearable length."""
    names: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate(header, 1):
        base = name = " ".join(cell.split())[:200] or f"column_{number}"
        copy = 2
        while name.casefold() in taken:
            name = f"{base}_{copy}"
            copy += 1
        taken.add(name.casefold())
        names.append(name)
    return names
