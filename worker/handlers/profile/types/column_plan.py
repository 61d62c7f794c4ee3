"""How each column is read: its kind and type, guessed from the sample."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.detection.value_shapes import NULL_WORDS
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell
from worker.handlers.profile.types.value_formats import (
    DECIMAL,
    MAX_DIGITS,
    TEXT,
    WHOLE,
    V,
    ValueFormat,
    chosen,
    possible,
)

NARROW_DIGITS = 18
# How the engine itself writes a timestamp: texts of that form need no closer look.
_ENGINES_OWN = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How a column is read. ``kind`` None: as text. ``type`` is the engine's.

    ``words`` are texts that mean no value here; ``note`` says what a person should know.
    """

    name: str
    kind: ValueFormat | None = None
    type: str = TEXT
    words: tuple[str, ...] = ()
    exact: bool = False
    filled: bool = True
    rejects: int = 0
    note: str = ""

    def quick(self) -> str:
        """SQL that reads a cell as the engine delivers it, and fails on one that does not fit."""
        cell = identifier(self.name)
        if self.kind is None:
            return cell
        cast = self.kind.cast(cell, self.type)
        # The tests come first: as long as all cells of a batch pass, nothing else is looked at.
        tests = " ".join(f"WHEN {test} THEN {cast}" for test in self._tests(cell, cast))
        return f"CASE {tests} WHEN {cell} IS NULL THEN NULL ELSE error('misfit') END"

    def _tests(self, cell: str, cast: str) -> list[str]:
        """SQL of which one is true for a text that says what its value does, and no more."""
        assert self.kind is not None
        same = f"CAST({cast} AS VARCHAR) = {cell}"
        if self.exact:
            return [same]
        if self.kind.type == DECIMAL:
            # Told more digits than it has room for, the engine rounds in silence: then the value
            # written with all its digits does not begin with the text.
            return [same, f"starts_with(CAST({cast} AS VARCHAR), {cell})"]
        return [self.kind.test(cell)]

    def value(self) -> str:
        """SQL for the text of a cell, NULL where it means no value."""
        if self.kind is not None and not self.words:
            return f"nullif({identifier(self.name)}, '')"
        return value_of(self.name, self.words, trimmed=self.kind is not None)

    def cast(self) -> str:
        """SQL that reads a staged cell."""
        value = self.value()
        return value if self.kind is None else self.kind.cast(value, self.type)


def value_of(name: str, words: Sequence[str], *, trimmed: bool) -> str:
    """SQL for the text of a cell; ``words`` mean no value, and so do blanks if it is trimmed."""
    cell = identifier(name)
    value = f"nullif(trim({cell}), '')" if trimmed else cell
    if words:
        listed = ", ".join(literal(word) for word in words)
        value = f"CASE WHEN lower(trim({cell})) IN ({listed}) THEN NULL ELSE {value} END"
    return value


def misfit(value: str, kind: ValueFormat) -> str:
    """SQL that is true for a text that is not of the kind."""
    return f"({value} IS NOT NULL AND NOT ({kind.test(value)}))"


def given_words(options: Options) -> tuple[str, ...]:
    """The words that the options give for no value."""
    return tuple(word.lower() for word in options.null_words)


def guess(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], options: Options
) -> list[ColumnPlan] | None:
    """Guess from the sample; None where only a look at all values can tell."""
    if options.null_words or options.misfits == "reject":
        return None
    plans = []
    for index, name in enumerate(columns):
        filled = [cell for row in rows if index < len(row) and (cell := row[index])]
        texts = [text.strip() for text in filled]
        texts = [text for text in texts if text and text.lower() not in NULL_WORDS]
        likely = possible(texts, options)
        if likely and texts != filled:
            return None
        first, rival = chosen(possible(filled, options, share=1.0, kinds=likely))
        if first is not None and first.clean != V:
            return None
        if first is not None and first.name == WHOLE and options.integers == "narrow":
            return None
        if first is None or rival is not None:
            # Few misfits in the sample are a matter for those who look at all values.
            if likely:
                return None
            plans.append(ColumnPlan(name, filled=bool(filled)))
        elif first.type == DECIMAL:
            plans.append(_decimal_from(name, first, filled))
        else:
            exact = first.exact or all(_ENGINES_OWN.fullmatch(text) for text in filled)
            plans.append(ColumnPlan(name, first, first.type, exact=exact))
    return plans


def _decimal_from(name: str, kind: ValueFormat, texts: Sequence[str]) -> ColumnPlan:
    digits = [text.lstrip("-").partition(".") for text in texts]
    scale = max(len(fraction) for _, _, fraction in digits)
    # Two digits of room for values that the sample has not.
    narrow = max(len(whole) for whole, _, _ in digits) + scale < NARROW_DIGITS - 2
    type_ = f"DECIMAL({NARROW_DIGITS if narrow else MAX_DIGITS}, {scale})"
    return ColumnPlan(name, kind, type_)
