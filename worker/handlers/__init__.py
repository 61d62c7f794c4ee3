"""What a handler is. Handlers run in child processes and know nothing of queue or database.

A package adds its own under the entry point group ``millrace.handlers``::

    @handler(title="Count lines")
    def count_lines(context: Context) -> Result: ...
"""

from worker.handlers.contract import (
    Artifact,
    BadInput,
    Context,
    Handler,
    NoOptions,
    Result,
    Transient,
    handler,
)

__all__ = [
    "Artifact",
    "BadInput",
    "Context",
    "Handler",
    "NoOptions",
    "Result",
    "Transient",
    "handler",
]
