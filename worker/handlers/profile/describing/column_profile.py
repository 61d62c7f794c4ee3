"""What a profile says about one column: the entry of ``columns`` in profile.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of numbers: ``values`` at the shares ``of`` (0–1); ``exact`` if no sample was drawn."""

    of: list[float]
    values: list[float | None]
    exact: bool


@dataclass(frozen=True, slots=True)
class Histogram:
    """Values per bin of equal width from ``low`` to ``high``; times in seconds since 1970."""

    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column, its fields in the order of profile.json, whose schema describes them.

    ``empty_texts``, ``null_words`` and ``unit`` are left out of the JSON where they are None.
    """

    name: str
    type: str
    kind: str
    count: int
    nulls: int
    distinct: int
    distinct_exact: bool = False
    unique: bool = False
    min: str | None = None
    max: str | None = None
    mean: float | None = None
    std: float | None = None
    lengths: list[int] | None = None
    quantiles: Quantiles | None = None
    sorted: str | None = None
    top: list[list[Any]] = field(default_factory=list)
    histogram: Histogram | None = None
    looks_like: str | None = None
    warnings: list[str] = field(default_factory=list)
    empty_texts: int | None = None
    null_words: Mapping[str, int] | None = None
    unit: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON for the result."""
        found = asdict(self)
        for optional in ("empty_texts", "null_words", "unit"):
            if found[optional] is None:
                del found[optional]
        return found
