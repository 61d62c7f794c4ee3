"""What one job may use, and what is said when it wanted more."""

from dataclasses import dataclass
from enum import StrEnum

MIB = 1024 * 1024


class Exceeded(StrEnum):
    """The limits that end a job; the values are the outcomes they end as."""

    WALL = "timed out"
    CPU = "out of CPU time"
    MEMORY = "out of memory"
    OUTPUT = "too much output"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds are 0 where there is no limit; the memory is RLIMIT_DATA."""

    memory_bytes: int
    output_bytes: int
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def sentence(self, exceeded: Exceeded) -> str:
        """Say which limit it was, with its figure and its setting."""
        match exceeded:
            case Exceeded.WALL:
                return (
                    f"The job took longer than the {self.wall_seconds:g} s it may take "
                    "(JOB_SECONDS) and was ended."
                )
            case Exceeded.CPU:
                return (
                    f"The job used more than the {self.cpu_seconds:g} s of CPU time it may use "
                    "(JOB_CPU_SECONDS) and was ended."
                )
            case Exceeded.MEMORY:
                return f"The job may take {self.memory_bytes // MIB:,} MiB (JOB_MEMORY_MB)."
            case Exceeded.OUTPUT:
                return (
                    f"The job wrote more than the {self.output_bytes // MIB:,} MiB it may write "
                    "(JOB_OUTPUT_MB) and was ended."
                )
