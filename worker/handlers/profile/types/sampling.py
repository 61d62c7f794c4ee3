"""Plans the columns from the sample alone, where it is clear enough; loading checks every value."""

import re
from collections.abc import Sequence

from worker.handlers.profile.detection.value_shapes import NULL_WORDS
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell
from worker.handlers.profile.types.column_plan import ColumnPlan, decimal_type
from worker.handlers.profile.types.matching import find_ambiguity, matching_formats
from worker.handlers.profile.types.value_formats import DECIMAL, INTEGER, VALUE, ValueFormat

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
    plans = []
    for index, name in enumerate(columns):
        cells = [cell for row in rows if index < len(row) and (cell := row[index])]
        plan = _plan_column(name, cells, options)
        if plan is None:
            return None
        plans.append(plan)
    return plans


def _plan_column(name: str, cells: Sequence[str], options: Options) -> ColumnPlan | None:
    texts = [text for cell in cells if (text := cell.strip()) and text.lower() not in NULL_WORDS]
    likely = matching_formats(texts, options)
    if not likely:
        return ColumnPlan(name, has_values=bool(cells))
    if texts != cells:
        return None
    fitting = matching_formats(cells, options, tolerance=0.0, formats=likely)
    if not fitting or not _is_readable_as_is(fitting, options):
        return None
    value_format = fitting[0]
    if value_format.type == DECIMAL:
        return _plan_decimal(name, value_format, cells)
    round_trips = value_format.round_trips or all(map(_ENGINE_TIMESTAMP.fullmatch, cells))
    return ColumnPlan(name, value_format, value_format.type, round_trips=round_trips)


def _is_readable_as_is(fitting: Sequence[ValueFormat], options: Options) -> bool:
    """Whether the first format needs no rewriting, no choice, and no knowledge of all values."""
    first = fitting[0]
    if first == INTEGER and options.integers == "narrow":
        return False
    return first.normalized == VALUE and find_ambiguity(first, fitting) is None


def _plan_decimal(name: str, value_format: ValueFormat, cells: Sequence[str]) -> ColumnPlan | None:
    parts = [cell.lstrip("-").partition(".") for cell in cells]
    digits = max(len(whole) for whole, _, _ in parts)
    scale = max(len(fraction) for _, _, fraction in parts)
    type_ = decimal_type(digits, scale, _SPARE_DIGITS)
    return ColumnPlan(name, value_format, type_) if type_ is not None else None
