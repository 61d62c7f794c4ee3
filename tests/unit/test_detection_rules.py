"""How a file is written and where its table stands, judged from its text alone."""

from typing import Any

import pytest

from tests.unit.mill import Profile, cells, types
from worker.handlers.contract import BadInput


def dialect(run: Profile, text: str, **options: object) -> dict[str, Any]:
    found: dict[str, Any] = run(text.encode(), **options).summary["dialect"]
    return found


def confidence(found: dict[str, Any], of: str) -> float:
    return float(found["evidence"][of]["confidence"])


def test_single_quotes_are_quotes_where_cells_stand_in_them(run: Profile) -> None:
    result = run(b"a;b\n'x;1';2\n'y;2';3\n")
    assert result.summary["dialect"]["quote"] == "'"
    assert cells(result) == [("x;1", "2"), ("y;2", "3")]


def test_apostrophes_are_no_quotes(run: Profile) -> None:
    result = run(b"name,n\nO'Neil,1\nthe dogs',2\nD'Arcy,3\n'tis,4\n")
    assert result.summary["dialect"]["quote"] == '"'
    assert [name for name, _ in cells(result)] == ["O'Neil", "the dogs'", "D'Arcy", "'tis"]


def test_double_quotes_win_where_both_are_used(run: Profile) -> None:
    result = run(b"""a,b\n"x,1",'p'\n"y,2",'q'\n"z,3",'r'\n""")
    assert result.summary["dialect"]["quote"] == '"'
    assert cells(result)[0] == ("x,1", "'p'")


def test_a_backslash_escapes_where_it_stands_inside_cells(run: Profile) -> None:
    result = run(b'a,b\n"say \\"hi\\" you",1\n"no",2\n')
    assert result.summary["dialect"]["escape"] == "\\"
    assert cells(result)[0] == ('say "hi" you', "1")


def test_a_backslash_that_ends_a_path_escapes_nothing(run: Profile) -> None:
    result = run(b'a,b\n"C:\\",1\n"D:\\",2\n"E:\\"\n')
    assert result.summary["dialect"]["escape"] is None
    assert cells(result) == [("C:\\", "1"), ("D:\\", "2"), ("E:\\", None)]


def test_doubled_quotes_outvote_a_backslash_among_them(run: Profile) -> None:
    result = run(b'a,b\n"the ""x"" and ""y""",1\n"a ""b"" c",2\n"in \\""z"" too",3\n')
    assert result.summary["dialect"]["escape"] is None
    assert cells(result)[1] == ('a "b" c', "2")


@pytest.mark.parametrize(
    ("text", "padded"),
    [
        ('a, b, c\n1, "x, y", 3\n2, z, 4\n', True),
        ("a, b,c\n1, x,3\n2, y,4\n", False),
        ("a,b,c\n1,x,3\n2,y, 4\n", False),
    ],
)
def test_blanks_beside_delimiters_belong_to_no_cell(run: Profile, text: str, padded: bool) -> None:
    assert dialect(run, text)["padded"] is padded


def test_a_quote_behind_a_blank_opens_a_cell_of_a_padded_file(run: Profile) -> None:
    assert cells(run(b'a, b, c\n1, "x, y", 3\n2, z, 4\n'))[0] == ("1", "x, y", "3")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,2\n", "LF"),
        ("a,b\r\n1,2\r\n", "CRLF"),
        ("a,b\r1,2\r", "CR"),
        ("a,b\n1,2\r\n3,4\n", "mixed"),
        ('a,b\r\n"x\ny",2\r\n', "CRLF"),  # an address with lines of its own
        ("a,b", "LF"),
    ],
)
def test_line_ends_are_named(run: Profile, text: str, name: str) -> None:
    assert dialect(run, text)["line_ends"] == name


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a:b\n1:2\n3:4\n", "colon"),
        ("a b c\n1 2 3\n4 5 6\n", "space"),
        ("a*b*c\n1*2*3\n4*5*6\n", "asterisk"),
        # Times hold colons, and texts blanks and commas, on every line.
        ("time;n\n10:15;1\n11:20;2\n", "semicolon"),
        ("name;n\nan apple;1\na pear;2\n", "semicolon"),
        ("price;n\n1,50;1\n2,75;2\n", "semicolon"),
        ("name|n\nSmith, Ann|1\nJones, Bob|2\n", "pipe"),
        # A comma in every cell but the names is the fraction of a number.
        ("a;b\n1,5;2,5\n3,5;4,5\n", "semicolon"),
    ],
)
def test_a_delimiter_is_told_from_signs_in_cells(run: Profile, text: str, delimiter: str) -> None:
    found = dialect(run, text)
    assert found["delimiter"] == delimiter
    assert 0 < confidence(found, "delimiter") <= 1


def test_confidence_falls_where_another_delimiter_does_nearly_as_well(run: Profile) -> None:
    sure = dialect(run, "a,b,c\n" + "1,2,3\n" * 20)
    unsure = dialect(run, "a,b;c\n" + "1,2;3\n" * 20)
    assert confidence(sure, "delimiter") > 0.9
    assert confidence(unsure, "delimiter") < 0.5
    told = dialect(run, "a,b;c\n" + "1,2;3\n" * 20, delimiter="semicolon")
    assert (told["delimiter"], confidence(told, "delimiter")) == ("semicolon", 1)


def test_what_the_options_say_of_quotes_is_believed(run: Profile) -> None:
    found = dialect(run, "a,b\n$x,1$,2\n", quote="$")
    assert (found["quote"], confidence(found, "quote")) == ("$", 1)
    assert cells(run(b"a,b\n$x,1$,2\n", quote="$")) == [("x,1", "2")]


def test_comments_are_told_from_columns_that_begin_with_their_sign(run: Profile) -> None:
    comments = run(b"# made by x\na,b\n1,2\n# more\n3,4\n")
    assert comments.summary["dialect"]["comment"] == "#"
    assert comments.summary["accounting"]["comment_lines"] == 1
    assert cells(comments) == [("1", "2"), ("3", "4")]
    column = run(b"#id,b\n1,2\n3,4\n")
    assert column.summary["dialect"]["comment"] is None
    assert list(types(column)) == ["#id", "b"]
    everywhere = run(b"#,n\n#1,2\n#2,4\n")
    assert everywhere.summary["dialect"]["comment"] is None
    assert cells(everywhere) == [("#1", "2"), ("#2", "4")]


def test_any_comment_sign_may_be_named(run: Profile) -> None:
    result = run(b"a,b\n1,2\n%x\n%y, z, u\n3,4\n", comment="%")
    assert cells(result) == [("1", "2"), ("3", "4")]
    assert result.summary["accounting"]["comment_lines"] == 2


@pytest.mark.parametrize(
    ("text", "rows", "names"),
    [
        ("name,city\nAnn,Rome\nBob,Oslo\n", 1, ["name", "city"]),
        # Words that come again below are no names; two columns may have the same one.
        ("Ann,Rome\nBob,Oslo\nAnn,Paris\n", 0, ["column_1", "column_2"]),
        ("x,x\ny,z\n", 1, ["x", "x_2"]),
        ("1,x\n2,y\n3,z\n", 0, ["column_1", "column_2"]),
        ("2024-01-02,x\nAnn,y\nBob,z\n", 0, ["column_1", "column_2"]),
        (",\n1,2\n3,4\n", 0, ["column_1", "column_2"]),
        # One value fits in the first row: it is a record with a word where a number was due.
        ("x,1\n2,3\n4,5\n", 0, ["column_1", "column_2"]),
        ("NA,x\n1,y\n2,z\n", 0, ["column_1", "column_2"]),
        # Years are names where the values below are of another kind.
        ("name,2023,2024\nx,1.5,2.5\ny,3.5,4.5\n", 1, ["name", "2023", "2024"]),
        # Units below the names belong to them, also in a short file; other words do not.
        ("Price,Name\nEUR,\n" + "1.5,x\n" * 12, 2, ["Price EUR", "Name"]),
        ("Price,Name\npending,Ann\n" + "1.5,x\n" * 12, 1, ["Price", "Name"]),
        ("Price,,Name\nEUR,USD,text\n" + "1.5,2.5,x\n" * 12, 2,
         ["Price EUR", "Price USD", "Name text"]),
        ("Price,,Name\nEUR,USD,text\n" + "1.5,2.5,x\n" * 6, 2,
         ["Price EUR", "Price USD", "Name text"]),
        ("a,b\na,b\n" + "1,2\n" * 3, 2, ["a", "b"]),
    ],
)  # fmt: skip
def test_headers(run: Profile, text: str, rows: int, names: list[str]) -> None:
    result = run(text.encode())
    assert (result.summary["layout"]["header_rows"], list(types(result))) == (rows, names)
    assert result.summary["layout"]["first_line"] == rows + 1


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_the_options_say_how_many_rows_the_header_has(run: Profile, rows: int) -> None:
    result = run(b"a,b\nc,d\n1,2\n", header=rows)
    assert (result.summary["layout"]["header_rows"], result.rows) == (rows, 3 - rows)
    assert confidence(result.summary["layout"], "header") == 1
    expected = ["column_1", "a", "a c", "a c 1"]
    assert next(iter(types(result))) == expected[rows]


def test_a_header_that_is_longer_than_the_file(run: Profile) -> None:
    result = run(b"a,b\n1,2\n", header=10)
    assert (result.summary["layout"]["header_rows"], result.rows) == (2, 0)


def test_a_header_of_too_few_names_is_flagged(run: Profile) -> None:
    result = run(b"id,name\n1,x,9\n2,y,8\n3,z,7\n")
    assert list(types(result)) == ["id", "name", "column_3"]
    layout = result.summary["layout"]
    assert confidence(layout, "names") < 0.5 < confidence(layout, "header")
    assert any("names" in warning for warning in result.summary["warnings"])
    whole = run(b"id,name,n\n1,x,9\n2,y,8\n3,z,7\n").summary
    assert "names" not in whole["layout"]["evidence"]
    assert whole["warnings"] == []


def test_a_header_with_an_empty_name_too_many(run: Profile) -> None:
    result = run(b"id,name,n,\n1,x,9\n2,y,8\n3,z,7\n")
    assert list(types(result)) == ["id", "name", "n"]
    assert cells(result)[0] == ("1", "x", "9")


def test_a_header_written_otherwise_than_its_records(run: Profile) -> None:
    result = run(b"id,name,n\n1;x;9\n2;y;8\n3;z;7\n")
    assert list(types(result)) == ["id", "name", "n"]
    assert cells(result) == [("1", "x", "9"), ("2", "y", "8"), ("3", "z", "7")]


def test_lines_above_the_table_are_kept_for_the_reader(run: Profile) -> None:
    result = run(b"My report\n\nmade today\na,b,c\n1,2,3\n4,5,6\n")
    layout = result.summary["layout"]
    assert layout["preamble"] == ["My report", "made today"]
    assert layout["first_line"] == 5
    assert 0 < confidence(layout, "preamble") < 1
    assert result.summary["accounting"]["lines_above"] == 2
    assert cells(result) == [("1", "2", "3"), ("4", "5", "6")]


def test_a_title_with_as_many_delimiters_stands_above_a_fuller_table(run: Profile) -> None:
    result = run(b"My report,,,,,\na,b,c,d,e,f\n1,2,3,4,5,6\n7,8,9,1,2,3\n")
    assert list(types(result)) == ["a", "b", "c", "d", "e", "f"]
    assert result.summary["layout"]["preamble"] == ["My report,,,,,"]


def test_lines_skipped_on_request_are_told_apart(run: Profile) -> None:
    result = run(b"x;y;z\na,b\n1,2\n", skip_lines=1)
    layout = result.summary["layout"]
    assert (layout["first_line"], layout["preamble"]) == (3, ["x;y;z"])
    assert confidence(layout, "preamble") == 1
    none = run(b"a,b\n1,2\n", skip_lines=0)
    assert "preamble" not in none.summary["layout"]["evidence"]


def test_nothing_above_the_first_record_is_taken_for_a_preamble_on_request(run: Profile) -> None:
    result = run(b"My report\na,b,c\n1,2,3\n4,5,6\n", skip_lines=0, header=1)
    assert result.summary["accounting"]["read"] == 3
    assert result.summary["layout"]["preamble"] == []


def test_the_most_columns(run: Profile) -> None:
    names = ",".join(f"c{n}" for n in range(2000))
    assert run(f"{names}\n{',' * 1999}\n".encode()).columns == 2000
    with pytest.raises(BadInput, match="columns"):
        run(f"{names},x\n{',' * 2000}\n".encode())


def test_one_column_needs_no_delimiter(run: Profile) -> None:
    result = run(b"n\n1\n2\n30\n")
    assert cells(result) == [("1",), ("2",), ("30",)]


@pytest.mark.parametrize("text", ['a,b\n1,"x"y\n2,z\n', 'a,"b"c\n1,x\n2,z\n', 'a,b\n1,"x\n2,z\n'])
def test_a_malformed_line_is_where_it_is(run: Profile, text: str) -> None:
    layout = run(text.encode()).summary["layout"]
    assert (layout["header_rows"], layout["first_line"]) == (1, 2)


def test_a_word_among_many_values_leaves_a_column_of_values(run: Profile) -> None:
    rows = "".join(f"{n},x{n}\n" for n in range(20))
    few = run(f"n,t\n{rows}zero,y\n".encode()).summary["layout"]
    many = run(f"n,t\n{rows}{rows.replace(',', 'w,')}".encode()).summary["layout"]
    assert few["header_rows"] == many["header_rows"] == 1
    assert confidence(few, "header") > 0.9 > confidence(many, "header")
