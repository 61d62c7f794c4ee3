"""Access checks before every request: host name, origin and request rate."""

import ipaddress
import time
from collections import Counter
from urllib.parse import urlsplit

from quart import Quart, abort, request

from processing.errors import TooMany
from processing.settings import Settings
from quart_app import messages
from quart_app.messages import counted

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MINUTE = 60.0


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class AllowedHosts:
    """The host names this server responds to.

    Another site can point its own name at our address (DNS rebinding), so that its pages look like
    ours to a browser; it cannot do so with an IP address or localhost.
    """

    def __init__(self, settings: Settings) -> None:
        named = {name.strip().lower() for name in settings.allowed_hosts.split(",")} - {""}
        loopback = settings.host == "localhost" or (
            _is_address(settings.host) and ipaddress.ip_address(settings.host).is_loopback
        )
        self._named = named
        self._any = "*" in named or not (named or loopback)

    def allow(self, host: str) -> bool:
        """Whether a Host header is allowed."""
        name = (urlsplit(f"//{host}").hostname or "").lower()
        return self._any or name in self._named or name == "localhost" or _is_address(name)


class RateLimiter:
    """Limits the requests of each client address per minute."""

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self._requests: Counter[str] = Counter()
        self._window_end = 0.0

    def count(self, address: str) -> None:
        """Count a request. Raises TooMany."""
        now = time.monotonic()
        if now >= self._window_end:
            self._requests.clear()
            self._window_end = now + MINUTE
        self._requests[address] += 1
        if self._requests[address] > self._max_requests:
            seconds = max(1, round(self._window_end - now))
            limit = counted(self._max_requests, "request")
            text = f"Too many requests: the limit is {limit} per minute. Wait {seconds} s."
            raise TooMany(text, seconds)


def register(app: Quart, settings: Settings) -> None:
    """Check every request to ``app``."""
    hosts = AllowedHosts(settings)
    rate = RateLimiter(settings.max_requests_per_minute)

    @app.before_request
    async def check() -> None:
        if not hosts.allow(request.host):
            abort(403, messages.HOST_NOT_ALLOWED)
        # There is no login yet: another site must not act through its visitors' browsers.
        origin = request.headers.get("Origin")
        cross_site = origin is not None and urlsplit(origin).netloc != request.host
        if cross_site and request.method not in SAFE_METHODS:
            abort(403, messages.CROSS_SITE_REQUEST)
        if settings.max_requests_per_minute and request.endpoint != "static":
            rate.count(request.remote_addr or "")
