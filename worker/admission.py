"""How many slots may work, so that every job can have the memory that it may take."""

from collections.abc import Callable, Sequence

from worker import usage

MIB = 1024 * 1024


class Admission:
    """Weighs the memory that is free against what jobs may still take."""

    def __init__(self, memory_bytes: int, free_bytes: Callable[[], int] = usage.free_bytes) -> None:
        """``memory_bytes``: what one job may take. ``free_bytes`` asks for what is free."""
        self._memory = memory_bytes
        self._free = free_bytes
        self.refusal: str | None = None

    def slots(self, most: int, resident: Sequence[int]) -> int:
        """Return how many of ``most`` slots may work; :attr:`refusal` says why not all.

        ``resident``: bytes that the processes of the working slots have taken already.
        """
        free = self._free()
        # A job that runs may still grow to its limit.
        promised = sum(max(0, self._memory - taken) for taken in resident)
        more = max(0, (free - promised) // self._memory)
        allowed = min(most, len(resident) + more)
        self.refusal = None
        if allowed < most:
            self.refusal = (
                f"memory: a job may take {self._memory // MIB:,} MiB (JOB_MEMORY_MB), "
                f"{free // MIB:,} MiB are free"
            )
            if promised:
                self.refusal += f", {promised // MIB:,} MiB of them promised to running jobs"
        return int(allowed)
