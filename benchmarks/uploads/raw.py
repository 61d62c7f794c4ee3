"""The floor: our server and framework with a body that goes straight into a file, no more.

python -m benchmarks.uploads.raw PORT FOLDER
"""

import asyncio
import sys
import uuid
from pathlib import Path

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, request

from quart_app.http.backpressure import BackpressureConnection, BackpressureRequest

WRITE_BYTES = 512 * 1024


def create(folder: Path) -> Quart:
    """Return the application."""
    app = Quart(__name__)
    app.config["MAX_CONTENT_LENGTH"] = app.config["BODY_TIMEOUT"] = None
    app.asgi_http_class = BackpressureConnection
    app.request_class = BackpressureRequest

    @app.post("/upload")
    async def upload() -> dict[str, int]:
        pending = bytearray()
        with (folder / uuid.uuid4().hex).open("wb") as target:
            async for chunk in request.body:
                pending += chunk
                if len(pending) >= WRITE_BYTES:
                    await asyncio.to_thread(target.write, bytes(pending))
                    pending.clear()
            target.write(pending)
        return {"size": 0}

    return app


def main() -> None:
    """Serve until killed."""
    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    config.accesslog = config.errorlog = None
    uvloop.run(serve(create(Path(sys.argv[2])), config))


if __name__ == "__main__":
    main()
