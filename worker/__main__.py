"""`python -m worker`: run one worker until SIGTERM."""

import sys


def main() -> int:
    """Return the exit status: 0 after a clean stop, 2 for invalid settings."""
    # Imported here, because every child process imports this module again.
    import uvloop

    from processing import logs, settings
    from processing.errors import InvalidSettings
    from worker.worker import Worker

    try:
        chosen = settings.require_servers(settings.load())
    except InvalidSettings as error:
        print(f"millrace worker: {error}", file=sys.stderr)
        return 2
    logs.configure(chosen.log_format, chosen.log_level)

    async def run() -> None:
        await Worker(chosen).run()

    uvloop.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
