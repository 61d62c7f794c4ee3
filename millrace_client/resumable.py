"""Uploads that go on after anything: a broken connection, a restart of the server, a kill of us.

Protocol: tus 1.0.0, https://tus.io/protocols/resumable-upload
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from millrace_client.errors import ClientError, Missing, Unreachable
from millrace_client.server import CHUNK_BYTES, RETRY_SECONDS, Server, check, unreachable

VERSION = {"Tus-Resumable": "1.0.0"}
Report = Callable[[int], None]


class Memory:
    """Remembers unfinished uploads between runs, one small file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _note(self, server: Server, path: Path, fields: Mapping[str, str]) -> Path:
        facts = path.stat()
        told = [
            server.address,
            str(path.absolute()),
            facts.st_size,
            facts.st_mtime_ns,
            dict(fields),
        ]
        name = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"

    def recall(self, server: Server, path: Path, fields: Mapping[str, str]) -> str | None:
        """The address of an upload of this very file that was begun before."""
        try:
            return str(json.loads(self._note(server, path, fields).read_text())["url"])
        except (OSError, ValueError, KeyError):
            return None

    def keep(self, server: Server, path: Path, fields: Mapping[str, str], url: str) -> None:
        """Remember an upload. It is a help, no need: a folder that is read-only is passed over."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            note = self._note(server, path, fields)
            note.touch(mode=0o600)
            note.write_text(json.dumps({"url": url, "path": str(path)}))
        except OSError:
            return

    def forget(self, server: Server, path: Path, fields: Mapping[str, str]) -> None:
        """It is whole."""
        try:
            self._note(server, path, fields).unlink(missing_ok=True)
        except OSError:
            return


def upload(
    server: Server, path: Path, fields: Mapping[str, str], memory: Memory, report: Report
) -> int:
    """Send a file and return the id it got; ``report`` hears how many bytes have arrived.

    Raises:
        ClientError: the server refused it.
        Unreachable: the server stays away.
    """
    size = path.stat().st_size
    url = memory.recall(server, path, fields)
    offset, file_id = 0, None
    if url is not None:
        try:
            offset, file_id = _offset(server, url)
        except Missing:
            url = None
    if url is None:
        url = _begin(server, path, size, fields)
        memory.keep(server, path, fields, url)
    failures = 0
    while file_id is None:
        report(offset)
        before = offset
        try:
            offset, file_id = _send(server, url, path, offset, report)
        except Unreachable:
            if failures >= len(RETRY_SECONDS):
                raise
            time.sleep(RETRY_SECONDS[failures])
            offset, file_id = _offset(server, url)
        failures = 0 if offset > before else failures + 1
    report(size)
    memory.forget(server, path, fields)
    return file_id


def _begin(server: Server, path: Path, size: int, fields: Mapping[str, str]) -> str:
    told = {"filename": path.name, **fields}
    metadata = ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items()
    )
    headers = {**VERSION, "Upload-Length": str(size), "Upload-Metadata": metadata}
    # Asked twice it may begin two; the other one expires.
    response = server.patient("POST", "/uploads", headers=headers)
    return str(httpx.URL(server.address).join(response.headers["Location"]))


def _offset(server: Server, url: str) -> tuple[int, int | None]:
    return _told(server.patient("HEAD", url, headers=VERSION))


def _told(response: httpx.Response) -> tuple[int, int | None]:
    file_id = response.headers.get("Millrace-File")
    return int(response.headers["Upload-Offset"]), int(file_id) if file_id else None


def _send(
    server: Server, url: str, path: Path, offset: int, report: Report
) -> tuple[int, int | None]:
    def pieces() -> Iterator[bytes]:
        sent = offset
        with path.open("rb") as file:
            file.seek(offset)
            while data := file.read(CHUNK_BYTES):
                yield data
                sent += len(data)
                report(sent)

    headers: dict[str, Any] = {
        **VERSION,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(path.stat().st_size - offset),
    }
    try:
        response = server.http.patch(url, content=pieces(), headers=headers)
    except httpx.HTTPError as error:
        raise unreachable(server.address, error) from error
    except OSError as error:
        raise ClientError(f"{path}: {error.strerror}") from error
    if response.status_code == httpx.codes.CONFLICT:
        raise Unreachable(response.json()["detail"])  # the offset moved: ask where it stands
    check(response)
    return _told(response)
