"""The account of a file: what became of each of its lines."""

from dataclasses import dataclass


class AccountingMismatch(Exception):
    """Records read, written and rejected do not add up; the result would be wrong."""


@dataclass(slots=True)
class Tally:
    """What became of the lines. ``read`` records are those written and those rejected.

    ``another`` is the line on which another table begins.
    """

    lines: int = 0
    above: int = 0
    blank: int = 0
    comments: int = 0
    repeated_headers: int = 0
    record_lines: int = 0
    written: int = 0
    rejected: int = 0
    overflowing: int = 0
    another: int | None = None

    @property
    def read(self) -> int:
        """Records that were read."""
        return self.written + self.rejected

    @property
    def complete(self) -> bool:
        """Whether every line is accounted for."""
        known = self.above + self.blank + self.comments + self.repeated_headers
        return self.lines == known + self.record_lines
