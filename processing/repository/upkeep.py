"""What the upkeep and the health checks ask, and the tables of handlers and workers."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import (
    Change,
    HandlerInfo,
    Heartbeat,
    WorkerInfo,
    handler,
    processing_file,
    worker,
)
from processing.repository.files import CHANGE

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

    Only of files that were accepted ``settled_seconds`` ago or earlier.
    """
    parameters = {"after": after, "settled_seconds": settled_seconds, "limit": limit}
    return [(row.id, row.handler) for row in await connection.execute(_UNQUEUED, parameters)]


async def newest_id(connection: AsyncConnection) -> int:
    """Read the highest id there is; 0 in an empty table."""
    statement = text("SELECT coalesce(max(id), 0) FROM processing_file")
    return int((await connection.execute(statement)).scalar_one())


async def due_files(connection: AsyncConnection, *, limit: int) -> list[tuple[int, str]]:
    """Read (id, handler) of retries whose time has come."""
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
    """Note that retries have their entry on the stream."""
    await connection.execute(_CLEAR_DUE, {"ids": list(ids)})


_UNANNOUNCED = text(
    f"SELECT {CHANGE} FROM processing_file f WHERE NOT announced ORDER BY id LIMIT :limit"
)


async def unannounced(connection: AsyncConnection, *, limit: int) -> list[Change]:
    """Read changes whose event is not known to be out."""
    rows = await connection.execute(_UNANNOUNCED, {"limit": limit})
    return [Change._make(row) for row in rows]


_ANNOUNCED = text("""
    WITH told AS (
        SELECT f.id FROM processing_file f
        JOIN unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]), CAST(:statuses AS text[]))
             AS t(id, attempt, status)
          ON f.id = t.id AND f.attempt = t.attempt AND f.status = t.status
        WHERE NOT f.announced
        ORDER BY f.id
        FOR UPDATE OF f
    )
    UPDATE processing_file f SET announced = true FROM told WHERE f.id = told.id
""")


async def set_announced(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Note that the events of these changes are out, of rows that have not changed since."""
    parameters = {
        "ids": [change.id for change in changes],
        "attempts": [change.attempt for change in changes],
        "statuses": [str(change.status) for change in changes],
    }
    await connection.execute(_ANNOUNCED, parameters)


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


async def upsert_worker(connection: AsyncConnection, info: WorkerInfo) -> None:
    """Write that a worker lives and what it does."""
    statement = upsert(worker).values(asdict(info))
    taken = {name: statement.excluded[name] for name in ("slots", "running", "waits_for")}
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={**taken, "seen_at": text("now()")}
    )
    await connection.execute(statement)


async def delete_worker(connection: AsyncConnection, name: str) -> None:
    """Forget a worker that has stopped."""
    await connection.execute(delete(worker).where(worker.c.name == name))


_SILENT = text("DELETE FROM worker WHERE seen_at < now() - make_interval(secs => :seconds)")


async def forget_silent_workers(connection: AsyncConnection, seconds: float) -> None:
    """Forget workers that have not shown themselves for ``seconds``."""
    await connection.execute(_SILENT, {"seconds": seconds})


_WORKERS = text("""
    SELECT name, slots, running, waits_for FROM worker
    WHERE seen_at > now() - make_interval(secs => :seconds) ORDER BY name
""")


async def list_workers(connection: AsyncConnection, within: float) -> list[WorkerInfo]:
    """Read the workers that have shown themselves within as many seconds."""
    rows = await connection.execute(_WORKERS, {"seconds": within})
    return [WorkerInfo(**row) for row in rows.mappings()]


async def list_heartbeats(connection: AsyncConnection) -> list[Heartbeat]:
    """Read every worker that has not stopped, also those that have fallen silent."""
    columns = [worker.c[name] for name in Heartbeat.__dataclass_fields__]
    rows = await connection.execute(select(*columns).order_by(worker.c.name))
    return [Heartbeat(**row) for row in rows.mappings()]


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
