"""Logs of rejects and repairs: all of them in a CSV file, the first of them in memory."""

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

# Characters of the raw text that are kept in the file, and those that are shown.
MAX_RAW_CHARACTERS, MAX_RAW_SHOWN = 2000, 200
MAX_SHOWN = 100
_FIELDS = ("line", "byte", "column", "reason", "action", "raw")


@dataclass(frozen=True, slots=True)
class Issue:
    """A reject or a repair of ``raw``.

    ``line`` counts from 1, ``byte`` from 0 in the text as UTF-8; ``column`` is '' if the whole
    record is concerned.
    """

    line: int
    byte: int
    column: str
    reason: str
    action: str
    raw: str


class IssueLog:
    """A log of issues; its file is created with the first of them.

    ``count`` is the number of issues, ``first`` holds up to MAX_SHOWN of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first: list[Issue] = []
        self._file: TextIO | None = None

    def add(self, issue: Issue) -> None:
        """Log an issue."""
        self.count += 1
        if len(self.first) < MAX_SHOWN:
            self.first.append(issue)
        if self._file is None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            csv.writer(self._file).writerow(_FIELDS)
        cells = (issue.line, issue.byte, issue.column, issue.reason, issue.action)
        csv.writer(self._file).writerow([*cells, issue.raw[:MAX_RAW_CHARACTERS]])

    def close(self) -> None:
        """Flush and close the file."""
        if self._file is not None:
            self._file.close()

    def describe(self) -> list[dict[str, object]]:
        """Return the JSON of the first issues, with their raw text shortened."""
        return [{**asdict(issue), "raw": issue.raw[:MAX_RAW_SHOWN]} for issue in self.first]
