"""The last lines of a file: totals and empty rows there are no records."""

from pathlib import Path

from worker.handlers.profile.reading.csv_record import CsvFormat, parse
from worker.handlers.profile.repair.lookahead import names_total

_END_BYTES = 16 * 1024
_LAST_LINES = 3


def has_footer(path: Path, csv_format: CsvFormat) -> bool:
    """Whether the last lines of a plain file are totals or rows without any value."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        end = file.read().decode("utf-8", "replace")
    for line in end.rstrip("\r\n").splitlines()[-_LAST_LINES:]:
        cells = parse(line, csv_format).cells
        label = next((cell for cell in cells if cell and cell.strip()), None)
        if label is None or names_total(label):
            return True
    return False
