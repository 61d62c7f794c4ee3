"""The fast path: recognises lines that need no parsing because they are complete records."""

from collections.abc import Callable

from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.reading.csv_record import format_record
from worker.handlers.profile.repair.lookahead import TOTAL_LINE


def complete_line_test(dialect: Dialect, layout: Layout) -> Callable[[bytes], bool]:
    """Return a test for lines that are records as they are: the right width, and no quotes.

    It may be False for such a line, never True for another one.
    """
    csv_format = dialect.csv_format
    delimiters = layout.width - 1
    plain = len(csv_format.delimiter) == 1 and not csv_format.framed and not csv_format.wrapped
    if not plain or csv_format.padded or csv_format.escape or not delimiters:
        return lambda _: False
    delimiter, quote = csv_format.delimiter.encode(), csv_format.quote.encode()
    cell_in_apostrophes = delimiter + b"'"
    # Looked at more closely: the header once more, and rows without any value.
    special = {format_record(cells, csv_format).encode() for cells in layout.header_rows}
    special.add(delimiter * delimiters)
    # A line that starts as the header does may be the header once more, spaced otherwise.
    names = [first.strip().encode() for cells in layout.header_rows if (first := cells[0])]
    signs = [dialect.comment.encode()] if dialect.comment else []
    names = [name for name in names if name]
    excluded_starts = (b"'", *signs, *names, *(b" " + name for name in names))
    total = TOTAL_LINE

    def is_complete(line: bytes) -> bool:
        return (
            line.count(delimiter) == delimiters
            and b'"' not in line
            and quote not in line
            and cell_in_apostrophes not in line
            and not line.startswith(excluded_starts)
            and line not in special
            and not total.match(line)
        )

    return is_complete
