"""The server's API as functions."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from millrace_client.errors import ClientError, Missing, Unreachable

# Above the server's heartbeat of 15 s, so that a silent connection is a dead one.
SILENCE_SECONDS = 40.0
WAIT_SECONDS = 30
CHUNK_BYTES = 1024 * 1024
# How often and how long apart something is tried again that may work later.
RETRY_SECONDS = (0.2, 0.5, 1, 2, 4, 8, 15)


class Server:
    """One Millrace."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=10)
        self.http = httpx.Client(base_url=f"{self.address}/api/v1", timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask once.

        Raises:
            Unreachable: no answer.
            Missing: there is no such thing.
            ClientError: the server refused; the text says why.
        """
        try:
            response = self.http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise unreachable(self.address, error) from error
        check(response)
        return response

    def patient(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask again while the server is away or busy; for what may be asked twice."""
        for seconds in RETRY_SECONDS:
            try:
                return self.request(method, path, **more)
            except Unreachable:
                time.sleep(seconds)
        return self.request(method, path, **more)

    def get(self, path: str, **parameters: Any) -> Any:
        """Get JSON."""
        return self.patient("GET", path, params=parameters).json()

    def files(self, limit: int, **parameters: Any) -> list[dict[str, Any]]:
        """List at most ``limit`` files, over as many pages as it takes."""
        found: list[dict[str, Any]] = []
        after = ""
        while len(found) < limit:
            page_size = min(1000, limit - len(found))
            page = self.get("/files", limit=page_size, after=after, **parameters)
            found += page["files"]
            if page["next"] is None:
                break
            after = page["next"]
        return found

    def wait(self, file_id: int) -> Iterator[dict[str, Any]]:
        """Yield a file again and again until it has ended."""
        while True:
            file = self.get(f"/files/{file_id}", wait=WAIT_SECONDS)
            yield file
            if file["finished_at"] is not None:
                return

    def download(self, url: str, target: Path) -> Iterator[tuple[int, int]]:
        """Fetch ``url`` into ``target``; yield bytes so far and in all.

        What a broken connection left in ``<target>.part`` is gone on with.
        """
        partial = target.with_name(f"{target.name}.part")
        tags = target.with_name(f"{target.name}.part.etag")
        for seconds in (*RETRY_SECONDS, None):
            have = partial.stat().st_size if partial.exists() and tags.exists() else 0
            headers = {"Range": f"bytes={have}-", "If-Range": tags.read_text()} if have else {}
            try:
                with self.http.stream("GET", f"{self.address}{url}", headers=headers) as response:
                    if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                        have = 0
                        partial.unlink()
                        continue
                    if response.is_error:
                        response.read()
                    check(response)
                    tags.write_text(response.headers.get("ETag", ""))
                    resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
                    have = have if resumed else 0
                    total = have + int(response.headers["Content-Length"])
                    with partial.open("ab" if resumed else "wb") as file:
                        for chunk in response.iter_bytes(CHUNK_BYTES):
                            file.write(chunk)
                            have += len(chunk)
                            yield have, total
                break
            except (httpx.HTTPError, Unreachable) as error:
                if seconds is None:
                    raise unreachable(self.address, error) from error
                time.sleep(seconds)
        partial.replace(target)
        tags.unlink(missing_ok=True)

    def events(self, ids: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Follow changes for ever: (type, data); goes on where it was after a break."""
        last, failures = "", 0
        while True:
            try:
                with self._stream(ids, last) as response:
                    for kind, data, entry_id in parse_events(response.iter_lines()):
                        failures = 0
                        last = entry_id or last
                        yield kind, data
            except (httpx.HTTPError, Unreachable) as error:
                if failures >= len(RETRY_SECONDS):
                    raise unreachable(self.address, error) from error
                time.sleep(RETRY_SECONDS[failures])
                failures += 1

    @contextmanager
    def _stream(self, ids: list[int], last: str) -> Iterator[httpx.Response]:
        parameters: dict[str, Any] = {"file": ids} if ids else {}
        headers = {"Last-Event-ID": last} if last else {}
        with self.http.stream("GET", "/events", params=parameters, headers=headers) as response:
            if response.is_error:
                response.read()
            check(response)
            yield response


def parse_events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Read Server-Sent Events: (type, data, id)."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            yield fields.get("event", "message"), json.loads(fields["data"]), fields.get("id", "")
        fields = {}


def check(response: httpx.Response) -> None:
    """Raise what a response says went wrong."""
    if not response.is_error:
        return
    try:
        problem: Mapping[str, Any] = response.json()
        text = str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        text = f"HTTP {response.status_code} {response.reason_phrase}"
    if response.status_code == httpx.codes.NOT_FOUND:
        raise Missing(text)
    if response.status_code in (423, 429, 502, 503, 504):
        raise Unreachable(text)
    raise ClientError(text)


def unreachable(address: str, error: Exception) -> Unreachable:
    """Say that a server does not answer, and why."""
    return Unreachable(f"{address} does not answer: {error or type(error).__name__}")
