"""Connections to PostgreSQL: held in AUTOCOMMIT, bounded in time, errors named."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from processing.errors import DatabaseUnavailable

CONNECT_SECONDS = 5
REST_SECONDS = 1.0
# Every statement of ours is short. A server-side limit ends the one that hangs on a lock held by
# a stopped process, before its caller's own patience does.
SERVER_SETTINGS = {
    "application_name": "millrace",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
}
_CONNECT = {
    "timeout": CONNECT_SECONDS,
    # A server that is frozen says nothing; above its own limit for a statement.
    "command_timeout": 40,
    "server_settings": SERVER_SETTINGS,
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
        self._dsn = dsn
        self._dedicated: list[DedicatedConnection] = []
        self._engine = create_async_engine(
            dsn,
            isolation_level="AUTOCOMMIT",
            pool_size=size,
            max_overflow=0,
            pool_timeout=10,
            connect_args=_CONNECT,
        )

        event.listen(self._engine.sync_engine, "checkin", self._note_use)
        event.listen(self._engine.sync_engine, "checkout", self._check_after_rest)

    def _note_use(self, _: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    def _check_after_rest(
        self, connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        """Ask a connection that has rested whether it still lives.

        One in steady use need not say: pool_pre_ping would ask before each of our statements.
        """
        if time.monotonic() - record.info.get("used", float("inf")) > REST_SECONDS:
            try:
                self._engine.sync_engine.dialect.do_ping(connection)
            except Exception as error:
                raise DisconnectionError(str(error)) from error

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection.

        Raises:
            DatabaseUnavailable: the server cannot be reached or went away inside the block.
        """
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, *_AWAY) as error:
            invalid = isinstance(error, DBAPIError) and error.connection_invalidated
            if invalid or _is_away(error):
                raise DatabaseUnavailable(str(error)) from error
            raise

    def dedicated(self) -> "DedicatedConnection":
        """Reserve a connection outside the pool; it connects when it is first used.

        It is closed with the database.
        """
        connection = DedicatedConnection(self._dsn)
        self._dedicated.append(connection)
        return connection

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._dedicated:
            await connection.close()
        await self._engine.dispose()


class DedicatedConnection:
    """One connection of its own for statements that follow one another all the time.

    They go straight to asyncpg, without the pool and without SQLAlchemy's result: that is half
    of the time of a short statement, and a worker's two statements are what a job waits for.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn.replace("+asyncpg", "", 1)
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement, committed by itself, with its arguments for $1, $2 and so on.

        Raises:
            DatabaseUnavailable: the server cannot be reached or went away; it may have done it.
        """
        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                return list(await self._connection.fetch(statement, *arguments))
            except (*_AWAY, asyncpg.InterfaceError) as error:
                if self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
                raise DatabaseUnavailable(str(error) or type(error).__name__) from error

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._dsn, **_CONNECT)
        await connection.set_type_codec(
            "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
        )
        return connection

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
