"""What the lines to come say of the one at hand."""

from worker.handlers.profile.cells import Marks, parse
from worker.handlers.profile.lines import Lines

_RECORDS = 8
_FOOTER_LINES = 20
_BLANK_LINES = 1000


def only_blank(lines: Lines) -> bool:
    """Whether only blank lines come: in a table of one column others are empty cells."""
    for number in range(_BLANK_LINES):
        line = lines.peek(number)
        if line is None:
            return True
        if line.strip():
            return False
    return False


def is_another_table(lines: Lines, marks: Marks, cells: int, width: int, after_blank: bool) -> bool:
    """Whether the lines from here on agree with each other and not with the table.

    ``cells`` are those of the line at hand, ``width`` those of the table's records.
    """
    widths = _widths(lines, marks)
    if cells == 1 and after_blank and len(widths) > 1:  # the title of the other table
        cells = widths[0]
    if cells < 2 or cells == width or not widths:
        return False
    alike = sum(each == cells for each in widths)
    return alike >= min(2, len(widths)) and alike >= 0.8 * len(widths)


def is_footer(lines: Lines, marks: Marks) -> bool:
    """Whether no record comes any more."""
    for number in range(_FOOTER_LINES):
        raw = lines.peek(number)
        if raw is None:
            return True
        line = raw.decode("utf-8", "replace")
        if line.strip() and len(parse(line, marks).cells) > 1:
            return False
    return False


def _widths(lines: Lines, marks: Marks) -> list[int]:
    """Cells of the lines to come, blank ones left out."""
    found: list[int] = []
    for number in range(3 * _RECORDS):
        raw = lines.peek(number)
        if raw is None or len(found) == _RECORDS:
            break
        if raw.strip():
            found.append(len(parse(raw.decode("utf-8", "replace"), marks).cells))
    return found
