"""Connections to Redis: one client for commands, one for blocking reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from processing.errors import RedisUnavailable

COMMAND_SECONDS = 5.0
BLOCK_MILLISECONDS = 2000
_UNAVAILABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    OSError,
)


def _client(url: str, socket_timeout: float) -> Redis:
    # The client must not retry: a repeated XREADGROUP would leave a delivery pending that nobody
    # has seen, a repeated XADD would add two entries. Only the caller knows what may be repeated.
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=socket_timeout,
        socket_connect_timeout=3,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


def command_client(url: str) -> Redis:
    """Return a client for commands that do not block."""
    return _client(url, COMMAND_SECONDS)


def reader_client(url: str) -> Redis:
    """Return a client for blocking reads; its socket timeout exceeds the BLOCK time."""
    return _client(url, BLOCK_MILLISECONDS / 1000 + COMMAND_SECONDS)


@contextmanager
def translate_redis_errors() -> Iterator[None]:
    """Raise :class:`RedisUnavailable` for every error that means Redis cannot be used."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise RedisUnavailable(str(error) or type(error).__name__) from error


async def ping(client: Redis) -> None:
    """Check that Redis answers. Raises RedisUnavailable."""
    with translate_redis_errors():
        await client.ping()
