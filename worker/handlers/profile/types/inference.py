"""Gives every column of the staged table the narrowest type that holds for all of its values.

The first rows say which formats a column may have; the engine then counts the misfits of each
of them among all values. A column that could be read in two ways follows the rest of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.value_shapes import NULL_WORDS
from worker.handlers.profile.engine.connection import batches, identifier, literal
from worker.handlers.profile.engine.parquet import STAGING
from worker.handlers.profile.options import Options
from worker.handlers.profile.types import text_reasons, written_numbers
from worker.handlers.profile.types.column_plan import (
    ColumnPlan,
    cell_sql,
    cell_text_sql,
    decimal_type,
)
from worker.handlers.profile.types.file_evidence import ColumnFormats, FileEvidence, find_evidence
from worker.handlers.profile.types.matching import (
    MISFIT_TOLERANCE,
    are_wrapped,
    find_ambiguity,
    matching_formats,
    plausible_formats,
)
from worker.handlers.profile.types.misfit_counts import ColumnCounts, count_misfits
from worker.handlers.profile.types.number_formats import INTEGER
from worker.handlers.profile.types.short_years import with_century
from worker.handlers.profile.types.value_format import DECIMAL, INTEGER_TYPES, ValueFormat
from worker.handlers.profile.types.value_formats import formats_for

_SAMPLE_ROWS = 2000


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, some of its texts, the formats that most of them match, and all its misfits."""

    name: str
    sample: Sequence[str]
    unwrapped: bool
    counts: ColumnCounts

    @property
    def formats(self) -> ColumnFormats:
        fitting = [each for each, misfits in self.counts.misfits.items() if not misfits]
        return ColumnFormats(self.name, fitting if self.counts.values else [])


def infer_plans(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], options: Options
) -> list[ColumnPlan]:
    """Plan each column of the staged table by all of its values."""
    null_words = (*_given_null_words(options), *sorted(NULL_WORDS))
    found: list[_Column] = []
    for batch in batches(columns):
        found += _examine(connection, batch, null_words, options)
    evidence = find_evidence(column.formats for column in found)
    planner = _Planner(connection, options, null_words, evidence)
    return [planner.plan(column) for column in found]


def _given_null_words(options: Options) -> tuple[str, ...]:
    return tuple(word.lower() for word in options.null_words)


def _examine(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[str],
    null_words: tuple[str, ...],
    options: Options,
) -> list[_Column]:
    names = ", ".join(map(identifier, batch))
    rows = connection.execute(
        f"SELECT {names} FROM {literal(STAGING)} LIMIT {_SAMPLE_ROWS}"
    ).fetchall()
    samples, unwrapped, candidates = {}, set(), {}
    for index, name in enumerate(batch):
        texts = [text.strip() for row in rows if (text := row[index])]
        if are_wrapped(texts):
            unwrapped.add(name)
            texts = [text[2:-1] if text.startswith('="') else text for text in texts]
        values = [text for text in texts if text and text.lower() not in null_words]
        samples[name] = values
        candidates[name] = _candidates(name, values, options)
    counts = count_misfits(connection, candidates, null_words, unwrapped)
    return [_Column(name, samples[name], name in unwrapped, counts[name]) for name in batch]


def _candidates(name: str, values: Sequence[str], options: Options) -> list[ValueFormat]:
    """The formats that nearly all values match, or else those of which a person would think."""
    plausible = plausible_formats(values, options, formats_for(name, options))
    likely = matching_formats(values, options, formats=plausible)
    return likely or [each for each in plausible if each.type not in ("BOOLEAN", "JSON")]


class _Planner:
    """What is known of the file while its columns are planned one by one."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        options: Options,
        null_words: tuple[str, ...],
        evidence: FileEvidence,
    ) -> None:
        self._connection = connection
        self._options = options
        self._null_words = null_words
        self._evidence = evidence

    def plan(self, column: _Column) -> ColumnPlan:
        """Plan a column by the misfits of its formats."""
        counts, given = column.counts, _given_null_words(self._options)
        notes = self._notes_on_formulas(column)
        as_text = ColumnPlan(
            column.name,
            null_words=given,
            has_values=counts.values > 0,
            unwrapped=column.unwrapped,
            notes=notes,
        )
        if not counts.values:
            return as_text
        if column.formats.fitting:
            words = () if counts.exact and not given else self._null_words
            return self._plan_fitting(as_text, column, words)
        return self._plan_misfits(as_text, column)

    def _notes_on_formulas(self, column: _Column) -> tuple[str, ...]:
        if not column.unwrapped:
            return ()
        cell = identifier(column.name)
        (formulas,) = self._one(f"count_if({cell} <> {cell_sql(column.name, unwrapped=True)})")
        return (f'Read without the formula (="…") around {counted(formulas, "value")}.',)

    def _plan_fitting(
        self, as_text: ColumnPlan, column: _Column, null_words: tuple[str, ...]
    ) -> ColumnPlan:
        """Take the first format that all values match, unless another gives another meaning."""
        fitting = column.formats.fitting
        value_format, notes = fitting[0], as_text.notes
        if find_ambiguity(value_format, fitting) is not None and self._is_ambiguous(column):
            settled = self._evidence.settle(column.formats)
            if settled is None:
                option = "dates" if value_format.day_order is not None else "decimal"
                return _kept(as_text, text_reasons.AMBIGUOUS[option])
            value_format, notes = settled.value_format, (*notes, settled.note)
        as_text = replace(as_text, notes=notes)
        plan = self._typed(as_text, value_format, null_words)
        if plan.value_format == INTEGER and self._options.integers == "narrow":
            return replace(plan, type=self._narrowest_integer(plan))
        return plan

    def _is_ambiguous(self, column: _Column) -> bool:
        """Whether values differ between the formats: numbers do where they have a mark."""
        if column.formats.fitting[0].type != DECIMAL:
            return True
        text = self._text(column)
        return bool(self._one(f"count_if(regexp_matches({text}, '[.,]'))")[0])

    def _typed(
        self, as_text: ColumnPlan, value_format: ValueFormat, null_words: tuple[str, ...]
    ) -> ColumnPlan:
        """The plan with this format, or text with the reason where no type holds its values."""
        plan = replace(
            as_text, value_format=value_format, type=value_format.type, null_words=null_words
        )
        if value_format.note:
            plan = replace(plan, notes=(*plan.notes, value_format.note))
        if value_format.short_year:
            return with_century(self._connection, plan)
        if value_format.type != DECIMAL:
            return plan
        text = cell_text_sql(plan.name, self._null_words, trimmed=True, unwrapped=plan.unwrapped)
        facts = written_numbers.look_at_numbers(self._connection, text, value_format)
        if why := written_numbers.reason_for_text(facts):
            return _kept(as_text, f"Kept as text: {why}.")
        type_ = decimal_type(facts.digits or 1, facts.scale)
        if type_ is None:
            return _kept(as_text, text_reasons.TOO_LONG)
        notes = (*plan.notes, *written_numbers.notes_on_numbers(facts))
        return replace(plan, type=type_, notes=notes, unit=facts.unit)

    def _plan_misfits(self, as_text: ColumnPlan, column: _Column) -> ColumnPlan:
        """Reject the few misfits, or keep the column as text and say why."""
        counts = column.counts
        limit = MISFIT_TOLERANCE * counts.values
        nearly = [each for each, misfits in counts.misfits.items() if misfits <= limit]
        if nearly and self._options.misfits == "reject":
            best = min(nearly, key=lambda each: counts.misfits[each])
            plan = self._typed(as_text, best, self._null_words)
            if plan.value_format is not None:
                return replace(plan, rejected_misfits=counts.misfits[best])
        why = text_reasons.reason_for_text(
            self._connection, self._text(column), counts, column.sample
        )
        return _kept(as_text, why) if why else as_text

    def _text(self, column: _Column) -> str:
        return cell_text_sql(
            column.name, self._null_words, trimmed=True, unwrapped=column.unwrapped
        )

    def _narrowest_integer(self, plan: ColumnPlan) -> str:
        value = plan.typed_sql()
        tests = [f"count(TRY_CAST({value} AS {each})) = count({value})" for each in INTEGER_TYPES]
        holds = self._one(", ".join(tests))
        return next(each for each, fits in zip(INTEGER_TYPES, holds, strict=True) if fits)

    def _one(self, selected: str) -> tuple[int, ...]:
        row = self._connection.execute(f"SELECT {selected} FROM {literal(STAGING)}").fetchone()
        assert row is not None
        return row


def _kept(as_text: ColumnPlan, note: str) -> ColumnPlan:
    return replace(as_text, notes=(*as_text.notes, note))
