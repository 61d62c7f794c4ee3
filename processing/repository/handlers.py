"""The handlers that workers have registered."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import HandlerInfo
from processing.tables import handler


async def upsert_handlers(connection: AsyncConnection, infos: Sequence[HandlerInfo]) -> None:
    """Store the handlers that a worker offers."""
    statement = upsert(handler).values([asdict(info) for info in infos])
    taken = {name: statement.excluded[name] for name in ("title", "description", "options_schema")}
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={**taken, "seen_at": text("now()")}
    )
    await connection.execute(statement)


async def list_handlers(connection: AsyncConnection) -> list[HandlerInfo]:
    """Read every handler that any worker has offered, sorted by name."""
    columns = (handler.c.name, handler.c.title, handler.c.description, handler.c.options_schema)
    rows = await connection.execute(select(*columns).order_by(handler.c.name))
    return [HandlerInfo(*row) for row in rows]
