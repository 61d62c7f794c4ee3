"""Removes from a text what is no part of its lines: NULs and misplaced byte-order marks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

_RECORD_SEPARATOR, _UNIT_SEPARATOR = "\x1e", "\x1f"
_BOM = "\ufeff"
_BOM_AT_LINE_START = re.compile(r"(?:(?<=[\r\n\x1e])|\A)\ufeff+")
_BEFORE_LINE_END = re.compile("\x1e(?=[\r\n])")
_MOST = 0.9


class Separators(Enum):
    """What record separators (0x1E) do in a file."""

    DATA = auto()
    INSTEAD_OF_LINE_ENDS = auto()
    BESIDE_LINE_ENDS = auto()


@dataclass(slots=True)
class Removed:
    """What was removed, and the lines of the first, from 1."""

    nuls: int = 0
    nul_line: int = 0
    boms: int = 0
    bom_line: int = 0


def judge_separators(head: str) -> Separators:
    """Tell from the start of a text whether record separators end its records."""
    count = head.count(_RECORD_SEPARATOR)
    if not count:
        return Separators.DATA
    if len(_BEFORE_LINE_END.findall(head)) >= _MOST * count:
        return Separators.BESIDE_LINE_ENDS
    if "\n" not in head and "\r" not in head:
        return Separators.INSTEAD_OF_LINE_ENDS
    # Cells may have line ends, where unit separators delimit them: all records have as many.
    widths = [record.count(_UNIT_SEPARATOR) for record in head.split(_RECORD_SEPARATOR)[:-1]]
    even = widths.count(widths[0]) >= _MOST * len(widths)
    return Separators.INSTEAD_OF_LINE_ENDS if widths[0] and even else Separators.DATA


class TextCleaner:
    """Cleans a text piece by piece; ``removed`` tells what was removed so far."""

    def __init__(self, separators: Separators, lines_written: Callable[[], int]) -> None:
        """``lines_written`` counts the lines of the clean text so far; it is called rarely."""
        self.removed = Removed()
        self._separators = separators
        self._lines_written = lines_written
        self._last = "\n"
        self._pending = ""

    def clean(self, text: str, *, is_last: bool) -> str:
        """Return the next piece of the clean text."""
        if "\0" in text:
            if not self.removed.nuls:
                self.removed.nul_line = self.line_at(text, text.index("\0"))
            self.removed.nuls += text.count("\0")
            text = text.replace("\0", "")
        if _BOM in text:
            text = self._remove_boms(text)
        self._last = text[-1:] or self._last
        match self._separators:
            case Separators.DATA:
                return text
            case Separators.BESIDE_LINE_ENDS:
                return text.replace(_RECORD_SEPARATOR, "")
            case Separators.INSTEAD_OF_LINE_ENDS:
                return self._end_lines(text, is_last=is_last)

    def line_at(self, text: str, position: int) -> int:
        """Return the line, from 1, at a position of the piece of text that comes next."""
        separator = _RECORD_SEPARATOR
        if self._separators is not Separators.INSTEAD_OF_LINE_ENDS:
            separator = "\n" if "\n" in text else "\r"
        return 1 + self._lines_written() + text.count(separator, 0, position)

    def _remove_boms(self, text: str) -> str:
        found = list(_BOM_AT_LINE_START.finditer(text))
        if found and found[0].start() == 0 and self._last not in "\r\n\x1e":
            found = found[1:]
        if found and not self.removed.boms:
            self.removed.bom_line = self.line_at(text, found[0].start())
        pieces = []
        end = 0
        for match in found:
            self.removed.boms += len(match[0])
            pieces.append(text[end : match.start()])
            end = match.end()
        return "".join([*pieces, text[end:]])

    def _end_lines(self, text: str, *, is_last: bool) -> str:
        """Write each record as a line."""
        *records, self._pending = (self._pending + text).split(_RECORD_SEPARATOR)
        if is_last and self._pending.strip("\r\n"):
            records.append(self._pending)
        return "".join(_as_line(record.lstrip("\r\n")) + "\n" for record in records)


def _as_line(record: str) -> str:
    """Quote the cells between unit separators in which there are line ends or quotes."""
    if _UNIT_SEPARATOR not in record or not any(sign in record for sign in '\r\n"'):
        return record
    cells = [
        '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in '\r\n"') else cell
        for cell in record.split(_UNIT_SEPARATOR)
    ]
    return _UNIT_SEPARATOR.join(cells)
