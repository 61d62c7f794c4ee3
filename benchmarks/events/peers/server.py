"""The peer: sse-starlette with one reader for all clients, and Starlette rendering the page.

python server.py PORT REDIS_URL STREAM DATABASE_DSN
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import asyncpg
import uvicorn
from jinja2 import Environment, FileSystemLoader
from redis.asyncio import Redis
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

PORT, REDIS_URL, STREAM, DSN = sys.argv[1:]
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, enable_async=True
)
ROWS = "SELECT * FROM processing_file ORDER BY id DESC LIMIT 50"


def create():  # noqa: C901 -- one page, as its documentation writes it
    clients = set()
    state = {}

    async def table():
        rows = await state["pool"].fetch(ROWS)
        return await TEMPLATES.get_template("table.html").render_async(files=rows)

    async def read():
        redis = Redis.from_url(REDIS_URL, decode_responses=True)
        cursor = "$"
        while True:
            for _, entries in await redis.xread({STREAM: cursor}, block=2000):
                cursor = entries[-1][0]
                event = ServerSentEvent(await table(), event="handlingStatusChanged", id=cursor)
                for queue in clients:
                    # A slow client keeps the newest.
                    if queue.full():
                        queue.get_nowait()
                    queue.put_nowait(event)

    @contextlib.asynccontextmanager
    async def lifespan(_):
        state["pool"] = await asyncpg.create_pool(DSN, min_size=2, max_size=5)
        reader = asyncio.create_task(read())
        yield
        reader.cancel()

    async def events(_):
        queue = asyncio.Queue(maxsize=1)
        clients.add(queue)

        async def messages():
            try:
                yield ServerSentEvent(await table(), event="handlingStatusChanged")
                while True:
                    yield await queue.get()
            finally:
                clients.discard(queue)

        return EventSourceResponse(messages())

    async def page(_):
        return HTMLResponse(await table())

    routes = [Route("/events", events), Route("/", page)]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        create(),
        host="127.0.0.1",
        port=int(PORT),
        loop="uvloop",
        http="httptools",
        log_level="warning",
    )
