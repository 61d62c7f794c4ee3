"""The steps of a profile, top to bottom."""

import json

import duckdb

from worker.handlers.contract import Artifact, Context, Result, handler
from worker.handlers.profile import casting, columns, dialect, engine, loading, records, source

SAMPLE_ROWS = 10


@handler(title="Profile and convert to Parquet")
def profile(context: Context) -> Result:
    """Finds the dialect and the types, counts every record, and writes typed Parquet."""
    try:
        return _profile(context)
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(f"Profiling ran out of memory. {error}") from error


def _profile(context: Context) -> Result:
    context.progress(0.0, "reading")
    text = source.prepare(context.source, context.folder)
    found = dialect.detect(text)
    context.progress(0.05, "counting records")
    count = records.count(text.path, found, lambda share: context.progress(0.05 + share * 0.15))
    with engine.connect(context.source, context.folder, len(found.columns)) as connection:
        with engine.progress(connection, context, 0.2, 0.6, "loading"):
            loaded = loading.load(connection, text.path, found, count)
        loading.check_accounting(count.records, loaded)
        with engine.progress(connection, context, 0.6, 0.7, "finding types"):
            types = casting.decide(connection, loaded.columns)
        with engine.progress(connection, context, 0.7, 0.85, "writing Parquet"):
            casting.write(connection, loaded.columns, types, loaded.written)
        profiles = columns.describe(
            connection, loaded.columns, types, lambda share: context.progress(0.85 + share * 0.14)
        )
        sample = casting.sample(connection, SAMPLE_ROWS)
    summary = {
        "encoding": text.describe(),
        "dialect": found.describe(),
        "accounting": {
            "read": count.records,
            "written": loaded.written,
            "rejected": len(loaded.rejects),
        },
        "columns": profiles,
        "sample": sample,
        "rejects": [reject.describe() for reject in loaded.rejects[:100]],
        "warnings": _warnings(count, loaded, text),
        "engine": f"DuckDB {duckdb.__version__}",
    }
    artifacts = [
        Artifact("clean.parquet", "Typed Parquet", "application/vnd.apache.parquet"),
        Artifact("profile.json", "Profile as JSON", "application/json"),
    ]
    if loaded.rejects:
        loading.write_rejects(context.folder / "rejects.csv", loaded.rejects)
        artifacts.append(Artifact("rejects.csv", "Rejected records", "text/csv"))
    (context.folder / "profile.json").write_text(json.dumps(summary, indent=1))
    return Result(
        summary=summary, rows=loaded.written, columns=len(loaded.columns), artifacts=artifacts
    )


def _warnings(count: records.Count, loaded: loading.Loaded, text: source.Text) -> list[str]:
    warnings = []
    if text.replaced:
        warnings.append(
            f"{_times(text.replaced, 'character')} replaced by \ufffd: the bytes mean nothing in "
            f"{text.encoding}."
        )
    if not count.records:
        warnings.append("The file has a header and no records.")
    if count.blank:
        warnings.append(f"{_times(count.blank, 'blank line')} passed over.")
    if loaded.rejects:
        first = loaded.rejects[0]
        warnings.append(
            f"{_times(len(loaded.rejects), 'record')} rejected, the first on line {first.line:,}: "
            f"{first.reason}"
        )
    return warnings


def _times(number: int, noun: str) -> str:
    return f"1 {noun} was" if number == 1 else f"{number:,} {noun}s were"
