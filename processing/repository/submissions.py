"""Inserting files; runs on a dedicated connection, since every upload waits for it."""

from dataclasses import astuple, dataclass
from typing import Any

from processing.database import DedicatedConnection
from processing.models import ProcessingFile
from processing.repository.rows import RETURNING_FILE, file_from_row


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """The initial row of a stored upload; ``size`` in bytes."""

    id: int
    name: str
    size: int
    sha256: str
    handler: str
    options: dict[str, Any]


_NEXT_ID = "SELECT nextval(pg_get_serial_sequence('processing_file', 'id'))"


async def next_id(connection: DedicatedConnection) -> int:
    """Reserve an id for a file that is about to be stored."""
    return int((await connection.fetch(_NEXT_ID))[0][0])


_COLUMNS = "id, name, size, sha256, handler, options"
_INSERT = f"""
    INSERT INTO processing_file AS f ({_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6)
    RETURNING {RETURNING_FILE}
"""


async def insert_file(connection: DedicatedConnection, new: NewFile) -> ProcessingFile:
    """Insert a Waiting row and return it."""
    (row,) = await connection.fetch(_INSERT, *astuple(new))
    return file_from_row(row)


_INSERT_ONCE = f"""
    INSERT INTO processing_file AS f ({_COLUMNS}, idempotency_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING {RETURNING_FILE}
"""
_BY_KEY = f"SELECT {RETURNING_FILE} FROM processing_file f WHERE idempotency_key = $1"


async def insert_file_once(
    connection: DedicatedConnection, new: NewFile, key: str
) -> ProcessingFile:
    """Insert a Waiting row and return it, or the existing row with this idempotency key."""
    rows = await connection.fetch(_INSERT_ONCE, *astuple(new), key)
    return file_from_row((rows or await connection.fetch(_BY_KEY, key))[0])


_INSERT_UPLOADED = f"""
    WITH taken AS (
        UPDATE upload SET file_id = $1 WHERE id = $7 AND file_id IS NULL RETURNING id
    )
    INSERT INTO processing_file AS f ({_COLUMNS})
    SELECT $1, $2, $3, $4, $5, $6 FROM taken
    RETURNING {RETURNING_FILE}
"""
_BY_UPLOAD = f"""
    SELECT {RETURNING_FILE} FROM processing_file f
    WHERE id = (SELECT file_id FROM upload WHERE id = $1)
"""


async def insert_uploaded_file(
    connection: DedicatedConnection, new: NewFile, upload_id: str
) -> ProcessingFile | None:
    """Insert the row of a resumable upload and return it, or the row of an earlier submission.

    None if the upload no longer exists.
    """
    rows = await connection.fetch(_INSERT_UPLOADED, *astuple(new), upload_id)
    rows = rows or await connection.fetch(_BY_UPLOAD, upload_id)
    return file_from_row(rows[0]) if rows else None


_EARLIER_COPY = """
    SELECT id FROM processing_file
    WHERE sha256 = $1 AND id < $2 AND status <> 'Removed'
    ORDER BY id DESC LIMIT 1
"""


async def earlier_copy(connection: DedicatedConnection, sha256: str, file_id: int) -> int | None:
    """Find the newest file before ``file_id`` with the same bytes that is not Removed."""
    rows = await connection.fetch(_EARLIER_COPY, sha256, file_id)
    return int(rows[0][0]) if rows else None
