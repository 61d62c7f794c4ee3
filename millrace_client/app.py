"""The Typer application and what all commands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from millrace_client.resume_store import ResumeStore
from millrace_client.server import Server

_EXIT_STATUS = """
Exit status: 0 success; 1 refused by the server, or a file did not end as Ok; 2 wrong usage;
3 server unavailable; 4 no such file or artifact; 130 interrupted.
"""
app = typer.Typer(
    name="millrace",
    help="Upload CSV files to Millrace, follow their progress and download the results."
    + _EXIT_STATUS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FileId = Annotated[int, typer.Argument(metavar="ID", help="File number.")]
FileIds = Annotated[list[int], typer.Argument(metavar="ID", min=1, help="File numbers.")]


class State:
    """What every command needs; set before the command runs."""

    server: Server
    resume_store: ResumeStore


state = State()


@app.callback()
def _connect(
    context: typer.Context,
    server: Annotated[
        str, typer.Option(envvar="MILLRACE_URL", help="Server address.")
    ] = "http://127.0.0.1:8000",
) -> None:
    state.server = context.with_resource(Server(server))
    state.resume_store = ResumeStore(Path(typer.get_app_dir("millrace")) / "uploads")


def print_json(value: Any) -> None:
    """Print ``value`` as JSON on one line."""
    print(json.dumps(value, ensure_ascii=False))
