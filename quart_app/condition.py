"""What a user should know of the servers and the workers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """``away``: silent servers; ``waits``: what workers wait for; ``idle``: no worker runs."""

    away: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    idle: bool = False

    @property
    def troubled(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.away or self.waits or self.idle)
