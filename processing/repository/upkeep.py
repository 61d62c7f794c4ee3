"""What the upkeep and the health checks ask, and the table of handlers."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import HandlerInfo, handler
from processing.states import OPEN_STATUSES, Status

_UNQUEUED = text("""
    SELECT id, handler, status FROM processing_file
    WHERE status = ANY(CAST(:open AS text[])) AND id > :after
      AND ((status = 'Waiting' AND due_at IS NULL) OR (status = 'Processing'))
    ORDER BY id LIMIT :limit
""")


async def open_files(
    connection: AsyncConnection, *, after: int, limit: int
) -> list[tuple[int, str, Status]]:
    """Read (id, handler, status) of files that must have an entry on the job stream."""
    parameters = {"open": sorted(OPEN_STATUSES), "after": after, "limit": limit}
    rows = await connection.execute(_UNQUEUED, parameters)
    return [(row.id, row.handler, Status(row.status)) for row in rows]


async def upsert_handlers(connection: AsyncConnection, infos: Sequence[HandlerInfo]) -> None:
    """Write what a worker offers."""
    statement = upsert(handler).values([asdict(info) for info in infos])
    taken = {name: statement.excluded[name] for name in ("title", "description", "options_schema")}
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={**taken, "seen_at": text("now()")}
    )
    await connection.execute(statement)


async def list_handlers(connection: AsyncConnection) -> list[HandlerInfo]:
    """Read every handler any worker has offered, by name."""
    columns = (handler.c.name, handler.c.title, handler.c.description, handler.c.options_schema)
    rows = await connection.execute(select(*columns).order_by(handler.c.name))
    return [HandlerInfo(*row) for row in rows]


async def try_sweep_lock(connection: AsyncConnection, key: int) -> bool:
    """Take the advisory lock ``key`` for this connection; False if another holds it."""
    statement = text("SELECT pg_try_advisory_lock(:key)")
    return bool((await connection.execute(statement, {"key": key})).scalar_one())


async def release_sweep_lock(connection: AsyncConnection, key: int) -> None:
    """Give the advisory lock back."""
    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


async def ping(connection: AsyncConnection) -> None:
    """Ask the server for an answer."""
    await connection.execute(text("SELECT 1"))


async def schema_revision(connection: AsyncConnection) -> str | None:
    """Read the revision Alembic wrote; None in a database that was never migrated."""
    exists = text("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not (await connection.execute(exists)).scalar_one():
        return None
    statement = text("SELECT version_num FROM alembic_version")
    return (await connection.execute(statement)).scalar_one_or_none()
