"""A client for the running programs, and a package of handlers that misbehave."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from processing import repository
from processing.core import Core
from processing.models import ProcessingFile
from processing.states import Status
from tests.conftest import eventually
from tests.programs import Programs
from tests.thirdparty import distribution

HANDLERS = '''
import ctypes, os, signal, subprocess, sys, time
from worker.handlers import Artifact, BadInput, Context, Result, Transient, handler

@handler(title="Count lines")
def lines(context: Context) -> Result:
    """Counts the lines of a file."""
    with open(context.source, "rb") as file:
        return Result(rows=sum(1 for _ in file))

def misbehave(context: Context) -> Result:
    how = context.name.removesuffix(".csv")
    if how == "raise": raise RuntimeError("something \\0 odd")
    if how == "bad-input": raise BadInput("Line 3 is wrong.")
    if how == "transient": raise Transient("The other side is asleep.")
    if how == "not-a-result": return {"rows": 1}
    if how == "segfault": ctypes.string_at(0)
    if how == "os-exit": os._exit(0)
    if how == "sys-exit": sys.exit(3)
    if how == "memory": bytearray(4 << 30)
    if how == "sigkill": os.kill(os.getpid(), signal.SIGKILL)
    if how == "huge-result": return Result(summary={"x": "x" * (20 << 20)})
    if how == "not-finite": return Result(summary={"x": float("nan")})
    if how == "not-json": return Result(summary={"x": object()})
    if how == "no-artifact": return Result(artifacts=[Artifact("never-written.txt", "x")])
    if how == "escape": return Result(artifacts=[Artifact("../original", "x")])
    if how == "link":
        os.symlink("/etc/passwd", context.folder / "link.txt")
        return Result(artifacts=[Artifact("link.txt", "x")])
    if how == "close-pipe":
        for descriptor in range(3, 100):
            try: os.close(descriptor)
            except OSError: pass
        time.sleep(600)
    if how == "burn":
        while True: pass
    if how == "output":
        for number in range(100_000):
            (context.folder / f"{number}.bin").write_bytes(bytes(100_000)); time.sleep(0.005)
    if how == "fork": os.fork()
    if how == "grandchild":
        child = subprocess.Popen(["sleep", "600"])
        (context.source.parent.parent / "grandchild").write_text(str(child.pid))
        for step in range(10_000):
            context.progress(step / 10_000); time.sleep(0.05)
    return Result()

odd = handler(title="Misbehave")(misbehave)
'''


@pytest.fixture(scope="session")
def handler_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third party's distribution, as pip would lay it out."""
    names = {"lines": "lines", "odd": "odd", "broken": "does_not_exist"}
    return distribution(tmp_path_factory.mktemp("site"), HANDLERS, names)


class Client:
    """What a program would do over HTTP, and a look behind."""

    def __init__(self, programs: Programs, core: Core) -> None:
        self.http = httpx.AsyncClient(base_url=programs.address, timeout=20)
        self._core = core

    async def upload(
        self, data: bytes, name: str = "a.csv", handler: str = "profile", **options: object
    ) -> int:
        fields = {"handler": handler, **{f"option.{k}": str(v) for k, v in options.items()}}
        answer = await self.http.post(
            "/processing_file/", data=fields, files={"file": (name, data, "text/csv")}
        )
        assert answer.status_code == 201, answer.text
        return int(answer.headers["location"].split("/")[2])

    async def upload_when_ready(self, data: bytes) -> int:
        async def ready() -> bool:
            return (await self.http.get("/readyz", timeout=60)).status_code == 200

        await eventually(ready)
        return await self.upload(data)

    async def file(self, file_id: int) -> ProcessingFile:
        async with self._core.database.connect() as connection:
            file = await repository.get_file(connection, file_id)
        assert file is not None
        return file

    async def reaches(self, file_id: int, *statuses: Status, seconds: float = 60) -> ProcessingFile:
        async def there() -> Any:
            file = await self.file(file_id)
            return file if file.status in statuses else None

        found = await eventually(there, seconds)
        assert isinstance(found, ProcessingFile)
        return found

    async def ends(self, file_id: int) -> ProcessingFile:
        return await self.reaches(file_id, Status.OK, Status.ERROR, Status.CANCELED)

    async def runs(self, file_id: int) -> ProcessingFile:
        """Wait until the handler has reported progress."""

        async def working() -> Any:
            file = await self.file(file_id)
            return file if file.progress is not None else None

        found = await eventually(working)
        assert isinstance(found, ProcessingFile)
        return found


@pytest.fixture
async def client(programs: Programs, core: Core) -> AsyncIterator[Client]:
    created = Client(programs, core)
    yield created
    await created.http.aclose()
