"""Numbers as people and programs write them, and those that must stay as they are."""

import pytest

from tests.field.values import column, profile_column, said, values, written
from tests.unit.mill import Profile, types
from worker.handlers.contract import BadInput

# Texts, type, values, and what must be said.
READ = [
    # Currency signs before and behind, and where the minus may be.
    (["-$12.25", "$-12.25", "$5.00"], "DECIMAL(18, 2)", ["-12.25", "-12.25", "5.00"], "“$”"),
    (["12,50 €", "3 €", "-1.234,50 €"], "DECIMAL(18, 2)", ["12.50", "3.00", "-1234.50"], "“€”"),
    (["EUR 12.50", "EUR 3.25"], "DECIMAL(18, 2)", ["12.50", "3.25"], "“EUR”"),
    (["12.50 USD", "-3.25 USD"], "DECIMAL(18, 2)", ["12.50", "-3.25"], "“USD”"),
    (["£1,000", "£20.5"], "DECIMAL(18, 1)", ["1000.0", "20.5"], "“£”"),
    (["US$5.10", "US$6"], "DECIMAL(18, 2)", ["5.10", "6.00"], "“US$”"),
    (["12,50 zł", "1 200,00 zł"], "DECIMAL(18, 2)", ["12.50", "1200.00"], "“zł”"),
    (["CHF 1'200.50", "CHF 3.00"], "DECIMAL(18, 2)", ["1200.50", "3.00"], "“CHF”"),
    # Parentheses.
    (["(1,234.00)", "5.00"], "DECIMAL(18, 2)", ["-1234.00", "5.00"], "parentheses"),
    (["$(5.00)", "$7.00"], "DECIMAL(18, 2)", ["-5.00", "7.00"], "parentheses"),
    (["($5.25)", "$7.00"], "DECIMAL(18, 2)", ["-5.25", "7.00"], "parentheses"),
    (["(1.234,50)", "2,00"], "DECIMAL(18, 2)", ["-1234.50", "2.00"], "parentheses"),
    # Trailing minus.
    (["5,00-", "2.000,00"], "DECIMAL(18, 2)", ["-5.00", "2000.00"], ""),
    (["5.00-", "7.25"], "DECIMAL(18, 2)", ["-5.00", "7.25"], ""),
    (["12.50- €", "3.00 €"], "DECIMAL(18, 2)", ["-12.50", "3.00"], "“€”"),
    # Other minus signs.
    (["\u2212100,00", "-5,50"], "DECIMAL(18, 2)", ["-100.00", "-5.50"], ""),
    (["\u20135.5", "3.5"], "DECIMAL(18, 1)", ["-5.5", "3.5"], ""),
    (["\u22122", "3"], "DECIMAL(18, 0)", ["-2", "3"], ""),
    # Groups.
    (["1\u2019234.50", "7.00"], "DECIMAL(18, 2)", ["1234.50", "7.00"], ""),
    (["1'234'567", "89"], "DECIMAL(18, 0)", ["1234567", "89"], ""),
    (["1\u202f234,5", "7"], "DECIMAL(18, 1)", ["1234.5", "7.0"], ""),
    (["1\u00a0234\u00a0567", "12"], "DECIMAL(18, 0)", ["1234567", "12"], ""),
    (["1 234 567", "12 000"], "DECIMAL(18, 0)", ["1234567", "12000"], ""),
    (["1,234,567.5", "7"], "DECIMAL(18, 1)", ["1234567.5", "7.0"], ""),
    (["1,23,456.00", "12,34,567.50"], "DECIMAL(18, 2)", ["123456.00", "1234567.50"], ""),
    (["₹1,23,456", "₹999"], "DECIMAL(18, 0)", ["123456", "999"], "“₹”"),
    (["50,00,000", "1,00,000"], "DECIMAL(18, 0)", ["5000000", "100000"], ""),
    # Plus signs, and bare marks.
    (["+1.5", "-2.25", "0"], "DECIMAL(18, 2)", ["1.50", "-2.25", "0.00"], ""),
    (["+0.1", "+12.5"], "DECIMAL(18, 1)", ["0.1", "12.5"], ""),
    (["+1,5", "-2,5"], "DECIMAL(18, 1)", ["1.5", "-2.5"], ""),
    ([".5", "5.", "1.25"], "DOUBLE", ["0.5", "5.0", "1.25"], ""),
    (["-.5", ".25"], "DOUBLE", ["-0.5", "0.25"], ""),
    ([",5", "1,25"], "DECIMAL(18, 2)", ["0.50", "1.25"], ""),
    # Floating point.
    (["1.5", "inf", "-inf"], "DOUBLE", ["1.5", "inf", "-inf"], ""),
    (["1.5", "Infinity", "nan"], "DOUBLE", ["1.5", "inf", None], "Read as no value: 1 × “nan”"),
    (["1,5E-05", "2,5"], "DOUBLE", ["1.5e-05", "2.5"], ""),
    (["6.02E+23", "1e-7"], "DOUBLE", ["6.02e+23", "1e-07"], ""),
    (["0.8414709848078965", "1e-7"], "DOUBLE", ["0.8414709848078965", "1e-07"], ""),
    # Percent.
    (["12.5%", "3%"], "DECIMAL(18, 1)", ["12.5", "3.0"], "“%”"),
    (["12,5 %", "3,0 %"], "DECIMAL(18, 1)", ["12.5", "3.0"], "“%”"),
    (["0", "4%", "-5%"], "DECIMAL(18, 0)", ["0", "4", "-5"], "“%”"),
    # What shows nothing, and guards against spreadsheets.
    (["\u200e5", "12"], "DECIMAL(18, 0)", ["5", "12"], "invisible"),
    (["5\u200f", "-\u200e7"], "DECIMAL(18, 0)", ["5", "-7"], "invisible"),
    (["1.5\u200b", "2.5"], "DECIMAL(18, 1)", ["1.5", "2.5"], "invisible"),
    (["'-75.63", "12.50"], "DECIMAL(18, 2)", ["-75.63", "12.50"], "apostrophe"),
    (["'12", "'13"], "DECIMAL(18, 0)", ["12", "13"], "apostrophe"),
    (["'+1.5", "2.5"], "DECIMAL(18, 1)", ["1.5", "2.5"], "apostrophe"),
    (['="00123"', '="00456"'], "VARCHAR", ["00123", "00456"], "formula"),
    (['="123"', "456"], "BIGINT", ["123", "456"], "formula"),
    (['="A-1"', "B-2"], "VARCHAR", ["A-1", "B-2"], "formula"),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "type_", "expected", "words"), READ)
def test_numbers_are_read(
    run: Profile, texts: list[str], type_: str, expected: list[str | None], words: str
) -> None:
    result = profile_column(run, texts)
    assert (column(result)["type"], values(result)) == (type_, expected)
    assert words in said(result)


KEPT = [
    # More digits than a number has.
    (["9007199254740993", "9.0072E+15"], "more digits than a floating point number keeps"),
    (["123456789012.345678", "1E3"], "more digits than a floating point number keeps"),
    (["1e-400", "1.5"], "more digits than a floating point number keeps"),
    (["1" * 39, "2"], "more than 38 digits"),
    (["1" * 30 + "." + "1" * 20, "2"], "more than 38 digits"),
    (["1" + ",000" * 13, "2"], "more than 38 digits"),
    # Two ways in one column.
    (["2.1", "2,1", "3.5"], "decimal comma"),
    (["2.1", "2,15", "2,1", "3.5"], "decimal comma"),
    (["$2.10", "2,10 $", "3.50 $"], "decimal comma"),
    (["12.50 USD", "3.00 EUR"], "different units (1 × “EUR”, 1 × “USD”)"),
    (["$5", "€6", "€7"], "different units (2 × “€”, 1 × “$”)"),
    (["5%", "6 €"], "different units"),
    (["12.5%", "3", "4%"], "1 of 3 values lack the unit “%”"),
    # Two readings, and nothing that tells.
    (["12.345", "1.234"], "Ambiguous numbers"),
    (["12,345", "1,234"], "Ambiguous numbers"),
    (["$1.234", "$5"], "Ambiguous numbers"),
    # Codes.
    (["600 123 456", "601 222 333"], "as identifiers do"),
    (["552\u00a0100\u00a0554", "552\u00a0100\u00a0555"], "as identifiers do"),
    (["110 001", "110 002"], "as identifiers do"),
    (["+15550100", "+15550101"], "plus sign"),
    (["(1)", "(2)"], "parentheses"),
    (["00501", "00502"], ""),
    (["1.2.3", "1.2.4"], ""),
    (["192.168.0.1", "10.0.0.1"], ""),
    (["1-2", "3-4"], ""),
    (["5 kg", "6 kg"], ""),
    (["inf", "Infinity"], ""),
    (["1,23,4", "5"], ""),
]


@pytest.mark.parametrize(("texts", "words"), KEPT)
def test_what_is_no_number_stays_as_it_is(run: Profile, texts: list[str], words: str) -> None:
    result = profile_column(run, texts)
    assert (column(result)["type"], values(result)) == ("VARCHAR", texts)
    assert words in said(result)


@pytest.mark.parametrize(
    ("texts", "unit"),
    [(["12.5%", "3%"], "%"), (["$1", "$2"], "$"), (["1,5 €", "2,5"], "€"), (["1.5", "2.5"], None)],
)
def test_the_unit_is_in_the_profile(run: Profile, texts: list[str], unit: str | None) -> None:
    assert column(profile_column(run, texts)).get("unit") == unit


@pytest.mark.parametrize(
    ("other", "texts", "type_", "first"),
    [
        (["1,5", "2,5"], ["12.345", "1.234"], "DECIMAL(18, 0)", "12345"),
        (["1.5", "2.5"], ["12.345", "1.234"], "DECIMAL(18, 3)", "12.345"),
        (["1,5", "2,5"], ["1,121", "2,122"], "DECIMAL(18, 3)", "1.121"),
        (["1.5", "2.5"], ["1,121", "2,122"], "DECIMAL(18, 0)", "1121"),
        (["1.234,5", "2"], ["1,121", "2,122"], "DECIMAL(18, 3)", "1.121"),
        (["0.125", "2"], ["12,345", "1,234"], "DECIMAL(18, 0)", "12345"),
        (["1", "2"], ["12,345", "1,234"], "VARCHAR", "12,345"),
        (["1 234", "5"], ["12,345", "1,234"], "VARCHAR", "12,345"),
    ],
)
def test_another_column_proves_the_decimal_mark(
    run: Profile, other: list[str], texts: list[str], type_: str, first: str
) -> None:
    lines = ["a;b", *(";".join(pair) for pair in zip(other, texts, strict=True))]
    result = run("\n".join(lines).encode())
    assert (column(result)["type"], values(result)[0]) == (type_, first)
    assert ("as column “a” shows" in said(result)) == (type_ != "VARCHAR")


def test_columns_that_disagree_prove_nothing(run: Profile) -> None:
    result = run(b"a;b;c\n1,5;12.345;1.5\n2,5;1.234;2.5\n")
    assert types(result) == {"a": "DECIMAL(18, 1)", "b": "VARCHAR", "c": "DECIMAL(18, 1)"}
    assert "Ambiguous" in said(result)


@pytest.mark.parametrize(
    ("texts", "options", "type_", "first"),
    [
        (["1.234", "5.678"], {"thousands": "."}, "DECIMAL(18, 0)", "1234"),
        (["1,234", "5,678"], {"thousands": ","}, "DECIMAL(18, 0)", "1234"),
        (["1,234", "5,678"], {"thousands": "."}, "DECIMAL(18, 3)", "1.234"),
        (["1.234", "5.678"], {"decimal": "point"}, "DECIMAL(18, 3)", "1.234"),
        (["1", "2"], {"types": "v=text"}, "VARCHAR", "1"),
        (["20240105", "20240106"], {"types": "v=date"}, "DATE", "2024-01-05"),
        (["1", "2"], {"types": "id=text;v=integer"}, "BIGINT", "1"),
        (["12.5%", "3%"], {"types": "v=text"}, "VARCHAR", "12.5%"),
    ],
)
def test_options_force_a_reading(
    run: Profile, texts: list[str], options: dict[str, str], type_: str, first: str
) -> None:
    result = profile_column(run, texts, **options)
    assert (column(result)["type"], values(result)[0]) == (type_, first)


def test_columns_may_be_named(run: Profile) -> None:
    result = run(b"a,b,c\n1,2,3\n4,5,6\n", names="x|y", types="y=text")
    assert types(result) == {"x": "BIGINT", "y": "VARCHAR", "c": "BIGINT"}
    for names in ("x|c", "1|2|3|4"):
        with pytest.raises(BadInput, match="names"):
            run(b"a,b,c\n1,2,3\n4,5,6\n", names=names)


@pytest.mark.parametrize("options", [{"names": "x|X"}, {"names": "x||y"}, {"types": "v=word"}])
def test_options_without_sense_are_refused(run: Profile, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"name of its own|the types are"):
        run(b"a,b,c\n1,2,3\n", **options)


@pytest.mark.parametrize(
    ("texts", "options", "expected"),
    [
        (["-0.0", "0.166023", "0.1660230"], {}, ["-0.0", "0.166023", "0.1660230"]),
        (["1.50", "2", "NA"], {}, ["1.50", "2", ""]),
        (["1e5", "2.50"], {}, ["1e5", "2.50"]),
        (["$1,234.50", "(5.0)"], {}, ["1234.50", "-5.0"]),
        (["1.234,50", "2"], {}, ["1234.50", "2"]),
        (["$1,234.50", "NA"], {"spelling": "original"}, ["$1,234.50", "NA"]),
        (["True", "FALSE"], {"spelling": "original"}, ["True", "FALSE"]),
        (["1.2.2024", "31.12.2024"], {"spelling": "original"}, ["1.2.2024", "31.12.2024"]),
    ],
)
def test_clean_csv_keeps_the_digits(
    run: Profile, texts: list[str], options: dict[str, str], expected: list[str]
) -> None:
    profile_column(run, texts, **options)
    assert written() == expected
