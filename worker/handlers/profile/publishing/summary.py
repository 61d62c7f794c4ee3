"""The summary of a profile: the result in the API, and the content of profile.json."""

from typing import Any

import duckdb

from worker.handlers.contract import Context
from worker.handlers.profile.options import Options
from worker.handlers.profile.publishing.warnings import file_warnings
from worker.handlers.profile.stages import Detected, Findings, Loaded

_SAMPLE_ROWS = 10
_SAMPLE_CHARACTERS = 200


def summarize(context: Context, options: Options, findings: Findings) -> dict[str, Any]:
    """Return the summary as JSON; profile.schema.json describes it."""
    detected, loaded = findings.detected, findings.loaded
    return {
        "encoding": findings.prepared.text.describe(),
        "dialect": detected.dialect.describe(),
        "layout": detected.layout.describe(),
        "accounting": _accounting(detected, loaded),
        "repeated_rows": findings.described.duplicate_rows,
        "columns": [column.as_dict() for column in findings.described.columns],
        "sample": _sample(detected, len(loaded.plans)),
        "rejects": loaded.rejects.describe(),
        "repairs": loaded.repairs.describe(),
        "warnings": list(file_warnings(findings)),
        "receipt": {
            "size": context.source.stat().st_size,
            "sha256": context.sha256,
            "options": options.model_dump(exclude_defaults=True),
            "engine": f"DuckDB {duckdb.__version__}",
        },
    }


def _accounting(detected: Detected, loaded: Loaded) -> dict[str, int | None]:
    tally = loaded.tally
    return {
        "read": tally.read,
        "written": loaded.rows,
        "rejected": tally.rejected,
        "repaired": loaded.repairs.count,
        "blank_lines": tally.blank,
        "comment_lines": tally.comments,
        "repeated_headers": tally.repeated_headers,
        "empty_rows": tally.empty_rows,
        "lines_above": detected.layout.preamble_lines,
        "another_table": tally.second_table_line,
    }


def _sample(detected: Detected, columns: int) -> list[list[str | None]]:
    """The first rows before type conversion, long cells cut."""
    rows = detected.records[:_SAMPLE_ROWS]
    return [[cell and cell[:_SAMPLE_CHARACTERS] for cell in row[:columns]] for row in rows]
