"""Reading files by their ids."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Change, ProcessingFile
from processing.repository.rows import LIST_COLUMNS, file_from_row
from processing.tables import processing_file


async def get_file(connection: AsyncConnection, file_id: int) -> ProcessingFile | None:
    """Read one row with its result."""
    statement = select(*LIST_COLUMNS, processing_file.c.result).where(
        processing_file.c.id == file_id
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return file_from_row(row) if row is not None else None


async def get_changes(connection: AsyncConnection, ids: Sequence[int]) -> list[Change]:
    """Read what events report about these rows."""
    columns = [processing_file.c[name] for name in Change._fields]
    statement = select(*columns).where(processing_file.c.id.in_(list(ids)))
    return [Change._make(row) for row in await connection.execute(statement)]


async def get_files(connection: AsyncConnection, ids: Sequence[int]) -> list[ProcessingFile]:
    """Read the rows with these ids, without their results."""
    statement = select(*LIST_COLUMNS).where(processing_file.c.id.in_(list(ids)))
    return [file_from_row(row) for row in (await connection.execute(statement)).mappings()]
