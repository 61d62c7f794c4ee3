"""Resumable uploads: they survive dropped connections, server restarts and a killed client.

Protocol: tus 1.0.0, https://tus.io/protocols/resumable-upload
"""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from millrace_client.errors import ClientError, Missing, Unreachable
from millrace_client.resume_store import ResumeStore
from millrace_client.server import CHUNK_BYTES, RETRY_SECONDS, Server, check, unreachable

VERSION = {"Tus-Resumable": "1.0.0"}
OnProgress = Callable[[int], None]


def upload(
    server: Server,
    path: Path,
    fields: Mapping[str, str],
    store: ResumeStore,
    on_progress: OnProgress,
) -> int:
    """Upload a file and return its id.

    ``fields`` names the handler and its options; ``on_progress`` gets the bytes sent so far.

    Raises:
        ClientError: the server refused the file.
        Unreachable: the server stays unavailable through all retries.
    """
    size = path.stat().st_size
    url = store.load(server.address, path, fields)
    offset, file_id = 0, None
    if url is not None:
        try:
            offset, file_id = _offset(server, url)
        except Missing:
            url = None
    if url is None:
        url = _create(server, path, size, fields)
        store.save(server.address, path, fields, url)
    failures = 0
    while file_id is None:
        on_progress(offset)
        before = offset
        try:
            offset, file_id = _send(server, url, path, offset, on_progress)
        except Unreachable:
            if failures >= len(RETRY_SECONDS):
                raise
            time.sleep(RETRY_SECONDS[failures])
            offset, file_id = _offset(server, url)
        failures = 0 if offset > before else failures + 1
    on_progress(size)
    store.delete(server.address, path, fields)
    return file_id


def _create(server: Server, path: Path, size: int, fields: Mapping[str, str]) -> str:
    values = {"filename": path.name, **fields}
    metadata = ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items()
    )
    headers = {**VERSION, "Upload-Length": str(size), "Upload-Metadata": metadata}
    # A repeated request may create a second upload; the unused one expires.
    response = server.request_with_retries("POST", "/uploads", headers=headers)
    return str(httpx.URL(server.address).join(response.headers["Location"]))


def _offset(server: Server, url: str) -> tuple[int, int | None]:
    return _position(server.request_with_retries("HEAD", url, headers=VERSION))


def _position(response: httpx.Response) -> tuple[int, int | None]:
    """Return the bytes that have arrived and, once the upload is complete, the file's id."""
    file_id = response.headers.get("Millrace-File")
    return int(response.headers["Upload-Offset"]), int(file_id) if file_id else None


def _send(
    server: Server, url: str, path: Path, offset: int, on_progress: OnProgress
) -> tuple[int, int | None]:
    def chunks() -> Iterator[bytes]:
        sent = offset
        with path.open("rb") as file:
            file.seek(offset)
            while data := file.read(CHUNK_BYTES):
                yield data
                sent += len(data)
                on_progress(sent)

    headers: dict[str, Any] = {
        **VERSION,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(path.stat().st_size - offset),
    }
    try:
        response = server.http.patch(url, content=chunks(), headers=headers)
    except httpx.HTTPError as error:
        raise unreachable(server.address, error) from error
    except OSError as error:
        raise ClientError(f"{path}: {error.strerror}") from error
    if response.status_code == httpx.codes.CONFLICT:
        raise Unreachable(response.json()["detail"])  # the offset moved: the caller asks for it
    check(response)
    return _position(response)
