"""Cases that other CSV test suites agree on, made anew: bytes, and the cells they mean."""

import duckdb
import pytest

from tests.unit.mill import Profile

Rows = list[tuple[str | None, ...]]

CASES: dict[str, tuple[bytes, list[str], Rows]] = {
    "simple": (b"a,b,c\n1,2,3", ["a", "b", "c"], [("1", "2", "3")]),
    "simple, CRLF": (b"a,b,c\r\n1,2,3", ["a", "b", "c"], [("1", "2", "3")]),
    "CR alone": (b"a,b\r1,2\r3,4\r", ["a", "b"], [("1", "2"), ("3", "4")]),
    "no line end at the end": (b"a,b\n1,2\n3,4", ["a", "b"], [("1", "2"), ("3", "4")]),
    "comma in quotes": (
        b'first,last,address,city,zip\nJohn,Doe,120 any st.,"Anytown, WW",08123\n',
        ["first", "last", "address", "city", "zip"],
        [("John", "Doe", "120 any st.", "Anytown, WW", "08123")],
    ),
    "empty cells, quoted": (
        b'a,b,c\n1,"",""\n2,3,4\n',
        ["a", "b", "c"],
        [("1", None, None), ("2", "3", "4")],
    ),
    "empty cells, quoted, CRLF": (
        b'a,b,c\r\n1,"",""\r\n2,3,4\r\n',
        ["a", "b", "c"],
        [("1", None, None), ("2", "3", "4")],
    ),
    "doubled quotes": (
        b'a,b\n1,"ha ""ha"" ha"\n3,4\n',
        ["a", "b"],
        [("1", 'ha "ha" ha'), ("3", "4")],
    ),
    "JSON in a cell": (
        b'key,val\n1,"{""type"": ""Point"", ""coordinates"": [102.0, 0.5]}"\n',
        ["key", "val"],
        [("1", '{"type": "Point", "coordinates": [102.0, 0.5]}')],
    ),
    "line ends in quotes": (
        b'a,b,c\n1,2,3\n"Once upon \na time",5,6\n7,8,9\n',
        ["a", "b", "c"],
        [("1", "2", "3"), ("Once upon \na time", "5", "6"), ("7", "8", "9")],
    ),
    "CRLF in quotes": (
        b'a,b,c\r\n1,2,3\r\n"Once upon \r\na time",5,6\r\n7,8,9\r\n',
        ["a", "b", "c"],
        [("1", "2", "3"), ("Once upon \r\na time", "5", "6"), ("7", "8", "9")],
    ),
    "quotes and line ends": (
        b'a,b\n1,"ha \n""ha"" \nha"\n3,4\n',
        ["a", "b"],
        [("1", 'ha \n"ha" \nha'), ("3", "4")],
    ),
    "UTF-8": (
        "a,b,c\n1,2,3\n4,5,ʤ\n".encode(),
        ["a", "b", "c"],
        [("1", "2", "3"), ("4", "5", "ʤ")],
    ),
    "byte-order mark in front of a quote": (
        "\ufeff".encode() + b'"a, x",b\n1,2\n',
        ["a, x", "b"],
        [("1", "2")],
    ),
    "every cell quoted": (
        b'"name","n"\n"one","1"\n"two","2"\n',
        ["name", "n"],
        [("one", "1"), ("two", "2")],
    ),
    "only a delimiter in quotes": (b'a,b\n",",1\n";",2\n', ["a", "b"], [(",", "1"), (";", "2")]),
    "a quote in the middle": (
        b'name,n\nMary "Moe" Doe,1\nx,2\ny,3\n',
        ["name", "n"],
        [('Mary "Moe" Doe', "1"), ("x", "2"), ("y", "3")],
    ),
    "escaped by a backslash": (
        b'name,n\n"say \\"hi\\" now",1\n"x",2\n"y",3\n',
        ["name", "n"],
        [('say "hi" now', "1"), ("x", "2"), ("y", "3")],
    ),
    "tabs": (b"a\tb\n1\tx y\n2\tz\n", ["a", "b"], [("1", "x y"), ("2", "z")]),
    "semicolons and decimal commas": (
        b"name;price\nx;1,50\ny;2,25\nz;12,75\n",
        ["name", "price"],
        [("x", "1.50"), ("y", "2.25"), ("z", "12.75")],
    ),
    "pipes": (b"a|b|c\n1|x, y|3\n4|z|6\n", ["a", "b", "c"], [("1", "x, y", "3"), ("4", "z", "6")]),
    "unit separators": (
        b"a\x1fb\n1\x1fx\n2\x1fy\n",
        ["a", "b"],
        [("1", "x"), ("2", "y")],
    ),
    "blanks are data": (b"k,v\n a , b \nc,d\n", ["k", "v"], [(" a ", " b "), ("c", "d")]),
    "blank lines": (b"a,b\n\n1,2\n\n\n3,4\n\n", ["a", "b"], [("1", "2"), ("3", "4")]),
    "empty last cell": (b"a,b,c\n1,2,\n4,5,\n7,8,9\n", ["a", "b", "c"],
                        [("1", "2", None), ("4", "5", None), ("7", "8", "9")]),
    "empty first cell": (b"a,b\n,1\n,2\nx,3\n", ["a", "b"], [(None, "1"), (None, "2"), ("x", "3")]),
    "one column": (b"name\nalpha\nbeta\ngamma\n", ["name"], [("alpha",), ("beta",), ("gamma",)]),
    "one record of one column": (b"n\n1\n", ["n"], [("1",)]),
    "prose between commas": (
        b"id,text,code\n"
        + b"".join(b"%d,ab12 cd34 ef56 gh78 ,c%d\n" % (n, n) for n in range(30)),
        ["id", "text", "code"],
        [(str(n), "ab12 cd34 ef56 gh78 ", f"c{n}") for n in range(30)],
    ),
    "comments above": (
        b"# made by a program\n# on a day\na,b\n1,2\n3,4\n",
        ["a", "b"],
        [("1", "2"), ("3", "4")],
    ),
    "leading zeros": (b"zip,n\n00501,1\n10001,2\n", ["zip", "n"], [("00501", "1"), ("10001", "2")]),
    "numbers beyond 64 bits": (
        b"n,m\n18446744073709551616,1\n5,2\n",
        ["n", "m"],
        [("18446744073709551616", "1"), ("5", "2")],
    ),
    "a line separator of Unicode is data": (
        "a,b\nx\u2028y,1\nz,2\n".encode(),
        ["a", "b"],
        [("x\u2028y", "1"), ("z", "2")],
    ),
    "right to left": ("שם,n\nאבג,1\nדהו,2\n".encode(), ["שם", "n"], [("אבג", "1"), ("דהו", "2")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_comes_back(run: Profile, name: str) -> None:
    data, header, expected = CASES[name]
    result = run(data)
    assert [column["name"] for column in result.summary["columns"]] == header
    with duckdb.connect() as connection:
        found = connection.execute("SELECT COLUMNS(*)::VARCHAR FROM 'clean.parquet'").fetchall()
    assert found == expected
    assert not result.summary["accounting"]["rejected"]
