"""What each stage of a profile hands on: prepare → detect → load → describe → publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.handlers.profile.accounting.issues import IssueLog
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.describing.column_profile import ColumnProfile
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.detection.sample import Sample
from worker.handlers.profile.reading.csv_record import Cell
from worker.handlers.profile.reading.text import Utf8File
from worker.handlers.profile.types.column_plan import ColumnPlan


@dataclass(frozen=True, slots=True)
class Prepared:
    """The file as UTF-8 text, and the sample that its format is judged by."""

    text: Utf8File
    sample: Sample


@dataclass(frozen=True, slots=True)
class Detected:
    """The format of the file; ``records`` are complete records of the sample."""

    dialect: Dialect
    layout: Layout
    records: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class TextSource:
    """SQL for the written rows with every cell as text; read ``slice_columns`` at a time.

    ``path`` is removed in the end if it is ``temporary``.
    """

    sql: str
    slice_columns: int
    path: Path
    temporary: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """The typed Parquet of ``rows`` rows, which the ``tally`` and both logs account for.

    ``null_words`` are per column the words that were read as missing, and how often. ``texts`` has
    the cells as text, None where there are no rows.
    """

    plans: Sequence[ColumnPlan]
    rows: int
    texts: TextSource | None
    null_words: Mapping[str, Mapping[str, int]]
    tally: Tally
    rejects: IssueLog
    repairs: IssueLog


@dataclass(frozen=True, slots=True)
class Described:
    """The statistics of the typed table; ``duplicate_rows`` None: too many rows to count them."""

    columns: Sequence[ColumnProfile]
    duplicate_rows: int | None


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is published about one file."""

    prepared: Prepared
    detected: Detected
    loaded: Loaded
    described: Described
