"""The HTTP API as Python functions."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from millrace_client.errors import ClientError, Missing, Unreachable

# The server sends a heartbeat every 15 s, so a connection silent for longer than this is dead.
READ_TIMEOUT_SECONDS = 40.0
WAIT_SECONDS = 30
CHUNK_BYTES = 1024 * 1024
# Pauses between the attempts of a request that may succeed later.
RETRY_SECONDS = (0.2, 0.5, 1, 2, 4, 8, 15)


class Server:
    """One Millrace server at ``address``, such as ``http://127.0.0.1:8000``."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        timeout = httpx.Timeout(READ_TIMEOUT_SECONDS, connect=10)
        self.http = httpx.Client(base_url=f"{self.address}/api/v1", timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request and return its successful response.

        Raises:
            Unreachable: the server is unavailable.
            Missing: there is no such file, upload or artifact.
            ClientError: the server refused; the message says why.
        """
        try:
            response = self.http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise unreachable(self.address, error) from error
        check(response)
        return response

    def request_with_retries(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Repeat an idempotent request while the server is unavailable or busy."""
        for seconds in RETRY_SECONDS:
            try:
                return self.request(method, path, **more)
            except Unreachable:
                time.sleep(seconds)
        return self.request(method, path, **more)

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON at ``path``, with retries."""
        return self.request_with_retries("GET", path, params=parameters).json()

    def files(self, limit: int, **parameters: Any) -> list[dict[str, Any]]:
        """Return at most ``limit`` files, from as many pages as needed."""
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
        """Yield the current state of a file repeatedly, and its final state last."""
        while True:
            file = self.get(f"/files/{file_id}", wait=WAIT_SECONDS)
            yield file
            if file["finished_at"] is not None:
                return

    def download(self, url: str, target: Path) -> Iterator[tuple[int, int]]:
        """Download ``url`` into ``target``; yield the bytes so far and the total.

        Resumes from ``<target>.part``, which an interrupted download leaves behind.
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
        """Yield (type, data) of every change, without end; resumes after a dropped connection."""
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
    """Yield (type, data, id) of each Server-Sent Event."""
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
    """Raise the error that a response describes, if it is one."""
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
    """Return the error for a server that is unavailable, with the reason."""
    return Unreachable(f"Cannot reach {address}: {str(error) or type(error).__name__}")
