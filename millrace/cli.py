"""`millrace`: `serve` and `migrate` run here, every other command is the client's.

The command is installed with or without the extras, so each half imports its libraries only when
it is asked for, and a missing extra is named.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

CLIENT_LIBRARIES = frozenset({"typer", "rich", "httpx"})
_EXTRAS = """usage: millrace COMMAND

  serve    Run Millrace on this machine until Ctrl-C
  migrate  Create or update the database tables

The commands for uploading and downloading files need Millrace's extra "client".
"""


def serve(arguments: Sequence[str]) -> int:
    """Run Millrace on this machine until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="millrace serve",
        description="Run Millrace on this machine until Ctrl-C. Data goes to ./media and ./var. "
        "Without DATABASE_URL and REDIS_URL it starts PostgreSQL and Valkey of its own. "
        "Every setting is an environment variable; see docs/settings.md.",
    )
    parser.add_argument("--host", help="address to listen on (HOST, default 127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (PORT, default 8000)")
    chosen = parser.parse_args(arguments)
    for name, value in (("HOST", chosen.host), ("PORT", chosen.port)):
        if value is not None:
            os.environ[name] = value
    from standalone.__main__ import main as run

    return run()


def migrate(arguments: Sequence[str]) -> int:
    """Create or update the database tables."""
    argparse.ArgumentParser(
        prog="millrace migrate",
        description="Create or update the tables of the database that DATABASE_URL "
        "(or POSTGRES_HOST and its companions) names.",
    ).parse_args(arguments)
    from processing.migrations import main as run

    return run()


SERVER_COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"serve": serve, "migrate": migrate}


def _client() -> None:
    """Run the client, whose help also lists the commands of this module."""
    from millrace_client.__main__ import add_command
    from millrace_client.__main__ import main as run

    for name, command in SERVER_COMMANDS.items():
        add_command(name, command)
    run()


def main() -> None:
    """Run the command that the arguments name, or say which extra it needs."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in SERVER_COMMANDS:
        sys.exit(SERVER_COMMANDS[name](sys.argv[2:]))
    try:
        _client()
    except ModuleNotFoundError as error:
        if error.name not in CLIENT_LIBRARIES:
            raise
        if name in ("-h", "--help"):
            print(_EXTRAS, end="")
            return
        sys.exit(
            f"millrace: {error.name} is not installed. "
            'Install Millrace with its extra "client", for example: pip install "<wheel>[client]"'
        )
