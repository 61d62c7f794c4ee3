"""What a profile leaves: the result for the page, and the files to download."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import jinja2

from worker.handlers.contract import Artifact, Result
from worker.handlers.profile.describing import columns
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import CLEAN
from worker.handlers.profile.types.column_plan import ColumnPlan
from worker.handlers.profile.types.value_formats import TEXT

if TYPE_CHECKING:
    from worker.handlers.profile.handler import Run

REJECTS, REPAIRS = "rejects.csv", "repairs.csv"
CSV, PROFILE, REPORT = "clean.csv", "profile.json", "report.html"
_SAMPLE_ROWS = 10
_CELL_SHOWN = 200


def write(run: "Run", described: list[dict[str, Any]]) -> Result:
    """Write all files of a run; return its result."""
    for column in described:
        words = run.null_words.get(column["name"])
        if words:
            column["null_words"] = words
            listed = ", ".join(f"{n:,} × “{word}”" for word, n in words.items())
            column["warnings"].append(f"Read as no value: {listed}.")
    repeated = columns.repeated_rows(run.connection, described, run.written)
    tally, text = run.tally, run.text
    summary: dict[str, Any] = {
        "encoding": text.describe(),
        "dialect": run.dialect.describe(),
        "layout": run.layout.describe(),
        "accounting": {
            "read": tally.read,
            "written": run.written,
            "rejected": tally.rejected,
            "repaired": run.repairs.count,
            "blank_lines": tally.blank,
            "comment_lines": tally.comments,
            "repeated_headers": tally.repeated_headers,
            "lines_above": run.layout.preamble_lines,
            "another_table": tally.second_table_line,
        },
        "repeated_rows": repeated,
        "columns": described,
        "sample": _sample(run),
        "rejects": run.rejects.describe(),
        "repairs": run.repairs.describe(),
        "warnings": _warnings(run, repeated),
        "receipt": {
            "size": run.size,
            "sha256": run.context.sha256,
            "options": run.options.model_dump(exclude_defaults=True),
            "engine": f"DuckDB {duckdb.__version__}",
        },
    }
    (run.folder / PROFILE).write_text(json.dumps(summary, indent=1, ensure_ascii=False), "utf-8")
    artifacts = [
        Artifact(CLEAN, "Typed Parquet", "application/vnd.apache.parquet"),
        Artifact(PROFILE, "Profile as JSON", "application/json"),
    ]
    if run.options.files == "all":
        (run.folder / REPORT).write_text(
            _template().render(name=run.context.name, **summary), "utf-8"
        )
        _write_csv(run.connection, run.plans, defuse=run.options.formulas == "defuse")
        artifacts[1:1] = [
            Artifact(CSV, "Clean CSV", "text/csv"),
            Artifact(REPORT, "Report", "text/html"),
        ]
    if run.rejects.count:
        artifacts.append(Artifact(REJECTS, "Rejected records", "text/csv"))
    if run.repairs.count:
        artifacts.append(Artifact(REPAIRS, "Repaired records", "text/csv"))
    return Result(summary=summary, rows=run.written, columns=len(run.plans), artifacts=artifacts)


def _sample(run: "Run") -> list[list[str | None]]:
    """The first rows as they stand in the file, long cells cut."""
    width = len(run.plans)
    rows = run.sample[:_SAMPLE_ROWS]
    return [[cell and cell[:_CELL_SHOWN] for cell in row[:width]] for row in rows]


def _write_csv(
    connection: duckdb.DuckDBPyConnection, plans: list[ColumnPlan], *, defuse: bool
) -> None:
    cells = []
    for plan in plans:
        name = identifier(plan.name)
        title = plan.name
        if defuse and title[:1] in "=+-@\t\r":
            title = f"'{title}"
        if defuse and plan.type == TEXT:
            signs = "('=', '+', '-', '@', chr(9), chr(13))"
            name = f"CASE WHEN {name}[1] IN {signs} THEN '''' || {name} ELSE {name} END"
        cells.append(f"{name} AS {identifier(title)}")
    connection.execute(
        f"COPY (SELECT {', '.join(cells)} FROM {literal(CLEAN)}) TO {literal(CSV)} "
        "(FORMAT csv, HEADER true, DELIMITER ',')"
    )


@cache
def _template() -> jinja2.Template:
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True
    )
    return environment.get_template("report.html.jinja")


def _warnings(run: "Run", repeated: int | None) -> list[str]:
    warnings = [*_on_text(run), *_on_lines(run)]
    if repeated:
        warnings.append(f"{repeated:,} row{'s are' if repeated != 1 else ' is'} like another.")
    for problems, done in ((run.repairs, "repaired"), (run.rejects, "rejected")):
        if problems.count:
            problem = problems.first[0]
            warnings.append(
                f"{_times(problems.count, 'record')} {done}, the first on line {problem.line:,}: "
                f"{problem.reason}"
            )
    return warnings


def _on_text(run: "Run") -> list[str]:
    warnings = list(run.text.notes)
    if not run.tally.read:
        warnings.append("The file has a header and no records.")
    if "names" in run.layout.evidence:
        warnings.append(f"Look at the names: {run.layout.evidence['names'].why}.")
    return warnings


def _on_lines(run: "Run") -> list[str]:
    warnings = []
    tally = run.tally
    if run.layout.preamble_lines:
        warnings.append(
            f"{_times(run.layout.preamble_lines, 'line')} passed over above the table; the first "
            "of them are in the JSON profile."
        )
    if tally.second_table_line is not None:
        warnings.append(
            f"Another table begins on line {tally.second_table_line:,}; its lines were rejected. "
            "To read it, upload the file again with the option "
            f"“skip_lines” = {tally.second_table_line - 1}."
        )
    for number, noun in (
        (tally.blank, "blank line"),
        (tally.comments, "comment line"),
        (tally.repeated_headers, "repeated header line"),
    ):
        if number:
            warnings.append(f"{_times(number, noun)} passed over.")
    return warnings


def _times(number: int, noun: str) -> str:
    return f"1 {noun} was" if number == 1 else f"{number:,} {noun}s were"
