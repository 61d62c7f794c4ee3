"""How people's files are laid out: delimiters, quotes, headers, and lines that are no records."""

from dataclasses import dataclass

import pytest

from tests.unit.mill import Profile, cells

NUMBERS = range(1, 9)


@dataclass(frozen=True)
class Case:
    """A file, and what has to come of it: the header (None: any), the rows, words of a warning."""

    text: str
    header: list[str] | None
    rows: list[tuple[str | None, ...]]
    said: str = ""


def lines(header: str, row: str, numbers: range = NUMBERS) -> str:
    return "\n".join([header, *(row.format(n=n) for n in numbers)]) + "\n"


def rows(*texts: str, numbers: range = NUMBERS) -> list[tuple[str | None, ...]]:
    return [tuple(text.format(n=n) for text in texts) for n in numbers]


DELIMITERS = {
    f"{sign!r} as the delimiter": Case(
        lines(sign.join(["id", "town", "code"]), sign.join(["{n}", "Town {n}", "c{n}"])),
        ["id", "town", "code"],
        rows("{n}", "Town {n}", "c{n}"),
    )
    for sign in (",", ";", "\t", "|", "^", "~", "$", "&", "!", "||", "::", "|~|", "^^")
}

ONE_COLUMN = {
    "times": Case(lines("at", "0{n}:15:30"), ["at"], rows("0{n}:15:30")),
    "timestamps": Case(
        lines("seen", "2024-05-0{n} 10:00:00"), ["seen"], rows("2024-05-0{n} 10:00:00")
    ),
    "addresses of network cards": Case(
        lines("mac", "00:1b:44:11:3a:b{n}"), ["mac"], rows("00:1b:44:11:3a:b{n}")
    ),
    "links": Case(
        lines("link", "https://x.org/a:b?c={n}&d=1"), ["link"], rows("https://x.org/a:b?c={n}&d=1")
    ),
    "decimal commas": Case(lines("share", "{n},5"), ["share"], rows("{n}.5")),
    "names turned round": Case(
        "author\nMiller, Ann\nJones, Bob\nBaker, Cid\n",
        ["author"],
        [("Miller, Ann",), ("Jones, Bob",), ("Baker, Cid",)],
    ),
    "remarks": Case(
        "remark\nFine, thanks\nOk\nLate, wet, and broken\nNever again\n",
        ["remark"],
        [("Fine, thanks",), ("Ok",), ("Late, wet, and broken",), ("Never again",)],
    ),
    "two words each": Case(lines("Whole name", "Ann{n} Lee{n}"), ["Whole name"],
                           rows("Ann{n} Lee{n}")),
    "hashtags": Case(
        "tag\n#one\ntwo\n#three and more\n", ["tag"], [("#one",), ("two",), ("#three and more",)]
    ),
}  # fmt: skip

QUOTES = {
    "addresses of several lines": Case(
        lines("id,name,address", '{n},Name {n},"Street {n}\nFloor 2\nTown {n}"'),
        ["id", "name", "address"],
        rows("{n}", "Name {n}", "Street {n}\nFloor 2\nTown {n}"),
    ),
    "letters in the second of two columns": Case(
        lines("id;mail", '{n};"Dear {n}\n\nthanks, and bye\nX"'),
        ["id", "mail"],
        rows("{n}", "Dear {n}\n\nthanks, and bye\nX"),
    ),
    "JSON with backslashes": Case(
        lines("id,doc", '{n},"{{\\"k\\": [{n},2], \\"t\\": \\"a, b\\"}}"'),
        ["id", "doc"],
        rows("{n}", '{{"k": [{n},2], "t": "a, b"}}'),
    ),
    "JSON with doubled quotes": Case(
        lines("id,doc", '{n},"{{""k"": [{n},2]}}"'), ["id", "doc"], rows("{n}", '{{"k": [{n},2]}}')
    ),
    "typographic quotes": Case(
        lines("id,name,n", "{n},“Lee, A{n}”,{n}0"), ["id", "name", "n"],
        rows("{n}", "Lee, A{n}", "{n}0"),
    ),
    "guillemets": Case(
        lines("id,name,n", "{n},«Lee, A{n}»,{n}0"), ["id", "name", "n"],
        rows("{n}", "Lee, A{n}", "{n}0"),
    ),
    "every line one quoted cell": Case(
        lines('"id,town,""x"""', '"{n},T{n},""a, b"""'), ["id", "town", "x"],
        rows("{n}", "T{n}", "a, b"),
    ),
    "line feeds inside cells without quotes": Case(
        "id,note,n\r\n1,one,10\r\n2,two\nlines\nmore,20\r\n3,x,30\r\n4,y,40\r\n5,z,50\r\n",
        ["id", "note", "n"],
        [("1", "one", "10"), ("2", "two\nlines\nmore", "20"), ("3", "x", "30"), ("4", "y", "40"),
         ("5", "z", "50")],
    ),
    "apostrophes": Case(
        lines("id;name", "{n};'a;{n}'"), ["id", "name"], rows("{n}", "a;{n}")
    ),
}  # fmt: skip

FRAMES = {
    "a table in Markdown": Case(
        "| id | town |\n|----|:----:|\n" + "".join(f"| {n} | T{n} |\n" for n in NUMBERS),
        ["id", "town"],
        rows("{n}", "T{n}"),
    ),
    "printed by a database": Case(
        " id | town \n----+------\n" + "".join(f"  {n} | T{n}  \n" for n in NUMBERS) + "(8 rows)\n",
        ["id", "town"],
        rows("{n}", "T{n}"),
    ),
    "a declared separator": Case(
        "sep=;\nid;price\n" + "".join(f"{n};{n},5\n" for n in NUMBERS),
        ["id", "price"],
        rows("{n}", "{n}.5"),
    ),
    "another declared separator": Case(
        '"sep=|"\nid|t\n' + "".join(f"{n}|a,{n}\n" for n in NUMBERS), ["id", "t"],
        rows("{n}", "a,{n}"),
    ),
}  # fmt: skip

HEADERS = {
    "years": Case(lines("land;2021;2022", "L{n};{n},5;{n},75"), ["land", "2021", "2022"],
                  rows("L{n}", "{n}.5", "{n}.75")),
    "every fifth year": Case(lines("x,1990,1995,2000", "L{n},{n},{n}1,{n}2"),
                             ["x", "1990", "1995", "2000"], rows("L{n}", "{n}", "{n}1", "{n}2")),
    "a number among words": Case(lines("id,name,404,rate", "{n},a{n},{n}00,{n}.5"),
                                 ["id", "name", "404", "rate"],
                                 rows("{n}", "a{n}", "{n}00", "{n}.5")),
    "units": Case("t,temp,speed\ns,°C,m/s\n" + "".join(f"{n},{n}.5,{n}.25\n" for n in NUMBERS),
                  ["t s", "temp °C", "speed m/s"], rows("{n}", "{n}.5", "{n}.25")),
    "units in brackets": Case(
        "t;p\n[min];[hPa]\n" + "".join(f"{n};{n}.5\n" for n in NUMBERS),
        ["t [min]", "p [hPa]"], rows("{n}", "{n}.5")),
    "types": Case("id,at\nint,timestamp\n" + "".join(f"{n},2024-01-0{n} 10:00\n" for n in NUMBERS),
                  ["id int", "at timestamp"], rows("{n}", "2024-01-0{n} 10:00:00")),
    "groups over years": Case(
        ",Boys,,Girls,\nTown,2020,2021,2020,2021\n"
        + "".join(f"T{n},{n},{n}1,{n}2,{n}3\n" for n in NUMBERS),
        ["Town", "Boys 2020", "Boys 2021", "Girls 2020", "Girls 2021"],
        rows("T{n}", "{n}", "{n}1", "{n}2", "{n}3")),
    "the same name twice": Case("Name,Mail,Mail\nAnn,a1,b1\nBob,a2,b2\nCid,a3,b3\n",
                                ["Name", "Mail", "Mail_2"],
                                [("Ann", "a1", "b1"), ("Bob", "a2", "b2"), ("Cid", "a3", "b3")]),
    "a first record without values": Case(
        "who,points,day\nZoe,open,unknown\n"
        + "".join(f"P{n},{n}.5,2024-01-0{n}\n" for n in NUMBERS),
        ["who", "points", "day"], [("Zoe", "open", "unknown"),
                                   *rows("P{n}", "{n}.5", "2024-01-0{n}")]),
    "wider than most records": Case(
        "id,name,n,x,y\n"
        + "".join(f"{n},a{n},{n}0{',p,q' if n % 3 == 0 else ''}\n" for n in NUMBERS),
        ["id", "name", "n", "x", "y"],
        [(str(n), f"a{n}", f"{n}0", *(("p", "q") if n % 3 == 0 else (None, None)))
         for n in NUMBERS]),
    "the index named on a line of its own": Case(
        ",A,A\n,x,y\nkey,,\n" + "".join(f"k{n},{n},{n}.5\n" for n in NUMBERS), None,
        rows("k{n}", "{n}", "{n}.5")),
    "behind a comment sign": Case(
        "##made by x\n##on a day\n#CHR\tPOS\tQ\n"
        + "".join(f"c{n}\t{n}00\t{n}.5\n" for n in NUMBERS),
        ["#CHR", "POS", "Q"], rows("c{n}", "{n}00", "{n}.5")),
    "once more, spaced otherwise": Case("id,name\n1,a\n id , name\n2,b\n", ["id", "name"],
                                        [("1", "a"), ("2", "b")], "header"),
}  # fmt: skip

AROUND = {
    "pairs above, as wide as the table": Case(
        '"Title","Prices"\n"Code","D7"\n"Unit","%"\n"Note",""\n'
        + "".join(f'"199{n}","{n}.5"\n' for n in NUMBERS), None, rows("199{n}", "{n}.5"), "above"),
    "a title with a comma above decimal commas": Case(
        "Sales of the shop, as of 30 June\n\n" + lines("id;town;sum", "{n};T{n};{n},50"),
        ["id", "town", "sum"], rows("{n}", "T{n}", "{n}.50"), "above"),
    "two titles with commas above few records": Case(
        "Report, weekly\nBern, Switzerland\nday;amount\n01.02.2024;1,50\n02.02.2024;12,75\n"
        "13.02.2024;3,25\n",
        ["day", "amount"],
        [("2024-02-01", "1.50"), ("2024-02-02", "12.75"), ("2024-02-13", "3.25")], "above"),
    "a title with a semicolon above commas": Case(
        "Sales; draft\n" + lines("id,town,n", "{n},T{n},{n}0"), ["id", "town", "n"],
        rows("{n}", "T{n}", "{n}0"), "above"),
    "pairs above, padded": Case(
        "Report,Sales,\nBy,me,\nOn,Monday,\nid,town,n\n"
        + "".join(f"{n},T{n},{n}0\n" for n in NUMBERS), ["id", "town", "n"],
        rows("{n}", "T{n}", "{n}0"), "above"),
    "delimiters at the ends of records": Case(
        lines("a,b", "{n},x{n},"), ["a", "b"], rows("{n}", "x{n}")),
    "delimiters at all ends": Case(
        lines("a;b;", "{n};x{n};"), ["a", "b"], rows("{n}", "x{n}")),
    "many empty cells behind": Case(
        lines("a,b,c", "{n},{n}.5,,,,,"), ["a", "b", "c"],
        [(str(n), f"{n}.5", None) for n in NUMBERS]),
    "comments below the header": Case("a,b\n# one\n# two\n1,2\n# three\n3,4\n", ["a", "b"],
                                      [("1", "2"), ("3", "4")], "3 comment lines"),
    "a comment with commas": Case("t,v\n1,2.5\n# pause, then on\n2,3.5\n3,4.5\n", ["t", "v"],
                                  [("1", "2.5"), ("2", "3.5"), ("3", "4.5")], "1 comment line"),
    "order numbers": Case(lines("ticket,n", "#{n},{n}"), ["ticket", "n"], rows("#{n}", "{n}")),
    "a total": Case(lines("town,n,sum", "T{n},{n},{n}.5") + "Total,36,40.0\n",
                    ["town", "n", "sum"], rows("T{n}", "{n}", "{n}.5"), "footer"),
    "totals and a remark": Case(
        lines("town;n", "T{n};{n}") + "Gesamt;36\n\nStand: Montag\n", ["town", "n"],
        rows("T{n}", "{n}"), "footer"),
    "titles of groups": Case(
        "name,h,rate\nTeam: One\nAnn,5,1.5\nBob,7,2.5\nTeam: Two\nCid,8,3.5\nDan,6,4.5\n",
        ["name", "h", "rate"],
        [("Ann", "5", "1.5"), ("Bob", "7", "2.5"), ("Cid", "8", "3.5"), ("Dan", "6", "4.5")],
        "group title"),
    "empty rows at the end": Case("a,b,c\n1,x,2\n2,y,3\n" + ",,\n" * 30, ["a", "b", "c"],
                                  [("1", "x", "2"), ("2", "y", "3")], "30 empty rows"),
    "empty rows in the middle": Case("a,b\n1,x\n,\n,\n2,y\n", ["a", "b"],
                                     [("1", "x"), (None, None), (None, None), ("2", "y")]),
    "equal lines": Case("x\n" * 20, None, [("x",)] * 20),
    "yes and no": Case("yes\nno\nyes\nyes\nno\n", None,
                       [("yes",), ("no",), ("yes",), ("yes",), ("no",)]),
    "a delimiter too many, padded": Case("a,b,c\n1, 2, 3, \n4, 5, 6\n7, 8, 9\n", ["a", "b", "c"],
                                         [("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9")],
                                         "line 2"),
}  # fmt: skip

CASES = {**DELIMITERS, **ONE_COLUMN, **QUOTES, **FRAMES, **HEADERS, **AROUND}


@pytest.mark.parametrize("name", CASES)
def test_layouts(run: Profile, name: str) -> None:
    case = CASES[name]
    summary = (result := run(case.text.encode())).summary
    header = [column["name"] for column in summary["columns"]]
    assert case.header in (None, header)
    assert [tuple(map(_plain, row)) for row in cells(result)] == [
        tuple(map(_plain, row)) for row in case.rows
    ]
    said = " ".join(summary["warnings"]) + str(summary["rejects"]) + str(summary["repairs"])
    assert case.said in said


def _plain(cell: str | None) -> str | None:
    """A cell as it is compared: booleans as they were written, numbers without ending zeros."""
    if cell in ("true", "false"):
        return {"true": "yes", "false": "no"}[cell]
    return cell
