"""How each column is read: its value format and type, and the SQL that does it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.load import MISFIT_SQL
from worker.handlers.profile.types.value_format import (
    DECIMAL,
    INTEGER_TYPES,
    TEXT,
    ValueFormat,
)

# Parquet has no wider integer, and a DOUBLE would merge values that differ.
MAX_DIGITS = 38
NARROW_DIGITS = 18
_FORMULA = literal('^ *="([^"]*)" *$')


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How a column is read.

    ``value_format`` None: as text. ``type`` is the engine's. ``null_words`` are texts in lower
    case that are read as missing; ``has_values``: as far as is known, not every cell is empty.
    ``round_trips``: a value written as text must give its cell. ``rejected_misfits`` is the number
    of values that do not match and whose records are rejected. ``notes`` are warnings. ``unit`` was
    written beside all numbers. ``unwrapped``: cells such as ="00123" are read without the formula.
    """

    name: str
    value_format: ValueFormat | None = None
    type: str = TEXT
    null_words: tuple[str, ...] = ()
    round_trips: bool = False
    has_values: bool = True
    rejected_misfits: int = 0
    notes: tuple[str, ...] = ()
    unit: str = ""
    unwrapped: bool = False

    def strict_sql(self) -> str:
        """SQL that reads a cell as the engine delivers it, and fails on a misfit."""
        cell = identifier(self.name)
        if self.value_format is None:
            return cell
        value = self.value_format.read_sql(cell, self.type)
        # The tests come first: as long as all cells of a batch pass, nothing else is evaluated.
        cases = " ".join(f"WHEN {test} THEN {value}" for test in self._tests(cell, value))
        return f"CASE {cases} WHEN {cell} IS NULL THEN NULL ELSE {MISFIT_SQL} END"

    def _tests(self, cell: str, value: str) -> list[str]:
        """SQL conditions, one of which holds for a cell that says what its value says, no more."""
        assert self.value_format is not None
        same = f"CAST({value} AS VARCHAR) = {cell}"
        if self.round_trips:
            return [same]
        if self.value_format.type == DECIMAL:
            # Given more digits than the type has, the engine rounds in silence: then the value
            # written with all its digits does not begin with the text.
            return [same, f"starts_with(CAST({value} AS VARCHAR), {cell})"]
        return [self.value_format.matches_sql(cell)]

    def text_sql(self) -> str:
        """SQL for the text of a staged cell, NULL where it is missing."""
        if self.value_format is not None and not self.null_words:
            return f"nullif({cell_sql(self.name, unwrapped=self.unwrapped)}, '')"
        return cell_text_sql(
            self.name,
            self.null_words,
            trimmed=self.value_format is not None,
            unwrapped=self.unwrapped,
        )

    def typed_sql(self) -> str:
        """SQL for the typed value of a staged cell."""
        text = self.text_sql()
        return text if self.value_format is None else self.value_format.read_sql(text, self.type)

    def written_sql(self) -> str:
        """SQL for a staged cell as text: a number with the digits it was written with."""
        if self.value_format is None or self.round_trips:
            return self.text_sql()
        if is_number(self.type):
            return self.value_format.normalized_sql(self.text_sql())
        return f"CAST({self.typed_sql()} AS VARCHAR)"

    def fits_sql(self) -> str:
        """SQL that is true where a staged cell is missing or matches the value format."""
        assert self.value_format is not None
        return f"NOT coalesce({self.value_format.misfit_sql(self.text_sql())}, false)"


def cell_sql(name: str, *, unwrapped: bool = False) -> str:
    """SQL for a staged cell as it is; ``unwrapped``: without the formula around a text."""
    cell = identifier(name)
    return f"regexp_replace({cell}, {_FORMULA}, '\\1')" if unwrapped else cell


def cell_text_sql(
    name: str, null_words: Sequence[str], *, trimmed: bool, unwrapped: bool = False
) -> str:
    """SQL for the text of a cell; ``null_words`` are missing, and so are blanks if trimmed."""
    cell = cell_sql(name, unwrapped=unwrapped)
    text = f"nullif(trim({cell}), '')" if trimmed else cell
    if null_words:
        text = f"CASE WHEN {null_word_sql(cell, null_words)} THEN NULL ELSE {text} END"
    return text


def null_word_sql(cell: str, null_words: Sequence[str]) -> str:
    """SQL that is true for a cell that is one of the words, in any case.

    A pattern, since the engine would build a hash table per column for a list with IN.
    """
    longest = max(map(len, null_words))
    listed = "|".join(map(re.escape, null_words))
    pattern = literal(f"(?i:{listed})")
    return f"(length(trim({cell})) <= {longest} AND regexp_full_match(trim({cell}), {pattern}))"


def is_number(type_: str) -> bool:
    """Whether a type of the engine is one of numbers."""
    return type_ in (*INTEGER_TYPES, "DOUBLE") or type_.startswith(DECIMAL)


def decimal_type(digits: int, scale: int, spare: int = 0) -> str | None:
    """The narrowest decimal type with ``digits`` before and ``scale`` after the point.

    ``spare`` digits more must fit into the narrow type for it to be taken. None where no type
    has so many digits.
    """
    if digits + scale > MAX_DIGITS:
        return None
    narrow = digits + scale + spare <= NARROW_DIGITS
    return f"DECIMAL({NARROW_DIGITS if narrow else MAX_DIGITS}, {scale})"
