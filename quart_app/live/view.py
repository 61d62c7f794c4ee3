"""Which part of the table a client sees: filter, search, sort and page, all in the page's URL."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlencode

from processing.errors import BadQuery
from processing.repository import Cursor, Selection, Sort
from processing.states import Status

MAX_SEARCH_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class View:
    """A selection of files in an order, from a position on."""

    selection: Selection = field(default_factory=Selection)
    after: Cursor | None = None

    @classmethod
    def parse(cls, arguments: Mapping[str, str], statuses: list[str]) -> Self:
        """Read a query string, ignoring invalid values."""
        sort = arguments.get("sort", "")
        selection = Selection(
            statuses=frozenset(status for status in Status if str(status) in statuses),
            search=arguments.get("q", "").replace("\0", "").strip()[:MAX_SEARCH_CHARACTERS],
            sort=next((known for known in Sort if known == sort), Sort.NEWEST),
        )
        try:
            after = Cursor.parse(arguments["after"]) if "after" in arguments else None
        except BadQuery:
            after = None
        return cls(selection, after)

    @property
    def is_default(self) -> bool:
        """Whether it is unfiltered and starts at the beginning."""
        return self.after is None and not (self.selection.statuses or self.selection.search)

    def query(self) -> str:
        """The query string of this view; '' for the default one."""
        selection = self.selection
        pairs = [("status", str(status)) for status in sorted(selection.statuses)]
        pairs += [("q", selection.search)] if selection.search else []
        pairs += [("sort", str(selection.sort))] if selection.sort != Sort.NEWEST else []
        pairs += [("after", str(self.after))] if self.after else []
        return urlencode(pairs)

    @property
    def url(self) -> str:
        """The page's URL."""
        return f"/?{query}" if (query := self.query()) else "/"

    def with_statuses(self, *statuses: Status) -> "View":
        """The same view with another filter, from the beginning."""
        return View(replace(self.selection, statuses=frozenset(statuses)))

    def with_search(self, search: str) -> "View":
        """The same view with another search, from the beginning."""
        return View(replace(self.selection, search=search))

    def sorted_by(self, key: str) -> "View":
        """The same view sorted by ``key``, reversed if it is sorted by it already."""
        default = "-" if key in ("id", "size", "rows", "seconds") else ""
        reverse = "" if default else "-"
        reversing = self.selection.sort == f"{default}{key}"
        return View(replace(self.selection, sort=Sort(f"{reverse if reversing else default}{key}")))

    def aria_sort(self, key: str) -> str:
        """How the column ``key`` is sorted, as a value of aria-sort."""
        if self.selection.sort.lstrip("-") != key:
            return "none"
        return "descending" if self.selection.sort.startswith("-") else "ascending"

    def starting_after(self, after: Cursor | None) -> "View":
        """The page of this view that starts after ``after``."""
        return View(self.selection, after)
