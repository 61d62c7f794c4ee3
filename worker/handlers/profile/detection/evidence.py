"""Why a property of a file was detected as it was, and how certain that is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """``why`` is a sentence for people, ``confidence`` is 0–1."""

    why: str
    confidence: float

    def describe(self) -> dict[str, object]:
        """Return the JSON for the result."""
        return {"why": self.why, "confidence": round(self.confidence, 2)}


SET_BY_OPTION = Evidence("Set in the options", 1.0)
