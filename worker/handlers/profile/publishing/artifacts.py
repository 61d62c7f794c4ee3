"""The files to download that a profile leaves."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from worker.handlers.contract import Artifact, Context
from worker.handlers.profile.describing.text_stats import FORMULA_SIGNS
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN
from worker.handlers.profile.options import Options
from worker.handlers.profile.stages import Loaded
from worker.handlers.profile.types.column_plan import ColumnPlan
from worker.handlers.profile.types.value_format import TEXT

CSV, PROFILE, REPORT = "clean.csv", "profile.json", "report.html"


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
        _write_csv(connection, loaded.plans, neutralize=options.formulas == "defuse")
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


def _write_csv(
    connection: duckdb.DuckDBPyConnection, plans: Sequence[ColumnPlan], *, neutralize: bool
) -> None:
    """Write the typed table as CSV; ``neutralize``: no spreadsheet takes a text for a formula."""
    signs = ", ".join(f"chr({ord(sign)})" for sign in FORMULA_SIGNS)
    output = []
    for plan in plans:
        value, title = identifier(plan.name), plan.name
        if neutralize and title[:1] in FORMULA_SIGNS:
            title = f"'{title}"
        if neutralize and plan.type == TEXT:
            value = f"CASE WHEN {value}[1] IN ({signs}) THEN '''' || {value} ELSE {value} END"
        output.append(f"{value} AS {identifier(title)}")
    connection.execute(
        f"COPY (SELECT {', '.join(output)} FROM {literal(CLEAN)}) TO {literal(CSV)} "
        "(FORMAT csv, HEADER true, DELIMITER ',')"
    )


@cache
def _template() -> jinja2.Template:
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True
    )
    return environment.get_template("report.html.jinja")
