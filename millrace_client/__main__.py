"""`python -m millrace_client`: the client's commands; errors become a line and an exit status."""

import sys
from collections.abc import Callable, Sequence

import typer

from millrace_client import commands, display
from millrace_client.app import app
from millrace_client.errors import ClientError
from millrace_client.put import put

# In the order in which the help lists them.
_COMMANDS: dict[str, Callable[..., None]] = {
    "put": put,
    "ls": commands.list_files,
    "show": commands.show_file,
    "get": commands.get,
    "rm": commands.rm,
    "retry": commands.retry,
    "watch": commands.watch,
    "stats": commands.stats,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def add_command(name: str, run: Callable[[Sequence[str]], int]) -> None:
    """Offer a command of another program, which parses its arguments and returns its status.

    The first line of its docstring becomes its help.
    """

    def command(context: typer.Context) -> None:
        raise typer.Exit(run(context.args))

    app.command(
        name,
        help=run.__doc__,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(command)


def main() -> None:
    """Run a command; errors become a line and an exit status."""
    try:
        app()
    except ClientError as error:
        display.err.print(f"[red]{display.safe(error)}[/]")
        sys.exit(error.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
