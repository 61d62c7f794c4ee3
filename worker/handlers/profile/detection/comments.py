"""Comment lines: a block above the table, or remarks between its records.

A sign at the start of a line is not enough: order numbers, colours, hashtags and `#N/A` start with
one as well. A remark has a space after the sign and does not look like a record.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.reading.csv_record import CsvFormat, split_raw

SIGNS = ("#", "%", "//")
_RULE = re.compile(r"[\s|+:]*[-=]{3,}[-=\s|+:]*")


def detect_sign(lines: Sequence[str]) -> str | None:
    """Return what the comments of a sample start with; None if it has none.

    ``lines`` are those of the sample that are not blank.
    """
    for sign in SIGNS:
        marked = [line for line in lines if line.startswith(sign)]
        if not marked or len(marked) == len(lines):
            continue
        if lines[0].startswith(sign) or any(map(_is_remark, marked, [sign] * len(marked))):
            return sign
    return None


@dataclass(frozen=True, slots=True)
class Comments:
    """The lines of a file that are no records: comments that start with ``sign``, and rules.

    ``always``: whatever starts with the sign is one. ``rules``: lines of dashes, as between the
    header and the body of a printed table, are left out too.
    """

    sign: str | None = None
    always: bool = False
    rules: bool = False

    def covers(self, line: str, csv_format: CsvFormat, width: int) -> bool:
        """Whether a line between the records of a table of ``width`` columns is one of them."""
        if self.rules and is_rule(line):
            return True
        if self.sign is None:
            return False
        if self.always:
            return line.startswith(self.sign)
        return is_comment(line, self.sign, csv_format, width)


def is_rule(line: str) -> bool:
    """Whether a line is drawn: dashes or equals signs, with the crossings of a frame."""
    return bool(_RULE.fullmatch(line))


def leading_block(lines: Sequence[str], sign: str) -> int:
    """Return how many of the first lines start with the sign."""
    for index, line in enumerate(lines):
        if line.strip() and not line.startswith(sign):
            return index
    return len(lines)


def header_in_block(block: Sequence[str], below: Sequence[str], csv_format: CsvFormat) -> bool:
    """Whether the last line of a leading block is the header, as in `#CHROM POS ID`."""
    if not block or not below:
        return False
    widths = Counter(len(split_raw(line, csv_format)) for line in below)
    width = widths.most_common(1)[0][0]
    is_wide = [len(split_raw(line, csv_format)) == width for line in block]
    return width > 1 and is_wide[-1] and not any(is_wide[:-1])


def is_comment(line: str, sign: str, csv_format: CsvFormat, width: int) -> bool:
    """Whether a line between the records of a table of ``width`` columns is a remark."""
    if not line.startswith(sign) or width == 1:
        return False
    cells = split_raw(line, csv_format)
    if len(cells) < width:
        return _is_remark(line, sign)
    # Prose with as many delimiters as a record has: each is followed by a space.
    prose = len(cells) == width and all(cell and cell.startswith(" ") for cell in cells[1:])
    return _is_remark(line, sign) and prose and not csv_format.padded


def _is_remark(line: str, sign: str) -> bool:
    rest = line[len(sign) :]
    return not rest or rest[0].isspace() or rest.startswith(sign)
