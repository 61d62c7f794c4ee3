"""Columns that statements return, and the records made of them."""

from dataclasses import fields
from typing import Any

import asyncpg
from sqlalchemy import RowMapping

from processing.models import ProcessingFile, Usage
from processing.states import Outcome, Status
from processing.tables import processing_file

_OWN_FIELDS = {field.name for field in fields(ProcessingFile)} - {"usage", "result"}
LIST_COLUMNS = [c for c in processing_file.c if c.name in {*_OWN_FIELDS, *Usage._fields}]
# What statements that change a row, called f, return of it: a whole file, or an event's fields.
RETURNING_FILE = ", ".join(f"f.{column.name}" for column in LIST_COLUMNS)
RETURNING_CHANGE = "f.id, f.attempt, f.status, f.outcome"


def file_from_row(row: RowMapping | asyncpg.Record | dict[str, Any]) -> ProcessingFile:
    """Build a record from a row that has LIST_COLUMNS, and perhaps the result."""
    values: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118 -- a Record is no dict
    values["usage"] = pop_usage(values)
    values["status"] = Status(values["status"])
    values["outcome"] = Outcome(values["outcome"]) if values["outcome"] else None
    return ProcessingFile(**values)


def pop_usage(values: dict[str, Any]) -> Usage:
    """Remove the columns of a :class:`Usage` from ``values`` and return it."""
    return Usage(*(values.pop(name) for name in Usage._fields))
