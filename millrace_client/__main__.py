"""`millrace`: send files, follow them, fetch what was made of them."""

import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.filesize import decimal

from millrace_client import resumable, screens
from millrace_client.errors import ClientError, Missing
from millrace_client.server import Server, check, unreachable

EXIT_CODES = """
Exit status: 0 done; 1 refused, or a file did not end as Ok; 2 wrong usage; 3 the server does not
answer; 4 no such file or artifact; 130 interrupted.
"""
app = typer.Typer(
    name="millrace",
    help="Send CSV files to a Millrace server, follow them, fetch what was made of them."
    + EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Ids = Annotated[list[int], typer.Argument(metavar="ID...", min=1, help="Numbers of files.")]
AT_ONCE = 4


class State:
    """What every command needs."""

    server: Server
    memory: resumable.Memory


state = State()


@app.callback()
def start(
    context: typer.Context,
    server: Annotated[
        str, typer.Option(envvar="MILLRACE_URL", help="Address of the server.")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Remember where the server is."""
    state.server = context.with_resource(Server(server))
    state.memory = resumable.Memory(Path(typer.get_app_dir("millrace")) / "uploads")


def show(value: Any) -> None:
    """Print JSON on one line."""
    print(json.dumps(value, ensure_ascii=False))


@app.command()
def put(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files; - is stdin.")],
    handler: Annotated[str, typer.Option(help="What to do with them.")] = "profile",
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", metavar="K=V", help="Of the handler.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until they have ended.")] = False,
    name: Annotated[str, typer.Option(help="Name of what comes from stdin.")] = "stdin.csv",
    as_json: Json = False,
) -> None:
    """Send files. Run it again after a break and it goes on where it was."""
    fields = {"handler": handler, **_options(option or [])}
    with screens.bars(as_json) as bars, ThreadPoolExecutor(AT_ONCE) as pool:

        def send(path: Path) -> int | ClientError:
            try:
                if str(path) == "-":
                    return _put_stdin(name, fields)
                size = path.stat().st_size
                task = bars.add_task(screens.safe(path.name), total=size)
                return resumable.upload(
                    state.server,
                    path,
                    fields,
                    state.memory,
                    lambda done: bars.update(task, completed=done),
                )
            except ClientError as error:
                return error
            except OSError as error:
                return ClientError(f"{path}: {error.strerror}")

        sent = list(pool.map(send, files))
    failure: ClientError | None = None
    for path, result in zip(files, sent, strict=True):
        try:
            if isinstance(result, ClientError):
                raise result
            _tell(result, wait=wait, as_json=as_json)
        except ClientError as error:
            failure = failure or error
            screens.err.print(f"[red]{screens.safe(path)}: {screens.safe(error)}[/]")
    if failure is not None:
        raise typer.Exit(failure.status)


def _options(pairs: list[str]) -> dict[str, str]:
    fields = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not K=V", param_hint="--option")
        fields[f"option.{key}"] = value
    return fields


def _put_stdin(name: str, fields: dict[str, str]) -> int:
    chunks = iter(lambda: sys.stdin.buffer.read(1024 * 1024), b"")
    try:
        response = state.server.http.put(f"/files/{name}", content=chunks, params=fields)
    except httpx.HTTPError as error:
        raise unreachable(state.server.address, error) from error
    check(response)
    return int(response.json()["file"]["id"])


def _tell(file_id: int, *, wait: bool, as_json: bool) -> None:
    """Print a file that was sent, at its end if someone waits for it."""
    if wait:
        *_, file = state.server.wait(file_id)
    else:
        file = state.server.get(f"/files/{file_id}")
    if as_json:
        show(file)
    else:
        words = f"no. {file_id}  {screens.status(file)}  {screens.safe(file['name'])}"
        if file["rows"] is not None:
            words += f"  {file['rows']:,} rows"
        screens.out.print(words)
    if wait and file["status"] != "Ok":
        raise ClientError(file["message"] or f"ended as {file['status']}")


@app.command("ls")
def list_files(
    status: Annotated[list[str] | None, typer.Option(help="Only with this status.")] = None,
    search: Annotated[str, typer.Option(help="Only names that contain this.")] = "",
    sort: Annotated[str, typer.Option(help="id, name, size, rows, seconds; -… down.")] = "-id",
    limit: Annotated[int, typer.Option(min=1, help="Most files.")] = 20,
    as_json: Json = False,
) -> None:
    """List files, newest first."""
    found = state.server.files(limit, status=status or [], q=search, sort=sort)
    if as_json:
        show(found)
    elif found:
        screens.out.print(screens.listing(found))
    else:
        screens.err.print("Nothing there.")


@app.command("show")
def show_file(file_id: Annotated[int, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Show one file; with --json also what the handler found out."""
    file = state.server.get(f"/files/{file_id}")
    if not as_json:
        screens.out.print(screens.details(file))
        return
    try:
        file["result"] = state.server.get(f"/files/{file_id}/result")
    except ClientError:
        file["result"] = None
    show(file)


@app.command()
def get(
    file_id: Annotated[int, typer.Argument(metavar="ID")],
    artifact: Annotated[
        str, typer.Argument(help="Its name, or “original”; the first one if none is said.")
    ] = "",
    output: Annotated[Path | None, typer.Option("--output", "-O", help="Where to write.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch what was made of a file, or the file itself. Goes on after a break."""
    file = state.server.get(f"/files/{file_id}")
    known = {item["name"]: item for item in file["artifacts"]}
    chosen = artifact or next(iter(known), "")
    if chosen == "original":
        url, fallback = file["original_url"], file["name"]
    elif chosen in known:
        url, fallback = known[chosen]["url"], f"{Path(file['name']).stem}.{chosen}"
    else:
        names = ", ".join([*known, "original"])
        raise Missing(f"File {file_id} is {file['status']}; there is: {names}.")
    # A name comes from whoever sent the file: only its last component is used.
    target = output or Path(Path(fallback).name)
    size = 0
    with screens.bars(as_json) as bars:
        task = bars.add_task(screens.safe(target.name), total=None)
        for size, total in state.server.download(url, target):
            bars.update(task, completed=size, total=total)
    if as_json:
        show({"path": str(target), "size": size})
    else:
        screens.out.print(f"{screens.safe(target)}  {decimal(size)}")


def _each(ids: list[int], method: str, suffix: str, as_json: bool) -> None:
    failure: ClientError | None = None
    for file_id in ids:
        try:
            file = state.server.request(method, f"/files/{file_id}{suffix}").json()
        except ClientError as error:
            failure = failure or error
            screens.err.print(f"[red]{file_id}: {screens.safe(error)}[/]")
            continue
        if as_json:
            show(file)
        else:
            name = screens.safe(file["name"])
            screens.out.print(f"no. {file_id}  {screens.status(file)}  {name}")
    if failure is not None:
        raise typer.Exit(failure.status)


@app.command()
def rm(ids: Ids, as_json: Json = False) -> None:
    """Cancel files that have not ended; remove the data of those that are Ok."""
    _each(ids, "DELETE", "", as_json)


@app.command()
def retry(ids: Ids, as_json: Json = False) -> None:
    """Start files afresh that ended as Error or Canceled."""
    _each(ids, "POST", "/retry", as_json)


@app.command()
def watch(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", min=1, help="Only these files.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Follow every change, live, until interrupted."""
    # There is nothing to clean up, and an interrupt that Python raises inside a finalizer would be
    # swallowed there: the kernel ends this one, and a shell sees 130.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for kind, data in state.server.events(ids or []):
        if as_json:
            show({"type": kind, **data})
        else:
            screens.out.print(screens.event(kind, data))
        sys.stdout.flush()


@app.command()
def stats(as_json: Json = False) -> None:
    """Say how the queue stands and who works."""
    found = state.server.get("/queue")
    if as_json:
        show(found)
    else:
        screens.out.print(screens.queue(found))


def main() -> None:
    """Run a command; errors become a line and an exit status."""
    try:
        app()
    except ClientError as error:
        screens.err.print(f"[red]{screens.safe(error)}[/]")
        sys.exit(error.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
