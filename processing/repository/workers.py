"""The workers and their heartbeats."""

from dataclasses import asdict

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Heartbeat, WorkerInfo
from processing.tables import worker


async def upsert_worker(connection: AsyncConnection, info: WorkerInfo) -> None:
    """Store a worker's heartbeat and what it does."""
    statement = upsert(worker).values(asdict(info))
    taken = {name: statement.excluded[name] for name in ("slots", "running", "waits_for")}
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={**taken, "seen_at": text("now()")}
    )
    await connection.execute(statement)


async def delete_worker(connection: AsyncConnection, name: str) -> None:
    """Delete a worker that has stopped."""
    await connection.execute(delete(worker).where(worker.c.name == name))


_SILENT = text("DELETE FROM worker WHERE seen_at < now() - make_interval(secs => :seconds)")


async def delete_silent_workers(connection: AsyncConnection, seconds: float) -> None:
    """Delete workers whose last heartbeat is more than ``seconds`` ago."""
    await connection.execute(_SILENT, {"seconds": seconds})


_WORKERS = text("""
    SELECT name, slots, running, waits_for FROM worker
    WHERE seen_at > now() - make_interval(secs => :seconds) ORDER BY name
""")


async def list_workers(connection: AsyncConnection, within: float) -> list[WorkerInfo]:
    """Read the workers whose last heartbeat is at most ``within`` seconds old."""
    rows = await connection.execute(_WORKERS, {"seconds": within})
    return [WorkerInfo(**row) for row in rows.mappings()]


async def list_heartbeats(connection: AsyncConnection) -> list[Heartbeat]:
    """Read the heartbeat of every worker that has not stopped, also of silent ones."""
    columns = [worker.c[name] for name in Heartbeat.__dataclass_fields__]
    rows = await connection.execute(select(*columns).order_by(worker.c.name))
    return [Heartbeat(**row) for row in rows.mappings()]
