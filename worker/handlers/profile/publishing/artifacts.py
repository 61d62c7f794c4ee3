"""The files to download that a profile leaves."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from worker.handlers.contract import Artifact, Context
from worker.handlers.profile.describing.text_stats import FORMULA_SIGNS
from worker.handlers.profile.engine import parquet
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN, OutputColumn
from worker.handlers.profile.options import Options
from worker.handlers.profile.stages import Loaded
from worker.handlers.profile.types.column_plan import ColumnPlan, is_number
from worker.handlers.profile.types.value_format import TEXT

CSV, PROFILE, REPORT = "clean.csv", "profile.json", "report.html"
_WRITTEN = "written.parquet"


def write_artifacts(
    connection: duckdb.DuckDBPyConnection,
    context: Context,
    options: Options,
    loaded: Loaded,
    summary: Mapping[str, Any],
) -> list[Artifact]:
    """Write the files that are still missing; return all of them.

    The Parquet and the logs of rejects and repairs were written while the file was loaded.
    """
    artifacts = [Artifact(CLEAN, "Typed Parquet", "application/vnd.apache.parquet")]
    if options.files == "all":
        report = _template().render(name=context.name, **summary)
        (context.folder / REPORT).write_text(report, "utf-8")
        _write_csv(connection, loaded, options)
        artifacts += [
            Artifact(CSV, "Clean CSV", "text/csv"),
            Artifact(REPORT, "Report", "text/html"),
        ]
    profile = json.dumps(summary, indent=1, ensure_ascii=False)
    (context.folder / PROFILE).write_text(profile, "utf-8")
    artifacts.append(Artifact(PROFILE, "Profile as JSON", "application/json"))
    for log, title in ((loaded.rejects, "Rejected rows"), (loaded.repairs, "Repaired rows")):
        if log.count:
            artifacts.append(Artifact(log.path.name, title, "text/csv"))
    return artifacts


def _write_csv(connection: duckdb.DuckDBPyConnection, loaded: Loaded, options: Options) -> None:
    """Write the table as CSV, its numbers with the digits that they were written with.

    With ``formulas=defuse`` no spreadsheet takes a text for a formula.
    """
    output = [_csv_column(plan, loaded, options) for plan in loaded.plans]
    source, texts = literal(CLEAN), loaded.texts
    if texts is not None and _needs_texts(loaded, options):
        source = texts.sql
        if len(output) > texts.slice_columns:
            parquet.write(connection, output, source, _WRITTEN, texts.slice_columns)
            output = [OutputColumn(identifier(each.name), each.name) for each in output]
            source = literal(_WRITTEN)
    selected = ", ".join(f"{each.expression} AS {identifier(each.name)}" for each in output)
    connection.execute(
        f"COPY (SELECT {selected} FROM {source}) TO {literal(CSV)} "
        "(FORMAT csv, HEADER true, DELIMITER ',')"
    )
    Path(_WRITTEN).unlink(missing_ok=True)


def _needs_texts(loaded: Loaded, options: Options) -> bool:
    """Whether cells differ from what the engine writes for their values."""
    fractional = any(
        is_number(plan.type) and not plan.type.endswith("INT") for plan in loaded.plans
    )
    return fractional or options.spelling == "original"


def _csv_column(plan: ColumnPlan, loaded: Loaded, options: Options) -> OutputColumn:
    value, title = identifier(plan.name), plan.name
    if loaded.texts is not None and options.spelling == "typed" and _needs_texts(loaded, options):
        value = plan.written_sql()
    if options.formulas == "defuse":
        signs = ", ".join(f"chr({ord(sign)})" for sign in FORMULA_SIGNS)
        if title[:1] in FORMULA_SIGNS:
            title = f"'{title}"
        if plan.type == TEXT or options.spelling == "original":
            value = f"CASE WHEN {value}[1] IN ({signs}) THEN '''' || {value} ELSE {value} END"
    return OutputColumn(value, title)


@cache
def _template() -> jinja2.Template:
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True
    )
    return environment.get_template("report.html.jinja")
