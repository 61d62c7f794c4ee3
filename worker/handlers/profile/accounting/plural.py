"""Counts in sentences: “1 line”, “1,200 lines”."""


def counted(number: int, noun: str) -> str:
    """Return the number and its noun, with a plural s unless the number is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
