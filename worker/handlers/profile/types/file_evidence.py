"""What some columns of a file prove about others: the decimal mark, and the order of day and month.

People write one file in one way. So a column that could be read in two is read in the way that
the others leave open, unless they disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.handlers.profile.types.value_format import ValueFormat

_MEANINGS = {
    "point": "with a decimal point",
    "comma": "with a decimal comma",
    "day-first": "as day first",
    "month-first": "as month first",
}


@dataclass(frozen=True, slots=True)
class ColumnFormats:
    """A column and the formats that all of its values match, the preferred first."""

    name: str
    fitting: Sequence[ValueFormat]


@dataclass(frozen=True, slots=True)
class Settled:
    """The format that is meant, and the sentence that says why."""

    value_format: ValueFormat
    note: str


@dataclass(frozen=True, slots=True)
class FileEvidence:
    """For each decimal mark and day order that the file proves, the column that proves it."""

    proofs: dict[str, str]

    def settle(self, column: ColumnFormats) -> Settled | None:
        """Return which of the formats of an ambiguous column is meant; None where nothing tells."""
        first = column.fitting[0]
        other = next(each for each in column.fitting if each.name == first.ambiguous_with)
        proven = [each for each in (first, other) if _choice(each) in self.proofs]
        if len(proven) != 1:
            return None
        choice = _choice(proven[0])
        note = f"Read {_MEANINGS[choice]}, as column “{self.proofs[choice]}” shows."
        return Settled(proven[0], note)


def _choice(value_format: ValueFormat) -> str:
    return value_format.day_order or value_format.decimal_mark or ""


def find_evidence(columns: Iterable[ColumnFormats]) -> FileEvidence:
    """Find what is proven by the columns that can be read in one way only."""
    proofs: dict[str, str] = {}
    for column in columns:
        marks = {each.decimal_mark for each in column.fitting}
        orders = {each.day_order for each in column.fitting}
        for choices in (marks, orders):
            if len(choices) == 1 and (choice := next(iter(choices))):
                proofs.setdefault(choice, column.name)
    return FileEvidence(proofs)
