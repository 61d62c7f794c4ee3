"""The commands that list, show, download, cancel, retry and follow files."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from millrace_client import display
from millrace_client.app import FileId, FileIds, Json, print_json, state
from millrace_client.errors import ClientError, Missing


def list_files(
    status: Annotated[
        list[str] | None, typer.Option(help="Only files with this status (repeatable).")
    ] = None,
    search: Annotated[str, typer.Option(help="Only names that contain this text.")] = "",
    sort: Annotated[
        str,
        typer.Option(
            help="Sort key: id, name, size, rows or seconds; prefix with - for descending."
        ),
    ] = "-id",
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of files.")] = 20,
    as_json: Json = False,
) -> None:
    """List files, newest first."""
    found = state.server.files(limit, status=status or [], q=search, sort=sort)
    if as_json:
        print_json(found)
    elif found:
        display.out.print(display.listing(found))
    else:
        display.err.print("No matching files.")


def show_file(file_id: FileId, as_json: Json = False) -> None:
    """Show one file; --json includes the handler's result."""
    file = state.server.get(f"/files/{file_id}")
    if not as_json:
        display.out.print(display.details(file))
        return
    try:
        file["result"] = state.server.get(f"/files/{file_id}/result")
    except ClientError:
        file["result"] = None
    print_json(file)


def get(
    file_id: FileId,
    artifact: Annotated[
        str, typer.Argument(help='Artifact name or "original" (default: first artifact).')
    ] = "",
    output: Annotated[Path | None, typer.Option("--output", "-O", help="Path to write to.")] = None,
    as_json: Json = False,
) -> None:
    """Download an artifact or the original file. Re-run after an interruption to resume."""
    file = state.server.get(f"/files/{file_id}")
    artifacts = {item["name"]: item for item in file["artifacts"]}
    chosen = artifact or next(iter(artifacts), "")
    if chosen == "original":
        url, default_name = file["original_url"], file["name"]
    elif chosen in artifacts:
        url, default_name = artifacts[chosen]["url"], f"{Path(file['name']).stem}.{chosen}"
    else:
        names = ", ".join([*artifacts, "original"])
        wanted = f"has no artifact {chosen!r}" if chosen else "has no artifacts"
        raise Missing(f"File {file_id} ({file['status']}) {wanted}. Available: {names}.")
    # The uploader chose the name: only its last component is used.
    target = output or Path(Path(default_name).name)
    size = 0
    with display.progress_bars(as_json) as bars:
        bar = bars.add_task(display.safe(target.name), total=None)
        for size, total in state.server.download(url, target):
            bars.update(bar, completed=size, total=total)
    if as_json:
        print_json({"path": str(target), "size": size})
    else:
        display.out.print(f"{display.safe(target)}  {decimal(size)}")


def rm(ids: FileIds, as_json: Json = False) -> None:
    """Cancel unfinished files; delete finished ones."""
    _request_each(ids, "DELETE", "", as_json)


def retry(ids: FileIds, as_json: Json = False) -> None:
    """Retry failed or cancelled files."""
    _request_each(ids, "POST", "/retry", as_json)


def _request_each(ids: list[int], method: str, suffix: str, as_json: bool) -> None:
    """Send one request per file; errors do not stop the others, the first sets the exit status."""
    failure: ClientError | None = None
    for file_id in ids:
        try:
            file = state.server.request(method, f"/files/{file_id}{suffix}").json()
        except ClientError as error:
            failure = failure or error
            display.err.print(f"[red]#{file_id}: {display.safe(error)}[/]")
            continue
        if as_json:
            print_json(file)
        else:
            display.out.print(display.summary(file))
    if failure is not None:
        raise typer.Exit(failure.status)


def watch(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="ID", min=1, help="Only these files (default: all)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Follow changes live until Ctrl-C."""
    # Python would swallow an interrupt that arrives inside a finalizer. There is nothing to clean
    # up, so the kernel ends the process and a shell sees 130.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for kind, data in state.server.events(ids or []):
        if as_json:
            print_json({"type": kind, **data})
        else:
            display.out.print(display.event(kind, data))
        sys.stdout.flush()


def stats(as_json: Json = False) -> None:
    """Show queue depth and workers."""
    found = state.server.get("/queue")
    if as_json:
        print_json(found)
    else:
        display.out.print(display.queue(found))
