"""Resumable uploads, which can arrive in several requests."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import ResumableUpload
from processing.tables import upload

_COLUMNS = [upload.c[name] for name in ResumableUpload.__dataclass_fields__]


async def insert_upload(
    connection: AsyncConnection, values: dict[str, Any], keep: timedelta
) -> ResumableUpload:
    """Insert an upload that expires after ``keep``; return it, or the one with the same key."""
    statement = (
        insert(upload)
        .values(**values, expires_at=text("now() + make_interval(secs => :keep)"))
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
        .returning(*_COLUMNS)
    )
    seconds = {"keep": keep.total_seconds()}
    row = (await connection.execute(statement, seconds)).mappings().one_or_none()
    if row is None:
        known = select(*_COLUMNS).where(upload.c.idempotency_key == values["idempotency_key"])
        row = (await connection.execute(known)).mappings().one()
    return ResumableUpload(**row)


async def get_upload(connection: AsyncConnection, upload_id: str) -> ResumableUpload | None:
    """Read one upload that has not expired."""
    statement = select(*_COLUMNS).where(upload.c.id == upload_id, text("expires_at > now()"))
    row = (await connection.execute(statement)).mappings().one_or_none()
    return ResumableUpload(**row) if row is not None else None


async def delete_upload(connection: AsyncConnection, upload_id: str) -> None:
    """Delete an upload's row."""
    await connection.execute(delete(upload).where(upload.c.id == upload_id))


_EXTEND = text("UPDATE upload SET expires_at = now() + make_interval(secs => :keep) WHERE id = :id")


async def extend_upload(connection: AsyncConnection, upload_id: str, keep: timedelta) -> None:
    """Postpone the expiry of an upload to ``keep`` from now."""
    await connection.execute(_EXTEND, {"id": upload_id, "keep": keep.total_seconds()})


async def expire_uploads(connection: AsyncConnection, active: list[str]) -> list[str]:
    """Delete the rows of expired uploads, except ``active`` ones; return their ids."""
    expired = delete(upload).where(text("expires_at < now()"), upload.c.id.not_in(active))
    return [row.id for row in await connection.execute(expired.returning(upload.c.id))]


async def unfinished_uploads(connection: AsyncConnection, ids: list[str]) -> set[str]:
    """Return those of ``ids`` that are not yet files, so that their bytes are still needed."""
    statement = select(upload.c.id).where(upload.c.id.in_(ids), upload.c.file_id.is_(None))
    return {row.id for row in await connection.execute(statement)}
