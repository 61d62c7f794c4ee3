"""What the commands print for a person."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

COLOURS = {
    "Waiting": "yellow",
    "Processing": "cyan",
    "Ok": "green",
    "Error": "red",
    "Canceled": "bright_black",
    "Removed": "bright_black",
}
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def safe(text: object) -> str:
    """Return untrusted text without markup or control characters, which act on the terminal."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)))


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 row, 5,000 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _coloured(word: str) -> str:
    return f"[{COLOURS.get(word, 'white')}]{word}[/]"


def status(file: Mapping[str, Any]) -> str:
    """Return a status in its colour, with the progress of a running job."""
    shown = _coloured(file["status"])
    if file["status"] == "Processing" and file["progress"] is not None:
        shown += f" {file['progress']:.0%}"
    return shown


def summary(file: Mapping[str, Any]) -> str:
    """Return a file on one line: number, status, name."""
    return f"#{file['id']}  {status(file)}  {safe(file['name'])}"


def listing(files: Iterable[Mapping[str, Any]]) -> Table:
    """Return a table of files."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ID", "Size", "Rows"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("Status", "Uploaded"):
        table.add_column(name, no_wrap=True)
    table.add_column("Name", overflow="fold")
    for file in files:
        rows = "–" if file["rows"] is None else f"{file['rows']:,}"
        uploaded = file["uploaded_at"][:16].replace("T", " ")
        cells = (str(file["id"]), decimal(file["size"]), rows, status(file), uploaded)
        table.add_row(*cells, safe(file["name"]))
    return table


def details(file: Mapping[str, Any]) -> Table:
    """Return a table with everything about one file."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("File", f"{safe(file['name'])} (#{file['id']})")
    table.add_row("Status", status(file) + (f", {file['outcome']}" if file["outcome"] else ""))
    if file["message"]:
        table.add_row("Message", safe(file["message"]))
    exact = f" ({file['size']:,} bytes)" if file["size"] >= 1000 else ""
    table.add_row("Size", decimal(file["size"]) + exact)
    if file["rows"] is not None:
        columns = f", {count(file['columns'], 'column')}" if file["columns"] else ""
        table.add_row("Rows", f"{file['rows']:,}{columns}")
    table.add_row("SHA-256", file["sha256"])
    options = "".join(f", {safe(name)}={safe(value)}" for name, value in file["options"].items())
    table.add_row("Handler", safe(file["handler"]) + options)
    for name in ("uploaded_at", "started_at", "finished_at"):
        if file[name]:
            label = name.partition("_")[0].capitalize()
            table.add_row(label, file[name][:19].replace("T", " ") + " UTC")
    if file["wall_seconds"] is not None:
        table.add_row("Duration", f"{file['wall_seconds']:.2f} s, attempt {file['attempt']}")
    for artifact in file["artifacts"]:
        line = f"{safe(artifact['name'])}  {decimal(artifact['size'])}  {safe(artifact['title'])}"
        table.add_row("Artifact", line)
    return table


def queue(stats: Mapping[str, Any]) -> Table:
    """Return a table of the queue's depth and the workers."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    oldest = stats["oldest_seconds"]
    age = f", oldest for {oldest:.0f} s" if oldest is not None else ""
    table.add_row("Waiting", f"{stats['waiting']:,}{age}")
    table.add_row("Running", f"{stats['running']:,}")
    ended = ", ".join(f"{count:,} {name}" for name, count in stats["throughput"]["ended"].items())
    table.add_row("Last minute", ended or "no files finished")
    for worker in stats["workers"]:
        slots = count(worker["slots"], "slot")
        line = f"{safe(worker['name'])}: {worker['running']} of {slots} busy"
        if worker["silent_seconds"] > 10:
            line += f", [red]no heartbeat for {worker['silent_seconds']:.0f} s[/]"
        elif worker["waits_for"]:
            line += f", waiting for {safe(worker['waits_for'])}"
        table.add_row("Worker", line)
    if not stats["workers"]:
        table.add_row("Worker", "[red]no worker is running[/]")
    return table


def event(kind: str, data: Mapping[str, Any]) -> str:
    """Return one change as a line."""
    if kind == "gap":
        return f"[yellow]{safe(data['detail'])}[/]"
    if kind == "progress":
        return f"{data['file_id']:>8}  {data['progress']:>5.0%}  {safe(data['stage'] or '')}"
    outcome = f"  {data['outcome']}" if data["outcome"] else ""
    return f"{data['file_id']:>8}  {_coloured(data['status'])}{outcome}"


def progress_bars(quiet: bool) -> Progress:
    """Return progress bars of transfers; hidden if ``quiet`` or if no terminal shows them."""
    return Progress(
        TextColumn("{task.description}", table_column=None),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=quiet or not err.is_terminal,
    )
