"""Runs migrations with the database that the settings name."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from processing.settings import load, require_database
from processing.tables import metadata

# Two releases that start at the same time migrate one after the other.
_MIGRATION_LOCK = 0x6D696C6D


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        context.run_migrations()


async def _run() -> None:
    settings = require_database(load())
    engine = create_async_engine(settings.database_dsn, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database; set DATABASE_URL.")
asyncio.run(_run())
