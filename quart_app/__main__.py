"""`python -m quart_app`: serve the page and the API until SIGTERM."""

import asyncio
import logging
import signal
import socket
import sys

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config

from processing import logs, settings
from processing.errors import InvalidSettings
from quart_app.app import create_app
from quart_app.resources import hub

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0


def _config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = STOP_SECONDS
    config.keep_alive_timeout = 75
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    return config


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.set_inheritable(False)
    return listener


async def _serve(chosen: settings.Settings, listener: socket.socket) -> None:
    app = create_app(chosen)
    stopping = asyncio.Event()

    def stop() -> None:
        # Streams end first: the server waits for open responses.
        hub(app).close()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await serve(app, _config(listener), shutdown_trigger=stopping.wait)


def main() -> int:
    """Return the exit status: 0 after a clean stop, 1 for a busy port, 2 for bad settings."""
    try:
        chosen = settings.require_servers(settings.load())
    except InvalidSettings as error:
        print(f"millrace web: {error}", file=sys.stderr)
        return 2
    logs.configure(chosen.log_format, chosen.log_level)
    try:
        listener = _listen(chosen.host, chosen.port)
    except OSError as error:
        print(
            f"millrace web: cannot listen on {chosen.host}:{chosen.port}: {error.strerror}. "
            "Set PORT to a free port.",
            file=sys.stderr,
        )
        return 1
    uvloop.run(_serve(chosen, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
