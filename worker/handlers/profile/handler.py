"""The stages of a profile, top to bottom."""

from dataclasses import replace

import duckdb

from worker.handlers.contract import BadInput, Context, Result, handler
from worker.handlers.profile import loading
from worker.handlers.profile.describing.column_stats import TableSize
from worker.handlers.profile.describing.columns import describe_columns
from worker.handlers.profile.describing.duplicate_rows import count_duplicate_rows
from worker.handlers.profile.detection.dialect import detect_dialect
from worker.handlers.profile.detection.layout import detect_layout, sample_rows
from worker.handlers.profile.detection.sample import take_sample
from worker.handlers.profile.engine import connection as engine
from worker.handlers.profile.options import Options
from worker.handlers.profile.publishing.artifacts import write_artifacts
from worker.handlers.profile.publishing.summary import summarize
from worker.handlers.profile.reading import text
from worker.handlers.profile.stages import Described, Detected, Findings, Loaded, Prepared


@handler(title="Profile and convert to Parquet", options=Options)
def profile(context: Context, options: Options) -> Result:
    """Detects the format and types of a CSV, accounts for every row, and writes typed Parquet."""
    try:
        prepared = prepare(context, options)
        detected = detect(prepared, options)
        # Besides the columns there may be one for overflow and one for line numbers.
        columns = detected.layout.width + 2
        with engine.connect(prepared.text.path, context.folder, columns) as connection:
            loaded = loading.load(connection, context, options, prepared, detected)
            described = describe(connection, context, prepared, loaded)
            findings = Findings(prepared, detected, loaded, described)
            return publish(connection, context, options, findings)
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(f"Profiling ran out of memory. {error}") from error


def prepare(context: Context, options: Options) -> Prepared:
    """Unpack and decode the file, and take the sample."""
    context.progress(0.0, "Reading")
    utf8 = text.to_utf8(
        context.source,
        context.folder,
        options,
        lambda share: context.progress(min(0.05, share * 0.05), "Reading"),
    )
    return Prepared(utf8, take_sample(utf8, options.skip_lines or 0))


def detect(prepared: Prepared, options: Options) -> Detected:
    """Detect dialect and layout from the sample.

    Raises:
        BadInput: the option “names” does not fit the columns.
    """
    sample = prepared.sample
    dialect = detect_dialect(sample, options)
    layout = detect_layout(sample, dialect, options)
    try:
        layout = replace(layout, columns=options.rename(layout.columns))
    except ValueError as error:
        raise BadInput(str(error)) from error
    return Detected(dialect, layout, sample_rows(sample, dialect, layout))


def describe(
    connection: duckdb.DuckDBPyConnection, context: Context, prepared: Prepared, loaded: Loaded
) -> Described:
    """Compute the statistics of the typed table."""
    utf8 = prepared.text
    columns = describe_columns(
        connection,
        loaded.plans,
        loaded.null_words,
        TableSize(loaded.rows, utf8.path.stat().st_size, utf8.ascii),
        lambda share: context.progress(min(0.95, 0.8 + share * 0.15), "Describing columns"),
    )
    return Described(columns, count_duplicate_rows(connection, columns, loaded.rows))


def publish(
    connection: duckdb.DuckDBPyConnection, context: Context, options: Options, findings: Findings
) -> Result:
    """Write the summary and the files to download."""
    context.progress(0.95, "Writing results")
    summary = summarize(context, options, findings)
    artifacts = write_artifacts(connection, context, options, findings.loaded, summary)
    loaded = findings.loaded
    if loaded.texts is not None and loaded.texts.temporary:
        loaded.texts.path.unlink()
    return Result(summary=summary, rows=loaded.rows, columns=len(loaded.plans), artifacts=artifacts)
