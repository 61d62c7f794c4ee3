"""Values that contain punctuation and must not be cut: times, dates, addresses, numbers.

A delimiter that mostly stands inside such values is not a delimiter.
"""

import re
from functools import lru_cache

_ATOMS = re.compile(
    r"""
      [a-z][a-z0-9+.-]{1,15}://[^\s"'<>|;]+                            # URL
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                                     # e-mail address
    | (?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}                                # MAC address
    | (?:[0-9a-f]{1,4}:){2,7}[0-9a-f]{0,4}(?=[^\w:]|$)                 # IPv6 address
    | \d{1,4}([-/.])\d{1,2}\1\d{1,4}
      (?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\ ?[ap]m)?(?:\ ?(?:z|utc|[+-]\d{2}:?\d{2}))?)?
                                                                       # date, timestamp
    | \d{1,3}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\ ?[ap]m)?                # time
    | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}                      # UUID
    | \d{1,3}(?:\.\d{1,3}){3}                                          # IPv4 address
    | [a-z]:\\[^\s"|,;]+                                               # Windows path
    """,
    re.IGNORECASE | re.VERBOSE,
)


def share_inside(text: str, delimiter: str) -> float:
    """Return the share (0-1) of the occurrences of ``delimiter`` that stand inside a value."""
    total = text.count(delimiter)
    if not total:
        return 0.0
    return sum(value.count(delimiter) for value in _values(text)) / total


@lru_cache(maxsize=1)
def _values(text: str) -> tuple[str, ...]:
    """Return the values in ``text``: every delimiter is asked about the same sample."""
    return tuple(match[0] for match in _ATOMS.finditer(text) if _alone(text, match))


def _alone(text: str, match: re.Match[str]) -> bool:
    """Whether the value is not part of a longer word or number."""
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return not (before.isalnum() or after.isalnum())
