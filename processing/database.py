"""Connections to PostgreSQL: held in AUTOCOMMIT, bounded in time, errors named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from processing.errors import DatabaseAway

CONNECT_SECONDS = 5
# Every statement of ours is short. A server-side limit ends the one that hangs on a lock held by
# a stopped process, before its caller's own patience does.
SERVER_SETTINGS = {
    "application_name": "millrace",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
}
_AWAY = (
    OSError,
    TimeoutError,
    PoolTimeout,
    InterfaceError,
    OperationalError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # starting up, shutting down, crashed, no such server
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


def _is_away(error: BaseException | None) -> bool:
    """Whether the server is at fault: SQLAlchemy wraps what asyncpg raised, twice."""
    while error is not None:
        if isinstance(error, asyncpg.QueryCanceledError):
            return False  # it answered, too slowly
        if isinstance(error, _AWAY):
            return True
        error = error.__cause__
    return False


class Database:
    """A pool of AUTOCOMMIT connections.

    Each statement commits by itself: a process stopped in the middle of one of our writes can
    hold no transaction open, so it cannot block its successor and win over it later.
    """

    def __init__(self, dsn: str, *, size: int = 5) -> None:
        """``dsn`` is an SQLAlchemy URL; ``size`` the most connections held at once."""
        self._engine = create_async_engine(
            dsn,
            isolation_level="AUTOCOMMIT",
            pool_size=size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": SERVER_SETTINGS},
        )

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection.

        Raises:
            DatabaseAway: the server cannot be reached or went away inside the block.
        """
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, *_AWAY) as error:
            invalid = isinstance(error, DBAPIError) and error.connection_invalidated
            if invalid or _is_away(error):
                raise DatabaseAway(str(error)) from error
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
