"""The name of every key that Millrace has in Redis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The keys under one prefix (STREAM_PREFIX); operators find them in docs/operation.md."""

    prefix: str

    @property
    def jobs(self) -> str:
        """Stream with one entry for every open file; read by the consumer group."""
        return f"{self.prefix}:jobs"

    @property
    def job_entries(self) -> str:
        """Hash: file id → id of the file's entry on the job stream."""
        return f"{self.prefix}:jobs:entries"

    @property
    def events(self) -> str:
        """Stream of status changes and progress."""
        return f"{self.prefix}:events"

    @property
    def announced(self) -> str:
        """Hash of the results that were announced on another process's behalf."""
        return f"{self.prefix}:events:told"

    @property
    def cancellations(self) -> str:
        """Stream of cancelled attempts, for workers."""
        return f"{self.prefix}:cancels"

    @property
    def dead_letters(self) -> str:
        """Stream of entries that could not become jobs."""
        return f"{self.prefix}:dead"
