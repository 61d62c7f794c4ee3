"""The limits of one job, and the messages for exceeding them."""

from dataclasses import dataclass
from enum import StrEnum

MIB = 1024 * 1024


class Exceeded(StrEnum):
    """The limits that end a job; the values are the outcomes they lead to."""

    WALL = "timed out"
    CPU = "out of CPU time"
    MEMORY = "out of memory"
    OUTPUT = "too much output"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in bytes and seconds; 0 seconds means no limit. The memory limit is RLIMIT_DATA."""

    memory_bytes: int
    output_bytes: int
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def describe(self, exceeded: Exceeded) -> str:
        """Return a sentence about an exceeded limit, with its value and its setting."""
        match exceeded:
            case Exceeded.WALL:
                what = f"took longer than {self.wall_seconds:g} s (JOB_SECONDS)"
            case Exceeded.CPU:
                what = f"used more than {self.cpu_seconds:g} s of CPU time (JOB_CPU_SECONDS)"
            case Exceeded.MEMORY:
                # Follows the handler's own sentence.
                return f"A job may use {self.memory_bytes // MIB:,} MiB (JOB_MEMORY_MB)."
            case Exceeded.OUTPUT:
                what = f"wrote more than {self.output_bytes // MIB:,} MiB (JOB_OUTPUT_MB)"
        return f"The job {what}, so it was stopped."
