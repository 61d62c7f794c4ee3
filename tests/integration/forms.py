"""Multipart bodies, byte by byte."""

from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import Headers

BOUNDARY = "----boundary"


def part(name: str, body: bytes, extra: str = "", content_type: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n'
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return head.encode() + b"\r\n" + body + b"\r\n"


def csv_part(body: bytes = b"a,b\n1,2\n", name: str = "a.csv", kind: str = "text/csv") -> bytes:
    return part("file", body, f'; filename="{name}"', kind)


async def post(
    client: Client, *parts: bytes, path: str = "/processing_file/", **headers: str
) -> tuple[int, str]:
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    sent = Headers({"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **named})
    response = await client.post(path, data=body, headers=sent)
    return response.status_code, await response.get_data(as_text=True)
