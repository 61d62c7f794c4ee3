"""The peers: what one writes with FastAPI, or with Starlette and a streaming parser.

python servers.py fastapi|starlette PORT FOLDER
"""

import hashlib
import os
import sys
import uuid

import uvicorn

FOLDER = sys.argv[3]


def fastapi_app():
    """UploadFile, then saved in pieces: the pattern of most tutorials."""
    from fastapi import FastAPI, UploadFile

    app = FastAPI()

    @app.post("/upload")
    async def upload(file: UploadFile):
        with open(os.path.join(FOLDER, uuid.uuid4().hex), "wb") as target:
            while data := await file.read(1024 * 1024):
                target.write(data)
        return {"size": file.size}

    return app


def starlette_app():
    """Parsed while it arrives and written at once, with a digest, as Millrace does."""
    from python_multipart.multipart import MultipartParser, parse_options_header
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def upload(request):
        _, options = parse_options_header(request.headers["content-type"])
        digest = hashlib.sha256()
        with open(os.path.join(FOLDER, uuid.uuid4().hex), "wb") as target:

            def part(data, start, end):
                piece = data[start:end]
                target.write(piece)
                digest.update(piece)

            parser = MultipartParser(options[b"boundary"], {"on_part_data": part})
            async for chunk in request.stream():
                parser.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        return JSONResponse({"sha256": digest.hexdigest()})

    return Starlette(routes=[Route("/upload", upload, methods=["POST"])])


if __name__ == "__main__":
    application = {"fastapi": fastapi_app, "starlette": starlette_app}[sys.argv[1]]()
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
    )
