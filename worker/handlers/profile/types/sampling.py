"""Plans the columns from the sample alone, where it is clear enough; loading checks every value."""

import re
from collections.abc import Sequence
from dataclasses import replace

from worker.handlers.profile.detection.value_shapes import NULL_WORDS
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell
from worker.handlers.profile.types.column_plan import ColumnPlan, decimal_type
from worker.handlers.profile.types.file_evidence import ColumnFormats, FileEvidence, find_evidence
from worker.handlers.profile.types.matching import (
    are_wrapped,
    find_ambiguity,
    have_two_decimal_marks,
    matching_formats,
    plausible_formats,
)
from worker.handlers.profile.types.number_formats import HAS_DIGIT, INTEGER
from worker.handlers.profile.types.value_format import DECIMAL, VALUE, ValueFormat
from worker.handlers.profile.types.value_formats import formats_for

# Room for values of more digits than the sample has.
_SPARE_DIGITS = 3
# How the engine itself writes a timestamp: such a cell is what its value writes.
_ENGINE_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")


def plan_from_sample(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], options: Options
) -> list[ColumnPlan] | None:
    """Plan every column from sample rows; None where only all values can tell."""
    if options.null_words or options.misfits == "reject":
        return None
    found: list[tuple[ColumnFormats, list[str]]] = []
    for index, name in enumerate(columns):
        cells = [cell for row in rows if index < len(row) and (cell := row[index])]
        formats = _fitting_formats(name, cells, options)
        if formats is None:
            return None
        found.append((ColumnFormats(name, formats), cells))
    evidence = find_evidence([each for each, _ in found])
    plans = []
    for column, cells in found:
        plan = _plan_column(column, cells, evidence, options)
        if plan is None:
            return None
        plans.append(plan)
    return plans


def _fitting_formats(
    name: str, cells: Sequence[str], options: Options
) -> Sequence[ValueFormat] | None:
    """The first format that all cells match, and the one that would read them otherwise.

    Nothing for a column of texts; None where neither is clear.
    """
    texts = [text for cell in cells if (text := cell.strip()) and text.lower() not in NULL_WORDS]
    plausible = plausible_formats(texts, options, formats_for(name, options))
    if not plausible:
        unclear = are_wrapped(texts) or have_two_decimal_marks(texts) is not None
        return None if unclear else ()
    if texts != cells:
        return None
    for each in plausible:
        if matching_formats(cells, options, tolerance=0.0, formats=[each]):
            other = find_ambiguity(each, plausible)
            if other and matching_formats(cells, options, tolerance=0.0, formats=[other]):
                return each, other
            return (each,)
    return None if _need_a_reason(texts, options, plausible) else ()


def _need_a_reason(
    texts: Sequence[str], options: Options, plausible: Sequence[ValueFormat]
) -> bool:
    """Whether a person would ask why the texts, most of which are values, are kept as they are."""
    if matching_formats(texts, options, formats=plausible):
        return True
    has_words = not all(map(HAS_DIGIT.search, texts))
    return has_words or have_two_decimal_marks(texts) is not None


def _plan_column(
    column: ColumnFormats, cells: Sequence[str], evidence: FileEvidence, options: Options
) -> ColumnPlan | None:
    if not column.fitting:
        return ColumnPlan(column.name, has_values=bool(cells))
    value_format = column.fitting[0]
    notes: tuple[str, ...] = ()
    if len(column.fitting) > 1:
        settled = evidence.settle(column)
        if settled is None:
            return None
        value_format, notes = settled.value_format, (settled.note,)
    if not _is_readable_as_is(value_format, options):
        return None
    plan = _plan_format(column.name, value_format, cells)
    return None if plan is None else replace(plan, notes=notes)


def _is_readable_as_is(value_format: ValueFormat, options: Options) -> bool:
    """Whether a format needs no rewriting and no knowledge of all values."""
    if value_format == INTEGER and options.integers == "narrow":
        return False
    return value_format.normalized == VALUE and not value_format.short_year


def _plan_format(name: str, value_format: ValueFormat, cells: Sequence[str]) -> ColumnPlan | None:
    if value_format.type == DECIMAL:
        return _plan_decimal(name, value_format, cells)
    round_trips = value_format.round_trips or all(map(_ENGINE_TIMESTAMP.fullmatch, cells))
    return ColumnPlan(name, value_format, value_format.type, round_trips=round_trips)


def _plan_decimal(name: str, value_format: ValueFormat, cells: Sequence[str]) -> ColumnPlan | None:
    parts = [cell.lstrip("-").partition(".") for cell in cells]
    digits = max(len(whole) for whole, _, _ in parts)
    scale = max(len(fraction) for _, _, fraction in parts)
    type_ = decimal_type(digits, scale, _SPARE_DIGITS)
    return ColumnPlan(name, value_format, type_) if type_ is not None else None
