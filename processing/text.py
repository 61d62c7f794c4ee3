"""Makes text storable: PostgreSQL accepts neither NUL nor lone surrogates."""

from typing import Any


def sanitize_text(value: Any) -> Any:
    """Return JSON-like ``value`` with these characters replaced in every string and key."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {sanitize_text(key): sanitize_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sanitize_text(item) for item in value]
    return value
