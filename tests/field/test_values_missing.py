"""Words for no value among values, and words that are too many to be ignored."""

import pytest

from tests.field.values import column, profile_column, said, values
from tests.unit.mill import Profile

NUMBERS = ["1.5", "2.5", "3.5"]
DATES = ["2024-01-01", "2024-01-02", "2024-01-03"]


@pytest.mark.parametrize("good", [NUMBERS, DATES, ["1", "2", "3"]], ids=["decimal", "date", "int"])
@pytest.mark.parametrize(
    "word",
    [".", "..", ":", "-", "--", "\u2014", "\u2013", "*", "#DIV/0!", "#N/A", "#REF!", "#VALUE!",
     "#NAME?", "<NA>", "n.a.", "n/d", "N/A", "NaT", "NULL", "(null)", r"\N", "nan", "None", "?",
     "0000-00-00", "9999-99-99", "0000-00-00 00:00:00"],
)  # fmt: skip
def test_a_word_for_no_value_is_read_as_such(run: Profile, word: str, good: list[str]) -> None:
    result = profile_column(run, [*good, word, word])
    assert column(result)["type"] != "VARCHAR"
    assert values(result) == [*good, None, None]
    assert said(result).startswith(f"Read as no value: 2 × “{word}”.")
    assert column(result)["null_words"] == {word: 2}


@pytest.mark.parametrize("words", [["<NA>", "n.a.", "n/d"], [".", ".."], ["*", ":", "-"]])
def test_all_words_are_counted_and_named(run: Profile, words: list[str]) -> None:
    result = profile_column(run, ["1", *words, words[0], "5"])
    assert column(result)["null_words"] == {word: 1 + (word == words[0]) for word in words}


@pytest.mark.parametrize("word", [".", "*", "NA", "#N/A"])
def test_in_a_column_of_texts_they_are_texts(run: Profile, word: str) -> None:
    texts = ["some", "words", word]
    assert values(profile_column(run, texts)) == texts


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([*map(str, range(18)), "c", "c"], "2 of 20 values are not valid whole numbers (2 × “c”)"),
        ([*map(str, range(18)), "*", "c"], "1 of 19 values is not a valid whole number (1 × “c”)"),
        ([*NUMBERS, "pending"], "1 of 4 values is not a valid number (1 × “pending”)"),
        ([*DATES, "unknown"], "1 of 4 values is not a valid date (1 × “unknown”)"),
    ],
)
def test_other_words_keep_the_column_as_text_and_are_named(
    run: Profile, texts: list[str], words: str
) -> None:
    result = profile_column(run, texts)
    assert (column(result)["type"], values(result)) == ("VARCHAR", texts)
    assert words in said(result)
    word = texts[-1]
    assert f"If that means no value, set the option “nulls” to “{word}”." in said(result)
    # The advice holds.
    assert column(profile_column(run, texts, nulls=word))["type"] != "VARCHAR"


def test_many_different_words_make_a_text(run: Profile) -> None:
    texts = [*map(str, range(12)), *(f"word {letter}" for letter in "abcdefg")]
    result = profile_column(run, texts)
    assert "7 of 19 values" in said(result)
    assert "nulls" not in said(result)


@pytest.mark.parametrize(
    "codes", [["00501", "02134", "90210"], ["A1", "12", "13"], ["1-2", "5", "6"]]
)
def test_codes_among_numbers_are_no_words(run: Profile, codes: list[str]) -> None:
    result = profile_column(run, codes)
    assert (column(result)["type"], values(result), said(result)) == ("VARCHAR", codes, "")
