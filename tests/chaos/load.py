"""A load of mixed jobs, and a client that watches."""

import asyncio
import random
import re

import httpx

from processing.states import Status

# What a file of each kind may end as, if nobody deletes it.
ENDS = {
    "good": {Status.OK},
    "slow": {Status.OK},
    "bad": {Status.ERROR},
    "nonsense": {Status.ERROR},
}
DELETED = {Status.CANCELED, Status.REMOVED}


class Load:
    """Uploads and deletes files until it is stopped; ``accepted`` maps their ids to their kinds."""

    def __init__(self, address: str, seed: int) -> None:
        self._http = httpx.AsyncClient(base_url=address, timeout=20)
        self._random = random.Random(seed)
        self.accepted: dict[int, str] = {}
        self.deleted: set[int] = set()
        self.refused = 0

    async def run(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(self._upload(stopping))
            group.create_task(self._delete(stopping))

    async def _upload(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            kind = self._random.choice(list(ENDS))
            fields, data = self._job(kind)
            try:
                answer = await self._http.post(
                    "/processing_file/",
                    data=fields,
                    files={"file": (f"{kind}.csv", data, "text/csv")},
                )
            except httpx.TransportError:
                self.refused += 1
            else:
                if answer.status_code == 201:
                    self.accepted[int(answer.headers["location"].split("/")[2])] = kind
                else:
                    assert answer.status_code == 503, answer.text
                    self.refused += 1
            await asyncio.sleep(self._random.uniform(0.02, 0.2))

    def _job(self, kind: str) -> tuple[dict[str, str], bytes]:
        rows = self._random.randint(1, 500)
        if kind == "slow":
            seconds = f"{self._random.uniform(0.2, 2.5):.2f}"
            return {"handler": "emulate", "option.seconds": seconds}, b"a\n1\n"
        if kind == "nonsense":
            return {"handler": "emulate", "option.seconds": "never"}, b"a\n1\n"
        if kind == "bad":
            return {}, b"\x00" * rows
        return {}, b"a,b\n" + b"1,x\n" * rows

    async def _delete(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await asyncio.sleep(self._random.uniform(0.1, 0.6))
            left = sorted(self.accepted.keys() - self.deleted)
            if not left:
                continue
            file_id = self._random.choice(left[-10:])
            # Whether it was heard or not, the file may end either way from now on.
            self.deleted.add(file_id)
            try:
                await self._http.delete(f"/processing_file/{file_id}/")
            except httpx.TransportError:
                continue

    async def close(self) -> None:
        await self._http.aclose()


class Watcher:
    """An SSE client that comes back with its last id, like a browser."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._last_id = ""
        self.table = ""
        self.events = 0
        self.gaps = 0
        self.connections = 0

    async def run(self) -> None:
        async with httpx.AsyncClient(base_url=self._address, timeout=30) as http:
            while True:
                try:
                    await self._follow(http)
                except httpx.TransportError:
                    await asyncio.sleep(0.2)

    async def _follow(self, http: httpx.AsyncClient) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        url = "/processing_file/listen-updates/"
        async with http.stream("GET", url, headers=headers) as stream:
            self.connections += 1
            event, data = "", list[str]()
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    data.append(value)
                elif name == "id":
                    self._last_id = value
                elif line == "" and data:
                    self._take(event, "\n".join(data))
                    event, data = "", []
        await asyncio.sleep(0.1)

    def _take(self, event: str, data: str) -> None:
        self.events += 1
        if event == "gap":
            self.gaps += 1
        elif event == "handlingStatusChanged":
            self.table = data

    def statuses(self) -> dict[int, str]:
        """Id → status, as the last table shows them."""
        rows = re.findall(r'<tr id="file-(\d+)" class="is-(\w+)"', self.table)
        return {int(file_id): status for file_id, status in rows}
