"""The parts of a file that a line can belong to."""

from enum import Enum, auto


class Region(Enum):
    """The part of the file that a line belongs to; all lines after the table are rejected."""

    ABOVE_TABLE = auto()
    TABLE = auto()
    SECOND_TABLE = auto()
    FOOTER = auto()


def reject_reason(region: Region, second_table_line: int | None) -> str:
    """Say why a line outside the table is rejected."""
    match region:
        case Region.SECOND_TABLE:
            return f"part of a second table, which starts on line {second_table_line:,}"
        case Region.ABOVE_TABLE:
            return "line above the table"
        case _:
            return "footer line below the table"
