"""A clean table polluted in every way that CSV files are, and how much of it is recovered.

The kinds of pollution are those of the Pollock benchmark (Vitagliano et al., VLDB 2023): each
takes the clean file and changes one thing. Header, records and cells of the output are compared
with the clean table, F1 each.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from worker.handlers.contract import Context
from worker.handlers.profile import profile

ROWS = 84
HEADER = ["id", "day", "time", "product", "price", "quantity", "description", "url", "remark"]
Table = list[list[str]]


@dataclass(frozen=True, slots=True)
class Polluted:
    """One file, and the ``header`` and ``records`` that should be recovered from it."""

    kind: str
    data: bytes
    header: Sequence[str]
    records: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Score:
    """F1 of header names, records and cells, 0–1."""

    header: float
    records: float
    cells: float

    @property
    def mean(self) -> float:
        """The mean of all three."""
        return (self.header + self.records + self.cells) / 3


def table() -> Table:
    """The clean table: every kind of cell, quotes where they are needed."""
    products = ["anvil", "rope, strong", "spring", "magnet", "rocket skates"]
    remarks = ["", "to be sent", 'said "soon"', "first line\nsecond line", "twice, as ever"]
    return [
        [
            str(1000 + n),
            f"2024-{1 + n % 12:02}-{1 + n % 28:02}",
            f"{n % 24:02}:{n * 7 % 60:02}:00",
            products[n % 5],
            f"{10 + n * 37 % 900}.{n % 9 + 1}5",
            str(1 + n * 13 % 40),
            f"Item {n} of the list",
            f"https://example.org/items/{n}",
            remarks[n * 3 % 5],
        ]
        for n in range(ROWS)
    ]


def line(cells: Sequence[str], delimiter: str = ",", quote: str = '"', end: str = "\n") -> str:
    """One record as text."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quotechar=quote, lineterminator="\n").writerow(cells)
    return out.getvalue().removesuffix("\n") + end


def _cells(cells: Sequence[str]) -> list[str]:
    """The cells as text, quoted where needed."""
    return [line([cell]).removesuffix("\n") if cell else "" for cell in cells]


def polluted(every: int = 1) -> Iterator[Polluted]:
    """Yield all files; of those that differ only by row, one in ``every``."""
    records = table()
    rows = [HEADER, *records]
    lines = [line(row) for row in rows]

    def build(kind: str, number: int, text: str) -> Polluted:
        changed = [*lines[:number], text, *lines[number + 1 :]]
        return Polluted(kind, "".join(changed).encode(), HEADER, records)

    for number in range(0, len(rows), every):
        row = rows[number]
        written = _cells(row)
        for column in range(len(row) - 1):
            merged = [*written[:column], written[column] + written[column + 1]]
            text = ",".join([*merged, *written[column + 2 :]])
            yield build("a delimiter removed", number, text + "\n")
        for column in range(len(row)):
            added = [*written[:column], "", *written[column:]]
            yield build("a delimiter added", number, ",".join(added) + "\n")
            for kind, cell in (
                ("a quote at the beginning of a cell", '"' + written[column]),
                ("a quote at the end of a cell", written[column] + '"'),
            ):
                stray = [*written[:column], cell, *written[column + 1 :]]
                yield build(kind, number, ",".join(stray) + "\n")
        yield build("another line end", number, line(row, end="\r\n"))
        yield build("another line end, CR", number, line(row, end="\r"))
        for delimiter in ";\t|":
            yield build("another delimiter", number, line(row, delimiter))
        yield build("another quote", number, line(row, quote="'"))
    yield from _whole(records, lines)


def _whole(records: Table, lines: Sequence[str]) -> Iterator[Polluted]:
    body = "".join(lines[1:])
    head = lines[0]
    clean = head + body

    def made(kind: str, text: str, header: Sequence[str] = HEADER) -> Polluted:
        return Polluted(kind, text.encode(), header, records)

    yield made("clean", clean)
    yield made("no header", body, [f"column_{n + 1}" for n in range(len(HEADER))])
    yield made("the header twice", head + clean)
    yield made("the header thrice", head * 2 + clean)
    yield made("the header again below", clean.replace(lines[40], lines[40] + head, 1))
    for kind, above in (
        ("a title above", "Sales of the year\n"),
        ("a title and a blank line above", "Sales of the year\n\n"),
        ("a preamble of pairs above", "Source:,the shop\nDate:,2024-05-01\n\n"),
        ("a preamble padded with delimiters", "Sales of the year,,,,,,,,\n,,,,,,,,\n"),
        ("comments above", "# made by a program\n# for people\n"),
    ):
        yield made(kind, above + clean)
    for kind, below in (
        ("a second table below", "\nname,count\nanvil,3\nrope,4\nspring,5\n"),
        ("a second table below, no blank line", "name,count\nanvil,3\nrope,4\nspring,5\n"),
        ("a wider table below", "\n" + "".join("a,b,c,d,e,f,g,h,i,j,k\n" for _ in range(5))),
        ("a footer", "End of the list\n"),
        ("blank lines below", "\n\n\n"),
    ):
        yield made(kind, clean + below)
    rows = [HEADER, *records]
    for delimiter in ";\t|":
        text = "".join(line(row, delimiter) for row in rows)
        yield made("a file with another delimiter", text)
    yield made("a file with another quote", "".join(line(row, quote="'") for row in rows))
    for end in ("\r\n", "\r"):
        yield made("a file with other line ends", "".join(line(row, end=end) for row in rows))
    spaced = "".join(", ".join(_cells(row)) + "\n" for row in rows)
    yield made("blanks behind delimiters", spaced)
    escaped = clean.replace('""', '\\"')
    yield made("quotes escaped with \\", escaped)
    yield made("no line end at the end", clean.removesuffix("\n"))


def f1(expected: Iterable[Hashable], found: Iterable[Hashable]) -> float:
    """Harmonic mean of precision and recall of two multisets."""
    wanted, got = Counter(expected), Counter(found)
    common = sum((wanted & got).values())
    total = sum(wanted.values()) + sum(got.values())
    return 2 * common / total if total else 1.0


def score(file: Polluted, found: Sequence[Sequence[str]]) -> Score:
    """Compare the output, its header first, with what should have been recovered."""
    if not found:
        return Score(0.0, 0.0, 0.0)
    header, *records = found
    if header and header[-1] == "_overflow":
        header, records = header[:-1], [row[:-1] for row in records]
    wanted = [tuple(map(_value, row)) for row in file.records]
    got = [tuple(map(_value, row)) for row in records]
    return Score(
        f1(file.header, header),
        f1(wanted, got),
        f1((cell for row in wanted for cell in row), (cell for row in got for cell in row)),
    )


def _value(cell: str) -> str | Decimal:
    """Make 5.00 and 5 equal: a column of decimals has one number of digits."""
    return Decimal(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else cell


def reader(folder: Path) -> Callable[[bytes], Sequence[Sequence[str]]]:
    """Return a function that profiles bytes in an empty folder and returns its clean.csv."""
    original, work = folder / "original", folder / "1"
    original.touch()

    def read(data: bytes) -> Sequence[Sequence[str]]:
        original.write_bytes(data)
        profile(Context(str(original), str(work), "a.csv", lambda *_: None), {})
        with (work / "clean.csv").open(newline="") as file:
            return list(csv.reader(file))

    return read


def evaluate(
    read: Callable[[bytes], Sequence[Sequence[str]]], every: int = 1
) -> dict[str, tuple[int, Score]]:
    """Return per kind of pollution the number of files and the mean scores of ``read``."""
    scores: dict[str, list[Score]] = {}
    for file in polluted(every):
        scores.setdefault(file.kind, []).append(score(file, read(file.data)))
    return {
        kind: (
            len(each),
            Score(*(sum(getattr(s, name) for s in each) / len(each) for name in Score.__slots__)),
        )
        for kind, each in scores.items()
    }
