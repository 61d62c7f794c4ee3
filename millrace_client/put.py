"""`millrace put`: upload files and, if asked, wait for their results."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import httpx
import typer

from millrace_client import display, resumable
from millrace_client.app import Json, print_json, state
from millrace_client.errors import ClientError
from millrace_client.server import CHUNK_BYTES, check, unreachable

CONCURRENT_UPLOADS = 4


def put(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="CSV files; - reads standard input.")
    ],
    handler: Annotated[str, typer.Option(help="Handler that processes the files.")] = "profile",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="NAME=VALUE",
            help='Handler option, for example -o delimiter=";" (repeatable).',
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the results.")] = False,
    name: Annotated[str, typer.Option(help="File name for standard input.")] = "stdin.csv",
    as_json: Json = False,
) -> None:
    """Upload files. Re-run after an interruption to resume."""
    fields = {"handler": handler, **_options(option or [])}
    results = _upload_all(files, name, fields, quiet=as_json)
    failure: ClientError | None = None
    for path, result in zip(files, results, strict=True):
        try:
            if isinstance(result, ClientError):
                raise result
            _print_result(result, wait=wait, as_json=as_json)
        except ClientError as error:
            failure = failure or error
            display.err.print(f"[red]{display.safe(path)}: {display.safe(error)}[/]")
    if failure is not None:
        raise typer.Exit(failure.status)


def _options(pairs: list[str]) -> dict[str, str]:
    fields = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--option")
        fields[f"option.{key}"] = value
    return fields


def _upload_all(
    files: list[Path], stdin_name: str, fields: dict[str, str], *, quiet: bool
) -> list[int | ClientError]:
    """Upload several files at once; return the id or the error of each, in order."""
    with display.progress_bars(quiet) as bars, ThreadPoolExecutor(CONCURRENT_UPLOADS) as pool:

        def upload(path: Path) -> int | ClientError:
            try:
                if str(path) == "-":
                    return _upload_stdin(stdin_name, fields)
                size = path.stat().st_size
                bar = bars.add_task(display.safe(path.name), total=size)
                return resumable.upload(
                    state.server,
                    path,
                    fields,
                    state.resume_store,
                    lambda sent: bars.update(bar, completed=sent),
                )
            except ClientError as error:
                return error
            except OSError as error:
                return ClientError(f"{path}: {error.strerror}")

        return list(pool.map(upload, files))


def _upload_stdin(name: str, fields: dict[str, str]) -> int:
    chunks = iter(lambda: sys.stdin.buffer.read(CHUNK_BYTES), b"")
    try:
        response = state.server.http.put(f"/files/{name}", content=chunks, params=fields)
    except httpx.HTTPError as error:
        raise unreachable(state.server.address, error) from error
    check(response)
    return int(response.json()["file"]["id"])


def _print_result(file_id: int, *, wait: bool, as_json: bool) -> None:
    """Print an uploaded file, with ``wait`` once it has ended.

    Raises:
        ClientError: with ``wait``, if it did not end as Ok.
    """
    if wait:
        *_, file = state.server.wait(file_id)
    else:
        file = state.server.get(f"/files/{file_id}")
    if as_json:
        print_json(file)
    else:
        rows = "" if file["rows"] is None else f"  {display.count(file['rows'], 'row')}"
        display.out.print(display.summary(file) + rows)
    if wait and file["status"] != "Ok":
        raise ClientError(file["message"] or f"ended as {file['status']}")
