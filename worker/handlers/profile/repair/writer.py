"""Writes normalized records, and logs each repair and reject with the line it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.accounting.issues import Issue, IssueLog
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.detection.other_dialect import RepairedRecord
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat, format_record


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number, from 1, and its offset in bytes, from 0."""

    number: int
    offset: int
    text: str


class RecordWriter:
    """Counts in ``tally`` what it writes and rejects.

    ``pending`` are records that still have to be written to the file; ``longest_record`` is the
    size of the longest one in bytes, at least.
    """

    def __init__(self, delimiter: str, tally: Tally, rejects: IssueLog, repairs: IssueLog) -> None:
        self.pending: list[bytes] = []
        self.longest_record = 0
        self._format = CsvFormat(delimiter)
        self._tally = tally
        self._rejects = rejects
        self._repairs = repairs

    def write(self, cells: Sequence[Cell], line_number: int, overflow: str | None = None) -> None:
        """Write a record, followed by its overflow and the number of its first line."""
        record = format_record([*cells, overflow, str(line_number)], self._format)
        encoded = f"{record}\n".encode("utf-8", "replace")
        self.longest_record = max(self.longest_record, len(encoded))
        self.pending.append(encoded)
        self._tally.written += 1
        self._tally.overflowing += overflow is not None

    def write_repaired(self, line: Line, raw: str, repaired: RepairedRecord) -> None:
        """Write a repaired record, and log the repair of ``raw``, which starts at ``line``."""
        self._repairs.add(
            Issue(line.number, line.offset, "", repaired.reason, repaired.action, raw)
        )
        self.write(repaired.cells, line.number, repaired.overflow)

    def reject(self, line: Line, raw: str, reason: str) -> None:
        """Log ``raw``, which starts at ``line``, as rejected."""
        self._tally.rejected += 1
        self._rejects.add(Issue(line.number, line.offset, "", reason, "rejected", raw))
