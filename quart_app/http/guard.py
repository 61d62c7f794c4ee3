"""Who may ask: our own page but no other site's, by a name that is ours, and not too often."""

import ipaddress
import time
from collections import Counter
from urllib.parse import urlsplit

from quart import Quart, abort, request

from processing.errors import TooMany
from processing.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MINUTE = 60.0


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class Hosts:
    """The names this server answers to.

    A page of another site can give its own name our address (DNS rebinding) and would then look
    like ours; it cannot make itself an IP address or localhost.
    """

    def __init__(self, settings: Settings) -> None:
        named = {name.strip().lower() for name in settings.allowed_hosts.split(",")} - {""}
        loopback = settings.host == "localhost" or (
            _is_address(settings.host) and ipaddress.ip_address(settings.host).is_loopback
        )
        self._named = named
        self._any = "*" in named or not (named or loopback)

    def allow(self, host: str) -> bool:
        """Whether a Host header is one of ours."""
        name = (urlsplit(f"//{host}").hostname or "").lower()
        return self._any or name in self._named or name == "localhost" or _is_address(name)


class Rate:
    """How often each address may ask within a minute."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asked: Counter[str] = Counter()
        self._until = 0.0

    def count(self, address: str) -> None:
        """Count a request. Raises TooMany."""
        now = time.monotonic()
        if now >= self._until:
            self._asked.clear()
            self._until = now + MINUTE
        self._asked[address] += 1
        if self._asked[address] > self._most:
            left = max(1, round(self._until - now))
            raise TooMany(f"More than {self._most} requests a minute; wait {left} s.", left)


def register(app: Quart, settings: Settings) -> None:
    """Ask before every request to ``app``."""
    hosts = Hosts(settings)
    rate = Rate(settings.max_requests_per_minute)

    @app.before_request
    async def check() -> None:
        if not hosts.allow(request.host):
            abort(403, "This server does not answer to that name; ALLOWED_HOSTS can add it.")
        # There is no login yet, so a page of another site must not act through its visitors.
        origin = request.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.host
        if foreign and request.method not in SAFE_METHODS:
            abort(403, "This request comes from another site.")
        if settings.max_requests_per_minute and request.endpoint != "static":
            rate.count(request.remote_addr or "")
