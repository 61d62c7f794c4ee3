"""Keeps a core busy for a chosen time: a stand-in for heavy work."""

import time

from pydantic import BaseModel, ConfigDict, Field

from worker.handlers.contract import Context, Result, handler


class EmulateOptions(BaseModel):
    """How long to work."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(5.0, ge=0, le=86_400, title="Seconds of CPU time")


@handler(title="Emulate heavy work", options=EmulateOptions)
def emulate(context: Context, options: EmulateOptions) -> Result:
    """Keeps one core busy for the chosen time and ignores the file."""
    start = time.monotonic()
    value = rounds = 0
    while (elapsed := time.monotonic() - start) < options.seconds:
        context.progress(elapsed / options.seconds, "Working")
        for number in range(20_000):
            value = (value * 31 + number) & 0xFFFFFFFF
        rounds += 1
    return Result(summary={"seconds": round(elapsed, 3), "rounds": rounds, "checksum": value})
