"""The account of a file: every line belongs to one of its counts."""

from dataclasses import dataclass


class AccountingMismatch(Exception):
    """Records read, written and rejected do not add up; the result would be wrong."""


@dataclass(slots=True)
class Tally:
    """Counts of lines and, from ``written`` on, of records.

    ``above_records`` are the lines above the first record that are not rejected, the header among
    them; ``record_lines`` those of records written or rejected; ``overflowing`` the records with
    cells beyond the last column. ``empty_rows`` are the rows at the end that have no value.
    ``second_table_line`` is the line on which a second table starts.
    """

    lines: int = 0
    above_records: int = 0
    blank: int = 0
    comments: int = 0
    repeated_headers: int = 0
    record_lines: int = 0
    written: int = 0
    rejected: int = 0
    overflowing: int = 0
    empty_rows: int = 0
    second_table_line: int | None = None

    @property
    def read(self) -> int:
        """The records read: those written and those rejected."""
        return self.written + self.rejected

    @property
    def complete(self) -> bool:
        """Whether every line is accounted for."""
        outside_records = self.above_records + self.blank + self.comments
        outside_records += self.repeated_headers + self.empty_rows
        return self.lines == outside_records + self.record_lines
