"""Errors in the words of programs: problem details.

Format: RFC 9457.
"""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = Field(description="What kind of problem it is, by a stable name.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status, again.")
    detail: str = Field(description="What went wrong this time, and what to do.")


def problem(name: str, status: int, detail: str) -> dict[str, Any]:
    """Describe an error; ``name`` is its class, such as TooLarge."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Checksum Mismatch"  # 460, which only tus knows
    return {
        "type": f"urn:millrace:problem:{words.strip('-')}",
        "title": title,
        "status": status,
        "detail": detail,
    }
