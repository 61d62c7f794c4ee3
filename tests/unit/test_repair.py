"""How single records are read, repaired and described; each case is one rule."""

from pathlib import Path

import pytest

from tests.unit.mill import Profile, cells
from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.comments import Comments
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.detection.other_dialect import (
    read_in_other_dialect,
    unwrap_single_quotes,
)
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat, parse
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.repair.complete_line import complete_line_test
from worker.handlers.profile.repair.lookahead import read_record
from worker.handlers.profile.repair.record import fit_to_width

COMMA = CsvFormat(",")
SHAPES = ("integer", None, "date")
DAY = "2024-01-01"


FEW, MANY = "too few cells: 2 instead of 3", "too many cells: 4 instead of 3"


@pytest.mark.parametrize(
    ("record", "expected", "overflow", "reason", "action"),
    [
        (["1", "x"], ["1", "x", None], None, FEW, "last cell left empty"),
        (["1", DAY], ["1", None, DAY], None, FEW, "cell 2 left empty"),
        (
            ["1"], ["1", None, None], None,
            "too few cells: 1 instead of 3", "last 2 cells left empty",
        ),
        (
            ["1", "New", "York", DAY], ["1", "New,York", DAY], None,
            MANY, "cells 2 and 3 joined",
        ),
        (
            ["1", "x", DAY, None], ["1", "x", DAY], None,
            MANY, "extra empty cell dropped",
        ),
        (
            ["1", "x", DAY, None, None], ["1", "x", DAY], None,
            "too many cells: 5 instead of 3", "extra empty cells dropped",
        ),
        (
            ["1", "x", DAY, "y"], ["1", "x", DAY], "y",
            MANY, "extra cell moved to the overflow column",
        ),
        (
            ["1", "x", DAY, "y", "z"], ["1", "x", DAY], "y,z",
            "too many cells: 5 instead of 3", "extra cells moved to the overflow column",
        ),
    ],
)  # fmt: skip
def test_a_ragged_record_gets_the_width_of_its_table(
    record: list[Cell], expected: list[Cell], overflow: str | None, reason: str, action: str
) -> None:
    repaired = fit_to_width(record, 3, SHAPES, ",")
    assert (repaired.cells, repaired.overflow) == (expected, overflow)
    assert (repaired.reason, repaired.action) == (reason, action)


@pytest.mark.parametrize(
    ("text", "reason", "action"),
    [
        ('"1,x,2"', "the whole row is one quoted cell", "split into cells"),
        ("'1','x','2'", "cells are quoted with '", "read with ' as the quote character"),
        ("1;x;2", "the row is separated by ;", "split at ;"),
        ("1\tx\t2", "the row is separated by a tab", "split at a tab"),
    ],
)
def test_a_record_in_another_dialect_is_read_in_it(text: str, reason: str, action: str) -> None:
    repaired = read_in_other_dialect(text, COMMA, 3, parse(text, COMMA).cells)
    assert repaired is not None
    assert repaired.cells == ["1", "x", "2"]
    assert (repaired.reason, repaired.action) == (reason, action)


@pytest.mark.parametrize("text", ["1,2,3;4;5;6", "1;2;3", "1"])
def test_other_dialects_do_not_explain_a_ragged_record(text: str) -> None:
    assert read_in_other_dialect(text, COMMA, 4, parse(text, COMMA).cells) is None


def test_single_quotes_are_removed_if_most_cells_have_them() -> None:
    unwrapped = unwrap_single_quotes(["'it''s'", "'x'", "1", None], COMMA)
    assert unwrapped is not None
    assert unwrapped.cells == ["it's", "x", "1", None]
    assert unwrap_single_quotes(["'x'", "1", "2"], COMMA) is None


@pytest.mark.parametrize(
    ("lines", "line_count", "last"),
    [
        (['1,"x', 'y"', "2,z"], 2, "x\ny"),
        (['1,"x', "y", 'z"', "2,z"], 3, "x\ny\nz"),
        # Without a closing quote, or with text after it, the line is a record by itself.
        (['1,"x', "2,y", "3,z"], 1, None),
        (['1,"x', '2,"y', "3,z"], 1, None),
        # Twenty complete records are not the text of a cell, even if a quote comes later.
        (['1,"x', *["2,y"] * 20, 'z"', "3,z"], 1, None),
        (['1,"x', *["2,y"] * 19, 'z"', "3,z"], 21, "x\n" + "2,y\n" * 19 + "z"),
    ],
)
def test_a_record_continues_to_its_closing_quote(
    tmp_path: Path, lines: list[str], line_count: int, last: str | None
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    reader = LineReader(path)
    line = reader.next()
    assert line is not None
    record = read_record(reader, line.decode(), COMMA, 2)
    reader.close()
    assert record.line_count == line_count
    if last is None:
        assert not record.parsed.well_formed
    else:
        assert record.parsed.cells[-1] == last


def _layout() -> Layout:
    return Layout(
        columns=("a", "b"),
        first_line=2,
        header_end=1,
        header_rows=(("a", "b"),),
        preamble=(),
        preamble_lines=0,
        rejected_until=0,
        value_shapes=(None, None),
        trailing_delimiters=False,
        is_plain=False,
    )


@pytest.mark.parametrize(
    ("line", "complete"),
    [
        (b"1,x", True), (b",", False), (b",x", True), (b"total,1", False), (b"1,it's", True),
        (b"1", False), (b"1,2,3", False), (b'1,"x"', False), (b'1,x"', False), (b"'1',x", False),
        (b"1,'x'", False), (b"a,b", False), (b"#1,x", False), (b"", False),
    ],
)  # fmt: skip
def test_only_complete_lines_are_copied(line: bytes, complete: bool) -> None:
    assert (
        complete_line_test(Dialect(COMMA, "LF", 2, "#", Comments("#")), _layout())(line) is complete
    )


@pytest.mark.parametrize("csv_format", [CsvFormat(",", padded=True), CsvFormat(",", escape="\\")])
def test_no_line_is_copied_if_its_cells_have_to_be_changed(csv_format: CsvFormat) -> None:
    assert not complete_line_test(Dialect(csv_format, "LF", 2), _layout())(b"1,x")


def test_the_raw_text_of_a_repair_is_all_of_the_record(run: Profile) -> None:
    result = run(b"a,b\n1,2\n\"'x\ny'\",'z'\n3,4\n5\n")
    repair, _ = result.summary["repairs"]
    assert (repair["line"], repair["raw"]) == (3, "\"'x\ny'\",'z'")
    assert cells(result)[1] == ("x\ny", "z")


def test_rejects_name_the_part_of_the_file_they_are_in(run: Profile) -> None:
    result = run(
        b"name;n\n" + b"x;1\n" * 6 + b"\nday;place;hour\n" + b"2024-01-02;here;10:00\n" * 4
    )
    reasons = {reject["reason"] for reject in result.summary["rejects"]}
    assert reasons == {"part of a second table, which starts on line 9"}


def test_counts_agree_with_their_nouns() -> None:
    assert [counted(n, "line") for n in (0, 1, 1200)] == ["0 lines", "1 line", "1,200 lines"]
