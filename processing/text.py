"""Text that PostgreSQL can keep: it takes neither NUL nor lone surrogates."""

from typing import Any


def storable(value: Any) -> Any:
    """Return JSON-like ``value`` with every string made storable, keys included."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value
