"""Connections to PostgreSQL: held in AUTOCOMMIT, bounded in time, errors named."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from processing.errors import DatabaseUnavailable

CONNECT_SECONDS = 5
# A connection idle for longer is pinged before it is used: a restart takes a server longer than
# this, and what ends a single connection faster is seen by the driver.
PING_AFTER_SECONDS = 0.05
# Our statements are short. The server ends one that hangs on a lock held by a stopped process
# before the client's own timeout does.
SERVER_SETTINGS = {
    "application_name": "millrace",
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s",
}
_CONNECT = {
    "timeout": CONNECT_SECONDS,
    # For a server that is frozen; above the server's own limit for a statement.
    "command_timeout": 40,
    "server_settings": SERVER_SETTINGS,
}
_UNAVAILABLE = (
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


def _is_unavailable(error: BaseException | None) -> bool:
    """Whether the server is at fault; SQLAlchemy wraps what asyncpg raised twice."""
    while error is not None:
        if isinstance(error, asyncpg.QueryCanceledError):
            return False  # it answered, but too slowly
        if isinstance(error, _UNAVAILABLE):
            return True
        error = error.__cause__
    return False


class Database:
    """A pool of AUTOCOMMIT connections.

    Each statement commits by itself: a process stopped in the middle of one of our writes can
    hold no transaction open, so it cannot block its successor and win over it later.
    """

    def __init__(self, dsn: str, *, size: int = 5) -> None:
        """``dsn`` is an SQLAlchemy URL; ``size`` the maximum number of pooled connections."""
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
        event.listen(self._engine.sync_engine, "checkout", self._reject_dead)

    def _note_use(self, _: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def _reject_dead(
        self, connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        """Find a dead connection before it is lent; the pool then replaces it and all others.

        All, because what ended one connection (a restart, a failover) has ended the others too,
        and each would fail a request of its own. A connection in steady use costs no round trip,
        which SQLAlchemy's ``pool_pre_ping`` would add to each of our statements.
        """
        driver_connection = record.driver_connection
        assert driver_connection is not None
        if driver_connection.is_closed():
            raise InvalidatePoolError("the server has closed the connection")
        if time.monotonic() - record.info.get("used_at", float("inf")) > PING_AFTER_SECONDS:
            try:
                self._engine.sync_engine.dialect.do_ping(connection)
            except Exception as error:
                raise InvalidatePoolError(str(error)) from error

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection.

        Raises:
            DatabaseUnavailable: the server cannot be reached, or was lost inside the block.
        """
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, *_UNAVAILABLE) as error:
            invalid = isinstance(error, DBAPIError) and error.connection_invalidated
            if invalid or _is_unavailable(error):
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
    """A connection reserved for statements that run all the time.

    They go straight to asyncpg, without the pool and without SQLAlchemy's results. That halves
    the time of a short statement, and a job waits for two of them.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn.replace("+asyncpg", "", 1)
        self._connection: asyncpg.Connection | None = None
        self._used_at = float("-inf")
        self._lock = asyncio.Lock()

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement, committed by itself, with its arguments for $1, $2 and so on.

        Raises:
            DatabaseUnavailable: the server cannot be reached, or was lost; the statement may
                have been executed.
        """
        async with self._lock:
            try:
                connection = await self._live_connection()
                rows = list(await connection.fetch(statement, *arguments))
            except (*_UNAVAILABLE, asyncpg.InterfaceError) as error:
                await self.close()
                raise DatabaseUnavailable(str(error) or type(error).__name__) from error
            self._used_at = time.monotonic()
            return rows

    async def _live_connection(self) -> asyncpg.Connection:
        """Return the connection, or a new one if it has died."""
        if self._connection is not None and not await self._is_alive(self._connection):
            await self.close()
        if self._connection is None:
            self._connection = await self._connect()
        return self._connection

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._dsn, **_CONNECT)
        try:
            await connection.set_type_codec(
                "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
            )
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _is_alive(self, connection: asyncpg.Connection) -> bool:
        if connection.is_closed():
            return False
        if time.monotonic() - self._used_at > PING_AFTER_SECONDS:
            try:
                await connection.fetchrow(";")
            except (*_UNAVAILABLE, asyncpg.InterfaceError):
                return False
        return True

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
