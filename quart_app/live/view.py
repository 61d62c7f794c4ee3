"""What part of the table a client looks at; it stands in the page's address, whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlencode

from processing.errors import BadQuery
from processing.repository import Cursor, Selection, Sort
from processing.states import Status

MOST_SEARCH_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class View:
    """Which files in what order, and from where on."""

    selection: Selection = field(default_factory=Selection)
    after: Cursor | None = None

    @classmethod
    def parse(cls, arguments: Mapping[str, str], statuses: list[str]) -> Self:
        """Read a query string; nonsense in it asks for nothing."""
        sort = arguments.get("sort", "")
        selection = Selection(
            statuses=frozenset(status for status in Status if str(status) in statuses),
            search=arguments.get("q", "").replace("\0", "").strip()[:MOST_SEARCH_CHARACTERS],
            sort=next((known for known in Sort if known == sort), Sort.NEWEST),
        )
        try:
            after = Cursor.parse(arguments["after"]) if "after" in arguments else None
        except BadQuery:
            after = None
        return cls(selection, after)

    @property
    def whole(self) -> bool:
        """Whether it shows everything, from the beginning."""
        return self.after is None and not (self.selection.statuses or self.selection.search)

    def query(self) -> str:
        """The query string that asks for it; '' for the usual one."""
        chosen = self.selection
        pairs = [("status", str(status)) for status in sorted(chosen.statuses)]
        pairs += [("q", chosen.search)] if chosen.search else []
        pairs += [("sort", str(chosen.sort))] if chosen.sort != Sort.NEWEST else []
        pairs += [("after", str(self.after))] if self.after else []
        return urlencode(pairs)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"/?{query}" if (query := self.query()) else "/"

    def only(self, *statuses: Status) -> "View":
        """The same with another filter, from the beginning."""
        return View(replace(self.selection, statuses=frozenset(statuses)))

    def find(self, search: str) -> "View":
        """The same with another search, from the beginning."""
        return View(replace(self.selection, search=search))

    def by(self, key: str) -> "View":
        """The same sorted by ``key``, or the other way round if it is already."""
        first = "-" if key in ("id", "size", "rows", "seconds") else ""
        second = "" if first else "-"
        turned = self.selection.sort == f"{first}{key}"
        return View(replace(self.selection, sort=Sort(f"{second if turned else first}{key}")))

    def order(self, key: str) -> str:
        """How a column is sorted, in the words of aria-sort."""
        if self.selection.sort.lstrip("-") != key:
            return "none"
        return "descending" if self.selection.sort.startswith("-") else "ascending"

    def page(self, after: Cursor | None) -> "View":
        """The page that begins after ``after``."""
        return View(self.selection, after)
