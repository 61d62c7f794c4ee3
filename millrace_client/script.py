"""The entry point of the `millrace` script, which is installed also where its libraries are not."""

import sys


def main() -> None:
    """Run the client, or say what it lacks."""
    try:
        from millrace_client.__main__ import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"millrace: {error.name} is not installed; install Millrace with its extra “client”"
        )
    run()
