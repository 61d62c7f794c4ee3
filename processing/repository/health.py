"""Queries of the health checks."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def ping(connection: AsyncConnection) -> None:
    """Check that the server answers."""
    await connection.execute(text("SELECT 1"))


async def schema_revision(connection: AsyncConnection) -> str | None:
    """Read the revision that Alembic wrote; None if the database was never migrated."""
    exists = text("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not (await connection.execute(exists)).scalar_one():
        return None
    statement = text("SELECT version_num FROM alembic_version")
    return (await connection.execute(statement)).scalar_one_or_none()
