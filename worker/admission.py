"""How many slots may work, so that every running job can reach its memory limit."""

from collections.abc import Callable, Sequence

from worker import usage

MIB = 1024 * 1024


class Admission:
    """Compares the free memory with what running jobs may still allocate."""

    def __init__(self, memory_bytes: int, free_bytes: Callable[[], int] = usage.free_bytes) -> None:
        """``memory_bytes`` is the limit of one job; ``free_bytes`` returns the free memory."""
        self._memory = memory_bytes
        self._free = free_bytes
        self.refusal: str | None = None

    def slots(self, total: int, resident: Sequence[int]) -> int:
        """Return how many of ``total`` slots may work; :attr:`refusal` says why not all.

        ``resident`` holds the bytes that each working slot's process uses already.
        """
        free = self._free()
        # A running job may still grow to its limit.
        reserved = sum(max(0, self._memory - used) for used in resident)
        more = max(0, (free - reserved) // self._memory)
        allowed = min(total, len(resident) + more)
        self.refusal = None
        if allowed < total:
            self.refusal = (
                f"memory: a job may use {self._memory // MIB:,} MiB (JOB_MEMORY_MB), "
                f"{free // MIB:,} MiB are free"
            )
            if reserved:
                self.refusal += f", {reserved // MIB:,} MiB of them reserved for running jobs"
        return int(allowed)
