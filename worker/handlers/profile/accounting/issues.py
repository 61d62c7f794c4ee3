"""The record of what was wrong: each reject and each repair, in a file and the first in memory."""

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

RAW_KEPT = 2000
SHOWN = 100
_FIELDS = ("line", "byte", "column", "reason", "action", "raw")


@dataclass(frozen=True, slots=True)
class Issue:
    """``line`` counts from 1, ``byte`` from 0 in the text; ``column`` is '' for a whole record."""

    line: int
    byte: int
    column: str
    reason: str
    action: str
    raw: str


class IssueLog:
    """One kind of them, written as CSV when the first is noted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first: list[Issue] = []
        self._file: TextIO | None = None

    def add(self, problem: Issue) -> None:
        """Note one."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(problem)
        if self._file is None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            csv.writer(self._file).writerow(_FIELDS)
        cells = (problem.line, problem.byte, problem.column, problem.reason, problem.action)
        csv.writer(self._file).writerow([*cells, problem.raw[:RAW_KEPT]])

    def close(self) -> None:
        """Flush and close the file."""
        if self._file is not None:
            self._file.close()

    def describe(self) -> list[dict[str, object]]:
        """JSON of the first of them."""
        return [{**asdict(problem), "raw": problem.raw[:200]} for problem in self.first]
