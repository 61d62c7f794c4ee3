"""One column of texts among two others, profiled; what the tests of values look at."""

import csv
import io
from pathlib import Path
from typing import Any

from tests.unit.mill import Profile, cells
from worker.handlers.contract import Result


def profile_column(
    run: Profile, texts: list[str], name: str = "v", delimiter: str = "\t", **options: object
) -> Result:
    """Profile a column of these texts; beside it are an id and a word."""
    out = io.StringIO()
    rows = [["id", name, "word"], *([str(n), text, f"w{n}"] for n, text in enumerate(texts))]
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return run(out.getvalue().encode(), **options)


def column(result: Result, index: int = 1) -> dict[str, Any]:
    """The profile of the column of texts."""
    found: dict[str, Any] = result.summary["columns"][index]
    return found


def values(result: Result, index: int = 1) -> list[str | None]:
    """The column's values as text."""
    return [row[index] for row in cells(result)]


def said(result: Result) -> str:
    """All warnings about the column."""
    return "\n".join(column(result)["warnings"])


def written() -> list[str]:
    """The column as it is in clean.csv."""
    with Path("clean.csv").open(newline="", encoding="utf-8") as file:
        return [row[1] for row in csv.reader(file)][1:]
