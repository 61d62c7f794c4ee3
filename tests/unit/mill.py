"""The profile handler as tests call it, and what they look at."""

from collections.abc import Callable
from typing import Any

import duckdb

from worker.handlers.contract import Result

# Profiles bytes, with options by keyword; the working folder is the job's then.
Profile = Callable[..., Result]


def types(result: Result) -> dict[str, str]:
    return {column["name"]: column["type"] for column in result.summary["columns"]}


def cells(result: Result) -> list[tuple[Any, ...]]:
    """The rows of the Parquet as text."""
    with duckdb.connect() as connection:
        return connection.execute("SELECT COLUMNS(*)::VARCHAR FROM 'clean.parquet'").fetchall()
