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
_AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    OSError,
)


def _client(url: str, socket_timeout: float) -> Redis:
    # No retries below us: a timed-out XREADGROUP that is repeated leaves a delivery pending that
    # no one has seen, a repeated XADD makes two entries. Whoever calls knows what to repeat.
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=socket_timeout,
        socket_connect_timeout=3,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


def command_client(url: str) -> Redis:
    """Client for commands that answer at once."""
    return _client(url, COMMAND_SECONDS)


def reader_client(url: str) -> Redis:
    """Client for blocking reads; its socket timeout lies above the BLOCK time."""
    return _client(url, BLOCK_MILLISECONDS / 1000 + COMMAND_SECONDS)


@contextmanager
def translate_redis_errors() -> Iterator[None]:
    """Turn every way of Redis being away into :class:`RedisUnavailable`."""
    try:
        yield
    except _AWAY as error:
        raise RedisUnavailable(str(error) or type(error).__name__) from error
