"""Errors for programs: problem details.

Format: RFC 9457.
"""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = Field(description="Stable identifier of the kind of problem.")
    title: str = Field(description="The kind of problem.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What went wrong, and what to do about it.")


def problem_details(name: str, status: int, detail: str) -> dict[str, Any]:
    """Describe an error; ``name``, such as TooLarge or redis-away, becomes the type."""
    slug = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Checksum Mismatch"  # 460, which only tus defines
    return {
        "type": f"urn:millrace:problem:{slug.strip('-')}",
        "title": title,
        "status": status,
        "detail": detail,
    }
