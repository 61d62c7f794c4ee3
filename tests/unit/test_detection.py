"""What is detected of a file, and the evidence that is shown for it."""

import pytest

from tests.unit.mill import Profile, types
from worker.handlers.profile.detection.header import column_names
from worker.handlers.profile.detection.records import SampleRecord, read_records, table_width
from worker.handlers.profile.detection.table_start import first_wide, reread_top
from worker.handlers.profile.detection.value_shapes import value_shape
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat

COMMA = CsvFormat(",")


def _why(run: Profile, data: bytes, part: str, name: str, **options: object) -> str:
    return str(run(data, **options).summary[part]["evidence"][name]["why"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b\n1,2\n3,4\n", "2 columns have names above and values below"),
        (b"a,b\n1,x\n3,y\n", "1 column has a name above and values below"),
        (b"1,2\n3,4\n", "First row looks like data, so there is no header"),
        (b"x,x\ny,z\n", "First row has words that are not repeated below"),
        (b"x,y\nx,z\n", "Values of the first row come again below, so there is no header"),
        (b"x,y\nx,y z\na,y\n", "Values of the first row come again below, so there is no header"),
        (b"name,city\nx,y\n", "First row has words that are not repeated below"),
    ],
)
def test_the_evidence_for_the_header(run: Profile, data: bytes, words: str) -> None:
    assert _why(run, data, "layout", "header") == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'a,b\n1,"x"\n', '1 cell is quoted with "'),
        (b'"a","b"\n"1","x"\n', '4 cells are quoted with "'),
        (b"'a','b'\n'1,2','x'\n", "4 cells are quoted with '"),
        (b'a,b\n1,x"\n', 'Only the end of a cell has a "'),
    ],
)
def test_the_evidence_for_the_quote_counts_cells(run: Profile, data: bytes, words: str) -> None:
    assert _why(run, data, "dialect", "quote") == words


def test_the_evidence_for_delimiter_and_preamble(run: Profile) -> None:
    data = b"Report\n" + b"name,n\n" + b"x,1\n" * 8
    assert _why(run, data, "dialect", "delimiter") == "90% of 10 lines have 2 cells"
    words = "1 line above the table does not look like its rows"
    assert _why(run, data, "layout", "preamble") == words
    assert _why(run, data, "layout", "preamble", skip_lines=1) == "Set in the options"
    assert _why(run, data, "dialect", "delimiter", delimiter=",") == "Set in the options"


def test_a_header_of_another_width_is_doubtful(run: Profile) -> None:
    result = run(b"a,b,c\n" + b"1,2,3,4\n" * 9)
    assert list(types(result)) == ["a", "b", "c", "column_4"]
    found = result.summary["layout"]["evidence"]["names"]
    assert found["why"].startswith("The header has 3 names for 4 columns")
    assert found["confidence"] < 0.5


def _records(*lines: str) -> list[SampleRecord]:
    return read_records(lines, COMMA, {n for n, line in enumerate(lines) if line.startswith("#")})


def test_records_of_a_sample_keep_their_lines() -> None:
    found = read_records(['1,"x', 'y"', "", "# z", '2,"a"b'], COMMA, {3}, skipped_lines=10)
    assert [(record.line, record.line_count, record.well_formed) for record in found] == [
        (11, 2, True),
        (15, 1, False),
    ]
    assert [record.cells for record in found] == [["1", "x\ny"], ["2", '"a"b']]
    assert found[0].next_line == 13


def test_the_width_of_a_table_ignores_titles() -> None:
    assert table_width(_records("Title", "Subtitle", "a,b", "1,2")) == 2
    assert table_width(_records(*["x"] * 7, "a,b")) == 1


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (["a,b,c", "1,2,3"], 0),
        (["Title", "a,b,c", "1,2,3"], 1),
        (["Title,,,,,,,", "a,b,c,d,e,f,g,h", "1,2,3,4,5,6,7,8"], 1),
        (["Title", "a,b", "1,2,3", "4,5,6"], 1),
        (["Title", "1,2", "1,2,3", "4,5,6"], 2),
    ],
)
def test_where_a_table_starts(lines: list[str], start: int) -> None:
    records = _records(*lines)
    assert first_wide([record.cells for record in records], len(records[-1].cells)) == start


def test_a_header_in_another_dialect_is_read_in_it() -> None:
    (header, *_) = reread_top(_records("a;b;c", "1,2,3"), 3, COMMA)
    assert (header.cells, header.well_formed) == (["a", "b", "c"], False)
    unchanged = _records("1;2;3", "1,2,3")  # values: a record that is repaired later
    assert reread_top(unchanged, 3, COMMA) == unchanged


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ([], ["column_1", "column_2", "column_3"]),
        ([["a", "A", None]], ["a", "A_2", "column_3"]),
        ([["a", None, "b", None, "c"]], ["a", "b", "c"]),
        ([["x", None, "y"], ["a", "b", "c"]], ["x a", "x b", "y c"]),
        ([["a", "b", "c"], ["a", "b", "c"]], ["a", "b", "c"]),
    ],
)
def test_columns_are_named_after_all_header_rows(
    header: list[list[Cell]], names: list[str]
) -> None:
    assert column_names(header, 3) == names


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        (None, "empty"), (" ", "empty"), ("n/a", "null"), ("-12", "integer"), ("1,234.5", "number"),
        ("12%", "number"), ("€ 5", "number"), (" 31.12.2024 ", "date"), ("10:30 pm", "time"),
        ("2024-01-01T10:00Z", "timestamp"), ("Yes", "boolean"), ("a@b.org", "email"),
        ("https://x.org/a", "url"), ("two words", "words"), ("a;b", "text"), ("1" * 201, "text"),
    ],
)  # fmt: skip
def test_value_shapes(cell: Cell, shape: str) -> None:
    assert value_shape(cell) == shape
