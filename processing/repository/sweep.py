"""Queries of the sweep: open files, due retries, unannounced changes, and its lock."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Change
from processing.repository.rows import RETURNING_CHANGE
from processing.tables import processing_file

_UNQUEUED = text("""
    SELECT id, handler FROM processing_file
    WHERE finished_at IS NULL AND id > :after AND due_at IS NULL
      AND uploaded_at <= now() - make_interval(secs => :settled_seconds)
    ORDER BY id LIMIT :limit
""")


async def open_files(
    connection: AsyncConnection, *, after: int, settled_seconds: float, limit: int
) -> list[tuple[int, str]]:
    """Read (id, handler) of files that must have an entry on the job stream.

    Only files that were accepted at least ``settled_seconds`` ago.
    """
    parameters = {"after": after, "settled_seconds": settled_seconds, "limit": limit}
    return [(row.id, row.handler) for row in await connection.execute(_UNQUEUED, parameters)]


async def newest_id(connection: AsyncConnection) -> int:
    """Read the highest id; 0 if there are no files."""
    statement = text("SELECT coalesce(max(id), 0) FROM processing_file")
    return int((await connection.execute(statement)).scalar_one())


async def due_files(connection: AsyncConnection, *, limit: int) -> list[tuple[int, str]]:
    """Read (id, handler) of the retries that are due."""
    statement = (
        select(processing_file.c.id, processing_file.c.handler)
        .where(processing_file.c.due_at <= text("now()"))
        .order_by(processing_file.c.due_at)
        .limit(limit)
    )
    return [(row.id, row.handler) for row in await connection.execute(statement)]


_CLEAR_DUE = text("""
    WITH due AS (
        SELECT id FROM processing_file
        WHERE id = ANY(CAST(:ids AS bigint[])) AND status = 'Waiting' AND due_at <= now()
        ORDER BY id
        FOR UPDATE
    )
    UPDATE processing_file f SET due_at = NULL FROM due WHERE f.id = due.id
""")


async def clear_due(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Record that due retries have an entry on the stream."""
    await connection.execute(_CLEAR_DUE, {"ids": list(ids)})


_UNANNOUNCED = text(
    f"SELECT {RETURNING_CHANGE} FROM processing_file f WHERE NOT announced ORDER BY id LIMIT :limit"
)


async def unannounced_changes(connection: AsyncConnection, *, limit: int) -> list[Change]:
    """Read changes whose event may not have been published."""
    rows = await connection.execute(_UNANNOUNCED, {"limit": limit})
    return [Change._make(row) for row in rows]


_ANNOUNCED = text("""
    WITH published AS (
        SELECT f.id FROM processing_file f
        JOIN unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]), CAST(:statuses AS text[]))
             AS t(id, attempt, status)
          ON f.id = t.id AND f.attempt = t.attempt AND f.status = t.status
        WHERE NOT f.announced
        ORDER BY f.id
        FOR UPDATE OF f
    )
    UPDATE processing_file f SET announced = true FROM published WHERE f.id = published.id
""")


async def set_announced(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Mark these changes as announced, except rows that have changed since."""
    parameters = {
        "ids": [change.id for change in changes],
        "attempts": [change.attempt for change in changes],
        "statuses": [str(change.status) for change in changes],
    }
    await connection.execute(_ANNOUNCED, parameters)


async def try_sweep_lock(connection: AsyncConnection, key: int) -> bool:
    """Take the advisory lock ``key`` on this connection; False if another one holds it."""
    statement = text("SELECT pg_try_advisory_lock(:key)")
    return bool((await connection.execute(statement, {"key": key})).scalar_one())


async def release_sweep_lock(connection: AsyncConnection, key: int) -> None:
    """Release the advisory lock ``key``."""
    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
