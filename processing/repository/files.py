"""Reading and inserting files."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.database import DedicatedConnection
from processing.models import Change, ProcessingFile, Usage, processing_file
from processing.states import Outcome, Status

_OWN_FIELDS = {field.name for field in fields(ProcessingFile)} - {"usage", "result"}
LIST_COLUMNS = [c for c in processing_file.c if c.name in {*_OWN_FIELDS, *Usage._fields}]
# What the statements that change a row, called f, return of it: all, or what an event tells.
RETURNING = ", ".join(f"f.{column.name}" for column in LIST_COLUMNS)
CHANGE = "f.id, f.attempt, f.status, f.outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """What the row of a stored upload starts with; ``size`` in bytes."""

    id: int
    name: str
    size: int
    sha256: str
    handler: str
    options: dict[str, Any]


def record(row: RowMapping | asyncpg.Record | dict[str, Any]) -> ProcessingFile:
    """Make a record of a row with LIST_COLUMNS, or with the result too."""
    values: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118 -- a Record is no dict
    values["usage"] = take_usage(values)
    values["status"] = Status(values["status"])
    values["outcome"] = Outcome(values["outcome"]) if values["outcome"] else None
    return ProcessingFile(**values)


def take_usage(values: dict[str, Any]) -> Usage:
    """Remove the columns of a :class:`Usage` from ``values`` and return it."""
    return Usage(*(values.pop(name) for name in Usage._fields))


_NEXT_ID = "SELECT nextval(pg_get_serial_sequence('processing_file', 'id'))"


async def next_id(connection: DedicatedConnection) -> int:
    """Reserve the id of a file that is about to be stored."""
    return int((await connection.fetch(_NEXT_ID))[0][0])


_COLUMNS = "id, name, size, sha256, handler, options"
_INSERT = f"""
    INSERT INTO processing_file AS f ({_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING {RETURNING}
"""


async def insert_file(connection: DedicatedConnection, new: NewFile) -> ProcessingFile:
    """Insert a Waiting row and return it."""
    (row,) = await connection.fetch(_INSERT, *astuple(new))
    return record(row)


_INSERT_ONCE = f"""
    INSERT INTO processing_file AS f ({_COLUMNS}, idempotency_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING {RETURNING}
"""
_BY_KEY = f"SELECT {RETURNING} FROM processing_file f WHERE idempotency_key = $1"


async def insert_file_once(
    connection: DedicatedConnection, new: NewFile, key: str
) -> ProcessingFile:
    """Insert a Waiting row and return it, or the row that has this idempotency key."""
    rows = await connection.fetch(_INSERT_ONCE, *astuple(new), key)
    return record((rows or await connection.fetch(_BY_KEY, key))[0])


_INSERT_UPLOADED = f"""
    WITH taken AS (
        UPDATE upload SET file_id = $1 WHERE id = $7 AND file_id IS NULL RETURNING id
    )
    INSERT INTO processing_file AS f ({_COLUMNS})
    SELECT $1, $2, $3, $4, $5, $6 FROM taken
    RETURNING {RETURNING}
"""
_BY_UPLOAD = f"""
    SELECT {RETURNING} FROM processing_file f
    WHERE id = (SELECT file_id FROM upload WHERE id = $1)
"""


async def insert_uploaded_file(
    connection: DedicatedConnection, new: NewFile, upload_id: str
) -> ProcessingFile | None:
    """Insert the row of a resumable upload and return it, or the row that it has become before.

    None if there is no such upload any more.
    """
    rows = await connection.fetch(_INSERT_UPLOADED, *astuple(new), upload_id)
    rows = rows or await connection.fetch(_BY_UPLOAD, upload_id)
    return record(rows[0]) if rows else None


async def get_file(connection: AsyncConnection, file_id: int) -> ProcessingFile | None:
    """Read one row with its result."""
    statement = select(*LIST_COLUMNS, processing_file.c.result).where(
        processing_file.c.id == file_id
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return record(row) if row is not None else None


_EARLIER_COPY = """
    SELECT id FROM processing_file
    WHERE sha256 = $1 AND id < $2 AND status <> 'Removed'
    ORDER BY id DESC LIMIT 1
"""


async def earlier_copy(connection: DedicatedConnection, sha256: str, file_id: int) -> int | None:
    """Find the newest file before ``file_id`` that has the same bytes and still keeps them."""
    rows = await connection.fetch(_EARLIER_COPY, sha256, file_id)
    return int(rows[0][0]) if rows else None


async def get_changes(connection: AsyncConnection, ids: Sequence[int]) -> list[Change]:
    """Read what events would tell of these rows."""
    columns = [processing_file.c[name] for name in Change._fields]
    statement = select(*columns).where(processing_file.c.id.in_(list(ids)))
    return [Change._make(row) for row in await connection.execute(statement)]


async def get_files(connection: AsyncConnection, ids: Sequence[int]) -> list[ProcessingFile]:
    """Read the rows with these ids, without their results."""
    statement = select(*LIST_COLUMNS).where(processing_file.c.id.in_(list(ids)))
    return [record(row) for row in (await connection.execute(statement)).mappings()]
