"""Sends uploads over plain sockets, so that what is measured is the server."""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BOUNDARY = b"millrace-benchmark"
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where to send, and whether as a form or as the body."""

    port: int
    path: str
    form: bool


def request(server: Server, size: int, piece: bytes, connection: socket.socket) -> None:
    """Send one upload of ``size`` bytes and read the answer. Raises RuntimeError if refused."""
    head = tail = b""
    if server.form:
        head = (
            b'--%b\r\nContent-Disposition: form-data; name="file"; filename="b.csv"\r\n'
            b"Content-Type: text/csv\r\n\r\n" % BOUNDARY
        )
        tail = b"\r\n--%b--\r\n" % BOUNDARY
    kind = b"multipart/form-data; boundary=%b" % BOUNDARY if server.form else b"text/csv"
    connection.sendall(
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (server.path.encode(), kind, len(head) + size + len(tail), head)
    )
    left = size
    while left > 0:
        connection.sendall(piece[:left] if left < len(piece) else piece)
        left -= len(piece)
    connection.sendall(tail)
    _read_answer(connection)


def _read_answer(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.split()[1].startswith(b"2"):
        raise RuntimeError(data[:2000].decode("latin-1"))
    lowered = head.lower()
    if b"content-length:" in lowered:
        length = int(lowered.split(b"content-length:")[1].split()[0])
        while len(body) < length:
            body += _receive(connection)
    else:
        while not body.endswith(b"0\r\n\r\n"):
            body += _receive(connection)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the server hung up")
    return data


def send(server: Server, size: int, count: int, at_once: int) -> tuple[float, list[float]]:
    """Send ``count`` uploads over ``at_once`` connections; return the seconds, and of each."""
    piece = (b"12345,some words,67.89\n" * (PIECE_BYTES // 23 + 1))[:PIECE_BYTES]
    left = list(range(count))
    lock = threading.Lock()
    took: list[float] = []
    failures: list[Exception] = []

    def work() -> None:
        connection = _connect(server)
        with connection:
            while True:
                with lock:
                    if not left or failures:
                        return
                    left.pop()
                began = time.perf_counter()
                try:
                    request(server, size, piece, connection)
                except (RuntimeError, OSError) as error:
                    failures.append(error)
                    return
                took.append(time.perf_counter() - began)

    began = time.perf_counter()
    _together([work] * at_once)
    if failures:
        raise failures[0]
    return time.perf_counter() - began, took


def _connect(server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=300)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _together(works: Sequence[Any]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
