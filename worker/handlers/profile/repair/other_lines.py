"""Lines among and below the records that are none: footers, totals, titles of groups, tables."""

from collections.abc import Sequence

from worker.handlers.profile.detection import value_shapes
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.repair import lookahead


class OtherLines:
    """Tells them from records, by their cells and by the lines that follow.

    ``blank_lines`` are those just above a line, ``all_blank`` those of the file so far.
    """

    def __init__(
        self, lines: LineReader, csv_format: CsvFormat, shapes: Sequence[str | None]
    ) -> None:
        """``shapes`` are those of the columns' values, None where they have no common one."""
        self._lines = lines
        self._csv_format = csv_format
        self._shapes = shapes
        self._width = len(shapes)
        self._has_values = value_shapes.has_values(shapes)
        self._short_widths: set[int] = set()

    def note_width(self, cells: int) -> None:
        """Note that a record has as many cells: where short ones are usual, they end no table."""
        if cells < self._width:
            self._short_widths.add(cells)

    def starts_second_table(self, cells: Sequence[Cell], blank_lines: int) -> bool:
        """Whether the lines from here on agree on another width than the table has."""
        return len(cells) not in self._short_widths and lookahead.starts_second_table(
            self._lines, self._csv_format, len(cells), self._width, after_blank=blank_lines > 0
        )

    def starts_footer(self, cells: Sequence[Cell], blank_lines: int, all_blank: int) -> bool:
        """Whether only a few lines follow that are no records, this one included."""
        if len(cells) == 1 and lookahead.counts_rows(cells[0] or ""):
            return lookahead.only_blank_lines_follow(self._lines)
        set_apart = 0 < blank_lines == all_blank and len(cells) < self._width
        alone = len(cells) == 1 and self._width > 2 and not self._short_widths
        if not set_apart and not alone:
            return False
        return lookahead.only_footer_follows(self._lines, self._csv_format, len(cells))

    def is_total(self, cells: Sequence[Cell], blank_lines: int, all_blank: int) -> bool:
        """Whether a row of the right width is one of sums below the table."""
        if self._is_labelled_total(cells):
            return True
        lacking = 0 < blank_lines == all_blank and not all(cells)
        if not lacking or not value_shapes.has_words_among_data(cells, self._shapes):
            return False
        return lookahead.only_footer_follows(self._lines, self._csv_format, len(cells))

    def _is_labelled_total(self, cells: Sequence[Cell]) -> bool:
        """Whether this is one of the last rows, and called a total where columns have values."""
        label = next((cell for cell in cells if cell and cell.strip()), "")
        if not lookahead.names_total(label) or not self._has_values:
            return False
        return lookahead.only_totals_follow(self._lines, self._csv_format)

    def is_group_title(self, cells: Sequence[Cell]) -> bool:
        """Whether a line between the rows is the title of those below: one text, like no value."""
        text = cells[0] if len(cells) == 1 else None
        if text is None or self._width < 3 or self._short_widths or not self._has_values:
            return False
        words = value_shapes.value_shape(text) in ("words", "text")
        return words and (":" in text or " " in text.strip())
